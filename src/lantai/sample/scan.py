"""The scanner: a sheet laid on glass under a lid, its noise, its operator's mistakes, its file.

Every step keeps account of where a point of the sheet went, so boxes stay true to the pixel.
"""

import math
import random
import struct
import zlib
from dataclasses import dataclass, field
from functools import cache
from typing import Final, cast

import cv2
import numpy as np
import simplejpeg

from lantai.sample import raster
from lantai.sample.ink import Box, Colour
from lantai.sample.paper import TILE, cut_out, spread_out
from lantai.sample.raster import Matrix, Pixels

_LIDS: Final[tuple[Colour, ...]] = ((247, 247, 246), (242, 243, 243), (233, 235, 236), (30, 29, 30))
_QUALITY: Final = 92
_NOISE_MEAN: Final = 6
_BLUR_MM: Final = 0.29
_HUGE: Final = 60_000


@dataclass(frozen=True)
class Placing:
    """How a sheet is laid down: lid, margins in mm, skew in degrees (counter-clockwise)."""

    lid: Colour
    margin_mm: tuple[float, float, float, float]  # left, top, right, bottom
    skew: float

    @classmethod
    def by(cls, chance: random.Random) -> "Placing":
        """Lay it down as a careful operator does: at most 0.8 degrees off."""
        margins = [chance.uniform(2.6, 5.2) for _ in range(4)]
        skew = max(-0.8, min(0.8, chance.gauss(0, 0.33)))
        return cls(chance.choice(_LIDS), (margins[0], margins[1], margins[2], margins[3]), skew)


@dataclass(frozen=True)
class Mistakes:
    """What went wrong at the scanner. Lengths as a share of the width; all off by default."""

    skew: float = 0.0  # added to the placing
    turn: int = 0  # 0, 90, 180, 270 degrees counter-clockwise
    blurred: bool = False
    cut: float = 0.0  # share of the sheet lost at the right
    half: bool = False  # half the resolution
    grey: bool = False


NO_MISTAKES: Final = Mistakes()


@dataclass
class Scan:
    """A page as pixels, with the way from sheet to page. ``turned`` as in ``Mistakes.turn``."""

    pixels: Pixels
    dpi: int
    skew: float
    turned: int
    grey: bool
    _way: Matrix = field(repr=False)

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    def region(self, box: Box) -> tuple[int, int, int, int] | None:
        """Where a box of the sheet lies on the page as x, y, width, height; None if cut off.

        A box of which less than half is left counts as cut off.
        """
        corners = np.array([(x, y, 1.0) for x in (box[0], box[2]) for y in (box[1], box[3])])
        moved = corners @ self._way.T
        (x0, y0), (x1, y1) = moved.min(axis=0), moved.max(axis=0)
        whole = (x1 - x0) * (y1 - y0)
        left, top = max(0, math.floor(x0)), max(0, math.floor(y0))
        right, bottom = min(self.width, math.ceil(x1)), min(self.height, math.ceil(y1))
        if right <= left or bottom <= top or (right - left) * (bottom - top) < whole / 2:
            return None
        return left, top, right - left, bottom - top

    def jpeg(self) -> bytes:
        """The file of the scanner: quality 92, 4:4:4, the density stated."""
        if self.grey:
            grey = cv2.cvtColor(self.pixels, cv2.COLOR_RGB2GRAY)[..., None]
            content = simplejpeg.encode_jpeg(
                np.ascontiguousarray(grey), _QUALITY, "GRAY", "Gray", fastdct=False
            )
        else:
            content = simplejpeg.encode_jpeg(self.pixels, _QUALITY, "RGB", "444", fastdct=False)
        return _with_density(content, self.dpi)


