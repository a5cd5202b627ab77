"""How one scan lies upon another: the turn, size and shift that carry it there.

All at 75 dpi, from corners of the ink (ORB: Rublee et al., "ORB: an efficient alternative to SIFT
or SURF", ICCV 2011) and a similarity by RANSAC, so that a page matched is a page placed, whatever
the resolution and whichever way round it lay on the scanner.
"""

import math
from dataclasses import dataclass, field
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from lantai.lib.imagery.compare_ink import layers, shrunk, working_scale
from lantai.lib.imagery.upright import Pixels

FEWEST_AGREEING: Final = 8  # two unrelated pages seldom agree on more than five corners
_CORNERS: Final = 1200
_MAYBE_TURNED: Final = 8.0  # degrees off a quarter turn that a sheet can lie askew
_SMALLEST: Final = 0.9  # the same sheet is the same size, whatever scanner
_ALIKE, _UNIQUE = 64, 0.85
_WRITTEN: Final = 60
_NEAR: Final = 3
_BARE: Final = 40


@dataclass(frozen=True, eq=False)
class PageImage:
    """A page as the matching knows it: small, and without its pixels.

    ``ink`` is everything written at 75 dpi (0 paper to 230), ``scale`` its pixels for one pixel of
    the master, ``width`` and ``height`` the master's size in pixels.
    """

    name: str
    width: int
    height: int
    scale: float
    ink: Pixels = field(repr=False)
    sheet: Pixels = field(repr=False)
    points: NDArray[np.float32] = field(repr=False)
    features: Pixels = field(repr=False)

    @classmethod
    def of(cls, rgb: Pixels, *, name: str = "", dpi: float | None = None) -> Self:
        """Prepare a decoded scan (H x W x 3, 8 bit)."""
        whole = layers(rgb, scale=working_scale(rgb, dpi=dpi))
        ink = shrunk(cv2.GaussianBlur(whole.any_ink, (0, 0), 1.0), 0.5)
        orb = cv2.ORB.create(_CORNERS, 1.2, 4, edgeThreshold=15, patchSize=31, fastThreshold=8)
        corners, features = orb.detectAndCompute(ink, None)
        return cls(
            name=name,
            width=rgb.shape[1],
            height=rgb.shape[0],
            scale=ink.shape[1] / rgb.shape[1],
            ink=ink,
            sheet=shrunk(whole.sheet, 0.5),
            points=np.array([corner.pt for corner in corners], np.float32).reshape(-1, 2),
            features=np.empty((0, 32), np.uint8) if features is None else features,
        )


@dataclass(frozen=True, eq=False)
class Placing:
    """Where B lies on A: ``frame`` (2 x 3) takes B's master pixels to A's.

    ``quarter`` is the quarter turns, clockwise, by which B lies turned against A (0 to 3);
    ``agreeing`` the corners found to agree, 0 when only the sheets were laid edge on edge.
    """

    frame: NDArray[np.float64]
    quarter: int
    agreeing: int

    def small(self, a: PageImage, b: PageImage) -> NDArray[np.float64]:
        """Return the frame from B's 75-dpi pixels to A's."""
        return at_scale(self.frame, a.scale, b.scale)


def place(a: PageImage, b: PageImage) -> Placing | None:
    """Find how B lies upon A, or None when too few of their corners agree."""
    if min(len(a.features), len(b.features)) < FEWEST_AGREEING:
        return None
    nearest = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(b.features, a.features, k=2)
    good = [
        pair[0]
        for pair in nearest
        if len(pair) == 2
        and pair[0].distance < _ALIKE
        and pair[0].distance < _UNIQUE * pair[1].distance
    ]
    if len(good) < FEWEST_AGREEING:
        return None
    frame, agree = cv2.estimateAffinePartial2D(
        b.points[[pair.queryIdx for pair in good]],
        a.points[[pair.trainIdx for pair in good]],
        method=cv2.RANSAC,
        ransacReprojThreshold=2.5,
        maxIters=3000,
        confidence=0.999,
    )
    if frame is None or int(agree.sum()) < FEWEST_AGREEING:
        return None
    turn = math.degrees(math.atan2(frame[1, 0], frame[0, 0]))
    size = math.hypot(frame[0, 0], frame[1, 0])
    quarter = round(turn / 90)
    if abs(turn - 90 * quarter) > _MAYBE_TURNED or not _SMALLEST < size < 1 / _SMALLEST:
        return None
    # The frame turns B's content back by as much as B lies turned.
    return Placing(at_scale(frame, 1 / a.scale, 1 / b.scale), -quarter % 4, int(agree.sum()))


