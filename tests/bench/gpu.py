"""Networks joined with all that is done to pictures, beside the same networks alone, on one device.

    python -m tests.bench.gpu [--device cuda:0] [--batches 1,2,4,8,16,32] [--seconds 2]
        [--runs 10000] [--side 640] [--json FILE]

Graphs of the shapes of SCRFD-10G and ArcFace's ResNet-50 with random weights. The network alone has
its input on the device, and leaves its output there; joined it cuts its pictures out of frames
that lie on the device, and its answers arrive on the host. It checks first that both answer the
same, and at last that memory stays flat over batches of varying size. It prints JSON and a table
for the manual, with the machine named; ``--device cpu`` shows that the program works.
"""

import argparse
import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime

from pipeline.detect import scrfd
from pipeline.detect.letterbox import Letterbox
from pipeline.device.runtime import Asked, DeviceMemory, JoinedNetwork
from pipeline.graphs.joined import input_shape, joined
from pipeline.graphs.sampling import Rows, row_of
from pipeline.inference import Tensor
from pipeline.messages import Image
from pipeline.packs.half import in_half_precision
from pipeline.sessions import kind_and_number, open_session
from pipeline.views import Colours, View, fed
from tests.bench.random_graphs import resnet_50, scrfd_10g

_FRAME = (1080, 1920, 3)
_FRAMES = 8
_TARGET = 0.85
_ARCFACE = Colours(rgb=True, mean=127.5, scale=127.5)
_AGREE = 0.995
"""Correlation of answers to parts made by OpenCV and by the graph, whole precision or half."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A network, and how it is shown parts of a frame."""

    name: str
    file: Path
    colours: Colours
    vectors: bool
    view: View


@dataclass(frozen=True, slots=True)
class Measured:
    """Rows a second of a network alone and joined, and how far their answers agree."""

    network: str
    precision: str
    batch: int
    alone: float
    joined: float
    agreement: float

    @property
    def ratio(self) -> float:
        """Of joined to alone."""
        return self.joined / self.alone


