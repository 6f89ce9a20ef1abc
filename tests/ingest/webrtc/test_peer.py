"""Our side of a connection, before another peer."""

import asyncio
import re
from contextlib import suppress

import pytest
from aiortc import RTCPeerConnection, VideoStreamTrack
from aiortc.mediastreams import AudioStreamTrack
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.webrtc.ice import Ice
from ingest.webrtc.peer import Peer, answered, new_peer
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
