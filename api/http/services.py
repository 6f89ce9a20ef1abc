"""All that the routes may use, put together in ``api.program.program``."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from api.gallery.directory import Directory
from api.gallery.enrollment import Enrollment
from api.gallery.recognition import CurrentRecognition, Recognition
from api.gallery.reembedding import Reembedder
from api.http.admission import Admission
from api.http.auth.passwords import Passwords
from api.http.auth.tickets import Tickets
from api.http.auth.tokens import Tokens
from api.http.health import Health
from api.live.engine import Engine, Playback, Results, Shards
from api.settings.settings import Settings
from api.store.cameras import Cameras
from api.store.changes import Changes
from api.store.faces import Faces
from api.store.people import People
from api.store.users import Users
from ingest.destination import Destinations


@dataclass(frozen=True, slots=True, eq=False)
class Services:
    """The running program, as the routes see it."""

    settings: Settings
    current: CurrentRecognition
    users: Users
    people: People
    faces: Faces
    cameras: Cameras
    changes: Changes
    passwords: Passwords
    tokens: Tokens
    tickets: Tickets
    admission: Admission
    directory: Directory
    reembedder: Reembedder
    enrollment: Enrollment
    destinations: Destinations
    engine: Engine
    results: Results
    shards: Shards
    playback: Playback
    health: Health
    registry: CollectorRegistry

    @property
    def recognition(self) -> Recognition:
        """The pack in use; a request that asks for it once has the same one to its end."""
        return self.current.now
