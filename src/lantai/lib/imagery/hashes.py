"""A short fingerprint of what is on a sheet: the same for every scan of it, or nearly.

256 comparisons of neighbouring cells of the straightened, upright ink map. Two fingerprints of one
sheet differ in few places, those of different sheets in many; the same form filled in for two
people lies between, so a fingerprint only proposes.
"""

from typing import Final

import cv2
import numpy as np

from lantai.lib.imagery.upright import Pixels
from lantai.lib.imagery.view import View

CELLS: Final = 16
_MARGIN: Final = 4


def fingerprint(view: View, *, skew_degrees: float, turned: int) -> str:
    """Return 64 hexadecimal digits for the page, straightened and turned the right way up."""
    ink = cv2.bitwise_and(view.coarse_ink, view.inside)
    paper = view.whole_paper
    tall, wide = ink.shape
    turn = cv2.getRotationMatrix2D((wide / 2, tall / 2), skew_degrees, 1.0)
    straight = cv2.warpAffine(ink, turn, (wide, tall), flags=cv2.INTER_LINEAR)
    paper = cv2.warpAffine(paper, turn, (wide, tall), flags=cv2.INTER_NEAREST)
    rows, columns = np.flatnonzero(paper.any(axis=1)), np.flatnonzero(paper.any(axis=0))
    if len(rows) > CELLS * _MARGIN and len(columns) > CELLS * _MARGIN:
        straight = straight[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    upright = np.ascontiguousarray(np.rot90(straight, -(turned // 90)))
    return differences(upright)


def differences(ink: Pixels) -> str:
    """Return the fingerprint of an ink map (0 paper) that is straight and upright already."""
    smooth = cv2.GaussianBlur(ink, (0, 0), 3.0)
    cells = cv2.resize(smooth.astype(np.float32), (CELLS + 1, CELLS), interpolation=cv2.INTER_AREA)
    return np.packbits(cells[:, 1:] > cells[:, :-1]).tobytes().hex()


def distance(one: str, other: str) -> int:
    """Count the places in which two fingerprints differ, 0 to 256."""
    return (int(one, 16) ^ int(other, 16)).bit_count()
