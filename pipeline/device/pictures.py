"""The pictures that lie on a device: each is uploaded once, and forgotten with its image."""

import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.device.ranges import Ranges
from pipeline.errors import BadInput
from pipeline.messages import Image


class PixelMemory(Protocol):
    """A long row of pixels on a device."""

    size: int
    """Pixels."""

    def write(self, first: int, image: Image) -> None:
        """Put the pixels of ``image`` at ``first``, row after row; blocks until they are there."""


@dataclass(slots=True, eq=False)
class _Kept:
    """A picture's place; it may go when nobody uses it. ``image`` tells when the image has gone."""

    first: int
    pixels: int
    image: "weakref.ref[Image]"
    users: int = 0
    there: Future[None] = field(default_factory=Future)


class Pictures:
    """Where each picture lies on the device, as long as there is room.

    An image is known by being the same object, so detection and faces of a frame share a picture.
    It is forgotten when the image is; where there is no room before that, the one that was used
    longest ago goes, and is uploaded again should it be asked for. What is in use never moves.
    Nobody writes to an image that has been shown.
    """

    def __init__(self, memory: PixelMemory) -> None:
        self._memory = memory
        self._ranges = Ranges(memory.size)
        self._kept = OrderedDict[int, _Kept]()
        self._gone = deque[tuple[int, "weakref.ref[Image]"]]()
        self._changed = threading.Condition()

    @property
    def free(self) -> int:
        """Pixels that no picture has."""
        with self._changed:
            self._forget_gone()
            return self._ranges.free

    @property
    def busy(self) -> int:
        """How many users pictures have now, each of them waiting for the device."""
        with self._changed:
            return sum(kept.users for kept in self._kept.values())

    def __contains__(self, image: Image) -> bool:
        with self._changed:
            self._forget_gone()
            return id(image) in self._kept

    @contextmanager
    def held(self, image: Image) -> Iterator[int]:
        """The first pixel of ``image``, which stays there within; waits for room if need be.

        Raises:
            BadInput: it is larger than the whole memory.
        """
        kept, new = self._use(image)
        try:
            if new:
                self._upload(image, kept)
            kept.there.result()
            yield kept.first
        finally:
            with self._changed:
                kept.users -= 1
                self._changed.notify_all()

    def _use(self, image: Image) -> tuple[_Kept, bool]:
        """The picture's place, in use from now on, and whether it is still to be uploaded."""
        pixels = image.shape[0] * image.shape[1]
        if pixels > self._memory.size:
            raise BadInput(
                f"a picture of {image.shape[1]} x {image.shape[0]} has {pixels} pixels; allowed on "
                f"the device: {self._memory.size} (INFERENCE_PICTURE_MEMORY)"
            )
        with self._changed:
            while True:
                self._forget_gone()
                kept = self._kept.get(id(image))
                if new := kept is None:
                    kept = self._placed(image, pixels)
                if kept is not None:
                    kept.users += 1
                    self._kept.move_to_end(id(image))
                    return kept, new
                self._changed.wait()

    def _placed(self, image: Image, pixels: int) -> _Kept | None:
        """A new place; None while what is in use leaves none."""
        while (first := self._ranges.take(pixels)) is None:
            unused = (key for key, kept in self._kept.items() if not kept.users)
            if (oldest := next(unused, None)) is None:
                return None
            self._drop(oldest)
        key = id(image)
        last_word = weakref.ref(image, lambda ref: self._gone.append((key, ref)))
        kept = self._kept[key] = _Kept(first, pixels, last_word)
        return kept

    def _upload(self, image: Image, kept: _Kept) -> None:
        try:
            self._memory.write(kept.first, image)
        except BaseException as error:
            with self._changed:
                self._drop(id(image))
            kept.there.set_exception(error)
            raise
        kept.there.set_result(None)

    def _forget_gone(self) -> None:
        """What has been collected meanwhile. Its callback may come at any moment, so it only notes.

        An image that came later may have the same id: the reference tells them apart.
        """
        while self._gone:
            key, reference = self._gone.popleft()
            kept = self._kept.get(key)
            if kept is not None and kept.image is reference:
                self._drop(key)

    def _drop(self, key: int) -> None:
        kept = self._kept.pop(key)
        self._ranges.give(kept.first, kept.pixels)
