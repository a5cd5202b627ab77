"""The engine: PP-OCRv6 (small), run by ONNX Runtime on one thread.

The models come in the wheel of rapidocr; only its files are taken. Its own code is not imported,
since it can fetch models over the network, and a line needs no more than what stands here.
"""

import hashlib
from collections.abc import Iterator
from functools import cached_property
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lantai.lib.imagery.upright import Pixels, Region
from lantai.lib.reading.engine import EngineMissing, Letter, Line

# The two files this engine was measured with; any other is refused, so that a record that names
# the engine says what read the page.
RECOGNISER: Final = (
    "PP-OCRv6_rec_small.onnx",
    "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
)
DETECTOR: Final = (
    "PP-OCRv6_det_small.onnx",
    "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
)

_LINE_HIGH: Final = 48
_STEP: Final = 8  # the recogniser gives one column for eight pixels of width
_WIDEST: Final = 3200
_NARROWEST: Final = 64
_GRID: Final = 32  # the detector halves five times
_INKED: Final = 0.3
_SURE: Final = 0.5
_SMALLEST: Final = 3
_GROWN: Final = 1.6  # the detector marks the kernel of a line; its outline lies this much further


class PpOcr:
    """One recogniser and one detector, loaded when first used."""

    @property
    def name(self) -> str:
        """Engine and models, as a record of what was read should carry them."""
        return f"PP-OCRv6 small {RECOGNISER[1][:8]}/{DETECTOR[1][:8]}"

    @cached_property
    def _recogniser(self) -> Any:
        return _session(*RECOGNISER)

    @cached_property
    def _characters(self) -> list[str]:
        listed = self._recogniser.get_modelmeta().custom_metadata_map["character"].split("\n")
        return ["", *listed, " "]

    @cached_property
    def _detector(self) -> Any:
        return _session(*DETECTOR)

    def read(self, line: Pixels) -> Line:
        """Read one upright line (H x W, grey). Places are in the pixels handed in."""
        tall, wide = line.shape
        scale = _LINE_HIGH / tall
        width = min(_WIDEST, max(1, round(wide * scale)))
        shrinks = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        resized = cv2.resize(line, (width, _LINE_HIGH), interpolation=shrinks)
        padded = np.zeros((_LINE_HIGH, max(_NARROWEST, -(-width // _STEP) * _STEP)), np.float32)
        padded[:, :width] = resized.astype(np.float32) / 127.5 - 1
        blob = np.repeat(padded[None, None], 3, axis=1)
        (columns,) = self._recogniser.run(None, {"x": blob})
        return Line(tuple(self._letters(columns[0], _STEP * wide / width)))

    def _letters(self, columns: NDArray[np.float32], step: float) -> Iterator[Letter]:
        """One letter for each run of columns with the same best character that is no blank."""
        best = columns.argmax(axis=1)
        at = 0
        for character, run in groupby(best.tolist()):
            length = len(list(run))
            if character:
                sure = float(columns[at : at + length, character].max())
                yield Letter(self._characters[character], sure, at * step, (at + length) * step)
            at += length

    def find(self, page: Pixels) -> tuple[Region, ...]:
        """Return where lines stand on an upright page (H x W, grey), in its pixels."""
        tall, wide = page.shape
        size = (max(_GRID, round(wide / _GRID) * _GRID), max(_GRID, round(tall / _GRID) * _GRID))
        resized = cv2.resize(page, size, interpolation=cv2.INTER_AREA)
        blob = np.repeat((resized.astype(np.float32) / 127.5 - 1)[None, None], 3, axis=1)
        (ink,) = self._detector.run(None, {"x": blob})
        return _boxes(ink[0, 0], wide / size[0], tall / size[1])


def _boxes(ink: NDArray[np.float32], across: float, down: float) -> tuple[Region, ...]:
    """Return the outlines of the spots the detector is sure of, scaled, from the top."""
    spots = cv2.dilate((ink > _INKED).astype(np.uint8), np.ones((2, 2), np.uint8))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(spots)
    sure = np.bincount(parts.ravel(), weights=ink.ravel(), minlength=count)
    found = []
    tall, wide = ink.shape
    for part in range(1, count):
        x, y, box_wide, box_high, area = (int(each) for each in stats[part])
        if min(box_wide, box_high) < _SMALLEST or sure[part] / area < _SURE:
            continue
        grown = _GROWN * box_wide * box_high / (2 * (box_wide + box_high))
        left, top = max(0.0, x - grown), max(0.0, y - grown)
        right, bottom = min(wide, x + box_wide + grown), min(tall, y + box_high + grown)
        found.append(
            (
                round(left * across),
                round(top * down),
                max(1, round((right - left) * across)),
                max(1, round((bottom - top) * down)),
            )
        )
    return tuple(sorted(found, key=lambda box: (box[1], box[0])))


def _session(name: str, digest: str) -> Any:
    """Open a model of the wheel; EngineMissing if it is absent or another."""
    found = find_spec("rapidocr")
    folders = found.submodule_search_locations if found else None
    path = Path(folders[0], "models", name) if folders else Path(name)
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != digest:
        raise EngineMissing(
            f"文字识别模型 {name} 缺失或与本版本所用的不同；请重新安装 lantai[ocr] 后重新启动"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # every line has another width
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
