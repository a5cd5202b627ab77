"""A dossier that came back is compared with its master page by page."""

import dataclasses
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lib.imagery import paper
from lib.imagery.paper import BLUE, Box, Scanner, Seal, Sheet, Text, rescanner, scan, scanned

from lantai.lib.imagery.compare import Comparison, compare, same_sheet
from lantai.lib.imagery.compare_ink import layers
from lantai.lib.imagery.compare_place import PageImage, place
from lantai.lib.imagery.decode import Unreadable

SHEETS = {
    "form 1": paper.form(1),
    "form 2": paper.form(2),  # the same printed form, another person
    "letter": paper.letter(3),
    "contract": paper.contract(4),
    "blank": paper.blank(5),
}


@cache
def master(name: str) -> bytes:
    return scanned(SHEETS[name], rescanner(sum(name.encode())))


@cache
def again(name: str) -> bytes:
    return scanned(SHEETS[name], rescanner(1000 + sum(name.encode())))


def masters(*names: str) -> list[tuple[str, bytes]]:
    return [(f"a {name}", master(name)) for name in names]


def rescans(*names: str) -> list[tuple[str, bytes]]:
    return [(f"b {name}", again(name)) for name in names]


def matched(found: Comparison) -> list[tuple[str, str]]:
    return [(pair.a, pair.b) for pair in found.matched]


def test_every_page_scanned_again_is_found_and_nothing_is_called_altered() -> None:
    names = tuple(SHEETS)

    found = compare(masters(*names), rescans(*names))

    assert matched(found) == [(f"a {name}", f"b {name}") for name in names]
    assert found.same
    assert found.as_json() == {
        "matched": [{"a": f"a {name}", "b": f"b {name}"} for name in names],
        "missing": [],
        "added": [],
        "altered": [],
        "reordered": [],
    }


def test_a_page_gone_a_page_come_and_a_page_moved_are_told_apart() -> None:
    found = compare(
        masters("form 1", "letter", "contract", "blank"),
        rescans("letter", "contract", "form 1", "form 2"),
    )

    assert matched(found) == [
        ("a form 1", "b form 1"),
        ("a letter", "b letter"),
        ("a contract", "b contract"),
    ]
    assert found.missing == ("a blank",)
    assert found.added == ("b form 2",)
    assert [pair.a for pair in found.reordered] == ["a form 1"]
    assert not found.altered


def test_a_page_swapped_for_the_same_form_of_another_is_missing_and_added() -> None:
    found = compare(masters("form 1", "letter"), rescans("form 2", "letter"))

    assert (found.missing, found.added) == (("a form 1",), ("b form 2",))
    assert matched(found) == [("a letter", "b letter")]


def test_a_page_laid_upside_down_is_the_same_page() -> None:
    turned = scanned(SHEETS["form 1"], dataclasses.replace(rescanner(77), quarter=2))

    found = compare(masters("letter", "form 1"), [*rescans("letter"), ("turned", turned)])

    assert matched(found) == [("a letter", "b letter"), ("a form 1", "turned")]
    assert found.same


def digits(sheet: Sheet) -> tuple[Sheet, Text]:
    """Return the form with its first handwritten date set digit by digit, and one of the digits."""
    date = next(
        mark
        for mark in sheet.marks
        if isinstance(mark, Text) and mark.hand and mark.words[0] == "1"
    )
    x, letters = date.x, []
    for letter in date.words:
        letters.append(dataclasses.replace(date, words=letter, x=x))
        x += date.size * 0.55
    return sheet.without(date).plus(*letters), letters[3]


def alterations() -> dict[str, tuple[Sheet, Sheet, Box]]:
    """Return per kind of forgery the sheet before, the sheet after, and where it was done."""
    form, digit = digits(paper.form(1))
    written = next(
        mark for mark in form.marks if isinstance(mark, Text) and mark.hand and len(mark.words) > 3
    )
    other = dataclasses.replace(written, words="冯程曹袁邓许"[: len(written.words)])
    seal = next(mark for mark in form.marks if isinstance(mark, Seal))
    false_seal = dataclasses.replace(seal, words="上海第一机床厂印", turned=25.0)
    note = Text("情况属实", 60, 236, 5.2, BLUE, hand=9)
    second_seal = Seal("同意调动办公室印", 90, 110, 38, 12)
    return {
        "writing added": (form, form.plus(note), note.box),
        "writing erased": (form, form.without(written), written.box),
        "writing replaced": (form, form.swapped(written, other), written.box),
        "seal added": (form, form.plus(second_seal), second_seal.box),
        "seal replaced": (form, form.swapped(seal, false_seal), seal.box),
        "one digit replaced": (
            form,
            form.swapped(digit, dataclasses.replace(digit, words="7")),
            digit.box,
        ),
        "one digit written over": (
            form,
            form.plus(dataclasses.replace(digit, words="8")),
            digit.box,
        ),
    }


