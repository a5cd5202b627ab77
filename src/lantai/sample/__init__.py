"""Fictional dossiers as scans, with the truth beside them.

``write`` fills a scanner folder; ``generate`` does the same and hands over each dossier's truth as
soon as its folder is whole. The same seed gives the same bytes, with any number of workers.
Nobody in them lives: names, places and employers are invented, and every citizen number begins with
the division 990101, which was never given to a place.
"""

from lantai.sample.plants import PLANTS
from lantai.sample.write import generate, write

__all__ = ["PLANTS", "generate", "write"]
