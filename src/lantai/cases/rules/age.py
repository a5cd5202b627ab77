"""The statutory retirement age, exact for every birth month (domain digest §4.4–4.5).

Since 2025-01-01 the age rises step by step. All is reckoned in whole months; the day of birth, the
day of application and today play no part.
"""

from dataclasses import dataclass
from typing import Final

from lantai.cases.rules.facts import Group
from lantai.lib.dates import MONTHS_A_YEAR, Month

LAW: Final = (
    "《国务院关于渐进式延迟法定退休年龄的办法》（全国人大常委会 2024-09-13 批准，2025-01-01 施行）"
)
OLD_LAW: Final = "国发〔1978〕104号"

FIRST_MONTH: Final = Month(2025, 1)  # 办法第一条
ELASTIC_MONTHS: Final = 36  # 办法第三条


@dataclass(frozen=True)
class Step:
    """How one group's age rises: a month for every ``every`` birth months, at most ``most``."""

    original_years: int
    every: int
    most: int


STEPS: Final[dict[Group, Step]] = {  # 办法第一条 and its tables 1–3
    Group.M60: Step(60, 4, 36),
    Group.F55: Step(55, 4, 36),
    Group.F50: Step(50, 2, 60),
}

# 办法第二条: fifteen years until 2029, half a year more each year from 2030, twenty from 2039.
BASE_MONTHS: Final = 180
LAST_BASE_YEAR: Final = 2029
MONTHS_MORE_A_YEAR: Final = 6
TOP_MONTHS: Final = 240


@dataclass(frozen=True)
class RetirementAge:
    """When a person born in a month reaches the age.

    ``earliest`` and ``latest`` bound elastic retirement and are None where the age was reached
    before 2025. ``minimum_months`` is the contribution needed when the pension starts in the
    statutory month.
    """

    group: Group
    born: Month
    delay_months: int
    age_years: int
    age_months: int
    statutory: Month
    earliest: Month | None
    latest: Month | None
    minimum_months: int
    clause: str

    @property
    def original(self) -> Month:
        """The month in which the age before 2025 is reached."""
        return self.statutory.plus(-self.delay_months)

    def as_row(self) -> dict[str, str | int | None]:
        """The public JSON shape; months are ``YYYY-MM``."""
        return {
            "group": self.group.value,
            "born": str(self.born),
            "delay_months": self.delay_months,
            "age_years": self.age_years,
            "age_months": self.age_months,
            "statutory_month": str(self.statutory),
            "earliest": str(self.earliest) if self.earliest else None,
            "latest": str(self.latest) if self.latest else None,
            "minimum_months": self.minimum_months,
            "clause": self.clause,
        }


def minimum_months(year: int) -> int:
    """The months of contribution needed by whoever's pension starts in a year (办法第二条)."""
    more = MONTHS_MORE_A_YEAR * max(0, year - LAST_BASE_YEAR)
    return min(TOP_MONTHS, BASE_MONTHS + more)


def delay_months(group: Group, born: Month) -> int:
    """By how many months the age of somebody born then is put off (办法第一条)."""
    step = STEPS[group]
    after = born.plus(step.original_years * MONTHS_A_YEAR).ordinal - FIRST_MONTH.ordinal
    return 0 if after < 0 else min(step.most, after // step.every + 1)


def retirement_age(group: Group, born: Month) -> RetirementAge:
    """The statutory age and month of a group for a birth month, with the elastic limits."""
    delay = delay_months(group, born)
    original = born.plus(STEPS[group].original_years * MONTHS_A_YEAR)
    statutory = original.plus(delay)
    years, months = divmod(STEPS[group].original_years * MONTHS_A_YEAR + delay, MONTHS_A_YEAR)
    return RetirementAge(
        group=group,
        born=born,
        delay_months=delay,
        age_years=years,
        age_months=months,
        statutory=statutory,
        earliest=max(original, statutory.plus(-ELASTIC_MONTHS)) if delay else None,
        latest=statutory.plus(ELASTIC_MONTHS) if delay else None,
        minimum_months=minimum_months(statutory.year),
        clause=f"{LAW}第一条、第二条、第三条" if delay else OLD_LAW,
    )
