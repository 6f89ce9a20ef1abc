"""Our side of a connection, before another peer."""

import asyncio
import re
from contextlib import suppress

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from aiortc.mediastreams import AudioStreamTrack
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.webrtc.ice import Ice, IceServer
from ingest.webrtc.peer import Peer, _offer_loopback, answered, new_peer
from pipeline.errors import BadInput

LOCAL = Ice(loopback=True)


async def offer_of(*tracks: VideoStreamTrack | AudioStreamTrack, data: bool = False) -> str:
    """What a client would send that offers these tracks."""
    client = RTCPeerConnection()
    try:
        for track in tracks:
            client.addTrack(track)
        if data:
            client.createDataChannel("more")
        await client.setLocalDescription(await client.createOffer())
        return client.localDescription.sdp
    finally:
        await client.close()


def receiver(ice: Ice = LOCAL) -> Peer:
    peer = new_peer(ice)
    peer.addTransceiver("video", "recvonly")
    return peer


def candidates(sdp: str) -> list[str]:
    return re.findall(r"^a=candidate:\S+ \d+ \S+ \d+ (\S+)", sdp, re.MULTILINE)


async def test_a_service_for_this_machine_alone_offers_the_loopback_interface_alone() -> None:
    peer = receiver()
    answer = await answered(peer, await offer_of(VideoStreamTrack()))
    await peer.close()
    assert candidates(answer) == ["127.0.0.1"]


async def test_a_service_for_others_offers_no_loopback_interface() -> None:
    peer = receiver(Ice())
    answer = await answered(peer, await offer_of(VideoStreamTrack()))
    await peer.close()
    assert candidates(answer)
    assert "127.0.0.1" not in candidates(answer)


async def test_the_answer_names_the_announced_address() -> None:
    peer = receiver(Ice(announced="198.51.100.4"))
    answer = await answered(peer, await offer_of(VideoStreamTrack()))
    await peer.close()
    assert set(candidates(answer)) == {"198.51.100.4"}
    assert "c=IN IP4 198.51.100.4" in answer


async def test_we_are_the_server_of_dtls_unless_the_other_side_is() -> None:
    peer, offer = receiver(), await offer_of(VideoStreamTrack())
    assert "a=setup:passive" in await answered(peer, offer)
    await peer.close()
    peer = receiver()
    assert "a=setup:active" in await answered(peer, offer.replace("actpass", "passive"))
    await peer.close()


async def test_who_turns_a_phone_turns_its_pictures_before_sending_them() -> None:
    """So it is where the receiver does not say that it knows of rotation (3GPP TS 26.114)."""
    offer = await offer_of(VideoStreamTrack())
    turned = offer.replace("a=rtpmap:", "a=extmap:9 urn:3gpp:video-orientation\r\na=rtpmap:", 1)
    peer = receiver()
    assert "video-orientation" not in await answered(peer, turned)
    await peer.close()


async def test_sound_beside_the_picture_is_answered_as_inactive() -> None:
    peer = receiver()
    answer = await answered(peer, await offer_of(AudioStreamTrack(), VideoStreamTrack()))
    await peer.close()
    audio, video = answer.split("m=")[1:]
    assert audio.startswith("audio")
    assert "a=inactive" in audio
    assert "a=recvonly" in video
    assert candidates(answer).count("127.0.0.1") == len(candidates(answer)) > 0


@pytest.mark.parametrize(
    ("offer", "said"),
    [
        ("", "there is no video"),
        ("hello", "there is no video"),
        ("v=0\r\nm=video x UDP/TLS/RTP/SAVPF 97\r\n", "no session description"),
        ("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 97\r\n", "there is no video"),
        ("v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 97\r\n", "no a=fingerprint"),
        (
            "v=0\r\na=fingerprint:sha-256 AB\r\na=setup:actpass\r\nm=video 9 RTP/SAVPF 97\r\n",
            "cannot be answered",
        ),
        ("x" * 70_000, "70000 characters: allowed are 65536"),
    ],
)
async def test_what_is_no_offer_is_refused_with_what_is_wrong(offer: str, said: str) -> None:
    peer = receiver()
    with pytest.raises(BadInput, match=said):
        await answered(peer, offer)
    await peer.close()


