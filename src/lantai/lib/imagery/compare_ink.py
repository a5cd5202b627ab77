"""What is written on a sheet, apart from its paper and from the light it was scanned in.

A scan is divided, channel by channel, by the colour of its own paper nearby. What is left are two
maps that brightness, colour cast and yellowing hardly touch:

- *ink*, dark in red light: text, lines, photographs; a red seal over text does not hide the text;
- *red*, bright in red light and dark in green: seals, red pencil, red ruling.

Both run from 0 (paper) to 230.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from lantai.lib.imagery.sheet import (
    DARK_LID,
    LID_TINT,
    LIGHT_LID,
    brightest_and_darkest,
    find_sheet,
)
from lantai.lib.imagery.upright import Pixels

WORKING_DPI: Final = 150  # the finest strokes of a pen (0.2 mm) are still over one pixel wide
A4_TALL_INCHES: Final = 11.69
INK_FULL: Final = 230
# Holes of 4 to 8 mm within 25 mm of an edge, in pixels of 75 dpi; 2 mm of shadow around, of 150.
_SMALLEST_HOLE, _LARGEST_HOLE, _HOLES_WITHIN, _AROUND_HOLE = 10, 25, 75, 12
_PAPER_REACH: Final = 9  # pixels at an eighth of the working size: 12 mm, wider than any stroke


@dataclass(frozen=True)
class Layers:
    """The ink and red maps of one scan at working size.

    ``scale`` is working pixels for one pixel of the master; ``sheet`` is 255 where there surely is
    paper, 2 mm and more inside its edge, else 0.
    """

    ink: Pixels
    red: Pixels
    sheet: Pixels
    scale: float

    @property
    def any_ink(self) -> Pixels:
        """Everything that is not paper, of whatever colour: ink and red together."""
        return cv2.add(self.ink, self.red)


def working_scale(rgb: Pixels, *, dpi: float | None) -> float:
    """Return the factor that brings a scan to 150 dpi; never above 1.

    Without a stated or believable resolution the longer side is taken for that of A4.
    """
    if dpi is None or not 72 <= dpi <= 2400:
        dpi = max(rgb.shape[:2]) / A4_TALL_INCHES
    scale = WORKING_DPI / dpi
    return 1.0 if scale > 0.9 else scale


def layers(rgb: Pixels, *, scale: float) -> Layers:
    """Separate the ink of a scan (H x W x 3) from its paper, at ``scale`` of its size."""
    small = shrunk(rgb, scale)
    tall, wide = small.shape[:2]
    bare = [_over_paper(np.ascontiguousarray(small[..., channel])) for channel in (0, 1)]
    ink = cv2.subtract(INK_FULL, bare[0])
    red = cv2.subtract(bare[0], bare[1])
    sheet = cv2.resize(
        _surely_paper(shrunk(small, 0.25)), (wide, tall), interpolation=cv2.INTER_NEAREST
    )
    sheet = cv2.subtract(sheet, _holes(small, sheet))
    return Layers(
        ink=cv2.bitwise_and(ink, sheet),
        red=cv2.bitwise_and(red, sheet),
        sheet=sheet,
        scale=wide / rgb.shape[1],
    )


def shrunk(picture: Pixels, scale: float) -> Pixels:
    """Return the picture at ``scale`` (at most 1), each pixel the mean of those it covers."""
    if scale >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    while picture.shape[1] >= 2 * size[0] + 2 and picture.shape[0] >= 2 * size[1] + 2:
        picture = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def _over_paper(channel: Pixels) -> Pixels:
    """Divide one channel by the paper around: 230 is bare paper."""
    tall, wide = channel.shape
    small = shrunk(channel, 0.125)
    paper = cv2.morphologyEx(
        small, cv2.MORPH_CLOSE, np.ones((_PAPER_REACH, _PAPER_REACH), np.uint8)
    )
    paper = cv2.medianBlur(paper, _PAPER_REACH)
    return cv2.divide(channel, cv2.resize(paper, (wide, tall)), scale=INK_FULL)


def _holes(small: Pixels, sheet: Pixels) -> Pixels:
    """Return 255 where the lid shows through binding holes: round, of the lid's colour, at a rim.

    A hole is as dark or as white as the lid it was scanned on, and would else be a difference
    between two scanners. Seen at half the working size.
    """
    seen = shrunk(small, 0.5)
    tall, wide = seen.shape[:2]
    brightest, darkest = brightest_and_darkest(seen)
    reach = np.ones((2 * _HOLES_WITHIN + 1, 2 * _HOLES_WITHIN + 1), np.uint8)
    paper = cv2.resize(sheet, (wide, tall), interpolation=cv2.INTER_NEAREST)
    middle_of_sheet = cv2.erode(paper, reach)
    found = np.zeros_like(sheet)
    for lid in (brightest < DARK_LID, (darkest > LIGHT_LID) & (brightest - darkest < LID_TINT)):
        spots = cv2.morphologyEx(lid.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        _, _, boxes, middles = cv2.connectedComponentsWithStats(spots)
        for (_, _, across, down, area), middle in zip(boxes[1:], middles[1:], strict=True):
            is_round = 0.65 < area / (across * down) < 0.92 and 0.8 < across / down < 1.25
            x, y = (round(float(at)) for at in middle)
            if is_round and _SMALLEST_HOLE < across < _LARGEST_HOLE and not middle_of_sheet[y, x]:
                radius = int(max(across, down)) + _AROUND_HOLE
                cv2.circle(found, (2 * x, 2 * y), radius, 255, -1)
    return found


def _surely_paper(small: Pixels) -> Pixels:
    """Return 255 where there surely is paper, 2 mm and more inside its edge; at 37.5 dpi."""
    paper = cv2.copyMakeBorder(find_sheet(small).paper, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return np.asarray(cv2.erode(paper, np.ones((7, 7), np.uint8))[1:-1, 1:-1] * np.uint8(255))
