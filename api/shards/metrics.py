"""What Prometheus may know of the shards: read from what they said last, at every scrape."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from api.live.engine import ShardState
from api.shards.engine import ShardedEngine


def tell_of_shards(registry: CollectorRegistry, engine: ShardedEngine) -> None:
    """Whether each runs, how often it was begun again, what it takes, how far its gallery is."""
    registry.register(_Shards(engine))


class _Shards(Collector):
    def __init__(self, engine: ShardedEngine) -> None:
        self._engine = engine

    def collect(self) -> Iterable[Metric]:
        """One sample a shard."""
        up = GaugeMetricFamily("faceapi_shard_up", "1 if it watches cameras", labels=["shard"])
        restarts = CounterMetricFamily(
            "faceapi_shard_restarts", "How often it was begun again", labels=["shard"]
        )
        memory = GaugeMetricFamily(
            "faceapi_shard_resident_bytes", "Memory that it holds", labels=["shard"]
        )
        processor = CounterMetricFamily(
            "faceapi_shard_cpu_seconds", "Processor time since it began", labels=["shard"]
        )
        tasks = GaugeMetricFamily("faceapi_shard_tasks", "Of its event loop", labels=["shard"])
        threads = GaugeMetricFamily("faceapi_shard_threads", "Of Python", labels=["shard"])
        dropped = CounterMetricFamily(
            "faceapi_shard_drops", "Results and pictures that waited too long", labels=["shard"]
        )
        position = GaugeMetricFamily(
            "faceapi_shard_index_position", "The last change in its gallery", labels=["shard"]
        )
        for shard in self._engine.processes():
            up.add_metric([shard.id], shard.state is ShardState.RUNNING)
            restarts.add_metric([shard.id], shard.restarts)
            if shard.vitals is not None:
                memory.add_metric([shard.id], shard.vitals.resident_bytes)
                processor.add_metric([shard.id], shard.vitals.cpu_seconds)
                tasks.add_metric([shard.id], shard.vitals.tasks)
                threads.add_metric([shard.id], shard.vitals.threads)
                dropped.add_metric([shard.id], shard.vitals.dropped)
                position.add_metric([shard.id], shard.vitals.position)
        yield from (up, restarts, memory, processor, tasks, threads, dropped, position)
