"""The image file directory of TIFF, which Exif uses too: the few entries that matter here.

Read by hand, since it comes before any decoder is trusted: it only ever slices the bytes it was
given, follows no loop and allocates nothing by what the file claims. Source: TIFF 6.0 section 2;
Exif 2.32 section 4.6.
"""

import math
import struct
from dataclasses import dataclass
from typing import Final

_WIDTH, _HEIGHT, _SUBFILE = 256, 257, 254
_ORIENTATION, _X, _Y, _UNIT, _SOFTWARE = 274, 282, 283, 296, 305
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1}
_INCH, _CENTIMETRE = 2, 3
_REDUCED: Final = 1  # NewSubfileType bit 0: a smaller version of another image of the file
_MOST_ENTRIES: Final = 512
_LONGEST_TEXT: Final = 200

Dpi = tuple[float, float]


class BrokenDirectory(ValueError):
    """The directory points outside the file or in a circle."""


@dataclass(frozen=True)
class Directory:
    """What one directory says. Sizes in pixels; ``following`` is the offset of the next, or 0."""

    width: int
    height: int
    dpi: Dpi | None
    orientation: int
    software: str
    reduced: bool
    following: int


NOTHING: Final = Directory(0, 0, None, 1, "", reduced=False, following=0)


def first_directory(content: bytes) -> Directory:
    """Read the first directory of a TIFF block. Raises BrokenDirectory."""
    return _directory(content, _order(content), _offset(content, 4))


def pages(content: bytes) -> int:
    """Count the full images of a TIFF file, stopping at two. Raises BrokenDirectory for a loop."""
    seen: set[int] = set()
    offset, count = _offset(content, 4), 0
    while offset and count < 2:
        if offset in seen:
            raise BrokenDirectory("目录首尾相接")
        seen.add(offset)
        directory = _directory(content, _order(content), offset)
        count += not directory.reduced
        offset = directory.following
    return count


def sane_dpi(x: float, y: float) -> Dpi | None:
    """Return a density a scanner can mean, else None (0, absurd, not a number)."""
    if not all(math.isfinite(value) and 1 <= value <= 20_000 for value in (x, y)):
        return None
    return round(x, 2), round(y, 2)


def _order(content: bytes) -> str:
    return ">" if content[:2] == b"MM" else "<"


def _offset(content: bytes, at: int) -> int:
    if at + 4 > len(content):
        raise BrokenDirectory("文件目录缺失")
    found: int = struct.unpack_from(_order(content) + "I", content, at)[0]
    return found


def _directory(content: bytes, order: str, offset: int) -> Directory:
    if not 0 < offset <= len(content) - 2:
        raise BrokenDirectory("文件目录的位置超出文件")
    count = struct.unpack_from(order + "H", content, offset)[0]
    end = offset + 2 + 12 * count
    if count > _MOST_ENTRIES or end > len(content):
        raise BrokenDirectory("文件目录不完整")
    values: dict[int, float | str] = {}
    for at in range(offset + 2, end, 12):
        tag, kind, many = struct.unpack_from(order + "HHI", content, at)
        value = _value(content, order, kind=kind, many=many, at=at + 8)
        if value is not None:
            values.setdefault(tag, value)
    following = _offset(content, end) if end + 4 <= len(content) else 0
    return _described(values, following)


def _value(content: bytes, order: str, *, kind: int, many: int, at: int) -> float | str | None:
    """Return the first number, or the text, of one entry; None for what is of no interest."""
    size = _SIZES.get(kind, 0) * many
    if size == 0:
        return None
    if size > 4:
        at = struct.unpack_from(order + "I", content, at)[0]
    if at + min(size, 8) > len(content):
        return None
    if kind == 2:
        text = content[at : at + min(size, _LONGEST_TEXT)].split(b"\0")[0]
        return text.decode("utf-8", "replace").strip()
    if kind == 5:
        over, under = struct.unpack_from(order + "II", content, at)
        return float(over) / under if under else None
    number = {1: "B", 3: "H", 4: "I", 7: "B"}[kind]
    return float(struct.unpack_from(order + number, content, at)[0])


def _described(values: dict[int, float | str], following: int) -> Directory:
    def number(tag: int, otherwise: float) -> float:
        value = values.get(tag, otherwise)
        return value if isinstance(value, float) else otherwise

    software = values.get(_SOFTWARE, "")
    orientation = int(number(_ORIENTATION, 1))
    return Directory(
        width=int(number(_WIDTH, 0)),
        height=int(number(_HEIGHT, 0)),
        dpi=_density(number(_X, 0), number(_Y, 0), unit=int(number(_UNIT, _INCH))),
        orientation=orientation if 1 <= orientation <= 8 else 1,
        software=software if isinstance(software, str) else "",
        reduced=bool(int(number(_SUBFILE, 0)) & _REDUCED),
        following=following,
    )


def _density(x: float, y: float, *, unit: int) -> Dpi | None:
    if unit not in {_INCH, _CENTIMETRE}:
        return None
    scale = 2.54 if unit == _CENTIMETRE else 1.0
    return sane_dpi(x * scale, (y or x) * scale)
