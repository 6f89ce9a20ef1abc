"""A camera's further streams as they are typed."""

from api.command.client.camera_streams import streams

HIGH = "rtsp://203.0.113.9/high"


def test_what_is_typed_is_sent_and_default_takes_a_stream_away() -> None:
    assert streams(None, None) == {}
    assert streams(HIGH, None) == {"view": HIGH}
    assert streams("default", f" {HIGH}") == {"view": None, "detail": HIGH}
