"""Laying one scan upon another to a fraction of a pixel.

A similarity is not enough: feeding bends a page by a pixel or two. Shifts of blocks are measured
by phase correlation and fitted by a smooth cubic field, robustly, so that something written or
erased cannot bend it; then each character may still move by two pixels.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from lantai.lib.imagery.compare_ink import Layers
from lantai.lib.imagery.upright import Pixels

Field = NDArray[np.float32]

_BLOCK: Final = 96
_COARSE: Final = 16
_SURE_OF_SHIFT: Final = 0.25
_FARTHEST: Final = 10.0
_FEWEST_BLOCKS: Final = 14
_CUBIC_FROM: Final = 40
_WINDOW, _STEP, _SLACK = 48, 24, 2
_INKED: Final = 60


def lay_on(a: Layers, b: Layers, frame: NDArray[np.float64]) -> Layers:
    """Return B's layers as they lie on A; ``frame`` (2 x 3) takes B's working pixels to A's."""
    tall, wide = a.ink.shape
    # Red counts here too: often only seals and ruled lines reach the foot of a page.
    placed = cv2.warpAffine(b.any_ink, frame, (wide, tall), flags=cv2.INTER_LINEAR)
    across, down = _bend(a.any_ink, placed)
    rows, columns = np.mgrid[0:tall, 0:wide].astype(np.float32)
    rows, columns = rows + down, columns + across
    back = cv2.invertAffineTransform(frame).astype(np.float32)
    from_x = back[0, 0] * columns + back[0, 1] * rows + back[0, 2]
    from_y = back[1, 0] * columns + back[1, 1] * rows + back[1, 2]
    whole, parts = cv2.convertMaps(from_x, from_y, cv2.CV_16SC2)

    def drawn(picture: Pixels, how: int) -> Pixels:
        return np.asarray(cv2.remap(picture, whole, parts, how))

    return Layers(
        ink=drawn(b.ink, cv2.INTER_LINEAR),
        red=drawn(b.red, cv2.INTER_LINEAR),
        sheet=drawn(b.sheet, cv2.INTER_NEAREST),
        scale=a.scale,
    )


def _bend(a: Pixels, b: Pixels) -> tuple[Field, Field]:
    """Return by how much B must be looked up aside to fit A, per pixel, across and down."""
    tall, wide = a.shape
    places, shifts = _block_shifts(a, b)
    rows, columns = np.mgrid[0:tall:_COARSE, 0:wide:_COARSE].astype(np.float64)
    if len(places) < _FEWEST_BLOCKS:
        nothing = np.zeros((tall, wide), np.float32)
        return nothing, nothing
    order = 3 if len(places) >= _CUBIC_FROM else 1
    terms = _terms(places[:, 0] / wide, places[:, 1] / tall, order)
    weights = np.ones(len(places))
    for _ in range(6):
        factors = np.linalg.lstsq(terms * weights[:, None], shifts * weights[:, None], rcond=None)[
            0
        ]
        off = np.hypot(*(shifts - terms @ factors).T)
        weights = 1 / (1 + (off / 0.5) ** 2)
    field = (_terms(columns / wide, rows / tall, order) @ factors).astype(np.float32)
    across, down = (
        cv2.resize(
            np.ascontiguousarray(field[..., k]), (wide, tall), interpolation=cv2.INTER_LINEAR
        )
        for k in (0, 1)
    )
    return across, down


