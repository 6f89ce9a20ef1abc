"""docker/README.md and docker/README.ja.md say the same, and it is true of this code."""

import ast
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from api.command.cli import app
from api.settings.layers import keys_of
from api.settings.settings import Settings

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
LANGUAGES = ("README.md", "README.ja.md")
ENVIRONMENTS = ("dev", "prod")
COMMANDS = re.compile(r"^  \./deploy\.sh ([a-z-]+)", re.MULTILINE)
VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
ALERTS, CONTAINERS, FILES, HEALTH, LIMITS, MESSAGES, PORTS, VARIABLES = (
    "10.4",
    "4.2",
    "4.1",
    "10.2",
    "10.3",
    "11.5",
    "5.3",
    "3.3",
)
"""Sections that have a table of these."""
FOREIGN = {
    "502 Bad Gateway",
    "504 Gateway Timeout",
    "CUDA out of memory",
    "Connection refused",
    "Model not found",
    "Permission denied",
    "Pool overlaps with other one on this address space",
    "no space left on device",
    "password authentication failed for user",
}
"""Messages of programs that are not ours, and what people call ours."""
HERE, EVERYWHERE = {"this machine", "このマシン"}, {"the network", "ネットワーク"}
NONE = "\N{EN DASH}"
"""In a cell: this environment has no such variable."""
NUMBERS = (
    ("docker/deploy/gpu.sh", r"LEAST_DRIVER=(\d+)", "6.1"),
    ("docker/deploy/host.sh", r"free >= (\d+)", "1.2"),
    ("docker/deploy/host.sh", r"free wanted=(\d+)$", "1.2"),
    ("docker/deploy/host.sh", r"\|\| wanted=(\d+)", "1.2"),
    ("docker/nginx/templates/nginx.conf", r"rate=(\d+)r/m", "7.2"),
    ("docker/services.yml", r"retention\.time=(\d+)d", "8.3"),
    ("docker/services.yml", r"retention\.size=(\d+)GB", "8.3"),
    ("docker/services.yml", r"max-size: (\d+)m", "8.3"),
    ("docker/docker-compose.dev.yml", r"subnet: (\S+)", "7.1"),
    ("docker/docker-compose.prod.yml", r"subnet: (\S+)", "11.5"),
)
"""Where in the code a number stands, and in which section."""
Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it, up to the next one."""

    level: int
    title: str
    body: str

    @property
    def number(self) -> str:
        """Such as 4 or 4.2; of a heading without one its place in the document is enough."""
        return (re.match(r"[\d.]*\d", self.title) or [""])[0]

    @property
    def blocks(self) -> Sequence[str]:
        """What stands in fences."""
        return re.findall(r"^```\w+\n(.*?)^```$", self.body, re.MULTILINE | re.DOTALL)

    @property
    def prose(self) -> str:
        """Everything else."""
        return re.sub(r"^```.*?^```$", "", self.body, flags=re.MULTILINE | re.DOTALL)

    @property
    def spans(self) -> Sequence[str]:
        """What stands between backticks."""
        return re.findall(r"`([^`\n]+)`", self.prose)

    @property
    def lines(self) -> Sequence[str]:
        """Commands and other lines in fences, without comments, continued ones in one."""
        text = "\n".join(self.blocks).replace("\\\n", " ").replace("|\n", "| ")
        bare = (re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines())
        return [re.sub(r"\s+", " ", line) for line in bare if line]

    @property
    def rows(self) -> Sequence[Row]:
        """Of its table, without the head."""
        lines = re.findall(r"^\|(.*)\|$", self.prose, re.MULTILINE)
        return [[cell.strip() for cell in line.split("|")] for line in lines[2:]]


@cache
def sections(language: str) -> Sequence[Section]:
    text = (DOCKER / language).read_text()
    fences = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
    blanked = fences.sub(lambda found: re.sub(r"[^\n]", "x", found[0]), text)
    heads = list(re.finditer(r"^(#{1,3}) (.+)$", blanked, re.MULTILINE))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    found = [
        Section(len(head[1]), head[2], text[head.end() : end])
        for head, end in zip(heads, ends, strict=True)
    ]
    assert len(found) > 50
    return found


def section(language: str, number: str) -> Section:
    (found,) = (one for one in sections(language) if one.number == number)
    return found


def rows(language: str, number: str) -> Sequence[Row]:
    found = section(language, number).rows
    assert len(found) >= 5
    return found


def code(cell: str) -> Sequence[str]:
    return re.findall(r"`([^`]+)`", cell)


def all_lines(language: str) -> Sequence[str]:
    """Everything that somebody may type: lines in fences, and what stands between backticks."""
    return [line for one in sections(language) for line in (*one.lines, *one.spans)]


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


# The same in both languages


def pairs() -> Iterator[tuple[Section, Section]]:
    return zip(*(sections(language) for language in LANGUAGES), strict=True)


def numbers(text: str) -> AbstractSet[str]:
    """Of two digits and more, outside of code and links."""
    bare = re.sub(r"`[^`\n]+`|\]\([^)]*\)", "", text)
    return set(re.findall(r"\d[\d.,/]*\d", bare))


def shapes(one: Section) -> Sequence[int]:
    return [len(row) for row in one.rows]


def test_both_have_the_same_sections_in_the_same_order() -> None:
    english, japanese = ([(one.level, one.number) for one in sections(it)] for it in LANGUAGES)
    assert english == japanese


def test_both_have_the_same_commands() -> None:
    for english, japanese in pairs():
        assert english.lines == japanese.lines, english.title


def test_both_name_the_same_things_in_each_section() -> None:
    """Variables, files, messages, options: all that stands between backticks."""
    for english, japanese in pairs():
        assert set(english.spans) == set(japanese.spans), english.title


def test_both_have_the_same_numbers_in_each_section() -> None:
    for english, japanese in pairs():
        assert numbers(english.prose) == numbers(japanese.prose), english.title


def test_both_have_the_same_tables() -> None:
    assert sum(len(english.rows) for english, _ in pairs()) > 200
    for english, japanese in pairs():
        assert shapes(english) == shapes(japanese), english.title
        for one, other in zip(english.rows, japanese.rows, strict=True):
            assert sorted(code(" ".join(one))) == sorted(code(" ".join(other))), one


def test_the_contents_are_the_sections(language: str) -> None:
    chapters = [one.title for one in sections(language) if one.level == 2][1:]
    assert len(chapters) == 11
    listed = re.findall(r"^(\d+\.) \[(.+)\]\(", sections(language)[1].body, re.MULTILINE)
    assert [" ".join(one) for one in listed] == chapters


def anchor(title: str) -> str:
    """As the page of a Git server makes it of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_every_link_leads_somewhere(language: str) -> None:
    anchors = {f"#{anchor(one.title)}" for one in sections(language)}
    links = [link for one in sections(language) for link in re.findall(r"\]\(([^)]+)\)", one.prose)]
    assert len(links) > 20
    for link in links:
        assert link in anchors or (DOCKER / link).is_file(), link


