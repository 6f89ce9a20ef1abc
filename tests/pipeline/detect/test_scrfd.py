"""SCRFD's decoding on hand-made outputs, and its way through real graphs of random weights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from pipeline.detect.letterbox import Letterbox
from pipeline.detect.scrfd import COLOURS, Scrfd
from pipeline.errors import Misconfigured
from pipeline.inference import Network, Tensor
from pipeline.messages import DetectedFace, Image
from pipeline.views import Colours, OnHost, fed

STRIDES = (8, 16, 32)
WIDTHS = (1, 4, 10)
POINTS = [[20, 30], [60, 32], [40, 50], [25, 70], [55, 71]]


@dataclass(frozen=True)
class Anchor:
    """A face as the network would answer it, in the pixels of the picture it is shown."""

    box: Sequence[float]
    stride: int = 8
    column: int = 5
    row: int = 4
    which: int = 0
    score: float = 0.9
    points: Sequence[Sequence[float]] = field(default_factory=lambda: POINTS)


class HandMade:
    """Answers with given faces: the first list to a large picture, the second to a small one."""

    def __init__(
        self, *faces: Anchor, small: Sequence[Anchor] = (), batched: bool = False, side: int = 0
    ) -> None:
        self.input_shape = (1, 3, side or "height", side or "width")
        self.device = self.used = "cpu"
        self.outputs = {str(440 + n): ("n", width) for n, width in enumerate(np.repeat(WIDTHS, 3))}
        self._faces, self._small, self._batched = faces, small, batched
        self.seen: list[Tensor] = []

    def run(self, tensor: Tensor, outputs: Sequence[str]) -> Sequence[Tensor]:
        assert list(outputs) == list(self.outputs)
        faces = self._small if self.seen else self._faces
        self.seen.append(tensor)
        answers = [
            np.zeros((np.prod(tensor.shape[2:]) // stride**2 * 2, width), np.float32)
            for width in WIDTHS
            for stride in STRIDES
        ]
        for face in faces:
            _write(answers, face, tensor.shape[3] // face.stride)
        return [answer[None] for answer in answers] if self._batched else answers


def _write(answers: Sequence[Tensor], face: Anchor, columns: int) -> None:
    anchor = (face.row * columns + face.column) * 2 + face.which
    scores, boxes, points = answers[STRIDES.index(face.stride) :: 3]
    place = np.array([face.column, face.row]) * face.stride
    left_top, right_bottom = np.array(face.box[:2]), np.array(face.box[2:])
    scores[anchor] = face.score
    boxes[anchor] = np.concatenate([place - left_top, right_bottom - place]) / face.stride
    points[anchor] = ((np.array(face.points) - place) / face.stride).ravel()


def scrfd(
    network: Network | HandMade, least_score: float = 0.5, most_overlap: float = 0.4
) -> Scrfd:
    return Scrfd(
        OnHost(network, COLOURS),  # type: ignore[arg-type]  # may be a stand-in
        least_score=least_score,
        most_overlap=most_overlap,
        longest_side=640,
        small_side=192,
    )


def picture(height: int = 320, width: int = 640) -> Image:
    return np.full((height, width, 3), (10, 20, 30), np.uint8)


def sides(face: DetectedFace) -> list[float]:
    box = face.box
    return [box.x, box.y, box.x + box.width, box.y + box.height]


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(("stride", "column", "row"), [(8, 5, 4), (16, 39, 19), (32, 0, 9)])
def test_a_box_and_its_points_come_out_as_they_were_put_in(
    batched: bool, which: int, stride: int, column: int, row: int
) -> None:
    box = [17.25, 21.5, 68.75, 80.5]
    network = HandMade(Anchor(box, stride, column, row, which, 0.75), batched=batched)
    (face,) = scrfd(network).detect(picture())
    assert sides(face) == pytest.approx(box, abs=1e-3)
    assert face.points == pytest.approx(np.array(POINTS), abs=1e-3)
    assert face.score == 0.75


def test_the_network_sees_rgb_around_zero_and_black_beyond_the_picture() -> None:
    network = HandMade()
    assert scrfd(network).detect(picture(300, 630)) == []
    (tensor, small) = network.seen
    assert tensor.shape == (1, 3, 320, 640)
    assert tensor.dtype == np.float32
    inside = [(value - 127.5) / 128 for value in (30, 20, 10)]
    assert tensor[0, :, 0, 0] == pytest.approx(inside)
    assert tensor[0, :, 299, 629] == pytest.approx(inside)
    assert tensor[0, :, 300, 0] == pytest.approx([-127.5 / 128] * 3)
    assert tensor[0, :, 0, 630] == pytest.approx([-127.5 / 128] * 3)
    assert small.shape == (1, 3, 96, 192)


@pytest.mark.parametrize("shape", [(540, 960), (960, 540), (1080, 1920), (33, 1000), (100, 60)])
@pytest.mark.parametrize("fixed", [None, 640])
def test_what_was_reduced_comes_back_to_its_place(
    shape: tuple[int, int], fixed: int | None
) -> None:
    """A bright square is found in the letterbox, and its place is that in the picture."""
    image = np.zeros((*shape, 3), np.uint8)
    top, left = shape[0] // 2, shape[1] // 2
    image[top : top + 16, left : left + 16] = 255
    box = Letterbox((1, 3, fixed or "height", fixed or "width"), 640)
    tensor, scale = fed(image, box.view(image), Colours(rgb=False)), box.scale(image)
    assert scale == min(1, 640 / max(shape))
    assert all(side % 32 == 0 for side in tensor.shape[2:])
    rows, columns = np.nonzero(tensor[0, 0] > 100)
    assert [rows.min() / scale, columns.min() / scale] == pytest.approx([top, left], abs=2 / scale)
    assert (np.ptp(columns) + 1) / scale == pytest.approx(16, abs=2 / scale)


def test_a_face_of_a_large_picture_comes_out_in_its_own_pixels() -> None:
    (face,) = scrfd(HandMade(Anchor([10, 20, 70, 80]))).detect(picture(720, 1280))
    assert sides(face) == pytest.approx([20, 40, 140, 160], abs=1e-3)
    assert face.points == pytest.approx(np.array(POINTS) * 2, abs=1e-3)


def test_faces_at_the_borders_keep_what_reaches_beyond() -> None:
    corners = [Anchor([-12, -9, 40, 50], column=0, row=0),
               Anchor([600, 290, 660, 345], column=79, row=39)]  # fmt: skip
    faces = scrfd(HandMade(*corners)).detect(picture())
    assert len(faces) == 2
    boxes = sorted(sides(face) for face in faces)
    assert boxes == [pytest.approx([-12, -9, 40, 50]), pytest.approx([600, 290, 660, 345])]


def test_a_face_that_several_anchors_found_is_one_and_the_best_of_them() -> None:
    many = [
        Anchor([20, 20, 80, 90], score=0.6),
        Anchor([22, 21, 80, 92], which=1, score=0.8),
        Anchor([21, 20, 82, 90], stride=16, score=0.7),
    ]
    (face,) = scrfd(HandMade(*many)).detect(picture())
    assert face.score == pytest.approx(0.8)
    assert sides(face) == pytest.approx([22, 21, 80, 92], abs=1e-3)


def test_five_hundred_faces_are_found_best_first() -> None:
    random = np.random.default_rng(3)
    places = [(column, row) for row in range(0, 40, 2) for column in range(0, 80, 3)][:500]
    crowd = [
        Anchor(
            [column * 8 - 6, row * 8 - 6, column * 8 + 6, row * 8 + 6],
            column=column,
            row=row,
            score=float(random.uniform(0.5, 1)),
        )
        for column, row in places
    ]
    faces = scrfd(HandMade(*crowd)).detect(picture())
    assert len(faces) == 500
    scores = [face.score for face in faces]
    assert scores == sorted(scores, reverse=True)
    assert {tuple(np.round(sides(face)).tolist()) for face in faces} == {
        tuple(float(side) for side in face.box) for face in crowd
    }


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_no_face(value: float) -> None:
    good = Anchor([20, 20, 80, 90])
    broken = [
        Anchor([300, 100, value, 160], column=40, row=14),
        Anchor([400, 100, 460, 160], column=52, row=14, points=[[value, 0], *POINTS[1:]]),
    ]
    if value != float("inf"):
        broken.append(Anchor([500, 100, 560, 160], column=65, row=14, score=value))
    (face,) = scrfd(HandMade(good, *broken)).detect(picture())
    assert sides(face) == pytest.approx([20, 20, 80, 90], abs=1e-3)


def test_a_box_that_is_inside_out_is_no_face() -> None:
    assert scrfd(HandMade(Anchor([80, 20, 20, 90]))).detect(picture()) == []


def test_a_score_beyond_one_counts_as_one() -> None:
    (face,) = scrfd(HandMade(Anchor([20, 20, 80, 90], score=1.5))).detect(picture())
    assert face.score == 1


def test_a_face_that_fills_the_picture_is_found_in_the_small_look() -> None:
    """At 192 pixels it is a face like any other; its box comes out in the picture's pixels."""
    network = HandMade(small=[Anchor([15, 3, 105, 93], stride=32, column=1, row=1)])
    (face,) = scrfd(network).detect(picture(320, 640))
    assert sides(face) == pytest.approx([50, 10, 350, 310], abs=1e-3)


