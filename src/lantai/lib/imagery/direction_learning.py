"""Learn which way up a character stands: ``python -m lantai.lib.imagery.direction_learning``.

Writes ``direction.npz`` beside this file, in half a minute. The characters are the 3,755 common
ones of GB/T 2312 level 1, and Latin letters and digits by how often they occur, drawn from the
fonts the product carries (and the Latin one inside Pillow), bent and worn as handwriting, print
and scanning do. Nothing else is learned from: no scan, no picture of anyone's paper. Chance is
seeded; another machine may round the last digits otherwise.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pylopdf_fonts_zh_cn
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lantai.lib.imagery.direction import Model, log_odds
from lantai.lib.imagery.glyphs import FEATURES, Features, describe, fitted
from lantai.lib.imagery.upright import Pixels

_FONTS: Final = Path(pylopdf_fonts_zh_cn.__file__).parent
_CANVAS: Final = 96
_HIDDEN: Final = 48
_TIMES_A_CHARACTER: Final = 4
# How often letters occur in a thousand letters of common English text.
_LETTERS: Final = "etaonshrdiculmwfgypbvkxqjz"
_OFTEN: Final = (
    *(120, 90, 80, 75, 70, 63, 60, 60, 43, 40, 28, 28, 20),
    *(24, 23, 22, 20, 20, 19, 15, 10, 8, 4, 4, 4, 4),
)
_LATIN: Final = (
    dict(zip(_LETTERS, _OFTEN, strict=True))
    | dict.fromkeys("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 8)
    | dict.fromkeys("0123456789", 20)
)
_LATIN_SHARE: Final = 3


def common_characters() -> tuple[str, ...]:
    """Return the characters of GB/T 2312 level 1 (rows 16 to 55)."""
    found = []
    for row in range(0xB0, 0xD8):
        for place in range(0xA1, 0xFF):
            try:
                found.append(bytes((row, place)).decode("gb2312"))
            except UnicodeDecodeError:
                continue
    return tuple(found)


def worn_glyphs(chance: np.random.Generator) -> Iterator[Pixels]:
    """Draw the characters to learn from, each fitted."""
    latin = {letter: times * _LATIN_SHARE for letter, times in _LATIN.items()}
    both = dict.fromkeys(common_characters(), _TIMES_A_CHARACTER) | latin
    for name, often in (
        ("NotoSansSC-Regular.otf", both),
        ("NotoSerifSC-Regular.otf", both),
        ("", latin),
    ):
        font = ImageFont.truetype(str(_FONTS / name), 72) if name else _latin_font()
        for character, times in often.items():
            drawn = _drawn(character, font)
            for _ in range(times):
                glyph = _cut_out(_worn(drawn, chance))
                if glyph is not None:
                    yield fitted(glyph)


def _latin_font() -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(72)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType")
    return font


def _drawn(character: str, font: ImageFont.FreeTypeFont) -> Pixels:
    picture = Image.new("L", (_CANVAS, _CANVAS))
    ImageDraw.Draw(picture).text((_CANVAS / 2, _CANVAS / 2), character, 255, font, anchor="mm")
    return np.asarray(picture)


def _worn(glyph: Pixels, chance: np.random.Generator) -> Pixels:
    """Tilt, slant, stretch and bend, thicken or thin, scan small, blur, fade, add noise."""
    tilt, slant = np.radians(chance.normal(0, 3)), chance.normal(0, 0.1)
    wide, tall = chance.uniform(0.8, 1.2, 2)
    frame = np.array(
        [[wide * np.cos(tilt), slant - np.sin(tilt), 0], [np.sin(tilt), tall * np.cos(tilt), 0]]
    )
    frame[:, 2] = _CANVAS / 2 - frame[:, :2] @ [_CANVAS / 2, _CANVAS / 2]
    glyph = cv2.warpAffine(glyph, frame, (_CANVAS, _CANVAS))
    bent = chance.uniform(0, 6)
    down, across = np.mgrid[0:_CANVAS, 0:_CANVAS].astype(np.float32)
    glyph = cv2.remap(
        glyph, across + bent * _waves(chance), down + bent * _waves(chance), cv2.INTER_LINEAR
    )
    thick = int(chance.integers(-1, 4))
    if thick > 0:
        pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * thick + 1, 2 * thick + 1))
        glyph = cv2.dilate(glyph, pen)
    elif thick < 0:
        glyph = cv2.erode(glyph, np.ones((2, 2), np.uint8))
    side = int(chance.integers(14, 34))
    small = cv2.resize(glyph, (side, side), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), chance.uniform(0.3, 1.0)).astype(np.float32)
    small = small * chance.uniform(0.6, 1) + chance.normal(0, 8, small.shape)
    return np.clip(small, 0, 255).astype(np.uint8)


def _waves(chance: np.random.Generator) -> NDArray[np.float32]:
    coarse = chance.normal(0, 1, (6, 6)).astype(np.float32)
    smooth = cv2.resize(coarse, (_CANVAS, _CANVAS), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.GaussianBlur(smooth, (0, 0), 2), np.float32)


def _cut_out(glyph: Pixels) -> Pixels | None:
    inked = glyph > 70
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    if len(rows) < 5 or len(columns) < 5:
        return None
    return glyph[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def learn(features: Features, *, rounds: int = 14, seed: int = 1) -> Model:
    """Fit the model to n x 4 x 128 descriptions whose first side is the right one.

    One hidden layer shared by the four sides, cross-entropy over them, Adam (Kingma and Ba 2015).
    """
    chance = np.random.default_rng(seed)
    weights = [
        chance.normal(0, 2 * FEATURES**-0.5, (FEATURES, _HIDDEN)).astype(np.float32),
        np.zeros(_HIDDEN, np.float32),
        chance.normal(0, _HIDDEN**-0.5, _HIDDEN).astype(np.float32),
    ]
    mean = [np.zeros_like(weight) for weight in weights]
    square = [np.zeros_like(weight) for weight in weights]
    step = 0
    for turn in range(rounds):
        rate = 0.01 * (1 - 0.9 * turn / rounds)
        for chosen in np.array_split(chance.permutation(len(features)), len(features) // 256):
            step += 1
            for k, slope in enumerate(_slopes(features[chosen], weights)):
                slope += 1e-4 * weights[k]  # noqa: PLW2901
                mean[k] = 0.9 * mean[k] + 0.1 * slope
                square[k] = 0.999 * square[k] + 0.001 * slope * slope
                ahead = mean[k] / (1 - 0.9**step)
                weights[k] -= rate * ahead / (np.sqrt(square[k] / (1 - 0.999**step)) + 1e-8)
    return Model(*weights)


def _slopes(
    features: Features, weights: list[NDArray[np.float32]]
) -> tuple[NDArray[np.float32], ...]:
    hidden = features @ weights[0] + weights[1]
    shown = np.maximum(hidden, 0)
    wrong = np.exp(log_odds(features, Model(*weights)))
    wrong[:, 0] -= 1
    wrong /= len(features)
    back = wrong[..., None] * weights[2] * (hidden > 0)
    flat = features.reshape(-1, FEATURES)
    return (
        flat.T @ back.reshape(-1, _HIDDEN),
        back.sum(axis=(0, 1)),
        np.einsum("nkh,nk->h", shown, wrong),
    )


def main() -> None:
    """Learn and write the model."""
    glyphs = np.array(list(worn_glyphs(np.random.default_rng(1))))
    parts = [describe(glyphs[start : start + 4000]) for start in range(0, len(glyphs), 4000)]
    learn(np.concatenate(parts)).save(Path(__file__).with_name("direction.npz"))


if __name__ == "__main__":
    main()
