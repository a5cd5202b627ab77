"""Titles: read from the head of a form, and compared with what is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.lib.reading.paper import empty_view, page, view_of

from lantai.lib.catalogue import MaterialKind, is_leaf
from lantai.lib.reading import Known, load, nearest, title
from lantai.lib.reading.headings import headings
from lantai.lib.reading.known import KNOWN
from lantai.sample.scan import Mistakes


@pytest.mark.parametrize(
    ("key", "printed", "leaf"),
    [
        ("school-card", "学生学籍卡", "4-1"),
        ("curriculum", "职工履历表", "1"),
        ("contract", "劳动合同书", "9-2"),
        ("deposit", "流动人员委托存档协议书", "10"),
    ],
)
def test_the_title_of_a_form_is_read_letter_for_letter(key: str, printed: str, leaf: str) -> None:
    found = title(view_of(page(key).content), engine=load())

    assert found is not None
    assert (found.text, found.class_code) == (printed, leaf)
    assert found.likeness == 1


def test_a_title_is_read_from_a_page_laid_down_askew() -> None:
    content = page("contract", mistakes=Mistakes(skew=3.5)).content

    found = title(view_of(content), engine=load())

    assert found is not None
    assert found.text == "劳动合同书"


def test_the_region_of_a_title_lies_in_stored_pixels_at_the_head_of_the_sheet() -> None:
    drawn = page("contract")

    found = title(view_of(drawn.content), engine=load())

    assert found is not None
    x, y, wide, tall = found.region
    # The form sets the title in the middle, 27 mm down, 8.6 mm high; the lid lies around.
    assert abs(x + wide / 2 - drawn.truth["width"] / 2) < 12 / 25.4 * 300
    assert 20 / 25.4 * 300 < y < 45 / 25.4 * 300
    assert 6 / 25.4 * 300 < tall < 14 / 25.4 * 300


def test_running_text_is_no_title() -> None:
    assert title(view_of(page("contract", side=2).content), engine=load()) is None


def test_an_empty_sheet_has_no_title_and_asks_no_engine() -> None:
    assert headings(empty_view()) == ()


def test_every_known_title_stands_in_a_leaf_and_is_its_own_nearest() -> None:
    for each in KNOWN:
        assert is_leaf(each.class_code), each
        assert nearest(each.title) == (each, 1.0)


def test_what_stands_before_a_title_hardly_counts_and_what_follows_does() -> None:
    known = (Known("学生学籍卡", "4-1"),)

    before, near = nearest("兰台市第三中学学生学籍卡", known)
    after, far = nearest("学生学籍卡片领取回执", known)

    assert before == known[0]
    assert near > 0.9
    assert after is None
    assert far < 0.75


def test_one_misread_character_still_finds_the_title() -> None:
    found, likeness = nearest("学徒工转正定级审批麦")

    assert found == Known("学徒工转正定级审批表", "9-1")
    assert likeness == pytest.approx(0.9)


def test_the_kind_of_a_title_follows_its_words() -> None:
    found = title(view_of(page("school-card").content), engine=load())

    assert found is not None
    assert found.kind is MaterialKind.SCHOOL_CARD


@given(st.text(max_size=40))
def test_likeness_lies_between_none_and_all(words: str) -> None:
    known, likeness = nearest(words)

    assert 0 <= likeness <= 1
    assert (known is None) == (likeness < 0.75)
