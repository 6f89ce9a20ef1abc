"""Compose files, templates and settings: they resolve, keep their promises, and agree."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.settings.layers import keys_of
from api.settings.settings import Settings

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
ENVIRONMENTS = ("dev", "prod")
VARIANTS = [(environment, gpu) for environment in ENVIRONMENTS for gpu in (False, True)]
OWN = {"backend", "frontend", "nginx", "camera"}
"""Services whose images are ours."""
DEPLOY = {"BACKUP_DIRECTORY", "BACKUP_KEYS_DIRECTORY", "BACKUP_KEEP", "COMPOSE_PROFILES"}
"""What only ``deploy.sh`` reads."""
NAMES = {
    "postgres": "face-rec-postgres",
    "etcd": "milvus-etcd",
    "minio": "milvus-minio",
    "standalone": "milvus-standalone",
    "backend": "face-rec-backend",
    "frontend": "face-rec-frontend",
}
Variant = tuple[str, bool]
Service = Mapping[str, Any]


def template(environment: str) -> str:
    return (ROOT / f".env.{environment}.example").read_text()


def variables(environment: str) -> Mapping[str, str]:
    """Those that the template sets, with their values."""
    return dict(re.findall(r"^(\w+)=(.*)$", template(environment), re.MULTILINE))


def known_to(environment: str) -> set[str]:
    """Those that the template sets, or shows for whoever wants them."""
    return set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", template(environment), re.MULTILINE))


def asked_for(environment: str) -> set[str]:
    """The variables that an environment's compose files, and what they extend, refer to."""
    files = [*DOCKER.glob(f"docker-compose.{environment}*.yml")]
    assert len(files) == 2
    text = "".join(file.read_text() for file in files)
    used = set(re.findall(r"extends: \{file: docker/services.yml, service: ([\w-]+)\}", text))
    shared = yaml.safe_load((DOCKER / "services.yml").read_text())["services"]
    text += yaml.safe_dump({name: shared[name] for name in used})
    passed_on = {
        name
        for service in used
        for name, value in (shared[service].get("environment") or {}).items()
        if value is None
    }
    return set(re.findall(r"(?<!\$)\$\{(\w+)", text)) | passed_on


def settings() -> set[str]:
    return {key.replace(".", "_").upper() for key in keys_of(Settings)}


def resolve(environment: str, *, gpu: bool, folder: Path, **changes: str) -> Mapping[str, Any]:
    """What Compose makes of the files, with the template's values and a secret for each secret."""
    done = compose(environment, gpu=gpu, folder=folder, **changes)
    assert done.returncode == 0, done.stderr
    resolved: Mapping[str, Any] = yaml.safe_load(done.stdout)
    return resolved


