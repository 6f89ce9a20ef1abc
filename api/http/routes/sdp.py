"""Session descriptions as they are sent by HTTP: WHIP (RFC 9725), WHEP (draft-ietf-wish-whep)."""

import hashlib
from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import Depends, Request, Response, status
from starlette.exceptions import HTTPException

from ingest.webrtc.ice import IceServer
from pipeline.errors import BadInput

MEDIA_TYPE = "application/sdp"
_LONGEST = 64 << 10
"""Bytes of an offer; browsers' have 2 to 8 thousand."""

BODY: dict[str, Any] = {
    "requestBody": {
        "description": "An offer (SDP, RFC 8866).",
        "required": True,
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}
"""What the description of a route says of an offer."""
ANSWERS: dict[int | str, dict[str, Any]] = {
    201: {
        "description": "The session has begun; its answer",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        "headers": {
            "Location": {"description": "The session.", "schema": {"type": "string"}},
            "ETag": {"description": "Of this answer.", "schema": {"type": "string"}},
            "Link": {"description": "STUN and TURN servers.", "schema": {"type": "string"}},
        },
    },
    409: {"description": "This camera cannot be reached in this way"},
    415: {"description": f"What is sent is not {MEDIA_TYPE}"},
}
"""What it says of the answers."""


async def _offer(request: Request) -> str:
    """The offer that is sent.

    Raises:
        HTTPException: it is of another type (415) or too long (413).
        BadInput: it is no text.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != MEDIA_TYPE:
        raise HTTPException(
            status.HTTP_415_UNSUPPORTED_MEDIA_TYPE,
            f"an offer is {MEDIA_TYPE}, not {kind or 'nothing'}",
        )
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST:
            raise HTTPException(
                status.HTTP_413_CONTENT_TOO_LARGE, f"an offer has {_LONGEST} bytes at the most"
            )
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise BadInput("this is no session description: it is no text in UTF-8") from None


Offer = Annotated[str, Depends(_offer)]


def created(location: str, answer: str, servers: Iterable[IceServer]) -> Response:
    """201 with the answer of a session, which is at ``location``."""
    response = Response(answer, status.HTTP_201_CREATED, media_type=MEDIA_TYPE)
    response.headers["Location"] = location
    response.headers["ETag"] = f'"{hashlib.sha256(answer.encode()).hexdigest()[:16]}"'
    return _advised(response, servers)


def accepted(servers: Iterable[IceServer]) -> Response:
    """What may be posted here.

    A browser finds its own candidates before it makes an offer: so it can learn of the servers from
    this answer, too, as RFC 9725, 4.6 allows.
    """
    response = Response(status_code=status.HTTP_204_NO_CONTENT, headers={"Accept-Post": MEDIA_TYPE})
    return _advised(response, servers)


def _advised(response: Response, servers: Iterable[IceServer]) -> Response:
    for server in servers:
        response.headers.append("Link", server.link)
    return response
