"""How sharp a scan is, as the width of its edges.

At the steepest edges of the most written places the rise from paper to ink is divided by the
slope: so many pixels an edge takes. Unlike the variance of a Laplacian it does not depend on how
much is written, in what ink, or on the noise (measured: design of the checks, section 2).
"""

from typing import Final

import cv2
import numpy as np

from lantai.lib.imagery.upright import Pixels

_SIDE: Final = 256
_PLACES: Final = 12
_EDGES: Final = 500
_REACH: Final = 13  # pixels over which an edge rises at most
_RIM: Final = 8
_FAINTEST: Final = 4  # grey levels a pixel; below it there is no edge but noise


def edge_width(rgb: Pixels, *, places: list[tuple[int, int]]) -> float | None:
    """Return the width of edges in pixels of ``rgb``, the wider of both directions.

    ``places`` are the left and top corners of the 256-pixel squares to look at. None when there
    are no edges to judge by.
    """
    squares = [
        square
        for left, top in places
        if (square := rgb[top : top + _SIDE, left : left + _SIDE]).shape == (_SIDE, _SIDE, 3)
    ]
    if not squares:
        return None
    strip = cv2.cvtColor(np.hstack(squares), cv2.COLOR_RGB2GRAY)
    across = cv2.convertScaleAbs(cv2.Sobel(strip, cv2.CV_16S, 1, 0, ksize=3), alpha=0.125)
    down = cv2.convertScaleAbs(cv2.Sobel(strip, cv2.CV_16S, 0, 1, ksize=3), alpha=0.125)
    for seam in range(0, strip.shape[1] + 1, _SIDE):
        across[:, max(0, seam - _RIM) : seam + _RIM] = 0
        down[:, max(0, seam - _RIM) : seam + _RIM] = 0
    down[:_RIM] = 0
    down[-_RIM:] = 0
    widths = (
        _width(strip, across, down, np.ones((1, _REACH), np.uint8)),
        _width(strip, down, across, np.ones((_REACH, 1), np.uint8)),
    )
    seen = [width for width in widths if width is not None]
    return max(seen) if seen else None


def _width(grey: Pixels, slope: Pixels, other: Pixels, reach: Pixels) -> float | None:
    straight = cv2.bitwise_and(slope, cv2.compare(slope, cv2.add(other, other), cv2.CMP_GE))
    steeper = np.bincount(straight.ravel(), minlength=256)[::-1].cumsum()
    least = 255 - int(np.searchsorted(steeper, _EDGES))
    if least < _FAINTEST:
        return None
    rows, columns = np.nonzero(straight >= least)
    rise = cv2.subtract(cv2.dilate(grey, reach), cv2.erode(grey, reach))[rows, columns]
    return float(np.median(rise.astype(np.float32) / straight[rows, columns]))


def written_places(ink: Pixels, *, scale: float, shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Choose the twelve most written squares of a picture of ``shape``.

    ``ink`` is an ink map with nought where nothing is to be judged; ``scale`` its pixels for one
    of the picture.
    """
    tall, wide = shape[0] // _SIDE, shape[1] // _SIDE
    if not (tall and wide):
        return [(0, 0)]
    covered = (round(tall * _SIDE * scale), round(wide * _SIDE * scale))
    inked = (ink[: covered[0], : covered[1]] > 65).astype(np.float32)
    share = cv2.resize(inked, (wide, tall), interpolation=cv2.INTER_AREA)
    order = np.argsort(-share.ravel(), kind="stable")[:_PLACES]
    return [(int(k % wide) * _SIDE, int(k // wide) * _SIDE) for k in order if share.ravel()[k] > 0]
