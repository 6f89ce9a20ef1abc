"""A pack's networks joined and opened on devices, with the pictures that they share there."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.batching import Batches
from pipeline.calibration import row_shape, takes, tried
from pipeline.device.pictures import Pictures
from pipeline.device.runtime import Asked, DeviceMemory, JoinedNetwork
from pipeline.device.shown import OnDevice, Way
from pipeline.errors import Fatal, Misconfigured
from pipeline.graphs.joined import input_shape, joined
from pipeline.graphs.sampling import row_of
from pipeline.inference import Tensor
from pipeline.settings import PipelineSettings
from pipeline.views import Colours, View

_log = logging.getLogger(__name__)
_BYTES = 3
"""Of a pixel."""


@dataclass(frozen=True, slots=True)
class Joint:
    """How the network in ``file`` is joined: how it is fed and, if it embeds faces, of which size.

    ``chip`` is that width and height, in pixels; None for a detector, which is shown pictures.
    """

    file: Path
    colours: Colours
    chip: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class DeviceNetworks:
    """Networks by what they do in the pack; ``at_once`` rows of one of them run side by side."""

    by_role: Mapping[str, OnDevice]
    at_once: int
    fallen: str = ""

    def close(self) -> None:
        """End what waits for work."""
        for network in self.by_role.values():
            network.close()


def open_on_devices(
    joints: Mapping[str, Joint], devices: Sequence[str], settings: PipelineSettings
) -> DeviceNetworks:
    """The networks on each of ``devices`` (``cuda:N``), which MODEL_DEVICE asked for.

    Raises:
        Misconfigured: one of them cannot be joined, or not run there, or there is no room.
    """
    pixels = settings.inference.picture_memory * 2**20 // _BYTES
    memories = [DeviceMemory(device, pixels) for device in devices]
    opened = {role: _opened(joint, memories, settings) for role, joint in joints.items()}
    for role, one in opened.items():
        _log.info("%s runs on %s to the end, %s", role, ", ".join(devices), one.why)
    pictures = [Pictures(memory) for memory in memories]
    by_role = {role: _on_device(one, pictures, settings) for role, one in opened.items()}
    return DeviceNetworks(by_role, len(devices) * max(one.most for one in opened.values()))


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    """A network on each device, and how many rows it takes at once."""

    networks: Sequence[JoinedNetwork]
    shape: tuple[int | str | None, ...]
    most: int
    why: str


def _opened(joint: Joint, memories: Sequence[DeviceMemory], settings: PipelineSettings) -> _Opened:
    model = joined(joint.file, joint.colours, vectors=joint.chip is not None)
    shape, name, engines = input_shape(joint.file), joint.file.name, settings.model.tensorrt
    networks = [JoinedNetwork(model, name, memory, engines) for memory in memories]
    try:
        most, why = _most(networks[0], joint.chip or _canvas(shape, settings), settings)
    except Fatal as error:
        raise Misconfigured(str(error)) from error
    return _Opened(networks, shape, most, why)


def _on_device(
    opened: _Opened, pictures: Sequence[Pictures], settings: PipelineSettings
) -> OnDevice:
    patience = settings.inference.batch_wait / 1000 if opened.most > 1 else 0
    ways = [
        Way(there, network, Batches([network], most=opened.most, patience=patience))
        for there, network in zip(pictures, opened.networks, strict=True)
    ]
    return OnDevice(ways, opened.shape, settings.model.device)


def _canvas(shape: Sequence[int | str | None], settings: PipelineSettings) -> tuple[int, int]:
    """Width and height of what a detector is shown most."""
    _, height, width = row_shape(shape, settings.detect.max_side)
    return width, height


def _most(
    network: JoinedNetwork, canvas: tuple[int, int], settings: PipelineSettings
) -> tuple[int, str]:
    """How many rows are asked at once, and why: what is worth it, or what INFERENCE_BATCH says."""
    view = View(np.eye(2, 3), canvas, canvas)
    row, asked = row_of(0, canvas[::-1], view), Asked(tuple(network.outputs), view.grid)

    def ask(size: int) -> Sequence[Tensor]:
        return network.run(np.repeat(row, size, axis=0), asked)

    most = settings.inference.batch
    if most == "auto":
        trial = tried(ask)
        return trial.most, str(trial)
    if takes(ask, most):
        return most, f"{most} at once (INFERENCE_BATCH)"
    return 1, "one at a time: it takes no more, whatever INFERENCE_BATCH says"
