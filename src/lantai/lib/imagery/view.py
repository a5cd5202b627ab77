"""A scan brought to one size and light for measuring: how it looks, apart from how it was scanned.

Measuring needs no more than 150 dots an inch, and the same limits fit every scan only when a
millimetre is always as many pixels. All pictures here are upright as shown (Exif applied); a place
is carried back to stored pixels by ``stored``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import cv2
import numpy as np

from lantai.lib.imagery.compare_ink import shrunk
from lantai.lib.imagery.decode import Picture
from lantai.lib.imagery.sheet import Sheet, find_sheet
from lantai.lib.imagery.tiles import half
from lantai.lib.imagery.upright import Pixels, Region, stored_region, turn_upright

FINE_DPI: Final = 150
_A4_TALL_INCHES: Final = 11.69
_BELIEVABLE_INCHES: Final = (2.0, 24.0)
_PAPER_REACH: Final = 9
_EDGE: Final = 7  # sheet pixels, 2 mm to each side, that are no longer surely paper


@dataclass(frozen=True, eq=False)
class View:
    """One scan as the checks see it.

    ``fine`` is grey at about 150 dpi and ``ink`` what is written there, 0 paper to 255 black,
    whatever the light; ``sheet`` the paper at 37.5 dpi; ``scale`` fine pixels for a stored one.
    ``dpi`` is the resolution believed: the stated one, or that of a sheet of A4.
    """

    fine: Pixels
    ink: Pixels
    colours: Pixels
    sheet: Sheet
    scale: float
    dpi: float
    stated: bool
    picture: Picture

    @property
    def mm(self) -> float:
        """Coarse pixels in a millimetre of paper: 3 but for scans of less than 150 dpi."""
        return self.dpi * self.scale / 2 / 25.4

    @cached_property
    def coarse_ink(self) -> Pixels:
        """What is written at 75 dpi."""
        return half(self.ink)

    @cached_property
    def coarse(self) -> Pixels:
        return half(self.fine)

    @cached_property
    def inside(self) -> Pixels:
        """255 at 75 dpi where there surely is paper, 2 mm and more inside its edge, else 0."""
        framed = cv2.copyMakeBorder(self.sheet.paper, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        sure = cv2.erode(framed, np.ones((_EDGE, _EDGE), np.uint8))[1:-1, 1:-1]
        return self._at_coarse(sure)

    @cached_property
    def whole_paper(self) -> Pixels:
        """255 at 75 dpi where there is paper, up to its edge, else 0."""
        return self._at_coarse(self.sheet.paper)

    def _at_coarse(self, mask: Pixels) -> Pixels:
        tall, wide = self.coarse_ink.shape
        grown = cv2.resize(mask, (wide, tall), interpolation=cv2.INTER_NEAREST)
        return np.asarray(grown * np.uint8(255))

    def stored(self, region: Region) -> Region:
        """Return where a region of the coarse pictures lies in the stored pixels."""
        picture = self.picture
        wide, tall = picture.width, picture.height
        if picture.exif_orientation >= 5:
            wide, tall = tall, wide
        factor = 2 / self.scale
        left, top = (
            min(int(at * factor), size - 1)
            for at, size in zip(region[:2], (wide, tall), strict=True)
        )
        right = min(wide, max(left + 1, round((region[0] + region[2]) * factor)))
        bottom = min(tall, max(top + 1, round((region[1] + region[3]) * factor)))
        return stored_region(
            (left, top, right - left, bottom - top),
            orientation=picture.exif_orientation,
            width=picture.width,
            height=picture.height,
        )


def believed_dpi(picture: Picture) -> tuple[float, bool]:
    """Return the resolution and whether the file states it.

    A density is not believed when the sheet would be smaller than a visiting card or larger than
    A2: cameras and drawing programs write 72 or 96 whatever they hold. Then the longer side is
    taken for that of A4.
    """
    longer = max(picture.width, picture.height)
    if picture.dpi is not None:
        dpi = min(picture.dpi)
        low, high = _BELIEVABLE_INCHES
        if low <= longer / dpi <= high:
            return dpi, True
    return longer / _A4_TALL_INCHES, False


def look(picture: Picture, *, levels: Sequence[Pixels]) -> View:
    """Prepare a decoded picture; ``levels`` is its pyramid of halves, the picture itself first."""
    dpi, stated = believed_dpi(picture)
    wanted = min(1.0, FINE_DPI / dpi)
    level = 0
    while level + 1 < len(levels) and wanted * 2 ** (level + 1) <= 1.05:
        level += 1
    rest = wanted * 2**level
    stored = levels[level] if rest > 0.9 else shrunk(levels[level], rest)
    colours = np.ascontiguousarray(turn_upright(stored, orientation=picture.exif_orientation))
    fine = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)
    small = half(half(colours))
    return View(
        fine=fine,
        ink=_ink(fine),
        colours=small,
        sheet=find_sheet(small),
        scale=stored.shape[1] / picture.width,
        dpi=dpi,
        stated=stated,
        picture=picture,
    )


def _ink(grey: Pixels) -> Pixels:
    """Return how much darker each pixel is than the paper around, 0 to 255."""
    small = shrunk(grey, 0.125)
    reach = np.ones((_PAPER_REACH, _PAPER_REACH), np.uint8)
    paper = cv2.medianBlur(cv2.morphologyEx(small, cv2.MORPH_CLOSE, reach), _PAPER_REACH)
    tall, wide = grey.shape
    paper = cv2.resize(paper, (wide, tall), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.subtract(255, cv2.divide(grey, paper, scale=255)))
