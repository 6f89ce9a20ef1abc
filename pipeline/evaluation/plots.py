"""ROC and DET as pictures; wants matplotlib, which is an extra."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.evaluation.verification import Comparisons, Curve, curve, operating_point

_POINTS = 2000
"""Of a curve that is drawn: more are not seen."""


def draw(scores: Comparisons, threshold: float, folder: Path, title: str) -> list[Path]:
    """Write ``roc.png`` and ``det.png`` into a folder, which is made.

    Raises:
        ValueError: there are no mated, or no non-mated comparisons.
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    line, point = _thinned(curve(scores)), operating_point(scores, threshold)
    here = (point.fmr.rate or 0.0, point.fnmr.rate or 0.0)
    counts = f"{len(scores.mated)} mated, {len(scores.non_mated)} non-mated comparisons"
    roc, det = Figure(layout="constrained"), Figure(layout="constrained")
    _roc(roc.add_subplot(), line, here)
    _det(det.add_subplot(), line, here, (0.5 / len(scores.non_mated), 0.5 / len(scores.mated)))
    paths = [folder / "roc.png", folder / "det.png"]
    for figure, path in zip((roc, det), paths, strict=True):
        figure.suptitle(f"{title}: {counts}", fontsize="medium")
        figure.savefig(path, dpi=120, metadata={"Software": None})
    return paths


def _roc(axes: Axes, line: Curve, here: tuple[float, float]) -> None:
    """True match rate over false match rate."""
    axes.step(line.fmr, 1 - line.fnmr, where="post")
    axes.plot(here[0], 1 - here[1], "o", label="threshold in force")
    axes.set(xlabel="false match rate (FMR)", ylabel="1 - FNMR", xlim=(-0.02, 1), ylim=(0, 1.02))
    axes.grid(visible=True)
    axes.legend(loc="lower right")


def _det(axes: Axes, line: Curve, here: tuple[float, float], edges: tuple[float, float]) -> None:
    """FNMR over FMR (detection error trade-off), both logarithmic.

    A logarithmic axis has no zero: it lies at ``edges``, half of what one comparison counts.
    """
    left, low = edges
    axes.step(np.maximum(line.fmr, left), np.maximum(line.fnmr, low), where="post")
    axes.plot(max(here[0], left), max(here[1], low), "o", label="threshold in force")
    axes.set(xscale="log", yscale="log", ylabel="FNMR (none: at the lower edge)")
    axes.set(xlabel="FMR (none: at the left edge)")
    axes.grid(visible=True, which="both", alpha=0.4)
    axes.legend(loc="upper right")


def _thinned(line: Curve) -> Curve:
    """Some points of a curve in order of FMR, both ends among them."""
    at = np.unique(np.linspace(0, len(line.fmr) - 1, _POINTS).astype(int))[::-1]
    return Curve(line.thresholds[at], line.fmr[at], line.fnmr[at])
