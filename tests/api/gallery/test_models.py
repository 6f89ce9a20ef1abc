"""A pack is opened later by what is kept of the settings that opened it first."""

from pathlib import Path

from api.gallery.models import named, opened_by, used_pack
from api.store.packs import UsedPack
from pipeline.messages import PackId
from pipeline.settings import ModelSettings

OWN = ModelSettings(
    pack="opencv-zoo", path=Path("/models/own.onnx"), emb_dim=512, threshold=0.4, device="cuda:0"
)


def test_an_embedder_of_ones_own_is_found_again_after_the_settings_have_changed() -> None:
    kept = used_pack(PackId("own-123"), OWN)
    now = ModelSettings(pack="builtin", device="cpu", mirror="http://mirror.example")
    opened = opened_by(kept, now)
    assert (opened.pack, opened.path, opened.emb_dim) == ("opencv-zoo", OWN.path, 512)
    assert opened.threshold == OWN.threshold
    assert (opened.device, opened.mirror) == (now.device, now.mirror)  # how it runs is today's


def test_a_threshold_of_one_pack_is_never_anothers() -> None:
    other = named("buffalo_l", OWN)
    assert (other.pack, other.path, other.emb_dim, other.threshold) == (
        "buffalo_l",
        None,
        None,
        None,
    )
    assert other.device == OWN.device


def test_a_pack_of_which_nothing_is_kept_is_known_by_its_name() -> None:
    assert opened_by(UsedPack(PackId("builtin"), ""), OWN) == named("builtin", OWN)
