"""What is sealed opens only where it belongs, with its own key."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.store.sealing import Keyring, Tampered
from pipeline.errors import Misconfigured

RING = Keyring({"00000001": bytes(range(32))})


@given(st.binary(max_size=2000), st.text())
def test_what_is_sealed_comes_back(plain: bytes, context: str) -> None:
    sealed = RING.seal(plain, context)
    assert RING.unseal(sealed, context) == plain
    assert len(sealed) == len(plain) + 1 + 8 + 12 + 16
    assert len(plain) < 8 or plain not in sealed


def test_the_same_is_never_sealed_the_same_way() -> None:
    assert len({RING.seal(b"x", "c") for _ in range(1000)}) == 1000


def test_an_envelope_belongs_to_its_place() -> None:
    with pytest.raises(Tampered, match="faces/2"):
        RING.unseal(RING.seal(b"template", "faces/1/template"), "faces/2/template")


def test_no_bit_can_be_changed() -> None:
    sealed = RING.seal(b"template", "c")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises((Tampered, Misconfigured)):
            RING.unseal(bytes(changed), "c")
    for length in range(len(sealed)):
        with pytest.raises(Tampered):
            RING.unseal(sealed[:length], "c")


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="00000001"):
        Keyring.open(tmp_path).unseal(RING.seal(b"x", "c"), "c")


def test_keys_are_made_once_and_for_nobody_else(tmp_path: Path) -> None:
    sealed = Keyring.open(tmp_path).seal(b"x", "c")
    assert Keyring.open(tmp_path).unseal(sealed, "c") == b"x"
    file = tmp_path / "sealing.keys"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [file.name]
    file.chmod(0o640)
    with pytest.raises(Misconfigured, match="chmod 600"):
        Keyring.open(tmp_path)


def test_an_older_key_still_opens_and_the_newest_seals(tmp_path: Path) -> None:
    old = Keyring.open(tmp_path).seal(b"old", "c")
    with (tmp_path / "sealing.keys").open("a") as file:
        file.write(f"0000beef {'A' * 43}=\n")
    both = Keyring.open(tmp_path)
    assert both.unseal(old, "c") == b"old"
    assert both.seal(b"new", "c")[1:9] == b"0000beef"


@pytest.mark.parametrize(
    "text", ["", "x", "00000001 short", "00000001 ???", "000 " + "A" * 43 + "="]
)
def test_a_broken_file_is_said_and_not_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "sealing.keys"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(Misconfigured) as refused:
        Keyring.open(tmp_path)
    assert "short" not in str(refused.value)


def test_no_key_is_shown() -> None:
    assert "AQID" not in repr(RING)
    assert "\\x01" not in repr(RING)
