"""What a camera was told is what is done: by what it is decoded, how much of it, and told how."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import av
import pytest
from av.codec.hwaccel import HWAccel

from ingest import decode
from ingest.fleet import CameraSpec
from ingest.options import CameraOptions, DecoderChoice, Transport
from ingest.playable import Playable
from ingest.rtsp import RtspCamera
from ingest.source import State, StateChange
from ingest.supervisor import supervised
from ingest.tee import Tee
from ingest.troubles import Cause, NoDecoder, NoTransport
from ingest.virtual.camera import VirtualCamera
from ingest.virtual.clip import read_clip
from pipeline.messages import CameraId, Capture
from tests.films import number_of

Film = Callable[..., Path]
GATE = CameraId("gate")


async def seen(
    camera: VirtualCamera, told: Callable[[], CameraOptions], tee: Tee, count: int
) -> list[Capture]:
    frames: list[Capture] = []
    source = RtspCamera(camera.url("gate"), GATE, tee=tee, told=told)
    async with asyncio.timeout(40), aclosing(source.frames()) as captures:
        async for capture in captures:
            frames.append(capture)
            if len(frames) == count:
                break
    return frames


async def test_so_many_pictures_a_second_are_analysed_and_none_is_counted_as_lost(
    film: Film,
) -> None:
    options = CameraOptions(analysed=5)
    async with VirtualCamera({"gate": read_clip(film(50))}, rtp_origin=0) as camera:
        frames = await seen(camera, lambda: options, Tee(), 10)
    assert [frame.seq for frame in frames] == list(range(10))
    steps = [after.media_time - before.media_time for before, after in pairwise(frames[1:])]
    assert sum(steps) == pytest.approx(8 * 18_000, abs=4 * 3600)
    at = [(frame.rtp_timestamp or 0) // 3600 for frame in frames]
    assert [number_of(frame.paint()) for frame in frames] == [place % 50 for place in at]


async def test_key_pictures_alone_are_decoded_until_all_are_wanted(film: Film) -> None:
    told, tee = [CameraOptions(analysed="keys")], Tee()
    async with VirtualCamera({"gate": read_clip(film(50))}) as camera:
        source = RtspCamera(camera.url("gate"), GATE, tee=tee, told=lambda: told[0])
        async with asyncio.timeout(40), aclosing(source.frames()) as captures:
            keys = [await anext(captures) for _ in range(4)]
            observed = tee.observed.copy()
            told[0] = CameraOptions()
            later = [await anext(captures) for _ in range(30)]
    assert [number_of(frame.paint()) for frame in keys] == [0, 10, 20, 30]
    assert [frame.seq for frame in keys] == [0, 1, 2, 3]
    assert (observed.decoded, observed.pictures > 30) == (4, True)
    numbers = [number_of(frame.paint()) for frame in later[-20:]]
    assert all((after - before) % 50 == 1 for before, after in pairwise(numbers))


async def test_who_plays_what_is_encoded_sees_pictures_that_are_not_analysed(film: Film) -> None:
    tee, played = Tee(), list[Playable]()
    tee.mask((((0, 0.9), (1, 0.9), (1, 1)),))
    tee.play(played.append)
    options = CameraOptions(analysed="keys")
    async with VirtualCamera({"gate": read_clip(film(50))}) as camera:
        frames = await seen(camera, lambda: options, tee, 5)
    tee.halt()
    assert [number_of(frame.paint()) for frame in frames] == [0, 10, 20, 30, 40]
    assert len(played) > 25
    assert {one.encoded for one in played} == {True}


def software(codec: av.VideoCodecContext, accelerated: HWAccel) -> av.VideoCodecContext:  # noqa: ARG001 - a stand-in
    """A GPU's decoder, as far as we see it: pictures come in its layout."""
    found = av.CodecContext.create(codec.name, "r")
    assert isinstance(found, av.VideoCodecContext)
    found.extradata = codec.extradata
    return found


class AsAGpuGives(decode.Decoder):
    def decode(self, packet):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
        for picture in self._codec.decode(packet):
            moved = picture.reformat(format="nv12")
            moved.opaque = picture.opaque
            self._note(moved)
            yield moved


@pytest.mark.parametrize("choice", [DecoderChoice.CUDA, DecoderChoice.AUTO])
async def test_what_really_decoded_is_told(
    film: Film, monkeypatch: pytest.MonkeyPatch, choice: DecoderChoice
) -> None:
    monkeypatch.setattr(decode, "on_gpu", software)
    options, tee = CameraOptions(decoder=choice), Tee()
    async with VirtualCamera({"gate": read_clip(film(20))}) as camera:
        frames = await seen(camera, lambda: options, tee, 5)
        assert tee.observed.decoder == "cpu"  # it fell back by itself: pictures are as a CPU's
        monkeypatch.setattr(decode, "Decoder", AsAGpuGives)
        frames = await seen(camera, lambda: options, tee, 5)
    assert tee.observed.decoder == "cuda"
    assert [number_of(frame.paint()) for frame in frames] == [frame.seq for frame in frames]


def nowhere(codec: av.VideoCodecContext, accelerated: HWAccel) -> av.VideoCodecContext:  # noqa: ARG001 - a stand-in
    raise av.error.PermissionError(1, "Operation not permitted")


async def test_without_a_gpu_auto_falls_back_and_cuda_fails_and_says_why(
    film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "on_gpu", nowhere)
    tee, told = Tee(), list[StateChange]()
    async with VirtualCamera({"gate": read_clip(film(20))}) as camera:
        await seen(camera, lambda: CameraOptions(decoder=DecoderChoice.AUTO), tee, 3)
        assert tee.observed.decoder == "cpu"
        source = RtspCamera(
            camera.url("gate"), GATE, told=lambda: CameraOptions(decoder=DecoderChoice.CUDA)
        )
        with pytest.raises(NoDecoder, match=r"options\.decoder is cuda, which cannot decode h264"):
            await anext(supervised(source, on_state=told.append, gives_up=False))
    assert (told[-1].state, told[-1].cause) == (State.FAILED, Cause.DECODER)
    assert "cpu and auto can" in told[-1].reason


async def test_a_codec_that_no_gpu_decodes_is_decoded_by_the_cpu_where_it_may() -> None:
    strange = av.CodecContext.create("gif", "r")
    assert isinstance(strange, av.VideoCodecContext)
    assert decode.decoder_for(strange, DecoderChoice.AUTO).used is DecoderChoice.CPU
    with pytest.raises(NoDecoder, match="not for this codec"):
        decode.decoder_for(strange, DecoderChoice.CUDA)


async def test_a_camera_that_refuses_datagrams_is_told_what_may_be_asked(film: Film) -> None:
    """The virtual camera sends in the connection alone."""
    tee = Tee()
    async with VirtualCamera({"gate": read_clip(film(20))}) as camera:
        with pytest.raises(NoTransport, match="may be tcp, udp or auto"):
            await seen(camera, lambda: CameraOptions(transport=Transport.UDP), tee, 1)
        await seen(camera, lambda: CameraOptions(transport=Transport.AUTO), tee, 1)
    assert tee.observed.transport == "tcp"


def test_specs_of_other_options_are_others() -> None:
    url = VirtualCamera({}).url("gate")
    assert CameraSpec(GATE, url) == CameraSpec(GATE, url, CameraOptions())
    assert CameraSpec(GATE, url) != CameraSpec(GATE, url, CameraOptions(analysed=5))
