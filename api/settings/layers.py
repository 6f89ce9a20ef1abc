"""Where settings come from: a file, the environment, the command line.

Every value is kept as the text that was written; the settings' own types read it. So
``password: 0123`` in a file means the same as in the environment.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources.abc import Traversable
from typing import Any, TypeAlias

import yaml
from pydantic import BaseModel

Values: TypeAlias = Mapping[str, Any]
"""By section and key; a file may hold anything anywhere."""

_NOTHING = frozenset({"", "~", "null"})
"""What YAML writes for no value."""
_MISSPELLED = 0.75
"""difflib's ratio from which a variable's name is taken for a slip. THRESHOLD is to TRESHOLD
0.94, DB_NAME to DB_DB_NAME 0.82; foreign names such as Kubernetes' FOO_SERVICE_HOST stay below."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Settings from one place.

    A value that is None is unset. ``origin`` says where a key was set; ``problems`` are those of
    reading, as sentences.
    """

    values: Values
    origin: Callable[[str], str]
    problems: Sequence[str] = ()


def keys_of(settings: type[BaseModel]) -> Sequence[str]:
    """All keys, such as ``detect.max_side``."""
    return [
        f"{section}.{key}"
        for section, field in settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        for key in field.annotation.model_fields
    ]


def merged(layers: Iterable[Layer]) -> Values:
    """The values in force: a later layer overrides an earlier one, key by key."""
    values: dict[str, dict[str, Any]] = {}
    for layer in layers:
        for section, keys in layer.values.items():
            if isinstance(keys, Mapping):
                there = {key: value for key, value in keys.items() if value is not None}
                values.setdefault(section, {}).update(there)
    return values


def from_file(path: Traversable, name: str) -> Layer:
    """The settings in a YAML file that is to be called ``name``."""
    try:
        read = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)  # noqa: S506 - makes only text
    except OSError as error:
        return _unread(name, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        return _unread(name, "is not UTF-8 text")
    except yaml.YAMLError as error:
        return _unread(name, f"is no YAML{_place(error)}")
    if _value(read) is None:
        return Layer({}, lambda _: name)
    if not isinstance(read, dict):
        return _unread(name, "must hold sections with keys, such as 'detect:' with 'max_side: 800'")
    return Layer({str(key): _section(keys) for key, keys in read.items()}, lambda _: name)


def from_environment(environ: Mapping[str, str], settings: type[BaseModel]) -> Layer:
    """The settings in environment variables, named ``SECTION_KEY``; empty ones are unset.

    Other variables that begin with a section's name may belong to anyone (Kubernetes sets
    ``MODEL_FOO_SERVICE_HOST``). They pass, unless one is nearly a setting's name.
    """
    names = {key.replace(".", "_").upper(): key for key in keys_of(settings)}
    filled = {name: value for name, value in environ.items() if value}
    pairs = [(names[name], value) for name, value in filled.items() if name in names]
    return Layer(
        _nested(pairs),
        lambda key: f"environment variable {key.replace('.', '_').upper()}",
        list(_misspelled(filled.keys() - names.keys(), names)),
    )


def from_command_line(overrides: Sequence[str]) -> Layer:
    """The settings in arguments such as ``detect.max_side=800``."""
    split = [text.partition("=") for text in overrides]
    problems = [
        # Not shown: it may be a password that belongs to the argument before.
        f"setting {number} of the command line: must look like detect.max_side=800"
        for number, (_, equals, _) in enumerate(split, 1)
        if not equals
    ]
    pairs = [(key, value) for key, equals, value in split if equals]
    return Layer(_nested(pairs), lambda _: "command line", problems)


def _unread(name: str, problem: str) -> Layer:
    return Layer({}, lambda _: name, [f"{name} {problem}"])


def _place(error: yaml.YAMLError) -> str:
    """Where; the text there is not shown, it may be a password."""
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    return f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""


def _section(keys: object) -> object:
    if isinstance(keys, Mapping):
        return {str(key): _value(value) for key, value in keys.items()}
    return _value(keys)


def _value(value: object) -> object:
    return None if isinstance(value, str) and value in _NOTHING else value


def _nested(pairs: Iterable[tuple[str, str]]) -> Values:
    values: dict[str, dict[str, str | None]] = {}
    for name, value in pairs:
        section, _, key = name.partition(".")
        values.setdefault(section, {})[key] = value or None
    return values


def _misspelled(foreign: Iterable[str], names: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(foreign):
        section, _, rest = name.partition("_")
        known = [
            key for prefix, _, key in (name.partition("_") for name in names) if prefix == section
        ]
        for near in get_close_matches(rest, known, 1, _MISSPELLED):
            yield f"environment variable {name}: is no setting; did you mean {section}_{near}?"
