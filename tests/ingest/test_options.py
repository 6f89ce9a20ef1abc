"""What a camera can be told, and what it cannot."""

import pytest
from pydantic import ValidationError

from ingest.address import CameraUrl, WhipAddress
from ingest.options import DEFAULTS, CameraOptions, Region, Transport, go_together
from pipeline.errors import BadInput

TRIANGLE = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.25))


@pytest.mark.parametrize(
    ("given", "where", "problem"),
    [
        ({"transport": "quic"}, "transport", "'tcp', 'udp' or 'auto'"),
        ({"decoder": "gpu"}, "decoder", "'cpu', 'cuda' or 'auto'"),
        ({"analysed": 0}, "analysed", "0.01"),
        ({"analysed": "often"}, "analysed", "'all' or 'keys'"),
        ({"connect_timeout": 0}, "connect_timeout", "greater than or equal to 0.1"),
        ({"read_timeout": 61}, "read_timeout", "60"),
        ({"region": {"x": 0.6, "width": 0.5}}, "region", r"x \+ width is 1.1: allowed is 1"),
        ({"region": {"height": 0}}, "height", "greater than 0"),
        ({"region": {"x": float("nan")}}, "x", "less than 1"),
        ({"masks": [[[0, 0], [1, 1]]]}, "masks.0", "at least 3"),
        ({"masks": [[[0, 0], [1, 0], [1.5, 1]]]}, "masks.0.2.0", "less than or equal to 1"),
        ({"masks": [TRIANGLE] * 33}, "masks", "at most 32"),
        ({"masks": [[[0, 0]] * 65]}, "masks.0", "at most 64"),
        ({"colour": "red"}, "colour", "not permitted"),
    ],
)
def test_what_is_not_allowed_is_refused_with_where_and_what_is(
    given: dict[str, object], where: str, problem: str
) -> None:
    with pytest.raises(ValidationError, match=problem) as caught:
        CameraOptions.model_validate(given)
    places = [".".join(map(str, error["loc"])) for error in caught.value.errors()]
    assert any(where in place for place in places)


def test_a_change_keeps_what_it_does_not_name_and_none_is_the_default() -> None:
    before = CameraOptions(transport=Transport.UDP, analysed=5, masks=(TRIANGLE,))
    after = before.changed({"analysed": 2.5, "masks": None})
    assert after == CameraOptions(transport=Transport.UDP, analysed=2.5)
    assert after.changed(dict.fromkeys(CameraOptions.model_fields)) == DEFAULTS


def test_what_changes_while_it_plays_is_no_reason_for_a_new_connection() -> None:
    region = Region(x=0.5, width=0.5)
    options = CameraOptions(transport=Transport.UDP, analysed=5, region=region, masks=(TRIANGLE,))
    assert options.of_connection() == CameraOptions(transport=Transport.UDP)


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.AUTO])
def test_what_is_encrypted_is_not_asked_for_in_the_clear(transport: Transport) -> None:
    options = CameraOptions(transport=transport)
    with pytest.raises(BadInput, match="allowed is tcp for rtsps"):
        go_together(CameraUrl.parse("rtsps://203.0.113.7/live"), options)
    go_together(CameraUrl.parse("rtsp://203.0.113.7/live"), options)
    go_together(WhipAddress(), options)
