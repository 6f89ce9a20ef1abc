"""What was seen on a frame, flat and plain: it travels between processes."""

import msgspec

from pipeline.messages import IdentifiedFace, PersonId, Result, Revision, Status


class Face(msgspec.Struct, frozen=True, array_like=True):
    """A face and what is known of it; ``box`` is left, top, width, height in pixels."""

    track: int
    box: tuple[float, float, float, float]
    score: float
    status: Status
    person: PersonId | None
    similarity: float | None


class Moment(msgspec.Struct, frozen=True, array_like=True):
    """A frame by its numbers."""

    seq: int
    media_time: int
    captured_at: float


class Revised(msgspec.Struct, frozen=True, array_like=True):
    """A track whose name was wrong, ``since`` when, and what is known of it now."""

    track: int
    was: PersonId
    status: Status
    person: PersonId | None
    since: Moment


class Seen(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Who is on one frame of one camera; the numbers are those of ``pipeline.messages.Frame``."""

    camera: str
    seq: int
    media_time: int
    captured_at: float
    rtp_timestamp: int | None
    width: int
    height: int
    faces: tuple[Face, ...]
    revisions: tuple[Revised, ...] = ()


def seen(result: Result) -> Seen:
    """A result without what only the pipeline needs."""
    return Seen(
        camera=result.camera,
        seq=result.seq,
        media_time=result.media_time,
        captured_at=result.captured_at,
        rtp_timestamp=result.rtp_timestamp,
        width=result.width,
        height=result.height,
        faces=tuple(map(_face, result.faces)),
        revisions=tuple(map(_revised, result.revisions)),
    )


def _revised(revision: Revision) -> Revised:
    since = revision.since
    return Revised(
        track=revision.track,
        was=revision.was,
        status=revision.verdict.status,
        person=revision.verdict.person,
        since=Moment(since.seq, since.media_time, since.captured_at),
    )


def _face(identified: IdentifiedFace) -> Face:
    found, verdict = identified.face.found, identified.verdict
    box = found.box
    return Face(
        track=identified.face.track,
        box=(box.x, box.y, box.width, box.height),
        score=found.score,
        status=verdict.status,
        person=verdict.person,
        similarity=verdict.similarity,
    )
