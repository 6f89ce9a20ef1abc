"""Those who may sign in."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, status
from pydantic import Field, SecretStr, StringConstraints

from api.http.auth.passwords import WrongPassword
from api.http.routes.dependencies import CONFLICT, Administrator, Body, Name, ServicesDep, SignedIn
from api.store.messages import Role, User, UserId

router = APIRouter(tags=["users"])

Password = Annotated[
    SecretStr,
    StringConstraints(min_length=10, max_length=1024),
    Field(json_schema_extra={"pattern": r"^[^\u0000]*$"}),
]


class UserOut(Body):
    """A user."""

    id: str
    name: str
    role: Role
    created_at: datetime


class UsersOut(Body):
    """All users, by name."""

    items: list[UserOut]


class NewUser(Body):
    """A user to be."""

    name: Name
    password: Password
    role: Role = Role.VIEWER


class UserChange(Body):
    """What a user may do from now on."""

    role: Role


class NewPassword(Body):
    """One's own password, and the one it is to be."""

    current: SecretStr
    new: Password


@router.get("/users/me")
async def me(user: SignedIn) -> UserOut:
    """Who I am."""
    return _out(user)


@router.put(
    "/users/me/password",
    status_code=status.HTTP_204_NO_CONTENT,
    responses={403: {"description": "The current password is another one"}},
)
async def change_password(body: NewPassword, user: SignedIn, services: ServicesDep) -> None:
    """Change one's own password."""
    found = await services.users.credentials(user.name)
    current = body.current.get_secret_value()
    if found is None or not (await services.passwords.check(current, found[1])).ok:
        raise WrongPassword("the current password is another one")
    hashed = await services.passwords.hash(body.new.get_secret_value())
    await services.users.set_password(user.id, hashed)


@router.get("/users")
async def users(_: Administrator, services: ServicesDep) -> UsersOut:
    """Everyone who may sign in."""
    return UsersOut(items=[_out(user) for user in await services.users.all()])


@router.post("/users", status_code=status.HTTP_201_CREATED, responses=CONFLICT)
async def add(body: NewUser, _: Administrator, services: ServicesDep) -> UserOut:
    """Let somebody sign in."""
    hashed = await services.passwords.hash(body.password.get_secret_value())
    return _out(await services.users.add(body.name, hashed, body.role))


# The kind of id keeps /users/me out.
@router.patch("/users/{user:uuid}", responses=CONFLICT)
async def change(user: UUID, body: UserChange, _: Administrator, services: ServicesDep) -> UserOut:
    """Let somebody do more or less; one administrator has to remain."""
    return _out(await services.users.set_role(UserId(str(user)), body.role))


@router.delete("/users/{user:uuid}", status_code=status.HTTP_204_NO_CONTENT, responses=CONFLICT)
async def remove(user: UUID, _: Administrator, services: ServicesDep) -> None:
    """Let somebody sign in no more; her tokens are worth nothing from now on."""
    await services.users.remove(UserId(str(user)))


def _out(user: User) -> UserOut:
    return UserOut(id=user.id, name=user.name, role=user.role, created_at=user.created_at)
