"""What is on a sheet as separate marks: whether anything is, and whether the frame cuts it."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from lantai.lib.imagery.sheet import DARK_LID
from lantai.lib.imagery.upright import Pixels, Region
from lantai.lib.imagery.view import View

_INKED: Final = 50
_DARK: Final = 85
_RIM_MM: Final = 4  # shadows and torn edges live there
_HOLES_WITHIN_MM: Final = 25
_CORNER_MM: Final = 20
_TOUCHING: Final = 2  # coarse pixels, 0.7 mm
_DEEP_MM, _LARGE_MM = 1.0, 12.0
_FADED: Final = 40  # so many faint marks are a page whose writing has faded; fewer are spots


@dataclass(frozen=True)
class Cut:
    """Writing or paper that runs out of the frame.

    ``marks`` is how many marks are cut; ``region`` where, on the side with the most of them;
    ``open_sides`` at which sides the sheet itself runs out.
    """

    marks: int
    region: Region | None
    open_sides: tuple[str, ...]


def count_marks(view: View) -> int:
    """Count marks of the size of a written stroke or more, off the rim; 0 means a blank page.

    Dust is smaller, folds and the rims of stains are longer or fainter, the holes of a binding are
    round, dark throughout and near the edge, and the rust of a staple is a bar in a corner. Mould
    leaves faint spots of the size of strokes: marks of which none is as dark as pencil are no
    writing, unless they are as many as a page of faded writing has.
    """
    mm = view.mm
    reach = 2 * round(_RIM_MM * mm) + 1
    framed = cv2.copyMakeBorder(view.whole_paper, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    inside = cv2.erode(framed, np.ones((reach, reach), np.uint8))[1:-1, 1:-1]
    if not inside.any():
        inside = view.whole_paper
    written = cv2.bitwise_and(cv2.compare(view.coarse_ink, _INKED, cv2.CMP_GT), inside)
    joined = cv2.dilate(written, np.ones((2, 2), np.uint8))
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(joined)
    firm = cv2.bitwise_and(cv2.compare(view.coarse_ink, _DARK, cv2.CMP_GT), inside)
    dark = set(np.unique(labels[firm > 0]).tolist())
    edges = _edges(view.whole_paper)
    marks = [
        number
        for number, box in enumerate(boxes)
        if number  # the first is the ground
        and 1.4 * mm <= max(box[2], box[3]) < 140 * mm
        and box[4] >= 4 * mm
        and not (_is_hole(view, box, edges) or _is_staple(view, box, edges))
    ]
    return len(marks) if len(marks) >= _FADED or dark.intersection(marks) else 0


def _is_hole(view: View, box: Pixels, edges: Region) -> bool:
    x, y, wide, tall, area = (int(value) for value in box)
    mm = view.mm
    if not (3 * mm < min(wide, tall) and max(wide, tall) < 10 * mm):
        return False
    if max(wide, tall) > 1.35 * min(wide, tall) or area < 0.6 * wide * tall:
        return False
    middle_x, middle_y = x + wide // 2, y + tall // 2
    near = min(_from_edges(edges, middle_x, middle_y))
    dark = int(view.coarse[middle_y, middle_x]) < DARK_LID + 20
    return bool(dark and near < _HOLES_WITHIN_MM * mm)


def _is_staple(view: View, box: Pixels, edges: Region) -> bool:
    x, y, wide, tall, area = (int(value) for value in box)
    mm = view.mm
    across, down = _from_edges(edges, x + wide // 2, y + tall // 2)
    bar = area < 3 * mm * max(wide, tall) and min(wide, tall) < 0.6 * max(wide, tall)
    return bar and max(wide, tall) < 15 * mm and max(across, down) < _CORNER_MM * mm


def _edges(paper: Pixels) -> Region:
    """Return the first and last column, the first and last row that have paper."""
    columns, rows = np.flatnonzero(paper.any(axis=0)), np.flatnonzero(paper.any(axis=1))
    if not len(rows):
        return 0, paper.shape[1] - 1, 0, paper.shape[0] - 1
    return int(columns[0]), int(columns[-1]), int(rows[0]), int(rows[-1])


def _from_edges(edges: Region, x: int, y: int) -> tuple[int, int]:
    """Return how far a place is from the nearer upright and the nearer level edge of the paper."""
    left, right, top, bottom = edges
    return min(x - left, right - x), min(y - top, bottom - y)


def find_cut(view: View) -> Cut:
    """Find writing cut by the frame, and sides where the sheet runs out of a frame that shows lid.

    Only marks as large as characters count: rules and forms are often printed to the very edge.
    """
    ink, paper, mm = view.coarse_ink, view.whole_paper, view.mm
    tall, wide = ink.shape
    dark = cv2.bitwise_and(cv2.compare(ink, _DARK, cv2.CMP_GT), paper)
    _, _, boxes, _ = cv2.connectedComponentsWithStats(dark)
    cut = [
        box
        for box in boxes[1:]
        if _runs_in(box, wide=wide, tall=tall) >= _DEEP_MM * mm
        and max(box[2], box[3]) <= _LARGE_MM * mm
        and max(box[2], box[3]) < 4 * min(box[2], box[3])
    ]
    sides = [[box for box in cut if _side(box, wide=wide, tall=tall) == side] for side in range(4)]
    return Cut(len(cut), _around(max(sides, key=len)), _open_sides(view))


def _side(box: Pixels, *, wide: int, tall: int) -> int:
    """Return which side of the frame a mark is nearest to: left, top, right, bottom."""
    x, y, w, h = (int(value) for value in box[:4])
    return int(np.argmin((x, y, wide - x - w, tall - y - h)))


def _runs_in(box: Pixels, *, wide: int, tall: int) -> int:
    """Return how far a mark that touches the frame reaches into the picture, 0 if it does not.

    A sliver of lid along the frame is long but not deep.
    """
    x, y, w, h = (int(value) for value in box[:4])
    sides = min(x, wide - x - w) < _TOUCHING
    ends = min(y, tall - y - h) < _TOUCHING
    return min(w if sides else tall, h if ends else wide) if sides or ends else 0


def _around(boxes: list[Pixels]) -> Region | None:
    if not boxes:
        return None
    left, top = min(int(box[0]) for box in boxes), min(int(box[1]) for box in boxes)
    right = max(int(box[0] + box[2]) for box in boxes)
    bottom = max(int(box[1] + box[3]) for box in boxes)
    return left, top, right - left, bottom - top


def _open_sides(view: View) -> tuple[str, ...]:
    """Name the sides at which paper runs out of the frame while lid is seen along others."""
    paper = view.sheet.paper
    if view.sheet.corners is None:
        return ()
    share = {
        "左": float(paper[:, 0].mean()),
        "上": float(paper[0].mean()),
        "右": float(paper[:, -1].mean()),
        "下": float(paper[-1].mean()),
    }
    if sum(covered < 0.05 for covered in share.values()) < 2:
        return ()
    return tuple(side for side, covered in share.items() if covered > 0.6)
