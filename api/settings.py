"""All settings: the shipped YAML, under your YAML, the environment, the command line."""

import difflib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import platformdirs
import yaml
from pydantic import Field, ValidationError

from pipeline.errors import Misconfigured
from pipeline.settings import PipelineSettings, Seconds, Section

_ALIKE = 0.85
"""How alike two names are from which one is taken for a misspelling of the other."""


class RtspSettings(Section):
    """How cameras are connected."""

    connect_timeout: Seconds = Field(5.0, description="Seconds until a connection is given up.")
    read_timeout: Seconds = Field(4.0, description="Seconds without a packet: the camera is lost.")
    least_backoff: Seconds = Field(0.5, description="Seconds before the first new attempt.")
    most_backoff: Seconds = Field(30.0, description="Seconds between attempts at the most.")


class LogSettings(Section):
    """What is logged, to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="The least that is logged."
    )


class FaceapiSettings(Section):
    """Where the program keeps its things."""

    data_dir: Path = Field(
        default_factory=lambda: _folder("/var/lib", platformdirs.user_data_path),
        description="Folder of what must not be lost; unset: the platform's.",
    )
    cache_dir: Path = Field(
        default_factory=lambda: _folder("/var/cache", platformdirs.user_cache_path),
        description="Folder of what can be made again, model files; unset: the platform's.",
    )


class Settings(PipelineSettings):
    """Every setting of the program."""

    rtsp: RtspSettings = RtspSettings()
    log: LogSettings = LogSettings()
    faceapi: FaceapiSettings = Field(default_factory=FaceapiSettings)


@dataclass(frozen=True, slots=True)
class _Given:
    """A value and where it came from, in words."""

    value: object
    origin: str


Table = dict[tuple[str, str], _Given]


def load_settings(
    config: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    overrides: Sequence[str] = (),
) -> Settings:
    """The settings; the variable of ``detect.max_side`` is DETECT_MAX_SIDE.

    ``overrides`` are ``section.key=value``. An empty variable counts as unset. A variable that
    is no setting is somebody else's, unless its name is nearly a setting's.

    Raises:
        Misconfigured: names every key that is unknown or out of range, its value (but no
            secret), where it was set and what is allowed.
    """
    given: Table = {}
    problems: list[str] = []
    shipped = Path(str(files("configs") / "default.yaml"))
    for file in filter(None, (shipped, config)):
        given |= _from_yaml(file)
    for part in (_from_environment(environ, problems), _from_overrides(overrides, problems)):
        given |= part
    problems += _unknown(given)
    known = {key: found for key, found in given.items() if key in _keys()}
    settings = _validated(known, problems)
    if settings is None or problems:
        raise Misconfigured("settings that cannot be used:\n  " + "\n  ".join(problems))
    return settings


def variable(key: tuple[str, str]) -> str:
    """The environment variable of a key."""
    return "_".join(key).upper()


def _keys() -> Mapping[tuple[str, str], str]:
    """Every key and its description."""
    return {
        (section, name): inner.description or ""
        for section, outer in Settings.model_fields.items()
        if isinstance(outer.annotation, type) and issubclass(outer.annotation, Section)
        for name, inner in outer.annotation.model_fields.items()
    }


def _from_yaml(file: Path) -> Table:
    try:
        sections = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise Misconfigured(f"{file}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file}: is not YAML: {error}") from error
    return dict(_entries(sections, file))


def _entries(sections: object, file: Path) -> Iterator[tuple[tuple[str, str], _Given]]:
    for section, entries in _mapping(sections, str(file)).items():
        for name, value in _mapping(entries or {}, f"{file}: {section}").items():
            if value is not None:
                yield (str(section), str(name)), _Given(value, str(file))


def _mapping(value: object, where: str) -> Mapping[Any, Any]:
    if not isinstance(value, dict):
        raise Misconfigured(f"{where}: expected sections of `key: value`, found {value!r}")
    return value


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> Table:
    names = {variable(key): key for key in _keys()}
    for name in environ.keys() - names.keys():
        near = difflib.get_close_matches(name, names, n=1, cutoff=_ALIKE)
        if near and near[0] not in environ and name.split("_")[0] == near[0].split("_")[0]:
            problems.append(f"{name} (environment) is no setting; did you mean {near[0]}?")
    return {
        key: _Given(environ[name], f"environment variable {name}")
        for name, key in names.items()
        if environ.get(name)
    }


def _from_overrides(overrides: Sequence[str], problems: list[str]) -> Table:
    given: Table = {}
    for text in overrides:
        key, equals, value = text.partition("=")
        section, dot, name = key.partition(".")
        if not (equals and dot and section and name):
            problems.append(f"{key} (command line): expected section.key=value")
        elif value:
            given[section, name] = _Given(value, "command line")
    return given


def _unknown(given: Table) -> Iterator[str]:
    names = {".".join(key) for key in _keys()}
    for key, found in given.items():
        name = ".".join(key)
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield f"{name} ({found.origin}) is no setting{hint}"


def _validated(given: Table, problems: list[str]) -> Settings | None:
    sections: dict[str, dict[str, object]] = {}
    for (section, name), found in given.items():
        sections.setdefault(section, {})[name] = found.value
    try:
        return Settings.model_validate(sections)
    except ValidationError as error:
        problems += [_problem(details["loc"], details["msg"], given) for details in error.errors()]
        return None


def _problem(place: tuple[int | str, ...], message: str, given: Table) -> str:
    section, name = str(place[0]), str(place[1])
    found, annotation = given[section, name], _annotation(section, name)
    shown = "***" if "SecretStr" in str(annotation) else repr(found.value)
    return f"{section}.{name} = {shown} ({found.origin}): {message}. {_keys()[section, name]}"


def _annotation(section: str, name: str) -> object:
    outer = Settings.model_fields[section].annotation
    if isinstance(outer, type) and issubclass(outer, Section):
        return outer.model_fields[name].annotation
    return None


def _folder(machine: str, personal: Callable[[str], Path]) -> Path:
    """Root's folders are the machine's; everyone else has their own."""
    return Path(machine, "faceapi") if os.geteuid() == 0 else personal("faceapi")
