"""Two scans of one sheet in one dossier: proposed by fingerprint, confirmed by laying them over.

The same form filled in twice has fingerprints as near as two scans of one sheet may be, so a
fingerprint alone never calls anything a double.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from lantai.lib.imagery.compare import same_sheet as lies_upon
from lantai.lib.imagery.hashes import distance

# Scans of one sheet differ in up to 49 of 256 places (measured), other pages in 47 and more.
SHORTLIST: Final = 72


@dataclass(frozen=True)
class Double:
    """Two names that are scans of one sheet, in the order they were given."""

    first: str
    second: str


def same_sheet(a_dhash: str, b_dhash: str) -> bool:
    """Say whether two fingerprints may be of one sheet. Proposes only."""
    return distance(a_dhash, b_dhash) <= SHORTLIST


def doubles(fingerprints: Mapping[str, str], *, load: Callable[[str], bytes]) -> tuple[Double, ...]:
    """Return the confirmed doubles among the pages of one dossier.

    ``fingerprints`` is name to dhash in page order; ``load`` gives the bytes of a name and is
    called only for what the fingerprints propose. Blank pages are never called doubles. Raises
    decode.Unreadable when a proposed page is none.
    """
    found = []
    for first, second in combinations(fingerprints, 2):
        if same_sheet(fingerprints[first], fingerprints[second]) and lies_upon(
            load(first), load(second)
        ):
            found.append(Double(first, second))
    return tuple(found)
