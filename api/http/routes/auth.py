"""Sign in."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form
from pydantic import BaseModel, Field

from api.http.auth.tokens import NotSignedIn
from api.http.routes.dependencies import Body, ServicesDep
from api.store.messages import Role, User

router = APIRouter(tags=["auth"])


class SignIn(BaseModel):
    """The form of RFC 6749, 4.3.2; its other fields are not looked at."""

    username: Annotated[str, Field(min_length=1, pattern=r"^[^\x00]*$")]
    password: Annotated[str, Field(min_length=1)]
    grant_type: Literal["password"] = "password"


class Token(Body):
    """To be sent as ``Authorization: Bearer ...``; ``scope`` is the user's role at this moment."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105 - the kind of token (RFC 6750)
    expires_in: int
    scope: Role


@router.post("/auth/token")
async def token(form: Annotated[SignIn, Form()], services: ServicesDep) -> Token:
    """Get a token for a user's name and password (RFC 6749, 4.3)."""
    user = await _checked(form.username, form.password, services)
    minutes = services.settings.access.token_expire_minutes
    issued = services.tokens.issue(user.id)
    return Token(access_token=issued, expires_in=minutes * 60, scope=user.role)


async def _checked(name: str, password: str, services: ServicesDep) -> User:
    """The user; who is not there takes as long as a wrong password."""
    found = await services.users.credentials(name)
    if found is None:
        await services.passwords.waste(password)
        raise NotSignedIn("no such user, or another password")
    user, stored = found
    check = await services.passwords.check(password, stored)
    if not check.ok:
        raise NotSignedIn("no such user, or another password")
    if check.raised is not None:
        await services.users.set_password(user.id, check.raised)
    return user
