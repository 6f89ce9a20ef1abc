"""Whose work a lane does, and whether anybody still waits for it.

Stages are plain functions of pictures: they know neither cameras nor tasks. Networks that join the
work of several cameras must know both, so it goes with the thread, as asyncio's own context does.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class Call:
    """One piece of work; ``gone`` is set, once, when nobody waits for its answer any more."""

    __slots__ = ("asker", "gone")

    def __init__(self, asker: object) -> None:
        self.asker = asker
        self.gone = False

    def do(
        self, work: Callable[Arguments, Answer], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Answer:
        """What ``work`` returns or raises; on this thread it is this call's meanwhile."""
        before = _CALL.set(self)
        try:
            return work(*args, **kwargs)
        finally:
            _CALL.reset(before)


_CALL: ContextVar[Call] = ContextVar("call")


def current_call() -> Call:
    """The one that this thread works for, or one of nobody."""
    return _CALL.get(None) or Call(None)
