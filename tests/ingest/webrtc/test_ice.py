"""Addresses and credentials that others are told."""

import base64
import hashlib
import hmac

from ingest.webrtc.ice import Ice, IceServer

SDP = (
    "v=0\r\n"
    "m=video 50001 UDP/TLS/RTP/SAVPF 97\r\n"
    "c=IN IP4 172.20.0.5\r\n"
    "a=candidate:1 1 udp 2130706431 172.20.0.5 50001 typ host\r\n"
    "a=candidate:2 1 udp 2130706431 fd00::5 50002 typ host\r\n"
    "a=candidate:3 1 udp 16777215 203.0.113.7 61000 typ relay raddr 172.20.0.5 rport 50003\r\n"
    "a=end-of-candidates\r\n"
)


def test_the_announced_address_stands_where_own_ones_did() -> None:
    lines = Ice(announced="198.51.100.4").rewritten(SDP).splitlines()
    assert lines == [
        "v=0",
        "m=video 50001 UDP/TLS/RTP/SAVPF 97",
        "c=IN IP4 198.51.100.4",
        "a=candidate:1 1 udp 2130706431 198.51.100.4 50001 typ host",
        "a=candidate:3 1 udp 16777215 203.0.113.7 61000 typ relay raddr 172.20.0.5 rport 50003",
        "a=end-of-candidates",
    ]


def test_an_announced_address_of_ip_6_takes_its_own_candidates() -> None:
    lines = Ice(announced="2001:db8::4").rewritten(SDP).splitlines()
    assert "c=IN IP6 2001:db8::4" in lines
    assert [line for line in lines if "typ host" in line] == [
        "a=candidate:2 1 udp 2130706431 2001:db8::4 50002 typ host"
    ]


def test_without_an_announced_address_nothing_is_rewritten() -> None:
    assert Ice().rewritten(SDP) == SDP


def test_credentials_of_a_turn_server_are_those_it_computes_by_itself() -> None:
    server = IceServer.turn("turn:turn.example.org?transport=udp", "north", 1_800_000_000)
    assert server.username == "1800000000"
    expected = hmac.digest(b"north", b"1800000000", hashlib.sha1)
    assert base64.b64decode(server.credential) == expected
    assert server.credential not in repr(server)


def test_clients_are_told_of_servers_as_rfc_9725_says() -> None:
    assert IceServer("stun:stun.example.net").link == '<stun:stun.example.net>; rel="ice-server"'
    assert IceServer("turn:turn.example.net?transport=udp", "user", "password").link == (
        '<turn:turn.example.net?transport=udp>; rel="ice-server"; username="user";'
        ' credential="password"; credential-type="password"'
    )