def scan(
    sheet: Pixels,
    *,
    dpi: int,
    placing: Placing,
    mistakes: Mistakes = NO_MISTAKES,
    chance: random.Random,
) -> Scan:
    """Scan one side of paper at ``dpi``, the resolution the sheet was drawn at."""
    per_mm = dpi / 25.4
    skew = round(placing.skew + mistakes.skew, 2)
    bed, way = _on_the_glass(sheet, placing, skew, per_mm)
    if mistakes.cut:
        kept = int(bed.shape[1] - placing.margin_mm[2] * per_mm - sheet.shape[1] * mistakes.cut)
        bed = np.ascontiguousarray(bed[:, :kept])
    if mistakes.blurred:
        bed = raster.blurred(bed, _BLUR_MM * per_mm)
    if mistakes.half:
        bed = raster.reduced(bed, bed.shape[1] // 2, bed.shape[0] // 2)
        way = np.diag((0.5, 0.5)) @ way
        dpi = dpi // 2
    raster.add_noise(bed, cut_out(noise_field(), bed.shape, chance), _NOISE_MEAN)
    if mistakes.turn:
        bed, way = _turned(bed, way, mistakes.turn)
    return Scan(bed, dpi, skew, mistakes.turn, mistakes.grey, way)


@cache
def noise_field() -> Pixels:
    """Sensor noise to be subtracted, mean _NOISE_MEAN; one tile repeated over the bed."""
    noise = np.random.default_rng(5)
    luma = noise.standard_normal((TILE, TILE, 1), np.float32) * 0.85
    colour = noise.standard_normal((TILE, TILE, 3), np.float32) * 0.5
    tile = np.clip(np.rint(_NOISE_MEAN + luma + colour), 0, 2 * _NOISE_MEAN).astype(np.uint8)
    return spread_out(tile)


@cache
def huge_png() -> bytes:
    """A valid white PNG of 60,000² pixels of one bit: half a megabyte that unpacks to 450."""
    header = struct.pack(">IIBBBBB", _HUGE, _HUGE, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(1, zlib.DEFLATED, 15, 9, zlib.Z_RLE)  # made for long runs
    rows = (b"\0" + b"\xff" * (_HUGE // 8)) * 600
    packed = [packer.compress(rows) for _ in range(_HUGE // 600)]
    packed.append(packer.flush())
    chunks = ((b"IHDR", header), (b"IDAT", b"".join(packed)), (b"IEND", b""))
    out = [b"\x89PNG\r\n\x1a\n"]
    for kind, content in chunks:
        out.append(struct.pack(">I", len(content)) + kind + content)
        out.append(struct.pack(">I", zlib.crc32(kind + content)))
    return b"".join(out)


def _on_the_glass(
    sheet: Pixels, placing: Placing, skew: float, per_mm: float
) -> tuple[Pixels, Matrix]:
    high, wide = sheet.shape[:2]
    left, top, right, bottom = (side * per_mm for side in placing.margin_mm)
    cos, sin = math.cos(math.radians(skew)), math.sin(math.radians(skew))
    # The bed is as large as the turned sheet and its margins: nothing is lost by skew alone.
    turned_wide = wide * cos + high * abs(sin)
    turned_high = high * cos + wide * abs(sin)
    if abs(skew) <= 1:
        turned_wide, turned_high = wide + high * abs(sin) * 0.5, high + wide * abs(sin) * 0.5
    bed_wide, bed_high = round(turned_wide + left + right), round(turned_high + top + bottom)
    middle = np.array((left + turned_wide / 2, top + turned_high / 2))
    turn = np.array(((cos, sin), (-sin, cos)))
    way = np.zeros((2, 3))
    way[:, :2] = turn
    way[:, 2] = middle - turn @ np.array((wide / 2, high / 2))
    rim = max(2, round(1.6 * per_mm))
    framed = _with_shadow(sheet, placing.lid, rim)
    shifted = way.copy()
    shifted[:, 2] -= turn @ np.array((rim, rim))
    bed = raster.moved(framed, shifted, bed_wide, bed_high, around=placing.lid)
    return bed, way


def _with_shadow(sheet: Pixels, lid: Colour, rim: int) -> Pixels:
    """The sheet with a rim of lid around it, on which it throws the shadow of the lamp."""
    framed = raster.framed(sheet, rim, lid)
    if lid[0] < 100:
        return framed
    fade = np.exp(-np.arange(rim, dtype=np.float32) / (rim * 0.28))
    for side, strength in ((0, 0.05), (1, 0.2), (2, 0.04), (3, 0.14)):  # top, bottom, left, right
        shade = 1 - strength * fade
        if side == 0:
            part, factor = framed[:rim, rim:-rim], shade[::-1, None, None]
        elif side == 1:
            part, factor = framed[-rim:, rim:-rim], shade[:, None, None]
        elif side == 2:
            part, factor = framed[:, :rim], shade[None, ::-1, None]
        else:
            part, factor = framed[:, -rim:], shade[None, :, None]
        part[:] = (part * factor).astype(np.uint8)
    return framed


def _turned(bed: Pixels, way: Matrix, turn: int) -> tuple[Pixels, Matrix]:
    high, wide = bed.shape[:2]
    codes = {
        90: cv2.ROTATE_90_COUNTERCLOCKWISE,
        180: cv2.ROTATE_180,
        270: cv2.ROTATE_90_CLOCKWISE,
    }
    moves = {
        90: ((0, 1, 0), (-1, 0, wide)),
        180: ((-1, 0, wide), (0, -1, high)),
        270: ((0, -1, high), (1, 0, 0)),
    }
    move = np.array(moves[turn], np.float64)
    whole = np.vstack([way, (0, 0, 1)])
    turned = cast("Pixels", cv2.rotate(bed, codes[turn]))
    return turned, np.asarray(move @ whole, np.float64)


def _with_density(content: bytes, dpi: int) -> bytes:
    """State the density in the JFIF header, which the encoder leaves at 1:1."""
    at = content.index(b"JFIF\0")
    return b"".join((content[: at + 7], struct.pack(">BHH", 1, dpi, dpi), content[at + 12 :]))
