"""What a camera's viewers get, out of its analysed stream and one for viewing."""

import asyncio

from ingest.address import CameraUrl
from ingest.playable import Playable
from ingest.roles import StreamRole
from ingest.rtsp import RtspCamera
from ingest.second_stream import SecondStream
from ingest.supervisor import Backoff
from ingest.tee import Tee
from ingest.viewed import Viewed
from pipeline.messages import CameraId

HIGH = CameraUrl.parse("rtsp://203.0.113.9/high")


def picture(place: int, *, key: bool | None = None) -> Playable:
    return Playable(place, place % 10 == 0 if key is None else key, False, b"x")


def second(analysed: Tee) -> SecondStream:
    """One that is not connected: what comes of it is given by hand."""
    return SecondStream(
        "gate",
        (StreamRole.VIEW,),
        analysed,
        lambda tee, _: RtspCamera(HIGH, CameraId("gate"), tee=tee),
        Backoff(),
        lambda: None,
    )


class Viewer:
    """Keeps what it is given: place, whose it is, and whether its time is for sure."""

    def __init__(self) -> None:
        self.got: list[tuple[int, str, bool]] = []

    def take(self, picture: Playable) -> None:
        self.got.append((picture.media_time, str(picture.role), picture.exact))


async def test_each_change_begins_with_a_key_picture_and_times_never_go_back() -> None:
    analysed, viewer = Tee("gate"), Viewer()
    viewed, view = Viewed(analysed), second(analysed)
    view.timing.exact = True
    viewed.change(view)
    for place in range(12):
        analysed.give(picture(place))
    viewed.play(viewer.take)
    view.tee.give(picture(7, key=False))  # no key picture: it cannot begin
    view.tee.give(picture(9, key=True))  # later on its way than what was shown
    analysed.give(picture(12))
    for place in (10, 11, 12, 13):
        view.tee.give(picture(place, key=False))
    view.on_lost()
    view.tee.give(picture(14, key=False))
    for place in (13, 30, 31):
        analysed.give(picture(place))
    viewed.halt()
    analysed.give(picture(32))
    assert viewer.got == [
        (10, "analyse", True),
        (11, "analyse", True),
        (12, "view", False),
        (13, "view", False),
        (14, "view", False),
        (15, "view", False),
        (16, "view", False),
        (17, "analyse", False),
        (18, "analyse", False),
        (19, "analyse", False),
        (20, "analyse", False),
        (30, "analyse", True),
        (31, "analyse", True),
    ]


async def test_while_the_view_is_shown_the_analysed_stream_is_not_played() -> None:
    analysed, viewer = Tee("gate"), Viewer()
    viewed, view = Viewed(analysed), second(analysed)
    viewed.change(view)
    viewed.play(viewer.take)
    assert analysed.is_played
    view.tee.give(picture(10))
    await asyncio.sleep(0)
    assert not analysed.is_played
    view.on_lost()
    assert analysed.is_played
    viewed.change(None)
    assert not view.tee.is_played
    viewed.halt()
    assert not analysed.is_played


async def test_video_that_comes_from_elsewhere_begins_with_its_next_key_picture() -> None:
    before, after, viewer = Tee("gate"), Tee("gate"), Viewer()
    viewed = Viewed(before)
    viewed.play(viewer.take)
    before.give(picture(0))
    after.give(picture(10))
    viewed.move(after)
    before.give(picture(1))
    for place in (11, 12, 20, 21):
        after.give(picture(place))
    viewed.halt()
    assert [place for place, _, _ in viewer.got] == [0, 20, 21]


async def test_a_key_picture_is_asked_for_of_the_stream_that_is_shown() -> None:
    asked, analysed, viewer = list[str](), Tee("gate"), Viewer()
    viewed, view = Viewed(analysed), second(analysed)
    viewed.change(view)
    viewed.play(viewer.take)
    with (
        analysed.connection("H.264", None, ask=lambda: asked.append("analysed")),
        view.tee.connection("H.264", None, ask=lambda: asked.append("view")),
    ):
        viewed.request_key()
        view.tee.give(picture(10))
        viewed.request_key()
        viewed.halt()
    assert asked == ["analysed", "view"]
