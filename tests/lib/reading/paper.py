"""Views for tests of reading: pages of a fictional dossier, and an engine that reads from a list."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from lantai.lib.imagery import decode
from lantai.lib.imagery.decode import Colour, Picture
from lantai.lib.imagery.formats import Format
from lantai.lib.imagery.upright import Pixels, Region
from lantai.lib.imagery.view import View, look
from lantai.lib.reading import Letter, Line
from lantai.sample.dossier import materials
from lantai.sample.lives import Life, lives
from lantai.sample.page import DrawnPage, PageOrder, draw
from lantai.sample.scan import NO_MISTAKES, Mistakes

LETTER = 20


@cache
def person(number: int = 1) -> Life:
    return lives(seed=7, count=number)[number - 1]


@cache
def page(
    key: str, *, number: int = 1, side: int = 1, mistakes: Mistakes = NO_MISTAKES
) -> DrawnPage:
    life = person(number)
    material = next(each for each in materials(life) if each.key == key)
    return draw(PageOrder(life, material, side, 300, None, mistakes=mistakes))


def view_of(content: bytes) -> View:
    picture = decode.scaled(content, factor=2)
    return look(picture, levels=(picture.rgb,))


def empty_view(*, orientation: int = 1, wide: int = 1240, tall: int = 1754) -> View:
    """White paper at 150 dpi."""
    rgb = np.full((tall, wide, 3), 250, np.uint8)
    picture = Picture(
        rgb=rgb,
        format=Format.JPEG,
        width=wide,
        height=tall,
        dpi=(150.0, 150.0),
        colour=Colour.COLOUR,
        exif_orientation=orientation,
    )
    return look(picture, levels=(rgb,))


@dataclass(frozen=True)
class Written:
    """An engine that says what stands on a page: lines of words, each with its corner."""

    lines: tuple[tuple[str, int, int], ...]
    confidence: float = 0.99

    @property
    def name(self) -> str:
        return "written down"

    def find(self, page: Pixels) -> tuple[Region, ...]:
        scale = page.shape[1] / 1240
        return tuple(
            (
                round(x * scale),
                round(y * scale),
                round(len(words) * LETTER * scale),
                round(24 * scale),
            )
            for words, x, y in self.lines
        )

    def read(self, line: Pixels) -> Line:
        words = self._said.pop(0)
        return Line(
            tuple(
                Letter(each, self.confidence, at * LETTER, (at + 1) * LETTER)
                for at, each in enumerate(words)
            )
        )

    @property
    def _said(self) -> list[str]:
        return self.__dict__.setdefault("said", [words for words, _, _ in self.lines])


def written(*lines: tuple[str, int, int], confidence: float = 0.99) -> Written:
    return Written(lines, confidence)
