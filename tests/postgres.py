"""A server for tests: ``python postgres.py FOLDER`` says where it is; it ends with its input."""

import asyncio
import dataclasses
import json
import sys
from pathlib import Path

from api.embedded import EmbeddedPostgres


async def serve(folder: Path) -> None:
    async with EmbeddedPostgres(folder) as postgres, asyncio.TaskGroup() as tasks:
        supervising = tasks.create_task(postgres.supervise())
        print(json.dumps(dataclasses.asdict(postgres.address)), flush=True)  # noqa: T201 - its answer
        await asyncio.to_thread(sys.stdin.read)
        supervising.cancel()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
