"""Which stream of a camera its viewers get: the one for viewing, where it is there."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from ingest.playable import Playable
from ingest.roles import StreamRole
from ingest.second_stream import SecondStream
from ingest.tee import Tee

Listener = Callable[[Playable], None]


class Viewed:
    """One camera's video for viewers, out of its streams, always going on with a key picture.

    The analysed stream is shown until the view stream's first key picture is there, and again when
    that one is lost. Pictures of another stream may be older than those shown before: they follow
    at once then, their times a tick apart, until they are newer; a viewer's clock never goes back.

    All but what tees give is called in the event loop.
    """

    def __init__(self, analysed: Tee) -> None:
        self._analysed = analysed
        self._view: SecondStream | None = None
        self._lock = threading.Lock()
        self._listener: Listener | None = None
        self._shown, self._began = StreamRole.ANALYSE, False
        self._latest = -1

    @property
    def view(self) -> SecondStream | None:
        """The stream for viewing, None where the analysed one serves."""
        return self._view

    def play(self, listener: Listener) -> None:
        """Give the last group of pictures, then each new one, to ``listener``, on any thread."""
        with self._lock:
            self._listener, self._shown, self._began = listener, StreamRole.ANALYSE, False
        self._loop = asyncio.get_running_loop()
        self._view_too()
        if self._shown is StreamRole.ANALYSE:
            self._analysed.play(partial(self._give, StreamRole.ANALYSE, None))

    def halt(self) -> None:
        """Nobody plays any more."""
        with self._lock:
            self._listener = None
        self._analysed.halt()
        self._leave()

    def request_key(self) -> None:
        """A viewer lost pictures: a key picture of the shown stream soon, where one can be had."""
        if self._view is not None and self._shown is StreamRole.VIEW:
            self._view.tee.request_key()
        else:
            self._analysed.request_key()

    @property
    def latest(self) -> int:
        """Media time of the last picture that was given."""
        with self._lock:
            return self._latest

    def move(self, analysed: Tee) -> None:
        """The analysed stream comes from elsewhere now: from its next key picture on."""
        before, self._analysed = self._analysed, analysed
        before.halt()
        with self._lock:
            played = self._listener is not None and self._shown is StreamRole.ANALYSE
            self._began = self._began and not played
        analysed.cut()
        if played:
            analysed.play(partial(self._give, StreamRole.ANALYSE, None))

    def change(self, view: SecondStream | None) -> None:
        """Show this stream from now on, or None but the analysed one."""
        self._leave()
        self._view = view
        self._fall_back()
        if self._listener is not None:
            self._view_too()

    def _view_too(self) -> None:
        if self._view is not None:
            self._view.on_lost = self._fall_back
            self._view.view()
            self._view.tee.play(partial(self._give, StreamRole.VIEW, self._view))

    def _leave(self) -> None:
        if self._view is not None:
            self._view.on_lost = lambda: None
            self._view.tee.halt()
            self._view.leave()

    def _take_over(self) -> None:
        """The view stream is shown: what is not shown is not to be encoded either."""
        if self._shown is StreamRole.VIEW:
            self._analysed.halt()

    def _fall_back(self) -> None:
        """The view stream's pictures come no more."""
        with self._lock:
            if self._shown is StreamRole.ANALYSE:
                return
            self._shown, self._began = StreamRole.ANALYSE, False
            played = self._listener is not None
        if played:
            self._analysed.play(partial(self._give, StreamRole.ANALYSE, None))

    def _give(self, role: StreamRole, view: SecondStream | None, picture: Playable) -> None:
        with self._lock:
            if role is not self._shown and view is self._view and picture.key:
                self._shown, self._began = StreamRole.VIEW, True
                with suppress(RuntimeError):  # the loop is closed: nobody is left to see it
                    self._loop.call_soon_threadsafe(self._take_over)
            if self._listener is None or role is not self._shown:
                return
            self._began |= picture.key
            if not self._began:
                return
            exact = picture.media_time > self._latest and (view is None or view.timing.exact)
            self._latest = max(picture.media_time, self._latest + 1)
            self._listener(picture._replace(media_time=self._latest, role=role, exact=exact))
