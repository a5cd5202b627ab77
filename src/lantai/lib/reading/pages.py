"""Everything a page says, line by line, with places and confidence."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from lantai.lib.imagery.upright import Pixels, Region
from lantai.lib.imagery.view import View
from lantai.lib.reading.engine import Engine, Letter, Line
from lantai.lib.reading.fold import fold

_ON_LINE: Final = 0.5
_TALL: Final = 1.6  # a box so much taller than wide holds a column, written downwards


@dataclass(frozen=True)
class PageLine:
    """One line of a page. ``box`` is in ``view.fine``, ``region`` in stored pixels.

    ``text`` is folded to simplified characters, one for one with ``letters``, whose places are
    pixels of ``view.fine``; ``written`` is as read.
    """

    text: str
    written: str
    box: Region
    region: Region
    confidence: float
    letters: tuple[Letter, ...]


def text(view: View, *, engine: Engine, scale: float = 1.0) -> tuple[PageLine, ...]:
    """Read a whole page, from the top; ``scale`` below 1 seeks lines in a smaller picture.

    It takes seconds: for work in the background. Columns written downwards are read turned, which
    finds their place but seldom their words.
    """
    found = engine.find(_resized(view.fine, scale))
    lines = []
    for small in found:
        box = _within(view.fine, small, scale)
        line = _read(view.fine, box, engine)
        if line.letters:
            lines.append(_placed(view, box, line))
    return tuple(lines)


def rows(lines: tuple[PageLine, ...]) -> tuple[tuple[PageLine, ...], ...]:
    """Group lines that stand beside one another into rows, each from the left, from the top."""
    out: list[list[PageLine]] = []
    for line in sorted(lines, key=lambda line: line.box[1] + line.box[3] / 2):
        middle = line.box[1] + line.box[3] / 2
        for row in reversed(out[-3:]):
            last = row[-1].box
            room = min(last[3], line.box[3])
            if abs(last[1] + last[3] / 2 - middle) < _ON_LINE * room:
                row.append(line)
                break
        else:
            out.append([line])
    return tuple(tuple(sorted(row, key=lambda line: line.box[0])) for row in out)


def stored(view: View, box: Region) -> Region:
    """Return where a box of ``view.fine`` lies in the stored pixels."""
    left, top = box[0] // 2, box[1] // 2
    right, bottom = -(-(box[0] + box[2]) // 2), -(-(box[1] + box[3]) // 2)
    return view.stored((left, top, max(1, right - left), max(1, bottom - top)))


def _resized(grey: Pixels, scale: float) -> Pixels:
    if scale == 1:
        return grey
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def _within(grey: Pixels, small: Region, scale: float) -> Region:
    tall, wide = grey.shape
    left, top = max(0, int(small[0] / scale)), max(0, int(small[1] / scale))
    right = min(wide, round((small[0] + small[2]) / scale))
    bottom = min(tall, round((small[1] + small[3]) / scale))
    return left, top, max(1, right - left), max(1, bottom - top)


def _read(grey: Pixels, box: Region, engine: Engine) -> Line:
    x, y, wide, tall = box
    crop = grey[y : y + tall, x : x + wide]
    if tall > _TALL * wide:
        crop = np.ascontiguousarray(np.rot90(crop))
        return engine.read(crop)
    return engine.read(np.ascontiguousarray(crop))


def _placed(view: View, box: Region, line: Line) -> PageLine:
    written = line.text
    letters = tuple(
        Letter(each.character, each.confidence, box[0] + each.left, box[0] + each.right)
        for each in line.letters
    )
    return PageLine(
        text=fold(written),
        written=written,
        box=box,
        region=stored(view, box),
        confidence=line.confidence,
        letters=letters,
    )
