"""Networks joined with what is done around them, beside OpenCV and the network alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from pipeline.align import Template
from pipeline.build import open_configured_pack
from pipeline.detect import scrfd, yunet
from pipeline.detect.letterbox import Letterbox
from pipeline.detect.scrfd import Scrfd
from pipeline.detect.yunet import YuNet
from pipeline.embed import OnnxEmbedder
from pipeline.errors import Misconfigured
from pipeline.geometry import corners_of, overlap, similarity_transform
from pipeline.graphs.joined import VECTORS, joined
from pipeline.inference import Network, Tensor
from pipeline.messages import DetectedFace, Image, Vectors
from pipeline.packs.manifest import EmbedderFeed, load_manifest
from pipeline.packs.pack import Pack
from pipeline.settings import ModelSettings
from pipeline.stages import PictureNetwork
from pipeline.views import Colours, OnHost, View
from pipeline.warp import warp
from tests.pipeline.graphs.asking import inputs_for


class Joined:
    """A joined network on the CPU, asked as a stage asks one."""

    device = used = "cpu"

    def __init__(self, model: onnx.ModelProto, shape: tuple[int | str | None, ...]) -> None:
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        self.input_shape = shape
        self.outputs: Mapping[str, tuple[int | str | None, ...]] = {
            value.name: tuple(value.shape) for value in self._session.get_outputs()
        }

    def show(self, image: Image, view: View, outputs: Sequence[str]) -> Sequence[Tensor]:
        return self.ask([image], [view], outputs)

    def ask(
        self, images: Sequence[Image], views: Sequence[View], outputs: Sequence[str]
    ) -> Sequence[Tensor]:
        answers: Sequence[Tensor] = self._session.run(list(outputs), inputs_for(images, views))
        return answers


@pytest.fixture(scope="module")
def builtin(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    cache = tmp_path_factory.mktemp("cache")
    return open_configured_pack(ModelSettings(), cache, lambda *_: None)


@pytest.fixture(scope="module")
def film(test_data: Path) -> Sequence[Image]:
    return list(_frames(test_data / "clips" / "face-demographics-walking.mp4", step=5, most=6))


def _frames(clip: Path, step: int, most: int) -> Iterator[Image]:
    film = cv2.VideoCapture(str(clip))
    for number in range(step, step * most + 1, step):
        film.set(cv2.CAP_PROP_POS_FRAMES, number)
        read, frame = film.read()
        assert read
        yield np.asarray(frame, np.uint8)


@pytest.fixture(scope="module")
def yunets(test_data: Path) -> tuple[YuNet, YuNet]:
    """By OpenCV, and joined."""
    file = test_data / "models" / "yunet_s_dynamic.onnx"
    alone = Network(file)
    both: tuple[PictureNetwork, PictureNetwork] = (
        OnHost(alone, yunet.COLOURS),
        Joined(joined(file, yunet.COLOURS), alone.input_shape),
    )
    one, other = (
        YuNet(network, least_score=0.7, most_overlap=0.3, longest_side=640) for network in both
    )
    return one, other


def overlaps(one: Sequence[DetectedFace], other: Sequence[DetectedFace]) -> list[float]:
    """Of each face of one with the same of the other."""
    return [
        max((overlap(corners_of(face.box), corners_of(each.box)) for each in other), default=0.0)
        for face in one
    ]


def test_yunet_finds_the_same_faces_on_every_frame(
    yunets: tuple[YuNet, YuNet], film: Sequence[Image]
) -> None:
    """Of two places that score almost alike the other one may win: boxes differ a little then."""
    host, device = yunets
    found = [(host.detect(frame), device.detect(frame)) for frame in film]
    shared = [each for one, other in found for each in overlaps(one, other)]
    assert len(shared) >= 10
    assert [len(one) for one, _ in found] == [len(other) for _, other in found]
    assert min(shared) >= 0.85
    assert np.mean(shared) >= 0.97
    scores = [[sorted(face.score for face in faces) for faces in both] for both in found]
    for one, other in scores:
        assert one == pytest.approx(other, abs=0.01)


def test_yunet_is_shown_several_pictures_at_once(test_data: Path, film: Sequence[Image]) -> None:
    file = test_data / "models" / "yunet_s_dynamic.onnx"
    network = Joined(joined(file, yunet.COLOURS), Network(file).input_shape)
    outputs = tuple(network.outputs)
    views = [Letterbox(network.input_shape, 320).view(frame) for frame in film[:3]]
    together = network.ask(film[:3], views, outputs)
    for row, (frame, view) in enumerate(zip(film, views, strict=False)):
        alone = network.show(frame, view, outputs)
        for answer, expected in zip(together, alone, strict=True):
            assert answer[row] == pytest.approx(expected[0], abs=1e-3)


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("side", [None, 160])
def test_a_graph_of_scrfd_s_shape_answers_the_same(
    scrfd_graph: Callable[..., Path],
    tmp_path: Path,
    film: Sequence[Image],
    *,
    batched: bool,
    side: int | None,
) -> None:
    file = scrfd_graph(tmp_path / "scrfd.onnx", side=side, batched=batched)
    alone = Network(file)
    both: tuple[PictureNetwork, PictureNetwork] = (
        OnHost(alone, scrfd.COLOURS),
        Joined(joined(file, scrfd.COLOURS), alone.input_shape),
    )
    host, device = (
        Scrfd(network, least_score=0.6, most_overlap=0.4, longest_side=160, small_side=64)
        for network in both
    )
    assert len(host.detect(film[3])) >= 10
    assert len(device.detect(film[3])) >= 10
    view = Letterbox(alone.input_shape, 160).view(film[3])
    answers = [network.show(film[3], view, tuple(alone.outputs)) for network in both]
    assert len(answers[0]) == 9
    for expected, answer in zip(*answers, strict=True):
        assert answer.shape == expected.shape
        assert np.abs(answer - expected).max() <= 0.03 * expected.std()


def chips_and_vectors(
    feed: EmbedderFeed, faces: Sequence[tuple[Image, DetectedFace]], file: Path
) -> tuple[Vectors, Vectors]:
    """The vectors of faces by OpenCV and numpy, and by the graph, all in one run."""
    colours = Colours(feed.colours == "rgb", feed.mean, feed.scale)
    template: Template = feed.alignment
    views = [
        View(similarity_transform(face.points, template.points), template.size, template.size)
        for _, face in faces
    ]
    chips = [
        warp(image, view.transform, view.shown)
        for (image, _), view in zip(faces, views, strict=True)
    ]
    host = OnnxEmbedder(
        Network(file),
        rgb=colours.rgb,
        mean=colours.mean,
        scale=colours.scale,
        dimension=feed.dimension,
    ).embed(chips)
    device = Joined(joined(file, colours, vectors=True), ("n", 3, *template.size))
    vectors = np.zeros_like(host)
    for grid in {view.grid for view in views}:
        rows = [row for row, view in enumerate(views) if view.grid == grid]
        images = [faces[row][0] for row in rows]
        (vectors[rows],) = device.ask(images, [views[row] for row in rows], (VECTORS,))
    return host, vectors


@pytest.fixture(scope="module")
def faces(
    yunets: tuple[YuNet, YuNet], film: Sequence[Image], test_data: Path
) -> Sequence[tuple[Image, DetectedFace]]:
    """Faces of a film, and large ones of a photograph: those are shrunk on their way."""
    photograph = cv2.imread(str(test_data / "faces" / "groups" / "obama_and_biden.jpg"))
    assert photograph is not None
    pictures = [*film, np.asarray(photograph, np.uint8)]
    return [(picture, face) for picture in pictures for face in yunets[0].detect(picture)]


def test_dlib_s_vectors_are_the_same(
    builtin: Pack, faces: Sequence[tuple[Image, DetectedFace]]
) -> None:
    assert len(faces) >= 10
    host, device = chips_and_vectors(builtin.manifest.embedder, faces, builtin.networks["embedder"])
    assert np.linalg.norm(device, axis=1) == pytest.approx(np.ones(len(faces)), abs=1e-5)
    assert np.sum(host * device, axis=1).min() >= 0.999


def test_vectors_of_arcface_s_shape_are_the_same(
    sface_graph: Callable[..., Path], tmp_path: Path, faces: Sequence[tuple[Image, DetectedFace]]
) -> None:
    """112x112 and published for one face at a time: here many share a run."""
    feed = load_manifest("buffalo_l").embedder.model_copy(update={"dimension": 128})
    host, device = chips_and_vectors(feed, faces, sface_graph(tmp_path / "face.onnx"))
    assert np.sum(host * device, axis=1).min() >= 0.999


def test_a_vector_without_a_direction_is_not_a_number(
    sface_graph: Callable[..., Path], tmp_path: Path
) -> None:
    model = onnx.load(sface_graph(tmp_path / "face.onnx"))
    (kernel,) = model.graph.initializer
    kernel.CopyFrom(
        helper.make_tensor(kernel.name, kernel.data_type, kernel.dims, [0.0] * 128 * 3 * 256)
    )
    onnx.save(model, tmp_path / "zero.onnx")
    network = Joined(
        joined(tmp_path / "zero.onnx", Colours(rgb=True), vectors=True), (1, 3, 112, 112)
    )
    (vectors,) = network.ask(
        [np.zeros((9, 9, 3), np.uint8)], [View(np.eye(2, 3), (112, 112), (112, 112))], (VECTORS,)
    )
    assert vectors.shape == (1, 128)
    assert np.isnan(vectors).all()


def test_what_has_no_input_to_be_shown_pictures_is_refused(
    sface_graph: Callable[..., Path], tmp_path: Path
) -> None:
    model = onnx.load(sface_graph(tmp_path / "face.onnx"))
    del model.graph.input[:]
    onnx.save(model, tmp_path / "none.onnx")
    with pytest.raises(Misconfigured, match=r"none\.onnx cannot be joined"):
        joined(tmp_path / "none.onnx", Colours(rgb=True))


def test_an_old_network_that_names_its_weights_as_inputs_is_joined_as_well(
    sface_graph: Callable[..., Path], tmp_path: Path
) -> None:
    model = onnx.load(sface_graph(tmp_path / "face.onnx"))
    (kernel,) = model.graph.initializer
    model.graph.input.append(
        helper.make_tensor_value_info(kernel.name, kernel.data_type, kernel.dims)
    )
    model.ir_version = 3
    model.opset_import[0].version = 9
    onnx.save(model, tmp_path / "old.onnx")
    network = Joined(
        joined(tmp_path / "old.onnx", Colours(rgb=True), vectors=True), (1, 3, 112, 112)
    )
    picture = np.full((112, 112, 3), 90, np.uint8)
    (vectors,) = network.ask([picture], [View(np.eye(2, 3), (112, 112), (112, 112))], (VECTORS,))
    assert np.linalg.norm(vectors) == pytest.approx(1)
