"""Embedding of stored photographs: only the program starts it."""

from api.embedding.messages import TO_EMBEDDING
from api.embedding.work import run
from api.processes.entry import enter

if __name__ == "__main__":
    enter(TO_EMBEDDING, run)
