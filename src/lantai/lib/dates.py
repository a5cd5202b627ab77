"""Dates as old papers write them: whole, or without day, or without month.

A partial date is kept partial for life. It stands for the interval of all days it may mean; a
missing part is never filled in, since an invented date in a catalogue is forged evidence.
"""

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from typing import Final, Self

MONTHS_A_YEAR: Final = 12
_DIGITS: Final = str.maketrans("〇零一二三四五六七八九", "00123456789")
_SEPARATED: Final = re.compile(
    r"^(\d{4})(?:[-./年](\d{1,2}|\?\?)?(?:[-./月](\d{1,2}|\?\?)?日?|月)?)?$"
)
_PACKED: Final = re.compile(r"^(\d{4})(\d{2})?(\d{2})?$")


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month, the unit of all retirement arithmetic."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not 1 <= self.month <= MONTHS_A_YEAR:
            raise ValueError(f"no such month: {self.month}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``YYYY-MM``; raise ValueError for anything else."""
        found = re.fullmatch(r"(\d{4})-(\d{2})", text.strip())
        if found is None:
            raise ValueError(f"not a month: {text!r}")
        return cls(int(found[1]), int(found[2]))

    @property
    def ordinal(self) -> int:
        """Months since year 0, so that a difference of ordinals is a number of months."""
        return self.year * MONTHS_A_YEAR + self.month - 1

    def plus(self, months: int) -> "Month":
        year, month = divmod(self.ordinal + months, MONTHS_A_YEAR)
        return Month(year, month + 1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True)
class PartialDate:
    """A date whose day, or month and day, may be unknown. ``str`` gives ``1978-12-??``."""

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        if self.day is not None and self.month is None:
            raise ValueError("a day needs its month")
        dt.date(self.year, self.month or 1, self.day or 1)  # ValueError for no such day

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read 19781203, 197812, 1978, 1978-12-??, 1978.12, 1978年12月3日 or 一九七八年十二月.

        Zeros for an unknown part (19781200, 19780000) mean unknown. Raise ValueError otherwise.
        """
        plain = _arabic(text.strip())
        found = _PACKED.match(plain) or _SEPARATED.match(plain)
        if found is None:
            raise ValueError(f"不是可识别的日期：{text!r}，请按“年月日”或“年月”填写")
        year, month, day = (int(part) if part and part != "??" else 0 for part in found.groups())
        if day and not month:
            raise ValueError(f"日期缺月份：{text!r}")
        return cls(year, month or None, day or None)

    @property
    def first_day(self) -> dt.date:
        return dt.date(self.year, self.month or 1, self.day or 1)

    @property
    def last_day(self) -> dt.date:
        month = self.month or MONTHS_A_YEAR
        return dt.date(self.year, month, self.day or calendar.monthrange(self.year, month)[1])

    @property
    def as_month(self) -> Month | None:
        """The month, if it is known."""
        return Month(self.year, self.month) if self.month else None

    def surely_before(self, other: "PartialDate") -> bool:
        """Tell whether every day it may mean lies before every day the other may mean."""
        return self.last_day < other.first_day

    def overlaps(self, other: "PartialDate") -> bool:
        return not (self.surely_before(other) or other.surely_before(self))

    def __str__(self) -> str:
        month = f"{self.month:02d}" if self.month else "??"
        day = f"{self.day:02d}" if self.day else "??"
        return f"{self.year:04d}-{month}-{day}"


def _arabic(text: str) -> str:
    """Write Chinese numerals of a date in digits: 一九七八年十二月三十一日 → 1978年12月31日."""

    def number(found: re.Match[str]) -> str:
        tens, _, ones = found[0].rpartition("十")
        if "十" not in found[0]:
            return found[0].translate(_DIGITS)
        return str(int(tens.translate(_DIGITS) or 1) * 10 + int(ones.translate(_DIGITS) or 0))

    return re.sub(r"[〇零一二三四五六七八九十]+", number, text)
