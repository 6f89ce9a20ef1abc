"""From what a person types to a source of frames."""

from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from api.settings.sections import RtspSettings
from ingest.address import CameraUrl
from ingest.opening import Limits
from ingest.replay import Replay
from ingest.rtsp import RtspCamera
from ingest.source import State, StateChange
from ingest.supervisor import Backoff, supervised
from pipeline.errors import BadInput
from pipeline.messages import CameraId, Capture


def open_source(
    text: str, settings: RtspSettings, tell: Callable[[str], None], *, realtime: bool
) -> AsyncGenerator[Capture, None]:
    """The frames of a file, or of a camera that is connected again whenever it is lost.

    Raises:
        BadInput: it is neither a file nor a camera's address.
    """
    if "://" in text:
        return _camera(CameraUrl.parse(text), settings, tell)
    path = Path(text)
    if not path.is_file():
        raise BadInput(f"{text}: no such file; allowed: a video file, or rtsp://... of a camera")
    return Replay(path, CameraId(path.stem), realtime=realtime).frames()


def _camera(
    url: CameraUrl, settings: RtspSettings, tell: Callable[[str], None]
) -> AsyncGenerator[Capture, None]:
    """A camera under a name that says where it is, and no secret."""
    camera = CameraId(str(url).partition("://")[2].rpartition("@")[2])
    limits = Limits(connect=settings.connect_timeout, silence=settings.read_timeout)
    backoff = Backoff(first=settings.least_backoff, most=settings.most_backoff)

    def changed(change: StateChange) -> None:
        if change.state is State.WAITING:
            tell(f"{change.reason}; again in {change.retry_in:.1f} s")
        elif change.state is State.OVERLOADED:
            tell(f"{url}: {change.reason}")
        elif change.state is State.LIVE:
            tell(f"{url}: connected")

    return supervised(RtspCamera(url, camera, limits), backoff=backoff, on_state=changed)
