"""The lunar calendar, as far as a birth written by it needs: month and day of a solar day.

New moons and solar longitudes are reckoned at Beijing time by the short series of Meeus,
*Astronomical Algorithms* (chapters 25 and 49); for 1950–2050 they agree with the almanac, but for a
moon that falls within minutes of midnight. A month without a principal term repeats the number
before it (the rule of GB/T 33661-2017).
"""

import calendar
import datetime as dt
import math
from typing import Final

_DAY_ZERO: Final = dt.date(2000, 1, 1)  # Julian day 2451544.5 begins it at Greenwich
_JULIAN_ZERO: Final = 2451544.5
_BEIJING: Final = 8 / 24
_LUNATION: Final = 29.530588861
_WINTER: Final = 11  # the month that holds the winter solstice
_DIGITS: Final = "零一二三四五六七八九十"


def lunar_day(day: dt.date) -> tuple[str, str]:
    """How a birth on that day is written by the lunar calendar.

    Return the words, such as ``农历一九六五年四月廿一``, and the value a hasty reader takes from
    them as if they were solar, ``1965-04-21``; ``1965-02-??`` where there is no such solar day.
    """
    year, month, number, leap = lunar_date(day)
    words = (
        f"农历{''.join('〇一二三四五六七八九'[int(digit)] for digit in str(year))}年"
        f"{'闰' if leap else ''}{_month(month)}月{_number(number)}"
    )
    known = number <= calendar.monthrange(year, month)[1]
    return words, f"{year:04d}-{month:02d}-{f'{number:02d}' if known else '??'}"


def lunar_date(day: dt.date) -> tuple[int, int, int, bool]:
    """Year, month, day and whether the month is a leap month."""
    begin = _month_begin(day)
    solstice_year = day.year if begin >= _month_of_solstice(day.year) else day.year - 1
    first, following = _month_of_solstice(solstice_year), _month_of_solstice(solstice_year + 1)
    begins = [first]
    while begins[-1] < following:
        begins.append(_month_begin(begins[-1] + dt.timedelta(days=32)))
    repeated = _leap_place(begins) if len(begins) - 1 == 13 else None
    place = begins.index(begin)
    leap = place == repeated
    counted = place - (1 if repeated is not None and place >= repeated else 0)
    month = (_WINTER + counted - 1) % 12 + 1
    year = solstice_year if month >= _WINTER and place < 3 else solstice_year + 1
    return year, month, (day - begin).days + 1, leap


def _leap_place(begins: list[dt.date]) -> int | None:
    """The first month in which the sun enters no sign."""
    for place in range(1, len(begins) - 1):
        if _sign(begins[place]) == _sign(begins[place + 1]):
            return place
    return None


def _month_of_solstice(year: int) -> dt.date:
    """The first day of the lunar month that holds the winter solstice of that year."""
    day = dt.date(year, 12, 18)
    while _sign(day + dt.timedelta(days=1)) != 9:
        day += dt.timedelta(days=1)
    return _month_begin(day)


def _month_begin(day: dt.date) -> dt.date:
    """The day of the last new moon on or before that day."""
    count = math.floor((_julian(day) - 2451550.09766) / _LUNATION) + 2
    while True:
        begun = _as_date(_new_moon(count) + _BEIJING)
        if begun <= day:
            return begun
        count -= 1


def _sign(day: dt.date) -> int:
    """In which twelfth of its way the sun stands at midnight in Beijing; 9 from the solstice."""
    centuries = (_julian(day) - _BEIJING - 2451545.0) / 36525
    anomaly = math.radians(357.52911 + 35999.05029 * centuries)
    longitude = (
        280.46646
        + 36000.76983 * centuries
        + 1.914602 * math.sin(anomaly)
        + 0.019993 * math.sin(2 * anomaly)
        + 0.000289 * math.sin(3 * anomaly)
        - 0.00569
        - 0.00478 * math.sin(math.radians(125.04 - 1934.136 * centuries))
    )
    return int(longitude % 360 // 30)


def _new_moon(count: int) -> float:
    """The Julian day (universal time) of a new moon; 0 is the one of 2000-01-06."""
    centuries = count / 1236.85
    sun = math.radians(2.5534 + 29.10535670 * count)
    moon = math.radians(201.5643 + 385.81693528 * count + 0.0107582 * centuries**2)
    node = math.radians(160.7108 + 390.67050284 * count - 0.0016118 * centuries**2)
    ascending = math.radians(124.7746 - 1.56375588 * count)
    eccentricity = 1 - 0.002516 * centuries
    mean = 2451550.09766 + _LUNATION * count + 0.00015437 * centuries**2
    periodic = (
        -0.40720 * math.sin(moon)
        + 0.17241 * eccentricity * math.sin(sun)
        + 0.01608 * math.sin(2 * moon)
        + 0.01039 * math.sin(2 * node)
        + 0.00739 * eccentricity * math.sin(moon - sun)
        - 0.00514 * eccentricity * math.sin(moon + sun)
        + 0.00208 * eccentricity**2 * math.sin(2 * sun)
        - 0.00111 * math.sin(moon - 2 * node)
        - 0.00057 * math.sin(moon + 2 * node)
        + 0.00056 * eccentricity * math.sin(2 * moon + sun)
        - 0.00042 * math.sin(3 * moon)
        + 0.00042 * eccentricity * math.sin(sun + 2 * node)
        + 0.00038 * eccentricity * math.sin(sun - 2 * node)
        - 0.00017 * math.sin(ascending)
    )
    return (
        mean + periodic - 50 / 86400
    )  # dynamical less universal time, about 50 s in these decades


def _julian(day: dt.date) -> float:
    return _JULIAN_ZERO + (day - _DAY_ZERO).days


def _as_date(julian: float) -> dt.date:
    return _DAY_ZERO + dt.timedelta(days=math.floor(julian - _JULIAN_ZERO))


def _month(number: int) -> str:
    return {1: "正", 11: "冬", 12: "腊"}.get(number, _DIGITS[min(number, 10)])


def _number(number: int) -> str:
    if number <= 10:
        return f"初{_DIGITS[number]}"
    if number in {20, 30}:
        return f"{_DIGITS[number // 10]}十"
    return f"{'十' if number < 20 else '廿'}{_DIGITS[number % 10]}"
