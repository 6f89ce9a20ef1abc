"""Which shard watches which camera, and which camera is parted from others for its crashes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from api.shards.process import Death
from ingest.fleet import CameraSpec
from pipeline.messages import CameraId

_ALONE = 2
"""Deaths of its shard after which a camera is watched by a shard of its own."""


@dataclass(slots=True)
class Watched:
    """A camera, the shard that watches it, and how often it brought one down."""

    spec: CameraSpec
    shard: str
    deaths: int = 0

    @property
    def is_given_up(self) -> bool:
        """Whether it is watched no more, until somebody changes it."""
        return self.deaths > _ALONE


class Placement:
    """Where each camera is watched. Shards that watch one camera alone are named after it."""

    def __init__(self) -> None:
        self._cameras: dict[CameraId, Watched] = {}
        self._ordinary: Sequence[str] = []

    def begin(self, count: int) -> Sequence[str]:
        """The names of so many shards, over which cameras are spread from now on."""
        self._ordinary = [str(number) for number in range(1, count + 1)]
        return self._ordinary

    def __iter__(self) -> Iterator[CameraId]:
        return iter(list(self._cameras))

    def put(self, spec: CameraSpec) -> Watched:
        """A new camera goes to the emptiest shard; a known one stays where it is."""
        known = self._cameras.get(spec.camera)
        if known is None:
            known = self._cameras[spec.camera] = Watched(spec, self._emptiest())
        return known

    def forgive(self, known: Watched, spec: CameraSpec) -> None:
        """A camera was changed: it is one of many again, and brought down nothing."""
        known.spec, known.deaths = spec, 0
        if self.is_alone(known):
            known.shard = self._emptiest()

    def blame(self, shard: str, death: Death) -> Watched | None:
        """The camera that brought its shard down once more, if one did.

        It is the one on whose thread native code broke; where only one was watched, that one. From
        the second time on it is placed into a shard alone.
        """
        guilty = self._guilty(shard, death)
        if guilty is not None:
            guilty.deaths += 1
            if guilty.deaths == _ALONE:
                guilty.shard = f"alone-{guilty.spec.camera}"
        return guilty

    def remove(self, camera: CameraId) -> Watched | None:
        """Forget a camera, if it is known."""
        return self._cameras.pop(camera, None)

    def get(self, camera: CameraId) -> Watched | None:
        """A camera, None if it is not known."""
        return self._cameras.get(camera)

    def of(self, shard: str) -> Sequence[Watched]:
        """The cameras of a shard."""
        return [known for known in self._cameras.values() if known.shard == shard]

    def is_of(self, shard: str, camera: str) -> bool:
        """Whether this shard watches that camera."""
        known = self._cameras.get(CameraId(camera))
        return known is not None and known.shard == shard

    def is_alone(self, known: Watched) -> bool:
        """Whether a camera has a shard of its own."""
        return known.shard not in self._ordinary

    def _guilty(self, shard: str, death: Death) -> Watched | None:
        of_it = self.of(shard)
        if death.culprit is None:
            return of_it[0] if death.native and len(of_it) == 1 else None
        return next((one for one in of_it if one.spec.camera == death.culprit), None)

    def _emptiest(self) -> str:
        return min(self._ordinary, key=lambda shard: len(self.of(shard)))
