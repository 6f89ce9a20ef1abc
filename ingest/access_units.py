"""RTP payloads put together to whole coded pictures, each as soon as its last byte is here.

FFmpeg's own parser gives a picture out when the next one begins: one picture too late, 80 ms at
12.5 a second. Its RTP reader hides the marker bit that ends a picture, but what it passes on says
nearly as much: a unit that needs several RTP packets fills all of them but the last (RFC 6184,
RFC 7798). So a picture counts as complete when it has as many slices as the one before it and its
last packet is not full. Over the first two key pictures this is only watched, and pictures are
given out when the next one begins; so they are again, twice as long, whenever it proves wrong.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Generic, NamedTuple, Protocol, TypeVar

from ingest.nal_units import START, Syntax, units_of

Stamp = TypeVar("Stamp")
_KEYS_TO_TRUST = 2
"""Key pictures may be cut into other numbers of slices than the rest: both kinds were seen."""


class Need(IntEnum):
    """What pictures need of each other."""

    DISPOSABLE = 0
    """No other picture needs this one."""
    REFERENCE = 1
    """Others may need it, and it may need others."""
    KEY = 2
    """It needs no other: decoding can begin with it."""


class AccessUnit(NamedTuple, Generic[Stamp]):
    """A whole coded picture, and the stamp of the packet its first slice began in."""

    data: bytes
    stamp: Stamp
    need: Need


class Assembly(Protocol[Stamp]):
    """How the RTP payloads of a codec become pictures."""

    def add(self, payload: bytes, stamp: Stamp) -> Sequence[AccessUnit[Stamp]]:
        """The pictures that are complete now that ``payload`` is here: none, one or two."""


class WholePictures(Generic[Stamp]):
    """Each payload is a picture (MJPEG: FFmpeg joins its packets itself, by the marker bit)."""

    def add(self, payload: bytes, stamp: Stamp) -> Sequence[AccessUnit[Stamp]]:
        """The picture."""
        return [AccessUnit(payload, stamp, Need.KEY)]


class NalUnits(Generic[Stamp]):
    """H.264's and H.265's way, see the head of this file.

    A picture begins with its first slice and the other units right before it. Parameter sets
    alone begin none: GStreamer's rtph264pay repeats them before every slice of a key picture.
    """

    def __init__(self, syntax: Syntax) -> None:
        self._syntax = syntax
        self._end = _End(syntax)
        self._picture = self._latest = bytearray()
        self._ahead = bytearray()
        """Units that are no slices; the next slice shows where they belong."""
        self._stamps: list[Stamp] = []

    def add(self, payload: bytes, stamp: Stamp) -> Sequence[AccessUnit[Stamp]]:
        """The pictures that are complete now."""
        units = units_of(payload)
        slices = [unit for unit in units if self._syntax.is_slice(unit)]
        done: list[AccessUnit[Stamp]] = []
        if slices:
            if self._end.slices and self._syntax.is_first(slices[0]):
                done += self._take()
                self._end.next_picture()
            if not self._end.slices:
                self._stamps = [stamp]
            self._picture += self._ahead
            self._ahead = bytearray()
            self._latest = self._picture
        elif units:
            self._latest = self._ahead
        self._latest += payload
        if self._end.reached_by(payload, units):
            done += self._take()
        return done

    def _take(self) -> Sequence[AccessUnit[Stamp]]:
        """The picture, unless it was taken before; what still comes of it then is left out."""
        done = [AccessUnit(bytes(self._picture), stamp, self._end.need) for stamp in self._stamps]
        self._picture, self._stamps = bytearray(), []
        return done


class _End:
    """Guesses where a picture ends, and knows whether the guess can be trusted."""

    def __init__(self, syntax: Syntax) -> None:
        self._syntax = syntax
        self.slices = 0
        """Slices of this picture so far."""
        self._slices_before = 0
        self._in_slice = False
        """The latest unit is a slice."""
        self._is_key = self._is_needed = False
        self._keys_watched = 0
        self._keys_to_trust = _KEYS_TO_TRUST
        self._full = 0
        """Bytes of the longest continuation of a unit so far: what a full packet carries."""
        self._passed = False

    @property
    def need(self) -> Need:
        """Of the picture's slices so far."""
        if self._is_key:
            return Need.KEY
        return Need.REFERENCE if self._is_needed else Need.DISPOSABLE

    def next_picture(self) -> None:
        """A picture was seen to its end; another one begins."""
        self._slices_before, self.slices = self.slices, 0
        self._keys_watched += self._is_key
        self._is_key = self._is_needed = self._passed = False

    def reached_by(self, payload: bytes, units: Sequence[bytes]) -> bool:
        """Whether the picture ends with this payload; False while that is not sure."""
        self._count(payload, units)
        if self._passed and self._in_slice:
            self._passed, self._keys_watched = False, 0
            self._keys_to_trust *= 2
        if self._passed or not self.slices or self.slices != self._slices_before:
            return False
        self._passed = not self._is_full(payload, units)
        return self._passed and self._keys_watched >= self._keys_to_trust

    def _count(self, payload: bytes, units: Sequence[bytes]) -> None:
        if not units:
            self._full = max(self._full, len(payload))
        for unit in units:
            self._in_slice = self._syntax.is_slice(unit)
            self.slices += self._in_slice
            self._is_needed |= self._in_slice and not self._syntax.is_disposable(unit)
            self._is_key = self._is_key or self._syntax.is_key(unit)

    def _is_full(self, payload: bytes, units: Sequence[bytes]) -> bool:
        if len(units) > 1:  # an aggregation packet holds whole units
            return False
        room = self._full + (len(START) + self._syntax.header if units else 0)
        return not self._full or len(payload) >= room
