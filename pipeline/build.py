"""Settings and a model pack -> a pipeline; the one place that names concrete stages."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.detect import scrfd, yunet
from pipeline.detect.closeup import AsDetected, CloseUp
from pipeline.detect.mtcnn import Cascade, Mtcnn
from pipeline.detect.scrfd import Scrfd
from pipeline.detect.yunet import YuNet
from pipeline.embed import OnnxEmbedder
from pipeline.enroll import Enroller
from pipeline.extract import FeatureExtractor
from pipeline.identify import DecisionPolicy, Identifier
from pipeline.inference import Lanes, Runnable, lane_count
from pipeline.networks import Networks, open_sessions, ready
from pipeline.packs.manifest import (
    DetectorFeed,
    EmbedderFeed,
    MtcnnFeed,
    ScrfdFeed,
    YunetFeed,
    load_manifest,
)
from pipeline.packs.own import with_own_embedder
from pipeline.packs.pack import Pack, Progress, open_pack
from pipeline.photograph_analysis import PhotographAnalyzer
from pipeline.recognize import Recognizer, Tracks
from pipeline.schedule import Schedule, SchedulePolicy
from pipeline.settings import ModelSettings, PipelineSettings
from pipeline.stages import Detector, Embedder, Gallery, PointFinder
from pipeline.track import MotionTracker
from pipeline.views import OnHost


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """What all cameras share, and what makes the line for one more of them."""

    pack: Pack
    settings: PipelineSettings
    opened: Networks
    lanes: Lanes
    detector: Detector
    extractor: FeatureExtractor
    least_eye_distance: float

    def recognizer(self, gallery: Gallery, after: int = 0) -> Recognizer:
        """The line for one camera, with tracks of its own, numbered on from ``after``."""
        track, identify = self.settings.track, self.settings.identify
        identifier = Identifier(self._policy())
        tracker = MotionTracker(least_overlap=track.least_overlap, keep=track.keep, after=after)
        schedule = Schedule(
            SchedulePolicy(**identify.model_dump(exclude={"margin", "hysteresis"})), identifier
        )
        return Recognizer(
            self.lanes.for_camera(),
            self.detector,
            self.extractor,
            gallery,
            Tracks(tracker, schedule, identifier),
        )

    def enroller(self) -> Enroller:
        """What makes templates of photographs, with the same stages."""
        return Enroller(self.lanes, self.detector, self.extractor, self.least_eye_distance)

    def analyzer(self) -> PhotographAnalyzer:
        """What looks at single pictures, with the same stages."""
        return PhotographAnalyzer(self.lanes, self.detector, self.extractor)

    @property
    def networks(self) -> Mapping[str, Runnable]:
        """The networks, by what they do in the pack."""
        return self.opened.by_role

    @property
    def fallen(self) -> str:
        """Why MODEL_DEVICE=auto runs on the CPU; empty where nothing fell back."""
        return self.opened.fallen

    def close(self) -> None:
        """Take no more work, and wait for what is running."""
        self.lanes.close()
        self.opened.close()

    @property
    def threshold(self) -> float:
        """The similarity from which a person is named: the one asked for, or the pack's."""
        asked = self.settings.model.threshold
        return self.pack.manifest.threshold if asked is None else asked

    def _policy(self) -> DecisionPolicy:
        asked = self.settings.identify
        return DecisionPolicy(
            threshold=self.threshold,
            margin=asked.margin,
            hysteresis=asked.hysteresis,
            least_looks=asked.least_looks,
            most_looks=asked.most_looks,
        )


def build(settings: PipelineSettings, pack: Pack) -> Pipeline:
    """The stages that ``settings`` and ``pack`` ask for, with their networks opened.

    Raises:
        Misconfigured: a network cannot be run, or not on the device asked for.
    """
    opened = ready(open_sessions(pack.networks, settings.model.device), settings)
    networks = opened.by_role
    manifest, asked = pack.manifest, settings.quality.least_eye_distance
    least = manifest.least_eye_distance if asked is None else asked
    detector, points = _detector(manifest.detector, networks, settings)
    embedder = _embedder(manifest.embedder, networks["embedder"])
    return Pipeline(
        pack=pack,
        settings=settings,
        opened=opened,
        lanes=Lanes(lane_count(settings.inference.lanes, opened.at_once)),
        detector=detector,
        extractor=FeatureExtractor(points, manifest.embedder.alignment, embedder, least),
        least_eye_distance=least,
    )


def open_configured_pack(model: ModelSettings, cache: Path, progress: Progress) -> Pack:
    """The pack that the settings name, with your own embedder if they name one.

    Raises:
        Misconfigured: it is unknown or not here, or the embedder does not fit.
    """
    pack = open_pack(load_manifest(model.pack), cache, progress)
    if model.path is None:
        return pack
    return with_own_embedder(pack, model.path, dimension=model.emb_dim, threshold=model.threshold)


def _detector(
    feed: DetectorFeed, networks: Mapping[str, Runnable], settings: PipelineSettings
) -> tuple[Detector, PointFinder]:
    """What finds faces, and what finds their points at full resolution."""
    match feed:
        case YunetFeed():
            return _yunet(feed, networks["detector"], settings)
        case ScrfdFeed():
            return _scrfd(feed, networks["detector"], settings), AsDetected()
        case MtcnnFeed():
            return _mtcnn(feed, networks, settings), AsDetected()


def _yunet(
    feed: YunetFeed, network: Runnable, settings: PipelineSettings
) -> tuple[Detector, PointFinder]:
    asked = settings.detect.score
    shown = OnHost(network, yunet.COLOURS)
    far = YuNet(
        shown,
        least_score=feed.least_score if asked is None else asked,
        most_overlap=feed.most_overlap,
        longest_side=settings.detect.max_side,
    )
    near = YuNet(shown, least_score=feed.closeup.least_score, most_overlap=feed.most_overlap)
    return far, CloseUp(near, margin=feed.closeup.margin, side=feed.closeup.side)


def _scrfd(feed: ScrfdFeed, network: Runnable, settings: PipelineSettings) -> Detector:
    asked = settings.detect.score
    return Scrfd(
        OnHost(network, scrfd.COLOURS),
        least_score=feed.least_score if asked is None else asked,
        most_overlap=feed.most_overlap,
        longest_side=settings.detect.max_side,
        small_side=feed.small_side,
    )


def _mtcnn(
    feed: MtcnnFeed, networks: Mapping[str, Runnable], settings: PipelineSettings
) -> Detector:
    cascade = Cascade(networks["proposal"], networks["refinement"], networks["output"])
    first, second, last = feed.least_scores
    asked = settings.detect.score
    scores = (first, second, last if asked is None else asked)
    return Mtcnn(cascade, least_face=settings.detect.least_face, least_scores=scores)


def _embedder(feed: EmbedderFeed, network: Runnable) -> Embedder:
    return OnnxEmbedder(
        network,
        rgb=feed.colours == "rgb",
        mean=feed.mean,
        scale=feed.scale,
        dimension=feed.dimension,
    )
