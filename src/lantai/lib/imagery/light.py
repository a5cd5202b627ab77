"""Whether the light of a scan was right: too dark, washed out, burnt."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from lantai.lib.imagery.view import View

_INKED: Final = 40
_FEWEST_INKED: Final = 150
_WHITE: Final = 254


@dataclass(frozen=True)
class Light:
    """``paper`` is the grey level of the paper; ``burnt`` the share of it without any tone.

    ``ink`` is how much darker than the paper the darkest twentieth of the writing is, of 255;
    None when nothing is written. ``sheet`` is False when no paper was seen at all.
    """

    paper: float
    burnt: float
    ink: float | None
    sheet: bool


def measure_light(view: View) -> Light:
    """Measure the sheet alone, so that the lid does not count."""
    inside = view.inside > 0
    if not inside.any():
        return Light(paper=float(view.coarse.mean()), burnt=0.0, ink=None, sheet=False)
    counts = cv2.calcHist([view.coarse], [0], view.inside, [256], [0, 256]).ravel().cumsum()
    whole = counts[-1]
    written = np.bincount(view.coarse_ink[inside], minlength=256)
    written[: _INKED + 1] = 0
    ink = None
    if written.sum() >= _FEWEST_INKED:
        darker = written.cumsum()
        ink = float(np.searchsorted(darker, 0.95 * darker[-1]))
    return Light(
        paper=float(np.searchsorted(counts, whole / 2)),
        burnt=float(1 - counts[_WHITE - 1] / whole),
        ink=ink,
        sheet=True,
    )
