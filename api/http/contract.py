"""What OpenAPI says beyond FastAPI's own words: the problems of each operation, and its methods."""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from http import HTTPStatus
from typing import Any

from ingest.troubles import Cause

MEDIA_TYPE = "application/problem+json"
_SCHEMA = "Problem"
_PROBLEM = {
    "title": _SCHEMA,
    "description": "What is wrong, where, and what is allowed (RFC 9457).",
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string", "description": "Under which the log has it."},
        "cause": {"enum": list(Cause), "description": "What is wrong with a camera, in a word."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"where": {"type": "string"}, "problem": {"type": "string"}},
                "required": ["where", "problem"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
}
_FASTAPIS = ("HTTPValidationError", "ValidationError")
"""Its own form of a 422, which is never sent."""
_PICTURES = "image/jpeg, image/png, image/webp, image/bmp"
_ERRORS = re.compile(r"[45]\d\d")


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """``document`` with every problem that an operation may answer, in place."""
    schemas = document["components"]["schemas"]
    for name in _FASTAPIS:
        schemas.pop(name, None)
    schemas[_SCHEMA] = _PROBLEM
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _tell_problems(path, operation)
            _tell_pictures(schemas, operation)
    return document


def allowed_methods(document: Mapping[str, Any], path: str) -> AbstractSet[str]:
    """The methods of a request's ``path``; one that is written as it is goes before templates."""
    if path in document["paths"]:
        return {method.upper() for method in document["paths"][path]}
    return {
        method.upper()
        for template, operations in document["paths"].items()
        if re.fullmatch(re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(template)), path)
        for method in operations
    }


def _tell_problems(path: str, operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    for status in _foreseeable(path, operation):
        answers[str(int(status))] = {"description": status.phrase}
    for status, answer in answers.items():
        if _ERRORS.fullmatch(status) and "content" not in answer:
            reference = {"$ref": f"#/components/schemas/{_SCHEMA}"}
            answer["content"] = {MEDIA_TYPE: {"schema": reference}}


def _tell_pictures(schemas: Mapping[str, Any], operation: Mapping[str, Any]) -> None:
    """Files that are sent in are pictures; FastAPI knows only that they are files."""
    content = operation.get("requestBody", {}).get("content", {})
    if form := content.get("multipart/form-data"):
        name = form["schema"]["$ref"].rpartition("/")[2]
        parts = schemas[name]["properties"]
        form["encoding"] = {part: {"contentType": _PICTURES} for part in parts}


def _foreseeable(path: str, operation: Mapping[str, Any]) -> Iterator[HTTPStatus]:
    """What may happen to anyone who asks for this; a conflict is told by its route."""
    if "security" in operation or path.endswith("/auth/token"):
        yield HTTPStatus.UNAUTHORIZED
        yield HTTPStatus.SERVICE_UNAVAILABLE
    if any(scopes for scheme in operation.get("security", ()) for scopes in scheme.values()):
        yield HTTPStatus.FORBIDDEN
    if "{" in path:
        yield HTTPStatus.NOT_FOUND
    if "requestBody" in operation:
        yield HTTPStatus.BAD_REQUEST
        yield HTTPStatus.REQUEST_TIMEOUT
        yield HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if "requestBody" in operation or "parameters" in operation:
        yield HTTPStatus.UNPROCESSABLE_ENTITY