def test_of_the_small_look_only_large_faces_count() -> None:
    small = [Anchor([10, 10, 67, 66]), Anchor([100, 10, 158, 66], column=15)]
    faces = scrfd(HandMade(small=small)).detect(picture(320, 640))
    assert [face.box.width for face in faces] == [pytest.approx(58 / 0.3, abs=1e-3)]


def test_a_large_face_that_both_looks_found_is_one() -> None:
    network = HandMade(
        Anchor([50, 10, 350, 310], stride=32, column=4, row=5, score=0.6),
        Anchor([500, 100, 530, 140], column=60, row=14),
        small=[Anchor([15, 3, 105, 93], stride=32, column=1, row=1, score=0.8)],
    )
    faces = scrfd(network).detect(picture(320, 640))
    assert [face.score for face in faces] == [pytest.approx(0.9), pytest.approx(0.8)]


def test_a_picture_too_small_for_a_large_face_is_looked_at_once() -> None:
    network = HandMade(Anchor([20, 20, 80, 90]))
    assert len(scrfd(network).detect(picture(128, 192))) == 1
    assert len(network.seen) == 1


@pytest.mark.parametrize(
    "outputs",
    [
        {str(n): ("n", width) for n, width in enumerate([1, 1, 1, 4, 4, 4])},
        {str(n): ("n", width) for n, width in enumerate(WIDTHS * 3)},
    ],
    ids=["without points", "in another order"],
)
def test_a_network_with_other_outputs_is_refused(outputs: dict[str, tuple[str, int]]) -> None:
    network = HandMade()
    network.outputs = outputs
    with pytest.raises(Misconfigured, match="no SCRFD with five points"):
        scrfd(network)


