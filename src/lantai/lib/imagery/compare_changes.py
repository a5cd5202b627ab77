"""What was written, erased, altered or sealed between two scans of one sheet.

Three ways of looking, each for what the others miss:

- *ink*: blobs of ink on one scan with none within a pixel on the other;
- *shape*: character-sized windows that stay unlike however they are moved by a pixel; this is how
  one digit made into another shows;
- *seal*: red on one scan with none near on the other.

A compact dot standing alone is dust: no scanner is free of it, and it is no alarm.
"""

import enum
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from lantai.lib.imagery.compare_ink import Layers
from lantai.lib.imagery.compare_register import settle
from lantai.lib.imagery.upright import Pixels, Region

# Thresholds were set on sheets of the tests' maker numbered 700 to 706, judged on 707 to 720.
_INK_SEEN, _INK_LEAST, _INK_PEAK = 22, 3.2, 40
_RED_SEEN, _RED_LEAST = 30, 14.0
_SHAPE_WINDOW, _SHAPE_STEP, _SHAPE_FIT, _SHAPE_LEAST = 17, 4, 0.93, 2.5
_SHAPE_CONTRAST: Final = 90.0
_DOT, _SPECK = 8, 4
_MERGE: Final = 12  # working pixels, 2 mm: what lies nearer is one finding


class Kind(enum.StrEnum):
    INK = "ink"
    SHAPE = "shape"
    SEAL = "seal"


@dataclass(frozen=True)
class Change:
    """One difference. ``region`` is in working pixels of A; ``weight`` how much of it there is."""

    kind: Kind
    region: Region
    weight: float


def changes(a: Layers, laid: Layers) -> tuple[Change, ...]:
    """Compare A with B as it lies on A; see the module for what is found."""
    both = cv2.erode(cv2.bitwise_and(a.sheet, laid.sheet), np.ones((9, 9), np.uint8))
    a, b = _within(a, both), _within(laid, both)
    b = settle(a, b)
    ours, theirs = cv2.GaussianBlur(a.ink, (0, 0), 0.9), cv2.GaussianBlur(b.ink, (0, 0), 0.9)
    theirs = _as_dark_as(ours, theirs, from_level=70)
    found = _ink(ours, theirs) + _shape(ours, theirs, both) + _seals(a.red, b.red)
    return _merged(found)


def _within(page: Layers, both: Pixels) -> Layers:
    return Layers(
        ink=cv2.bitwise_and(page.ink, both),
        red=cv2.bitwise_and(page.red, both),
        sheet=both,
        scale=page.scale,
    )


def _as_dark_as(ours: Pixels, theirs: Pixels, *, from_level: int) -> Pixels:
    """Bring B's ink to the darkness of A's where both are surely inked."""
    inked = (ours > from_level) & (cv2.erode(theirs, np.ones((3, 3), np.uint8)) > from_level // 2)
    if np.count_nonzero(inked) < 300:
        return theirs
    ratio = np.median(ours[inked].astype(np.float32) / np.maximum(theirs[inked], 1))
    return np.asarray(cv2.convertScaleAbs(theirs, alpha=float(np.clip(ratio, 0.6, 1.7))))


def _disc(across: int) -> Pixels:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (across, across)))


@dataclass(frozen=True)
class _Blob:
    region: Region
    weight: float
    peak: int
    area: int


def _blobs(left_over: Pixels, *, above: int) -> list[_Blob]:
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(
        (left_over > above).astype(np.uint8), connectivity=8
    )
    weights = np.bincount(labels.ravel(), left_over.ravel().astype(np.float64), count) / 255
    return [
        _Blob(
            region=(x, y, w, h),
            weight=float(weights[k]),
            peak=int(left_over[y : y + h, x : x + w].max()),
            area=area,
        )
        for k in range(1, count)
        if weights[k] >= 0.25
        for x, y, w, h, area in (boxes[k].tolist(),)
    ]


def _ink(ours: Pixels, theirs: Pixels) -> list[Change]:
    """Find ink without counterpart, and take dust out of both maps for what follows."""
    common = cv2.min(cv2.dilate(ours, _disc(5)), cv2.dilate(theirs, _disc(5)))
    gone = cv2.subtract(ours, cv2.dilate(theirs, _disc(3)))
    new = cv2.subtract(theirs, cv2.dilate(ours, _disc(3)))
    found = []
    for left_over, holder in ((gone, ours), (new, theirs)):
        for blob in _blobs(left_over, above=_INK_SEEN):
            x, y, w, h = blob.region
            if max(w, h) <= _DOT and blob.area > 0.45 * w * h:
                around = common[max(0, y - 5) : y + h + 5, max(0, x - 5) : x + w + 5]
                on_writing = np.count_nonzero(around > 45) >= 6
                spot = np.s_[max(0, y - 3) : y + h + 3, max(0, x - 3) : x + w + 3]
                if not on_writing:
                    holder[spot] = 0
                elif blob.weight > 1.2 or max(w, h) <= _SPECK:
                    ours[spot] = 0
                    theirs[spot] = 0
            elif blob.weight >= _INK_LEAST and blob.peak > _INK_PEAK:
                found.append(Change(Kind.INK, blob.region, blob.weight))
    return found


