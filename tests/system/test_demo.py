"""The demo, as somebody who has just come meets it."""

from collections.abc import Callable

import pytest

from api.film import COLLINS, HOPPER, portrait
from tests.system.service import Service, person

pytestmark = pytest.mark.system


def test_one_person_is_named_and_the_other_after_the_visitor_enrolled_her(
    new_service: Callable[..., Service],
) -> None:
    demo = new_service("demo").start()
    assert f"{COLLINS}, who is enrolled" in demo.said()
    with demo.client() as client, demo.live(client, None) as live:
        assert live.named(COLLINS)["type"] == "frame"
        live.until(
            lambda message: any(face["status"] == "unknown" for face in message.get("faces", ())),
            "a stranger",
        )
        person(client, HOPPER, portrait(HOPPER))
        live.named(HOPPER)
    assert demo.stop() == 0
