"""Keys by which cameras publish: encoders keep one in their settings, and sign in to nothing."""

import hashlib
import secrets

_PREFIX = "whip_"
"""By it a key is told from a sign-in token, and found where it has leaked."""
_BYTES = 32
"""Of chance in a key: so many that a plain hash of it tells nothing."""


def new_key() -> str:
    """A key that nobody can guess."""
    return _PREFIX + secrets.token_urlsafe(_BYTES)


def is_key(token: str) -> bool:
    """Whether a bearer token is meant to be a key."""
    return token.startswith(_PREFIX)


def digest(key: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).digest()


def opens(key: str, kept: bytes | None) -> bool:
    """Whether it is the key that is kept."""
    return kept is not None and secrets.compare_digest(digest(key), kept)
