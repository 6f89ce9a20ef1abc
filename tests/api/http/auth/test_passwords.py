"""Passwords are kept well, and better ones are kept from the next sign-in on."""

import asyncio

import pytest
from passlib.hash import argon2, sha256_crypt

from api.http.auth.passwords import Check, Passwords, new_password
from pipeline.errors import BadInput

WORD = "correct horse battery"


@pytest.fixture(scope="module")
def passwords() -> Passwords:
    return Passwords("argon2id")


async def test_only_the_right_password_is_right(passwords: Passwords) -> None:
    stored = await passwords.hash(WORD)
    assert stored.startswith("$argon2id$")
    assert WORD not in stored
    assert await passwords.check(WORD, stored) == Check(ok=True)
    assert not (await passwords.check(WORD + " ", stored)).ok


async def test_a_hash_of_the_older_scheme_is_raised_once(passwords: Passwords) -> None:
    old = sha256_crypt.using(rounds=1000).hash(WORD)
    check = await passwords.check(WORD, old)
    assert check.ok
    assert check.raised is not None
    assert check.raised.startswith("$argon2id$")
    assert await passwords.check(WORD, check.raised) == Check(ok=True)
    assert await passwords.check("wrong", old) == Check(ok=False)


async def test_a_hash_of_weaker_parameters_is_raised(passwords: Passwords) -> None:
    weak = argon2.using(memory_cost=8, time_cost=1, parallelism=1).hash(WORD)
    assert (await passwords.check(WORD, weak)).raised is not None


async def test_the_older_scheme_can_be_asked_for() -> None:
    older = Passwords("sha256_crypt")
    stored = await older.hash(WORD)
    assert stored.startswith("$5$")
    assert await older.check(WORD, stored) == Check(ok=True)


@pytest.mark.parametrize("stored", ["", "x", "$argon2id$", "$5$", "$argon2id$v=19$m=1$x$y", "\0"])
async def test_what_is_no_hash_was_made_of_nothing(passwords: Passwords, stored: str) -> None:
    assert await passwords.check(WORD, stored) == Check(ok=False)


@pytest.mark.parametrize("password", ["x" * 1025, "a\0b"])
async def test_a_password_that_cannot_be_one_is_refused(
    passwords: Passwords, password: str
) -> None:
    with pytest.raises(BadInput):
        await passwords.hash(password)
    stored = await passwords.hash(WORD)
    assert not (await passwords.check(password, stored)).ok


async def test_a_burst_of_checks_leaves_the_loop_free(passwords: Passwords) -> None:
    stored = await passwords.hash(WORD)
    checks = asyncio.gather(*(passwords.check(WORD, stored) for _ in range(5)))
    turns = 0
    while not checks.done():
        await asyncio.sleep(0)
        turns += 1
    assert [check.ok for check in await checks] == [True] * 5
    assert turns > 100
    await passwords.waste(WORD)


def test_new_passwords_are_long_and_never_the_same() -> None:
    made = {new_password() for _ in range(100)}
    assert len(made) == 100
    assert {len(password) for password in made} == {16}
