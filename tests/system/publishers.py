"""Programs that nobody here wrote, publishing by WHIP: Chromium, and Debian's whip-client."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import httpx
from playwright.sync_api import Page, sync_playwright

from tests.system.service import Service

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


@contextmanager
def whip_client(client: httpx.Client, path: str, bearer: str, video: str) -> Iterator[None]:
    """Debian's simple-whip-client: GStreamer's WebRTC, with a pipeline that ends in RTP."""
    url = f"{str(client.base_url).rstrip('/')}{path}"
    process = subprocess.Popen(["whip-client", "--url", url, "--token", bearer, "--video", video])
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)
