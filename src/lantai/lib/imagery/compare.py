"""Two sets of scans of one dossier compared: which pages went, came, moved or were altered.

Pages are matched by what is on them, never by name or order: fingerprints propose, laying one upon
the other decides. What cannot be told apart (blank pages) is matched in order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from lantai.lib.imagery import hashes
from lantai.lib.imagery.compare_changes import changes
from lantai.lib.imagery.compare_ink import Layers, layers, working_scale
from lantai.lib.imagery.compare_place import (
    PageImage,
    Placing,
    agreement,
    at_scale,
    lay_edge_on_edge,
    place,
    written,
)
from lantai.lib.imagery.compare_register import lay_on
from lantai.lib.imagery.decode import Picture, decode
from lantai.lib.imagery.upright import Region
from lantai.lib.imagery.view import believed_dpi

SAME_SHEET: Final = 0.975
_SHORTLIST: Final = 4
_BARE: Final = 150  # written pixels at 75 dpi: less than one character


@dataclass(frozen=True)
class Pair:
    """A page of A and the page of B that is the same sheet, by name."""

    a: str
    b: str


@dataclass(frozen=True)
class Altered:
    """A matched pair that differs: where, in stored pixels of A and of B, the heaviest first."""

    a: str
    b: str
    regions: tuple[Region, ...]
    regions_in_b: tuple[Region, ...]


@dataclass(frozen=True)
class Comparison:
    """What became of the pages of A in B. All in the order of A, ``added`` in that of B.

    ``altered`` and ``reordered`` are among ``matched``; the fewest pages that must be moved to
    restore the order of A are called reordered.
    """

    matched: tuple[Pair, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]
    altered: tuple[Altered, ...]
    reordered: tuple[Pair, ...]

    @property
    def same(self) -> bool:
        """Whether B holds the pages of A, unaltered and in order, and no others."""
        return not (self.missing or self.added or self.altered or self.reordered)

    def as_json(self) -> dict[str, Any]:
        """Return the row of ``lantai compare-scans``; regions are stored pixels of A."""
        return {
            "matched": [{"a": pair.a, "b": pair.b} for pair in self.matched],
            "missing": list(self.missing),
            "added": list(self.added),
            "altered": [
                {"a": page.a, "b": page.b, "regions": [list(region) for region in page.regions]}
                for page in self.altered
            ],
            "reordered": [{"a": pair.a, "b": pair.b} for pair in self.reordered],
        }


Scans = Sequence[tuple[str, bytes]]


def compare(a: Scans, b: Scans) -> Comparison:
    """Compare two lists of (name, bytes). Raises decode.Unreadable for a page that is none."""
    pages_a, pages_b = _prepared(a), _prepared(b)
    links = _matched(pages_a, pages_b, alike=lambda i, j: a[i][1] == b[j][1])
    links.sort(key=lambda link: link.a)
    order = [link.b for link in links]
    kept = _longest_rising(order)
    altered = []
    for link in links:
        found = _differences(a[link.a], b[link.b], link.placing)
        if found is not None:
            altered.append(Altered(a[link.a][0], b[link.b][0], *found))
    taken_a, taken_b = {link.a for link in links}, set(order)
    return Comparison(
        matched=tuple(Pair(a[link.a][0], b[link.b][0]) for link in links),
        missing=tuple(name for i, (name, _) in enumerate(a) if i not in taken_a),
        added=tuple(name for j, (name, _) in enumerate(b) if j not in taken_b),
        altered=tuple(altered),
        reordered=tuple(
            Pair(a[link.a][0], b[link.b][0]) for k, link in enumerate(links) if k not in kept
        ),
    )


def same_sheet(a: bytes, b: bytes) -> bool:
    """Say whether two files are scans of one sheet, by laying one upon the other.

    Raises decode.Unreadable for a file that is no page.
    """
    if a == b:
        return True
    page_a, page_b = (_page("", content) for content in (a, b))
    if written(page_a) < _BARE or written(page_b) < _BARE:
        return False  # nothing on a page to tell it by
    return _agreeing(page_a, page_b) is not None


@dataclass(frozen=True)
class _Link:
    a: int
    b: int
    placing: Placing | None  # None: the same bytes, or nothing on them to differ


def _page(name: str, content: bytes) -> PageImage:
    picture = decode(content, name="", fast=True)
    return PageImage.of(picture.rgb, name=name, dpi=_dpi(picture))


def _dpi(picture: Picture) -> float:
    return believed_dpi(picture)[0]


def _prepared(scans: Scans) -> list[PageImage]:
    return [_page(name, content) for name, content in scans]


def _matched(
    a: list[PageImage], b: list[PageImage], *, alike: Callable[[int, int], bool]
) -> list[_Link]:
    """Pair the pages: equal bytes first, then by agreement, the surest first, then bare ones."""
    links = []
    free_a, free_b = set(range(len(a))), set(range(len(b)))

    def take(i: int, j: int, placing: Placing | None) -> None:
        links.append(_Link(i, j, placing))
        free_a.remove(i)
        free_b.remove(j)

    for i in range(len(a)):
        twin = next((j for j in sorted(free_b) if alike(i, j)), None)
        if twin is not None:
            take(i, twin, None)
    bare_a = {i for i in free_a if written(a[i]) < _BARE}
    bare_b = {j for j in free_b if written(b[j]) < _BARE}
    likely = _likely(a, b, sorted(free_a - bare_a), sorted(free_b - bare_b))
    sure = []
    for i, j in likely:
        agreed = _agreeing(a[i], b[j])
        if agreed is not None:
            sure.append((agreed[0], -abs(i - j), i, j, agreed[1]))
    for _, _, i, j, placing in sorted(sure, key=lambda each: each[:2], reverse=True):
        if i in free_a and j in free_b:
            take(i, j, placing)
    for i, j in zip(sorted(free_a & bare_a), sorted(free_b & bare_b), strict=False):
        take(i, j, lay_edge_on_edge(a[i], b[j]))
    return links


def _likely(
    a: list[PageImage], b: list[PageImage], rows: list[int], columns: list[int]
) -> list[tuple[int, int]]:
    """Return the pairs worth laying upon one another: the nearest fingerprints of each page."""
    if not rows or not columns:
        return []
    ours = [hashes.differences(a[i].ink) for i in rows]
    theirs = [_turned_fingerprints(b[j]) for j in columns]
    apart = np.array(
        [[min(hashes.distance(one, way) for way in other) for other in theirs] for one in ours]
    )
    pairs = set()
    for row, nearest in enumerate(np.argsort(apart, axis=1, kind="stable")[:, :_SHORTLIST]):
        pairs |= {(rows[row], columns[int(column)]) for column in nearest}
    for column, nearest in enumerate(np.argsort(apart, axis=0, kind="stable")[:_SHORTLIST].T):
        pairs |= {(rows[int(row)], columns[column]) for row in nearest}
    return sorted(pairs)


def _turned_fingerprints(page: PageImage) -> tuple[str, ...]:
    return tuple(
        hashes.differences(np.ascontiguousarray(np.rot90(page.ink, quarter)))
        for quarter in range(4)
    )


def _agreeing(a: PageImage, b: PageImage) -> tuple[float, Placing] | None:
    """Return how well two pages agree and how they lie, when they are one sheet."""
    for placing in (place(a, b), lay_edge_on_edge(a, b)):
        if placing is not None:
            share = agreement(a, b, placing)
            if share >= SAME_SHEET:
                return share, placing
    return None


def _differences(
    a: tuple[str, bytes], b: tuple[str, bytes], placing: Placing | None
) -> tuple[tuple[Region, ...], tuple[Region, ...]] | None:
    """Return where two scans of one sheet differ, in A and in B; None when nowhere."""
    if placing is None or a[1] == b[1]:
        return None
    (size_a, ours), (size_b, theirs) = _layers(a[1]), _layers(b[1])
    frame = at_scale(placing.frame, ours.scale, theirs.scale)
    found = changes(ours, lay_on(ours, theirs, frame))
    if not found:
        return None
    regions = tuple(_stored(change.region, 1 / ours.scale, size_a) for change in found)
    back = _inverse(placing.frame)
    return regions, tuple(_carried(region, back, size_b) for region in regions)


def _layers(content: bytes) -> tuple[tuple[int, int], Layers]:
    picture = decode(content, name="", fast=True)
    scale = working_scale(picture.rgb, dpi=_dpi(picture))
    return (picture.width, picture.height), layers(picture.rgb, scale=scale)


def _inverse(frame: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    turn = np.linalg.inv(frame[:, :2])
    return np.hstack([turn, -turn @ frame[:, 2:]])


def _stored(region: Region, factor: float, size: tuple[int, int]) -> Region:
    x, y, wide, tall = (value * factor for value in region)
    return _within((x, y, x + wide, y + tall), size)


def _carried(
    region: Region,
    frame: np.ndarray[Any, np.dtype[np.float64]],
    size: tuple[int, int],
) -> Region:
    x, y, wide, tall = region
    corners = np.array([[x, y], [x + wide, y], [x, y + tall], [x + wide, y + tall]], np.float64)
    moved = corners @ frame[:, :2].T + frame[:, 2]
    (left, top), (right, bottom) = moved.min(axis=0).tolist(), moved.max(axis=0).tolist()
    return _within((left, top, right, bottom), size)


def _within(edges: tuple[float, float, float, float], size: tuple[int, int]) -> Region:
    left, top = (min(max(0, int(at)), most - 1) for at, most in zip(edges[:2], size, strict=True))
    right, bottom = (
        min(most, max(start + 1, round(at)))
        for at, start, most in zip(edges[2:], (left, top), size, strict=True)
    )
    return left, top, right - left, bottom - top


def _longest_rising(order: list[int]) -> set[int]:
    """Return the places of the longest run of rising numbers; the others were moved."""
    best: list[int] = [1] * len(order)
    before: list[int] = [-1] * len(order)
    for k in range(len(order)):
        for earlier in range(k):
            if order[earlier] < order[k] and best[earlier] + 1 > best[k]:
                best[k], before[k] = best[earlier] + 1, earlier
    at = max(range(len(order)), key=lambda k: best[k], default=-1)
    kept = set()
    while at >= 0:
        kept.add(at)
        at = before[at]
    return kept
