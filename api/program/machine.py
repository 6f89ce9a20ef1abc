"""What Prometheus may know of the program itself, and of the devices its networks run on."""

from collections.abc import Iterable, Mapping
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Info, Metric, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pipeline.inference import Network


def tell_of_machine(registry: CollectorRegistry, networks: Mapping[str, Network]) -> None:
    """Version, processor time, memory, open files, and where each network runs."""
    ProcessCollector(registry=registry)
    Info("faceapi_build", "Which faceapi this is", registry=registry).info(
        {"version": version("faceapi")}
    )
    registry.register(_Devices(networks))


class _Devices(Collector):
    """Asked at every scrape: a network may be moved to another device while it runs."""

    def __init__(self, networks: Mapping[str, Network]) -> None:
        self._networks = networks

    def collect(self) -> Iterable[Metric]:
        """1 for the device that a network was to run on and the one that it runs on."""
        family = GaugeMetricFamily(
            "faceapi_device_info",
            "The device that was asked for, and the one that is used",
            labels=["network", "asked", "used"],
        )
        for role, network in self._networks.items():
            family.add_metric([role, network.device, network.used], 1)
        yield family
