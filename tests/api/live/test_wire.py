import dataclasses
import json
from pathlib import Path
from typing import Any, Literal

import pytest

from api.command.tally import Tally
from api.live.seen import seen
from api.live.wire import frame_message, revision_messages, schema
from pipeline.messages import (
    Box,
    CameraId,
    DetectedFace,
    IdentifiedFace,
    Moment,
    PersonId,
    Result,
    Revision,
    Status,
    TrackId,
    Verdict,
)
from tests.fakes import UPRIGHT, tracked

ANN = Verdict(Status.KNOWN, PersonId("Ann"), 0.95678)
STRANGER = Verdict(Status.UNKNOWN, similarity=0.87)


def result(seq: int, **faces: Verdict) -> Result:
    """``faces`` by track, as ``t1=ANN``."""
    found = DetectedFace(Box(1.23, 2.34, 30.06, 40.04), UPRIGHT, 0.987654)
    identified = [
        IdentifiedFace(tracked(int(track[1:]), found), verdict) for track, verdict in faces.items()
    ]
    return Result(CameraId("gate"), seq, seq * 9000, seq / 10, None, 960, 540, identified)


def sent(one: Result) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(frame_message(seen(one), str.upper).model_dump_json())
    return message


def test_a_frame_is_sent_with_just_the_agreed_fields() -> None:
    assert sent(result(3, t7=ANN)) == {
        "type": "frame",
        "camera": "gate",
        "seq": 3,
        "media_time": 27_000,
        "captured_at": 0.3,
        "rtp_timestamp": None,
        "width": 960,
        "height": 540,
        "faces": [
            {
                "track": 7,
                "box": [1.2, 2.3, 30.1, 40.0],
                "detection_score": 0.9877,
                "status": "known",
                "person": "Ann",
                "name": "ANN",
                "similarity": 0.9568,
            }
        ],
    }


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_a_word_on_the_wire(status: Status) -> None:
    (face,) = sent(result(0, t1=Verdict(status)))["faces"]
    assert face["status"] == status.value
    assert face["person"] is face["similarity"] is None


def test_a_tally_sums_up_who_was_seen_from_when_to_when() -> None:
    tally = Tally()
    for seq, verdict in enumerate([STRANGER, ANN, ANN, STRANGER, ANN]):
        tally.add(result(seq, t1=verdict, t2=STRANGER))
    summary = json.loads(tally.summary().model_dump_json())
    assert summary.pop("seconds") >= 0
    assert summary == {
        "type": "summary",
        "frames": 5,
        "people": {"Ann": {"frames": 3, "first_seen": 0.1, "last_seen": 0.4}},
        "unknown_tracks": 1,
    }


def test_tracks_that_were_never_judged_are_nobody() -> None:
    tally = Tally()
    tally.add(result(0, t1=Verdict(Status.IGNORED), t2=Verdict(Status.PENDING)))
    assert tally.summary().unknown_tracks == 0


def test_a_tally_gives_the_frames_of_a_wrong_name_to_whom_they_belong() -> None:
    bob, nobody = Verdict(Status.KNOWN, PersonId("Bob"), 0.95), Verdict(Status.UNKNOWN)
    tally = Tally()
    for one in (result(0, t1=ANN), result(1, t1=ANN, t2=ANN), result(2, t1=bob, t2=ANN)):
        tally.add(one)
    since = Moment(0, 0, 0.0)
    to_bob = Revision(TrackId(1), PersonId("Ann"), bob, since)
    to_nobody = Revision(TrackId(2), PersonId("Ann"), nobody, since)
    tally.add(dataclasses.replace(result(3, t1=bob, t2=nobody), revisions=[to_bob, to_nobody]))
    summary = tally.summary()
    assert {name: one.frames for name, one in summary.people.items()} == {"Bob": 4}
    assert summary.people["Bob"].first_seen == 0.0
    assert summary.unknown_tracks == 1


def test_a_revision_is_sent_with_the_frames_it_is_about() -> None:
    revision = Revision(TrackId(7), PersonId("Ann"), STRANGER, Moment(2, 18_000, 0.2))
    one = dataclasses.replace(result(3, t7=STRANGER), revisions=[revision])
    (message,) = revision_messages(seen(one), str.upper)
    assert json.loads(message.model_dump_json()) == {
        "type": "revision",
        "camera": "gate",
        "track": 7,
        "was": "Ann",
        "status": "unknown",
        "person": None,
        "name": None,
        "since": {"seq": 2, "media_time": 18_000, "captured_at": 0.2},
        "until": {"seq": 3, "media_time": 27_000, "captured_at": 0.3},
    }


def test_who_is_ignored_is_told_as_such_and_never_by_name() -> None:
    def told_as(person: PersonId) -> str | Literal[Status.IGNORED]:
        return Status.IGNORED if person == "Ann" else person

    bob = Verdict(Status.KNOWN, PersonId("Bob"), 0.95)
    since = Moment(2, 18_000, 0.2)
    of_ann = Revision(TrackId(7), PersonId("Ann"), bob, since)
    to_ann = Revision(TrackId(8), PersonId("Bob"), ANN, since)
    one = seen(dataclasses.replace(result(3, t7=bob, t8=ANN), revisions=[of_ann, to_ann]))
    faces = frame_message(one, told_as).faces
    assert [(face.status, face.person, face.name) for face in faces] == [
        (Status.KNOWN, "Bob", "Bob"),
        (Status.IGNORED, None, None),
    ]
    (revision,) = revision_messages(one, told_as)
    assert (revision.was, revision.status, revision.person) == ("Bob", Status.IGNORED, None)


def test_the_schema_for_browsers_is_that_of_the_messages() -> None:
    """``make web`` writes it anew."""
    written = Path(__file__).parents[3] / "dashboards" / "web" / "wire.schema.json"
    assert json.loads(written.read_text()) == json.loads(schema())


def test_whoever_was_deleted_meanwhile_is_unknown() -> None:
    message = frame_message(seen(result(3, t7=ANN)), lambda _: None)
    assert [(face.status, face.person, face.name) for face in message.faces] == [
        (Status.UNKNOWN, None, None)
    ]
