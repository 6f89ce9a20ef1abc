"""What Prometheus may know of the program itself, and of the devices its networks run on."""

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Info, Metric, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.shards.messages import Device
from pipeline.inference import Placed


def tell_of_machine(
    registry: CollectorRegistry,
    networks: Mapping[str, Placed],
    elsewhere: Callable[[], Iterable[tuple[str, Device]]],
) -> None:
    """Version, processor time, memory, open files, and where each network runs.

    ``elsewhere`` tells of networks in shards, each with its shard's name.
    """
    ProcessCollector(registry=registry)
    Info("faceapi_build", "Which faceapi this is", registry=registry).info(
        {"version": version("faceapi")}
    )
    registry.register(_Devices(networks, elsewhere))


class _Devices(Collector):
    """Asked at every scrape: a network may be moved to another device while it runs."""

    def __init__(
        self,
        networks: Mapping[str, Placed],
        elsewhere: Callable[[], Iterable[tuple[str, Device]]],
    ) -> None:
        self._networks = networks
        self._elsewhere = elsewhere

    def collect(self) -> Iterable[Metric]:
        """1 for the device that a network was to run on and the one that it runs on."""
        family = GaugeMetricFamily(
            "faceapi_device_info",
            "The device that was asked for, and the one that is used",
            labels=["network", "asked", "used", "shard"],
        )
        for role, network in self._networks.items():
            family.add_metric([role, network.device, network.used, ""], 1)
        for shard, device in self._elsewhere():
            family.add_metric([device.network, device.asked, device.used, shard], 1)
        yield family
