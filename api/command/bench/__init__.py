"""``faceapi bench``: how fast it is on this machine, each figure beside what is possible."""