def test_answers_of_another_shape_are_named() -> None:
    network = HandMade()
    really = network.run
    network.run = lambda *asked: [answer[:-1] for answer in really(*asked)]  # type: ignore[method-assign]
    with pytest.raises(Misconfigured, match=r"640x320 it answered \(6399, 1\) at stride 8"):
        scrfd(network).detect(picture())


ScrfdGraph = Callable[..., Path]


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("side", [None, 160])
def test_a_graph_of_random_weights_decodes_as_a_plain_loop_does(
    scrfd_graph: ScrfdGraph, tmp_path: Path, batched: bool, side: int | None
) -> None:
    network = Network(scrfd_graph(tmp_path / "scrfd.onnx", side=side, batched=batched))
    image = np.random.default_rng(7).integers(0, 255, (128, 160, 3), dtype=np.uint8)
    faces = scrfd(network, least_score=0.55, most_overlap=1.0).detect(image)
    expected = plainly_decoded(network, image, 0.55)
    assert len(faces) == len(expected) > 20
    for face, (score, box, points) in zip(faces, expected, strict=True):
        assert face.score == pytest.approx(score, abs=1e-5)
        assert sides(face) == pytest.approx(box, abs=1e-2)
        assert face.points == pytest.approx(np.array(points), abs=1e-2)


def plainly_decoded(
    network: Network, image: Image, least: float
) -> list[tuple[float, list[float], list[list[float]]]]:
    """InsightFace's decoding in plain loops, for a picture that needs no reduction."""
    sizes = zip(network.input_shape[2:], image.shape, strict=False)
    tall, wide = (size if isinstance(size, int) else have for size, have in sizes)
    fed = np.zeros((tall, wide, 3), np.float32)
    fed[: image.shape[0], : image.shape[1]] = image[..., ::-1]
    tensor = ((fed - 127.5) / 128).transpose(2, 0, 1)[None].astype(np.float32)
    heads = zip(network.run(tensor, tuple(network.outputs)), np.repeat(WIDTHS, 3), strict=True)
    answers = [head.reshape(-1, width) for head, width in heads]
    found = []
    for level, stride in enumerate(STRIDES):
        scores, boxes, points = answers[level::3]
        anchor = 0
        for y in range(0, tall, stride):
            for x in range(0, wide, stride):
                for _ in range(2):
                    left, top, right, bottom = boxes[anchor] * stride
                    if scores[anchor, 0] >= least and left + right > 0 and top + bottom > 0:
                        five = [[x + a * stride, y + b * stride]
                                for a, b in points[anchor].reshape(5, 2)]  # fmt: skip
                        box = [x - left, y - top, x + right, y + bottom]
                        found.append((float(scores[anchor, 0]), box, five))
                    anchor += 1
    return sorted(found, key=lambda one: -one[0])


@pytest.mark.parametrize("shape", [(1, 1), (31, 33), (5, 700), (540, 960)])
def test_any_shape_of_picture_can_be_looked_at(
    scrfd_graph: ScrfdGraph, tmp_path: Path, shape: tuple[int, int]
) -> None:
    network = Network(scrfd_graph(tmp_path / "scrfd.onnx"))
    assert scrfd(network, least_score=1.0).detect(np.full((*shape, 3), 128, np.uint8)) == []
