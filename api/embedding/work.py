"""Inside the process: photographs are read, embedded and kept, whenever nobody else computes."""

import asyncio
import contextlib
import os
from pathlib import Path
from typing import IO

from api.embedding.messages import VERSION, Alive, Begin, FromEmbedding, Hello, ToEmbedding
from api.processes.child import tell
from api.processes.link import Link, LinkBroken, Outbox
from api.settings.settings import Settings
from api.store.database import Database
from api.store.packs import Packs, StoredPhotograph
from api.store.sealing import Keyring
from pipeline.build import build, open_configured_pack
from pipeline.enroll import Enroller
from pipeline.errors import BadInput, Transient, first_of
from pipeline.messages import FaceId, GalleryId, PackId, Vector

_NICE = 19
"""The last in the line for a core: with another process that computes on it 15 to 1024."""
_AT_ONCE = 8
"""Photographs that are kept together: what a kill costs."""
_PERIOD = 0.5
"""Seconds between two words of how it is, and between two looks for photographs that came late."""
_START = FaceId("00000000-0000-0000-0000-000000000000")


class Embedding:
    """Tries a pack on every face of a gallery that it was not tried on.

    How far it is stands in the database alone: whoever goes on after a kill begins there.
    """

    def __init__(self, packs: Packs, pack: PackId, enroller: Enroller) -> None:
        self._packs = packs
        self._pack = pack
        self._enroller = enroller
        self.trouble = ""
        """Why it does not go on now; empty while it does."""

    async def run(self) -> None:
        """Embed whatever there is, again and again."""
        while True:
            try:
                await self.once()
                self.trouble = ""
            except Transient as error:
                self.trouble = str(error)
            await asyncio.sleep(_PERIOD)

    async def once(self) -> None:
        """Go through the gallery; returns at its end, or where the change was given up.

        Raises:
            Transient: the database is away.
        """
        after = _START
        while waiting := await self._packs.untried(self._pack, after, _AT_ONCE):
            outcomes = await asyncio.gather(*map(self._outcome, waiting))
            if not await self._packs.tried(self._pack, outcomes):
                return
            after = waiting[-1].face

    async def _outcome(self, stored: StoredPhotograph) -> tuple[FaceId, Vector | str]:
        try:
            return stored.face, await self._enroller.again(stored.jpeg)
        except BadInput as error:
            return stored.face, str(error)


async def run(link: Link[FromEmbedding, ToEmbedding], _: IO[str]) -> None:
    """Embed until the program has gone, or ends this.

    Raises:
        LinkBroken: the program has gone, or is of another version.
        Misconfigured: the pack or the keys cannot be used here.
    """
    await link.send([Hello(VERSION)])
    (begin,) = await link.receive()
    if begin.version != VERSION:
        raise LinkBroken(f"the program does not speak version {VERSION} of what travels")
    outbox = Outbox[FromEmbedding]()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(tell(link, outbox))
            alive = group.create_task(_say_it_loads(outbox))
            embedding = await _opened(begin)
            alive.cancel()
            give_way()
            group.create_task(embedding.run())
            group.create_task(_say_how_it_is(outbox, embedding))
            await link.receive()  # nothing comes any more but the end
    except BaseExceptionGroup as errors:
        raise first_of(errors) from None


def give_way() -> None:
    """Let every other process have the cores first.

    Linux has a number for each thread. Where sessions are scheduled as groups, of which each of our
    processes is one, the group's own number counts (sched(7), autogroup).
    """
    for thread in Path("/proc/self/task").iterdir():
        os.setpriority(os.PRIO_PROCESS, int(thread.name), _NICE)
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(_NICE), "ascii")


async def _opened(begin: Begin) -> Embedding:
    settings = Settings.model_validate_json(begin.settings)
    pack = await asyncio.to_thread(
        open_configured_pack, settings.model, settings.faceapi.cache_dir, lambda *_: None
    )
    pipeline = await asyncio.to_thread(build, settings, pack)
    keys = Keyring.open(settings.faceapi.data_dir.expanduser())
    database = await Database.open(begin.database, at_once=False)
    packs = Packs(database, GalleryId(begin.gallery), keys)
    return Embedding(packs, pack.manifest.id, pipeline.enroller())


async def _say_it_loads(outbox: Outbox[FromEmbedding]) -> None:
    while True:
        outbox.put(Alive("it loads its networks"))
        await asyncio.sleep(_PERIOD)


async def _say_how_it_is(outbox: Outbox[FromEmbedding], embedding: Embedding) -> None:
    while True:
        outbox.put(Alive(embedding.trouble))
        await asyncio.sleep(_PERIOD)
