"""What is possible at the most: the very network runs of a stage, with nothing else to do."""

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ingest.bare import bare_pictures
from pipeline.inference import Runnable, Tensor
from pipeline.networks import Networks


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One run of a network: which, for what shape, for which outputs."""

    network: Runnable
    shape: tuple[int, ...]
    outputs: tuple[str, ...]


class RecordingNetwork:
    """A network that takes note of every run; on any thread."""

    def __init__(self, network: Runnable, runs: list[Run]) -> None:
        self.device, self.input_shape, self.outputs = (
            network.device,
            network.input_shape,
            network.outputs,
        )
        self._network = network
        self._runs = runs

    @property
    def used(self) -> str:
        """``cpu`` or ``cuda``: where it runs now."""
        return self._network.used

    def run(self, tensor: Tensor, outputs: Sequence[str]) -> Sequence[Tensor]:
        """The named outputs for the rows of one input tensor [n, ...]."""
        self._runs.append(Run(self._network, tensor.shape, tuple(outputs)))
        return self._network.run(tensor, outputs)


def recorded(networks: Networks, runs: list[Run]) -> Networks:
    """The same networks, whose runs are noted in ``runs``."""
    by_role = {role: RecordingNetwork(one, runs) for role, one in networks.by_role.items()}
    return replace(networks, by_role=by_role)


def seconds_alone(runs: Sequence[Run], threads: int, film: Path, pictures: int = 0) -> float:
    """How long these runs on ready tensors, and so many pictures of a film, take in any order.

    Each thread decodes for itself, so that none waits for another.
    """
    tensors = {run.shape: np.full(run.shape, 100, np.float32) for run in runs}
    jobs: list[Run | None] = [*runs, *[None] * pictures]
    random.Random(7).shuffle(jobs)  # noqa: S311 - not for secrets
    waiting = iter(jobs)  # shared: gives each job to one thread

    def work() -> None:
        decoded = bare_pictures(film)
        for job in waiting:
            if job is None:
                next(decoded)
            else:
                job.network.run(tensors[job.shape], job.outputs)

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for thread in [pool.submit(work) for _ in range(threads)]:
            thread.result()
    return time.perf_counter() - began
