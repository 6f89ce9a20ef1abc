"""What Prometheus may know of playback: read from what it said last, at every scrape."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from api.playback.process import PlaybackProcess


def tell_of_playback(registry: CollectorRegistry, playback: PlaybackProcess) -> None:
    """Whether it runs, how many view, what they are sent, what it takes."""
    registry.register(_Playback(playback))


class _Playback(Collector):
    def __init__(self, playback: PlaybackProcess) -> None:
        self._playback = playback

    def collect(self) -> Iterable[Metric]:
        """What is known."""
        playback, vitals = self._playback, self._playback.vitals
        yield _gauge("up", "1 if live video can be viewed", not playback.trouble)
        yield _gauge("viewers", "Who views live video now", playback.viewers)
        yield _counter("restarts", "How often its process was begun again", playback.restarts)
        yield _counter("sessions", "Sessions of viewers that were begun", playback.started)
        yield _counter(
            "refusals",
            "Those that were not begun",
            playback.refused,
        )
        yield _counter("losses", "How often viewers lost pictures", playback.losses)
        if vitals is not None:
            yield _counter("sent_bytes", "Video that was sent to viewers", vitals.sent_bytes)
            yield _counter("drops", "Pictures that slow viewers missed", vitals.dropped)
            yield _gauge("resident_bytes", "Memory that its process holds", vitals.resident_bytes)
            yield _counter("cpu_seconds", "Processor time since it began", vitals.cpu_seconds)


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"faceapi_playback_{name}", what, value=value)


def _counter(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(f"faceapi_playback_{name}", what, value=value)
