"""Two scans of one sheet: proposed by fingerprint, confirmed by laying one upon the other."""

from typing import Final

from lantai.lib.imagery.hashes import distance

SHORTLIST: Final = 64


def same_sheet(a_dhash: str, b_dhash: str) -> bool:
    """Say whether two fingerprints may be of one sheet. Proposes only: see ``confirmed``."""
    return distance(a_dhash, b_dhash) <= SHORTLIST
