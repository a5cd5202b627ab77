"""Where the title of a form stands: the largest line in the middle of the head of the sheet.

Nothing is read here. Marks of the size of letters are joined to lines; the rules of a table, seals
and photographs are too large, and what is written by hand stands in the table, lower and smaller.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from lantai.lib.imagery.upright import Pixels, Region
from lantai.lib.imagery.view import View

_INKED: Final = 60
_HEAD: Final = 0.45  # of the sheet's height
_LARGEST_MM: Final = 18.0
_SMALLEST_MM: Final = 1.0
_LETTER_MM: Final = (3.6, 18.0)  # height of the letters of a title
_SPREAD: Final = 1.6  # letters of a title may stand this far apart, in their height
_NARROWEST_MM: Final = 14.0
_OFF_MIDDLE: Final = 0.13  # of the sheet's width
_RULE: Final = 0.45  # of the sheet's width: a line so long is the head of a table
_FIRST_RULE: Final = 0.06  # of the sheet's height: nothing is ruled above
_BAND: Final = 7
_FALL: Final = 25  # rows a rule may fall over that length: five degrees
_ALIKE: Final = 0.8
_MARGIN: Final = 0.22  # kept around a line, of its height
_MOST_SLANT: Final = 0.12


@dataclass(frozen=True)
class Place:
    """A line in ``view.fine``: its box, the height of its letters, its slope (right end lower)."""

    box: Region
    letter: float
    slope: float


def headings(view: View) -> tuple[Place, ...]:
    """Return where titles may stand, the likeliest first; () on a sheet without any."""
    left, top, wide, tall = _sheet(view)
    if not wide or not tall:
        return ()
    head = view.coarse_ink[top : top + round(tall * _HEAD), left : left + wide]
    sure = view.inside[top : top + round(tall * _HEAD), left : left + wide]
    ink = cv2.bitwise_and(cv2.compare(head, _INKED, cv2.CMP_GT), sure)
    ink = ink[: _first_rule(ink, tall)]
    found = [
        place
        for place in _lines(_letters(ink, view.mm), view.mm)
        if abs(place.box[0] + place.box[2] / 2 - wide / 2) < _OFF_MIDDLE * wide
        and place.box[2] >= _NARROWEST_MM * view.mm
    ]
    if not found:
        return ()
    largest = max(place.letter for place in found)
    found.sort(key=lambda place: (place.letter < _ALIKE * largest, place.box[1]))
    return tuple(
        Place(
            (2 * (box[0] + left), 2 * (box[1] + top), 2 * box[2], 2 * box[3]),
            2 * place.letter,
            place.slope,
        )
        for place in found
        for box in (place.box,)
    )


def straight(grey: Pixels, place: Place) -> Pixels:
    """Cut a line out of ``view.fine``, made level, with a margin around."""
    x, y, wide, tall = place.box
    margin = _MARGIN * place.letter
    high = max(place.letter, tall - abs(place.slope) * wide)
    middle = (x + wide / 2, y + tall / 2)
    size = (round(wide + 3 * margin), round(high + 2 * margin))
    # Rows follow the slope; letters stay upright, which at so small an angle is all the same.
    turned = np.array(
        [
            [1, 0, middle[0] - size[0] / 2],
            [place.slope, 1, middle[1] - size[1] / 2 - place.slope * size[0] / 2],
        ]
    )
    return np.asarray(
        cv2.warpAffine(
            grey,
            turned,
            size,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )


def _sheet(view: View) -> Region:
    """The upright box of the paper at 75 dpi."""
    found = cv2.findNonZero(view.inside)
    if found is None:
        return 0, 0, 0, 0
    x, y, wide, tall = cv2.boundingRect(found)
    return int(x), int(y), int(wide), int(tall)


def _first_rule(ink: Pixels, tall: int) -> int:
    """The row above which the head of the sheet ends: that of the first long rule."""
    wide = ink.shape[1]
    piece = max(3, round(wide * _RULE) // 4)
    # A rule that is not level has no long run in one row, but pieces of it have one in a band.
    thick = cv2.dilate(ink, np.ones((_BAND, 1), np.uint8))
    rules = cv2.erode(thick, np.ones((1, piece), np.uint8))
    rules = cv2.dilate(rules, np.ones((_FALL, piece), np.uint8))
    rows = np.flatnonzero((rules > 0).sum(axis=1) > _RULE * wide)
    rows = rows[rows > _FIRST_RULE * tall]
    return int(rows[0]) + _FALL // 2 if len(rows) else ink.shape[0]


def _letters(ink: Pixels, mm: float) -> NDArray[np.int32]:
    """The boxes of marks that may be letters or parts of them: x, y, width, height."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink)
    boxes = stats[1:, :4]
    largest = boxes[:, 2:].max(axis=1)
    flat = boxes[:, 3] * 8 < boxes[:, 2]  # a piece of a rule, or the stroke of 一
    kept = (
        (largest <= _LARGEST_MM * mm)
        & (largest >= _SMALLEST_MM * mm)
        & ~(flat & (largest > _LARGEST_MM * mm / 2))
    )
    return np.asarray(boxes[kept], np.int32)


