"""Templates of many photographs, several at once, and why some have none."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from pipeline.enroll import Enroller
from pipeline.errors import BadInput, first_of
from pipeline.messages import Vector

_ABREAST = 4
"""Photographs in memory at once: an image of 40 megapixels takes 120 MB."""

Templates = Mapping[Path, Vector | str]
"""Of each photograph its template, or why it has none."""
Tell = Callable[[int, int], None]
"""Told how many are done, and of how many."""


async def templates_of(photographs: Collection[Path], enroller: Enroller, tell: Tell) -> Templates:
    """What enrollment would make of each of these files; each is read once."""
    found: dict[Path, Vector | str] = {}
    todo = iter(dict.fromkeys(photographs))

    def done(path: Path, outcome: Vector | str) -> None:
        found[path] = outcome
        tell(len(found), len(photographs))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(_ABREAST):
                group.create_task(_work(todo, enroller, done))
    except BaseExceptionGroup as errors:
        raise first_of(errors) from None
    return found


async def _work(
    todo: Iterator[Path], enroller: Enroller, done: Callable[[Path, Vector | str], None]
) -> None:
    """Take one photograph after the other, until none is left."""
    for path in todo:
        try:
            portrait = await enroller.portrait(await enroller.read(path))
        except BadInput as error:
            done(path, str(error))
        else:
            done(path, portrait.template)
