"""The program begins with its gallery's pack, whatever the settings say."""

import logging
from dataclasses import dataclass, field
from typing import cast
from unittest.mock import MagicMock

import pytest

from api.program.packs import PackMaker, first_pack
from api.program.switching import Made
from api.store.packs import Packs, UsedPack
from pipeline.build import Pipeline
from pipeline.errors import Misconfigured
from pipeline.messages import PackId
from pipeline.settings import ModelSettings

MODEL = ModelSettings(pack="builtin")


@dataclass
class Maker:
    """Opens any pack, or none."""

    error: Misconfigured | None = None
    opened: list[str] = field(default_factory=list)

    async def make(self, used: UsedPack) -> Made:
        if self.error:
            raise self.error
        self.opened.append(used.id)
        return Made(used, MagicMock(), MagicMock())

    def made(self, used: UsedPack, pipeline: Pipeline) -> Made:
        return Made(used, MagicMock(), pipeline)


class Settled:
    """A gallery whose templates one pack made."""

    def __init__(self, pack: str) -> None:
        self._pack = PackId(pack)

    async def settle(self, configured: UsedPack) -> UsedPack:
        return configured if configured.id == self._pack else UsedPack(self._pack, "")


def configured() -> MagicMock:
    pipeline = MagicMock()
    pipeline.pack.manifest.id = "builtin"
    return pipeline


async def first(maker: Maker, gallery: str, pipeline: MagicMock) -> Made:
    return await first_pack(
        cast("PackMaker", maker), cast("Packs", Settled(gallery)), MODEL, pipeline
    )


async def test_the_configured_pack_is_opened_once() -> None:
    maker, pipeline = Maker(), configured()
    made = await first(maker, "builtin", pipeline)
    assert (made.used.id, made.pipeline is pipeline, maker.opened) == ("builtin", True, [])
    pipeline.opened.close.assert_not_called()


async def test_another_pack_made_the_templates_and_it_is_said_what_to_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    maker, pipeline = Maker(), configured()
    with caplog.at_level(logging.WARNING):
        made = await first(maker, "opencv-zoo", pipeline)
    assert (made.used.id, maker.opened) == ("opencv-zoo", ["opencv-zoo"])
    assert "`faceapi gallery reembed`" in caplog.text
    assert "MODEL_PACK=opencv-zoo" in caplog.text
    pipeline.opened.close.assert_called_once_with()


async def test_a_pack_that_is_gone_stops_the_start_with_a_way_out() -> None:
    maker = Maker(Misconfigured("there is no model pack 'mine'"))
    with pytest.raises(Misconfigured, match="the pack mine made the templates") as error:
        await first(maker, "mine", configured())
    assert "`faceapi gallery reembed --pack builtin`" in str(error.value)
