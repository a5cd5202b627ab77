"""Type and handwriting: glyphs as grey masks, drawn once at one size and then only reduced.

Two faces of the locked font package are always there. A ``node_modules`` folder adds bold weights
(variable fonts in slices) and pen hands. A face that lacks a character hands it down to the next of
its row, which ends at a face with all of the basic block and extension A, so rare names show.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import pylopdf_fonts_zh_cn
from PIL import Image, ImageDraw, ImageFont

Mask = npt.NDArray[np.uint8]

MASTER: Final = 128  # pixels an em at which every glyph is drawn first
_WHOLE: Final = Path(pylopdf_fonts_zh_cn.__file__).parent


class Face(StrEnum):
    """What a text is set or written in."""

    SONG = "song"  # printed forms
    SONG_BOLD = "song-bold"  # their titles
    HEI_BOLD = "hei-bold"  # titles of the nineties
    HAND = "hand"  # running hand


@dataclass(frozen=True)
class Glyph:
    """A grey mask, how far its left edge lies from the pen and its top above the baseline."""

    mask: Mask
    left: float
    rise: float
    advance: float


@dataclass(frozen=True)
class _Cut:
    """One file to draw from. ``covers`` is None for a file that has every character needed."""

    file: Path
    weight: int | None = None
    enlarged: float = 1.0
    index: tuple[tuple[int, int, Path], ...] | None = None

    def file_of(self, code: int) -> Path | None:
        if self.index is None:
            return self.file
        for first, last, file in self.index:
            if first <= code <= last:
                return file
        return None


class Typecase:
    """All faces there are with or without a ``node_modules`` folder."""

    def __init__(self, folder: Path | None) -> None:
        self._rows = {face: tuple(_row(face, folder)) for face in Face}
        self._fonts: dict[tuple[Path, int | None], ImageFont.FreeTypeFont] = {}
        self._masters: dict[tuple[Face, str], Glyph] = {}
        self._sized: dict[tuple[Face, str, int], Glyph] = {}

    def glyph(self, face: Face, letter: str, size: int) -> Glyph:
        """Return a letter at ``size`` pixels an em. The mask is shared: do not write into it."""
        key = (face, letter, size)
        found = self._sized.get(key)
        if found is None:
            found = self._sized[key] = _reduced(self.master(face, letter), size)
        return found

    def master(self, face: Face, letter: str) -> Glyph:
        """Return a letter at MASTER pixels an em."""
        found = self._masters.get((face, letter))
        if found is None:
            found = self._masters[face, letter] = self._drawn(face, letter)
        return found

    def _drawn(self, face: Face, letter: str) -> Glyph:
        for cut in self._rows[face]:
            file = cut.file_of(ord(letter))
            if file is None:
                continue
            font = self._font(file, cut.weight, cut.enlarged)
            left, top, right, bottom = font.getbbox(letter, anchor="ls")
            canvas = Image.new("L", (max(1, int(right - left)) + 2, max(1, int(bottom - top)) + 2))
            pen = ImageDraw.Draw(canvas)
            pen.text((1 - left, 1 - top), letter, 255, font=font, anchor="ls")
            mask = np.asarray(canvas)
            if mask.any():  # some fonts carry empty glyphs for signs they never drew
                return Glyph(mask, left - 1.0, 1.0 - top, float(font.getlength(letter)))
        raise ValueError(f"字体中没有“{letter}”字")

    def _font(self, file: Path, weight: int | None, enlarged: float) -> ImageFont.FreeTypeFont:
        found = self._fonts.get((file, weight))
        if found is None:
            size = MASTER * enlarged
            found = ImageFont.truetype(str(file), size, layout_engine=ImageFont.Layout.BASIC)
            if weight is not None:
                found.set_variation_by_axes([weight])
            self._fonts[file, weight] = found
        return found


@cache
def typecase(folder: Path | None) -> Typecase:
    """The one typecase of a process for this folder: glyphs are drawn once."""
    return Typecase(folder)


def _reduced(master: Glyph, size: int) -> Glyph:
    scale = size / MASTER
    high, wide = (max(1, round(side * scale)) for side in master.mask.shape)
    mask = cv2.resize(master.mask, (wide, high), interpolation=cv2.INTER_AREA)
    return Glyph(
        mask.astype(np.uint8), master.left * scale, master.rise * scale, master.advance * scale
    )


def _row(face: Face, folder: Path | None) -> Iterator[_Cut]:
    """Where a face looks for a character, first to last."""
    serif = _Cut(_WHOLE / "NotoSerifSC-Regular.otf")
    sans = _Cut(_WHOLE / "NotoSansSC-Regular.otf")
    match face:
        case Face.SONG:
            yield serif
        case Face.SONG_BOLD:
            yield from _slices(folder, "noto-serif-sc", 700)
            yield serif
        case Face.HEI_BOLD:
            yield from _slices(folder, "noto-sans-sc", 650)
            yield sans
        case Face.HAND:
            yield from _pen_hand(folder, "long-cang")
            yield from _slices(folder, "noto-serif-sc", 300)
            yield serif


def _pen_hand(folder: Path | None, name: str) -> Iterator[_Cut]:
    if folder is None:
        return
    files = folder / "@fontsource" / name / "files"
    whole = files / f"{name}-chinese-simplified-400-normal.woff2"
    if whole.is_file():
        covered = _covered(files.parent / "unicode.json")
        # Pen hands sit small on their em; enlarged they stand beside type of the same size.
        yield _Cut(whole, None, 1.3, tuple((first, last, whole) for first, last in covered))


def _slices(folder: Path | None, name: str, weight: int) -> Iterator[_Cut]:
    if folder is None:
        return
    root = folder / "@fontsource-variable" / name
    if not (root / "unicode.json").is_file():
        return
    index: list[tuple[int, int, Path]] = []
    for key, ranges in json.loads((root / "unicode.json").read_text()).items():
        file = root / "files" / f"{name}-{key.strip('[]')}-wght-normal.woff2"
        index.extend((first, last, file) for first, last in _ranges(ranges))
    yield _Cut(root, weight, 1.0, tuple(index))


def _covered(unicode_json: Path) -> list[tuple[int, int]]:
    if not unicode_json.is_file():
        return []
    parts = json.loads(unicode_json.read_text()).values()
    return [pair for part in parts for pair in _ranges(part)]


def _ranges(text: str) -> Iterator[tuple[int, int]]:
    for part in text.split(","):
        first, _, last = part.strip().removeprefix("U+").partition("-")
        yield int(first, 16), int(last or first, 16)