# True of deploy.sh and of the command


def deploy(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "deploy.sh", *arguments],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@cache
def helped(*arguments: str) -> str:
    """What deploy.sh says to these arguments and --help, after it has taken them."""
    done = deploy(*arguments, "--help")
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done.stdout


def calls(language: str) -> AbstractSet[tuple[str, ...]]:
    """The arguments of every deploy.sh that is called, be it by cron or with a variable."""
    call = re.compile(r"(?:[\d* ]+|[A-Z_]+=\S+ )?\S*/deploy\.sh( .*)?")
    found = (call.fullmatch(line) for line in all_lines(language))
    return {tuple(shlex.split(line[1] or "")) for line in found if line}


def test_deploy_takes_every_command_as_it_is_written(language: str) -> None:
    written = calls(language)
    assert len(written) > 20
    for arguments in written:
        usage = helped(*arguments)
        if arguments[:1] in {("rebuild",), ("logs",)}:
            assert set(arguments) <= set(re.findall(r"[a-z-]+", usage)), arguments


def test_every_command_of_deploy_is_written_about(language: str) -> None:
    commands = set(COMMANDS.findall(helped()))
    assert len(commands) == 11
    assert {arguments[0] for arguments in calls(language) if arguments} >= commands


def test_every_option_that_is_named_is_one_of_deploy(language: str) -> None:
    named = {span.split()[0] for one in sections(language) for span in one.spans if span[0] == "-"}
    usages = " ".join(helped(name) for name in COMMANDS.findall(helped()))
    assert len(named) >= 6
    assert named - {"-f", "--help"} <= set(re.findall(r"(?<!\S)\[?(-[\w-]+)", usages))


def test_the_first_screen_shows_what_deploy_prints(language: str) -> None:
    (printed,) = (
        block for block in sections(language)[0].blocks if block.startswith("ok: prod runs")
    )
    lines = re.sub(r"http://\S+|\.env\.prod|\bprod\b", "…", printed).splitlines()
    said = [re.sub(r"^(ok:|note:)?\s+", "", line) for line in lines if line.strip() != "..."]
    assert len(said) == 5
    assert [line for line in said if not is_said(line)] == []


def commands_of_faceapi(language: str) -> AbstractSet[tuple[str, ...]]:
    found = (re.findall(r"\bfaceapi( [a-z][^|;]*)", line) for line in all_lines(language))
    return {tuple(shlex.split(arguments)) for line in found for arguments in line}


