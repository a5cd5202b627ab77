"""Where the paper lies in a scan, and where it surely ends.

A sheet is found on a dark lid, which is dark and hangs together with the frame, or on a light one,
which is neutral and nearly white. Where the lid looks like the paper nothing is cut away: white
paper is never taken for lid.
"""

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from lantai.lib.imagery.upright import Pixels

DARK_LID: Final = 70
LIGHT_LID: Final = 222
LID_TINT: Final = 7  # paper, even white, differs from the lid by a tint; a lid is neutral
_LEAST_OF_FRAME: Final = 0.4
_WIDEST_TILT: Final = 0.2  # as a slope: 11 degrees
_EDGES_APART: Final = 0.006  # a third of a degree
_SHORTEST_EDGE: Final = 60


@dataclass(frozen=True, eq=False)
class Sheet:
    """A sheet in a small picture of a scan.

    ``paper`` is 1 where there is paper, else 0. ``corners`` (4 x 2, x and y) are those of its
    rectangle when it was seen to be one against the lid, else None. ``angle`` is the tilt of its
    edges in degrees, clockwise positive, None when they were not seen or do not agree.
    """

    paper: Pixels
    corners: NDArray[np.float32] | None
    angle: float | None = None


def find_sheet(small: Pixels) -> Sheet:
    """Find the sheet in a scan (H x W x 3) of about 40 dpi, an eighth of a common one."""
    brightest, darkest = brightest_and_darkest(small)
    framed = cv2.copyMakeBorder(
        (brightest < DARK_LID).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1
    )
    framed = cv2.morphologyEx(framed, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    framed[[0, -1]] = 1
    framed[:, [0, -1]] = 1
    _, parts = cv2.connectedComponents(framed)
    paper = (parts != parts[0, 0]).astype(np.uint8)[1:-1, 1:-1]
    lid = ((brightest > LIGHT_LID) & (brightest - darkest < LID_TINT)).astype(np.uint8)
    rectangle = _rectangle(cv2.subtract(paper, lid))
    if rectangle is None:
        return Sheet(paper=paper, corners=None)
    outline, corners = rectangle
    return Sheet(paper & outline, corners, _tilt(cv2.subtract(paper, lid) & outline))


def brightest_and_darkest(rgb: Pixels) -> tuple[Pixels, Pixels]:
    """Return the largest and the smallest of the three colours of each pixel."""
    red, green, blue = cv2.split(rgb)
    return (
        np.asarray(cv2.max(cv2.max(red, green), blue)),
        np.asarray(cv2.min(cv2.min(red, green), blue)),
    )


def _rectangle(paper: Pixels) -> tuple[Pixels, NDArray[np.float32]] | None:
    """Return the convex outline of the paper and its corners when it fills its rectangle."""
    solid = cv2.morphologyEx(
        cv2.copyMakeBorder(paper, 8, 8, 8, 8, cv2.BORDER_CONSTANT, value=0),
        cv2.MORPH_OPEN,
        np.ones((5, 5), np.uint8),
    )[8:-8, 8:-8]
    outlines, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return None
    hull = cv2.convexHull(max(outlines, key=cv2.contourArea))
    rectangle = cv2.minAreaRect(hull)
    area = rectangle[1][0] * rectangle[1][1]
    if area < _LEAST_OF_FRAME * paper.size or not 0.97 < cv2.contourArea(hull) / area < 1.03:
        return None
    filled = np.zeros_like(paper)
    cv2.fillConvexPoly(filled, hull, 1)
    return filled, cv2.boxPoints(rectangle)


def _tilt(paper: Pixels) -> float | None:
    """Return the tilt on which the edges of the paper agree, each fitted by a straight line.

    Only edges inside the frame count. An edge is hundreds of pixels long, so that its tilt is known
    far better than to one pixel in its length.
    """
    found = [(-slope, length) for slope, length in _edges(paper) if abs(slope) < _WIDEST_TILT] + [
        (slope, length) for slope, length in _edges(paper.T) if abs(slope) < _WIDEST_TILT
    ]
    if len(found) < 2:
        return None
    slopes, lengths = np.array(found).T
    if slopes.max() - slopes.min() > _EDGES_APART:
        return None
    return math.degrees(math.atan(float(np.average(slopes, weights=lengths))))


def _edges(paper: Pixels) -> list[tuple[float, int]]:
    """Return slope and length of the left and the right edge, for those that are seen."""
    rows = np.flatnonzero(paper.any(axis=1))
    rows = rows[len(rows) // 10 : len(rows) - len(rows) // 10]
    if len(rows) < _SHORTEST_EDGE:
        return []
    wide = paper.shape[1]
    left = paper[rows].argmax(axis=1)
    right = wide - 1 - paper[rows, ::-1].argmax(axis=1)
    found = []
    for edge, outside in ((left, left), (right, wide - 1 - right)):
        if np.percentile(outside, 5) < 1:
            continue
        slope, kept = _line(rows.astype(np.float64), edge.astype(np.float64))
        if kept > 0.8 * len(rows):
            found.append((slope, kept))
    return found


def _line(along: NDArray[np.float64], across: NDArray[np.float64]) -> tuple[float, int]:
    """Fit a straight line without what lies more than a pixel off; slope and points kept."""
    kept = np.ones(len(along), bool)
    slope = 0.0
    for _ in range(4):
        slope, start = np.polyfit(along[kept], across[kept], 1)
        off = np.abs(across - slope * along - start)
        kept = off <= max(1.0, float(np.median(off)))
    return float(slope), int(kept.sum())
