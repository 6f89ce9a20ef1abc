"""/health: each part is well or says what is wrong, or what is worth knowing though it is well."""

from fastapi import Response

from api.http.health import Health
from api.http.routes.health import Part, health
from pipeline.errors import Transient


class Only:
    """As much of the services as the route wants."""

    def __init__(self, asked: Health) -> None:
        self.health = asked


async def well() -> None:
    """Nothing is wrong."""


async def ill() -> None:
    raise Transient("out of reach")


async def told(asked: Health) -> tuple[int, dict[str, Part]]:
    response, services = Response(), Only(asked)
    answer = await health(response, services)  # type: ignore[arg-type]  # as much as it wants
    return response.status_code, answer.parts


async def test_a_device_that_auto_fell_back_from_is_told_and_the_part_is_well() -> None:
    status, parts = await told(
        Health({"pipeline": well}, {"pipeline": lambda: "runs on the CPU: no CUDA"})
    )
    assert status == 200
    assert parts["pipeline"] == Part(status="well", detail="runs on the CPU: no CUDA")


async def test_what_is_wrong_goes_before_what_is_worth_knowing() -> None:
    status, parts = await told(
        Health({"pipeline": ill, "gallery": well}, {"pipeline": lambda: "slow"})
    )
    assert status == 503
    assert parts["pipeline"] == Part(status="unwell", detail="out of reach")
    assert parts["gallery"] == Part(status="well", detail="")
