"""A shard: only the program starts it."""

from api.processes.entry import enter
from api.shards.messages import TO_SHARD
from api.shards.shard import run

if __name__ == "__main__":
    enter(TO_SHARD, run)
