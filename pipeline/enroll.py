"""Photograph -> one good face -> template."""

from pipeline.describe import Describer
from pipeline.errors import BadInput
from pipeline.geometry import eye_distance
from pipeline.inference import Lanes
from pipeline.messages import Image, Vector
from pipeline.quality import Flaw
from pipeline.stages import Detector


class Enroller:
    """Makes templates from photographs of one person each.

    ``least_eye_distance`` is in pixels; smaller faces in the background don't count.
    """

    def __init__(
        self, lanes: Lanes, detector: Detector, describer: Describer, least_eye_distance: float
    ) -> None:
        self._lanes = lanes
        self._detector = detector
        self._describer = describer
        self._least_eye_distance = least_eye_distance

    async def template(self, photograph: Image) -> Vector:
        """The vector of the one face in ``photograph``.

        Raises:
            BadInput: there is no face, several, or none that is good enough.
        """
        return await self._lanes.run(self._template, photograph)

    def _template(self, photograph: Image) -> Vector:
        faces = self._detector.detect(photograph)
        if not faces:
            raise BadInput("no face was found in it; allowed: one face, well lit, from the front")
        clear = [face for face in faces if eye_distance(face.points) >= self._least_eye_distance]
        if len(clear) > 1:
            raise BadInput(f"{len(clear)} faces are in it; allowed: one")
        outcome = self._describer.describe(photograph, (clear or faces)[0])
        if isinstance(outcome, Flaw):
            raise BadInput(
                f"its face cannot be used: {outcome}; allowed: at least "
                f"{self._least_eye_distance:g} pixels between the eyes"
            )
        return outcome
