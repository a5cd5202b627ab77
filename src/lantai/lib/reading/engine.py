"""What reads letters, behind an interface, so that everything else works without it.

An engine reads one line from a picture of it, and finds where lines stand on a page. It knows no
page, no form and no office; those are judged by the rest of this package.
"""

from dataclasses import dataclass
from typing import Protocol

from lantai.lib.imagery.upright import Pixels, Region
from lantai.lib.refusals import Unacceptable


class EngineMissing(Unacceptable):
    """Reading was asked for where its libraries are not installed."""


@dataclass(frozen=True)
class Letter:
    """One character of a line: how sure it is, 0 to 1, and where it stands, in pixels across."""

    character: str
    confidence: float
    left: float
    right: float


@dataclass(frozen=True)
class Line:
    """One line as read, left to right; empty when no letter was seen."""

    letters: tuple[Letter, ...]

    @property
    def text(self) -> str:
        return "".join(letter.character for letter in self.letters)

    @property
    def confidence(self) -> float:
        """The mean of the letters; 0 for an empty line."""
        if not self.letters:
            return 0.0
        return sum(letter.confidence for letter in self.letters) / len(self.letters)


class Engine(Protocol):
    """A reader of letters. ``name`` tells engine and models apart, for the record."""

    @property
    def name(self) -> str: ...

    def read(self, line: Pixels) -> Line:
        """Read one upright line (H x W, grey). Places are in the pixels handed in."""
        ...

    def find(self, page: Pixels) -> tuple[Region, ...]:
        """Return where lines stand on an upright page (H x W, grey), in its pixels."""
        ...
