"""What Prometheus may know, measured at the borders; no name and no face is among it."""

import asyncio
import time
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from api.live.roles import Roles
from api.live.streams import Streams, StreamStatus
from api.live.wire import CameraState, FrameMessage, RevisionMessage
from ingest.source import CONNECTED, State
from ingest.troubles import Cause
from pipeline.messages import CameraId

_DELAYS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0)
_LAGS = (0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0)
PERIOD = 0.05
"""Seconds between two measurements of the loop's lag."""


class CameraMetrics:
    """What the cameras do, and how late the loops are that serve them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._frames = _per_camera(registry, "faceapi_frames", "Frames analysed")
        self._dropped = _per_camera(
            registry,
            "faceapi_frames_dropped",
            "Frames that were not analysed because a newer one was there",
        )
        self._too_old = _per_camera(
            registry,
            "faceapi_frames_too_old",
            "Frames analysed whose results came too late to be told as live",
        )
        self._revisions = _per_camera(
            registry, "faceapi_revisions", "Names that later evidence took back"
        )
        by_status = ["camera", "status"]
        self._faces = Counter(
            "faceapi_faces", "Faces seen, by what is known of them", by_status, registry=registry
        )
        self._delay = Histogram(
            "faceapi_delay_seconds",
            "From the capture of a frame to its result",
            ["camera"],
            buckets=_DELAYS,
            registry=registry,
        )
        self._state, self._trouble = _conditions(registry)
        self._connections = Counter(
            "faceapi_camera_connections",
            "How often it became live",
            ["camera"],
            registry=registry,
        )
        self._lags = Histogram(
            "faceapi_loop_lag_seconds",
            "How much later than asked an event loop wakes a task: a shard's, or the program's",
            ["shard"],
            buckets=_LAGS,
            registry=registry,
        )
        self._video_drops = Counter(
            "faceapi_video_drops", "Coded pictures that slow players missed", registry=registry
        )
        self.streams, self.roles = Streams(), Roles()
        registry.register(_Streams(self.streams, self.roles))
        self._latest: dict[str, int] = {}
        """Of each camera the number of the last frame that was analysed."""
        self._states: dict[CameraId, CameraState] = {}

    def seen(self, frame: FrameMessage) -> None:
        """A frame was analysed."""
        self._frames.labels(frame.camera).inc()
        dropped = self._missing_before(frame)
        self._dropped.labels(frame.camera).inc(dropped)
        delay = max(0.0, time.time() - frame.captured_at)
        self._delay.labels(frame.camera).observe(delay)
        self.streams.seen(CameraId(frame.camera), delay, dropped)
        for face in frame.faces:
            self._faces.labels(frame.camera, face.status).inc()

    def revised(self, revision: RevisionMessage) -> None:
        """A name was wrong."""
        self._revisions.labels(revision.camera).inc()

    def too_old(self, camera: CameraId) -> None:
        """A frame was analysed too late."""
        self._too_old.labels(camera).inc()

    def changed(self, camera: CameraId, state: CameraState, cause: Cause | None = None) -> None:
        """A camera is in another state; whatever counts its frames begins at 0 by then."""
        for one in State:
            self._state.labels(camera, one).set(one is state)
        if cause is not None or state in {State.LIVE, State.OVERLOADED}:
            for trouble in Cause:
                self._trouble.labels(camera, trouble).set(trouble is cause)
        for metric in (self._frames, self._dropped, self._too_old, self._delay):
            metric.labels(camera)
        was = self._states.get(camera)
        self._states[camera] = state
        self._connections.labels(camera).inc(state is State.LIVE and was not in CONNECTED)

    def lagged(self, shard: str, lags: Iterable[float]) -> None:
        """So late, in seconds, did the loop of a shard wake tasks; no shard: the program's."""
        histogram = self._lags.labels(shard)
        for lag in lags:
            histogram.observe(lag)

    def video_lost(self, pictures: int) -> None:
        """So many coded pictures were missed by somebody who plays a camera."""
        self._video_drops.inc(pictures)

    def forget(self, camera: CameraId) -> None:
        """A camera is gone: its series end."""
        by_camera = (
            self._frames,
            self._revisions,
            self._dropped,
            self._too_old,
            self._faces,
            self._delay,
            self._state,
            self._trouble,
            self._connections,
        )
        for metric in by_camera:
            metric.remove_by_labels({"camera": camera})
        self.streams.forget(camera)
        self.roles.forget(camera)
        self._latest.pop(camera, None)
        self._states.pop(camera, None)

    def _missing_before(self, frame: FrameMessage) -> int:
        """How many numbers are missing between the frame before and this one.

        A camera numbers what it drops, too, so this counts what its mailbox dropped, wherever
        that is. Nothing is known of what was before the first result.
        """
        before = self._latest.get(frame.camera, frame.seq - 1)
        self._latest[frame.camera] = frame.seq
        return max(0, frame.seq - before - 1)


