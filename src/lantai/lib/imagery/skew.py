"""How far a page lies askew, by its lines of writing and by the sheet's own edges.

The rows (or columns) of a page, summed along the right slant, rise and fall most sharply; the
slant is sought from coarse to fine, at the end with the ink of every point as its weight and in
rows that are no whole number of pixels: else lines almost level would count as level. Edges, where
a whole sheet is seen on its lid, have errors of their own; they steady what is written by hand.
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
_FAINT: Final = 30
_ROW: Final = 1.6  # pixels at 150 dpi

Points = NDArray[np.float32]


@dataclass(frozen=True)
class Skew:
    """Tilt in degrees, clockwise positive; ``sure`` is False when nothing showed it (then 0)."""

    degrees: float
    sure: bool


def skew(ink: Pixels, *, finer: Pixels, inside: Pixels, sheet: Sheet) -> Skew:
    """Measure an ink map (0 paper to 255, 75 dpi; ``finer`` at 150) where ``inside`` is set."""
    edges = sheet.angle if _seen_whole(sheet) else None
    text = _by_text(cv2.bitwise_and(ink, inside), _inside(finer, inside))
    if text is None:
        return Skew(0.0, sure=False) if edges is None else Skew(edges, sure=True)
    angle, sharpness = text
    if edges is not None and sharpness < _EXACT and abs(edges - angle) < _EDGES_AGREE:
        angle = (angle + edges) / 2
    return Skew(angle, sure=True)


def _seen_whole(sheet: Sheet) -> bool:
    """Say whether at least half of the frame shows lid, so that the edges are the sheet's own."""
    paper = sheet.paper
    rims = (paper[0], paper[-1], paper[:, 0], paper[:, -1])
    return sheet.corners is not None and float(np.mean([rim.mean() for rim in rims])) < 0.5


def _by_text(written: Pixels, finer: Pixels) -> tuple[float, float] | None:
    x, y, _ = _points(written, least=_INKED)
    if len(x) < _FEWEST_POINTS:
        return None
    chance = np.random.default_rng(0)
    few = chance.integers(0, len(x), min(len(x), _FEW_POINTS))
    level, upright = _coarse(x[few], y[few]), _coarse(-y[few], x[few])
    angle, sharpness = max(level, upright, key=lambda way: way[1])
    if sharpness < _SURE or abs(angle) > WIDEST - 0.3:
        return None
    x, y, weights = _points(finer, least=_FAINT)
    if upright[1] > level[1]:
        x, y = -y, x
    return _fine(x, y, angle, weights), sharpness


def _inside(finer: Pixels, inside: Pixels) -> Pixels:
    tall, wide = finer.shape
    mask = cv2.resize(inside, (wide, tall), interpolation=cv2.INTER_NEAREST)
    return cv2.bitwise_and(finer, mask)


def _points(ink: Pixels, *, least: int) -> tuple[Points, Points, Points]:
    """Return x, y (from the middle) and ink of the points with more than the least, or of some."""
    found = cv2.findNonZero(cv2.compare(ink, least, cv2.CMP_GT))
    if found is None:
        return (np.empty(0, np.float32),) * 3
    points = found.reshape(-1, 2)
    chance = np.random.default_rng(0)  # the same page gives the same angle, always
    if len(points) > _MOST_POINTS:
        points = points[chance.integers(0, len(points), _MOST_POINTS)]
    # Points are spread over their pixels, else whole rows would favour a slant of nought.
    spread = points.astype(np.float32) + chance.random(points.shape, np.float32)
    tall, wide = ink.shape
    weights = ink[points[:, 1], points[:, 0]].astype(np.float32)
    return spread[:, 0] - wide / 2, spread[:, 1] - tall / 2, weights


def _coarse(along: Points, across: Points) -> tuple[float, float]:
    """Return the slant of the sharpest profile and how sharp it is against the median one."""
    slants = np.arange(-WIDEST, WIDEST + 0.01, 0.25)
    marks = [_sharpness(along, across, slant, step=2.0) for slant in slants]
    return float(slants[int(np.argmax(marks))]), max(marks) / max(float(np.median(marks)), 1.0)


def _fine(along: Points, across: Points, slant: float, weights: Points) -> float:
    for step in (0.05, 0.02):
        slants = np.arange(slant - 5 * step, slant + 5.01 * step, step)
        marks = [_sharpness(along, across, each, step=_ROW, weights=weights) for each in slants]
        smooth = np.convolve(marks, (0.25, 0.5, 0.25), "valid")
        slant = float(slants[1 + int(np.argmax(smooth))])
    return slant


def _sharpness(
    along: Points, across: Points, slant: float, *, step: float, weights: Points | None = None
) -> float:
    rows = (across - along * np.float32(math.tan(math.radians(slant)))) * np.float32(1 / step)
    rows -= rows.min()
    rises = np.diff(np.bincount(rows.astype(np.int32), weights=weights).astype(np.float64))
    return float(rises @ rises)
