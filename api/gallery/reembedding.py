"""Another model pack for the gallery: asked for, watched, given up."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from api.gallery.models import named, used_pack
from api.gallery.notifier import ChangeNotifier
from api.store.messages import Conflict, NotFound
from api.store.packs import Packs, Reembedding, Refusal, Stage, Tally
from pipeline.build import open_configured_pack
from pipeline.errors import Misconfigured
from pipeline.packs.manifest import shipped_packs
from pipeline.packs.pack import Pack
from pipeline.settings import ModelSettings


@dataclass(frozen=True, slots=True)
class ReembeddingStatus:
    """A change of the pack as it stands.

    ``waits_for`` says what keeps it from going on, empty if nothing does.
    """

    change: Reembedding
    tally: Tally
    refusals: Sequence[Refusal]
    waits_for: str


class Reembedder:
    """Changes the pack by which people are named, one change at a time.

    Args:
        configured: the settings in force; their pack is the one that is meant where none is named.
        cache: folder of the packs.
    """

    def __init__(
        self, packs: Packs, configured: ModelSettings, cache: Path, notifier: ChangeNotifier
    ) -> None:
        self._packs = packs
        self._configured = configured
        self._cache = cache
        self._notifier = notifier
        self.trouble = ""
        """What keeps the change from going on, as far as this program knows; empty if nothing."""
        self.progress = ""
        """How far the change is, in words; empty if there is none."""

    @property
    def configured(self) -> str:
        """The pack that is meant where none is named."""
        return self._configured.pack

    async def begin(self, pack: str | None, *, leave_behind: bool) -> ReembeddingStatus:
        """Make the templates of everyone anew by ``pack`` (None: the configured one), and use it.

        Raises:
            NotFound: there is no such pack.
            Conflict: it cannot be run here; a change is under way; or people are named by it
                already.
        """
        model = self._model(pack)
        try:
            opened = await asyncio.to_thread(_open, model, self._cache)
        except Misconfigured as error:
            raise Conflict(f"the pack cannot be used: {error}") from error
        to = used_pack(opened.manifest.id, model)
        await self._packs.begin(to, leave_behind=leave_behind)
        self._notifier.notify()
        return await self.status()

    async def status(self) -> ReembeddingStatus:
        """How the latest change stands.

        Raises:
            NotFound: there was none.
        """
        change = await self._packs.reembedding()
        if change is None:
            raise NotFound("the pack has not been changed")
        tally = await self._packs.tally(change.to.id)
        refusals = await self._packs.refusals(change.to.id)
        return ReembeddingStatus(change, tally, refusals, self._waits_for(change, tally, refusals))

    async def leave_behind(self, *, allowed: bool) -> ReembeddingStatus:
        """Say whether people whom the new pack cannot recognize may be lost.

        Raises:
            NotFound: no change is under way.
        """
        await self._packs.leave_behind(allowed=allowed)
        self._notifier.notify()
        return await self.status()

    async def cancel(self) -> None:
        """Give the change up; people go on to be named as they are.

        Raises:
            NotFound: no change is under way.
            Conflict: people are named by the new pack already.
        """
        await self._packs.cancel()
        self._notifier.notify()

    def _model(self, pack: str | None) -> ModelSettings:
        """The settings that open a pack: shipped ones by name, the configured one as it is."""
        if pack is None or pack == self._configured.pack:
            return self._configured
        if pack not in shipped_packs():
            raise NotFound(
                f"there is no pack {pack!r} to change to; allowed: {', '.join(shipped_packs())}, "
                f"or the configured one ({self._configured.pack}): set MODEL_PACK to another "
                "manifest and start the service anew"
            )
        return named(pack, self._configured)

    def _waits_for(self, change: Reembedding, tally: Tally, refusals: Sequence[Refusal]) -> str:
        lost = {one.person for one in refusals if one.lost}
        if change.stage is Stage.EMBEDDING and not tally.left and lost and not change.leave_behind:
            return (
                f"{len(lost)} people have no photograph that {change.to.id} can use: enroll "
                "another one of them, delete them, or allow to leave them behind"
            )
        return "" if change.stage is Stage.DONE else self.trouble


def _open(model: ModelSettings, cache: Path) -> Pack:
    return open_configured_pack(model, cache, lambda *_: None)
