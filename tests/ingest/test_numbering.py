"""Numbers only grow, whatever a camera's connections count."""

from collections.abc import AsyncIterator, Sequence

from ingest.numbering import Numbering
from pipeline.messages import Capture
from tests.fakes import capture


async def given(numbers: Sequence[int]) -> AsyncIterator[Capture]:
    for number in numbers:
        yield capture(number)


async def counted(numbering: Numbering, *numbers: int) -> list[int]:
    return [one.seq async for one in numbering.onwards(given(numbers))]


async def test_a_first_connection_keeps_its_numbers_and_gaps() -> None:
    assert await counted(Numbering(), 0, 1, 4, 5) == [0, 1, 4, 5]


async def test_a_connection_after_a_loss_goes_on() -> None:
    assert await counted(Numbering(), 0, 1, 7, 0, 1, 3, 2) == [0, 1, 7, 8, 9, 11, 12]


async def test_a_connection_whose_first_frames_were_dropped_goes_on() -> None:
    assert await counted(Numbering(), 0, 5, 3, 4) == [0, 5, 6, 7]


async def test_another_beginning_goes_on() -> None:
    numbering = Numbering()
    assert await counted(numbering, 0, 1, 2) == [0, 1, 2]
    assert await counted(numbering, 0, 1, 9) == [3, 4, 12]
