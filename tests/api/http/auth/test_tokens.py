"""A token of ours opens; every other one does not."""

import base64
import json
import time
import uuid
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from api.http.auth.tokens import NotSignedIn, Tokens
from api.store.messages import UserId
from pipeline.errors import Misconfigured

KEY = "a key that is long enough for HS256"
USER = UserId(str(uuid.uuid4()))
WEEK = timedelta(days=7)


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(KEY, "HS256", WEEK)


def claims(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a forger writes
    now = int(time.time())
    usual = {"sub": USER, "iat": now, "exp": now + 60, "jti": "1", "iss": "faceapi"}
    return {"aud": "faceapi", **usual, **changes}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in claims().items() if key != name}


def unsigned(header: dict[str, str]) -> str:
    parts = [json.dumps(part).encode() for part in (header, claims())]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def test_a_token_says_whose_it_is(tokens: Tokens) -> None:
    assert tokens.user(tokens.issue(USER)) == USER
    assert tokens.user(jwt.encode(claims(), KEY, "HS256")) == USER
    assert tokens.issue(USER) != tokens.issue(USER)


def test_an_expired_token_says_so() -> None:
    past = Tokens(KEY, "HS256", timedelta(seconds=-1))
    with pytest.raises(NotSignedIn, match="expired"):
        past.user(past.issue(USER))


FORGED = {
    "nothing": "",
    "no token": "a.b.c",
    "another key": jwt.encode(claims(), KEY[::-1], "HS256"),
    "another algorithm": jwt.encode(claims(), KEY * 2, "HS512"),
    "another issuer": jwt.encode(claims(iss="other"), KEY, "HS256"),
    "another audience": jwt.encode(claims(aud="other"), KEY, "HS256"),
    "not a user": jwt.encode(claims(sub="admin"), KEY, "HS256"),
    "from the future": jwt.encode(claims(iat=2**33), KEY, "HS256"),
    "alg none": unsigned({"alg": "none", "typ": "JWT"}),
    "alg NONE": unsigned({"alg": "NONE"}),
    "no alg": unsigned({"typ": "JWT"}),
    **{f"no {name}": jwt.encode(without(name), KEY, "HS256") for name in claims()},
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_a_token_that_is_none_of_ours_opens_nothing(tokens: Tokens, token: str) -> None:
    with pytest.raises(NotSignedIn):
        tokens.user(token)


def test_a_public_key_is_no_secret(tokens: Tokens) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(NotSignedIn):
        tokens.user(jwt.encode(claims(), private, "RS256"))


def test_the_algorithm_that_is_configured_is_the_only_one() -> None:
    strong = Tokens(KEY * 2, "HS512", WEEK)
    assert strong.user(strong.issue(USER)) == USER
    with pytest.raises(NotSignedIn):
        strong.user(jwt.encode(claims(), KEY * 2, "HS256"))


def test_a_short_key_stops_the_start_and_is_not_shown() -> None:
    with pytest.raises(Misconfigured) as refused:
        Tokens("hunter2", "HS256", WEEK)
    assert "openssl rand -hex 32" in str(refused.value)
    assert "hunter2" not in str(refused.value)
