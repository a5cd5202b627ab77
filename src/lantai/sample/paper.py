"""Paper as it is after decades in a bag: the stock of its year, browned, stained, folded, punched.

Everything soft (colour, browning, stains, what shows through) is made small and enlarged; only
grain, folds and holes are made at full size. The grain is one tile a process, so a page costs
little.
"""

import random
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from lantai.sample import raster
from lantai.sample.raster import Floats, Pixels

_COARSE: Final = 8  # pixels of the page a cell of the soft layers
TILE: Final = 1024
# An A4 sheet at 300 dpi on its bed, four degrees askew, and room to take it from different places.
_SPREAD: Final = (4400, 3400)
_ROOM: Final = 500
_GRAIN_MEAN: Final = 12
_SMALL: Final = (184.0, 260.0)  # 16开
_A4: Final = (210.0, 297.0)
_ALSO_A4: Final = 1998
_ONLY_A4: Final = 2006
_WHITE: Final = 2012


@dataclass(frozen=True)
class Stock:
    """The sheet a form was printed on: size, colour when it was put away, and how it aged."""

    name: str
    size_mm: tuple[float, float]
    colour: tuple[int, int, int]
    age: float  # 0 new … 1 half a century
    card: bool = False


def stock_of(year: int, *, chance: random.Random, card: bool = False) -> Stock:
    """What an office used in that year."""
    age = max(0.05, min(1.0, (2018 - year) / 44))
    if year >= _WHITE:
        return Stock("A4 白纸", _A4, (250, 250, 248), 0.08)
    a4 = year >= _ONLY_A4 or (year >= _ALSO_A4 and chance.random() < 0.7)
    decades = {1970: (226, 208, 170), 1980: (232, 218, 186), 1990: (240, 232, 210)}
    colour = decades.get(max(1970, year // 10 * 10), (246, 243, 232))
    shift = chance.gauss(0, 3)
    red, green, blue = (
        round(min(252, max(120, tone + shift + chance.gauss(0, 1.5)))) for tone in colour
    )
    return Stock("A4" if a4 else "16开", _A4 if a4 else _SMALL, (red, green, blue), age, card)


@dataclass(frozen=True)
class Aged:
    """The pixels of an aged sheet without ink, and the marks that were made on it, by name."""

    pixels: Pixels
    marks: tuple[str, ...]


def age(
    stock: Stock,
    *,
    shape: tuple[int, int],
    per_mm: float,
    lid: tuple[int, int, int],
    chance: random.Random,
    ghost: Pixels | None,
) -> Aged:
    """Make the sheet. ``ghost`` is the light of another side that may show through from behind."""
    high, wide = shape
    marks: list[str] = []
    soft = _soft(stock, shape, per_mm, chance=chance, ghost=ghost, marks=marks)
    sheet = raster.enlarged(soft, wide, high)
    grain = grain_field(2 if stock.age > 0.3 else 1)
    raster.add_noise(sheet, cut_out(grain, sheet.shape, chance), _GRAIN_MEAN)
    if stock.age > 0.25 and chance.random() < 0.45:
        _fold(sheet, per_mm, chance)
        marks.append("折痕")
    if stock.age > 0.5 and chance.random() < 0.3:
        _rust(sheet, per_mm, chance)
        marks.append("锈迹")
    _punch(sheet, stock, per_mm, lid, chance)
    marks.append("装订孔")
    return Aged(sheet, tuple(marks))


def lay_ink(sheet: Pixels, light: Pixels) -> None:
    """Let the sheet be seen through its ink, in place."""
    raster.see_through(sheet, light)


def scrape(sheet: Pixels, box: tuple[float, float, float, float], chance: random.Random) -> None:
    """Scrape the paper in a box: the surface goes, the spot turns light, rough and blurred."""
    high, wide = sheet.shape[:2]
    left, top, right, bottom = (round(side) for side in box)
    margin = max(3, (bottom - top) // 4)
    x0, y0 = max(0, left - margin), max(0, top - margin)
    x1, y1 = min(wide, right + margin), min(high, bottom + margin)
    part = sheet[y0:y1, x0:x1].astype(np.float32)
    noise = np.random.default_rng(chance.getrandbits(32))
    inner = np.zeros(part.shape[:2], np.float32)
    inner[margin:-margin, margin:-margin] = 1.0
    soft = raster.blurred(inner, margin * 0.55)[..., None]
    fibres = raster.blurred(noise.standard_normal(part.shape[:2], np.float32), margin * 0.12 + 0.6)
    fibres = fibres / float(fibres.std() + 1e-6) * 5
    lighter = part + (255 - part) * 0.62 + fibres[..., None]
    sheet[y0:y1, x0:x1] = np.clip(part + (lighter - part) * soft, 0, 255).astype(np.uint8)


def cloud(chance: random.Random, shape: tuple[int, int], cells: int) -> Floats:
    """Smooth noise in about [−0.5, 0.5] with that number of cells along the longer side."""
    longer = max(shape)
    small = [max(2, round(cells * side / longer)) + 1 for side in shape]
    points = np.random.default_rng(chance.getrandbits(32)).random(small, np.float32) - 0.5
    return raster.bent(points, shape[1], shape[0])


@cache
def grain_field(strength: int) -> Pixels:
    """Paper grain to be subtracted, mean _GRAIN_MEAN: fibres, specks, and a little of colour."""
    noise = np.random.default_rng(11 + strength)
    fine = noise.standard_normal((TILE, TILE), np.float32)
    fine = raster.blurred(fine, 0.8)
    fibre = noise.standard_normal((TILE, TILE), np.float32)
    fibre = raster.blurred(fibre, 2.4) + raster.blurred(fibre, 1.0) * 0.4
    field = fine / float(fine.std()) * 0.7 + fibre / float(fibre.std()) * 0.8
    specks = noise.random((TILE, TILE), np.float32) > 1 - 0.00006 * strength
    dots = raster.blurred(specks.astype(np.float32) * 160, 1.3)
    luma = _GRAIN_MEAN + field * (0.7 + 0.75 * strength) + dots * 1.2
    warm = np.stack([luma, luma + dots * 0.4, luma + dots * 0.8], axis=-1)
    tile = np.clip(np.rint(warm), 0, 90).astype(np.uint8)
    return spread_out(tile)


def spread_out(tile: Pixels) -> Pixels:
    """Repeat a square of noise over the largest bed there is."""
    repeats = [side // TILE + 1 for side in _SPREAD]
    return np.ascontiguousarray(np.tile(tile, (*repeats, 1))[: _SPREAD[0], : _SPREAD[1]])


def cut_out(field: Pixels, shape: tuple[int, ...], chance: random.Random) -> Pixels:
    """A piece of a noise field from a chance place; ValueError if the page is larger than A4."""
    if shape[0] + _ROOM > _SPREAD[0] or shape[1] + _ROOM > _SPREAD[1]:
        raise ValueError("a page may be as large as A4 at 300 dpi")
    top, left = chance.randrange(_ROOM), chance.randrange(_ROOM)
    return field[top : top + shape[0], left : left + shape[1]]


def _soft(
    stock: Stock,
    shape: tuple[int, int],
    per_mm: float,
    *,
    chance: random.Random,
    ghost: Pixels | None,
    marks: list[str],
) -> Pixels:
    """The soft layers at one cell for _COARSE pixels."""
    high, wide = (side // _COARSE + 1 for side in shape)
    small = (high, wide)
    cell_mm = _COARSE / per_mm
    yy = np.arange(high, dtype=np.float32)[:, None] * cell_mm
    xx = np.arange(wide, dtype=np.float32)[None] * cell_mm
    rim = np.minimum(
        np.minimum(xx, stock.size_mm[0] - xx), np.minimum(yy, stock.size_mm[1] - yy)
    ).clip(0)
    reach = (8 + 9 * (cloud(chance, small, 7) + 0.5)) * (0.6 + 0.5 * stock.age)
    dark = stock.age * (
        0.15 * np.exp(-rim / reach)
        + 0.075 * cloud(chance, small, 3)
        + 0.05 * cloud(chance, small, 13)
        + 0.022 * cloud(chance, small, 44)
    )
    if stock.age > 0.3 and chance.random() < 0.5:  # one side lay nearer to the light
        side = (xx / stock.size_mm[0]) if chance.random() < 0.5 else (yy / stock.size_mm[1])
        dark = dark + 0.05 * stock.age * side
    colour = np.array(stock.colour, np.float32)
    tone = colour * (1 - dark[..., None] * np.array((0.75, 1.0, 1.5), np.float32))
    if stock.age > 0.45 and chance.random() < 0.4:
        tone = _stained(tone, xx, yy, stock, chance)
        marks.append("水渍")
    if stock.age > 0.6 and chance.random() < 0.35:
        field = cloud(chance, small, 110) + cloud(chance, small, 50) * 0.8 + cloud(chance, small, 5)
        limit = np.partition(field.ravel(), -field.size // 220)[-field.size // 220]
        spots = raster.blurred(np.clip((field - limit) * 4, 0, 0.55), 0.6)
        tone = tone * (1 - spots[..., None] * np.array((0.35, 0.55, 0.8), np.float32))
        marks.append("霉斑")
    if ghost is not None:
        back = raster.reduced(ghost, wide, high)[:, ::-1]
        back = raster.blurred(back.astype(np.float32), 0.7)
        tone = tone * (1 - (255 - back) / 255 * 0.16)
        marks.append("透字")
    soft: Pixels = np.clip(np.rint(tone), 0, 255).astype(np.uint8)
    return soft


def _stained(tone: Floats, xx: Floats, yy: Floats, stock: Stock, chance: random.Random) -> Floats:
    for _ in range(chance.randint(1, 2)):
        cx = chance.uniform(0, stock.size_mm[0])
        cy = chance.choice((0.0, stock.size_mm[1])) + chance.gauss(0, 35)
        radius = chance.uniform(14, 42)
        bulge = cloud(chance, tone.shape[:2], 7) * 0.55 + cloud(chance, tone.shape[:2], 22) * 0.1
        far = np.hypot(xx - cx, yy - cy) / radius + bulge
        ring = np.exp(-(((far - 1) / 0.035) ** 2)) + 0.3 * (far < 1)
        strength = (ring * 0.3 * chance.uniform(0.5, 1))[..., None]
        tone = tone * (1 - strength * (1 - np.array((206, 168, 108), np.float32) / 255))
    return tone


def _fold(sheet: Pixels, per_mm: float, chance: random.Random) -> None:
    """A crease across the sheet: a light ridge beside a faint shadow."""
    high = sheet.shape[0]
    for place in chance.sample((0.33, 0.5, 0.66), chance.choice((1, 1, 2))):
        middle = int(high * (place + chance.gauss(0, 0.004)))
        half = int(2.2 * per_mm)
        top = max(0, middle - half)
        rows = (np.arange(top, min(high, middle + half)) - middle) / per_mm
        gain = (
            1 + 0.055 * np.exp(-((rows / 0.22) ** 2)) - 0.06 * np.exp(-(((rows - 0.8) / 0.6) ** 2))
        )
        part = sheet[top : top + len(rows)]
        scaled = part.astype(np.float32) * gain[:, None, None].astype(np.float32)
        part[:] = np.clip(scaled, 0, 255).astype(np.uint8)


def _rust(sheet: Pixels, per_mm: float, chance: random.Random) -> None:
    """The rust a staple or pin left in the upper left corner."""
    x, y = chance.uniform(9, 16), chance.uniform(6, 11)
    length, slope = chance.uniform(8, 11), chance.uniform(-0.2, 0.2)
    side = int(20 * per_mm)
    mark = np.zeros((side, side), np.uint8)
    middle = side / 2
    half, drop = length / 2 * per_mm, length / 2 * per_mm * slope
    ends = (middle - half, middle - drop, middle + half, middle + drop)
    raster.line(mark, ends, max(1, int(0.7 * per_mm)))
    mark = raster.blurred(mark, 0.55 * per_mm)
    top, left = int(y * per_mm - middle), int(x * per_mm - middle)
    y0, x0 = max(0, top), max(0, left)
    mark = mark[y0 - top :, x0 - left :]
    part = sheet[y0 : y0 + mark.shape[0], x0 : x0 + mark.shape[1]]
    strength = np.clip(mark.astype(np.float32) / 255 * 1.3, 0, 0.85)[..., None]
    tint = np.array((150, 88, 40), np.float32) / 255
    part[:] = (part.astype(np.float32) * (1 - strength * (1 - tint))).astype(np.uint8)


def _punch(
    sheet: Pixels,
    stock: Stock,
    per_mm: float,
    lid: tuple[int, int, int],
    chance: random.Random,
) -> None:
    """Punch the binding holes: the lid shows through, with a soft dent around."""
    high_mm = stock.size_mm[1]
    apart = (-41.5, 0.0, 41.5) if stock.size_mm[0] > 200 else (-40.0, 40.0)
    x = 8.5 + chance.gauss(0, 0.6)
    shift = chance.gauss(0, 1.0)
    for place in apart:
        cx, cy = x + chance.gauss(0, 0.15), high_mm / 2 + place + shift
        reach = int(4.2 * per_mm)
        x0, y0 = max(0, int(cx * per_mm) - reach), max(0, int(cy * per_mm) - reach)
        part = sheet[y0 : y0 + 2 * reach, x0 : x0 + 2 * reach]
        here = (cx * per_mm - x0, cy * per_mm - y0)
        dent = np.zeros(part.shape[:2], np.uint8)
        raster.disc(dent, *here, 2.9 * per_mm, ink=120)
        dent = raster.blurred(dent, max(0.6, 0.25 * per_mm))
        part[:] = (part * (1 - dent[..., None].astype(np.float32) / 765)).astype(np.uint8)
        hole = np.zeros(part.shape[:2], np.uint8)
        raster.disc(hole, *here, 2.6 * per_mm)
        through = (hole.astype(np.float32) / 255)[..., None]
        shown = np.array(lid, np.float32) * 0.94
        part[:] = (part * (1 - through) + shown * through).astype(np.uint8)
