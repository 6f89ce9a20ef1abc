"""Is every part well? Asked anew each time, and never waited for long."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from pipeline.errors import FaceapiError

_PATIENCE = 3.0
"""Seconds for a part's answer."""

Check = Callable[[], Awaitable[None]]
"""Returns if the part is well; raises a FaceapiError that says what is wrong."""


@dataclass(frozen=True, slots=True)
class Health:
    """The parts that have to be well, by name.

    ``remarks`` say, for some of them, what is worth knowing although it is well.
    """

    parts: Mapping[str, Check]
    remarks: Mapping[str, Callable[[], str]] = field(default_factory=dict)

    @property
    def notes(self) -> Mapping[str, str]:
        """What is worth knowing now."""
        return {part: remark() for part, remark in self.remarks.items()}

    async def troubles(self) -> Mapping[str, str]:
        """For each part what is wrong with it, empty where nothing is."""
        found = await asyncio.gather(*map(_trouble, self.parts.values()))
        return dict(zip(self.parts, found, strict=True))


async def _trouble(check: Check) -> str:
    try:
        await asyncio.wait_for(check(), _PATIENCE)
    except FaceapiError as error:
        return str(error)
    except TimeoutError:
        return f"no answer within {_PATIENCE:g} s"
    return ""
