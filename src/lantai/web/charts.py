"""Bars drawn by the server: readable without JavaScript, on paper, and by a screen reader."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 640
ROW: Final = 30
BAR: Final = 10
LABEL: Final = 176
NUMBER: Final = 64
TOP: Final = 6


@dataclass(frozen=True)
class Bar:
    """One row in the units of the drawing: where its words stand and how long it is."""

    label: str
    value: int
    text_y: int
    bar_y: int
    length: int
    number_x: int


@dataclass(frozen=True)
class Bars:
    """A chart of horizontal bars, each as long as its share of the largest."""

    bars: tuple[Bar, ...]
    height: int
    width: int = WIDTH
    label_x: int = LABEL - 12
    bar_x: int = LABEL
    track: int = WIDTH - LABEL - NUMBER
    thickness: int = BAR


def horizontal(rows: Iterable[tuple[str, int]]) -> Bars:
    """Lay out labelled numbers; none of them is negative."""
    listed = list(rows)
    track = WIDTH - LABEL - NUMBER
    most = max((value for _, value in listed), default=0)
    bars = []
    for place, (label, value) in enumerate(listed):
        length = round(track * value / most) if most else 0
        middle = TOP + place * ROW + ROW // 2
        bars.append(
            Bar(
                label=label,
                value=value,
                text_y=middle + 4,
                bar_y=middle - BAR // 2,
                length=max(length, 2) if value else 0,
                number_x=LABEL + length + 8,
            )
        )
    return Bars(bars=tuple(bars), height=TOP * 2 + ROW * len(listed))
