"""How far a page lies askew, by its lines of writing and by the sheet's own edges.

The rows (or columns) of a page, summed along the right slant, rise and fall most sharply; the
slant is sought from coarse to fine. Edges, where a whole sheet is seen on its lid, are exact to
hundredths of a degree but may not agree with what was printed on it; so they only refine.
"""

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from lantai.lib.imagery.sheet import Sheet
from lantai.lib.imagery.upright import Pixels

WIDEST: Final = 10.0  # degrees either way
_FEWEST_POINTS: Final = 400
_MOST_POINTS: Final = 50_000
_FEW_POINTS: Final = 6_000
_SURE: Final = 1.8  # by how much the best slant is sharper than the usual; photographs reach 1.5
_EXACT: Final = 10.0  # forms and rules; writing by hand slants by itself and stays below
_EDGES_AGREE: Final = 0.35
_INKED: Final = 50

Points = NDArray[np.float32]


@dataclass(frozen=True)
class Skew:
    """Tilt in degrees, clockwise positive; ``sure`` is False when nothing showed it (then 0)."""

    degrees: float
    sure: bool


def skew(ink: Pixels, *, inside: Pixels, sheet: Sheet) -> Skew:
    """Measure an ink map (0 paper to 255, 75 dpi) where ``inside`` is set."""
    edges = sheet.angle if _seen_whole(sheet) else None
    written = cv2.bitwise_and(cv2.compare(ink, _INKED, cv2.CMP_GT), inside)
    text = _by_text(written)
    if text is None:
        return Skew(0.0, sure=False) if edges is None else Skew(edges, sure=True)
    angle, sharpness = text
    if edges is not None and sharpness < _EXACT and abs(edges - angle) < _EDGES_AGREE:
        angle = edges
    return Skew(angle, sure=True)


def _seen_whole(sheet: Sheet) -> bool:
    """Say whether at least half of the frame shows lid, so that the edges are the sheet's own."""
    paper = sheet.paper
    rims = (paper[0], paper[-1], paper[:, 0], paper[:, -1])
    return sheet.corners is not None and float(np.mean([rim.mean() for rim in rims])) < 0.5


def _by_text(written: Pixels) -> tuple[float, float] | None:
    found = cv2.findNonZero(written)
    if found is None:
        return None
    points = found.reshape(-1, 2)
    if len(points) < _FEWEST_POINTS:
        return None
    chance = np.random.default_rng(0)  # the same page gives the same angle, always
    if len(points) > _MOST_POINTS:
        points = points[chance.integers(0, len(points), _MOST_POINTS)]
    # Points are spread over their pixels, else whole rows would favour a slant of nought.
    spread = points.astype(np.float32) + chance.random(points.shape, np.float32)
    tall, wide = written.shape
    x, y = spread[:, 0] - wide / 2, spread[:, 1] - tall / 2
    few = chance.integers(0, len(points), min(len(points), _FEW_POINTS))
    ways = [
        (*_coarse(along[few], across[few]), along, across) for along, across in ((x, y), (-y, x))
    ]
    angle, sharpness, along, across = max(ways, key=lambda way: way[1])
    if sharpness < _SURE or abs(angle) > WIDEST - 0.3:
        return None
    return _fine(along, across, angle), sharpness


def _coarse(along: Points, across: Points) -> tuple[float, float]:
    """Return the slant of the sharpest profile and how sharp it is against the median one."""
    slants = np.arange(-WIDEST, WIDEST + 0.01, 0.25)
    marks = [_sharpness(along, across, slant, step=2.0) for slant in slants]
    return float(slants[int(np.argmax(marks))]), max(marks) / max(float(np.median(marks)), 1.0)


def _fine(along: Points, across: Points, slant: float) -> float:
    for step in (0.05, 0.0125):
        slants = np.arange(slant - 5 * step, slant + 5.01 * step, step)
        marks = [_sharpness(along, across, each, step=1.0) for each in slants]
        smooth = np.convolve(marks, (0.25, 0.5, 0.25), "valid")
        slant = float(slants[1 + int(np.argmax(smooth))])
    return slant


def _sharpness(along: Points, across: Points, slant: float, *, step: float) -> float:
    rows = (across - along * np.float32(math.tan(math.radians(slant)))) * np.float32(1 / step)
    rows -= rows.min()
    rises = np.diff(np.bincount(rows.astype(np.int32)).astype(np.float64))
    return float(rises @ rises)
