"""What waits to be decoded has a bound, and what is left out damages nothing."""

import queue

import pytest
from aiortc import RTCPeerConnection
from aiortc.codecs import CODECS
from aiortc.jitterbuffer import JitterFrame

from ingest.webrtc.undecoded import _MOST, Undecoded, bound, is_key

VP8, H264 = (next(one for one in CODECS["video"] if one.name == name) for name in ("VP8", "H264"))


def ignore(_: object, __: object) -> None: ...


def picture(number: int, *, key: bool = False) -> JitterFrame:
    return JitterFrame(bytes([0 if key else 1, number]), number)


def taken(waiting: Undecoded) -> list[int]:
    numbers = []
    while not waiting.empty():
        item = waiting.get()
        assert item is not None
        numbers.append(item[1].timestamp)
    return numbers


def test_what_fits_comes_in_order() -> None:
    waiting = Undecoded(lambda: pytest.fail("nothing is missing"), ignore, lambda: None)
    for number in range(_MOST):
        waiting.put((VP8, picture(number, key=number == 0)))
    assert taken(waiting) == list(range(_MOST))


def test_after_too_many_it_goes_on_with_the_next_key_picture() -> None:
    asked = []
    waiting = Undecoded(lambda: asked.append(True), ignore, lambda: None)
    for number in range(_MOST + 3):
        waiting.put((VP8, picture(number, key=number == 0)))
    assert taken(waiting) == []
    assert len(asked) == 3
    waiting.put((VP8, picture(90)))
    waiting.put((VP8, picture(91, key=True)))
    waiting.put((VP8, picture(92)))
    assert taken(waiting) == [91, 92]
    assert waiting.dropped == _MOST + 4


def test_at_the_end_nothing_that_waits_is_decoded_any_more() -> None:
    waiting = Undecoded(lambda: None, ignore, lambda: None)
    waiting.put((VP8, picture(0, key=True)))
    waiting.put(None)
    assert waiting.get() is None
    assert waiting.empty()


def test_the_thread_that_decodes_is_told_once() -> None:
    told = []
    waiting = Undecoded(lambda: None, ignore, lambda: told.append(True))
    for number in range(3):
        waiting.put((VP8, picture(number, key=True)))
    assert not told
    taken(waiting)
    assert told == [True]


def test_key_pictures_are_known() -> None:
    slice_of = {key: b"\x00\x00\x00\x01\x67\x42\x00\x00\x00\x01" + bytes([key]) for key in (5, 1)}
    assert is_key(H264, JitterFrame(slice_of[5], 0))
    assert not is_key(H264, JitterFrame(slice_of[1], 0))
    assert is_key(VP8, JitterFrame(b"\x10\x02", 0))
    assert not is_key(VP8, JitterFrame(b"\x11\x02", 0))
    assert not is_key(VP8, JitterFrame(b"", 0))


async def test_aiortcs_receiver_puts_pictures_where_they_are_bounded() -> None:
    peer = RTCPeerConnection()
    receiver = peer.addTransceiver("video", "recvonly").receiver
    waiting = bound(receiver, ignore, lambda: None)
    private = vars(receiver)
    assert private["_RTCRtpReceiver__decoder_queue"] is waiting
    assert [name for name, value in private.items() if isinstance(value, queue.Queue)] == [
        "_RTCRtpReceiver__decoder_queue"
    ]
    await peer.close()
