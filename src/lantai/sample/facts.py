"""How the facts of a life read on one page: in the words, dates and numbers of its year.

A claim is what a page says, not what is true: a twist makes one page say something else.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lantai.lib.dates import PartialDate
from lantai.sample.lives import Interval, Life, Stage

_NUMERALS: Final = "〇一二三四五六七八九"
_LONG_NUMBER_SINCE: Final = 2000  # 18 digits since 1999-10-01 (GB 11643-1999)
_CARDS_SINCE: Final = 1988  # identity cards were handed out 1984–1987


@dataclass(frozen=True)
class Written:
    """Words on a page. ``fact`` is empty for words that claim nothing a reviewer records.

    ``more`` goes into the truth beside the value; ``before`` is what was scraped off.
    """

    words: str
    fact: str = ""
    value: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)
    before: str = ""


@dataclass(frozen=True)
class Twist:
    """What a page says against the life. Empty fields follow the life."""

    birth: dt.date | None = None
    scraped: bool = False  # the true birth stood there first and was scraped off
    lunar: str = ""  # the birth in the words of the lunar calendar
    lunar_value: str = ""
    first_work: dt.date | None = None
    name: str = ""
    id18: str = ""


AS_LIVED: Final = Twist()


@dataclass(frozen=True)
class Reading:
    """The facts as written on one day, with whole, dotted or Chinese dates."""

    life: Life
    on: dt.date
    style: str  # "ymd", "dot", "cn"
    twist: Twist = AS_LIVED

    @property
    def year(self) -> int:
        return self.on.year

    @property
    def name(self) -> Written:
        name = self.twist.name or self.life.name
        return Written(name, "name", name)

    @property
    def sex(self) -> Written:
        return Written(self.life.sex, "sex", "1" if self.life.sex == "男" else "2")

    @property
    def nation(self) -> Written:
        return Written(self.life.nation, "nation", self.life.nation)

    def birth(self, *, day: bool = False) -> Written:
        """The birth, to the month or to the day."""
        twist, true = self.twist, self.life.birth
        if twist.lunar:
            return Written(twist.lunar, "birth", twist.lunar_value, {"calendar": "lunar"})
        shown = twist.birth or true
        words = self.date(shown, day=day)
        value = partial(shown, day=day)
        if twist.scraped:
            before = self.date(true, day=day)
            return Written(words, "birth", value, {"altered": True, "before": before}, before)
        return Written(words, "birth", value)

    def first_work(self, *, day: bool = False) -> Written:
        shown = self.twist.first_work or self.life.first_work
        return Written(self.date(shown, day=day), "first_work", partial(shown, day=day))

    @property
    def id_number(self) -> Written:
        """The number in the length of the year; a dash before there were cards."""
        if self.year < _CARDS_SINCE:
            return Written("—")
        number = self.twist.id18 or self.life.id18
        words = number if self.year >= _LONG_NUMBER_SINCE else number[:6] + number[8:17]
        return Written(words, "id_number", words)

    @property
    def schooling(self) -> Written:
        """The schooling finished by that year."""
        words = self.life.schooling if self.year >= self.life.graduated.year else "初中"
        return Written(words, "schooling", words)

    @property
    def politics(self) -> Written:
        age = self.year - self.life.birth.year
        joined = self.life.league.year <= self.year and age <= 28
        return Written("共青团员" if joined else "群众")

    def dated(self, fact: str, day_of: dt.date) -> Written:
        """A day that is claimed under a name of its own."""
        return Written(self.date(day_of), fact, partial(day_of, day=True))

    def service(self, interval: Interval) -> Written:
        """The row of one stretch: from month to month."""
        style = "ymd" if self.style == "ymd" and self.year >= 2006 else "dot"
        begun = words_of(interval.start, style=style, day=False)
        ended = "今"
        if interval.end and self._is_over(interval):
            ended = words_of(interval.end, style=style, day=False)
        end = partial(interval.end) if interval.end and self._is_over(interval) else None
        return Written(
            f"{begun}—{ended}",
            "service",
            f"{partial(interval.start)}/{end or '..'}",
            {
                "stage": interval.stage.value,
                "start": partial(interval.start),
                "end": end,
                "unit": interval.unit,
                "post": interval.post,
            },
        )

    def service_start(self, interval: Interval, *, day: bool = False) -> Written:
        """The day one stretch began, where a form tells nothing else of it."""
        return self._edge(interval, "service_start", interval.start, day=day)

    def service_end(self, interval: Interval, *, day: bool = False) -> Written:
        """The last day of one stretch."""
        last = interval.end or interval.start
        return self._edge(interval, "service_end", last, day=day)

    def special_work(self, interval: Interval, until: dt.date) -> Written:
        """The beginning of special work, claimed with its end and its kind."""
        ended = until < self.on
        more = {
            "start": partial(interval.start),
            "end": partial(until) if ended else None,
            "unit": interval.unit,
            "post": interval.post,
            "trade": self.life.trade.special,
        }
        words = self.date(interval.start, day=False)
        return Written(words, "special_work", partial(interval.start), more)

    @property
    def past(self) -> tuple[Interval, ...]:
        """The stretches that had begun by that day, without the deposit."""
        return tuple(
            each
            for each in self.life.intervals
            if each.start <= self.on and each.stage is not Stage.DEPOSIT
        )

    def date(self, day_of: dt.date | None, *, day: bool = True) -> str:
        """A date in the style of the page."""
        if day_of is None:
            return "今"
        return words_of(day_of, style=self.style, day=day)

    def _edge(self, interval: Interval, fact: str, at: dt.date, *, day: bool) -> Written:
        more = {
            "stage": interval.stage.value,
            "unit": interval.unit,
            "post": interval.post,
        }
        return Written(self.date(at, day=day), fact, partial(at, day=day), more)

    def _is_over(self, interval: Interval) -> bool:
        return interval.end is not None and interval.end <= self.on


def partial(day_of: dt.date, *, day: bool = False) -> str:
    """The canonical text of a date known to the month or the day."""
    return str(PartialDate(day_of.year, day_of.month, day_of.day if day else None))


def words_of(day_of: dt.date, *, style: str, day: bool) -> str:
    """``1965年3月12日``, ``1965.3.12`` or ``一九六五年三月十二日``, with or without the day."""
    year, month, number = day_of.year, day_of.month, day_of.day
    if style == "cn":
        digits = "".join(_NUMERALS[int(digit)] for digit in str(year))
        tail = f"{numeral(number)}日" if day else ""
        return f"{digits}年{numeral(month)}月{tail}"
    if style == "dot":
        return f"{year}.{month}.{number}" if day else f"{year}.{month}"
    return f"{year}年{month}月{number}日" if day else f"{year}年{month}月"


def numeral(number: int) -> str:
    """A number below a hundred in Chinese: 3 三, 12 十二, 20 二十."""
    if number < 10:
        return _NUMERALS[number]
    tens, ones = divmod(number, 10)
    return ("" if tens == 1 else _NUMERALS[tens]) + "十" + (_NUMERALS[ones] if ones else "")
