"""The further streams of all cameras: each a failure domain, apart from what is analysed."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import replace

from ingest.address import CameraUrl
from ingest.fleet import CameraSpec, Fleet
from ingest.options import CameraOptions, Masks
from ingest.roles import StreamRole, Streams
from ingest.second_stream import SecondStatus, SecondStream, Wish
from ingest.source import Source, State, StateChange
from ingest.supervisor import Backoff
from ingest.tee import Tee
from ingest.viewed import Viewed
from pipeline.messages import CameraId, Capture


class SecondStreams:
    """Owns them, for as long as their cameras are watched.

    Args:
        group: in which they run; what breaks in one of them stays there.
        analysed: what comes of a camera's analysed stream now.
        connect: makes the source of a further stream, which tells the tee.
        on_thread: called on each thread that encodes for a camera, before anything else.
    """

    def __init__(
        self,
        group: asyncio.TaskGroup,
        analysed: Callable[[CameraId], Tee],
        connect: Callable[[CameraSpec, CameraUrl, Tee, Wish], Source],
        backoff: Backoff,
        on_thread: Callable[[CameraId], None],
    ) -> None:
        self._analysed = analysed
        self._connect = connect
        self._backoff = backoff
        self._on_thread = on_thread
        self._fleet = Fleet(group, self._run, self._broke)
        self._known: dict[CameraId, tuple[Streams, CameraOptions]] = {}
        self._streams: dict[CameraId, list[SecondStream]] = {}
        self._running: dict[CameraId, SecondStream] = {}
        """By their names in the fleet."""
        self._videos: dict[CameraId, Viewed] = {}
        self._changing: defaultdict[CameraId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def put(self, spec: CameraSpec) -> None:
        """A camera has these streams beside the analysed one; the same again changes nothing.

        One that failed is begun again.

        Raises:
            BadInput: it is a camera that can have one only.
        """
        camera, streams = spec.camera, spec.streams.beside(spec.url)
        async with self._changing[camera]:
            failed = any(one.status.state is State.FAILED for one in self._of(camera))
            asked = streams, spec.options.of_connection()
            if self._known.get(camera) == asked and not failed:
                return
            await self._end(camera)
            self._known[camera], self._streams[camera] = asked, []
            for url, roles in _by_url(streams):
                await self._begin(spec, url, roles)
            self.video(camera).change(_for(StreamRole.VIEW, self._of(camera)))

    def move(self, camera: CameraId) -> None:
        """The analysed stream comes from elsewhere now; its video and its times are others."""
        analysed = self._analysed(camera)
        for one in self._of(camera):
            one.timing.follow(analysed.own_time)
        self.video(camera).move(analysed)

    def mask(self, camera: CameraId, masks: Masks) -> int:
        """Mask its further streams so from now on; nobody views, until they are played anew.

        What viewers were given before has at most the media time that is returned.
        """
        for one in self._of(camera):
            one.tee.mask(masks)
        return self._videos[camera].latest if camera in self._videos else -1

    async def remove(self, camera: CameraId) -> None:
        """It has none any more; returns when their connections are gone."""
        async with self._changing[camera]:
            await self._end(camera)
            self._videos.pop(camera, None)

    def video(self, camera: CameraId) -> Viewed:
        """What its viewers get."""
        if camera not in self._videos:
            self._videos[camera] = Viewed(self._analysed(camera))
        return self._videos[camera]

    async def beside(
        self, camera: CameraId, captures: AsyncIterator[Capture]
    ) -> AsyncIterator[Capture]:
        """The analysed pictures, each with that of its moment in detail where there is one."""
        async for capture in captures:
            stream = _for(StreamRole.DETAIL, self._of(camera))
            if stream is None:
                yield capture
            else:
                yield replace(capture, detail=stream.detail.of(capture.media_time))
            del capture  # while the next one is waited for, this one must not be held

    def statuses(self) -> Sequence[tuple[CameraId, SecondStatus]]:
        """How each of them is."""
        return [(camera, one.status) for camera, made in self._streams.items() for one in made]

    def _of(self, camera: CameraId) -> Sequence[SecondStream]:
        return self._streams.get(camera, ())

    async def _begin(self, spec: CameraSpec, url: CameraUrl, roles: tuple[StreamRole, ...]) -> None:
        name = CameraId(f"{spec.camera} ({'/'.join(roles)})")
        one = SecondStream(
            name,
            roles,
            self._analysed(spec.camera),
            lambda tee, wish: self._connect(spec, url, tee, wish),
            self._backoff,
            lambda: self._on_thread(spec.camera),
        )
        self._streams[spec.camera].append(one)
        self._running[name] = one
        await self._fleet.put(CameraSpec(name, url))

    async def _end(self, camera: CameraId) -> None:
        self._known.pop(camera, None)
        if camera in self._videos:
            self._videos[camera].change(None)
        ended = self._streams.pop(camera, [])
        for name in [name for name, one in self._running.items() if one in ended]:
            await self._fleet.remove(name)
            del self._running[name]

    async def _run(self, spec: CameraSpec) -> None:
        await self._running[spec.camera].run()

    def _broke(self, name: CameraId, change: StateChange) -> None:
        self._running[name].became(change)


def _by_url(streams: Streams) -> Sequence[tuple[CameraUrl, tuple[StreamRole, ...]]]:
    """Each connection, and what it is for."""
    roles = defaultdict[CameraUrl, list[StreamRole]](list)
    for role, url in streams.by_role.items():
        roles[url].append(role)
    return [(url, tuple(of_it)) for url, of_it in roles.items()]


def _for(role: StreamRole, streams: Iterable[SecondStream]) -> SecondStream | None:
    return next((one for one in streams if role in one.roles), None)
