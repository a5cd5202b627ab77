"""Key fields of a page, each a proposal with its place: nothing is filled in without a person."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lantai.lib import idnumber
from lantai.lib.imagery.upright import Region
from lantai.lib.imagery.view import View
from lantai.lib.reading.engine import Engine, Letter
from lantai.lib.reading.labels import LABELS, NAME, PROSE, Shape
from lantai.lib.reading.pages import PageLine, rows, stored, text

_SCALE: Final = 0.75  # finding lines needs no more than 112 dots an inch
_BETWEEN: Final = "：（），。一为是1|丨"  # the last three: the rule of a cell, read as a stroke
_NO_LETTER: Final = re.compile(r"[\s_＿]")  # spaces, and the rule a value stands on
_RUNS_ON: Final = 0.55  # of the widest line: prose that goes on below
_ENDS: Final = "。；！）"


@dataclass(frozen=True)
class Field:
    """One thing a page says, as read.

    ``fact`` is named as claims are (name, birth, id_number, …) and ``value`` is canonical: dates as
    ``lib.dates`` writes them, sex by its code. ``written`` is what stands there. ``confidence`` is
    that of the least sure letter. ``faults`` are those of an ID number, in sentences. ``region`` is
    that of the value, in stored pixels, ``label`` what it stands beside, empty in prose.
    """

    fact: str
    value: str
    written: str
    label: str
    region: Region
    confidence: float
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Place:
    letter: Letter
    line: PageLine


def fields(view: View, *, engine: Engine) -> tuple[Field, ...]:
    """Read the key fields of a page, from the top; about a second of one processor."""
    return fields_in(view, text(view, engine=engine, scale=_SCALE))


def fields_in(view: View, lines: tuple[PageLine, ...]) -> tuple[Field, ...]:
    """Find the key fields in what was read of a page."""
    found: list[Field] = []
    for passage in _passages(lines):
        said = "".join(fold for fold, _ in passage)
        places = [place for _, place in passage]
        seen: list[tuple[int, int]] = []
        for fact, start, end, label, shape in _values(said, places):
            if any(start < other_end and other < end for other, other_end in seen):
                continue
            value = shape.canonical(said[start:end])
            if value is None:
                continue
            seen.append((start, end))
            written = said[start:end]
            found.append(
                _field(
                    view, places[start:end], fact=fact, value=value, written=written, label=label
                )
            )
    return tuple(found)


def _values(said: str, places: Sequence[_Place]) -> Iterator[tuple[str, int, int, str, Shape]]:
    """Fact, start, end and label of every value, those beside a label first."""
    labels = _labels(said)
    for at, (fact, _, end, shape) in enumerate(labels):
        if not fact:
            continue
        limit = labels[at + 1][1] if at + 1 < len(labels) else len(said)
        match = shape.pattern.search(said, end, limit)
        if match is None or not _beside(said[end : match.start()], shape):
            continue
        start, stop = match.span()
        if shape is NAME:
            stop = _end_of_name(places, start, stop)
        yield fact, start, stop, said[labels[at][1] : end], shape
    for fact, pattern, shape in PROSE:
        for match in pattern.finditer(said):
            yield fact, match.start(1), match.end(1), "", shape
    number = next(shape for fact, _, shape in LABELS if fact == "id_number")
    for match in number.pattern.finditer(said):
        if not idnumber.faults(match[0].upper()):
            yield "id_number", match.start(), match.end(), "", number


def _labels(said: str) -> list[tuple[str, int, int, Shape]]:
    """Fact, start, end and shape of each label, in order; the longest where they overlap."""
    found = [
        (fact, match.start(), match.end(), shape)
        for fact, pattern, shape in LABELS
        for match in pattern.finditer(said)
    ]
    found.sort(key=lambda label: (label[1] - label[2], label[1], not label[0]))
    kept: list[tuple[str, int, int, Shape]] = []
    for label in found:
        if all(label[2] <= other[1] or other[2] <= label[1] for other in kept):
            kept.append(label)
    return sorted(kept, key=lambda label: label[1])


def _beside(between: str, shape: Shape) -> bool:
    return len(between) <= shape.gap and all(each in _BETWEEN for each in between)


def _end_of_name(places: Sequence[_Place], start: int, stop: int) -> int:
    """A name ends with its line: what the next cell says is no part of it."""
    for at in range(start + 2, stop):
        if places[at].line is not places[start].line:
            return at
    return stop


def _field(
    view: View, places: Sequence[_Place], *, fact: str, value: str, written: str, label: str
) -> Field:
    line = places[0].line
    same = [place.letter for place in places if place.line is line]
    left = round(min(letter.left for letter in same))
    right = round(max(letter.right for letter in same))
    box = (left, line.box[1], max(1, right - left), line.box[3])
    return Field(
        fact=fact,
        value=value,
        written=written,
        label=label,
        region=stored(view, box),
        confidence=round(min(place.letter.confidence for place in places), 3),
        faults=idnumber.faults(value) if fact == "id_number" else (),
    )


def _passages(lines: tuple[PageLine, ...]) -> Iterator[list[tuple[str, _Place]]]:
    """The rows of a page, those of running prose joined; letters without spaces."""
    widest = max((line.box[2] for line in lines), default=0)
    passage: list[tuple[str, _Place]] = []
    for row in rows(lines):
        letters = [
            (said, _Place(letter, line))
            for line in row
            for said, letter in zip(line.text, line.letters, strict=True)
            if not _NO_LETTER.fullmatch(said)
        ]
        alone = len(row) == 1
        if passage and not alone:
            yield passage
            passage = []
        passage = [*passage, *letters]
        runs_on = alone and row[0].box[2] > _RUNS_ON * widest
        if not runs_on or (letters and letters[-1][0] in _ENDS):
            yield passage
            passage = []
    if passage:
        yield passage