async def test_data_and_too_many_media_are_refused() -> None:
    peer = receiver()
    with pytest.raises(BadInput, match="data channels are not taken"):
        await answered(peer, await offer_of(VideoStreamTrack(), data=True))
    many = await offer_of(*(VideoStreamTrack() for _ in range(9)))
    with pytest.raises(BadInput, match="9 media in one offer: allowed are 8"):
        await answered(peer, many)
    await peer.close()


async def test_too_many_candidates_are_refused() -> None:
    offer = await offer_of(VideoStreamTrack())
    line = "a=candidate:{0} 1 udp 1 192.0.2.{0} 9 typ host\r\n"
    peer = receiver()
    with pytest.raises(BadInput, match="more than 64 candidates"):
        await answered(peer, offer + "".join(map(line.format, range(1, 66))))
    await peer.close()


async def test_an_offer_in_a_codec_that_is_not_taken_is_refused() -> None:
    offer = re.sub(r"VP8|H264", "VP9", await offer_of(VideoStreamTrack()))
    peer = receiver()
    with pytest.raises(BadInput, match="cannot be answered"):
        await answered(peer, offer)
    await peer.close()


def test_whatever_an_offer_holds_it_is_answered_or_refused() -> None:
    good = asyncio.run(offer_of(AudioStreamTrack(), VideoStreamTrack())).splitlines(keepends=True)

    @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        line=st.integers(0, len(good) - 1),
        text=st.one_of(st.just(""), st.text(max_size=40), st.sampled_from(good)),
        whole=st.booleans(),
    )
    def ask(line: int, text: str, whole: bool) -> None:
        kept = "" if whole else good[line].partition(":")[0] + ":"
        asyncio.run(_try("".join([*good[:line], kept, text, "\r\n", *good[line + 1 :]])))

    async def _try(offer: str) -> None:
        peer = receiver()
        try:
            with suppress(BadInput):
                await answered(peer, offer)
        finally:
            await peer.close()

    ask()


async def test_who_hides_behind_a_name_is_answered_without_it_and_connects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Browsers do, unless a page may use a camera; here nobody knows such names."""

    def ask(_: object) -> None:
        raise AssertionError("a name was asked for")

    monkeypatch.setattr("aioice.ice.get_or_create_mdns_protocol", ask)
    client, peer = receiver(), new_peer(LOCAL)
    peer.addTransceiver("video", "sendonly")
    try:
        _offer_loopback(client)
        await client.setLocalDescription(await client.createOffer())
        offer = client.localDescription.sdp
        hidden = re.sub(
            r"^(a=candidate:.*) 127\.0\.0\.1 ", r"\1 x-1.local ", offer, flags=re.MULTILINE
        )
        assert hidden.count("x-1.local") == 1
        answer = await answered(peer, hidden)
        await client.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        async with asyncio.timeout(10):
            while peer.connectionState != "connected":  # noqa: ASYNC110 - of another library
                await asyncio.sleep(0.01)
    finally:
        await client.close()
        await peer.close()


async def test_who_has_an_announced_address_asks_no_turn_server() -> None:
    """It would wait for one that only others reach."""
    turn = IceServer("turn:127.0.0.1:9", "name", "word")
    announced = new_peer(Ice((turn, IceServer("stun:127.0.0.1:9")), announced="198.51.100.4"))
    hidden = new_peer(Ice((turn,)))
    asked = [
        [one.urls for one in peer._RTCPeerConnection__configuration.iceServers]  # type: ignore[attr-defined]
        for peer in (announced, hidden)
    ]
    assert asked == [["stun:127.0.0.1:9"], ["turn:127.0.0.1:9"]]
