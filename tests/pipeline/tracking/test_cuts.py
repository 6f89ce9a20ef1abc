import numpy as np

from pipeline.messages import Image
from pipeline.tracking.cuts import Scene


def view(seed: int, height: int = 270, width: int = 480) -> Image:
    """A picture of large patches, like furniture and walls."""
    patches = np.random.default_rng(seed).integers(20, 230, (9, 16, 3), np.uint8)
    return np.kron(patches, np.ones((height // 9, width // 16, 1), np.uint8))


def test_the_first_picture_is_no_cut() -> None:
    assert not Scene().changed(view(1))


def test_noise_light_and_somebody_who_walks_are_no_cut() -> None:
    scene, noise = Scene(), np.random.default_rng(2)
    scene.changed(view(1))
    for step in range(10):
        picture = view(1).astype(int) + noise.integers(-9, 10, (270, 480, 3))
        picture[80:200, 30 * step : 30 * step + 90] = 120
        assert not scene.changed(np.clip(picture, 0, 255).astype(np.uint8))
    assert not scene.changed((view(1) // 4 * 3).astype(np.uint8))


def test_another_view_is_a_cut_once_and_so_is_one_whose_halves_changed_places() -> None:
    scene = Scene()
    scene.changed(view(1))
    assert scene.changed(view(2))
    assert not scene.changed(view(2))
    assert scene.changed(np.roll(view(2), 240, axis=1))


def test_a_picture_of_another_size_is_a_cut() -> None:
    scene = Scene()
    scene.changed(view(1))
    assert scene.changed(view(1, 540, 960))
    assert not scene.changed(view(1, 540, 960))


def test_noise_in_the_dark_and_pictures_of_a_few_pixels_are_no_cut() -> None:
    scene, noise = Scene(), np.random.default_rng(3)
    for _ in range(5):
        assert not scene.changed(noise.integers(0, 3, (270, 480, 3), np.uint8))
    tiny = Scene()
    for _ in range(2):
        assert not tiny.changed(np.zeros((1, 1, 3), np.uint8))


def test_what_changed_under_one_face_is_told_of_that_one_only() -> None:
    scene, picture = Scene(), view(1)
    scene.changed(picture)
    assert not scene.changed_at((60.0, 60.0, 150.0, 150.0))
    picture[60:150, 60:150] = view(2)[60:150, 60:150]
    assert not scene.changed(picture)
    assert scene.changed_at((60.0, 60.0, 150.0, 150.0))
    assert not scene.changed_at((300.0, 60.0, 390.0, 150.0))
    assert not scene.changed(picture)
    assert not scene.changed_at((60.0, 60.0, 150.0, 150.0))


def test_boxes_outside_of_the_picture_or_after_another_size_have_not_changed() -> None:
    scene = Scene()
    scene.changed(view(1))
    scene.changed(view(2))
    assert scene.changed_at((-30.0, -30.0, 60.0, 60.0))
    assert not scene.changed_at((900.0, 900.0, 950.0, 1e300))
    scene.changed(view(1, 540, 960))
    assert not scene.changed_at((0.0, 0.0, 100.0, 100.0))
