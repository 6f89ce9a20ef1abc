"""GStreamer's WebRTC as a publisher: ``python3 gst_whip.py FILM CODEC URL TOKEN``.

Run with the system's Python, which has GStreamer's bindings. ``webrtcbin`` and libnice make offer,
connection and packets; what is said by HTTP is said here. It ends with the film, or by SIGTERM.
"""

import sys
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402 - after their versions

ENCODERS = {
    "VP8": "vp8enc deadline=1 target-bitrate=2000000 ! rtpvp8pay"
    " ! application/x-rtp,media=video,encoding-name=VP8,payload=96",
    "H264": "openh264enc bitrate=2000000 gop-size=25 ! video/x-h264,profile=constrained-baseline"
    " ! rtph264pay config-interval=-1 aggregate-mode=zero-latency"
    " ! application/x-rtp,media=video,encoding-name=H264,payload=96"
    ",packetization-mode=(string)1,profile-level-id=(string)42e01f",
}


def main(film: str, codec: str, url: str, token: str) -> None:
    """Publish a film."""
    Gst.init(None)
    loop = GLib.MainLoop()
    pipeline = Gst.parse_launch(
        f"filesrc location={film} ! qtdemux ! h264parse ! openh264dec ! identity sync=true"
        f" ! videoconvert ! queue ! {ENCODERS[codec]}"
        " ! webrtcbin name=peer bundle-policy=max-bundle"
    )
    peer = pipeline.get_by_name("peer")

    def offer(*_: object) -> None:
        peer.emit("create-offer", None, Gst.Promise.new_with_change_func(offered))

    def offered(promise: Gst.Promise) -> None:
        reply = promise.get_reply()  # it owns the offer
        peer.emit("set-local-description", reply.get_value("offer"), Gst.Promise())

    def gathered(*_: object) -> None:
        if peer.get_property("ice-gathering-state") is GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            GLib.idle_add(post)

    def post() -> None:
        described = peer.get_property("local-description").sdp.as_text()
        headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {token}"}
        request = urllib.request.Request(url, described.encode(), headers)  # noqa: S310 - a test's
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - a test's own service
            _, sdp = GstSdp.SDPMessage.new_from_text(answer.read().decode())
        kind = GstWebRTC.WebRTCSDPType.ANSWER
        answered = GstWebRTC.WebRTCSessionDescription.new(kind, sdp)
        peer.emit("set-remote-description", answered, Gst.Promise())

    ice = peer.get_property("ice-agent")  # kept: the binding takes the only reference to it
    ice.emit("add-local-ip-address", "127.0.0.1")
    peer.connect("on-negotiation-needed", offer)
    peer.connect("notify::ice-gathering-state", gathered)
    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message::eos", lambda *_: loop.quit())
    bus.connect("message::error", lambda _, message: sys.exit(message.parse_error()[0].message))
    pipeline.set_state(Gst.State.PLAYING)
    loop.run()


main(*sys.argv[1:])
