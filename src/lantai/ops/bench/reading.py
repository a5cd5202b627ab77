"""``lantai bench reading``: what is read of forms, and in what time, against the truth.

Sides of fictional dossiers are drawn and scanned at 300 dpi, of several people and decades. A title
counts as right when it is letter for letter the one printed; a claim as proposed when a field gives
its fact and value at its place; a proposal as right when a claim of the page bears it out. Time is
that of one thread. The writing of the samples is set from fonts: real hands are read far worse.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from typing import Any, Final, TypeVar

import cv2
import numpy as np

from lantai.lib import reading
from lantai.lib.imagery import decode
from lantai.lib.imagery.upright import Region
from lantai.lib.imagery.view import View, look
from lantai.lib.reading.labels import SOUGHT
from lantai.ops.bench import machine
from lantai.sample import paper
from lantai.sample.dossier import FORMS, materials
from lantai.sample.facts import Reading
from lantai.sample.form import FormPage
from lantai.sample.ink import Colour, Hand, Sheet
from lantai.sample.lives import Life, lives
from lantai.sample.page import PageOrder, draw
from lantai.sample.plants import chance as stream
from lantai.sample.scan import NO_MISTAKES, Mistakes

SEED: Final = 29
PAGES: Final = 60
DPI: Final = 300
SURE: Final = 0.95
_PAGES_A_LIFE: Final = 8
_NEAR: Final = 30  # pixels at 300 dpi: 2.5 mm
_INK: Final[Colour] = (0, 0, 0)
_LISTENING_DPI: Final = 40
_Result = TypeVar("_Result")

WAYS: Final[dict[str, Callable[[random.Random], Mistakes]]] = {
    "as scanned": lambda chance: NO_MISTAKES,
    "askew": lambda chance: Mistakes(skew=chance.choice((-1, 1)) * chance.uniform(1.8, 4.5)),
    "half resolution": lambda chance: Mistakes(half=True),
    "grey": lambda chance: Mistakes(grey=True),
}


@dataclass
class _Listening(FormPage):
    """A form that notes its title instead of being looked at."""

    said: list[str] = field(default_factory=list)

    def title(self, words: str, y: float, *, mm: float | None = None, below: str = "") -> None:
        self.said.append(words)


@dataclass
class Read:
    """What came of one side: counts by name, and milliseconds by name."""

    counts: Counter[str] = field(default_factory=Counter)
    spent: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def bench(pages: int = PAGES) -> dict[str, Any]:
    """Measure and return ``name, ratios, figures, machine``.

    Raise EngineMissing where the engine is not installed.
    """
    name = reading.load().name
    people = lives(seed=SEED, count=-(-pages // _PAGES_A_LIFE) + 1)
    orders = list(_orders(people, pages))
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        results = list(pool.map(_read, orders, [people[-1]] * len(orders)))
    counts: Counter[str] = Counter()
    for one in results:
        counts.update(one.counts)
    figures: dict[str, Any] = {"engine": name, "sides": len(orders)}
    for work in ("half decode and view", "title", "fields"):
        spent = [ms for one in results for ms in one.spent.get(work, [])]
        if spent:
            figures[f"{work}, CPU ms"] = round(float(np.mean(spent)), 1)
            figures[f"{work}, CPU ms, 95 %"] = round(float(np.quantile(spent, 0.95)), 1)
    figures["titles seen on later sides"] = counts["title on a later side"]
    figures["false hints of another person"] = counts["false stranger"]
    figures["counts"] = {
        key: whole for key, whole in sorted(counts.items()) if key.startswith("of ")
    }
    figures["titles not right"] = [words for one in results for words in one.wrong]
    return {
        "name": "reading",
        "ratios": {
            key.removeprefix("of "): round(counts[key.removeprefix("of ")] / whole, 4)
            for key, whole in sorted(counts.items())
            if key.startswith("of ")
        },
        "figures": figures,
        "machine": machine(),
    }


def _orders(people: Sequence[Life], pages: int) -> Iterator[PageOrder]:
    """Sides of many people and kinds of form; the last person is the stranger to all others."""
    given = 0
    for life in people[:-1]:
        sides = [
            (material, side)
            for material in materials(life)
            for side in range(1, len(FORMS[material.key].sides) + 1)
        ]
        stream(SEED, life.number).shuffle(sides)
        for material, side in sides[:_PAGES_A_LIFE]:
            if given == pages:
                return
            given += 1
            yield PageOrder(life=life, material=material, side=side, dpi=DPI, fonts=None)


def _read(order: PageOrder, other: Life) -> Read:
    cv2.setNumThreads(1)
    engine, out = reading.load(), Read()
    engine.read(np.full((48, 64), 255, np.uint8))  # the first line pays for the model
    printed = _printed_title(order)
    for way, mistakes in WAYS.items():
        if order.side > 1 and way != "as scanned":
            continue
        chance = stream(SEED, order.life.number, order.material.key, order.side, way)
        title = _title(out, draw(replace(order, mistakes=mistakes(chance))).content)
        if order.side > 1:
            out.counts["title on a later side"] += title is not None
            continue
        _judge_title(out, way, title, printed, order)
    plain = draw(order)
    view = _view(plain.content)
    found = _timed(out, "fields", lambda: reading.fields(view, engine=engine))
    _judge_fields(out, found, plain.truth["claims"])
    _judge_strangers(out, found, order.life, other)
    return out


def _title(out: Read, content: bytes) -> reading.Title | None:
    view = _timed(out, "half decode and view", lambda: _view(content))
    return _timed(out, "title", lambda: reading.title(view, engine=reading.load()))


def _view(content: bytes) -> View:
    picture = decode.scaled(content, factor=2)
    return look(picture, levels=(picture.rgb,))


def _timed(out: Read, name: str, work: Callable[[], _Result]) -> _Result:
    begun = time.thread_time()
    result = work()
    out.spent.setdefault(name, []).append((time.thread_time() - begun) * 1000)
    return result


def _printed_title(order: PageOrder) -> str:
    """The title the form prints, which may say more or less than the catalogue."""
    form = FORMS[order.material.key]
    chance = stream(order.life.seed, order.life.number, order.material.key, "title")
    stock = paper.stock_of(order.material.formed.year, chance=chance, card=form.card)
    hand = Hand.of(chance, _INK)
    page = _Listening(
        Sheet(stock.size_mm, _LISTENING_DPI, chance, None),
        Reading(order.life, order.material.formed, "ymd"),
        own_hand=hand,
        clerks=(hand, hand, hand),
        fonts=None,
    )
    form.sides[0](page)
    return page.said[0]


def _judge_title(
    out: Read, way: str, title: reading.Title | None, printed: str, order: PageOrder
) -> None:
    right = title is not None and title.text == printed
    leaf = title is not None and title.class_code == order.material.class_code
    for name, good in ((f"title right, {way}", right), (f"class right, {way}", leaf)):
        out.counts[f"of {name}"] += 1
        out.counts[name] += good
    if not right:
        out.wrong.append(f"{way}: {printed} / {title.text if title else '—'}")


def _judge_fields(
    out: Read, found: Sequence[reading.Field], claims: Sequence[dict[str, Any]]
) -> None:
    borne_out: set[int] = set()
    for claim in claims:
        if claim["fact"] not in SOUGHT:
            continue
        name = f"claim proposed, {claim['fact']}, {claim['style']}"
        hits = {
            at
            for at, each in enumerate(found)
            if (each.fact, each.value) == (claim["fact"], claim["value"])
            and _at(each.region, tuple(claim["region"]))
        }
        borne_out |= hits
        out.counts[f"of {name}"] += 1
        out.counts[name] += bool(hits)
    for at, each in enumerate(found):
        sure = "sure" if each.confidence >= SURE else "unsure"
        for name in (f"proposal right, {each.fact}", f"proposal right, {sure}"):
            out.counts[f"of {name}"] += 1
            out.counts[name] += at in borne_out


def _judge_strangers(out: Read, found: Sequence[reading.Field], life: Life, other: Life) -> None:
    own = reading.stranger(found, names=[life.name], id_numbers=[life.id18])
    out.counts["false stranger"] += own is not None
    if any(each.fact in {"name", "id_number"} for each in found):
        hint = reading.stranger(found, names=[other.name], id_numbers=[other.id18])
        out.counts["of another person told"] += 1
        out.counts["another person told"] += hint is not None


def _at(region: Region, other: Region) -> bool:
    """Whether one region, a little wider, holds the middle of the other."""
    return _holds(region, other) or _holds(other, region)


def _holds(region: Region, other: Region) -> bool:
    x, y = other[0] + other[2] / 2, other[1] + other[3] / 2
    return (
        region[0] - _NEAR <= x <= region[0] + region[2] + _NEAR
        and region[1] - _NEAR <= y <= region[1] + region[3] + _NEAR
    )
