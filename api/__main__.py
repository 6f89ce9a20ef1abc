"""``python -m api`` is the command ``faceapi``."""

from api.cli import main

main()
