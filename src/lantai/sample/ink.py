"""A sheet as the light its ink lets through, and the ways ink comes onto it: type, pen, rule.

All measures of the drawing calls are millimetres from the upper left corner of the sheet; boxes
come back as (left, top, right, bottom) in pixels of the sheet, drawn tight around the ink.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from lantai.sample import raster
from lantai.sample.faces import MASTER, Face, Glyph, Typecase, typecase
from lantai.sample.raster import Floats, Pixels

Box = tuple[float, float, float, float]
Colour = tuple[int, int, int]

PRINT_BLACK: Final[Colour] = (40, 37, 36)
TYPED: Final[Colour] = (52, 48, 56)
FOUNTAIN: Final[Colour] = (34, 42, 88)
BLUE_BLACK: Final[Colour] = (30, 36, 58)
BALL_BLUE: Final[Colour] = (38, 58, 146)
GEL_BLACK: Final[Colour] = (28, 28, 32)
CARBON: Final[Colour] = (70, 66, 140)
PENCIL: Final[Colour] = (88, 86, 88)
SEAL_RED: Final[Colour] = (205, 38, 38)
RULE_RED: Final[Colour] = (205, 88, 80)

_WEAR_SIDE: Final = 768
_WIDE_LETTER: Final = 1.0
_NARROW_LETTER: Final = 0.54
_LOOSE: Final = 1.05  # written letters stand a little further apart than type


@dataclass(frozen=True)
class Hand:
    """How one person writes: pen, slope, width of letters, pressure, how unevenly."""

    colour: Colour = FOUNTAIN
    face: Face = Face.HAND
    slope: float = 0.06
    squeeze: float = 1.0
    pressure: int = 0  # −1 thin, 0, 1 thick
    unrest: float = 1.0
    size: float = 1.0

    @classmethod
    def of(cls, chance: random.Random, colour: Colour) -> "Hand":
        return cls(
            colour=colour,
            slope=chance.uniform(-0.04, 0.2),
            squeeze=chance.uniform(0.86, 1.06),
            pressure=chance.choice((-1, 0, 0, 1)),
            unrest=chance.uniform(0.7, 1.25),
            size=chance.uniform(0.94, 1.1),
        )


class Sheet:
    """One side of paper. ``light`` holds, per pixel and colour, how much light the ink lets by."""

    def __init__(
        self, size_mm: tuple[float, float], dpi: int, chance: random.Random, fonts: Path | None
    ) -> None:
        self.dpi = dpi
        self.per_mm = dpi / 25.4
        self.wide_mm, self.high_mm = size_mm
        self.width, self.height = (round(side * self.per_mm) for side in size_mm)
        self.chance = chance
        self.light: Pixels = np.full((self.height, self.width, 3), 255, np.uint8)
        self.rough = 0.0  # how uneven the printing is, 0…1
        self._case: Typecase = typecase(fonts)

    def pixels(self, mm: float) -> float:
        return mm * self.per_mm

    def lay(self, mask: Pixels, left: int, top: int, colour: Colour, *, wear: float = 0.0) -> Box:
        """Lay a mask of ink down and return the box it covers; what leaves the sheet is lost."""
        x0, y0 = max(0, left), max(0, top)
        x1 = min(self.width, left + mask.shape[1])
        y1 = min(self.height, top + mask.shape[0])
        if x1 <= x0 or y1 <= y0:
            return (x0, y0, x0, y0)
        part = mask[y0 - top : y1 - top, x0 - left : x1 - left]
        if wear:
            part = _worn(part, wear, self.chance.getrandbits(20))
        shades = _shades(colour)[part]
        region = self.light[y0:y1, x0:x1]
        region[:] = raster.through(region, shades)
        return _tight(part, x0, y0)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        mm: float,
        *,
        face: Face = Face.SONG,
        colour: Colour = PRINT_BLACK,
        pitch: float = 1.0,
        down: bool = False,
    ) -> Box:
        """Set type with its left end (or upper end) at x, y: y is the middle of the line."""
        size = max(4, round(mm * self.per_mm))
        step = mm * pitch
        box: Box | None = None
        for letter in words:
            wide = letter_width(letter)
            if not letter.isspace():
                glyph = self._case.glyph(face, letter, size)
                lift = self.chance.gauss(0, 0.06) * self.rough if self.rough else 0.0
                centre = x if down else x + step * wide / 2
                left = centre * self.per_mm - (glyph.advance / 2 - glyph.left)
                base = (y + lift) * self.per_mm + size * 0.37 - glyph.rise
                mark = self.lay(glyph.mask, round(left), round(base), colour, wear=self.rough)
                box = joined(box, mark)
            if down:
                y += step
            else:
                x += step * wide
        return box or (0, 0, 0, 0)

    def write(
        self, x: float, y: float, words: str, mm: float, hand: Hand, *, pitch: float = 1.0
    ) -> Box:
        """Write by hand with the left end at x and the middle of the line at y."""
        chance, size = self.chance, mm * hand.size
        drift, box = 0.0, None
        for letter in words:
            wide = letter_width(letter) * hand.squeeze * size * pitch * _LOOSE
            if not letter.isspace():
                drift = 0.8 * drift + chance.gauss(0, 0.022) * size * hand.unrest
                glyph = self._written(letter, size, hand)
                left = (x + wide / 2) * self.per_mm - glyph.advance / 2 + glyph.left
                base = (y + drift) * self.per_mm + size * self.per_mm * 0.37 - glyph.rise
                mark = self.lay(glyph.mask, round(left), round(base), hand.colour, wear=0.35)
                box = joined(box, mark)
            x += wide * (1 + chance.gauss(0, 0.05) * hand.unrest)
        return box or (0, 0, 0, 0)

    def rule(
        self, x0: float, y0: float, x1: float, y1: float, mm: float = 0.2, *, colour: Colour
    ) -> None:
        """Draw a straight rule, level or upright, as worn as the print of the sheet."""
        shake = 0.1 * self.rough
        ends = [(c + self.chance.gauss(0, shake)) * self.per_mm for c in (x0, y0, x1, y1)]
        thick = max(1.0, mm * self.per_mm)
        left, top = int(min(ends[0], ends[2]) - thick) - 1, int(min(ends[1], ends[3]) - thick) - 1
        wide = int(abs(ends[2] - ends[0]) + 2 * thick) + 3
        high = int(abs(ends[3] - ends[1]) + 2 * thick) + 3
        mask = np.zeros((high, wide), np.uint8)
        here = (ends[0] - left, ends[1] - top, ends[2] - left, ends[3] - top)
        raster.line(mask, here, max(1, round(thick)))
        self.lay(mask, left, top, colour, wear=self.rough)

    def width_of(self, words: str, mm: float, hand: Hand | None = None) -> float:
        """How many millimetres a line of text takes."""
        factor = hand.size * hand.squeeze * _LOOSE if hand else 1.0
        return sum(letter_width(letter) for letter in words) * mm * factor

    def _written(self, letter: str, mm: float, hand: Hand) -> Glyph:
        """One letter as this hand writes it this time: sloped, squeezed and bent a little."""
        chance = self.chance
        master = self._case.master(hand.face, letter)
        scale = mm * self.per_mm / MASTER * (1 + chance.gauss(0, 0.035) * hand.unrest)
        turn = chance.gauss(0, 0.03) * hand.unrest
        high, wide = master.mask.shape
        # Room for the slope and the bend; masters have none around them.
        room = 8 + int(abs(hand.slope + 0.1) * high / 2)
        out_wide = max(3, int((wide * hand.squeeze + 2 * room) * scale))
        out_high = max(3, int((high + 16) * scale))
        # The way from the written letter back to the master: the inverse of slope and turn.
        shear = turn * 0.3 - hand.slope
        whole = (hand.squeeze - turn * shear) * scale
        across_x, across_y = 1 / whole, -shear / whole
        along_x, along_y = -turn / whole, hand.squeeze / whole
        xs = np.arange(out_wide, dtype=np.float32)[None] - np.float32(out_wide / 2)
        ys = np.arange(out_high, dtype=np.float32)[:, None] - np.float32(out_high / 2)
        pulls = [chance.gauss(0, 2.6 * hand.unrest) for _ in range(18)]
        points: Floats = np.array(pulls, np.float32).reshape(3, 3, 2)
        bend = raster.bent(points, out_wide, out_high)
        across = xs * np.float32(across_x) + ys * np.float32(across_y) + bend[..., 0]
        along = xs * np.float32(along_x) + ys * np.float32(along_y) + bend[..., 1]
        across += np.float32(wide / 2)
        along += np.float32(high / 2)
        source = master.mask
        if scale < 0.5:  # reduced in one step it would lose thin strokes
            source = raster.averaged(source)
        mask = raster.sampled(source, across, along)
        if hand.pressure:
            mask = _pressed(mask, hand.pressure)
        rise = (master.rise - high / 2) * scale + out_high / 2
        left = (master.left + wide / 2 - master.advance / 2) * scale * hand.squeeze - out_wide / 2
        return Glyph(mask, left, rise, 0.0)


def letter_width(letter: str) -> float:
    """The width of a letter in ems: full for Chinese, about half for digits and Latin."""
    return _NARROW_LETTER if letter.isascii() or letter in "·—" else _WIDE_LETTER


def joined(one: Box | None, other: Box) -> Box:
    """The box around two boxes; an empty one adds nothing."""
    if other[2] <= other[0] or other[3] <= other[1]:
        return one or other
    if one is None or one[2] <= one[0]:
        return other
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )


def wrap(words: str, width_mm: float, mm: float, hand: Hand | None = None) -> list[str]:
    """Break a text into lines no wider than asked; no line begins with closing punctuation."""
    factor = hand.size * hand.squeeze * _LOOSE if hand else 1.0
    lines, used = [""], 0.0
    for letter in words:
        wide = letter_width(letter) * mm * factor
        if letter == "\n" or (used + wide > width_mm and letter not in "，。、；：）”"):
            lines.append("")
            used = 0.0
        if letter != "\n":
            lines[-1] += letter
            used += wide
    return lines


@cache
def _shades(colour: Colour) -> Pixels:
    """What light is left for each strength of ink, as a table of 256 rows."""
    strength = np.arange(256, dtype=np.float32)[:, None] / 255
    return np.rint(255 * (1 - strength * (1 - np.array(colour, np.float32) / 255))).astype(np.uint8)


@cache
def wear_field(strength: int) -> Pixels:
    """A square of cloudy grey, 255 where ink takes fully: how print and pens fail in places."""
    chance = np.random.default_rng(7)
    fine = raster.blurred(chance.standard_normal((_WEAR_SIDE, _WEAR_SIDE), np.float32), 1.6)
    broad = raster.blurred(chance.standard_normal((_WEAR_SIDE, _WEAR_SIDE), np.float32), 14.0)
    cloud = fine / float(fine.std()) * 0.16 + broad / float(broad.std()) * 0.12
    return np.clip(255 * (1 - strength / 10 * (0.18 + cloud)), 40, 255).astype(np.uint8)


def _worn(part: Pixels, wear: float, at: int) -> Pixels:
    field = wear_field(max(1, min(10, round(wear * 10))))
    high, wide = part.shape
    top, left = at % 331, (at >> 8) % 337
    rows = np.arange(top, top + high) % _WEAR_SIDE if top + high > _WEAR_SIDE else None
    columns = np.arange(left, left + wide) % _WEAR_SIDE if left + wide > _WEAR_SIDE else None
    patch = field[top : top + high] if rows is None else field[rows]
    patch = patch[:, left : left + wide] if columns is None else patch[:, columns]
    return raster.through(part, patch)


def _pressed(mask: Pixels, pressure: int) -> Pixels:
    """Thicken or thin the strokes by a fraction of a pixel's width."""
    strength = np.arange(256, dtype=np.int32)
    if pressure > 0:
        mask, strength = raster.averaged(mask), strength * 3 // 2
    else:
        strength = (strength - 45) * 5 // 4
    table: Pixels = strength.clip(0, 255).astype(np.uint8)
    return table[mask]


def _tight(part: Pixels, x0: int, y0: int) -> Box:
    """The box around what is clearly ink."""
    left, top, wide, high = raster.extent(part, 60)
    return (float(x0 + left), float(y0 + top), float(x0 + left + wide), float(y0 + top + high))


def boxes_around(boxes: Sequence[Box]) -> Box:
    """One box around several."""
    box: Box | None = None
    for each in boxes:
        box = joined(box, each)
    return box or (0, 0, 0, 0)
