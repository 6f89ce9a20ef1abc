"""A figure beside the limit that was measured with it, as a row of a table and as JSON."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Self


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, in ``unit``, and ``beside`` what: the medians of several rounds.

    ``ratio`` is the median of the rounds' ratios, as machines are shared and rounds alike in that.
    ``target`` is what it is to reach: at least so much of a rate, at most so much of a time.
    """

    name: str
    value: float
    unit: str
    kind: Literal["rate", "time"]
    beside: str = ""
    limit: float | None = None
    ratio: float | None = None
    target: float | None = None

    @classmethod
    def of_rounds(
        cls,
        name: str,
        unit: str,
        kind: Literal["rate", "time"],
        beside: str,
        rounds: Sequence[tuple[float, float]],
        target: float | None = None,
    ) -> Self:
        """From pairs of a figure and its limit."""
        return cls(
            name=name,
            value=statistics.median(value for value, _ in rounds),
            unit=unit,
            kind=kind,
            beside=beside,
            limit=statistics.median(limit for _, limit in rounds),
            ratio=statistics.median(value / limit for value, limit in rounds),
            target=target,
        )

    @property
    def reached(self) -> bool | None:
        """Whether the target is; None if there is none."""
        held = self.value if self.ratio is None else self.ratio
        if self.target is None:
            return None
        return held >= self.target if self.kind == "rate" else held <= self.target


def markdown(figures: Sequence[Figure]) -> Iterator[str]:
    """The lines of a table for people."""
    yield "| what | figure | limit | ratio | target |"
    yield "|---|---|---|---|---|"
    for one in figures:
        limit = "" if one.limit is None else f"{_short(one.limit)} ({one.beside})"
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
        cells = (one.name, f"{_short(one.value)} {one.unit}", limit, ratio, _target(one))
        yield f"| {' | '.join(cells)} |"


def _target(one: Figure) -> str:
    if one.target is None:
        return ""
    least = "at least" if one.kind == "rate" else "at most"
    return f"{least} {one.target:g}{'' if one.reached else ': missed'}"


def _short(number: float) -> str:
    return f"{number:.4g}"
