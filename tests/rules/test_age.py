"""The statutory age: every check value of the domain digest §4.4, and what must hold for all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.cases.rules import age
from lantai.cases.rules.age import RetirementAge, minimum_months, retirement_age
from lantai.cases.rules.facts import Group
from lantai.lib.dates import Month

# The table of the digest as it stands there: group, birth, delay in months, age, statutory month,
# earliest, latest, minimum contribution.
TABLE = """
M60 | 1964-12 | 0 | 60岁0个月 | 2024-12 | — | — | 15y0m
M60 | 1965-01 | 1 | 60岁1个月 | 2025-02 | 2025-01 | 2028-02 | 15y0m
M60 | 1965-04 | 1 | 60岁1个月 | 2025-05 | 2025-04 | 2028-05 | 15y0m
M60 | 1965-05 | 2 | 60岁2个月 | 2025-07 | 2025-05 | 2028-07 | 15y0m
M60 | 1965-08 | 2 | 60岁2个月 | 2025-10 | 2025-08 | 2028-10 | 15y0m
M60 | 1965-09 | 3 | 60岁3个月 | 2025-12 | 2025-09 | 2028-12 | 15y0m
M60 | 1965-12 | 3 | 60岁3个月 | 2026-03 | 2025-12 | 2029-03 | 15y0m
M60 | 1966-01 | 4 | 60岁4个月 | 2026-05 | 2026-01 | 2029-05 | 15y0m
M60 | 1966-12 | 6 | 60岁6个月 | 2027-06 | 2026-12 | 2030-06 | 15y0m
M60 | 1967-04 | 7 | 60岁7个月 | 2027-11 | 2027-04 | 2030-11 | 15y0m
M60 | 1968-08 | 11 | 60岁11个月 | 2029-07 | 2028-08 | 2032-07 | 15y0m
M60 | 1969-12 | 15 | 61岁3个月 | 2031-03 | 2029-12 | 2034-03 | 16y0m
M60 | 1970-03 | 16 | 61岁4个月 | 2031-07 | 2030-03 | 2034-07 | 16y0m
M60 | 1972-06 | 23 | 61岁11个月 | 2034-05 | 2032-06 | 2037-05 | 17y6m
M60 | 1974-11 | 30 | 62岁6个月 | 2037-05 | 2034-11 | 2040-05 | 19y0m
M60 | 1976-08 | 35 | 62岁11个月 | 2039-07 | 2036-08 | 2042-07 | 20y0m
M60 | 1976-09 | 36 | 63岁0个月 | 2039-09 | 2036-09 | 2042-09 | 20y0m
M60 | 1976-12 | 36 | 63岁0个月 | 2039-12 | 2036-12 | 2042-12 | 20y0m
M60 | 1980-01 | 36 | 63岁0个月 | 2043-01 | 2040-01 | 2046-01 | 20y0m
F55 | 1969-12 | 0 | 55岁0个月 | 2024-12 | — | — | 15y0m
F55 | 1970-01 | 1 | 55岁1个月 | 2025-02 | 2025-01 | 2028-02 | 15y0m
F55 | 1970-04 | 1 | 55岁1个月 | 2025-05 | 2025-04 | 2028-05 | 15y0m
F55 | 1970-05 | 2 | 55岁2个月 | 2025-07 | 2025-05 | 2028-07 | 15y0m
F55 | 1971-09 | 6 | 55岁6个月 | 2027-03 | 2026-09 | 2030-03 | 15y0m
F55 | 1973-02 | 10 | 55岁10个月 | 2028-12 | 2028-02 | 2031-12 | 15y0m
F55 | 1975-07 | 17 | 56岁5个月 | 2031-12 | 2030-07 | 2034-12 | 16y0m
F55 | 1977-10 | 24 | 57岁0个月 | 2034-10 | 2032-10 | 2037-10 | 17y6m
F55 | 1979-12 | 30 | 57岁6个月 | 2037-06 | 2034-12 | 2040-06 | 19y0m
F55 | 1981-08 | 35 | 57岁11个月 | 2039-07 | 2036-08 | 2042-07 | 20y0m
F55 | 1981-09 | 36 | 58岁0个月 | 2039-09 | 2036-09 | 2042-09 | 20y0m
F55 | 1981-12 | 36 | 58岁0个月 | 2039-12 | 2036-12 | 2042-12 | 20y0m
F55 | 1985-06 | 36 | 58岁0个月 | 2043-06 | 2040-06 | 2046-06 | 20y0m
F50 | 1974-12 | 0 | 50岁0个月 | 2024-12 | — | — | 15y0m
F50 | 1975-01 | 1 | 50岁1个月 | 2025-02 | 2025-01 | 2028-02 | 15y0m
F50 | 1975-02 | 1 | 50岁1个月 | 2025-03 | 2025-02 | 2028-03 | 15y0m
F50 | 1975-03 | 2 | 50岁2个月 | 2025-05 | 2025-03 | 2028-05 | 15y0m
F50 | 1975-11 | 6 | 50岁6个月 | 2026-05 | 2025-11 | 2029-05 | 15y0m
F50 | 1976-06 | 9 | 50岁9个月 | 2027-03 | 2026-06 | 2030-03 | 15y0m
F50 | 1977-12 | 18 | 51岁6个月 | 2029-06 | 2027-12 | 2032-06 | 15y0m
F50 | 1979-05 | 27 | 52岁3个月 | 2031-08 | 2029-05 | 2034-08 | 16y0m
F50 | 1981-01 | 37 | 53岁1个月 | 2034-02 | 2031-02 | 2037-02 | 17y6m
F50 | 1982-10 | 47 | 53岁11个月 | 2036-09 | 2033-09 | 2039-09 | 18y6m
F50 | 1984-08 | 58 | 54岁10个月 | 2039-06 | 2036-06 | 2042-06 | 20y0m
F50 | 1984-10 | 59 | 54岁11个月 | 2039-09 | 2036-09 | 2042-09 | 20y0m
F50 | 1984-11 | 60 | 55岁0个月 | 2039-11 | 2036-11 | 2042-11 | 20y0m
F50 | 1984-12 | 60 | 55岁0个月 | 2039-12 | 2036-12 | 2042-12 | 20y0m
F50 | 1990-01 | 60 | 55岁0个月 | 2045-01 | 2042-01 | 2048-01 | 20y0m
"""

ROWS = [[cell.strip() for cell in row.split("|")] for row in TABLE.strip().splitlines()]
MONTHS = st.builds(Month, st.integers(1950, 2000), st.integers(1, 12))
GROUPS = st.sampled_from(Group)


def test_the_table_is_whole() -> None:
    assert len(ROWS) == 47


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]}")
def test_every_check_value_of_the_digest_holds(row: list[str]) -> None:
    group, born, delay, reached, statutory, earliest, latest, minimum = row
    found = retirement_age(Group(group), Month.parse(born))

    assert found.delay_months == int(delay)
    assert f"{found.age_years}岁{found.age_months}个月" == reached
    assert str(found.statutory) == statutory
    assert (str(found.earliest) if found.earliest else "—") == earliest
    assert (str(found.latest) if found.latest else "—") == latest
    years, months = divmod(found.minimum_months, 12)
    assert f"{years}y{months}m" == minimum


def test_the_row_has_the_shape_of_the_command_line() -> None:
    assert retirement_age(Group.M60, Month(1965, 1)).as_row() == {
        "group": "M60",
        "born": "1965-01",
        "delay_months": 1,
        "age_years": 60,
        "age_months": 1,
        "statutory_month": "2025-02",
        "earliest": "2025-01",
        "latest": "2028-02",
        "minimum_months": 180,
        "clause": "《国务院关于渐进式延迟法定退休年龄的办法》（全国人大常委会 2024-09-13 批准，"
        "2025-01-01 施行）第一条、第二条、第三条",
    }


def test_who_reached_the_age_before_2025_has_no_elastic_limits_and_the_older_clause() -> None:
    row = retirement_age(Group.F50, Month(1974, 12)).as_row()

    assert (row["earliest"], row["latest"], row["clause"]) == (None, None, "国发〔1978〕104号")


@pytest.mark.parametrize(
    ("year", "months"),
    [
        (2024, 180), (2029, 180), (2030, 186), (2031, 192), (2032, 198), (2033, 204), (2034, 210),
        (2035, 216), (2036, 222), (2037, 228), (2038, 234), (2039, 240), (2050, 240),
    ],
)  # fmt: skip
def test_the_minimum_rises_by_half_a_year_from_2030_to_2039(year: int, months: int) -> None:
    assert minimum_months(year) == months


@pytest.mark.parametrize(
    ("group", "born"),
    [(Group.M60, Month(1976, 9)), (Group.F55, Month(1981, 9)), (Group.F50, Month(1984, 11))],
)
def test_the_ceiling_is_first_reached_by_these_births(group: Group, born: Month) -> None:
    most = age.STEPS[group].most

    assert age.delay_months(group, born) == most
    assert age.delay_months(group, born.plus(-1)) == most - 1


@pytest.mark.parametrize(
    ("group", "born"),
    [(Group.M60, Month(1965, 1)), (Group.F55, Month(1970, 1)), (Group.F50, Month(1975, 1))],
)
def test_the_first_births_with_a_delay(group: Group, born: Month) -> None:
    assert age.delay_months(group, born) == 1
    assert age.delay_months(group, born.plus(-1)) == 0


@given(GROUPS, MONTHS)
def test_who_is_born_later_never_retires_earlier(group: Group, born: Month) -> None:
    one, next_one = retirement_age(group, born), retirement_age(group, born.plus(1))

    assert one.statutory < next_one.statutory
    assert one.delay_months <= next_one.delay_months <= one.delay_months + 1
    assert one.minimum_months <= next_one.minimum_months


@given(GROUPS, MONTHS)
def test_age_and_month_agree_and_the_limits_hold(group: Group, born: Month) -> None:
    found: RetirementAge = retirement_age(group, born)
    step = age.STEPS[group]

    assert 0 <= found.delay_months <= step.most
    assert found.statutory == born.plus(found.age_years * 12 + found.age_months)
    assert found.original == born.plus(step.original_years * 12)
    assert 180 <= found.minimum_months <= 240
    if found.earliest is None or found.latest is None:
        assert found.delay_months == 0
        assert found.statutory < Month(2025, 1)
    else:
        assert found.original <= found.earliest < found.statutory < found.latest
        assert found.latest.ordinal - found.statutory.ordinal == 36
        assert found.statutory.ordinal - found.earliest.ordinal <= 36
