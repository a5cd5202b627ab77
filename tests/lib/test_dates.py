"""Dates as papers write them stay as partial as they are."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib.dates import Month, PartialDate

MONTHS = st.builds(Month, st.integers(1900, 2100), st.integers(1, 12))
DAYS = st.dates(min_value=dt.date(1900, 1, 1), max_value=dt.date(2100, 12, 31))


@st.composite
def partial_dates(draw: st.DrawFn) -> PartialDate:
    day = draw(DAYS)
    known = draw(st.integers(1, 3))
    return PartialDate(day.year, day.month if known > 1 else None, day.day if known > 2 else None)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("19781203", "1978-12-03"),
        ("197812", "1978-12-??"),
        ("1978", "1978-??-??"),
        ("19781200", "1978-12-??"),
        ("19780000", "1978-??-??"),
        ("1978-12-??", "1978-12-??"),
        ("1978-??-??", "1978-??-??"),
        ("1978.12", "1978-12-??"),
        ("1978/12/3", "1978-12-03"),
        ("1978年12月3日", "1978-12-03"),
        ("1978年12月", "1978-12-??"),
        ("1978年", "1978-??-??"),
        (" 1978-12-03 ", "1978-12-03"),
        ("一九七八年十二月", "1978-12-??"),
        ("一九七八年十月三十一日", "1978-10-31"),
        ("一九六〇年二月二十九日", "1960-02-29"),
        ("一九八零年一月", "1980-01-??"),
    ],
)
def test_the_ways_papers_write_a_date_are_read(text: str, shown: str) -> None:
    assert str(PartialDate.parse(text)) == shown


@pytest.mark.parametrize(
    "text", ["", "78-12-03", "1978-13", "1978-02-30", "19780003", "昨天", "1978-??-03", "197"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        PartialDate.parse(text)


def test_a_day_needs_its_month() -> None:
    with pytest.raises(ValueError, match="month"):
        PartialDate(1978, None, 3)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("1978", "1978-01-01", "1978-12-31"),
        ("1978-02", "1978-02-01", "1978-02-28"),
        ("1980-02", "1980-02-01", "1980-02-29"),
        ("1978-12-03", "1978-12-03", "1978-12-03"),
    ],
)
def test_a_partial_date_is_the_interval_of_all_it_may_mean(
    text: str, first: str, last: str
) -> None:
    when = PartialDate.parse(text)

    assert (str(when.first_day), str(when.last_day)) == (first, last)


@pytest.mark.parametrize(
    ("one", "other", "before"),
    [
        ("1978", "1979", True),
        ("1978", "1978-12", False),
        ("1978-11", "1978-12", True),
        ("1978-12", "1978-12-03", False),
        ("1978-12-02", "1978-12-03", True),
        ("1978-12-03", "1978-12-03", False),
    ],
)
def test_before_means_surely_before(one: str, other: str, *, before: bool) -> None:
    first, second = PartialDate.parse(one), PartialDate.parse(other)

    assert first.surely_before(second) is before
    assert not second.surely_before(first)
    assert first.overlaps(second) is not before


def test_the_month_is_known_or_it_is_none() -> None:
    assert PartialDate(1978).as_month is None
    assert PartialDate(1978, 12, 3).as_month == Month(1978, 12)


@pytest.mark.parametrize("text", ["", "1978", "1978-1", "78-01", "1978-00", "1978-13", "1978/01"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Month.parse(text)


@given(partial_dates())
def test_what_is_shown_is_read_back(when: PartialDate) -> None:
    assert PartialDate.parse(str(when)) == when
    assert when.first_day <= when.last_day


@given(partial_dates(), partial_dates())
def test_two_dates_overlap_or_one_is_before_the_other(one: PartialDate, other: PartialDate) -> None:
    ways = [one.surely_before(other), other.surely_before(one), one.overlaps(other)]

    assert ways.count(True) == 1
    assert one.overlaps(other) is other.overlaps(one)


@given(MONTHS, st.integers(-600, 600))
def test_months_add_up(month: Month, count: int) -> None:
    moved = month.plus(count)

    assert moved.ordinal - month.ordinal == count
    assert moved.plus(-count) == month
    assert Month.parse(str(month)) == month


@given(MONTHS, MONTHS)
def test_months_are_ordered_as_they_follow(one: Month, other: Month) -> None:
    assert (one < other) is (one.ordinal < other.ordinal)
