"""A model pack's manifest: all that is particular to its networks."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.align import Template
from pipeline.errors import Misconfigured
from pipeline.messages import PackId

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Part = Annotated[float, Field(ge=0, le=1)]
Place = tuple[float, float]
Recipe = Literal["mtcnn-proposal", "mtcnn-refinement", "mtcnn-output", "dlib-resnet"]


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Licence(_Described):
    """Under which the networks may be used."""

    name: str
    must_be_accepted: bool = Field(description="Whether a person has to say yes before they run.")
    terms: str = Field("", description="What there is to be accepted, for people.")


class Converted(_Described):
    """A network made from weights that an installed Python package carries."""

    package: str
    source: str = Field(description="The weights' path inside the package.")
    recipe: Recipe = Field(description="How the weights become ONNX.")
    sha256: Sha256 = Field(description="Of the weights.")


class Downloaded(_Described):
    """A network that its publisher offers."""

    file: str = Field(pattern=r"^[\w.-]+$")
    url: str = Field(pattern=r"^https?://")
    bytes: Annotated[int, Field(gt=0)]
    sha256: Sha256


class Archive(_Described):
    """A ZIP file in which a publisher offers networks together."""

    file: str = Field(pattern=r"^[\w.-]+$")
    url: str = Field(pattern=r"^https?://")
    bytes: Annotated[int, Field(gt=0)] | None = Field(
        None, description="Its size, where the publisher states it."
    )
    sha256: Sha256


class Archived(_Described):
    """A network inside the pack's archive, in whatever folder of it."""

    member: str = Field(pattern=r"^[\w.-]+$", description="The file's name.")
    sha256: Sha256


class Local(_Described):
    """A network that lies here already; ``path`` is relative to the manifest."""

    path: Path
    sha256: Sha256 | None = None


_ROLES = {
    "yunet": ("detector",),
    "scrfd": ("detector",),
    "mtcnn": ("proposal", "refinement", "output"),
}

NetworkFile = Converted | Downloaded | Archived | Local


class CloseUpFeed(_Described):
    """How a face's points are found again at full resolution."""

    margin: Annotated[float, Field(ge=1, le=4)] = Field(description="Square, in sides of the box.")
    side: Annotated[int, Field(ge=64, le=1024)] = Field(description="Pixels the square becomes.")
    least_score: Part


class YunetFeed(_Described):
    """YuNet: BGR, 0 to 255; its network is ``detector``."""

    kind: Literal["yunet"]
    least_score: Part
    most_overlap: Part
    closeup: CloseUpFeed

    @property
    def score(self) -> float:
        """The detector's score from which a face counts."""
        return self.least_score


class ScrfdFeed(_Described):
    """SCRFD: RGB, (x - 127.5) / 128; its network is ``detector``."""

    kind: Literal["scrfd"]
    least_score: Part
    most_overlap: Part
    small_side: Annotated[int, Field(ge=64, le=1024)] = Field(
        description="Longest side, in pixels, of the small look for faces that fill the picture."
    )

    @property
    def score(self) -> float:
        """The detector's score from which a face counts."""
        return self.least_score


class MtcnnFeed(_Described):
    """MTCNN: its networks are ``proposal``, ``refinement`` and ``output``."""

    kind: Literal["mtcnn"]
    least_scores: tuple[Part, Part, Part]

    @property
    def score(self) -> float:
        """The last network's score from which a face counts."""
        return self.least_scores[2]


DetectorFeed = YunetFeed | ScrfdFeed | MtcnnFeed


class EmbedderFeed(_Described):
    """How the network ``embedder`` is fed, and what it makes."""

    colours: Literal["rgb", "bgr"]
    mean: float = Field(description="Subtracted from colours of 0 to 255.")
    scale: Annotated[float, Field(gt=0)] = Field(description="What they are divided by then.")
    dimension: Annotated[int, Field(ge=1, le=32768)]
    chip: tuple[int, int] = Field(description="Width and height of an aligned face, in pixels.")
    template: tuple[Place, Place, Place, Place, Place] = Field(
        description="Left eye, right eye, nose, left and right mouth corner in the chip."
    )

    @property
    def alignment(self) -> Template:
        """The template as the aligner takes it."""
        return Template(np.array(self.template, np.float32), self.chip)


class Manifest(_Described):
    """A pack: what it consists of, how it is fed, what its similarities mean."""

    id: PackId = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    title: str
    licence: Licence
    archive: Archive | None = None
    networks: dict[str, NetworkFile]
    detector: DetectorFeed = Field(discriminator="kind")
    embedder: EmbedderFeed
    metric: Literal["cosine"]
    threshold: Annotated[float, Field(gt=-1, lt=1)]
    least_eye_distance: Annotated[float, Field(gt=0)] = Field(description="In pixels.")
    half_precision: tuple[str, ...] = Field(
        (), description="Networks that a GPU may run in half precision (16 bits)."
    )
    similarity: str = Field(description="What a similarity means, for people.")
    caution: str = Field("", description="On whom it is known to fail more often, for people.")

    @model_validator(mode="after")
    def _has_its_networks(self) -> Self:
        wanted = {"embedder", *_ROLES[self.detector.kind]}
        if set(self.networks) != wanted:
            raise ValueError(f"a {self.detector.kind} pack has the networks {sorted(wanted)}")
        if unknown := sorted(set(self.half_precision) - wanted):
            raise ValueError(f"half_precision names {unknown}; allowed: {sorted(wanted)}")
        if self.archive is None and self.archived:
            raise ValueError(f"{sorted(self.archived)} are to come out of an archive: name it")
        return self

    @property
    def archived(self) -> Mapping[str, Archived]:
        """The networks that come out of the archive, by role."""
        networks = self.networks.items()
        return {role: network for role, network in networks if isinstance(network, Archived)}


def shipped_packs() -> tuple[str, ...]:
    """The names of the packs that come with the program."""
    entries = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(Path(name).stem for name in entries if name.endswith(".yaml")))


def load_manifest(pack: str) -> Manifest:
    """The manifest of a shipped pack by its name, or of any other by its file's path.

    Raises:
        Misconfigured: there is no such pack, or its manifest is broken.
    """
    file = Path(pack) if pack.endswith((".yaml", ".yml")) else _folder() / f"{pack}.yaml"
    if not file.is_file():
        raise Misconfigured(
            f"there is no model pack {pack!r} (MODEL_PACK, --pack); "
            f"allowed: {', '.join(shipped_packs())}, or the path of a manifest (.yaml)"
        )
    try:
        manifest = Manifest.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file} is no manifest of a model pack: {error}") from error
    return _with_absolute_paths(manifest, file.resolve().parent)


def _with_absolute_paths(manifest: Manifest, folder: Path) -> Manifest:
    networks = {
        role: entry.model_copy(update={"path": folder / entry.path})
        if isinstance(entry, Local)
        else entry
        for role, entry in manifest.networks.items()
    }
    return manifest.model_copy(update={"networks": networks})


def _folder() -> Path:
    return Path(str(files("configs") / "packs"))
