"""All that the routes may use, put together in ``api.program.program``."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from api.gallery.checking import GalleryChecker
from api.gallery.directory import Directory
from api.gallery.enrollment import Enrollment
from api.gallery.index import Index
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
from pipeline.packs.manifest import Manifest
from pipeline.photograph_analysis import PhotographAnalyzer


@dataclass(frozen=True, slots=True, eq=False)
class Services:
    """The running program, as the routes see it."""

    settings: Settings
    pack: Manifest
    threshold: float
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
    index: Index
    checker: GalleryChecker
    enrollment: Enrollment
    destinations: Destinations
    analyzer: PhotographAnalyzer
    engine: Engine
    results: Results
    shards: Shards
    playback: Playback
    health: Health
    registry: CollectorRegistry