def compose(
    environment: str, *, gpu: bool, folder: Path, **changes: str
) -> subprocess.CompletedProcess[str]:
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("docker-compose is not installed: apt-get install docker-compose")
    values = {
        name: re.sub(r"^your_\w+_here$", "0123456789abcdef" * 2, value)
        for name, value in variables(environment).items()
    }
    file = folder / f"env.{environment}"
    file.write_text("".join(f"{name}={value}\n" for name, value in (values | changes).items()))
    files = [f"docker/docker-compose.{environment}.yml"]
    files += [f"docker/docker-compose.{environment}.gpu.yml"] if gpu else []
    return subprocess.run(
        [
            program,
            "--project-name",
            f"faceapi-{environment}",
            "--project-directory",
            ".",
            "--env-file",
            str(file),
            *(part for name in files for part in ("-f", name)),
            "config",
        ],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(params=VARIANTS, ids=lambda one: f"{one[0]}{'-gpu' if one[1] else ''}")
def variant(request: pytest.FixtureRequest) -> Variant:
    chosen: Variant = request.param
    return chosen


@pytest.fixture
def services(variant: Variant, tmp_path: Path) -> Mapping[str, Service]:
    environment, gpu = variant
    resolved = resolve(environment, gpu=gpu, folder=tmp_path)
    found: Mapping[str, Service] = resolved["services"]
    assert len(found) >= 9
    return found


# What each file promises


def test_containers_bear_the_names_that_were_agreed_on(services: Mapping[str, Service]) -> None:
    assert {name: services[name]["container_name"] for name in NAMES} == NAMES
    names = [service["container_name"] for service in services.values()]
    assert len(set(names)) == len(names)


def test_every_service_is_watched_bounded_and_its_log_rotated(
    services: Mapping[str, Service],
) -> None:
    for name, service in services.items():
        assert service["healthcheck"]["test"][0].startswith("CMD"), name
        assert {"memory"} <= set(service["deploy"]["resources"]["limits"]), name
        assert "memory" in service["deploy"]["resources"]["reservations"], name
        options = service["logging"]["options"]
        assert options == {"max-size": "10m", "max-file": "3", "compress": "true"}, name
        assert "no-new-privileges:true" in service["security_opt"], name


def test_our_own_images_run_without_any_power(services: Mapping[str, Service]) -> None:
    for name in OWN & set(services):
        service = services[name]
        assert service["user"] == "1000:1000", name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service, name
        assert "/tmp" in service["tmpfs"], name  # noqa: S108 - a mount's path


def test_whoever_needs_another_waits_until_that_one_is_well(
    services: Mapping[str, Service],
) -> None:
    waits = {
        name: {
            other
            for other, how in service["depends_on"].items()
            if how == {"condition": "service_healthy"}
        }
        for name, service in services.items()
        if "depends_on" in service
    }
    assert waits["standalone"] == {"etcd", "minio"}
    assert waits["backend"] == {"postgres", "standalone"}
    assert waits["grafana"] == {"prometheus"}
    front = "nginx" if "nginx" in services else "frontend"
    assert "backend" in waits[front]


def test_images_of_others_are_pinned(services: Mapping[str, Service]) -> None:
    foreign = {name: service["image"] for name, service in services.items() if name not in OWN}
    assert foreign["postgres"] == "postgres:15-alpine"
    assert foreign["etcd"] == "quay.io/coreos/etcd:v3.5.25"
    assert foreign["minio"] == "minio/minio:RELEASE.2024-12-18T13-15-44Z"
    assert all(re.search(r":[\w.-]*\d", image) for image in foreign.values())


def test_milvus_wants_a_password_and_has_its_log_in_woodpecker(
    services: Mapping[str, Service],
) -> None:
    milvus, backend = services["standalone"]["environment"], services["backend"]["environment"]
    assert milvus["MQ_TYPE"] == "woodpecker"
    assert milvus["COMMON_SECURITY_AUTHORIZATIONENABLED"] == "true"
    assert milvus["COMMON_SECURITY_DEFAULTROOTPASSWORD"] == backend["MILVUS_DB_PASSWORD"] != ""
    minio = services["minio"]["environment"]
    assert milvus["MINIO_SECRET_ACCESS_KEY"] == minio["MINIO_ROOT_PASSWORD"] != ""


def test_only_the_gpu_files_ask_for_a_gpu(
    services: Mapping[str, Service], variant: Variant
) -> None:
    _, gpu = variant
    asking = {
        name
        for name, service in services.items()
        if service["deploy"]["resources"]["reservations"].get("devices")
    }
    assert asking == ({"backend", "standalone"} if gpu else set())
    backend = services["backend"]
    assert backend["environment"]["MODEL_DEVICE"] == ("cuda:0" if gpu else "cpu")
    assert backend["build"]["dockerfile"].endswith("Dockerfile-gpu") == gpu
    assert services["standalone"]["image"] == f"milvusdb/milvus:v2.6.11{'-gpu' if gpu else ''}"


def published(services: Mapping[str, Service]) -> Mapping[str, str]:
    """Services by what the host's ports of TCP are bound to, such as 127.0.0.1:5432 or 80."""
    return {_bound(port): name for name, port in _ports(services) if not _is_udp(port)}


def _ports(services: Mapping[str, Service]) -> Iterator[tuple[str, str | Mapping[str, Any]]]:
    for name, service in services.items():
        for port in service.get("ports", []):
            yield name, port


def _is_udp(port: str | Mapping[str, Any]) -> bool:
    return port.endswith("/udp") if isinstance(port, str) else port.get("protocol") == "udp"


def _bound(port: str | Mapping[str, Any]) -> str:
    """Compose writes a port without an address at length."""
    return port.rpartition(":")[0] if isinstance(port, str) else str(port["published"])


def test_the_network_reaches_the_page_and_nothing_else(
    services: Mapping[str, Service], variant: Variant
) -> None:
    """In development by its own server; what else is published only the host itself reaches."""
    environment, _ = variant
    ports = published(services)
    assert len(ports) >= 4
    open_to_all = {port: name for port, name in ports.items() if not port.startswith("127.0.0.1:")}
    expected = {"3000": "frontend"} if environment == "dev" else {"80": "nginx", "443": "nginx"}
    assert open_to_all == {**expected, "3478": "turn"}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_webrtc_has_the_same_udp_ports_inside_and_outside(environment: str, tmp_path: Path) -> None:
    changes = {"WEBRTC_PORTS_FIRST": "40000", "WEBRTC_PORTS_LAST": "40002"}
    services = resolve(environment, gpu=False, folder=tmp_path, **changes)["services"]
    ports = [(name, port) for name, port in _ports(services) if _is_udp(port)]
    assert {name for name, _ in ports} == {"backend", "turn"}
    shown = [
        (port["published"], port["target"])
        for name, port in ports
        if name == "backend" and not isinstance(port, str)
    ]
    assert sorted(shown) == [(number, number) for number in (40000, 40001, 40002)]
    free = services["backend"]["sysctls"]["net.ipv4.ip_local_port_range"]
    assert free == "40000 40002"


def test_production_publishes_no_database_at_all(tmp_path: Path) -> None:
    ports = published(resolve("prod", gpu=False, folder=tmp_path)["services"])
    assert set(ports.values()) == {"nginx", "prometheus", "grafana", "turn"}


def test_development_has_the_ports_that_were_agreed_on(tmp_path: Path) -> None:
    ports = published(resolve("dev", gpu=False, folder=tmp_path)["services"])
    assert {
        "127.0.0.1:6874": "backend",
        "3000": "frontend",
        "127.0.0.1:5432": "postgres",
        "127.0.0.1:19530": "standalone",
        "127.0.0.1:9091": "standalone",
        "127.0.0.1:9001": "minio",
    }.items() <= ports.items()


def test_every_port_of_the_host_can_be_changed(variant: Variant, tmp_path: Path) -> None:
    environment, gpu = variant
    names = [name for name in variables(environment) if name.endswith("_PORT")]
    inside = {"SQL_PORT", "MILVUS_DB_PORT"}
    changes = {name: str(20000 + i) for i, name in enumerate(names) if name not in inside}
    assert len(changes) >= 4
    services = resolve(environment, gpu=gpu, folder=tmp_path, **changes)["services"]
    hosts = {port.rpartition(":")[2] for port in published(services)}
    assert hosts == set(changes.values())


def test_profiles_are_what_is_not_needed(services: Mapping[str, Service]) -> None:
    profiles = {name: service.get("profiles") for name, service in services.items()}
    assert {name: one for name, one in profiles.items() if one} == {
        "prometheus": ["monitoring"],
        "grafana": ["monitoring"],
        "turn": ["turn"],
        "camera": ["demo"],
    }


def test_data_lie_where_they_were_agreed_to(tmp_path: Path) -> None:
    dev = resolve("dev", gpu=False, folder=tmp_path)["services"]
    for service, folder in (("etcd", "etcd"), ("minio", "minio"), ("standalone", "milvus")):
        (mounted,) = (
            one for one in dev[service]["volumes"] if one.startswith(str(ROOT / "volumes_dev"))
        )
        assert mounted.startswith(str(ROOT / "volumes_dev" / folder) + ":")
    prod = resolve("prod", gpu=False, folder=tmp_path)
    assert prod["volumes"]["postgres_data"]["name"] == "postgres_data"
    assert {"etcd", "minio", "milvus"} <= set(prod["volumes"])
    assert [one["subnet"] for one in prod["networks"]["face-rec-network"]["ipam"]["config"]] == [
        "172.20.0.0/16"
    ]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("name", ["SQL_PASSWORD", "JWT_SECRET_KEY", "MILVUS_DB_PASSWORD"])
def test_without_a_secret_nothing_starts(environment: str, name: str, tmp_path: Path) -> None:
    refused = compose(environment, gpu=False, folder=tmp_path, **{name: ""})
    assert refused.returncode != 0
    assert name in refused.stderr
    assert "deploy.sh" in refused.stderr


def test_paths_that_are_mounted_are_there(tmp_path: Path) -> None:
    made = {"volumes_dev", "models", "certificates"}  # by deploy.sh
    for environment in ENVIRONMENTS:
        services = resolve(environment, gpu=False, folder=tmp_path)["services"]
        hosts = [
            Path(volume.split(":")[0])
            for service in services.values()
            for volume in service.get("volumes", [])
            if volume.startswith("/")
        ]
        assert len(hosts) >= 5
        missing = [
            path
            for path in hosts
            if path.relative_to(ROOT).parts[0] not in made and not path.exists()
        ]
        assert missing == []


def test_grafana_finds_the_dashboards_where_its_provider_looks(tmp_path: Path) -> None:
    provisioning = ROOT / "dashboards" / "grafana" / "provisioning"
    provider = yaml.safe_load((provisioning / "dashboards" / "faceapi.yml").read_text())
    (looks,) = (one["options"]["path"] for one in provider["providers"])
    mounts = resolve("prod", gpu=False, folder=tmp_path)["services"]["grafana"]["volumes"]
    assert f"{ROOT / 'dashboards' / 'grafana'}:{looks}:ro" in mounts


# No variable in one that another does not know


def test_the_backend_is_given_every_setting_of_the_program() -> None:
    shared = yaml.safe_load((DOCKER / "services.yml").read_text())["services"]["backend"]
    given = set(shared["environment"])
    assert given | {"FACEAPI_DATA_DIR", "FACEAPI_CACHE_DIR"} == settings()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_variable_of_a_template_is_used(environment: str) -> None:
    known = known_to(environment)
    assert len(known) > 40
    assert known - asked_for(environment) - DEPLOY == set()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_variable_of_compose_stands_in_the_template_or_is_a_setting(
    environment: str,
) -> None:
    unknown = asked_for(environment) - known_to(environment) - settings()
    assert unknown == set()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_deploy_reads_stands_in_the_template(environment: str) -> None:
    assert known_to(environment) >= DEPLOY


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_template_has_the_names_and_defaults_that_were_agreed_on(environment: str) -> None:
    agreed = {
        "MILVUS_DB_HOST": "standalone",
        "MILVUS_DB_PORT": "19530",
        "MILVUS_DB_USER": "root",
        "MILVUS_DB_DB_NAME": {"dev": "default", "prod": "faceapi"}[environment],
        "SQL_BACKEND": "asyncpg",
        "SQL_HOST": "postgres",
        "SQL_PORT": "5432",
        "SQL_USERNAME": "faceuser",
        "SQL_DATABASE": "faceapi",
        "API_V1_STR": "/api/v1",
        "JWT_ALGORITHM": "HS256",
        "ACCESS_TOKEN_EXPIRE_MINUTES": "10080",
        "MODEL_PACK": "opencv-zoo",
        "MODEL_DEVICE": "cpu",
    }
    assert agreed.items() <= variables(environment).items()
    shown = dict(re.findall(r"^# (MODEL_\w+)=(.*)$", template(environment), re.MULTILINE))
    assert shown == {
        "MODEL_PATH": "/faceapi/model.onnx",
        "MODEL_LOADER": "onnx",
        "MODEL_THRESHOLD": "0.2285",
        "MODEL_EMB_DIM": "512",
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_template_holds_placeholders_where_secrets_belong(environment: str) -> None:
    secret = re.compile(r"PASSWORD$|PASSPHRASE$|SECRET_KEY$|_SECRET$")
    found = {name: value for name, value in variables(environment).items() if secret.search(name)}
    assert len(found) >= 5
    assert all(re.fullmatch(r"your_\w+_here", value) for value in found.values())
    assert len(set(found.values())) == len(found)


def images() -> Sequence[Path]:
    found = sorted(DOCKER.glob("*/Dockerfile*"))
    assert len(found) >= 4
    return found


def test_images_end_as_an_ordinary_user_with_a_pinned_base() -> None:
    for file in images():
        lines = file.read_text().splitlines()
        assert [line for line in lines if line.startswith("USER ")][-1] == "USER 1000:1000", file
        bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
        stages = {line.split()[-1] for line in lines if line.startswith("FROM ") and " AS " in line}
        foreign = [base for base in bases if base not in stages]
        assert foreign, file
        assert all(re.search(r":\d+\.\d+\.\d+", base) for base in foreign), file
        assert any(line.startswith("HEALTHCHECK") for line in lines), file
