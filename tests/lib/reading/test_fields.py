"""Fields beside their labels: proposals in the shapes that can be checked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.lib.reading.paper import empty_view, page, person, view_of, written

from lantai.lib.dates import PartialDate
from lantai.lib.reading import Field, fields, load, text
from lantai.lib.reading.labels import SOUGHT, date, span


def values(*lines: tuple[str, int, int]) -> list[tuple[str, str]]:
    return [(each.fact, each.value) for each in said(*lines)]


def said(*lines: tuple[str, int, int], confidence: float = 0.99) -> tuple[Field, ...]:
    return fields(empty_view(), engine=written(*lines, confidence=confidence))


def test_values_are_taken_from_the_cells_beside_their_labels() -> None:
    found = values(
        ("姓 名", 100, 300),
        ("姚国强", 220, 302),
        ("性别", 400, 298),
        ("男", 480, 300),
        ("出生年月", 560, 300),
        ("1965.2.16", 700, 301),
    )

    assert found == [("name", "姚国强"), ("sex", "1"), ("birth", "1965-02-16")]


def test_a_value_is_told_with_its_label_and_its_place_in_stored_pixels() -> None:
    (found,) = said(("出生年月1965年2月", 100, 300))

    assert (found.label, found.written) == ("出生年月", "1965年2月")
    assert found.value == "1965-02-??"
    x, y, wide, tall = found.region
    assert abs(x - (100 + 4 * 20)) <= 2
    assert abs(x + wide - (100 + 11 * 20)) <= 4
    assert abs(y - 300) <= 2
    assert tall < 32


def test_a_name_ends_with_its_cell_and_a_heading_gives_none() -> None:
    assert values(("姓名", 100, 300), ("余芬", 220, 300), ("工人", 300, 300)) == [("name", "余芬")]
    assert values(("称谓", 100, 300), ("姓名", 220, 300), ("工作单位及职务", 420, 300)) == []


def test_two_cells_are_no_stretch_though_one_says_until_now() -> None:
    assert values(("1986年11月", 100, 300), ("现在", 400, 300)) == []


def test_the_rule_of_a_cell_read_as_a_stroke_stands_in_no_values_way() -> None:
    found = values(("出生年月1", 100, 300), ("1976.10.14", 300, 300))

    assert found == [("birth", "1976-10-14")]


def test_a_label_at_the_end_of_a_line_is_answered_on_the_next() -> None:
    found = values(("乙方（职工）：何春雷　性别：男　出生年月：", 100, 300), ("1976.10", 100, 340))

    assert ("birth", "1976-10-??") in found


def test_names_with_a_dot_are_whole() -> None:
    assert values(("姓名阿依古丽·买买提性别女", 100, 300)) == [
        ("name", "阿依古丽·买买提"),
        ("sex", "2"),
    ]


def test_traditional_writing_gives_simplified_values_and_is_kept() -> None:
    (found,) = said(("姓名陳國強", 100, 300))

    assert found.value == "陈国强"
    assert found.region[2] > 50


def test_prose_is_read_across_lines() -> None:
    found = values(
        ("姚国强同志，性别男，1965年2月16日出生，居民身份证号码", 100, 300),
        ("990101196502168654，系我单位职工，1983年11月参加工作，", 100, 340),
    )

    assert ("id_number", "990101196502168654") in found
    assert ("birth", "1965-02-16") in found
    assert ("first_work", "1983-11-??") in found
    assert ("name", "姚国强") in found


def test_a_wrong_number_is_proposed_as_it_stands_with_what_is_wrong() -> None:
    (found,) = said(("公民身份号码990101196502168655", 100, 300))

    assert found.value == "990101196502168655"
    assert found.faults == ("公民身份号码的校验码不对，可能有一位写错，请与证件核对",)


def test_the_least_sure_letter_decides() -> None:
    (found,) = said(("性别男", 100, 300), confidence=0.4)

    assert found.confidence == 0.4


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("1965年2月16日", "1965-02-16"),
        ("1965.2.16", "1965-02-16"),
        ("1965、2、16", "1965-02-16"),
        ("一九六五年二月十六日", "1965-02-16"),
        ("1965年", "1965-??-??"),
        ("1965.13", None),
        ("1865.2", None),
        ("65.2.16", None),
    ],
)
def test_dates_are_written_as_the_catalogue_writes_them(words: str, value: str | None) -> None:
    assert date(words) == value


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("1973.9—1978.7", "1973-09-??/1978-07-??"),
        ("1995.5今", "1995-05-??/.."),
        ("1995年5月—今", "1995-05-??/.."),
        ("1978.7—1973.9", None),
    ],
)
def test_stretches_have_a_beginning_and_an_end(words: str, value: str | None) -> None:
    assert span(words) == value


@given(st.dates(min_value=PartialDate(1880).first_day, max_value=PartialDate(2099).last_day))
def test_any_day_written_in_full_is_read_back(day: object) -> None:
    year, month, number = (int(part) for part in str(day).split("-"))

    assert date(f"{year}年{month}月{number}日") == str(day)


@given(st.lists(st.tuples(st.text(max_size=30), st.integers(0, 1000), st.integers(0, 1700))))
def test_whatever_stands_on_a_page_no_unknown_fact_is_proposed(
    lines: list[tuple[str, int, int]],
) -> None:
    for each in said(*lines):
        assert each.fact in SOUGHT
        assert each.value


def test_a_form_of_a_fictional_dossier_is_read() -> None:
    drawn = page("register")

    found = {(each.fact, each.value) for each in fields(view_of(drawn.content), engine=load())}

    claims = {(each["fact"], each["value"]) for each in drawn.truth["claims"]}
    assert ("name", person().name) in found
    assert ("id_number", person().id18) in found
    assert len(claims & found) >= 0.9 * len(claims)
    assert len(found - claims) <= 1


def test_the_whole_text_stands_in_order_with_places() -> None:
    drawn = page("register")

    lines = text(view_of(drawn.content), engine=load())

    words = [line.text for line in lines]
    heading = words.index("流动人员人事档案存档登记表")
    assert heading < next(at for at, said in enumerate(words) if person().name in said)
    for line in lines:
        x, y, wide, tall = line.region
        assert 0 <= x < x + wide <= drawn.truth["width"]
        assert 0 <= y < y + tall <= drawn.truth["height"]
        assert len(line.letters) == len(line.text) == len(line.written)
