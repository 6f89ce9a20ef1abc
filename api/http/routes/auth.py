"""Sign in."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.security import OAuth2PasswordRequestForm

from api.http.auth.tokens import NotSignedIn
from api.http.routes.dependencies import Body, ServicesDep
from api.store.messages import UserId

router = APIRouter(tags=["auth"])


class Token(Body):
    """To be sent as ``Authorization: Bearer ...``."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105 - the kind of token (RFC 6750)
    expires_in: int


@router.post("/auth/token")
async def token(
    form: Annotated[OAuth2PasswordRequestForm, Depends()], services: ServicesDep
) -> Token:
    """Get a token for a user's name and password (RFC 6749, 4.3)."""
    user = await _checked(form.username, form.password, services)
    minutes = services.settings.access.token_expire_minutes
    return Token(access_token=services.tokens.issue(user), expires_in=minutes * 60)


async def _checked(name: str, password: str, services: ServicesDep) -> UserId:
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
    return user.id
