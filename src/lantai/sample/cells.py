"""The parts a form is laid out from: cells of a table, areas of the sheet, settings of prose."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lantai.sample.facts import Written
from lantai.sample.ink import Colour, Hand


@dataclass(frozen=True)
class Label:
    words: str
    share: float = 2


@dataclass(frozen=True)
class Value:
    written: Written
    share: float = 3
    hand: Hand | None = None


@dataclass(frozen=True)
class Gap:
    share: float = 3


@dataclass(frozen=True)
class Essay:
    """Several lines by hand, under a small printed heading if there is one."""

    words: str
    share: float = 16
    heading: str = ""
    hand: Hand | None = None


@dataclass(frozen=True)
class Opinion:
    """What an office thought of it, signed, dated and sealed."""

    heading: str
    words: str
    unit: str
    on: dt.date
    share: float = 8
    department: str = ""
    clerk: int = 0
    signer: str = ""


class Area(NamedTuple):
    """A cell on the sheet, in mm."""

    x: float
    y: float
    wide: float
    high: float

    @property
    def right(self) -> float:
        return self.x + self.wide

    @property
    def bottom(self) -> float:
        return self.y + self.high

    @property
    def middle(self) -> float:
        return self.y + self.high / 2


class Setting(NamedTuple):
    """How prose is set: its edges, size, lead and colour, and who fills in the values."""

    x0: float
    limit: float
    mm: float
    lead: float
    colour: Colour
    hand: Hand | None


Cell = Label | Value | Gap | Essay | Opinion
Row = tuple[float, Sequence[Cell]]