def overlap(region: tuple[int, int, int, int], box: Box) -> bool:
    x, y, wide, tall = region
    left, top, width, height = box
    return x < left + width and left < x + wide and y < top + height and top < y + tall


@pytest.mark.parametrize("kind", alterations())
def test_a_forgery_is_found_where_it_was_done_in_both_scans(kind: str) -> None:
    before, after, box = alterations()[kind]
    first, second = rescanner(21), rescanner(22)

    found = compare([("a", scanned(before, first))], [("b", scanned(after, second))])

    assert matched(found) == [("a", "b")]
    (altered,) = found.altered
    assert overlap(altered.regions[0], paper.place(box, before, first))
    assert overlap(altered.regions_in_b[0], paper.place(box, after, second))
    assert len(altered.regions) <= 4
    assert found.as_json()["altered"] == [
        {"a": "a", "b": "b", "regions": [list(region) for region in altered.regions]}
    ]


def test_forgery_is_found_at_300_dpi_and_between_resolutions() -> None:
    before, after, box = alterations()["writing replaced"]
    fine, coarse = rescanner(31, dpi=300), rescanner(32, dpi=150)

    found = compare([("a", scanned(before, fine))], [("b", scanned(after, coarse))])

    (altered,) = found.altered
    assert overlap(altered.regions[0], paper.place(box, before, fine))
    assert overlap(altered.regions_in_b[0], paper.place(box, after, coarse))


def test_the_same_bytes_under_another_name_are_the_same_page_unread_further() -> None:
    found = compare(masters("form 1"), [("renamed", master("form 1"))])

    assert matched(found) == [("a form 1", "renamed")]
    assert found.same


def test_nothing_compared_with_nothing_is_the_same_and_with_a_page_is_not() -> None:
    assert compare([], []).same
    assert compare([], rescans("letter")).added == ("b letter",)
    assert compare(masters("letter"), []).missing == ("a letter",)


def test_a_file_that_is_no_page_is_refused_by_its_fault() -> None:
    with pytest.raises(Unreadable) as refused:
        compare(masters("letter"), [("b", b"not a page")])

    assert refused.value.code == "Q14"


def test_one_sheet_twice_is_one_sheet_and_blank_ones_prove_nothing() -> None:
    assert same_sheet(master("letter"), again("letter"))
    assert not same_sheet(master("form 1"), again("form 2"))
    assert not same_sheet(master("blank"), again("blank"))


@pytest.mark.parametrize("quarter", [0, 1, 2, 3])
def test_a_placing_carries_a_point_of_one_scan_to_the_same_point_of_the_other(quarter: int) -> None:
    sheet = paper.form(1)
    first, second = Scanner(dpi=150, turn=0.6), Scanner(dpi=200, turn=-0.7, shift=(9, -5))
    turned = np.ascontiguousarray(np.rot90(scan(sheet, second), -quarter))
    tall, wide = scan(sheet, second).shape[:2]

    placing = place(PageImage.of(scan(sheet, first), dpi=150), PageImage.of(turned, dpi=200))

    assert placing is not None
    assert placing.quarter == quarter
    for x, y in ((40, 60), (180, 90), (105, 250)):
        at = paper.place((x, y, 0, 0), sheet, second)[:2]
        for _ in range(quarter):
            at, (tall, wide) = (tall - 1 - at[1], at[0]), (wide, tall)
        if quarter % 2:
            tall, wide = wide, tall
        landed = placing.frame[:, :2] @ at + placing.frame[:, 2]
        assert np.abs(landed - paper.place((x, y, 0, 0), sheet, first)[:2]).max() < 3


@settings(max_examples=12)
@given(brightness=st.floats(0.7, 0.99), warm=st.floats(0.97, 1.03))
def test_ink_is_told_from_paper_whatever_the_light(brightness: float, warm: float) -> None:
    seen = scan(paper.contract(4), Scanner(dpi=75, lid=14)).astype(np.float32)
    lit = np.clip(seen * brightness * np.array([warm, 1, 2 - warm], np.float32), 0, 255)

    plain, other = (layers(rgb.astype(np.uint8), scale=1.0) for rgb in (seen, lit))

    ours, theirs = plain.ink > 60, other.ink > 60
    assert np.count_nonzero(ours & theirs) > 0.9 * np.count_nonzero(ours | theirs)
