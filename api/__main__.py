"""``python -m api`` is the command ``faceapi``."""

from api.command.cli import main

main()
