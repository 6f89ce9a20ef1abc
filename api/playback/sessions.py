"""Inside playback: who views which camera."""

import asyncio
import logging
from collections import defaultdict
from dataclasses import dataclass

from aiortc import RTCPeerConnection, RTCRtpCodecCapability, RTCRtpSender

from api.live.coded import Coded
from api.live.metrics import PERIOD, one_lag
from api.playback.feed import Feed, Picture
from api.playback.messages import (
    VERSION,
    Answer,
    Begin,
    End,
    Ended,
    FromPlayback,
    Gone,
    Hello,
    Linked,
    Lost,
    Offer,
    Ready,
    Refused,
    ToPlayback,
    Vitals,
)
from api.playback.track import CameraTrack
from api.processes.child import tell
from api.processes.entry import cpu_seconds, resident_bytes
from api.processes.link import Link, LinkBroken, Outbox
from ingest.webrtc.peer import Peer, answered, new_peer
from pipeline.errors import BadInput, first_of

_log = logging.getLogger(__name__)

_CONNECT = 15.0
"""Seconds that a viewer has to connect."""
_PERIOD = 0.5
"""Seconds between two words of how it is."""
_GONE = frozenset({"failed", "closed"})
"""States of a connection that no pictures pass any more."""
_PROFILES = ("42e01f", "42001f")
"""What is said of the video (RFC 6184, 8.1): constrained baseline, which every browser offers, else
baseline. They all decode by what the parameter sets say, main and high as well; what a camera will
send is not known when it is asked for, and may change."""


@dataclass(frozen=True, slots=True, eq=False)
class _Session:
    camera: str
    task: asyncio.Task[None]


class Sessions:
    """What the program asks for, done.

    Args:
        group: in which it runs.
        outbox: to the program.
    """

    def __init__(self, group: asyncio.TaskGroup, outbox: Outbox[FromPlayback]) -> None:
        self._group = group
        self._outbox = outbox
        self._feeds: defaultdict[str, Feed] = defaultdict(Feed)
        self._sessions: dict[str, _Session] = {}
        self._tracks: set[CameraTrack] = set()
        self._past_bytes, self._past_drops = 0, 0

    @property
    def sent_bytes(self) -> int:
        """Of pictures, to all viewers there were."""
        return self._past_bytes + sum(track.sent_bytes for track in self._tracks)

    @property
    def dropped(self) -> int:
        """Pictures that viewers missed because they were slow."""
        return self._past_drops + sum(track.queue.dropped for track in self._tracks)

    def obey(self, message: ToPlayback) -> None:
        """Do what a message asks for; what takes time is done beside."""
        match message:
            case Coded(camera):
                self._feeds[camera].put(Picture.of(message))
            case Offer(session, camera):
                task = self._group.create_task(self._serve(message))
                self._sessions[session] = _Session(camera, task)
            case End(session) if session in self._sessions:
                self._sessions[session].task.cancel()
            case Gone(camera):
                self._feeds.pop(camera, None)
                for one in self._sessions.values():
                    if one.camera == camera:
                        one.task.cancel()
            case Begin():
                raise LinkBroken("it was begun twice")

    async def _serve(self, offer: Offer) -> None:
        """One session, from its offer to its end."""
        peer, reason = new_peer(offer.ice), "it was ended"
        track = CameraTrack(
            self._feeds[offer.camera],
            on_learnt=lambda: self._tell(offer, peer, track),
            on_lost=lambda: self._outbox.put(Lost(offer.camera)),
        )
        self._tracks.add(track)
        try:
            reason = await self._view(peer, track, offer)
        except BadInput as error:
            self._outbox.put(Refused(offer.session, str(error)))
        except Exception:  # noqa: BLE001 - a viewer is a failure domain, as a camera is
            _log.exception("session %s", offer.session)
            reason = "it broke"
        finally:
            del self._sessions[offer.session]
            self._forget(track)
            self._outbox.put(Ended(offer.session, reason))
            await peer.close()

    async def _view(self, peer: Peer, track: CameraTrack, offer: Offer) -> str:
        """Answer, and send pictures for as long as the viewer is there; says why no more.

        Raises:
            BadInput: the offer cannot be accepted.
        """
        transceiver = peer.addTransceiver(track, "sendonly")
        transceiver.setCodecPreferences(h264())
        track.sent_by(transceiver.sender)
        self._outbox.put(Answer(offer.session, await answered(peer, offer.sdp)))
        try:
            async with asyncio.timeout(_CONNECT):
                await _until(peer, _GONE | {"connected"})
        except TimeoutError:
            return f"it did not connect within {_CONNECT:g} s"
        self._tell(offer, peer, track)
        await _until(peer, _GONE)
        return "its viewer has gone"

    def _tell(self, offer: Offer, peer: RTCPeerConnection, track: CameraTrack) -> None:
        connected = peer.connectionState == "connected"
        linked = Linked(
            offer.session,
            connected,
            track.rtp_origin,
            track.encoded,
            track.caught_up,
            track.role,
            track.exact,
        )
        self._outbox.put(linked)

    def _forget(self, track: CameraTrack) -> None:
        track.stop()
        self._tracks.discard(track)
        self._past_bytes += track.sent_bytes
        self._past_drops += track.queue.dropped


async def run(link: Link[FromPlayback, ToPlayback], _: object) -> None:
    """Serve viewers until the program has gone.

    Raises:
        LinkBroken: the program has gone, or is of another version.
    """
    await link.send([Hello(VERSION)])
    if list(await link.receive()) != [Begin(VERSION)]:
        raise LinkBroken(f"the program does not speak version {VERSION} of what travels")
    outbox = Outbox[FromPlayback]()
    outbox.put(Ready())
    try:
        async with asyncio.TaskGroup() as group:
            sessions = Sessions(group, outbox)
            group.create_task(tell(link, outbox))
            group.create_task(_tell_vitals(outbox, sessions))
            while True:
                for message in await link.receive():
                    sessions.obey(message)
    except BaseExceptionGroup as errors:
        raise first_of(errors) from None


async def _tell_vitals(outbox: Outbox[FromPlayback], sessions: Sessions) -> None:
    """Say twice a second how this process is, for ever."""
    while True:
        lags = [await one_lag() for _ in range(round(_PERIOD / PERIOD))]
        vitals = Vitals(
            resident_bytes=resident_bytes(),
            cpu_seconds=cpu_seconds(),
            lags=tuple(lags),
            sent_bytes=sessions.sent_bytes,
            dropped=sessions.dropped,
        )
        outbox.put(vitals)


async def _until(peer: RTCPeerConnection, states: frozenset[str]) -> None:
    """Return when the connection is in one of these states."""
    changed = asyncio.Event()
    peer.on("connectionstatechange", changed.set)
    try:
        while peer.connectionState not in states:
            changed.clear()
            await changed.wait()
    finally:
        peer.remove_listener("connectionstatechange", changed.set)


def h264() -> list[RTCRtpCodecCapability]:
    """H.264 alone, each profile in turn, with retransmission."""
    codecs = RTCRtpSender.getCapabilities("video").codecs
    wanted = [
        codec
        for profile in _PROFILES
        for codec in codecs
        if codec.parameters.get("profile-level-id") == profile
    ]
    return [*wanted, *(codec for codec in codecs if codec.name == "rtx")]
