"""What many cameras ask of a network at once becomes one run, on whichever device is idle."""

import threading
import time
from collections.abc import Hashable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from pipeline.calls import current_call
from pipeline.errors import Fatal, Misconfigured
from pipeline.inference import Runnable, Tensor
from pipeline.waiting import Asked, Request, Rows, Waiting

Asked_contra = TypeVar("Asked_contra", contravariant=True, bound=Hashable)

_BATCHES_WAITING = 8
"""So many full batches may wait; who comes then waits to be let in."""


class Answering(Protocol[Asked_contra]):
    """A network on one device, run by one thread."""

    def run(self, tensor: Any, asked: Asked_contra, /) -> Sequence[Tensor]:  # noqa: ANN401 - rows of the type that it takes
        """What is asked, for the rows of ``tensor`` [n, ...], each [n, ...]."""


class Batches(Generic[Asked]):
    """The same network on one or more devices, asked like a single one.

    ``run`` blocks the lane that calls it while its request waits, shares a run with others, and is
    answered. A thread for each device takes the next batch as soon as the device is idle. Batches
    are filled up to a few fixed sizes, so that a device's memory stays as it is. What was asked for
    by a call that is gone (``pipeline.calls``) is dropped before it runs.

    Args:
        networks: the sessions, a device each.
        most: rows of one run.
        patience: seconds that a request waits for others, at most, while a device is idle.
    """

    def __init__(self, networks: Sequence[Answering[Asked]], *, most: int, patience: float) -> None:
        self._networks = networks
        self._most = most
        self._sizes = [*_powers_of_two(most), most]
        self._waiting = Waiting[Asked](most, patience)
        self._bound = _BATCHES_WAITING * most
        self._changed = threading.Condition()
        self._closed = False
        # Daemons: a process that ends by an error must not wait for them.
        self._threads = [
            threading.Thread(target=self._work, args=(network,), name="batches", daemon=True)
            for network in networks
        ]
        for thread in self._threads:
            thread.start()

    def run(self, tensor: Rows, asked: Asked) -> Sequence[Tensor]:
        """What is asked, for the rows of ``tensor`` [n, ...], each [n, ...].

        Raises:
            Fatal: the network does not run any more, or it was closed.
            Misconfigured: its answers are not a row for a row.
            CancelledError: of concurrent.futures; the call is gone, nobody hears it.
        """
        parts = [tensor[at : at + self._most] for at in range(0, len(tensor), self._most)]
        if not parts:
            return self._networks[0].run(tensor, asked)
        requests = [self._ask(part, asked) for part in parts]
        answers = [request.answer.result() for request in requests]
        if len(answers) == 1:
            return answers[0]
        return [np.concatenate(rows) for rows in zip(*answers, strict=True)]

    def close(self) -> None:
        """Take nothing more; what still waits is answered with an error."""
        with self._changed:
            self._closed = True
            left = self._waiting.empty()
            self._changed.notify_all()
        for request in left:
            request.answer.set_exception(Fatal("the networks were closed"))
        for thread in self._threads:
            thread.join()

    def _ask(self, tensor: Rows, asked: Asked) -> Request[Asked]:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._waiting) < self._bound)
            if self._closed:
                raise Fatal("the networks were closed")
            request = Request(tensor, asked, current_call(), time.monotonic())
            self._waiting.put(request)
            self._changed.notify_all()
        return request

    def _work(self, network: Answering[Asked]) -> None:
        while batch := self._next():
            try:
                answers = list(self._run(network, batch))
            except BaseException as error:  # noqa: BLE001 - those who asked hear it, each of them
                for request in batch:
                    request.answer.set_exception(error)
            else:
                for request, answer in zip(batch, answers, strict=True):
                    request.answer.set_result(answer)

    def _next(self) -> Sequence[Request[Asked]]:
        """The next batch, when it is due; empty when there is none to come."""
        with self._changed:
            while not self._closed:
                dropped, now = self._waiting.drop(), time.monotonic()
                for request in dropped:
                    request.answer.cancel()
                batch = self._waiting.take(now)
                if dropped or batch:
                    self._changed.notify_all()  # there is room
                if batch:
                    return batch
                self._changed.wait(self._waiting.delay(now))
        return []

    def _run(
        self, network: Answering[Asked], batch: Sequence[Request[Asked]]
    ) -> Iterator[Sequence[Tensor]]:
        """Each request's rows of the answer, in the batch's order."""
        ends = list(accumulate(len(request.tensor) for request in batch))
        size = next(size for size in self._sizes if size >= ends[-1])
        tensor = np.zeros((size, *batch[0].tensor.shape[1:]), batch[0].tensor.dtype)
        np.concatenate([request.tensor for request in batch], out=tensor[: ends[-1]])
        answers = network.run(tensor, batch[0].asked)
        if any(len(answer) != size for answer in answers):
            raise Misconfigured(
                f"a network answered {size} rows with {[answer.shape for answer in answers]}: it "
                "cannot take several at once; set INFERENCE_BATCH=1"
            )
        for begin, end in zip([0, *ends], ends, strict=False):
            yield [answer[begin:end] for answer in answers]


class BatchedNetwork(Batches[tuple[str, ...]]):
    """The same for pictures that a lane has made ready; what is asked are outputs."""

    def __init__(self, networks: Sequence[Runnable], *, most: int, patience: float) -> None:
        super().__init__(networks, most=most, patience=patience)
        self._runnable, first = networks, networks[0]
        self.device, self.input_shape, self.outputs = first.device, first.input_shape, first.outputs

    @property
    def used(self) -> str:
        """Where it runs now: ``cuda``, or ``cpu,cuda`` where only some are still there."""
        return ",".join(sorted({network.used for network in self._runnable}))

    def run(self, tensor: Rows, outputs: Sequence[str]) -> Sequence[Tensor]:
        """The named outputs; raises as ``Batches`` does."""
        return super().run(tensor, tuple(outputs))


def _powers_of_two(below: int) -> Iterator[int]:
    size = 1
    while size < below:
        yield size
        size *= 2
