"""From an order to a page: draw the form, age the paper, scan it, and tell what is on it.

An order carries everything a page depends on, so any process can draw any page in any order.
"""

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from lantai.sample import ink, paper
from lantai.sample.dossier import FORMS, Material
from lantai.sample.facts import AS_LIVED, Reading, Twist
from lantai.sample.form import FormPage
from lantai.sample.ink import Box, Colour, Hand, Sheet
from lantai.sample.lives import Life
from lantai.sample.plants import chance
from lantai.sample.scan import NO_MISTAKES, Mistakes, Placing, scan

_STYLES: Final = {
    1970: ("ymd", "cn", "ymd"),
    1980: ("ymd", "dot", "ymd", "cn"),
    1990: ("ymd", "dot"),
}


@dataclass(frozen=True)
class PageOrder:
    """One side to be drawn and scanned."""

    life: Life
    material: Material
    side: int  # of the form, from 1
    dpi: int
    fonts: Path | None
    twist: Twist = AS_LIVED
    mistakes: Mistakes = NO_MISTAKES
    blank: bool = False
    again: int = 0  # counts further scans of the same side


@dataclass(frozen=True)
class DrawnPage:
    """The file of a page and the truth about it."""

    content: bytes
    truth: dict[str, Any] = field(repr=False)


def draw(order: PageOrder) -> DrawnPage:
    """Draw one page. The same order gives the same bytes in any process."""
    life, material = order.life, order.material
    place = (life.seed, life.number, material.key, order.side)
    drawing = chance(*place, "form")
    ageing = chance(life.seed, life.number, material.key, "paper")
    year = material.formed.year
    form = FORMS[material.key]
    stock = paper.stock_of(year, chance=ageing, card=form.card)
    sheet = Sheet(stock.size_mm, order.dpi, drawing, order.fonts)
    sheet.rough = max(0.0, min(0.9, (2004 - year) / 32))
    page = FormPage(
        sheet,
        Reading(life, material.formed, _style(life, material, year), order.twist),
        own_hand=_own_hand(life, year),
        clerks=_clerks(life, material, year),
        fonts=order.fonts,
        print_colour=_print_colour(ageing, year),
    )
    if not order.blank:
        form.sides[order.side - 1](page)
        _pencil(page, order)
    scanning = chance(*place, "scan", order.again)
    placing = Placing.by(scanning)
    ghost = _ghost(sheet, stock, ageing)
    aged = paper.age(
        stock,
        shape=(sheet.height, sheet.width),
        per_mm=sheet.per_mm,
        lid=placing.lid,
        chance=chance(*place, "age"),
        ghost=ghost,
    )
    pixels = aged.pixels
    for box in page.scraped:
        paper.scrape(pixels, box, ageing)
    if not order.blank:
        paper.lay_ink(pixels, sheet.light)
    scanned = scan(pixels, dpi=order.dpi, placing=placing, mistakes=order.mistakes, chance=scanning)
    truth = {
        "width": scanned.width,
        "height": scanned.height,
        "dpi": scanned.dpi,
        "colour": "grey" if scanned.grey else "colour",
        "skew_degrees": -scanned.skew or 0.0,  # clockwise positive, as the checks tell it
        "turned": scanned.turned,
        "blank": order.blank,
        "paper": stock.name,
        "lid": "dark" if placing.lid[0] < 100 else "light",
        "marks": list(aged.marks),
        "sheet": scanned.region((0, 0, sheet.width, sheet.height)),
        "claims": _moved(page.claims, scanned.region),
        "seals": _moved(page.seals, scanned.region),
    }
    return DrawnPage(scanned.jpeg(), truth)


def _moved(things: list[dict[str, Any]], region: Any) -> list[dict[str, Any]]:
    """Turn boxes of the sheet into regions of the page; what was cut off is left out."""
    out = []
    for thing in things:
        box: Box = thing["box"]
        where = region(box)
        if where is not None:
            rest = {key: value for key, value in thing.items() if key != "box"}
            out.append({**rest, "region": list(where)})
    return out


def _style(life: Life, material: Material, year: int) -> str:
    if year >= 1996:
        return "ymd"
    styles = _STYLES[max(1970, year // 10 * 10)]
    return chance(life.seed, life.number, material.key, "style").choice(styles)


def _own_hand(life: Life, year: int) -> Hand:
    """The person's writing stays the same for life; the pen follows the year."""
    colour = _pen(year, chance(life.seed, life.number, "pen", year))
    return Hand.of(chance(life.seed, life.number, "hand"), colour)


def _clerks(life: Life, material: Material, year: int) -> tuple[Hand, ...]:
    hands = []
    for place in range(3):
        stream = chance(life.seed, life.number, material.key, "clerk", place)
        hands.append(Hand.of(stream, _pen(year, stream)))
    return tuple(hands)


def _pen(year: int, stream: random.Random) -> Colour:
    if year < 1984:
        return stream.choice((ink.FOUNTAIN, ink.BLUE_BLACK, ink.BLUE_BLACK))
    if year < 1996:
        return stream.choice((ink.FOUNTAIN, ink.BLUE_BLACK, ink.BALL_BLUE))
    return stream.choice((ink.BALL_BLUE, ink.GEL_BLACK, ink.GEL_BLACK))


def _print_colour(stream: random.Random, year: int) -> Colour:
    if year < 1992:
        return stream.choice((ink.PRINT_BLACK, ink.PRINT_BLACK, (52, 58, 66), (74, 48, 44)))
    return ink.PRINT_BLACK if year < 2006 else (26, 26, 28)


def _pencil(page: FormPage, order: PageOrder) -> None:
    """The archivist's pencil: class and sequence at the upper right, the page number below."""
    pencil = Hand(ink.PENCIL, slope=0.08, unrest=0.8, pressure=-1)
    sheet = page.sheet
    if order.side == 1:
        words = order.material.name
        sheet.write(sheet.wide_mm - 7 - 2.9 * len(words), 4.2, words, 4.8, pencil)
    sheet.write(sheet.wide_mm - 12, sheet.high_mm - 6.5, str(order.side), 4.6, pencil)


def _ghost(sheet: Sheet, stock: paper.Stock, stream: random.Random) -> np.ndarray[Any, Any] | None:
    """On thin old paper writing shows through: that of the side itself stands in for the back."""
    if stock.card or stock.age < 0.5 or stream.random() > 0.35:
        return None
    return sheet.light
