"""Settings and a model pack -> a pipeline; the one place that names concrete stages."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.detect import scrfd, yunet
from pipeline.detect.closeup import AsDetected, CloseUp, Squares
from pipeline.detect.mtcnn import Cascade, Mtcnn
from pipeline.detect.region import WHOLE, WithinRegion
from pipeline.detect.scrfd import Scrfd
from pipeline.detect.yunet import YuNet
from pipeline.device.extract import DeviceEmbedder, DeviceExtractor
from pipeline.device.opening import DeviceNetworks, Joint, open_on_devices
from pipeline.embed import OnnxEmbedder
from pipeline.enroll import Enroller
from pipeline.errors import Misconfigured
from pipeline.extract import FeatureExtractor
from pipeline.identify import DecisionPolicy, Identifier
from pipeline.inference import Lanes, Placed, Runnable, lane_count
from pipeline.messages import Box
from pipeline.networks import Networks, asks_for_gpu, devices_of, open_sessions, ready
from pipeline.packs.half import with_half_precision
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
from pipeline.stages import Detector, Embedder, Gallery, PictureNetwork, PointFinder
from pipeline.tracking.appearance import Alike
from pipeline.tracking.tracker import FaceTracker
from pipeline.views import Colours, OnHost

_log = logging.getLogger(__name__)

_MARGIN, _SIDE = 2.0, 256
"""Of the square in which a face is looked for in detail by a detector that has no close look: in
longer sides of its box, and in pixels, so that the face fills half of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """What all cameras share, and what makes the line for one more of them.

    ``watcher`` is the detector of the cameras: it also finds weaker faces than ``sure_score``,
    which may continue a track.
    """

    pack: Pack
    settings: PipelineSettings
    opened: Networks | DeviceNetworks
    lanes: Lanes
    detector: Detector
    watcher: Detector
    sure_score: float
    extractor: FeatureExtractor
    least_eye_distance: float

    def recognizer(
        self, gallery: Gallery, after: int = 0, region: Callable[[], Box] = lambda: WHOLE
    ) -> Recognizer:
        """The line for one camera, with tracks of its own, numbered on from ``after``.

        It looks for faces in the ``region`` alone.
        """
        track, identify = self.settings.track, self.settings.identify
        identifier = Identifier(self._policy())
        tracker = FaceTracker(
            Alike.of_threshold(self.threshold),
            sure_score=self.sure_score,
            least_overlap=track.least_overlap,
            keep=track.keep,
            remember=track.remember,
            after=after,
        )
        schedule = Schedule(
            SchedulePolicy(**identify.model_dump(exclude={"margin", "hysteresis"})), identifier
        )
        return Recognizer(
            self.lanes.for_camera(),
            WithinRegion(self.watcher, region),
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
    def networks(self) -> Mapping[str, Placed]:
        """The networks, by what they do in the pack."""
        return self.opened.by_role

    @property
    def on_device(self) -> bool:
        """Whether pictures are made ready where the networks run, not by OpenCV."""
        return isinstance(self.opened, DeviceNetworks)

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
    manifest, asked = pack.manifest, settings.quality.least_eye_distance
    least = manifest.least_eye_distance if asked is None else asked
    opened = _opened(pack, settings)
    detector, watcher, sure_score = _detectors(manifest.detector, opened, settings)
    points = _point_finder(manifest.detector, opened)
    in_detail = _detail_finder(manifest.detector, points, detector)
    return Pipeline(
        pack=pack,
        settings=settings,
        opened=opened,
        lanes=Lanes(lane_count(settings.inference.lanes, opened.at_once)),
        detector=detector,
        watcher=watcher,
        sure_score=sure_score,
        extractor=_extractor(manifest.embedder, opened, points, in_detail, least),
        least_eye_distance=least,
    )


def open_configured_pack(model: ModelSettings, cache: Path, progress: Progress) -> Pack:
    """The pack that the settings name, with your own embedder if they name one.

    Raises:
        Misconfigured: it is unknown or not here, or the embedder does not fit.
    """
    pack = open_pack(load_manifest(model.pack), cache, progress)
    if model.path is not None:
        own, threshold = model.emb_dim, model.threshold
        pack = with_own_embedder(pack, model.path, dimension=own, threshold=threshold)
    return with_half_precision(pack, cache, progress) if asks_for_gpu(model.device) else pack


def _opened(pack: Pack, settings: PipelineSettings) -> Networks | DeviceNetworks:
    """The pack's networks: on GPUs joined with all that is done to pictures, if it can be so."""
    joints, asked = _joints(pack), settings.model.device
    if joints and asks_for_gpu(asked):
        try:
            return open_on_devices(joints, devices_of(asked), settings)
        except Misconfigured as error:
            _log.warning("pictures are made ready on the CPU: %s", error)
    return ready(open_sessions(pack.networks, asked, settings.model.tensorrt), settings)


def _joints(pack: Pack) -> Mapping[str, Joint]:
    """How the pack's networks are joined with what is done to pictures.

    Not where the detector is a cascade, each step of which looks where the one before found faces.
    """
    files, feed = {**pack.networks, **pack.half}, pack.manifest.embedder
    if isinstance(pack.manifest.detector, MtcnnFeed):
        return {}
    colours = Colours(feed.colours == "rgb", feed.mean, feed.scale)
    return {
        "detector": Joint(files["detector"], _colours(pack.manifest.detector)),
        "embedder": Joint(files["embedder"], colours, feed.chip),
    }


def _detectors(
    feed: DetectorFeed, opened: Networks | DeviceNetworks, settings: PipelineSettings
) -> tuple[Detector, Detector, float]:
    """What finds faces, what finds weaker ones as well, and the score that is between."""
    asked = settings.detect.score
    least = feed.score if asked is None else asked
    weak = least * settings.track.weak
    return (
        _detector(feed, opened, settings, least),
        _detector(feed, opened, settings, weak),
        least,
    )


def _detector(
    feed: DetectorFeed,
    opened: Networks | DeviceNetworks,
    settings: PipelineSettings,
    least: float,
) -> Detector:
    match feed:
        case YunetFeed():
            return YuNet(
                _shown(opened, yunet.COLOURS),
                least_score=least,
                most_overlap=feed.most_overlap,
                longest_side=settings.detect.max_side,
            )
        case ScrfdFeed():
            return Scrfd(
                _shown(opened, scrfd.COLOURS),
                least_score=least,
                most_overlap=feed.most_overlap,
                longest_side=settings.detect.max_side,
                small_side=feed.small_side,
            )
        case MtcnnFeed():
            assert isinstance(opened, Networks)  # noqa: S101 - a cascade is never joined
            networks = opened.by_role
            cascade = Cascade(networks["proposal"], networks["refinement"], networks["output"])
            scores = (*feed.least_scores[:2], least)
            return Mtcnn(cascade, least_face=settings.detect.least_face, least_scores=scores)


def _point_finder(feed: DetectorFeed, opened: Networks | DeviceNetworks) -> PointFinder:
    """What finds a face's points at full resolution."""
    if not isinstance(feed, YunetFeed):
        return AsDetected()
    near = YuNet(
        _shown(opened, yunet.COLOURS),
        least_score=feed.closeup.least_score,
        most_overlap=feed.most_overlap,
    )
    return CloseUp(near, margin=feed.closeup.margin, side=feed.closeup.side)


def _detail_finder(feed: DetectorFeed, points: PointFinder, detector: Detector) -> PointFinder:
    """The same in a larger picture of the same moment.

    The two may be some milliseconds apart, and points that are scaled up are rough: there faces are
    looked for anew, whatever found them.
    """
    if isinstance(feed, YunetFeed):
        return points
    return CloseUp(Squares(detector), margin=_MARGIN, side=_SIDE)


def _shown(opened: Networks | DeviceNetworks, colours: Colours) -> PictureNetwork:
    """The detector that looks once."""
    if isinstance(opened, DeviceNetworks):
        return opened.by_role["detector"]
    return OnHost(opened.by_role["detector"], colours)


def _extractor(
    feed: EmbedderFeed,
    opened: Networks | DeviceNetworks,
    points: PointFinder,
    in_detail: PointFinder,
    least: float,
) -> FeatureExtractor:
    """What makes vectors of faces whose eyes are ``least`` pixels apart and more."""
    if isinstance(opened, DeviceNetworks):
        network = opened.by_role["embedder"]
        embedder = DeviceEmbedder(network, size=feed.chip, dimension=feed.dimension)
        return DeviceExtractor(points, feed.alignment, embedder, least, in_detail)
    alone = _embedder(feed, opened.by_role["embedder"])
    return FeatureExtractor(points, feed.alignment, alone, least, in_detail)


def _colours(feed: YunetFeed | ScrfdFeed) -> Colours:
    return yunet.COLOURS if isinstance(feed, YunetFeed) else scrfd.COLOURS


def _embedder(feed: EmbedderFeed, network: Runnable) -> Embedder:
    return OnnxEmbedder(
        network,
        rgb=feed.colours == "rgb",
        mean=feed.mean,
        scale=feed.scale,
        dimension=feed.dimension,
    )
