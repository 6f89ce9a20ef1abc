"""Clips of which it is known who is in them, and where each stands."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from pipeline.errors import BadInput
from pipeline.messages import PersonId

UNKNOWN = PersonId("unknown")
"""Under this name stand people of whom nothing is known: they are nobody who could be enrolled."""
_PLACES: Mapping[str, float] = {
    "left": 0.2,
    "centre": 0.5,
    "center": 0.5,
    "middle": 0.5,
    "right": 0.8,
}
"""Where the words with which a description begins are, in widths of the picture."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A film, and who is in it from its first to its last frame.

    ``places`` has the middle of each one's place, in widths of the picture; it is empty where
    nobody is placed. ``frames`` is their number, if it is told.
    """

    name: str
    path: Path
    people: Sequence[PersonId]
    places: Mapping[PersonId, float]
    frames: int | None

    @property
    def alone(self) -> PersonId | None:
        """The one person in it, if it is one who could be enrolled."""
        only = self.people[0] if len(self.people) == 1 else UNKNOWN
        return None if only == UNKNOWN else only

    def who(self, x: float) -> PersonId | None:
        """Whose face it is that has its middle at ``x``, in widths; None if places do not tell."""
        if self.alone is not None:
            return self.alone
        return min(self.places, key=lambda one: abs(self.places[one] - x), default=None)


class _Clip(BaseModel):
    frames: int | None = Field(None, ge=0)
    people: dict[PersonId, str]


class _Truth(BaseModel):
    clips: dict[str, _Clip] = Field(min_length=1)


def read_truth(file: Path) -> Sequence[Clip]:
    """The clips of a file of JSON, which lie beside it.

    It says ``{"clips": {NAME: {"people": {PERSON: DESCRIPTION}, "frames": COUNT}}}``; the film is
    NAME, or NAME.mp4. A description that begins with left, middle, centre or right says where that
    person stands; one who is alone needs none. Whatever else there is, is left alone.

    Raises:
        BadInput: it cannot be read, is something else, or a film is not there.
    """
    try:
        truth = _Truth.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise BadInput(f"{file}: it cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{file}: it is no ground truth of clips: {_reason(error)}") from error
    return [_clip(name, clip, file.parent) for name, clip in truth.clips.items()]


def check_places(clips: Sequence[Clip], enrolled: frozenset[PersonId]) -> None:
    """See that everyone who is enrolled can be told from others by place.

    Raises:
        BadInput: somebody cannot; it says who and where.
    """
    for clip in clips:
        for person in enrolled.intersection(clip.people):
            if person != clip.alone and person not in clip.places:
                raise BadInput(
                    f"{clip.name}: where {person} stands is not told; allowed: descriptions that "
                    f"begin with {', '.join(_PLACES)}, for everyone in the clip"
                )


def _clip(name: str, clip: _Clip, folder: Path) -> Clip:
    path = next((one for one in (folder / name, folder / f"{name}.mp4") if one.is_file()), None)
    if path is None:
        raise BadInput(f"{name}: there is no film of this name, or {name}.mp4, in {folder}")
    found = {person: _place(text) for person, text in clip.people.items()}
    places = {person: place for person, place in found.items() if place is not None}
    placed = places if len(places) == len(found) == len(set(places.values())) else {}
    return Clip(name, path, list(clip.people), placed, clip.frames)


def _place(description: str) -> float | None:
    return next(
        (place for word, place in _PLACES.items() if description.lower().startswith(word)), None
    )


def _reason(error: Exception) -> str:
    """In few words; pydantic's own text has many, and what was read."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)
