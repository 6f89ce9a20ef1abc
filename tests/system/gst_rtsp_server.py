#!/usr/bin/python3
"""gst-rtsp-server as a camera: it loops one file's coded pictures, without coding them anew.

Runs with the system's Python, which has gi: ``gst_rtsp_server.py CODEC RATE PORT [FILE]``. FILE is
what ``conftest.py`` writes: for each picture its place in nanoseconds, its length, its bytes. Port
0 is any free one; once it listens it prints ``ready PORT``. Every client sees the film from its
beginning. In the environment: LOGIN=user:password asks for that, by Digest or, with AUTH=basic, by
Basic; TRANSPORT=udp or tcp allows that alone; LOST=0.02 loses that part of its packets; TRACKS
names its tracks in their order (video, sound, twin: the same film once more, metadata: what is
neither).
"""

import ctypes
import itertools
import os
import signal
import struct
import sys
from fractions import Fraction
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402 - versions come first

_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of prctl(2)."""
_RECORD = struct.Struct(">QI")
_CODED = "appsrc name={film} is-live=true format=time caps="
_TRACK = {
    "h264": _CODED + "video/x-h264,stream-format=byte-stream,alignment=au,framerate={rate}"
    " ! h264parse ! rtph264pay {pay} pt=96 config-interval=-1",
    "hevc": _CODED + "video/x-h265,stream-format=byte-stream,alignment=au,framerate={rate}"
    " ! h265parse ! rtph265pay {pay} pt=96 config-interval=-1",
    "mjpeg": _CODED + "image/jpeg,framerate={rate} ! jpegparse ! rtpjpegpay {pay} pt=26",
    "vp8": _CODED + "video/x-vp8,framerate={rate} ! rtpvp8pay {pay} pt=96",
    "sound": "audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! mulawenc"
    " ! rtppcmupay {pay} pt=0",
    "metadata": "audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! mulawenc"
    " ! rtppcmupay ! capssetter replace=true caps=application/x-rtp,media=application,"
    "payload=107,clock-rate=90000,encoding-name=VND.ONVIF.METADATA ! identity {pay}",
}


class Film:
    """The pictures of a file, for one client after the other."""

    def __init__(self, path: Path, rate: Fraction) -> None:
        self._step = round(Gst.SECOND / rate)
        self._pictures: list[tuple[int, bytes]] = []
        content, at = path.read_bytes(), 0
        while at < len(content):
            shown, length = _RECORD.unpack_from(content, at)
            at += _RECORD.size
            self._pictures.append((shown, content[at : at + length]))
            at += length
        moments = [shown for shown, _ in self._pictures]
        lead = [number * self._step - shown for number, shown in enumerate(moments)]
        self._delay = max(0, *lead)  # no picture is shown before it is decoded

    def play(self, _factory: object, media: GstRtspServer.RTSPMedia) -> None:
        """Feed the pipeline of a client that has just come."""
        for name in ("video", "twin"):
            source = media.get_element().get_child_by_name(name)
            if source is not None:
                self._feed(source)

    def _feed(self, source: Gst.Element) -> None:
        numbers = itertools.count()
        source.connect("need-data", lambda src, _: self._push(src, next(numbers)))

    def _push(self, source: Gst.Element, number: int) -> None:
        lap, index = divmod(number, len(self._pictures))
        shown, data = self._pictures[index]
        buffer = Gst.Buffer.new_wrapped(data)
        buffer.dts = number * self._step
        buffer.pts = lap * len(self._pictures) * self._step + shown + self._delay
        buffer.duration = self._step
        source.emit("push-buffer", buffer)


def ask_for_login(server: GstRtspServer.RTSPServer, login: str) -> None:
    """Let in who knows the user name and the password."""
    user, _, password = login.partition(":")
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    auth = GstRtspServer.RTSPAuth()
    if os.environ.get("AUTH") == "basic":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(user, password, token)
    server.set_auth(auth)


def launch(codec: str, rate: str) -> str:
    """The pipeline of a client."""
    tracks = os.environ.get("TRACKS", "video").split(",")
    parts = []
    for number, track in enumerate(tracks):
        part = _TRACK.get(track, _TRACK[codec])
        pay = f"name=pay{number}"
        if lost := os.environ.get("LOST"):
            # What drops packets stands where the server looks for the last element.
            part += f" ! identity drop-probability={lost} {pay}"
            pay = ""
        parts.append(part.format(rate=rate, film=track, pay=pay))
    return f"( {' '.join(parts)} )"


def main(codec: str, rate: str, port: str, path: str = "") -> None:
    """Serve until killed."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    Gst.init(None)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(launch(codec, rate))
    if transport := os.environ.get("TRANSPORT"):
        factory.set_protocols(getattr(GstRtsp.RTSPLowerTrans, transport.upper()))
    role = "user,media.factory.access=true,media.factory.construct=true"
    factory.add_role_from_structure(Gst.Structure.new_from_string(role))
    if path:
        factory.connect("media-configure", Film(Path(path), Fraction(rate)).play)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    server.get_mount_points().add_factory("/live", factory)
    if login := os.environ.get("LOGIN"):
        ask_for_login(server, login)
    if not server.attach(None):
        sys.exit(f"port {port} is taken")
    print("ready", server.get_bound_port(), flush=True)  # noqa: T201 - its interface
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
