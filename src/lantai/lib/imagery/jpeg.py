"""The structure of a JPEG file, walked marker by marker without decoding a pixel.

A decoder stops at the end-of-image marker and never sees what follows it, and several decoders
fill up what a cut file lacks. Walking finds both. Source: ITU-T T.81 annex B; JFIF 1.02; Exif 2.32.
"""

import re
import struct
from dataclasses import dataclass
from typing import Final

from lantai.lib.imagery.directory import (
    NOTHING,
    BrokenDirectory,
    Directory,
    Dpi,
    first_directory,
    sane_dpi,
)

_NEXT_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # neither stuffing nor restart
_START, _END, _SCAN, _TABLES = 0xD8, 0xD9, 0xDA, 0xDB
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE: Final = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
# Each scan of a progressive file costs a pass over the whole picture; encoders write about ten.
_MOST_SCANS: Final = 100
_CREATOR: Final = re.compile(rb"CreatorTool(?:>|=[\"'])([^<\"']{1,100})")


class BrokenJpeg(ValueError):
    """The file is not a whole JPEG file; the text is a Chinese clause saying why."""


@dataclass(frozen=True)
class Structure:
    """What the markers say.

    ``luminance`` is the quantisation table of the first component in zigzag order, empty when
    none; ``tools`` are the names of software that left a trace.
    """

    width: int
    height: int
    components: int
    progressive: bool
    dpi: Dpi | None
    orientation: int
    luminance: tuple[int, ...]
    tools: tuple[str, ...]


@dataclass
class _Seen:
    width: int = 0
    height: int = 0
    components: int = 0
    progressive: bool = False
    jfif: Dpi | None = None
    exif: Directory = NOTHING
    luminance: tuple[int, ...] = ()
    tools: tuple[str, ...] = ()
    scans: int = 0


def walk(content: bytes) -> Structure:
    """Read the structure of a whole JPEG file. Raises BrokenJpeg for a cut or continued one."""
    seen = _Seen()
    at = 2
    while True:
        at, marker = _marker(content, at)
        if marker == _END:
            break
        if marker == _START:
            raise BrokenJpeg("文件中间又出现了另一个图像的开头")
        if marker in _BARE:
            continue
        segment = _segment(content, at)
        at += 2 + len(segment)
        _note(seen, marker, segment)
        if marker == _SCAN:
            found = _NEXT_MARKER.search(content, at)
            if found is None:
                raise BrokenJpeg("文件不完整，后半部分缺失（没有结束标记）")
            at = found.start()
    if not seen.scans:
        raise BrokenJpeg("文件中没有图像")
    if at != len(content):
        raise BrokenJpeg(f"图像结束之后还有 {len(content) - at} 字节来历不明的内容")
    return _structure(seen)


def quality(luminance: tuple[int, ...]) -> int | None:
    """Estimate the quality setting (1–100) an encoder of the IJG family used.

    The first table is the standard one scaled (ITU-T T.81 table K.1); other encoders use tables
    of their own, for which this is the setting that compresses about as hard. None: no table.
    """
    if len(luminance) != 64:
        return None
    scale = 100.0 * sum(luminance) / sum(_STANDARD)
    setting = 5000.0 / scale if scale > 100 else (200.0 - scale) / 2
    return max(1, min(100, round(setting)))


# ITU-T T.81 table K.1; the order does not matter for a sum.
_STANDARD: Final = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)


def _marker(content: bytes, at: int) -> tuple[int, int]:
    """Return the position after the marker at ``at`` and its code."""
    if at >= len(content):
        raise BrokenJpeg("文件不完整，后半部分缺失（没有结束标记）")
    if content[at] != 0xFF:
        raise BrokenJpeg(f"文件结构在第 {at} 字节处中断")
    while at < len(content) and content[at] == 0xFF:
        at += 1
    if at == len(content):
        raise BrokenJpeg("文件不完整，后半部分缺失（没有结束标记）")
    return at + 1, content[at]


def _segment(content: bytes, at: int) -> bytes:
    if at + 2 > len(content):
        raise BrokenJpeg("文件不完整，后半部分缺失")
    length = int.from_bytes(content[at : at + 2])
    if length < 2 or at + length > len(content):
        raise BrokenJpeg("文件不完整，有一段长度与实际不符")
    return content[at + 2 : at + length]


def _note(seen: _Seen, marker: int, segment: bytes) -> None:
    if marker in _FRAMES:
        _note_frame(seen, marker, segment)
    elif marker == _SCAN:
        seen.scans += 1
        if seen.scans > _MOST_SCANS:
            raise BrokenJpeg("分段异常之多，不像扫描仪生成的文件")
    elif marker == _TABLES:
        _note_tables(seen, segment)
    elif marker == 0xE0 and segment[:5] == b"JFIF\0" and len(segment) >= 12:
        unit, x, y = struct.unpack(">BHH", segment[7:12])
        scale = {1: 1.0, 2: 2.54}.get(unit)
        seen.jfif = sane_dpi(x * scale, y * scale) if scale else None
    elif marker == 0xE1 and segment[:6] == b"Exif\0\0":
        _note_exif(seen, segment[6:])
    elif marker == 0xE1 and segment[:4] == b"http":
        seen.tools += tuple(name.decode("utf-8", "replace") for name in _CREATOR.findall(segment))
    elif marker == 0xED and segment[:9] == b"Photoshop":
        seen.tools += ("Photoshop",)


def _note_frame(seen: _Seen, marker: int, segment: bytes) -> None:
    if len(segment) < 6:
        raise BrokenJpeg("图像尺寸缺失")
    if seen.components:
        raise BrokenJpeg("文件中有不止一个图像")
    seen.height, seen.width, seen.components = struct.unpack(">HHB", segment[1:6])
    seen.progressive = marker in _PROGRESSIVE


def _note_exif(seen: _Seen, block: bytes) -> None:
    # A torn Exif block says nothing about the picture; the entry is simply not there.
    try:
        seen.exif = first_directory(block)
    except BrokenDirectory:
        return
    if seen.exif.software:
        seen.tools += (seen.exif.software,)


def _note_tables(seen: _Seen, segment: bytes) -> None:
    at = 0
    while at < len(segment):
        wide, number = segment[at] >> 4, segment[at] & 15
        size = 128 if wide else 64
        table = segment[at + 1 : at + 1 + size]
        if len(table) != size:
            raise BrokenJpeg("量化表不完整")
        if number == 0 and not seen.luminance:
            seen.luminance = struct.unpack(">64H" if wide else "64B", table)
        at += 1 + size


def _structure(seen: _Seen) -> Structure:
    return Structure(
        width=seen.width,
        height=seen.height,
        components=seen.components,
        progressive=seen.progressive,
        dpi=seen.jfif or seen.exif.dpi,
        orientation=seen.exif.orientation,
        luminance=seen.luminance,
        tools=seen.tools,
    )