class Bench:
    """A device with a few frames on it."""

    def __init__(self, device: str, seconds: float) -> None:
        self._device, self._seconds = device, seconds
        self.frames = [_frame(seed) for seed in range(_FRAMES)]
        self.memory = DeviceMemory(device, _FRAMES * _FRAME[0] * _FRAME[1])
        self.uploads = self._uploaded()

    def _uploaded(self) -> Mapping[str, float]:
        """Frames of 1920x1080 a second that come onto the device, in NV12 and, to stay, in BGR."""
        height, width, _ = _FRAME
        luma = np.full((height, width), 90, np.uint8)
        chroma = np.full((height // 2, width // 2, 2), 128, np.uint8)

        def in_bgr() -> None:
            for place, frame in enumerate(self.frames):
                self.memory.write(place * height * width, frame)

        nv12 = self._rate(lambda: self.memory.write_nv12(0, luma, chroma))
        return {"nv12": nv12, "bgr": _FRAMES * self._rate(in_bgr)}

    def rows(self, view: View, count: int) -> Rows:
        """So many parts of the frames, in turn."""
        pixels = _FRAME[0] * _FRAME[1]
        return np.concatenate([row_of(at % _FRAMES * pixels, _FRAME, view) for at in range(count)])

    def opened(self, case: Case, *, half: bool) -> tuple[JoinedNetwork, "Alone"]:
        """The network joined, and alone."""
        network = onnx.load(case.file)
        if half:
            network = in_half_precision(network)
            onnx.save(network, case.file.with_suffix(".half.onnx"))
        file = case.file.with_suffix(".half.onnx") if half else case.file
        whole = joined(file, case.colours, vectors=case.vectors)
        return JoinedNetwork(whole, case.name, self.memory), Alone(network, self._device)

    def measured(
        self, case: Case, both: tuple[JoinedNetwork, "Alone"], precision: str, batch: int
    ) -> Measured:
        """Both at one size of batch."""
        network, alone = both
        asked = Asked(tuple(network.outputs), case.view.grid)
        rows = self.rows(case.view, batch)
        parts = [fed(self.frames[at % _FRAMES], case.view, case.colours) for at in range(batch)]
        run = alone.ready(np.concatenate(parts))
        rates = batch * self._rate(run), batch * self._rate(lambda: network.run(rows, asked))
        agreement = _agreement(network.run(rows, asked), alone.answers(), case)
        return Measured(case.name, precision, batch, *rates, agreement)

    def _rate(self, work: Callable[[], object]) -> float:
        """Times a second, after three to get ready."""
        for _ in range(3):
            work()
        done, began = 0, time.perf_counter()
        while time.perf_counter() - began < self._seconds or not done:
            work()
            done += 1
        return done / (time.perf_counter() - began)


class Alone:
    """A network without what is around it, its data on the device."""

    def __init__(self, network: onnx.ModelProto, device: str) -> None:
        for value in (network.graph.input[0], *network.graph.output):
            value.type.tensor_type.shape.dim[0].dim_param = f"any/{value.name}"
        self._where = kind_and_number(device)
        self._session = open_session(network, device, "the network alone")
        self._bound = self._session.io_binding()
        self._input = self._session.get_inputs()[0].name

    def ready(self, tensor: Tensor) -> Callable[[], None]:
        """What runs it with ``tensor``, which is on the device from now on."""
        there = onnxruntime.OrtValue.ortvalue_from_numpy(tensor, *self._where)
        self._bound.bind_ortvalue_input(self._input, there)
        self._bound.clear_binding_outputs()
        for output in self._session.get_outputs():
            self._bound.bind_output(output.name, *self._where)

        def run() -> None:
            self._session.run_with_iobinding(self._bound)
            self._bound.synchronize_outputs()

        return run

    def answers(self) -> Sequence[Tensor]:
        """Those of the last run."""
        answers: Sequence[Tensor] = self._bound.copy_outputs_to_cpu()
        return answers


def _agreement(one: Sequence[Tensor], other: Sequence[Tensor], case: Case) -> float:
    """The least cosine of vectors, or the least correlation of a detector's outputs."""
    if case.vectors:
        vectors = other[0] / np.linalg.norm(other[0], axis=1, keepdims=True)
        return float(np.sum(one[0] * vectors, axis=1).min())
    return float(
        min(
            np.corrcoef(answer.ravel(), expected.ravel())[0, 1]
            for answer, expected in zip(one, other, strict=True)
        )
    )


def _frame(seed: int) -> Image:
    """A picture with edges, shades and noise."""
    random = np.random.default_rng(seed)
    rough = random.integers(0, 255, (27, 48, 3), dtype=np.uint8)
    large = cv2.resize(rough, (_FRAME[1], _FRAME[0]), interpolation=cv2.INTER_CUBIC)
    noise = random.integers(0, 12, _FRAME, dtype=np.uint8)
    return np.asarray(cv2.add(np.asarray(large, np.uint8), noise), np.uint8)


def _cases(folder: Path, side: int) -> Sequence[Case]:
    detector, embedder = scrfd_10g(folder / "scrfd_10g.onnx"), resnet_50(folder / "resnet_50.onnx")
    whole = Letterbox(input_shape(detector), side).view(np.zeros(_FRAME, np.uint8))
    upright = cv2.getRotationMatrix2D((960, 540), 12, 0.7)
    upright[:, 2] += np.array([56, 56]) - np.array([960, 540])
    face = View(np.asarray(upright, np.float64), (112, 112), (112, 112))
    return [
        Case("SCRFD-10G", detector, scrfd.COLOURS, vectors=False, view=whole),
        Case("ResNet-50", embedder, _ARCFACE, vectors=True, view=face),
    ]


def _memory_used(device: str) -> float:
    """MiB: of this process on the GPU, or its own where the device is the CPU."""
    if device == "cpu":
        status = Path("/proc/self/status").read_text(encoding="ascii")
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
    query = ["--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]
    lines = _told_by_the_driver(device, query).splitlines()
    ours = [line.split(",") for line in lines if line.startswith(f"{os.getpid()},")]
    if ours:
        return float(ours[0][1])
    # In a container the driver does not know our number: all that is used, then.
    query = ["--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    return float(_told_by_the_driver(device, query))


def _told_by_the_driver(device: str, query: Sequence[str]) -> str:
    number = str(kind_and_number(device)[1])
    command = ["nvidia-smi", "-i", number, *query]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _varying(most: int) -> Iterator[int]:
    """Sizes of batches as they come, each filled up to a power of two."""
    random = np.random.default_rng(11)
    while True:
        yield min(most, 1 << (int(random.integers(1, most + 1)) - 1).bit_length())


def flatness(
    bench: Bench, cases: Sequence[Case], device: str, most: int, runs: int
) -> Mapping[str, float]:
    """Memory before and after so many batches of varying size of each network in turn, in MiB."""
    networks = [(case, bench.opened(case, half=False)[0]) for case in cases]
    sizes, before = _varying(most), 0.0
    for done in range(runs):
        if done == runs // 10:
            before = _memory_used(device)
        case, network = networks[done % len(networks)]
        rows = bench.rows(case.view, next(sizes))
        network.run(rows, Asked(tuple(network.outputs), case.view.grid))
    after = _memory_used(device)
    return {"batches": runs, "before": before, "after": after, "growth": after / before - 1}


def machine(device: str) -> str:
    """What it was measured on."""
    runtime = f"ONNX Runtime {onnxruntime.__version__}"
    if device != "cpu":
        query = ["--query-gpu=name,driver_version", "--format=csv,noheader"]
        return f"{_told_by_the_driver(device, query)}, {runtime}"
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{(names or [platform.machine()])[0]}, one thread, {runtime}"


def table(results: Sequence[Measured]) -> str:
    """The manual's table."""
    head = "| network | precision | batch | alone, 1/s | joined, 1/s | ratio | agreement |"
    rule = "|---|---|---:|---:|---:|---:|---:|"
    rows = [
        f"| {one.network} | {one.precision} | {one.batch} | {one.alone:.1f} | {one.joined:.1f} "
        f"| {one.ratio:.2f} | {one.agreement:.4f} |"
        for one in results
    ]
    return "\n".join([head, rule, *rows])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--batches", default="1,2,4,8,16,32")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--side", type=int, default=640)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def main() -> None:
    """Read the arguments, measure, tell."""
    args = _arguments()
    batches = [int(size) for size in args.batches.split(",")]
    bench, results = Bench(args.device, args.seconds), list[Measured]()
    with tempfile.TemporaryDirectory() as folder:
        cases = _cases(Path(folder), args.side)
        for case in cases:
            for precision in ("fp32", "fp16"):
                both = bench.opened(case, half=precision == "fp16")
                results += [bench.measured(case, both, precision, size) for size in batches]
        memory = flatness(bench, cases, args.device, max(batches), args.runs)
    told = {
        "machine": machine(args.device),
        "uploads": bench.uploads,
        "memory": memory,
        "target": _TARGET,
        "results": [asdict(one) | {"ratio": one.ratio} for one in results],
    }
    if args.json:
        args.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(told, indent=2))  # noqa: T201 - what it is for
    print(f"\n{told['machine']}\n\n{table(results)}")  # noqa: T201 - what it is for
    if worst := [one for one in results if one.agreement < _AGREE]:
        raise SystemExit(f"these do not agree: {worst}")


if __name__ == "__main__":
    main()