def _shape(ours: Pixels, theirs: Pixels, both: Pixels) -> list[Change]:
    """Find clusters of windows whose best correlation over shifts of a pixel stays low."""
    side, step = _SHAPE_WINDOW, _SHAPE_STEP
    tall, wide = ours.shape
    if min(tall, wide) < 4 * side:
        return []
    a, b = ours.astype(np.float32), theirs.astype(np.float32)
    within = np.s_[side:-side:step, side:-side:step]
    mean_a, mean_b = _mean(a), _mean(b)
    spread_b = _mean(b * b) - mean_b * mean_b
    middle = mean_a[within]
    spread_a = (_mean(a * a) - mean_a * mean_a)[within]
    best = np.full(middle.shape, -1.0, np.float32)
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            seen = np.s_[
                side - down : tall - side - down : step, side - across : wide - side - across : step
            ]
            shift = np.array([[1, 0, across], [0, 1, down]], np.float32)
            moved = cv2.warpAffine(b, shift, (wide, tall), flags=cv2.INTER_NEAREST)
            together = _mean(a * moved)[within] - middle * mean_b[seen]
            size = np.sqrt(np.maximum(spread_a, 25) * np.maximum(spread_b[seen], 25))
            best = np.maximum(best, together / size)
    judged = np.maximum(spread_a, spread_b[within]) > _SHAPE_CONTRAST
    judged &= cv2.erode(both, np.ones((side, side), np.uint8))[within] > 0
    lacking = np.where(judged, np.maximum(0, _SHAPE_FIT - best), 0).astype(np.float32)
    return _clusters(lacking)


def _clusters(lacking: NDArray[np.float32]) -> list[Change]:
    side, step = _SHAPE_WINDOW, _SHAPE_STEP
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(
        (lacking > 0).astype(np.uint8), connectivity=8
    )
    weights = np.bincount(labels.ravel(), lacking.ravel().astype(np.float64), count)
    start = side - side // 2
    return [
        Change(
            Kind.SHAPE,
            (x * step + start, y * step + start, w * step + side, h * step + side),
            float(weights[k]),
        )
        for k in range(1, count)
        if weights[k] >= _SHAPE_LEAST
        for x, y, w, h, _ in (boxes[k].tolist(),)
    ]


def _mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.boxFilter(values, cv2.CV_32F, (_SHAPE_WINDOW, _SHAPE_WINDOW)))


def _seals(ours: Pixels, theirs: Pixels) -> list[Change]:
    ours, theirs = (cv2.GaussianBlur(red, (0, 0), 1.5) for red in (ours, theirs))
    theirs = _as_dark_as(ours, theirs, from_level=50)
    left_over = (
        cv2.subtract(ours, cv2.dilate(theirs, _disc(9))),
        cv2.subtract(theirs, cv2.dilate(ours, _disc(9))),
    )
    return [
        Change(Kind.SEAL, blob.region, blob.weight)
        for red in left_over
        for blob in _blobs(red, above=_RED_SEEN)
        if blob.weight >= _RED_LEAST
    ]


def _merged(found: list[Change]) -> tuple[Change, ...]:
    """Join what touches or nearly touches into one finding, the heaviest first."""
    groups: list[Change] = []
    for change in sorted(found, key=lambda each: -each.weight):
        region, weight, kind = change.region, change.weight, change.kind
        near = [group for group in groups if _near(group.region, region)]
        for group in near:
            groups.remove(group)
            region, weight = _union(group.region, region), weight + group.weight
            kind = group.kind
        groups.append(Change(kind, region, weight))
    return tuple(sorted(groups, key=lambda each: -each.weight))


def _near(one: Region, other: Region) -> bool:
    return all(
        one[k] - _MERGE <= other[k] + other[k + 2] and other[k] - _MERGE <= one[k] + one[k + 2]
        for k in (0, 1)
    )


def _union(one: Region, other: Region) -> Region:
    left, top = min(one[0], other[0]), min(one[1], other[1])
    right = max(one[0] + one[2], other[0] + other[2])
    bottom = max(one[1] + one[3], other[1] + other[3])
    return left, top, right - left, bottom - top
