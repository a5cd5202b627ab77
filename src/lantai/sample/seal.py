"""Round seals with star and name on a curve, and the small square seals of persons.

A seal is drawn once a process for its words; each impression is turned, worn and pressed anew.
"""

import math
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from lantai.sample import raster
from lantai.sample.faces import MASTER, Face, typecase
from lantai.sample.ink import Box, Colour, Sheet
from lantai.sample.paper import cloud
from lantai.sample.raster import Pixels

REDS: Final[tuple[Colour, ...]] = ((206, 40, 38), (190, 34, 42), (214, 62, 48), (176, 40, 44))
_LONGEST_ARC: Final = 4.75  # radians the name may take


def press_round(
    sheet: Sheet,
    x: float,
    y: float,
    name: str,
    below: str = "",
    *,
    diameter: float = 41.0,
    fonts: Path | None,
) -> Box:
    """Press a round seal with its middle at x, y (mm); ``below`` stands level under the star."""
    chance = sheet.chance
    drawn = _round_seal(name, below, round(diameter * sheet.per_mm), fonts)
    return _press(sheet, drawn, x, y, turn=chance.gauss(0, 9), colour=chance.choice(REDS))


def press_square(
    sheet: Sheet, x: float, y: float, name: str, *, side: float = 11.0, fonts: Path | None
) -> Box:
    """Press the square seal of a person."""
    drawn = _square_seal(name, round(side * sheet.per_mm), fonts)
    return _press(sheet, drawn, x, y, turn=sheet.chance.gauss(0, 5), colour=REDS[1])


def _press(sheet: Sheet, drawn: Pixels, x: float, y: float, *, turn: float, colour: Colour) -> Box:
    chance, side = sheet.chance, drawn.shape[0]
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), turn, 1.0)
    mask = raster.moved(drawn, np.asarray(matrix, np.float64), side, side)
    small = (side // 6 + 1, side // 6 + 1)
    patchy = cloud(chance, small, 9) * 0.55 + cloud(chance, small, 44) * 0.65
    lean_x, lean_y = chance.gauss(0, 0.16), chance.gauss(0, 0.16)
    slope = np.linspace(-1, 1, small[0], dtype=np.float32)
    pressure = chance.uniform(0.72, 0.95) + patchy + lean_x * slope[None] + lean_y * slope[:, None]
    coarse = np.clip(pressure * 255, 40, 255).astype(np.uint8)
    mask = raster.through(mask, raster.enlarged(coarse, side, side))
    left, top = round(x * sheet.per_mm - side / 2), round(y * sheet.per_mm - side / 2)
    halo = raster.blurred(mask, max(0.8, 0.5 * sheet.per_mm))
    sheet.lay(halo // 6, left, top, (238, 200, 160))
    return sheet.lay(mask, left, top, colour, wear=0.5)


@cache
def _round_seal(name: str, below: str, side: int, fonts: Path | None) -> Pixels:
    room = side // 12
    size = side + 2 * room
    big = 2  # drawn twice as large, then reduced
    mask = np.zeros((size * big, size * big), np.uint8)
    middle = size * big / 2
    radius = side * big / 2 * 0.97
    rim = max(2, round(side * big * 0.024))
    raster.ring(mask, middle, middle, radius - rim / 2, rim)
    star = [
        (
            middle + radius * (0.3, 0.115)[corner % 2] * math.cos(math.pi * (corner / 5 - 0.5)),
            middle + radius * (0.3, 0.115)[corner % 2] * math.sin(math.pi * (corner / 5 - 0.5)),
        )
        for corner in range(10)
    ]
    points = np.rint(np.array(star) * 2**raster.SHIFT).astype(np.int32)
    cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, raster.SHIFT)
    _name_on_a_curve(mask, name, middle, radius, fonts)
    if below:
        high = radius * 0.2
        step = high * 1.08
        start = middle - step * (len(below) - 1) / 2
        for place, letter in enumerate(below):
            _letter(
                mask, letter, start + place * step, middle + radius * 0.52, high=high, fonts=fonts
            )
    return raster.reduced(mask, size, size)


def _name_on_a_curve(
    mask: Pixels, name: str, middle: float, radius: float, fonts: Path | None
) -> None:
    arc = min(_LONGEST_ARC, 0.45 * len(name))
    high = min(radius * 0.3, radius * 0.78 * arc / len(name) * 1.05)
    for place, letter in enumerate(name):
        angle = -math.pi / 2 + (place - (len(name) - 1) / 2) * arc / max(1, len(name) - 1)
        x, y = middle + radius * 0.765 * math.cos(angle), middle + radius * 0.765 * math.sin(angle)
        _letter(mask, letter, x, y, high=high, fonts=fonts, turn=angle + math.pi / 2, stretch=1.28)


def _letter(
    mask: Pixels,
    letter: str,
    x: float,
    y: float,
    *,
    high: float,
    fonts: Path | None,
    turn: float = 0.0,
    stretch: float = 1.0,
) -> None:
    """Set one letter with its middle at x, y, turned clockwise by ``turn`` and stretched upward."""
    master = typecase(fonts).master(Face.SONG_BOLD, letter).mask
    scale = high / MASTER
    side = int(high * 2)
    cos, sin = math.cos(turn), math.sin(turn)
    matrix = np.array(
        [
            [scale * cos, -scale * stretch * sin, side / 2],
            [scale * sin, scale * stretch * cos, side / 2],
        ]
    )
    matrix[:, 2] -= matrix[:, :2] @ np.array([master.shape[1] / 2, master.shape[0] / 2])
    tile = raster.moved(master, matrix, side, side)
    left, top = round(x - side / 2), round(y - side / 2)
    y0, x0 = max(0, top), max(0, left)
    part = mask[y0 : top + side, x0 : left + side]
    tile = tile[y0 - top :, x0 - left :]
    np.maximum(part, tile[: part.shape[0], : part.shape[1]], out=part)


@cache
def _square_seal(name: str, side: int, fonts: Path | None) -> Pixels:
    big = 3
    size = side * big
    mask = np.zeros((size, size), np.uint8)
    edge = max(2, size // 22)
    cv2.rectangle(mask, (edge, edge), (size - edge, size - edge), 255, edge)
    letters = [*[c for c in name if c != "·"][:3], "印"]
    if len(letters) < 4:
        letters.insert(-1, "之")
    for place, letter in enumerate(letters[:4]):
        x = size * (0.7 - 0.4 * (place // 2))
        y = size * (0.3 + 0.4 * (place % 2))
        _letter(mask, letter, x, y, high=size * 0.38, fonts=fonts)
    return raster.reduced(mask, side, side)
