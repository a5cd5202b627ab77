"""Lunar dates against days everybody can look up: new years, leap months, the odd year 2033."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib.dates import PartialDate
from lantai.sample.lunar import lunar_date, lunar_day


@pytest.mark.parametrize(
    ("solar", "lunar"),
    [
        (dt.date(1965, 2, 2), (1965, 1, 1, False)),
        (dt.date(1976, 1, 31), (1976, 1, 1, False)),
        (dt.date(1984, 12, 22), (1984, 11, 1, False)),
        (dt.date(2000, 2, 5), (2000, 1, 1, False)),
        (dt.date(2020, 5, 23), (2020, 4, 1, True)),
        (dt.date(2023, 3, 22), (2023, 2, 1, True)),
        (dt.date(2024, 2, 9), (2023, 12, 30, False)),
        (dt.date(2025, 7, 25), (2025, 6, 1, True)),
        (dt.date(2033, 12, 22), (2033, 11, 1, True)),
    ],
)
def test_a_day_has_its_lunar_date(solar: dt.date, lunar: tuple[int, int, int, bool]) -> None:
    assert lunar_date(solar) == lunar


def test_a_birth_is_written_as_people_write_it() -> None:
    assert lunar_day(dt.date(1965, 5, 21)) == ("农历一九六五年四月廿一", "1965-04-21")
    assert lunar_day(dt.date(2023, 3, 22))[0] == "农历二〇二三年闰二月初一"
    assert lunar_day(dt.date(2024, 2, 9))[0] == "农历二〇二三年腊月三十"


@given(st.dates(dt.date(1955, 1, 1), dt.date(1985, 12, 31)))
def test_the_next_day_is_the_next_lunar_day_or_a_first(day: dt.date) -> None:
    year, month, number, leap = lunar_date(day)

    following = lunar_date(day + dt.timedelta(days=1))

    assert following == (year, month, number + 1, leap) or (following[2] == 1 and number >= 29)


@given(st.dates(dt.date(1955, 1, 1), dt.date(1985, 12, 31)))
def test_the_value_is_a_date_that_can_be_read(day: dt.date) -> None:
    _, value = lunar_day(day)

    assert str(PartialDate.parse(value)) == value
