"""gst-rtsp-server, a server that nobody here wrote, as a program of its own."""

import os
import signal
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av

from ingest.address import CameraUrl

PYTHON = "/usr/bin/python3"
"""The system's own: it has gi."""
_SCRIPT = Path(__file__).with_name("gst_rtsp_server.py")
_PACKAGES = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
)
_NEEDS = """
import gi
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
elements = "h264parse h265parse jpegparse rtph264pay rtph265pay rtpjpegpay rtpvp8pay"
elements += " mulawenc capssetter identity"
assert all(Gst.ElementFactory.find(name) for name in elements.split())
"""
_RECORD = struct.Struct(">QI")
_TO_ANNEX_B = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}


def is_missing() -> str:
    """The Debian packages to install, empty if all is there."""
    if Path(PYTHON).exists():
        asked = subprocess.run([PYTHON, "-c", _NEEDS], capture_output=True, check=False)
        if asked.returncode == 0:
            return ""
    return _PACKAGES


@dataclass
class GstServer:
    """A server of one film at /live; ``sound`` in place of a codec: of a tone."""

    codec: str
    rate: Fraction
    film: Path | None
    login: str = ""
    """user:password, empty for none."""
    conditions: Mapping[str, str] = field(default_factory=dict)
    """What else its environment says, see ``gst_rtsp_server.py``."""
    port: int = 0
    process: "subprocess.Popen[str]" = field(init=False)

    @property
    def url(self) -> CameraUrl:
        user, password = self.login.split(":", 1) if self.login else (None, None)
        return CameraUrl("rtsp", "127.0.0.1", self.port, "/live", user, password)

    def start(self) -> None:
        """Start, at the same port if it ran before, and wait until it listens."""
        command = [PYTHON, str(_SCRIPT), self.codec, str(self.rate), str(self.port)]
        command += [str(self.film)] if self.film else []
        environment = {**os.environ, "LOGIN": self.login, **self.conditions}
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        said = self.process.stdout.readline().split() if self.process.stdout else []
        assert said[:1] == ["ready"], "gst-rtsp-server did not start; what it said stands above"
        self.port = int(said[1])

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def freeze(self) -> None:
        """Stop it without closing anything."""
        self.process.send_signal(signal.SIGSTOP)


def serve(film: Path, folder: Path, login: str = "", **conditions: str) -> GstServer:
    """A server, not yet started, of a file's own coded pictures."""
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate is not None
        packed = folder / f"{film.stem}.pictures"
        packed.write_bytes(b"".join(_records(container, stream)))
        return GstServer(stream.codec_context.name, stream.average_rate, packed, login, conditions)


def serve_all(films: Sequence[Path], folder: Path) -> GstServer:
    """A server of several films of one codec and rate, one after the other."""
    servers = [serve(film, folder) for film in films]
    packed, begin = folder / "films.pictures", 0
    with packed.open("wb") as joined:
        for server in servers:
            assert server.film is not None
            records = list(_read(server.film.read_bytes()))
            for shown, data in records:
                joined.write(_RECORD.pack(begin + shown, len(data)) + data)
            begin += round(len(records) * 1_000_000_000 / server.rate)
    return GstServer(servers[0].codec, servers[0].rate, packed)


def _read(content: bytes) -> Iterator[tuple[int, bytes]]:
    while content:
        shown, length = _RECORD.unpack_from(content)
        yield shown, content[_RECORD.size : _RECORD.size + length]
        content = content[_RECORD.size + length :]


def _records(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[bytes]:
    """Each picture's place in nanoseconds, its length, its bytes."""
    name = stream.codec_context.name
    convert = av.BitStreamFilterContext(_TO_ANNEX_B.get(name, "null"), stream)
    for packet in container.demux(stream):
        for part in convert.filter(packet) if packet.size else []:
            shown = round((part.pts or 0) * part.time_base * 1_000_000_000)
            yield _RECORD.pack(shown, part.size) + bytes(part)
