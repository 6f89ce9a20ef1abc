"""Dashboards and alerts ask for what the program exports, and a real Prometheus acts on it."""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from api.command.film import COLLINS, RATE, pictures, portrait
from ingest.virtual.camera import VirtualCamera
from ingest.virtual.clip import read_clip, write_clip
from tests.docker.promql import Matcher, Selector, asked_by
from tests.system.service import Service, passable_folder, person, wait_until
from tests.system.test_service_kills import freezing

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "dashboards" / "prometheus"
GRAFANA = ROOT / "dashboards" / "grafana"
BOARDS = ("overview", "camera")

OF_PROMETHEUS = {
    "up": {"job", "instance"},
    "ALERTS": {"alertname", "alertstate", "severity", "camera", "name", "job", "instance"},
}
"""Series that Prometheus itself makes."""
OF_TARGETS = frozenset({"job", "instance"})
"""Labels that Prometheus adds to what it scrapes."""
PROMPT = 1.0
"""Seconds within which /metrics answers, whatever is away."""


# What is shipped


def loaded(path: Path) -> Any:  # noqa: ANN401 - whatever is in there
    return yaml.safe_load(path.read_text("utf-8"))


def rules() -> Sequence[Mapping[str, Any]]:
    groups = loaded(PROMETHEUS / "alerts.yml")["groups"]
    return [rule for group in groups for rule in group["rules"]]


