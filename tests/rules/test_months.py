"""Stretches of months against the plain set of their months."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.cases.rules import months
from lantai.cases.rules.months import Span
from lantai.lib.dates import Month, PartialDate

MONTHS = st.integers(1980 * 12, 1984 * 12).map(lambda at: Month(at // 12, at % 12 + 1))
SPANS = st.tuples(MONTHS, MONTHS).map(lambda pair: Span(min(pair), max(pair)))
LISTS = st.lists(SPANS, max_size=6)


def every(spans: object) -> set[int]:
    """All months of some stretches, one by one."""
    return {
        at
        for span in spans  # type: ignore[attr-defined]
        for at in range(span.first.ordinal, span.last.ordinal + 1)
    }


def test_first_and_last_month_both_count() -> None:
    # The Beijing case specification counts 1995-07…1998-06 as 36.
    assert Span(Month(1995, 7), Month(1998, 6)).months == 36
    assert Span(Month(1995, 7), Month(1995, 7)).months == 1


def test_a_stretch_cannot_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="lies before"):
        Span(Month(1995, 7), Month(1995, 6))


def test_a_stretch_shows_its_months() -> None:
    span = Span(Month(1995, 7), Month(1998, 6))

    assert str(span) == "1995-07至1998-06"
    assert span.as_json() == {"first": "1995-07", "last": "1998-06", "months": 36}


def test_stretches_that_touch_become_one() -> None:
    parts = [Span(Month(1984, 1), Month(1984, 6)), Span(Month(1983, 1), Month(1983, 12))]

    assert months.merged(parts) == (Span(Month(1983, 1), Month(1984, 6)),)


def test_a_partial_date_bounds_its_months() -> None:
    assert months.earliest(PartialDate(1983)) == Month(1983, 1)
    assert months.latest(PartialDate(1983)) == Month(1983, 12)
    assert months.earliest(PartialDate(1983, 9, 5)) == months.latest(PartialDate(1983, 9))


@given(LISTS)
def test_no_month_is_ever_counted_twice(spans: list[Span]) -> None:
    joined = months.merged(spans)

    assert every(joined) == every(spans)
    assert months.count(spans) == len(every(spans)) == sum(span.months for span in joined)
    assert all(earlier.last.plus(1) < later.first for earlier, later in pairwise(joined))


@given(LISTS, MONTHS)
def test_cutting_at_a_month_parts_the_months(spans: list[Span], at: Month) -> None:
    assert every(months.until(spans, at)) == {one for one in every(spans) if one <= at.ordinal}
    assert every(months.since(spans, at)) == {one for one in every(spans) if one >= at.ordinal}


@given(LISTS, LISTS)
def test_taking_away_leaves_the_rest(spans: list[Span], others: list[Span]) -> None:
    assert every(months.without(spans, others)) == every(spans) - every(others)


@given(LISTS)
def test_holes_and_stretches_fill_the_whole(spans: list[Span]) -> None:
    holes = months.between(spans)

    assert not every(holes) & every(spans)
    if spans:
        whole = Span(min(span.first for span in spans), max(span.last for span in spans))
        assert every([*holes, *spans]) == every([whole])
    else:
        assert holes == ()
