"""The HTTP application: routes, errors, limits and the page."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.staticfiles import StaticFiles
from starlette.routing import Match, Mount
from starlette.types import Scope

from api.http import problem_details
from api.http.contract import complete
from api.http.requests import Requests
from api.http.routes import (
    auth,
    cameras,
    counterexamples,
    faces,
    gallery,
    health,
    live,
    people,
    presence,
    recognition,
    shards,
    users,
    whep,
    whip,
)
from api.http.services import Services
from api.http.traffic import Traffic
from api.settings.settings import Settings

_NOUNS = (
    auth,
    users,
    people,
    faces,
    counterexamples,
    recognition,
    cameras,
    shards,
    gallery,
    live,
    presence,
    whep,
    whip,
)
PAGE = Path(__file__).parents[2] / "dashboards" / "web" / "dist"
"""The page, as `make web` builds it."""


class _Application(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The description, with the problems of each operation."""
        if self.openapi_schema is None:
            self.openapi_schema = complete(super().openapi())
        return self.openapi_schema


class _Page(Mount):
    """The page, everywhere but where the API is: there its own answers count."""

    def __init__(self, prefix: str) -> None:
        super().__init__("/", StaticFiles(directory=PAGE, html=True))
        self._prefix = f"{prefix}/"

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether it answers."""
        if scope["type"] == "http" and scope["path"].startswith(self._prefix):
            return Match.NONE, {}
        return super().matches(scope)


def create_app(services: Services) -> FastAPI:
    """The application over running services."""
    app = bare_app(services.settings)
    app.state.services = services
    app.add_middleware(Traffic, registry=services.registry)
    if PAGE.is_dir():
        app.router.routes.append(_Page(services.settings.api.v1_str))
    return app


def bare_app(settings: Settings) -> FastAPI:
    """The application without anything behind it: enough to describe it."""
    prefix = settings.api.v1_str
    app = _Application(
        title=settings.project.name,
        summary="Who is on which camera now?",
        openapi_url=f"{prefix}/openapi.json",
        docs_url=None,  # it would be fetched from elsewhere; any viewer reads openapi.json
        redoc_url=None,
        redirect_slashes=False,  # to http:, for whoever is behind a proxy with TLS
    )
    for noun in _NOUNS:
        app.include_router(noun.router, prefix=prefix)
    app.include_router(health.router)
    problem_details.install(app)
    app.add_middleware(Requests, limit=settings.backend.upload_limit << 20, private=prefix)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(settings.backend.foreign_origins),
        allow_methods=["*"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=[
            "X-Request-ID",
            "X-Seq",
            "X-Media-Time",
            "X-Captured-At",
            "Location",
            "ETag",
            "Link",
        ],
    )
    return app
