"""What a route is given: the services, who asks, and uploads."""

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, File, Security, UploadFile
from fastapi.security import OAuth2PasswordBearer
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import HTTPConnection

from api.http.auth.tokens import NotAllowed, NotSignedIn
from api.http.services import Services
from api.store.messages import Role, User


class Body(BaseModel):
    """What is sent in or out: nothing unknown gets in."""

    model_config = ConfigDict(frozen=True, extra="forbid")


_UNSEEN = (
    r"\u0000-\u001f\u007f-\u00a0\u00ad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    r"\ufeff\ufff9-\uffff"
)
"""Controls, marks that turn the direction of writing, spaces but the ordinary and the wide one."""
_NAME = rf"^[ \u3000]*[^ \u3000{_UNSEEN}][^{_UNSEEN}]*$"


def _readable(text: str) -> str:
    if re.fullmatch(_NAME, text) is None:
        raise ValueError("must be one line of characters that can be seen")
    return text.strip()


Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    AfterValidator(_readable),
    Field(json_schema_extra={"pattern": _NAME}),
]
"""What a person, a camera or a user is called."""

CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"description": "It does not go together with what is there"}
}
"""Said by routes that may find so."""

Upload = Annotated[UploadFile, File(description="JPEG, PNG, WebP or BMP, 40 megapixels at most.")]


def services(connection: HTTPConnection) -> Services:
    """The running program."""
    running: Services = connection.app.state.services
    return running


ServicesDep = Annotated[Services, Depends(services)]

ADMINISTRATOR = str(Role.ADMINISTRATOR)
"""As OpenAPI has it: the scope of what only administrators may do. Tokens bear no scopes: what
their user may do is looked up each time, so that a change takes effect at once."""

_bearer = OAuth2PasswordBearer(
    "auth/token", scopes={ADMINISTRATOR: "Change things."}, auto_error=False
)


Token = Annotated[str | None, Depends(_bearer)]
"""The bearer token that was sent, None if none was."""


async def signed_in(services: ServicesDep, token: Token) -> User:
    """Who asks.

    Raises:
        NotSignedIn: nobody, or with a token that is worth nothing.
    """
    if token is None:
        raise NotSignedIn("sign in first: this needs a bearer token from auth/token")
    user = await services.users.get(services.tokens.user(token))
    if user is None:
        raise NotSignedIn("this user is gone")
    return user


SignedIn = Annotated[User, Depends(signed_in)]
"""Whoever is signed in: may see."""


async def administrator(user: SignedIn) -> User:
    """An administrator who asks.

    Raises:
        NotAllowed: a viewer.
    """
    if user.role is not Role.ADMINISTRATOR:
        raise NotAllowed(f"{user.name} is a {user.role}: this needs an administrator")
    return user


Administrator = Annotated[User, Security(administrator, scopes=[ADMINISTRATOR])]
"""Whoever may change things, and see what is of no use to others."""


async def perhaps_signed_in(services: ServicesDep, token: Token) -> User | None:
    """Who asks, if it is somebody."""
    try:
        return await signed_in(services, token)
    except NotSignedIn:
        return None


PerhapsSignedIn = Annotated[User | None, Depends(perhaps_signed_in)]


def text_of(identifier: UUID) -> str:
    """An id of a path as the store knows it."""
    return str(identifier)