def test_faceapi_has_every_command_that_is_named(language: str) -> None:
    written = commands_of_faceapi(language)
    assert len(written) >= 10
    for arguments in written:
        node = get_command(app)
        words = iter(arguments)
        while isinstance(node, TyperGroup) and (word := next(words, None)):
            assert word in node.commands, arguments
            node = node.commands[word]


# True of the files of settings and of Compose


def settings_in(environment: str) -> Mapping[str, str | None]:
    """The template's variables: values as Compose reads them, None where they are made or off."""
    text = (ROOT / f".env.{environment}.example").read_text()
    lines = re.findall(r"^(# )?([A-Z][A-Z0-9_]+)=(.*)$", text, re.MULTILINE)
    return {
        name: None if off or re.fullmatch(r"your_\w+_here", value) else value.strip('"')
        for off, name, value in lines
    }


def shown(cell: str) -> str | None:
    """The value that a cell shows; None for a word in its place."""
    if cell in {"empty", "空"}:
        return ""
    return next(iter(code(cell)), None)


def test_the_table_of_variables_is_the_templates(language: str) -> None:
    table = {code(row[0])[0]: row[1:3] for row in rows(language, VARIABLES)}
    dev, prod = (settings_in(environment) for environment in ENVIRONMENTS)
    assert set(table) == set(dev) | set(prod)
    for name, cells in table.items():
        assert [shown(cell) for cell in cells] == [dev.get(name), prod.get(name)], name
        assert [cell == NONE for cell in cells] == [name not in dev, name not in prod], name


def test_every_variable_that_is_named_is_known(language: str) -> None:
    files = [*DOCKER.glob("*.yml"), *ROOT.glob(".env.*.example"), *DOCKER.glob("deploy/*.sh")]
    known = {key.replace(".", "_").upper() for key in keys_of(Settings)}
    known |= {name for file in files for name in VARIABLE.findall(file.read_text())}
    named = set(VARIABLE.findall((DOCKER / language).read_text()))
    assert len(named) > 60
    assert named - known == set()


@cache
def composed(environment: str) -> Mapping[str, Mapping[str, Any]]:
    """The environment's services, with what they extend."""
    shared = yaml.safe_load((DOCKER / "services.yml").read_text())["services"]
    own = yaml.safe_load((DOCKER / f"docker-compose.{environment}.yml").read_text())["services"]
    assert len(own) >= 9
    return {name: merged(shared[one["extends"]["service"]], one) for name, one in own.items()}


def merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> Mapping[str, Any]:
    lists = {key: [*base.get(key, []), *more.get(key, [])] for key in ("ports", "volumes")}
    return {**base, **more, **lists}


def volumes_of(environment: str) -> AbstractSet[str]:
    file = DOCKER / f"docker-compose.{environment}.yml"
    return set(yaml.safe_load(file.read_text())["volumes"])


def published() -> AbstractSet[tuple[str, ...]]:
    """Service, environments, variable, the host's port, the container's, and who reaches it."""
    found: dict[tuple[str, ...], list[str]] = {}
    for environment in ENVIRONMENTS:
        for service, one in composed(environment).items():
            for port in one["ports"]:
                found.setdefault((service, *_published(port)), []).append(environment)
    return {(*port, ", ".join(where)) for port, where in found.items()}


def _published(port: str) -> tuple[str, ...]:
    """A port, or a range of UDP ports that is the same inside; its first variable stands for it."""
    if parts := re.fullmatch(r"(127\.0\.0\.1:)?\$\{(\w+):-(\d+)\}:(\d+(?:/udp)?)", port):
        return (*parts.groups()[1:], "here" if parts[1] else "all")
    parts = re.fullmatch(r"(\$\{(\w+):-(\d+)\}-\$\{\w+:-(\d+)\}):\1/udp", port)
    assert parts, port
    ports = f"{parts[3]}-{parts[4]}"
    return (parts[2], ports, ports, "all")


def test_the_table_of_ports_is_what_compose_publishes(language: str) -> None:
    table = set()
    for service, where, variable, host, inside, reached, _ in rows(language, PORTS):
        assert reached in HERE | EVERYWHERE
        reach = "here" if reached in HERE else "all"
        table.add((code(service)[0], code(variable)[0], host, inside, reach, where))
    assert table == published()


def test_the_table_of_containers_is_what_compose_runs(language: str) -> None:
    table = {
        code(service)[0]: (code(container)[0], code(image)[0], set(code(keeps)))
        for service, container, image, keeps, _ in rows(language, CONTAINERS)
    }
    assert table == {
        name: (one["container_name"], one["image"], kept(one))
        for name, one in composed("prod").items()
    }
    assert set(composed("dev")) < set(table)


def kept(service: Mapping[str, Any]) -> AbstractSet[str]:
    """The named volumes that it has."""
    return {volume.partition(":")[0] for volume in service["volumes"]} & volumes_of("prod")


