"""Single characters of a page, and what their strokes look like from each of four sides.

A character is described by how strong its edges are in each of eight directions in 4 x 4 cells
(after the histograms of oriented gradients of Dalal and Triggs, CVPR 2005). Turning a character
by a quarter only moves the cells and shifts the directions, so one description serves all four
ways up.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from lantai.lib.imagery.upright import Pixels

SIDE: Final = 32  # a character is brought to 32 x 32 pixels, its aspect kept
DIRECTIONS: Final = 8
CELLS: Final = 4
FEATURES: Final = CELLS * CELLS * DIRECTIONS
_MARGIN: Final = 2
# At 150 dpi: characters of 1.5 to 8.5 mm; ruled lines are longer than 7.5 mm.
_SMALLEST, _LARGEST, _RULE = 9, 50, 45
_STRIP: Final = 180
_INKED: Final = 60

Features = NDArray[np.float32]


def find_glyphs(ink: Pixels, *, most: int) -> Pixels:
    """Cut up to ``most`` separate characters out of an ink map (0 paper to 255) at 150 dpi.

    Returns n x 32 x 32. Strips of the page are taken from the most written on, so that a full page
    costs no more than a sparse one.
    """
    strips = [ink[top : top + _STRIP] for top in range(0, ink.shape[0], _STRIP)]
    strips.sort(key=lambda strip: -int(np.count_nonzero(strip > _INKED)))
    found: list[Pixels] = []
    for strip in strips:
        if len(found) >= most:
            break
        found += _in_strip(strip)
    return np.array(found[:most], np.uint8).reshape(-1, SIDE, SIDE)


def _in_strip(ink: Pixels) -> list[Pixels]:
    written = (ink > _INKED).astype(np.uint8)
    rules = cv2.bitwise_or(
        cv2.morphologyEx(written, cv2.MORPH_OPEN, np.ones((1, _RULE), np.uint8)),
        cv2.morphologyEx(written, cv2.MORPH_OPEN, np.ones((_RULE, 1), np.uint8)),
    )
    kept = 1 - cv2.dilate(rules, np.ones((3, 3), np.uint8))
    written, ink = written * kept, ink * kept
    _, _, boxes, _ = cv2.connectedComponentsWithStats(written)
    boxes = boxes[1:]
    wide, tall, area = boxes[:, 2], boxes[:, 3], boxes[:, 4]
    short, long = np.minimum(wide, tall), np.maximum(wide, tall)
    shaped = (short >= _SMALLEST) & (long <= _LARGEST) & (long < 1.7 * short)
    filled = area / (wide * tall)
    return [
        fitted(ink[y : y + h, x : x + w])
        for x, y, w, h, _ in boxes[shaped & (filled > 0.12) & (filled < 0.8)]
    ]


def fitted(glyph: Pixels) -> Pixels:
    """Bring a character to 32 x 32 pixels, centred, its aspect kept."""
    tall, wide = glyph.shape
    scale = (SIDE - 2 * _MARGIN) / max(tall, wide)
    # Even sizes stand exactly in the middle; half a pixel to one side would tell the way up.
    size = (2 * max(1, round(wide * scale / 2)), 2 * max(1, round(tall * scale / 2)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    square = np.zeros((SIDE, SIDE), np.uint8)
    left, top = (SIDE - size[0]) // 2, (SIDE - size[1]) // 2
    square[top : top + size[1], left : left + size[0]] = cv2.resize(glyph, size, interpolation=how)
    return square


def describe(glyphs: Pixels) -> Features:
    """Describe n characters from all four sides: n x 4 x 128.

    Side k is the character turned k quarters counter-clockwise.
    """
    sides = [_histograms(glyphs)]
    for _ in range(3):
        turned = np.rot90(sides[-1], 1, axes=(1, 2))
        sides.append(np.roll(turned, -DIRECTIONS // 4, axis=3))
    return np.stack(sides, axis=1).reshape(len(glyphs), 4, FEATURES)


# Each cell sees the pixels around its middle, the nearer the more.
_MIDDLES = np.arange(CELLS) * (SIDE // CELLS) + SIDE / CELLS / 2
_SHARE = np.maximum(
    0, 1 - np.abs(np.arange(SIDE)[None] + 0.5 - _MIDDLES[:, None]) / (SIDE // CELLS)
).astype(np.float32)


def _histograms(glyphs: Pixels) -> Features:
    framed = np.pad(glyphs.astype(np.float32), ((0, 0), (1, 1), (1, 1)))
    across = framed[:, 1:-1, 2:] - framed[:, 1:-1, :-2]
    down = framed[:, 2:, 1:-1] - framed[:, :-2, 1:-1]
    strength = np.sqrt(across * across + down * down)
    direction = np.arctan2(down, across) * np.float32(DIRECTIONS / (2 * np.pi))
    below = np.floor(direction)
    # Each edge counts for the two directions it lies between, the nearer the more.
    upper = strength * (direction - below)
    lower = strength - upper
    nearest = (below.astype(np.int8) % DIRECTIONS).astype(np.int8)
    cells = np.empty((len(glyphs), CELLS, CELLS, DIRECTIONS), np.float32)
    for k in range(DIRECTIONS):
        share = lower * (nearest == k) + upper * (nearest == (k - 1) % DIRECTIONS)
        cells[..., k] = _SHARE @ share @ _SHARE.T
    cells = np.sqrt(cells)
    lengths = np.linalg.norm(cells.reshape(len(glyphs), -1), axis=1)
    return cells / (lengths[:, None, None, None] + np.float32(1e-6))
