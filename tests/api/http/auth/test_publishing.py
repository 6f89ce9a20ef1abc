"""Keys by which cameras publish."""

from api.http.auth.publishing import digest, is_key, new_key, opens


def test_a_key_opens_what_was_made_with_it_alone() -> None:
    key, other = new_key(), new_key()
    assert key != other
    assert opens(key, digest(key))
    assert not opens(other, digest(key))
    assert not opens(key, None)


def test_what_is_kept_of_a_key_does_not_tell_it() -> None:
    key = new_key()
    assert len(digest(key)) == 32
    assert key.encode() not in digest(key)


def test_a_key_is_told_from_a_sign_in_token() -> None:
    assert is_key(new_key())
    assert not is_key("eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl")