def test_the_table_of_files_has_every_compose_file(language: str) -> None:
    named = {code(row[0])[0] for row in rows(language, FILES)}
    assert named == {str(file.relative_to(ROOT)) for file in DOCKER.glob("*.yml")}


def test_the_table_of_limits_is_that_of_compose(language: str) -> None:
    table = {code(service)[0]: cells for service, *cells in rows(language, LIMITS)}
    services = composed("prod")
    assert set(table) == set(services)
    for name, cells in table.items():
        resources = services[name]["deploy"]["resources"]
        cores, memory = (resources["limits"].get(key) for key in ("cpus", "memory"))
        reserved = resources["reservations"]["memory"]
        assert [limit(cell) for cell in cells] == [cores and plain(cores), plain(memory), reserved]


def limit(cell: str) -> str | None:
    """A cell's value or variable; None for a word that says there is none."""
    return (code(cell) or re.findall(r"^[\d.]+[GM]?$", cell) or [None])[0]


def plain(value: str) -> str:
    """The name of a variable instead of the variable with its default."""
    return re.sub(r"\$\{(\w+).*", r"\1", value)


def test_the_table_of_health_checks_is_that_of_compose(language: str) -> None:
    table = {code(service)[0]: cells for service, *cells in rows(language, HEALTH)}
    services = composed("prod")
    assert set(table) == set(services)
    for name, (asked, start) in table.items():
        check = services[name]["healthcheck"]
        assert all(text in " ".join(check["test"]) for text in code(asked)), name
        number, unit = re.findall(r"^(\d+) (s|min|秒|分)", start)[0]
        assert check["start_period"] == f"{number}{'s' if unit in {'s', '秒'} else 'm'}", name


def test_every_container_and_volume_in_a_command_is_one_of_compose(language: str) -> None:
    text = "\n".join(all_lines(language))
    containers = {one["container_name"] for one in composed("prod").values()}
    assert len(containers) == 11
    assert set(re.findall(r"\b(?:face-rec|milvus)-(?!network)[a-z]+\b", text)) == containers
    volumes = set(re.findall(r"\bfaceapi-(dev|prod)_(\w+)\b(?!-)", text))
    assert len(volumes) > 10
    assert all(volume in volumes_of(environment) for environment, volume in volumes)


# True of the rest


def test_every_path_of_the_project_exists(language: str) -> None:
    words = {word for line in all_lines(language) for word in line.split()}
    here = r"(?:api|configs|dashboards|docker|ingest|pipeline|tests)/\S*|\.env\.\w+\.example"
    paths = {word for word in words if re.fullmatch(here, word)}
    assert len(paths) >= 9
    assert {path for path in paths if not (ROOT / path).exists()} == set()


def test_every_alert_is_explained(language: str) -> None:
    file = ROOT / "dashboards/prometheus/alerts.yml"
    groups = yaml.safe_load(file.read_text())["groups"]
    alerts = {one["alert"]: one["labels"]["severity"] for group in groups for one in group["rules"]}
    assert len(alerts) >= 10
    assert {code(row[0])[0]: row[1] for row in rows(language, ALERTS)} == alerts


@cache
def texts() -> Sequence[str]:
    """Whatever our programs may say: strings of Python, and lines of everything else."""
    found = list[str]()
    for room in ("api", "ingest", "pipeline"):
        for file in (ROOT / room).rglob("*.py"):
            found += strings(ast.parse(file.read_text()))
    scripts = [*DOCKER.glob("deploy/*.sh"), *DOCKER.glob("nginx/**/*"), DOCKER / "services.yml"]
    for file in scripts:
        found += file.read_text().splitlines() if file.is_file() else []
    assert len(found) > 3000
    return found


def strings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def is_said(message: str) -> bool:
    """Whether one of our texts has all parts of a message, in order; "…" stands between them."""
    parts = [re.escape(part.strip()) for part in message.split("…")]
    pattern = re.compile(".*".join(parts), re.DOTALL)
    return any(pattern.search(text) for text in texts())


def test_every_message_is_one_that_is_said(language: str) -> None:
    messages = [message for row in rows(language, MESSAGES) for message in code(row[0])]
    assert len(messages) > 40
    assert {message for message in messages if not is_said(message)} - FOREIGN == set()
    assert set(messages) >= FOREIGN


@pytest.mark.parametrize(("file", "pattern", "number"), NUMBERS)
def test_numbers_are_those_of_the_code(language: str, file: str, pattern: str, number: str) -> None:
    (value,) = set(re.findall(pattern, (ROOT / file).read_text(), re.MULTILINE))
    assert re.search(rf"(?<![\d.]){re.escape(value)}(?![\d.])", section(language, number).body)
