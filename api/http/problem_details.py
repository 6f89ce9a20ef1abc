"""Errors as they are answered: problem details (RFC 9457), with the request's id."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.http.auth.passwords import WrongPassword
from api.http.auth.tokens import NotAllowed, NotSignedIn
from api.http.contract import MEDIA_TYPE, allowed_methods
from api.store.messages import Conflict, NotFound
from ingest.troubles import cause_of
from pipeline.errors import BadInput, FaceapiError, Transient

_log = logging.getLogger(__name__)

_STATUS: Mapping[type[FaceapiError], HTTPStatus] = {
    NotSignedIn: HTTPStatus.UNAUTHORIZED,
    WrongPassword: HTTPStatus.FORBIDDEN,
    NotAllowed: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    BadInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    Transient: HTTPStatus.SERVICE_UNAVAILABLE,
}
_HEADERS: Mapping[HTTPStatus, Mapping[str, str]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "1"},
}


def problem(request: Request, status: HTTPStatus, detail: str, **more: object) -> JSONResponse:
    """An answer that says what is wrong."""
    content = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
        "instance": request.url.path,
        "request_id": request.scope.get("request_id"),
        **more,
    }
    return JSONResponse(content, status, dict(_HEADERS.get(status, {})), MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error of ``app`` in this way."""
    app.add_exception_handler(FaceapiError, _foreseen)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unforeseen)


async def _foreseen(request: Request, error: Exception) -> Response:
    for kind, status in _STATUS.items():
        if isinstance(error, kind):
            cause = cause_of(error)
            more = {} if cause is None else {"cause": cause}
            return problem(request, status, str(error), **more)
    return await _unforeseen(request, error)


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):  # pragma: no cover - registered for no other
        raise error
    answer = problem(request, HTTPStatus(error.status_code), error.detail)
    answer.headers.update(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # The router knows one template's methods; another's may be those of this path, too.
        allowed = allowed_methods(request.app.openapi(), request.url.path)
        answer.headers["Allow"] = ", ".join(sorted(allowed))
    return answer


async def _invalid(request: Request, error: Exception) -> Response:
    """What was sent is not shown again: it may be a password."""
    if not isinstance(error, RequestValidationError):  # pragma: no cover - as above
        raise error
    errors = [_where(one) for one in error.errors()]
    detail = "; ".join(f"{one['where']}: {one['problem']}" for one in errors)
    return problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=errors)


async def _unforeseen(request: Request, error: Exception) -> Response:
    """The log has it all under the request's id; the answer has nothing of it."""
    identifier = request.scope.get("request_id")
    _log.error("request %s: %s %s", identifier, request.method, request.url.path, exc_info=error)
    return problem(
        request, HTTPStatus.INTERNAL_SERVER_ERROR, f"our fault; the log has it under {identifier}"
    )


def _where(error: Mapping[str, Any]) -> dict[str, str]:
    return {"where": ".".join(str(part) for part in error["loc"]), "problem": error["msg"]}
