"""Requests that wait to become one run: no thread and no clock in here."""

from collections import OrderedDict, deque
from collections.abc import Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.calls import Call
from pipeline.inference import Tensor

Rows: TypeAlias = NDArray[np.floating[Any]]
"""[n, ...]: pictures themselves, or numbers that say where they are."""
Asked = TypeVar("Asked", bound=Hashable)
"""What is asked of rows, such as the outputs that are wanted."""
Kind: TypeAlias = tuple[tuple[int, ...], Asked]
"""What requests must have in common to share a run: a row's shape, and what is asked of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Request(Generic[Asked]):
    """Rows for a network; ``answer`` is completed exactly once, whatever happens.

    ``asked_at`` is in seconds of any clock that only grows.
    """

    tensor: Rows
    asked: Asked
    call: Call
    asked_at: float
    answer: Future[Sequence[Tensor]] = field(default_factory=Future)

    @property
    def kind(self) -> Kind[Asked]:
        """What it must have in common with those it shares a run with."""
        return self.tensor.shape[1:], self.asked


class Waiting(Generic[Asked]):
    """The requests that wait, by kind, and in each kind by who asks.

    A batch is due when it is full, or when its oldest request has waited for ``patience`` seconds.
    Of several, the one with the oldest request goes first. In a batch the askers take turns, one
    request each, and whoever was served stands behind the others: a camera with many faces never
    keeps one with a single face waiting.

    Args:
        most: rows of a batch; no request has more.
        patience: in seconds.
    """

    def __init__(self, most: int, patience: float) -> None:
        self._most = most
        self._patience = patience
        self._groups: dict[Kind[Asked], _Group[Asked]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, request: Request[Asked]) -> None:
        """Stand in line."""
        self._groups.setdefault(request.kind, _Group()).put(request)
        self._count += 1

    def delay(self, now: float) -> float | None:
        """Seconds until a batch is due, 0 if one is; None if nobody waits."""
        return min((max(0.0, self._due(group) - now) for group in self._groups.values()),
                   default=None)  # fmt: skip

    def take(self, now: float) -> Sequence[Request[Asked]]:
        """The batch that is due and oldest; empty if none is due."""
        due = [kind for kind, group in self._groups.items() if self._due(group) <= now]
        if not due:
            return []
        kind = min(due, key=lambda one: self._groups[one].oldest)
        taken = self._groups[kind].take(self._most)
        self._forget(kind, len(taken))
        return taken

    def drop(self) -> Sequence[Request[Asked]]:
        """Those that nobody waits for any more; they wait no longer."""
        dropped = list[Request[Asked]]()
        for kind, group in list(self._groups.items()):
            gone = group.drop()
            self._forget(kind, len(gone))
            dropped += gone
        return dropped

    def empty(self) -> Sequence[Request[Asked]]:
        """All of them; nobody waits afterwards."""
        everyone = [request for group in self._groups.values() for request in group.everyone()]
        self._groups.clear()
        self._count = 0
        return everyone

    def _due(self, group: "_Group[Asked]") -> float:
        """The moment from which the group's batch is due; one that is full always was."""
        return float("-inf") if group.rows >= self._most else group.oldest + self._patience

    def _forget(self, kind: Kind[Asked], count: int) -> None:
        self._count -= count
        if not self._groups[kind].rows:
            del self._groups[kind]


class _Group(Generic[Asked]):
    """Requests of one kind: a line for each who asks, and the askers in their order."""

    def __init__(self) -> None:
        self._lines: OrderedDict[object, deque[Request[Asked]]] = OrderedDict()
        self.rows = 0

    @property
    def oldest(self) -> float:
        return min(line[0].asked_at for line in self._lines.values())

    def put(self, request: Request[Asked]) -> None:
        self._lines.setdefault(request.call.asker, deque()).append(request)
        self.rows += len(request.tensor)

    def take(self, most: int) -> list[Request[Asked]]:
        taken, room = list[Request[Asked]](), most
        while self._lines:
            asker, line = next(iter(self._lines.items()))
            if len(line[0].tensor) > room:
                break
            taken.append(line.popleft())
            room -= len(taken[-1].tensor)
            if line:
                self._lines.move_to_end(asker)
            else:
                del self._lines[asker]
        self.rows -= most - room
        return taken

    def drop(self) -> list[Request[Asked]]:
        gone = [request for request in self.everyone() if request.call.gone]
        if gone:
            self._keep([request for request in self.everyone() if not request.call.gone])
        return gone

    def everyone(self) -> list[Request[Asked]]:
        return [request for line in self._lines.values() for request in line]

    def _keep(self, requests: list[Request[Asked]]) -> None:
        self._lines.clear()
        self.rows = 0
        for request in requests:
            self.put(request)
