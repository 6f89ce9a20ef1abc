"""Is it well? For load balancers, containers and Prometheus, without a token."""

import asyncio
from typing import Literal

from fastapi import APIRouter, Response, status
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.http.routes.dependencies import Body, ServicesDep

router = APIRouter(tags=["health"])


class Part(Body):
    """One part; ``detail`` says what is wrong with it, or what is worth knowing."""

    status: Literal["well", "unwell"]
    detail: str


class HealthOut(Body):
    """All parts; well if each of them is."""

    status: Literal["well", "unwell"]
    parts: dict[str, Part]


@router.get("/health", responses={503: {"model": HealthOut}})
async def health(response: Response, services: ServicesDep) -> HealthOut:
    """200 if every part is well, else 503 with what is wrong."""
    troubles, notes = await services.health.troubles(), services.health.notes
    unwell = any(troubles.values())
    if unwell:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return HealthOut(
        status="unwell" if unwell else "well",
        parts={
            name: Part(
                status="unwell" if trouble else "well", detail=trouble or notes.get(name, "")
            )
            for name, trouble in troubles.items()
        },
    )


@router.get("/health/live")
async def alive() -> dict[str, str]:
    """200 as long as the program answers at all."""
    return {"status": "well"}


@router.get("/metrics", response_class=Response)
async def metrics(services: ServicesDep) -> Response:
    """What Prometheus collects."""
    # It is known already: only the writing takes time, and the event loop does not wait for that.
    text = await asyncio.to_thread(generate_latest, services.registry)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
