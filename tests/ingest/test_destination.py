import socket
from collections.abc import Callable
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.address import CameraUrl
from ingest.destination import Destinations, own_networks
from ingest.troubles import Forbidden, Unreachable

EVERYWHERE = [ip_network("0.0.0.0/0"), ip_network("::/0")]
ORDINARY = Destinations(EVERYWHERE)


def url(host: str) -> CameraUrl:
    return CameraUrl.parse(f"rtsp://ann:nite-word@{host}/1")


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("127.0.0.1", "loopback"),
        ("127.1", "loopback"),
        ("2130706433", "loopback"),  # decimal
        ("0x7f000001", "loopback"),
        ("0177.0.0.1", "loopback"),  # octal
        ("localhost", "loopback"),
        ("[::1]", "loopback"),
        ("[::ffff:127.0.0.1]", "loopback"),
        ("[::ffff:7f00:1]", "loopback"),
        ("[64:ff9b::7f00:1]", "loopback"),
        ("[2002:7f00:1::]", "loopback"),
        ("0.0.0.0", "this host"),  # noqa: S104 - nobody listens
        ("0", "this host"),
        ("[::]", "this host"),
        ("169.254.169.254", "metadata"),
        ("[::ffff:169.254.169.254]", "metadata"),
        ("168.63.129.16", "metadata"),
        ("100.100.100.200", "metadata"),
        ("[fd00:ec2::254]", "metadata"),
        ("169.254.7.7", "link-local"),
        ("[fe80::1]", "link-local"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("172.18.0.5", "the deployment's own"),
    ],
)
def test_a_camera_may_not_be_where_the_deployment_is_alone(host: str, reason: str) -> None:
    destinations = Destinations(EVERYWHERE, [ip_network("172.18.0.0/16")])
    with pytest.raises(Forbidden, match=reason) as refused:
        destinations.addresses(url(host))
    assert "RTSP_ALLOWED_NETWORKS" in str(refused.value)
    assert "nite-word" not in str(refused.value)


@pytest.mark.parametrize(
    "host", ["192.168.1.7", "10.0.0.1", "172.19.0.1", "8.8.8.8", "[2001:db8::1]"]
)
def test_it_may_be_anywhere_else(host: str) -> None:
    assert ORDINARY.addresses(url(host)) == [host.strip("[]")]


def test_what_is_listed_within_a_special_network_is_open_and_nothing_beside_it() -> None:
    listed = Destinations([*EVERYWHERE, ip_network("127.0.0.2/32")])
    assert listed.refusal("127.0.0.2") == ""
    assert listed.refusal("::ffff:127.0.0.2") == ""
    assert "loopback" in listed.refusal("127.0.0.1")


def test_the_metadata_service_stays_shut_where_link_local_is_listed() -> None:
    listed = Destinations([*EVERYWHERE, ip_network("169.254.0.0/16")])
    assert listed.refusal("169.254.7.7") == ""
    assert "metadata" in listed.refusal("169.254.169.254")


def test_where_networks_are_listed_there_is_nothing_beside_them() -> None:
    listed = Destinations([ip_network("192.168.7.0/24")])
    assert listed.refusal("192.168.7.9") == ""
    assert "no allowed network" in listed.refusal("192.168.8.9")
    assert "no allowed network" in listed.refusal("8.8.8.8")


def test_a_listed_host_may_be_anywhere_and_no_other_port_of_it() -> None:
    listed = Destinations(EVERYWHERE, hosts=["localhost:8554"])
    assert listed.addresses(CameraUrl.parse("rtsp://localhost:8554/demo"))
    with pytest.raises(Forbidden, match="loopback"):
        listed.addresses(CameraUrl.parse("rtsp://localhost:5432/demo"))


def test_a_name_is_refused_where_only_one_of_its_addresses_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering("192.168.1.7", "127.0.0.1"))
    with pytest.raises(Forbidden, match=r"127\.0\.0\.1 is loopback"):
        ORDINARY.addresses(url("gate.example"))


def test_a_name_that_nobody_knows_may_be_known_later() -> None:
    with pytest.raises(Unreachable, match="is the host's name right"):
        ORDINARY.addresses(url("gate.invalid"))


@given(st.integers(0, 2**32 - 1))
def test_an_ipv4_address_fares_the_same_inside_an_ipv6_one(number: int) -> None:
    plain = str(ip_address(number))
    allowed = ORDINARY.refusal(plain) == ""
    for carried in (f"::ffff:{plain}", str(ip_address(int(ip_address("64:ff9b::")) + number))):
        assert (ORDINARY.refusal(carried) == "") == allowed


def test_this_machines_own_addresses_are_its_own() -> None:
    own = own_networks()
    assert any(ip_address("127.0.0.1") in one for one in own if one.version == 4)


def answering(*addresses: str) -> Callable[..., list[tuple[object, ...]]]:
    return lambda *_, **__: [(0, 0, 0, "", (address, 554)) for address in addresses]
