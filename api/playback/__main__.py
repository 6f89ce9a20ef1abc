"""Playback: only the program starts it."""

from api.playback.messages import TO_PLAYBACK
from api.playback.sessions import run
from api.processes.entry import enter

if __name__ == "__main__":
    enter(TO_PLAYBACK, run)