def lay_edge_on_edge(a: PageImage, b: PageImage) -> Placing | None:
    """Lay B's sheet on A's by their outlines, for pages with too little on them to match by."""
    boxes = [_outline(page.sheet) for page in (a, b)]
    if boxes[0] is None or boxes[1] is None:
        return None
    (left, top, wide, tall), (b_left, b_top, b_wide, b_tall) = boxes[0], boxes[1]
    size = math.sqrt(wide * tall / (b_wide * b_tall))
    if not _SMALLEST < size < 1 / _SMALLEST or not 0.94 < (wide / tall) / (b_wide / b_tall) < 1.06:
        return None
    shift_x = left + wide / 2 - size * (b_left + b_wide / 2)
    shift_y = top + tall / 2 - size * (b_top + b_tall / 2)
    frame = np.array([[size, 0, shift_x], [0, size, shift_y]])
    return Placing(at_scale(frame, 1 / a.scale, 1 / b.scale), 0, 0)


def agreement(a: PageImage, b: PageImage, placing: Placing) -> float:
    """Return how much of the one page's ink the other explains, 0 to 1: the better direction.

    A sheet that was written on explains all that was on it before, and what was erased was
    explained; the same form filled in for somebody else is explained neither way (measured: the
    same sheet, altered, 0.993 and more; another's form 0.96 and less). Ink is explained by ink
    within a third of a millimetre; 1 when both are bare.
    """
    tall, wide = a.ink.shape
    frame = placing.small(a, b)
    laid = cv2.warpAffine(b.ink, frame, (wide, tall), flags=cv2.INTER_LINEAR)
    both = cv2.bitwise_and(
        a.sheet, cv2.warpAffine(b.sheet, frame, (wide, tall), flags=cv2.INTER_NEAREST)
    )
    pages = [cv2.bitwise_and(page, both) for page in (a.ink, laid)]
    # Half as dark will do for explaining: one scanner shows a faint line, another hardly.
    ours, theirs = (page > _WRITTEN for page in pages)
    near_ours, near_theirs = (
        cv2.dilate((page > _WRITTEN // 2).astype(np.uint8), np.ones((_NEAR, _NEAR), np.uint8)) > 0
        for page in pages
    )
    shares = [
        np.count_nonzero(ink & near) / np.count_nonzero(ink)
        for ink, near in ((ours, near_theirs), (theirs, near_ours))
        if np.count_nonzero(ink) >= _BARE
    ]
    return float(max(shares, default=1.0))


def written(page: PageImage) -> int:
    """Count the written pixels of a page at 75 dpi; a bare page has next to none."""
    return int(np.count_nonzero((page.ink > _WRITTEN) & (page.sheet > 0)))


def at_scale(frame: NDArray[np.float64], a_scale: float, b_scale: float) -> NDArray[np.float64]:
    """Return the same frame between pictures ``a_scale`` and ``b_scale`` as large.

    Pixels are squares: the middle of the first is at nought, its edge at minus a half.
    """
    turn = frame[:, :2]
    shift = a_scale * (turn @ np.full(2, 0.5 / b_scale - 0.5) + frame[:, 2] + 0.5) - 0.5
    return np.hstack([turn * (a_scale / b_scale), shift[:, None]])


def _outline(sheet: Pixels) -> tuple[int, int, int, int] | None:
    rows, columns = np.flatnonzero(sheet.any(axis=1)), np.flatnonzero(sheet.any(axis=0))
    if not len(rows) or not len(columns):
        return None
    left, top = int(columns[0]), int(rows[0])
    return left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1
