"""Where a face should be by now: a Kalman filter of constant velocity, in plain numbers."""

from pipeline.geometry import Corners

_NOISE = 0.05**2
"""Variance of a detected place, in face sides squared (ByteTrack: a twentieth of the height)."""
_TURNS = 4.0
"""White acceleration: by how much the variance of a speed grows in a second, in sides^2 / s^2."""
_SPEED = 3.0**2
"""Variance of the speed of a face that was seen once, in (sides / s)^2."""


class Motion:
    """One track's place and speed, in pixels and seconds.

    Centre x and y are two filters of place and speed (Bar-Shalom, Li, Kirubarajan: Estimation with
    Applications to Tracking and Navigation, 2001, section 6.2: white noise acceleration). Both have
    the same noise at the same moments, so they share one covariance, and it is kept in sides of the
    face, so that no gain depends on its size. The sides are those seen last.
    """

    __slots__ = ("_height", "_place", "_pp", "_ps", "_speed", "_ss", "_width", "seen_at")

    def __init__(self, corners: Corners, moment: float) -> None:
        self._place = _centre(corners)
        self._speed = 0j
        self._width, self._height = corners[2] - corners[0], corners[3] - corners[1]
        self._pp, self._ps, self._ss = _NOISE, 0.0, _SPEED
        self.seen_at = moment

    def at(self, moment: float) -> Corners:
        """The box that is expected at a moment."""
        place = self._place + self._speed * (moment - self.seen_at)
        across, down = self._width / 2, self._height / 2
        return place.real - across, place.imag - down, place.real + across, place.imag + down

    def see(self, corners: Corners, moment: float) -> None:
        """Take a detected box into account; ``moment`` is not before the last one."""
        passed = moment - self.seen_at
        pp = self._pp + passed * (2 * self._ps + passed * (self._ss + passed * _TURNS / 3))
        ps = self._ps + passed * (self._ss + passed * _TURNS / 2)
        ss = self._ss + passed * _TURNS
        of_place, of_speed = pp / (pp + _NOISE), ps / (pp + _NOISE)
        expected = self._place + self._speed * passed
        off = _centre(corners) - expected
        self._place, self._speed = expected + of_place * off, self._speed + of_speed * off
        self._pp, self._ps, self._ss = (1 - of_place) * pp, (1 - of_place) * ps, ss - of_speed * ps
        self._width, self._height = corners[2] - corners[0], corners[3] - corners[1]
        self.seen_at = moment


def _centre(corners: Corners) -> complex:
    """X + iy, which carries two coordinates through the same arithmetic."""
    return complex((corners[0] + corners[2]) / 2, (corners[1] + corners[3]) / 2)