def _block_shifts(a: Pixels, b: Pixels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    tall, wide = a.shape
    fading = cv2.createHanningWindow((_BLOCK, _BLOCK), cv2.CV_32F)
    places, shifts = [], []
    for top in range(8, tall - _BLOCK, _BLOCK):
        for left in range(8, wide - _BLOCK, _BLOCK):
            part = np.s_[top : top + _BLOCK, left : left + _BLOCK]
            if np.count_nonzero(a[part] > _INKED) < 120:
                continue
            (across, down), sure = cv2.phaseCorrelate(
                a[part].astype(np.float32), b[part].astype(np.float32), fading
            )
            if sure > _SURE_OF_SHIFT and max(abs(across), abs(down)) < _FARTHEST:
                places.append((left + _BLOCK / 2, top + _BLOCK / 2))
                shifts.append((across, down))
    return np.array(places).reshape(-1, 2), np.array(shifts).reshape(-1, 2)


def _terms(x: NDArray[np.float64], y: NDArray[np.float64], order: int) -> NDArray[np.float64]:
    x, y = 2 * x - 1, 2 * y - 1
    return np.stack([x**i * y**j for i in range(order + 1) for j in range(order + 1 - i)], axis=-1)


def settle(a: Layers, b: Layers) -> Layers:
    """Let each character of B move by up to two pixels to where it fits A best."""
    shift = _small_shifts(a.any_ink, b.any_ink)
    if shift is None:
        return b
    tall, wide = a.ink.shape
    rows, columns = np.mgrid[0:tall, 0:wide].astype(np.float32)
    rows, columns = rows - shift[1], columns - shift[0]
    ink, red = (
        np.asarray(cv2.remap(layer, columns, rows, cv2.INTER_LINEAR)) for layer in (b.ink, b.red)
    )
    return Layers(ink=ink, red=red, sheet=b.sheet, scale=b.scale)


def _small_shifts(a: Pixels, b: Pixels) -> tuple[Field, Field] | None:
    """Return by how much each pixel of B moves to fit A, across and down, smoothly."""
    tall, wide = a.shape
    down = (tall - _WINDOW - 2 * _SLACK) // _STEP + 1
    across = (wide - _WINDOW - 2 * _SLACK) // _STEP + 1
    if down < 1 or across < 1:
        return None
    shifts = np.zeros((2, down, across), np.float32)
    trust = np.zeros((down, across), np.float32)
    ink = cv2.boxFilter(
        (a > _INKED).astype(np.float32), cv2.CV_32F, (_WINDOW, _WINDOW), normalize=False
    )
    for row in range(down):
        for column in range(across):
            top, left = _SLACK + row * _STEP, _SLACK + column * _STEP
            if ink[top + _WINDOW // 2, left + _WINDOW // 2] < _INKED:
                continue
            around = a[
                top - _SLACK : top + _WINDOW + _SLACK, left - _SLACK : left + _WINDOW + _SLACK
            ]
            window = b[top : top + _WINDOW, left : left + _WINDOW]
            fit = cv2.matchTemplate(around, window, cv2.TM_CCOEFF_NORMED)
            best = int(fit.argmax())
            if fit.flat[best] >= 0.5:
                trust[row, column] = fit.flat[best]
                shifts[:, row, column] = _peak(fit, best)
    smooth = cv2.GaussianBlur(trust, (0, 0), 1.2) + np.float32(1e-3)
    middle = _SLACK + _WINDOW / 2
    grow = np.array([[_STEP, 0, middle], [0, _STEP, middle]], np.float32)
    across_field, down_field = (
        cv2.warpAffine(
            cv2.GaussianBlur(shift * trust, (0, 0), 1.2) / smooth,
            grow,
            (wide, tall),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for shift in shifts
    )
    return across_field, down_field


def _peak(fit: NDArray[np.float32], best: int) -> tuple[float, float]:
    """Return the shift (across, down) of the best fit, to a part of a pixel where it can be."""
    row, column = divmod(best, fit.shape[1])
    across, down = float(column - _SLACK), float(row - _SLACK)
    if 0 < column < fit.shape[1] - 1:
        across += _vertex(*fit[row, column - 1 : column + 2].tolist())
    if 0 < row < fit.shape[0] - 1:
        down += _vertex(*fit[row - 1 : row + 2, column].tolist())
    return across, down


def _vertex(before: float, at: float, after: float) -> float:
    bent = before - 2 * at + after
    return 0.5 * (before - after) / bent if bent < 0 else 0.0
