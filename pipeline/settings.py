"""Frozen, described settings of the stages."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

Part = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class Section(BaseModel):
    """A group of settings: nothing unknown gets in, nothing changes later."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelSettings(Section):
    """Which networks run, and where."""

    pack: str = Field("builtin", description="Model pack: a name from configs/packs, or a file.")
    path: Path | None = Field(None, description="Your own embedder (ONNX) instead of the pack's.")
    loader: Literal["onnx"] = Field("onnx", description="How the file at model.path is loaded.")
    threshold: Annotated[float, Field(gt=-1, lt=1)] | None = Field(
        None, description="Similarity (cosine) from which a person is named; unset: the pack's."
    )
    device: str = Field(
        "cpu",
        pattern=r"^(cpu|auto|cuda(:\d+(,\d+)*)?)$",
        description="cpu, cuda:N, cuda:N,M for several; auto: cuda:0 where it runs, else cpu.",
    )
    tensorrt: Path | None = Field(
        None,
        description="Folder for TensorRT's engines: set, TensorRT runs on GPUs; unset, CUDA alone.",
    )
    emb_dim: Annotated[int, Field(ge=1, le=32768)] | None = Field(
        None, description="Numbers in a vector of your own embedder; checked against the file."
    )
    accept_licence: str | None = Field(
        None, description="Pack, by its name, whose licence you accept where one must be accepted."
    )
    mirror: str | None = Field(
        None,
        pattern=r"^https?://[^@\s]+$",
        description="Downloads come from MIRROR/PACK/FILE instead.",
    )

    @model_validator(mode="after")
    def _has_a_gpu_for_tensorrt(self) -> Self:
        if self.tensorrt is not None and self.device == "cpu":
            raise ValueError(
                "tensorrt runs on GPUs only: set MODEL_DEVICE=cuda:0, or leave it unset"
            )
        return self


class InferenceSettings(Section):
    """How much is computed side by side."""

    lanes: Annotated[int, Field(ge=1, le=256)] | None = Field(
        None, description="Threads that networks run in; unset: one a core, two at least."
    )
    batch: Literal["auto"] | Annotated[int, Field(ge=1, le=64)] = Field(
        "auto",
        description="Pictures or faces in a run; auto: one on a CPU, on a GPU what a trial shows.",
    )
    batch_wait: Annotated[float, Field(ge=0, le=1000)] = Field(
        2.0, description="Milliseconds that one waits for others to share a run."
    )
    picture_memory: Annotated[int, Field(ge=128, le=65536)] = Field(
        512, description="MiB on each GPU for pictures that are looked at; one of 1920x1080 has 6."
    )
    window: Annotated[int, Field(ge=1, le=64)] = Field(
        4, description="Frames of a camera in flight at once."
    )


class DetectSettings(Section):
    """Where are faces?"""

    max_side: Annotated[int, Field(ge=64, le=8192)] = Field(
        640, description="Longest side, in pixels, of the frame that one-look detectors work on."
    )
    least_face: Annotated[int, Field(ge=12, le=4096)] = Field(
        40, description="Longer side, in pixels, of the smallest face a cascade looks for."
    )
    score: Part | None = Field(
        None, description="Detector's score from which a face counts, 0 to 1; unset: the pack's."
    )


class TrackSettings(Section):
    """Which face is which, from frame to frame?"""

    least_overlap: Part = Field(
        0.2, description="Shared part of two boxes (of their union) from which a track goes on."
    )
    keep: Seconds = Field(
        1.0, description="Seconds that a face is followed by its motion without being seen."
    )
    remember: Seconds = Field(
        10.0, description="Seconds in which a lost face gets its track back by what it looks like."
    )
    weak: Part = Field(
        0.75,
        description="Of the detector's score, from which a face goes on a track; 1: as to begin.",
    )


class QualitySettings(Section):
    """Is this face worth embedding?"""

    least_eye_distance: Annotated[float, Field(ge=1, le=1000)] | None = Field(
        None, description="Pixels between the eyes of the smallest face judged; unset: the pack's."
    )


class IdentifySettings(Section):
    """When is a name given, and how often is it checked?"""

    margin: Part = Field(
        0.005, description="By how much the named person's similarity exceeds the next one's."
    )
    hysteresis: Part = Field(
        0.15,
        description="Part of the way from threshold to 1 that evidence may fall, and a name stays.",
    )
    least_looks: Annotated[int, Field(ge=1, le=100)] = Field(
        3, description="Looks at a track that must carry a name; poor ones beside a good one don't."
    )
    most_looks: Annotated[int, Field(ge=1, le=100)] = Field(
        8, description="Looks at a track that count: the latest few, and the best."
    )
    retry: Seconds = Field(
        0.2, description="Seconds until a face that could not be compared is tried again."
    )
    unknown_interval: Seconds = Field(
        0.5, description="Seconds between two looks at somebody unknown."
    )
    known_interval: Seconds = Field(2.0, description="Seconds between two looks at somebody known.")

    @model_validator(mode="after")
    def _enough_looks(self) -> Self:
        if self.most_looks < self.least_looks:
            raise ValueError(
                f"most_looks ({self.most_looks}) must not be below least_looks "
                f"({self.least_looks}): nobody would ever be named"
            )
        return self


class MilvusSettings(Section):
    """Where templates are searched: a server, or a file if no host is named."""

    db_host: str | None = Field(None, description="Milvus server; unset: Milvus Lite in a file.")
    db_port: Annotated[int, Field(ge=1, le=65535)] = Field(19530, description="Its TCP port.")
    db_user: str = Field("root", description="Its user.")
    db_password: SecretStr | None = Field(None, description="The user's password.")
    db_db_name: str = Field(
        "default", pattern=r"^[A-Za-z_]\w*$", description="Database, made if it is not there."
    )


class PipelineSettings(Section):
    """All sections of the line of rooms."""

    model: ModelSettings = ModelSettings()
    inference: InferenceSettings = InferenceSettings()
    detect: DetectSettings = DetectSettings()
    track: TrackSettings = TrackSettings()
    quality: QualitySettings = QualitySettings()
    identify: IdentifySettings = IdentifySettings()
    milvus: MilvusSettings = MilvusSettings()