def _lines(letters: NDArray[np.int32], mm: float) -> Iterator[Place]:
    """Join the marks that stand beside one another at one height."""
    if not len(letters):
        return
    tall = letters[:, 3].astype(np.float64)
    order = np.argsort(-tall)
    free = np.ones(len(letters), bool)
    for first in order:
        if not free[first] or not _LETTER_MM[0] * mm <= tall[first] <= _LETTER_MM[1] * mm:
            continue
        line = _grown(letters, free, first)
        free[line] = False
        boxes = letters[line]
        left, top = boxes[:, 0].min(), boxes[:, 1].min()
        right, bottom = (boxes[:, 0] + boxes[:, 2]).max(), (boxes[:, 1] + boxes[:, 3]).max()
        yield Place(
            (int(left), int(top), int(right - left), int(bottom - top)),
            float(np.quantile(boxes[:, 3][boxes[:, 3] > 0.5 * tall[first]], 0.5)),
            _slope(boxes, tall[first]),
        )


def _grown(letters: NDArray[np.int32], free: NDArray[np.bool_], first: int) -> list[int]:
    """Grow a line from its tallest mark to both sides, following its slope."""
    reach = _SPREAD * letters[first, 3]
    line = [int(first)]
    middles = letters[:, 1] + letters[:, 3] / 2
    for side in (-1, 1):
        edge = float(letters[first, 0] + (letters[first, 2] if side > 0 else 0))
        level = float(middles[first])
        while True:
            near = letters[:, 0] if side > 0 else letters[:, 0] + letters[:, 2]
            ahead = side * (near - edge)
            fits = (
                free
                & (ahead > -0.5 * letters[first, 3])
                & (ahead < reach)
                & (np.abs(middles - level) < 0.5 * letters[first, 3])
                & (letters[:, 3] < 1.3 * letters[first, 3])
            )
            fits[line] = False
            more = np.flatnonzero(fits)
            if not len(more):
                break
            line.extend(int(each) for each in more)
            ends = letters[more, 0] + (letters[more, 2] if side > 0 else 0)
            edge = float(max(side * edge, (side * ends).max()) * side)
            whole = more[letters[more, 3] > 0.6 * letters[first, 3]]
            if len(whole):
                level = float(middles[whole].mean())
    return line


def _slope(boxes: NDArray[np.int32], tallest: float) -> float:
    """How far the line falls to the right, by the letters that are whole."""
    whole = boxes[boxes[:, 3] > 0.7 * tallest]
    across = whole[:, 0] + whole[:, 2] / 2
    if len(whole) < 3 or np.ptp(across) < 3 * tallest:
        return 0.0
    slope = float(np.polyfit(across, whole[:, 1] + whole[:, 3] / 2, 1)[0])
    return slope if math.isfinite(slope) and abs(slope) < _MOST_SLANT else 0.0
