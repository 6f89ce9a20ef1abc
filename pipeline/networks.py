"""The networks of a pack, opened where MODEL_DEVICE says and ready to be asked by every camera."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.batching import BatchedNetwork
from pipeline.calibration import takes_several, tried_out
from pipeline.errors import Misconfigured
from pipeline.inference import Network, Runnable
from pipeline.sessions import has_cuda
from pipeline.settings import PipelineSettings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """The sessions of each network, a device each; ``fallen`` says why ``auto`` is on the CPU."""

    sessions: Mapping[str, Sequence[Network]]
    fallen: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Networks:
    """Networks by what they do in the pack; ``at_once`` rows of one of them run side by side."""

    by_role: Mapping[str, Runnable]
    at_once: int
    fallen: str

    def close(self) -> None:
        """End what waits for work."""
        for network in self.by_role.values():
            if isinstance(network, BatchedNetwork):
                network.close()


def open_sessions(paths: Mapping[str, Path], asked: str, engines: Path | None = None) -> Opened:
    """The networks on the devices that MODEL_DEVICE asks for.

    ``engines`` is where TensorRT keeps what it builds; None: without TensorRT.

    Raises:
        Misconfigured: a network cannot be run there; ``auto`` goes to the CPU then.
    """
    if asked != "auto":
        return Opened(_on(paths, devices_of(asked), asked, engines))
    if not has_cuda():
        why = "ONNX Runtime is here without CUDA (it comes with faceapi[gpu])"
        return Opened(_on(paths, ["cpu"], asked), why)
    try:
        return Opened(_on(paths, devices_of(asked), asked, engines))
    except Misconfigured as error:
        return Opened(_on(paths, ["cpu"], asked), str(error))


def devices_of(asked: str) -> Sequence[str]:
    """``cuda:0,1`` as ``cuda:0`` and ``cuda:1``; ``cuda`` is the first one, and so is ``auto``."""
    if asked == "auto":
        asked = "cuda:0"
    kind, _, numbers = asked.partition(":")
    return (
        [kind] if kind == "cpu" else [f"{kind}:{number}" for number in (numbers or "0").split(",")]
    )


def asks_for_gpu(asked: str) -> bool:
    """Whether MODEL_DEVICE asks for a GPU, or would take one that may be here."""
    return asked.startswith("cuda") or (asked == "auto" and has_cuda())


def ready(opened: Opened, settings: PipelineSettings) -> Networks:
    """The networks as the stages ask them: joined over cameras and devices where that is faster.

    A CPU takes one picture at a time, in every lane, unless INFERENCE_BATCH says otherwise. A GPU
    takes as many as a short trial shows to be worth it.
    """
    if opened.fallen:
        _log.warning("MODEL_DEVICE=auto runs on the CPU: %s", opened.fallen)
    ways = {role: _way(role, sessions, settings) for role, sessions in opened.sessions.items()}
    at_once = max(most * len(opened.sessions[role]) for role, (_, most) in ways.items())
    return Networks({role: network for role, (network, _) in ways.items()}, at_once, opened.fallen)


def _on(
    paths: Mapping[str, Path], devices: Sequence[str], asked: str, engines: Path | None = None
) -> dict[str, list[Network]]:
    return {
        role: [Network(path, device, asked, engines) for device in devices]
        for role, path in paths.items()
    }


def _way(
    role: str, sessions: Sequence[Network], settings: PipelineSettings
) -> tuple[Runnable, int]:
    """How a network is asked, and how many rows it takes at once."""
    most, why = _most(sessions[0], settings)
    where = ", ".join(session.on for session in sessions)
    _log.info("%s runs on %s, %s", role, where, why)
    if most == len(sessions) == 1:
        return sessions[0], 1
    patience = settings.inference.batch_wait / 1000
    return BatchedNetwork(sessions, most=most, patience=patience if most > 1 else 0), most


def _most(session: Network, settings: PipelineSettings) -> tuple[int, str]:
    """Rows of a run, and why so many."""
    asked, side = settings.inference.batch, settings.detect.max_side
    if asked == "auto" and session.used == "cpu":
        return 1, "one at a time in each lane"
    if asked == "auto":
        trial = tried_out(session, side)
        return trial.most, str(trial)
    if asked > 1 and not takes_several(session, side):
        return 1, "one at a time: it takes no more, whatever INFERENCE_BATCH says"
    return asked, f"{asked} at once (INFERENCE_BATCH)"
