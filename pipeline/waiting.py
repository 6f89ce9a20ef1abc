"""Requests that wait to become one run: no thread and no clock in here."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeAlias

from pipeline.calls import Call
from pipeline.inference import Tensor

Kind: TypeAlias = tuple[tuple[int, ...], tuple[str, ...]]
"""What requests must have in common to share a run: a row's shape, and the outputs asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """Rows [n, ...] for a network; ``answer`` is completed exactly once, whatever happens.

    ``asked_at`` is in seconds of any clock that only grows.
    """

    tensor: Tensor
    outputs: tuple[str, ...]
    call: Call
    asked_at: float
    answer: Future[Sequence[Tensor]] = field(default_factory=Future)

    @property
    def kind(self) -> Kind:
        """What it must have in common with those it shares a run with."""
        return self.tensor.shape[1:], self.outputs


class Waiting:
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
        self._groups: dict[Kind, _Group] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, request: Request) -> None:
        """Stand in line."""
        self._groups.setdefault(request.kind, _Group()).put(request)
        self._count += 1

    def delay(self, now: float) -> float | None:
        """Seconds until a batch is due, 0 if one is; None if nobody waits."""
        return min((max(0.0, self._due(group) - now) for group in self._groups.values()),
                   default=None)  # fmt: skip

    def take(self, now: float) -> Sequence[Request]:
        """The batch that is due and oldest; empty if none is due."""
        due = [kind for kind, group in self._groups.items() if self._due(group) <= now]
        if not due:
            return []
        kind = min(due, key=lambda one: self._groups[one].oldest)
        taken = self._groups[kind].take(self._most)
        self._forget(kind, len(taken))
        return taken

    def drop(self) -> Sequence[Request]:
        """Those that nobody waits for any more; they wait no longer."""
        dropped = list[Request]()
        for kind, group in list(self._groups.items()):
            gone = group.drop()
            self._forget(kind, len(gone))
            dropped += gone
        return dropped

    def empty(self) -> Sequence[Request]:
        """All of them; nobody waits afterwards."""
        everyone = [request for group in self._groups.values() for request in group.everyone()]
        self._groups.clear()
        self._count = 0
        return everyone

    def _due(self, group: "_Group") -> float:
        """The moment from which the group's batch is due; one that is full always was."""
        return float("-inf") if group.rows >= self._most else group.oldest + self._patience

    def _forget(self, kind: Kind, count: int) -> None:
        self._count -= count
        if not self._groups[kind].rows:
            del self._groups[kind]


class _Group:
    """Requests of one kind: a line for each who asks, and the askers in their order."""

    def __init__(self) -> None:
        self._lines: OrderedDict[object, deque[Request]] = OrderedDict()
        self.rows = 0

    @property
    def oldest(self) -> float:
        return min(line[0].asked_at for line in self._lines.values())

    def put(self, request: Request) -> None:
        self._lines.setdefault(request.call.asker, deque()).append(request)
        self.rows += len(request.tensor)

    def take(self, most: int) -> list[Request]:
        taken, room = list[Request](), most
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

    def drop(self) -> list[Request]:
        gone = [request for request in self.everyone() if request.call.gone]
        if gone:
            self._keep([request for request in self.everyone() if not request.call.gone])
        return gone

    def everyone(self) -> list[Request]:
        return [request for line in self._lines.values() for request in line]

    def _keep(self, requests: list[Request]) -> None:
        self._lines.clear()
        self.rows = 0
        for request in requests:
            self.put(request)
