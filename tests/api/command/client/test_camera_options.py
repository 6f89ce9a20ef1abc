"""A camera's options as they are typed."""

import pytest
import typer

from api.command.client.camera_options import options, without_defaults
from ingest.options import CameraOptions, Region, Transport


def test_what_is_typed_is_what_the_service_takes() -> None:
    typed = options("udp", "7.5", "default", None, "5", "0.5,0,0.5,1", ["0,0 0.5,0 0.5,0.25"])
    assert typed["read_timeout"] is None
    assert CameraOptions.model_validate(without_defaults(typed)) == CameraOptions(
        transport=Transport.UDP,
        connect_timeout=7.5,
        analysed=5,
        region=Region(x=0.5, width=0.5),
        masks=(((0, 0), (0.5, 0), (0.5, 0.25)),),
    )


def test_what_is_not_typed_is_not_sent_and_masks_can_be_taken_away() -> None:
    assert options(None, None, None, None, None, None, None) == {}
    assert options(None, None, None, None, "keys", None, ["default"]) == {
        "analysed": "keys",
        "masks": None,
    }


@pytest.mark.parametrize(
    ("typed", "where"),
    [
        ((None, "soon", None, None, None, None, None), "--connect-timeout"),
        ((None, None, None, None, "often", None, None), "--rate"),
        ((None, None, None, None, None, "0,0,1", None), "--region"),
        ((None, None, None, None, None, None, ["0,0 1,1,1 0,1"]), "--mask"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_option(
    typed: tuple[str | None, str | None, str | None, str | None, str | None, str | None, list[str]],
    where: str,
) -> None:
    with pytest.raises(typer.BadParameter) as caught:
        options(*typed)
    assert caught.value.param_hint == where
