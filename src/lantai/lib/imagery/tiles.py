"""One page cut into tiles for the viewer: one file, every size, each tile a JPEG of its own.

Level 0 is the page as stored, each further level half of it (rounded up), down to the first that
fits into one tile. Tiles are 512 x 512 pixels, exact at the right and lower edge: nothing is
padded, nothing overlaps. A tile is handed out as it lies in the file.

    header  magic, tile size, levels, width, height, number of tiles, bytes of the whole file
    index   per tile: offset, length, CRC-32 of its bytes; rows from the top, level 0 first
    check   CRC-32 of header and index
    tiles

All numbers are little-endian and unsigned. A pack is a derivative: it can be made again from its
master at any time, so a torn one is an accident to report and mend, never shown in part.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast

import cv2
import numpy as np
import simplejpeg

from lantai.lib.imagery.upright import Pixels

TILE: Final = 512
QUALITY: Final = 85
_MAGIC: Final = b"LANTAIT1"
_HEADER: Final = struct.Struct("<8sHHIIIQ")
_ENTRY: Final = struct.Struct("<QII")
_CHECK: Final = struct.Struct("<I")
_MOST_LEVELS: Final = 16
_FIRST_READ: Final = 1 << 12  # header and index of a page of 250 tiles


class TornPack(Exception):
    """The file is not a whole tile pack: cut, altered or something else."""


class Source(Protocol):
    """Bytes of which parts are read, wherever they are."""

    @property
    def size(self) -> int: ...

    def read(self, start: int, length: int, /) -> bytes:
        """``length`` bytes from ``start``; fewer where they end before."""


@dataclass(frozen=True)
class Held:
    """Bytes in memory, as a source."""

    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)

    def read(self, start: int, length: int, /) -> bytes:
        return self.content[start : start + length]


def pyramid(rgb: Pixels) -> tuple[Pixels, ...]:
    """Return the page (H x W x 3) and its halves, the last of which fits into one tile."""
    levels = [rgb]
    while max(levels[-1].shape[:2]) > TILE:
        levels.append(half(levels[-1]))
    return tuple(levels)


def half(picture: Pixels) -> Pixels:
    """Return the picture at half its size, rounded up; each pixel is the mean of four."""
    tall, wide = picture.shape[:2]
    if tall % 2 or wide % 2:
        picture = cv2.copyMakeBorder(picture, 0, tall % 2, 0, wide % 2, cv2.BORDER_REPLICATE)
    size = ((wide + 1) // 2, (tall + 1) // 2)
    return cast("Pixels", cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def make_pack(rgb: Pixels, *, levels: Sequence[Pixels] | None = None) -> bytes:
    """Cut a page (H x W x 3, 8 bit) into a pack. ``levels`` is its pyramid where it exists."""
    levels = pyramid(rgb) if levels is None else levels
    tiles = [
        simplejpeg.encode_jpeg(
            np.ascontiguousarray(level[top : top + TILE, left : left + TILE]),
            quality=QUALITY,
            colorsubsampling="420",
        )
        for level in levels
        for top in range(0, level.shape[0], TILE)
        for left in range(0, level.shape[1], TILE)
    ]
    start = _HEADER.size + _ENTRY.size * len(tiles) + _CHECK.size
    entries, offset = [], start
    for tile in tiles:
        entries.append(_ENTRY.pack(offset, len(tile), zlib.crc32(tile)))
        offset += len(tile)
    tall, wide = rgb.shape[:2]
    head = _HEADER.pack(_MAGIC, TILE, len(levels), wide, tall, len(tiles), offset)
    head += b"".join(entries)
    return b"".join((head, _CHECK.pack(zlib.crc32(head)), *tiles))


@dataclass(frozen=True)
class _Level:
    columns: int
    rows: int
    first: int  # place of its first tile in the index


class TilePack:
    """A pack, of which tiles are read. Raises TornPack when it is not a whole one."""

    def __init__(self, source: Source) -> None:
        self._source = source
        first = source.read(0, _FIRST_READ)
        if len(first) < _HEADER.size or not first.startswith(_MAGIC):
            raise TornPack("this is no tile pack")
        _, tile, levels, wide, tall, count, size = _HEADER.unpack_from(first)
        end = _HEADER.size + _ENTRY.size * count + _CHECK.size
        if end > len(first):
            first = source.read(0, end)
        head, rest = first[: _HEADER.size], first[_HEADER.size : end]
        self.width: int = wide
        self.height: int = tall
        self.tile_size: int = tile
        self.levels: int = levels
        if (
            len(rest) != _ENTRY.size * count + _CHECK.size
            or zlib.crc32(head + rest[: -_CHECK.size]) != _CHECK.unpack(rest[-_CHECK.size :])[0]
        ):
            raise TornPack("the index of a tile pack is damaged")
        if source.size != size:
            raise TornPack("a tile pack is not as long as it was made")
        self._levels = _layout(wide, tall, levels)
        if sum(level.columns * level.rows for level in self._levels) != count:
            raise TornPack("the index of a tile pack does not fit its page")
        self._index = tuple(_ENTRY.iter_unpack(rest[: -_CHECK.size]))

    def level_size(self, level: int) -> tuple[int, int]:
        """Return width and height of a level in pixels. Raises KeyError when there is none."""
        if not 0 <= level < self.levels:
            raise KeyError(level)
        return _halved(self.width, level), _halved(self.height, level)

    def tile(self, level: int, column: int, row: int) -> bytes:
        """Return one tile as JPEG.

        Raises KeyError for a level, IndexError for a place that does not exist, and TornPack when
        the tile is not as it was made.
        """
        if not 0 <= level < self.levels:
            raise KeyError(level)
        grid = self._levels[level]
        if not (0 <= column < grid.columns and 0 <= row < grid.rows):
            raise IndexError(f"no tile {column},{row} on level {level}")
        offset, length, check = self._index[grid.first + row * grid.columns + column]
        found = self._source.read(offset, length)
        if len(found) != length or zlib.crc32(found) != check:
            raise TornPack(f"tile {level}/{column}/{row} is damaged")
        return found


def _halved(size: int, times: int) -> int:
    return -(-size // (1 << times))  # halving and rounding up, time after time, comes to this


def _layout(wide: int, tall: int, levels: int) -> tuple[_Level, ...]:
    if not (wide and tall and 0 < levels <= _MOST_LEVELS):
        raise TornPack("a tile pack without a page")
    layout, first = [], 0
    for level in range(levels):
        columns, rows = (-(-_halved(size, level) // TILE) for size in (wide, tall))
        layout.append(_Level(columns, rows, first))
        first += columns * rows
    return tuple(layout)
