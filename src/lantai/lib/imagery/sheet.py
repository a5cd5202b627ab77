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


@dataclass(frozen=True, eq=False)
class Sheet:
    """A sheet in a small picture of a scan.

    ``paper`` is 1 where there is paper, else 0. ``corners`` (4 x 2, x and y) are those of its
    rectangle when it was seen to be one against the lid, else None.
    """

    paper: Pixels
    corners: NDArray[np.float32] | None

    @property
    def angle(self) -> float | None:
        """The tilt of the sheet's own edges in degrees, clockwise positive, within 45."""
        if self.corners is None:
            return None
        sides = np.roll(self.corners, -1, axis=0) - self.corners
        across = max(sides, key=lambda side: float(np.hypot(*side)))
        degrees = math.degrees(math.atan2(float(across[1]), float(across[0])))
        return (degrees + 45) % 90 - 45


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
    return Sheet(paper=paper & outline, corners=corners)


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
