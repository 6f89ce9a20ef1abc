"""What is wrong with settings, said so that a person can put it right; secrets are not shown."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from api.settings.layers import Layer, Values, keys_of

_RULE = "value_error"
"""pydantic's name for what a validator of several fields raises."""
_UNKNOWN = "extra_forbidden"
"""pydantic's name for a key that does not exist."""
_LONGEST = 60
"""Characters of a value that are shown."""
_KINDS = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
}


def problems_of(layer: Layer, settings: type[BaseModel]) -> Sequence[str]:
    """All that is wrong in one layer by itself, also where a later layer overrides it."""
    errors = filter(_counts, _errors(layer.values, settings))
    return [*layer.problems, *(_problem(error, layer, settings) for error in errors)]


def problems_across(values: Values, settings: type[BaseModel]) -> Sequence[str]:
    """What is wrong among values that are allowed one by one."""
    errors = _errors(values, settings)
    return [f"{error['loc'][0]}: {error['ctx']['error']}" for error in errors]


def _errors(values: Values, settings: type[BaseModel]) -> Sequence[ErrorDetails]:
    try:
        settings.model_validate(values)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def _counts(error: ErrorDetails) -> bool:
    """Whether it is one layer's own: rules among values are not, and None is unset."""
    if error["type"] == _UNKNOWN:
        return True
    return error["type"] != _RULE and error["input"] is not None


def _problem(error: ErrorDetails, layer: Layer, settings: type[BaseModel]) -> str:
    key = ".".join(str(part) for part in error["loc"][:2] if part)
    where = f"({layer.origin(key)})"
    if error["type"] == _UNKNOWN:
        return f"{key} {where}: there is no such key{_meant(key, settings)}"
    if len(error["loc"]) == 1:
        keys = [name for name in keys_of(settings) if name.startswith(f"{key}.")]
        return f"{key} {where}: must hold keys{_listed(keys)}"
    schema = _schema(key, settings)
    return (
        f"{key} = {_shown(error['input'], schema)} {where}: "
        f"must be {_allowed(schema)}. {schema['description']}"
    )


def _meant(key: str, settings: type[BaseModel]) -> str:
    """What may have been meant by an unknown key, or else what there is."""
    known = keys_of(settings)
    section, _, last = key.partition(".")
    inside = {name.partition(".")[2]: name for name in known if name.startswith(f"{section}.")}
    same = [name for name in known if name.endswith(f".{last or section}")]
    if inside:
        near = [inside[name] for name in get_close_matches(last, inside, 1)]
    else:
        near = get_close_matches(key, [*settings.model_fields, *known], 1)
    for name in [*same, *near]:
        return f"; did you mean {name}?"
    return _listed(list(inside.values()) or list(settings.model_fields))


def _listed(names: Sequence[str]) -> str:
    return f"; there are {', '.join(names)}"


def _schema(key: str, settings: type[BaseModel]) -> Mapping[str, Any]:
    section, _, field = key.partition(".")
    schema = settings.model_json_schema()
    name = schema["properties"][section]["$ref"].rpartition("/")[2]
    found: Mapping[str, Any] = schema["$defs"][name]["properties"][field]
    return found


def _shown(value: object, schema: Mapping[str, Any]) -> str:
    """The value; what may be or hold a password is not shown."""
    if any(option.get("writeOnly") for option in _options(schema)):
        return "(not shown)"
    if not isinstance(value, str):
        return "(no single value)"
    if "@" in value:
        return "(not shown: it may hold a password)"
    return repr(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}...")


def _allowed(schema: Mapping[str, Any]) -> str:
    return " or ".join(_option(option) for option in _options(schema))


def _options(schema: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    options: Sequence[Mapping[str, Any]] = schema.get("anyOf", [schema])
    return options


def _option(schema: Mapping[str, Any]) -> str:
    if "enum" in schema or "const" in schema:
        return ", ".join(schema.get("enum", [schema.get("const")]))
    if schema["type"] == "null":
        return "empty"
    return " ".join([_KINDS[schema["type"]], *_bounds(schema)])


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    if "minLength" in schema:
        yield "that is not empty"
    if "pattern" in schema:
        yield f"like {schema['pattern']}"
    if "exclusiveMinimum" in schema:
        yield f"above {schema['exclusiveMinimum']}"
    if "minimum" in schema:
        yield f"from {schema['minimum']}"
    if "exclusiveMaximum" in schema:
        yield f"and below {schema['exclusiveMaximum']}"
    if "maximum" in schema:
        yield f"to {schema['maximum']}"
