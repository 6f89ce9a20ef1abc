"""Our side of a WebRTC connection: made for others' offers, reached where ``Ice`` says.

Both its creation and its answer stand here for all rooms, as aiortc and aioice know neither an
announced address nor how to offer the loopback interface.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError
from aiortc.sdp import SessionDescription

from ingest.webrtc.ice import Ice
from ingest.webrtc.profiles import as_baseline, as_offered
from pipeline.errors import BadInput

Candidates = TypeVar("Candidates")

_LONGEST = 64 << 10
"""Characters of an offer; browsers' have 2 to 8 thousand."""
_MOST_MEDIA = 8
"""Media descriptions of an offer: each one costs sockets until they are bundled."""
_MOST_CANDIDATES = 64
"""Addresses of an offer: to each of them our side sends a few small packets to see who answers."""
_NAMED = re.compile(r"a=candidate:\S+ \d+ \S+ \d+ \S+\.local ")
_LOOPBACK = ("127.0.0.1",)
_UNREADABLE = (ValueError, LookupError, AssertionError, AttributeError, TypeError, StopIteration)
"""What aiortc's parser raises where a text is no session description."""
_REFUSED = (InternalError, InvalidAccessError, InvalidStateError, OperationError)
"""What aiortc raises where a description cannot be gone along with."""


class Peer(RTCPeerConnection):
    """A connection that waits for an offer."""

    def __init__(self, ice: Ice) -> None:
        asked = [
            RTCIceServer(one.url, one.username, one.credential)
            for one in ice.servers
            # Whoever has an address that others reach needs nobody who passes things on.
            if not one.username or ice.announced is None
        ]
        super().__init__(RTCConfiguration(asked))
        self.ice = ice


def new_peer(ice: Ice) -> Peer:
    """A connection on which nothing was agreed yet; whoever makes it closes it."""
    return Peer(ice)


async def answered(peer: Peer, offer: str) -> str:
    """The answer to ``offer`` (SDP), whole: with every candidate of our side.

    What the two sides send is what the peer's transceivers say that were added before. What is
    offered beyond them, audio or data, is answered as inactive.

    Raises:
        BadInput: it is no offer that can be gone along with. The peer is to be closed then.
    """
    _check(offer)
    wanted = set(peer.getTransceivers())
    try:
        understood = as_baseline(_without_names(offer))
        await peer.setRemoteDescription(RTCSessionDescription(understood, "offer"))
        for transceiver in peer.getTransceivers():
            if transceiver not in wanted:
                transceiver.direction = "inactive"
        if peer.ice.loopback:
            _offer_loopback(peer)
        await peer.setLocalDescription(_passive(await peer.createAnswer(), offer))
    except (*_UNREADABLE, *_REFUSED) as error:
        raise BadInput(f"an offer that cannot be answered: {error}") from None
    return as_offered(peer.ice.rewritten(peer.localDescription.sdp), offer)


def _passive(answer: RTCSessionDescription, offer: str) -> RTCSessionDescription:
    """``answer`` with us as the DTLS server (RFC 8842), where the other side leaves us the choice.

    aiortc chooses to be the client, but proposes for that only ciphers of ECDSA certificates:
    GStreamer, whose certificate is of RSA, shares none of them.
    """
    if "a=setup:passive" in offer:
        return answer
    return RTCSessionDescription(answer.sdp.replace("a=setup:active", "a=setup:passive"), "answer")


def _check(offer: str) -> None:
    """Refuse what is no offer before anything is opened for it."""
    if len(offer) > _LONGEST:
        raise BadInput(f"an offer of {len(offer)} characters: allowed are {_LONGEST}")
    try:
        description = SessionDescription.parse(offer)
    except _UNREADABLE:
        raise BadInput("this is no session description (SDP, RFC 8866)") from None
    kinds = [media.kind for media in description.media]
    if "video" not in kinds:
        raise BadInput("there is no video in this offer (SDP, RFC 8866)")
    if "application" in kinds:
        raise BadInput("data channels are not taken: offer media only")
    if len(kinds) > _MOST_MEDIA:
        raise BadInput(f"{len(kinds)} media in one offer: allowed are {_MOST_MEDIA}")
    if sum(len(media.ice_candidates) for media in description.media) > _MOST_CANDIDATES:
        raise BadInput(f"more than {_MOST_CANDIDATES} candidates in one offer")
    if not any(media.dtls and media.dtls.fingerprints for media in description.media):
        raise BadInput("there is no a=fingerprint with a=setup: only what is encrypted is sent")
    names = [media.rtp.muxId for media in description.media]
    bundled = {name for group in description.group for name in group.items}
    if len(set(names)) < len(names) or not bundled <= set(names):
        raise BadInput("a=mid must name each medium once, and a=group only what there is")


def _without_names(offer: str) -> str:
    """``offer`` without the candidates that hide behind names (.local, multicast DNS).

    Where nobody knows such a name, asking for it takes a second. They are not needed: that side
    checks ours, and so becomes known by its address (RFC 8445, 7.3.1.3).
    """
    lines = offer.splitlines(keepends=True)
    kept = [line for line in lines if not _NAMED.match(line)]
    if len(kept) < len(lines):  # those that will be known so are still to come
        kept = [line for line in kept if not line.startswith("a=end-of-candidates")]
    return "".join(kept)


def _offer_loopback(peer: RTCPeerConnection) -> None:
    """Aioice leaves the loopback interface out: here its connections are told to use no other."""
    for transceiver in peer.getTransceivers():
        connection = transceiver.receiver.transport.transport.iceGatherer._connection  # noqa: SLF001 - aiortc has no option for it
        gather = partial(_gather_loopback, connection.get_component_candidates)
        connection.get_component_candidates = gather  # type: ignore[method-assign]


async def _gather_loopback(
    gather: Callable[..., Awaitable[Candidates]], component: int, addresses: Sequence[str]
) -> Candidates:
    del addresses  # those of the other interfaces
    return await gather(component, list(_LOOPBACK))
