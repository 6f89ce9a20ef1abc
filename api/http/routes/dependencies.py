"""What a route is given: the services, who asks, and uploads."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, File, UploadFile
from fastapi.security import OAuth2PasswordBearer
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from starlette.requests import HTTPConnection

from api.http.auth.tokens import NotSignedIn
from api.http.services import Services
from api.store.messages import User


class Body(BaseModel):
    """What is sent in or out: nothing unknown gets in."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line of printable characters")
    return text


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_printable),
]
"""What a person, a camera or a user is called."""

Upload = Annotated[UploadFile, File(description="JPEG, PNG, WebP or BMP, 40 megapixels at most.")]


def services(connection: HTTPConnection) -> Services:
    """The running program."""
    running: Services = connection.app.state.services
    return running


ServicesDep = Annotated[Services, Depends(services)]

_bearer = OAuth2PasswordBearer("auth/token", auto_error=False)


async def signed_in(services: ServicesDep, token: Annotated[str | None, Depends(_bearer)]) -> User:
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


def text_of(identifier: UUID) -> str:
    """An id of a path as the store knows it."""
    return str(identifier)