def board(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((GRAFANA / f"{name}.json").read_text("utf-8"))
    return content


def targets(name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each query of a dashboard with the title of its panel."""
    for panel in board(name)["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target


def expressions() -> Mapping[str, str]:
    """Every expression by where it stands."""
    found = {f"alerts.yml: {rule['alert']}": str(rule["expr"]) for rule in rules()}
    for name in BOARDS:
        for title, target in targets(name):
            found[f"{name}.json: {title} {target['refId']}"] = str(target["expr"])
    return found


def promtool(*arguments: str | Path) -> str:
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed: apt-get install prometheus")
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_its_configuration() -> None:
    said = promtool("check", "config", PROMETHEUS / "prometheus.yml")
    assert f"SUCCESS: {len(rules())} rules found" in said


def test_each_alert_fires_when_it_should_and_only_then() -> None:
    assert "SUCCESS" in promtool("test", "rules", ROOT / "tests" / "docker" / "alerts.test.yml")


@pytest.mark.parametrize("alert", [str(rule["alert"]) for rule in rules()])
def test_no_alert_is_without_such_a_test(alert: str) -> None:
    cases = loaded(ROOT / "tests" / "docker" / "alerts.test.yml")["tests"]
    checks = [
        str(check["exp_samples"])
        for case in cases
        if re.match(rf"{alert}\b", case["name"])
        for check in case["promql_expr_test"]
    ]
    fires = [f'alertname="{alert}"' in expected for expected in checks]
    assert set(fires) == {True, False}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_waits_says_how_bad_it_is_and_what_to_do(rule: Mapping[str, Any]) -> None:
    assert re.fullmatch(r"[1-9]\d*[mh]", rule["for"])
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert set(rule["annotations"]) == {"summary", "description"}
    summary, description = rule["annotations"]["summary"], rule["annotations"]["description"]
    assert len(summary) < 100
    assert len(description) > 80
    told = set(re.findall(r"\$labels\.(\w+)", summary + description))
    assert told <= {"name", "camera", "folder", "network", "asked", "shard", "job", "instance"}


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_has_numbered_panels_with_title_and_description(name: str) -> None:
    content = board(name)
    assert content["uid"] == f"faceapi-{name}"
    numbers = [panel["id"] for panel in content["panels"]]
    assert len(numbers) == len(set(numbers)) > 10
    shown = [panel for panel in content["panels"] if panel["type"] != "row"]
    assert [panel["title"] for panel in shown if len(panel["description"]) < 15] == []
    assert [panel["id"] for panel in shown if not panel["targets"] or not panel["title"]] == []


@pytest.mark.parametrize("name", BOARDS)
def test_no_panel_covers_another_or_is_out_of_sight(name: str) -> None:
    places = [panel["gridPos"] for panel in board(name)["panels"]]
    assert [place for place in places if place["x"] < 0 or place["x"] + place["w"] > 24] == []
    assert [pair for pair in combinations(places, 2) if overlap(*pair)] == []


def overlap(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size]
        for at, size in (("x", "w"), ("y", "h"))
    )


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_reads_from_the_provisioned_source_alone(name: str) -> None:
    (source,) = loaded(GRAFANA / "provisioning" / "datasources" / "prometheus.yml")["datasources"]
    text = (GRAFANA / f"{name}.json").read_text("utf-8")
    named = [
        json.loads(found) for found in re.findall(r'"datasource": (\{[^}]*\})', text, re.DOTALL)
    ]
    assert len(named) > 20
    own = {"type": "grafana", "uid": "-- Grafana --"}  # its notes
    assert [one for one in named if one != own] == [
        {"type": source["type"], "uid": source["uid"]}
    ] * (len(named) - 1)


def test_each_dashboard_leads_to_the_other() -> None:
    linked = {name: [link["url"] for link in board(name)["links"]] for name in BOARDS}
    assert linked == {"overview": ["/d/faceapi-camera"], "camera": ["/d/faceapi-overview"]}
    text = (GRAFANA / "overview.json").read_text("utf-8")
    (variable,) = board("camera")["templating"]["list"]
    assert f"/d/faceapi-camera?var-{variable['name']}=${{__data.fields.camera}}" in text


def test_provisioning_fits_together() -> None:
    (provider,) = loaded(GRAFANA / "provisioning" / "dashboards" / "faceapi.yml")["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
    (source,) = loaded(GRAFANA / "provisioning" / "datasources" / "prometheus.yml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    config = loaded(PROMETHEUS / "prometheus.yml")
    assert source["jsonData"]["timeInterval"] == config["global"]["scrape_interval"]
    assert [(PROMETHEUS / file).is_file() for file in config["rule_files"]] == [True]
    scraped = {job["job_name"]: job["static_configs"] for job in config["scrape_configs"]}
    assert scraped["faceapi"] == [{"targets": ["backend:8000"]}]


def test_a_camera_is_chosen_by_whatever_name_it_has() -> None:
    (variable,) = board("camera")["templating"]["list"]
    pattern = re.compile(variable["regex"].strip("/").replace("(?<", "(?P<"))
    for name in ("Gate", 'the "east" gate {1}', "back\\", "x, name="):
        row = f'faceapi_camera_info{{camera="1-2", instance="b", job="f", name="{name}"}} 1 17'
        found = pattern.search(row)
        assert found is not None
        assert (found["value"], found["text"]) == ("1-2", name)


@pytest.mark.parametrize(
    ("expression", "metrics", "labels"),
    [
        ("up == 0", ["up"], set()),
        ('sum by (le) (rate(a_bucket{x="1", y=~"u|v"}[5m])) > 1', ["a_bucket"], {"le"}),
        ("a * on (b, c) group_left (d) e or vector(0)", ["a", "e"], {"b", "c", "d"}),
        ("count without (x) (a offset 5m) / 24 * 3600", ["a"], {"x"}),
        ('histogram_quantile(0.95, a{s="by (z) b"}) and a', ["a", "a"], set()),
    ],
)
def test_an_expression_is_read(expression: str, metrics: list[str], labels: set[str]) -> None:
    asked = asked_by(expression)
    assert [one.metric for one in asked.selectors] == metrics
    assert asked.groupings == labels


def test_conditions_are_read() -> None:
    (selector,) = asked_by('rate(a{x="1,}", y!~"u|v"}[5m])').selectors
    assert selector == Selector("a", [Matcher("x", "=", "1,}"), Matcher("y", "!~", "u|v")])


# The program and a Prometheus that watches it


class Gate:
    """A virtual camera on a thread of its own, which dies and comes back at the same address."""

    def __init__(self, film: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._camera = VirtualCamera({"gate": read_clip(film)})

    def come(self) -> str:
        """Film; says the address."""
        self._run(self._camera.__aenter__())
        return self._camera.url("gate").with_secrets

    def die(self) -> None:
        """Close every connection, and listen no more."""
        self._run(self._camera.__aexit__(None, None, None))

    @property
    def sent(self) -> int:
        """Pictures so far."""
        return self._camera.sent

    def end(self) -> None:
        """Nothing is left."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, object]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)


@dataclass(frozen=True)
class Prometheus:
    """A running one."""

    url: str

    def ask(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=10).json()
        assert answer["status"] == "success", (parameters, answer)
        return answer["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result; the labels of each series are in ``metric``."""
        found: list[dict[str, Any]] = self.ask("query", query=expression)["result"]
        return found

    def firing(self) -> Mapping[str, Mapping[str, Any]]:
        alerts = self.ask("alerts")["alerts"]
        return {one["labels"]["alertname"]: one for one in alerts if one["state"] == "firing"}


@dataclass(frozen=True)
class Watched:
    """All of it."""

    service: Service
    gate: Gate
    camera: str
    prometheus: Prometheus

    def text(self) -> str:
        """/metrics, promptly."""
        began = time.monotonic()
        answer = httpx.get(f"{self.service.url}/metrics", timeout=10)
        assert time.monotonic() - began < PROMPT
        assert answer.status_code == 200
        return answer.text

    def value(self, name: str, **labels: str) -> float | None:
        """The value of a series."""
        found = [value for labels_, value in samples(self.text())[name] if labels_ == labels]
        return found[0] if found else None


def samples(text: str) -> Mapping[str, Sequence[tuple[Mapping[str, str], float]]]:
    found = defaultdict(list)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name].append((sample.labels, sample.value))
    return found


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """One camera, one person, somebody who mistypes the password."""
    if not shutil.which("prometheus"):
        pytest.skip("Prometheus is not installed: apt-get install prometheus")
    folder = tmp_path_factory.mktemp("monitoring")
    cache = os.environ.get("FACEAPI_CACHE_DIR") or str(folder / "cache")
    write_clip(folder / "film.mp4", pictures(), RATE)
    gate = Gate(folder / "film.mp4")
    try:
        with passable_folder() as home:
            service = Service(home, environ={"FACEAPI_CACHE_DIR": cache, "RTSP_MOST_BACKOFF": "1"})
            try:
                camera = furnished(service.start(), gate.come())
                with scraping(service, folder) as prometheus:
                    yield Watched(service, gate, camera, prometheus)
            finally:
                service.end()
        gate.die()
    finally:
        gate.end()


def furnished(service: Service, url: str) -> str:
    form = {"username": "admin", "password": "mistyped"}
    assert httpx.post(f"{service.url}/api/v1/auth/token", data=form).status_code == 401
    with service.client() as client:
        person(client, COLLINS, portrait(COLLINS))
        made = client.post("/cameras", json={"name": 'The "east" gate', "url": url})
        return str(made.json()["id"])


@contextmanager
def scraping(service: Service, folder: Path) -> Iterator[Prometheus]:
    """Debian's Prometheus with what is shipped, but with other addresses and shorter times."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        own = f"127.0.0.1:{door.getsockname()[1]}"
    addresses = {"backend:8000": service.url.removeprefix("http://"), "localhost:9090": own}
    write_quickened(folder, addresses)
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--web.listen-address={own}",
        "--log.level=warn",
    ]
    with subprocess.Popen(command) as process:
        try:
            prometheus = Prometheus(f"http://{own}")
            wait_until(lambda: is_ready(prometheus), "Prometheus answers")
            yield prometheus
        finally:
            process.terminate()


def write_quickened(folder: Path, addresses: Mapping[str, str]) -> None:
    config = loaded(PROMETHEUS / "prometheus.yml")
    config["global"] = dict.fromkeys(config["global"], "1s")
    for job in config["scrape_configs"]:
        for one in job["static_configs"]:
            one["targets"] = [addresses[target] for target in one["targets"]]
    alerts = loaded(PROMETHEUS / "alerts.yml")
    for group in alerts["groups"]:
        for rule in group["rules"]:
            rule["for"] = "2s"
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    (folder / "alerts.yml").write_text(yaml.safe_dump(alerts))


def is_ready(prometheus: Prometheus) -> bool:
    try:
        return httpx.get(f"{prometheus.url}/-/ready", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.system
def test_whatever_is_asked_for_is_exported(watched: Watched) -> None:
    seen_live(watched)
    exported = samples(watched.text())
    asked = {where: asked_by(expression) for where, expression in expressions().items()}
    assert sum(len(one.selectors) for one in asked.values()) > 100
    strange = [
        f"{where}: {selector.metric}, {complaint}"
        for where, one in asked.items()
        for selector in one.selectors
        for complaint in complaints(selector, exported)
    ]
    assert strange == []
    known = {name: labels_of(name, exported) for name in exported} | OF_PROMETHEUS
    ungrouped = [
        (where, label)
        for where, one in asked.items()
        for label in one.groupings - OF_TARGETS
        if not any(label in known[selector.metric] for selector in one.selectors)
    ]
    assert ungrouped == []


def labels_of(
    name: str, exported: Mapping[str, Sequence[tuple[Mapping[str, str], float]]]
) -> set[str]:
    return {label for labels, _ in exported[name] for label in labels}


def complaints(
    selector: Selector, exported: Mapping[str, Sequence[tuple[Mapping[str, str], float]]]
) -> Iterator[str]:
    """What is wrong with it: no such series, no such label, no such value of it."""
    if selector.metric in OF_PROMETHEUS:
        labels = OF_PROMETHEUS[selector.metric]
        yield from (one.label for one in selector.matchers if one.label not in labels)
        return
    if selector.metric not in exported:
        yield "no such series"
        return
    for one in selector.matchers:
        if one.label in OF_TARGETS:
            continue
        values = {labels.get(one.label) for labels, _ in exported[selector.metric]}
        if one.label not in labels_of(selector.metric, exported):
            yield f"no such label: {one.label}"
        elif one.sign == "=" and "$" not in one.value and one.value not in values:
            yield f"{one.label} is never {one.value}"


@pytest.mark.system
def test_a_metric_that_does_not_exist_would_be_found() -> None:
    exported = samples('there_total{camera="1"} 3\n')
    wrong = ("gone", 'there_total{name="x"}', 'there_total{camera="2"}')
    for expression in wrong:
        (selector,) = asked_by(expression).selectors
        assert list(complaints(selector, exported)), expression


def seen_live(watched: Watched) -> None:
    """Wait until faces are seen, and everything was looked at."""

    def complete() -> bool:
        there = samples(watched.text())
        wanted = ("faceapi_faces_total", "faceapi_camera_info", "faceapi_disk_free_bytes")
        return all(there[name] for name in (*wanted, "faceapi_part_up"))

    wait_until(complete, "all is seen", 60)


@pytest.mark.system
def test_every_panel_shows_something(watched: Watched) -> None:
    seen_live(watched)
    empty: list[tuple[str, str]] = []

    def is_full() -> bool:
        empty[:] = [
            (title, expression)
            for name in BOARDS
            for title, target in targets(name)
            for expression in [filled_in(target["expr"], watched.camera)]
            if "ALERTS{" not in expression and not watched.prometheus.query(expression)
        ]
        return not empty

    try:
        wait_until(is_full, "no panel is empty", 60)
    except AssertionError:
        assert empty == []
    lists = [t["expr"] for name in BOARDS for _, t in targets(name) if "ALERTS{" in t["expr"]]
    for expression in lists:
        watched.prometheus.query(filled_in(expression, watched.camera))


def filled_in(expression: str, camera: str) -> str:
    """As Grafana asks."""
    return expression.replace("$__rate_interval", "1m").replace("$camera", camera)


@pytest.mark.system
def test_every_rule_can_be_evaluated_and_none_fires_on_a_healthy_system(watched: Watched) -> None:
    def evaluated() -> bool:
        groups = watched.prometheus.ask("rules")["groups"]
        found = [rule for group in groups for rule in group["rules"]]
        assert [rule["lastError"] for rule in found if rule["health"] == "err"] == []
        return len(found) == len(rules()) and {rule["health"] for rule in found} == {"ok"}

    seen_live(watched)
    wait_until(evaluated, "every rule was evaluated", 30)
    # A disk that is nearly full is this machine's; a load as of here makes results late.
    of_the_machine = {"DiskNearlyFull", "DiskFull", "ResultsLate", "EventLoopLate", "FramesDropped"}
    assert set(watched.prometheus.firing()) <= of_the_machine


@pytest.mark.system
def test_camera_down_fires_when_the_camera_dies_and_ends_when_it_returns(watched: Watched) -> None:
    seen_live(watched)
    assert "CameraDown" not in watched.prometheus.firing()
    watched.gate.die()
    try:
        wait_until(lambda: "CameraDown" in watched.prometheus.firing(), "the alert fires", 60)
        alert = watched.prometheus.firing()["CameraDown"]
        assert alert["labels"]["name"] == 'The "east" gate'
        assert alert["annotations"]["summary"] == 'Camera The "east" gate gives no picture'
        assert alert["labels"]["severity"] == "critical"
    finally:
        watched.gate.come()
    wait_until(lambda: "CameraDown" not in watched.prometheus.firing(), "the alert ends", 60)


@pytest.mark.system
def test_what_is_analysed_and_what_is_dropped_is_what_the_camera_sends(watched: Watched) -> None:
    seen_live(watched)

    def counted() -> float:
        there = samples(watched.text())
        names = ("faceapi_frames_total", "faceapi_frames_dropped_total")
        return sum(value for name in names for _, value in there[name])

    begin, sent = counted(), watched.gate.sent
    wait_until(lambda: watched.gate.sent >= sent + 3 * RATE, "the camera sends", 30)
    late = 2 * RATE  # what is on its way, at each end
    assert counted() - begin == pytest.approx(watched.gate.sent - sent, abs=late)
    assert counted() > begin


@pytest.mark.system
def test_a_frozen_database_is_told_and_metrics_answer_promptly_all_the_while(
    watched: Watched,
) -> None:
    def is_up(part: str, up: float) -> Callable[[], bool]:
        return lambda: watched.value("faceapi_part_up", part=part) == up

    wait_until(is_up("database", 1), "the database is well", 30)
    with freezing(watched.service):
        wait_until(is_up("database", 0), "it is away", 30)
        assert watched.value("faceapi_part_up", part="pipeline") == 1
        wait_until(lambda: "DatabaseDown" in watched.prometheus.firing(), "the alert fires", 30)
        watched.text()
    wait_until(is_up("database", 1), "it is well again", 60)


@pytest.mark.system
def test_a_name_is_told_anew_and_a_camera_that_is_gone_is_told_no_more(watched: Watched) -> None:
    def info() -> set[str]:
        return {labels["name"] for labels, _ in samples(watched.text())["faceapi_camera_info"]}

    with watched.service.client() as client:
        body = {"name": "Yard", "url": "rtsp://127.0.0.1:1/gone"}
        yard = client.post("/cameras", json=body).json()["id"]
        wait_until(lambda: "Yard" in info(), "its name", 30)
        client.patch(f"/cameras/{yard}", json={"name": "Garden"})
        wait_until(lambda: info() == {'The "east" gate', "Garden"}, "its new name", 30)
        assert client.delete(f"/cameras/{yard}").status_code == 204
        wait_until(lambda: yard not in watched.text(), "no series of it", 30)
    text = watched.text()
    assert COLLINS not in text
    assert str(watched.service.folder) not in text
