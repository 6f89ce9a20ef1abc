"""Sign-in tokens: JSON Web Tokens (RFC 7519), signed by the one algorithm that is configured."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Literal

import jwt

from api.store.messages import UserId
from pipeline.errors import FaceapiError, Misconfigured

Algorithm = Literal["HS256", "HS384", "HS512"]

_OURS = "faceapi"
"""Issuer and audience: a token of another service that shares the key opens nothing here."""
_CLAIMS = ["sub", "iat", "exp", "jti", "iss", "aud"]
_SHORTEST = 32
"""Bytes of a key (RFC 7518, 3.2: at least the hash's length, for HS256)."""


class NotSignedIn(FaceapiError):  # noqa: N818 - named for what to do about it
    """Nobody, or nobody who may come in; sign in first."""


class NotAllowed(FaceapiError):  # noqa: N818 - named for what it says
    """Somebody is signed in whose role does not go so far."""


class Tokens:
    """Makes and reads tokens.

    Raises:
        Misconfigured: the key is too short.
    """

    def __init__(self, key: str, algorithm: Algorithm, lifetime: timedelta) -> None:
        if len(key.encode()) < _SHORTEST:
            raise Misconfigured(
                f"JWT_SECRET_KEY has {len(key.encode())} bytes; needed are {_SHORTEST} or more: "
                "openssl rand -hex 32 makes some"
            )
        self._key = key
        self._algorithm = algorithm
        self._lifetime = lifetime

    def issue(self, user: UserId) -> str:
        """A token for a user, good from now on."""
        now = datetime.now(UTC)
        claims = {
            "sub": user,
            "iat": now,
            "exp": now + self._lifetime,
            "jti": uuid.uuid4().hex,
            "iss": _OURS,
            "aud": _OURS,
        }
        return jwt.encode(claims, self._key, self._algorithm)

    def user(self, token: str) -> UserId:
        """Whose token it is.

        Raises:
            NotSignedIn: it is none of ours, or expired.
        """
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[self._algorithm],
                issuer=_OURS,
                audience=_OURS,
                options={"require": _CLAIMS},
            )
            return UserId(str(uuid.UUID(claims["sub"])))
        except jwt.ExpiredSignatureError:
            raise NotSignedIn("the token has expired: sign in again") from None
        except (jwt.PyJWTError, ValueError):
            raise NotSignedIn("the token is none of ours: sign in again") from None
