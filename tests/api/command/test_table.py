import io

from rich.console import Console

from api.command.table import WatchTable
from api.command.tally import Tally
from pipeline.messages import CameraId, IdentifiedFace, PersonId, Result, Status, Verdict
from tests.fakes import face_at, tracked


def test_the_table_shows_who_stands_where_from_left_to_right() -> None:
    ann = Verdict(Status.KNOWN, PersonId("Ann"), 0.957)
    faces = [
        IdentifiedFace(tracked(2, face_at(500, 20)), Verdict(Status.UNKNOWN, similarity=0.87)),
        IdentifiedFace(tracked(1, face_at(40, 20)), ann),
    ]
    result = Result(CameraId("gate"), 12, 108_000, 1.2, None, 960, 540, faces)
    screen, tally = io.StringIO(), Tally()
    tally.add(result)
    with WatchTable(Console(file=screen, force_terminal=True, width=100), tally) as table:
        table.show(result)
    shown = screen.getvalue()
    assert "gate  frame 12" in shown
    assert 0 < shown.index("Ann") < shown.index("unknown")
    assert "0.957" in shown
    assert "named so far: Ann" in shown