def _per_camera(registry: CollectorRegistry, name: str, about: str) -> Counter:
    return Counter(name, about, ["camera"], registry=registry)


def _conditions(registry: CollectorRegistry) -> tuple[Gauge, Gauge]:
    """In which state a camera is, and what is wrong with it."""
    state = Gauge(
        "faceapi_camera_state", "1 for the state it is in", ["camera", "state"], registry=registry
    )
    trouble = Gauge(
        "faceapi_camera_trouble",
        "1 for what is wrong with it, until it is live",
        ["camera", "cause"],
        registry=registry,
    )
    return state, trouble


class _Streams(Collector):
    """What comes of the cameras, read at every scrape."""

    def __init__(self, streams: Streams, roles: Roles) -> None:
        self._streams = streams
        self._roles = roles

    def collect(self) -> Iterable[Metric]:
        """One sample a camera of which something came, and one a further stream that is wanted."""
        families = {name: _family(name, text) for name, text in _OF_STREAMS.items()}
        for camera, status in self._streams.statuses():
            for name, value in _values(status).items():
                if value is not None:
                    families[name].add_metric([camera], value)
        yield from families.values()
        live = GaugeMetricFamily(
            "faceapi_camera_role_live",
            "1 where pictures of a further stream come, 0 where they are wanted and do not",
            labels=["camera", "role"],
        )
        for camera, role, comes in self._roles.wanted():
            live.add_metric([camera, role], comes)
        yield live


_OF_STREAMS = {
    "faceapi_camera_bit_rate": "Bits a second that it sends",
    "faceapi_camera_picture_rate": "Pictures a second that it sends",
    "faceapi_camera_decoded_rate": "Pictures a second that are decoded",
    "faceapi_camera_bytes": "Bytes of coded video that it sent",
    "faceapi_camera_key_interval_seconds": "From one key picture to the next",
    "faceapi_camera_clock_skew_seconds": "How far its clock is ahead of ours",
    "faceapi_camera_width_pixels": "Width of its pictures",
    "faceapi_camera_height_pixels": "Height of its pictures",
}


def _family(name: str, text: str) -> GaugeMetricFamily | CounterMetricFamily:
    kind = CounterMetricFamily if name.endswith("bytes") else GaugeMetricFamily
    return kind(name, text, labels=["camera"])


def _values(status: StreamStatus) -> Mapping[str, float | None]:
    """What is known of a stream, in the order of ``_OF_STREAMS``."""
    values = (
        status.bit_rate or 0,
        status.pictures_per_second,
        status.decoded_per_second,
        status.coded_bytes,
        status.key_interval,
        status.clock_skew,
        status.width,
        status.height,
    )
    return dict(zip(_OF_STREAMS, values, strict=True))


async def measure_lag(metrics: CameraMetrics) -> None:
    """How late this process' event loop is, for ever."""
    while True:
        metrics.lagged("", [await one_lag()])


async def one_lag() -> float:
    """Seconds that the event loop wakes a task late."""
    loop = asyncio.get_running_loop()
    due = loop.time() + PERIOD
    await asyncio.sleep(PERIOD)
    return max(0.0, loop.time() - due)
