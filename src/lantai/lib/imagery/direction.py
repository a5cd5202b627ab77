"""Which way up a page lies: 0, or turned by 90, 180 or 270 degrees.

Single characters vote. Line direction alone cannot tell, since forms have lines both ways, old
papers are written in columns, and neither says top from bottom; the characters can, each a little,
and a page has a hundred. What each way up looks like was learned from common characters
(``direction_learning``).
"""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from lantai.lib.imagery.glyphs import Features, describe, find_glyphs
from lantai.lib.imagery.upright import Pixels

_MOST_VOTERS: Final = 120
_FEWEST_VOTERS: Final = 12
_SURE_PER_VOTER: Final = 0.6
_SURE_IN_ALL: Final = 20.0
_ALIKE: Final = 0.85
_DOUBT: Final = 0.02  # however sure a voter is, one in fifty is no character at all


@dataclass(frozen=True, eq=False)
class Model:
    """One hidden layer, shared by the four sides of a character."""

    into: NDArray[np.float32]
    offset: NDArray[np.float32]
    out: NDArray[np.float32]

    @classmethod
    def load(cls, path: Path) -> Self:
        with np.load(path, allow_pickle=False) as arrays:
            return cls(*(arrays[name].astype(np.float32) for name in ("into", "offset", "out")))

    def save(self, path: Path) -> None:
        halves = {
            name: getattr(self, name).astype(np.float16) for name in ("into", "offset", "out")
        }
        np.savez(path, **halves)


@dataclass(frozen=True)
class Direction:
    """How far the content is turned counter-clockwise from upright, as the page is shown.

    ``turned`` is 0 also when nothing was sure; ``sure`` tells the two apart. ``voters`` is the
    number of characters asked and ``lead`` the mean lead of the winner over the next, in nats.
    """

    turned: int
    sure: bool
    voters: int
    lead: float


def direction(ink: Pixels) -> Direction:
    """Judge an upright-as-shown ink map (0 paper to 255) at 150 dpi."""
    glyphs = find_glyphs(ink, most=_MOST_VOTERS)
    if len(glyphs) < _FEWEST_VOTERS:
        return Direction(turned=0, sure=False, voters=len(glyphs), lead=0.0)
    odds = np.log(_DOUBT / 4 + (1 - _DOUBT) * np.exp(log_odds(describe(glyphs), _model())))
    # The same word a hundred times over is one witness, not a hundred.
    weights = 1 / (_likeness(glyphs) > _ALIKE).sum(axis=1)
    votes = weights @ odds
    order = np.argsort(-votes)
    lead = float(votes[order[0]] - votes[order[1]])
    voters = float(weights.sum())
    sure = lead >= _SURE_IN_ALL and lead >= _SURE_PER_VOTER * voters
    turned = int(-90 * order[0] % 360) if sure else 0
    return Direction(turned=turned, sure=sure, voters=round(voters), lead=lead / voters)


def _likeness(glyphs: Pixels) -> Features:
    """Return the correlation of each glyph with each."""
    flat = glyphs.reshape(len(glyphs), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    return flat @ flat.T


def log_odds(features: Features, model: Model) -> NDArray[np.float32]:
    """Return the log-probability of each of four sides (n x 4) that it is the upright one."""
    scores = np.maximum(features @ model.into + model.offset, 0) @ model.out
    scores -= scores.max(axis=1, keepdims=True)
    return np.asarray(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)), np.float32)


@cache
def _model() -> Model:
    with resources.as_file(resources.files("lantai.lib.imagery") / "direction.npz") as path:
        return Model.load(path)
