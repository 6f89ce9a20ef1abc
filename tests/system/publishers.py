"""Programs that nobody here wrote, publishing by WHIP: Chromium and GStreamer."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from playwright.sync_api import Page, sync_playwright

from tests.system.service import Service

_PYTHON = "/usr/bin/python3"
"""The system's, which has GStreamer's bindings."""
CHROMIUM = Path("/usr/bin/chromium")
_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
    " --use-fake-ui-for-media-stream --use-fake-device-for-media-stream"
    " --allow-loopback-in-peer-connection"
)
_PUBLISH = """async ([url, bearer, sound]) => {
  const size = {width: {ideal: 1280}, height: {ideal: 720}};
  const stream = await navigator.mediaDevices.getUserMedia({video: size, audio: sound});
  const peer = window.peer = new RTCPeerConnection();
  for (const track of stream.getTracks()) peer.addTransceiver(track, {direction: "sendonly"});
  await peer.setLocalDescription(await peer.createOffer());
  if (peer.iceGatheringState != "complete")
    await new Promise(done => peer.onicegatheringstatechange =
      () => peer.iceGatheringState == "complete" && done());
  const answer = await fetch(url, {
    method: "POST", body: peer.localDescription.sdp,
    headers: {"Content-Type": "application/sdp", "Authorization": `Bearer ${bearer}`},
  });
  if (answer.status != 201) throw new Error(await answer.text());
  await peer.setRemoteDescription({type: "answer", sdp: await answer.text()});
  return answer.headers.get("Location");
}"""
_SENDS = """async () => {
  for (const one of (await window.peer.getStats()).values())
    if (one.type == "outbound-rtp" && one.kind == "video")
      return {width: one.frameWidth ?? 0, height: one.frameHeight ?? 0,
              frames: one.framesPerSecond ?? 0, encoder: one.encoderImplementation ?? "",
              limited: one.qualityLimitationReason, bits: one.targetBitrate ?? 0};
}"""


def write_y4m(clip: Path, file: Path) -> None:
    """A clip as Chromium takes it for a camera: uncompressed (YUV4MPEG2), begun anew at its end."""
    with av.open(str(clip)) as container, file.open("wb") as out:
        stream = container.streams.video[0]
        rate = stream.average_rate
        assert rate is not None
        head = f"YUV4MPEG2 W{stream.width} H{stream.height} F{rate.numerator}:{rate.denominator}"
        out.write(f"{head} Ip A1:1 C420jpeg\n".encode())
        for frame in container.decode(stream):
            out.write(b"FRAME\n" + frame.to_ndarray(format="yuv420p").tobytes())


class Browser:
    """A page of the service that publishes its camera."""

    def __init__(self, page: Page, service: Service) -> None:
        self._page = page
        page.goto(f"{service.url}{service.prefix}/openapi.json")  # any page of its origin

    def publish(self, path: str, bearer: str, *, sound: bool = False) -> str:
        """Begin; says where the session is."""
        return str(self._page.evaluate(_PUBLISH, [path, bearer, sound]))

    def sends(self) -> dict[str, object]:
        """What it says of the video that it sends."""
        said: dict[str, object] = self._page.evaluate(_SENDS)
        return said

    def state(self) -> str:
        """Of its connection."""
        return str(self._page.evaluate("window.peer.connectionState"))

    def leave(self) -> None:
        """Close the page."""
        self._page.close()


@contextmanager
def chromium(film: Path, service: Service) -> Iterator[Browser]:
    """Chromium with a camera that shows ``film`` (Y4M)."""
    flags = [*_FLAGS.split(), f"--use-file-for-fake-video-capture={film}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        try:
            yield Browser(browser.new_page(), service)
        finally:
            browser.close()


def write_again_and_again(clip: Path, file: Path, times: int) -> None:
    """A film that shows a clip so often; its coded pictures are as they were."""
    with av.open(str(clip)) as container, av.open(str(file), "w") as out:
        stream = container.streams.video[0]
        copy = out.add_stream_from_template(stream)
        packets = [packet for packet in container.demux(stream) if packet.size]
        length = sum(packet.duration or 0 for packet in packets)
        assert length
        for lap in range(times):
            for packet in packets:
                again = av.Packet(bytes(packet))
                again.stream, again.time_base = copy, packet.time_base
                again.pts, again.dts = (
                    _later(packet.pts, lap * length),
                    _later(packet.dts, lap * length),
                )
                again.is_keyframe = packet.is_keyframe
                out.mux(again)


def _later(place: int | None, by: int) -> int:
    assert place is not None
    return place + by


def gstreamer_is_missing() -> str:
    """Debian's packages that GStreamer's WebRTC wants, empty if all are there."""
    asked = [_PYTHON, "-c", "import gi; gi.require_version('GstWebRTC', '1.0')"]
    there = Path(_PYTHON).exists() and subprocess.run(asked, capture_output=True).returncode == 0  # noqa: PLW1510 - its status is asked
    plugins = Path("/usr/lib").glob("*/gstreamer-1.0/libgstnice.so")
    packages = "python3-gi gir1.2-gst-plugins-bad-1.0 gstreamer1.0-nice gstreamer1.0-plugins-bad"
    return "" if there and any(plugins) else f"{packages} gstreamer1.0-plugins-good"


@contextmanager
def gstreamer(film: Path, codec: str, url: str, bearer: str) -> Iterator[None]:
    """GStreamer's webrtcbin with libnice, publishing a film."""
    script = Path(__file__).with_name("gst_whip.py")
    process = subprocess.Popen([_PYTHON, script, film, codec, url, bearer])
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)
