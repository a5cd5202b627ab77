"""Fictional people with consistent lives: the facts from which every form of a dossier is filled.

A life is settled before any paper is drawn, so all papers of a dossier agree unless a conflict is
planted on purpose (``plants``). Births are chosen so that retirement falls into 2025–2027 for most.
"""

import datetime as dt
import random
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from lantai.lib.idnumber import check_digit
from lantai.sample import names
from lantai.sample.names import CITY, Trade


class Group(StrEnum):
    """Whom the retirement age is reckoned for."""

    M60 = "M60"
    F55 = "F55"
    F50 = "F50"


class Career(StrEnum):
    """The shape of a working life."""

    FACTORY = "factory"  # school, apprenticeship, works, contract, release, deposit
    SPECIAL = "special"  # the same in a trade listed as special work
    MOVED = "moved"  # two works, joined by a transfer
    LATE = "late"  # first work after 1992-10 as a contract worker: no deemed years
    CADRE = "cadre"  # college, assignment, probation year, office
    ARMY = "army"  # soldier first
    RURAL = "rural"  # farmer until hired by contract in the nineties: no deemed years
    COUNTRYSIDE = "countryside"  # sent-down youth first


class Stage(StrEnum):
    STUDY = "study"
    FARM = "farm"
    COUNTRYSIDE = "countryside"
    ARMY = "army"
    APPRENTICE = "apprentice"
    WORK = "work"
    DEPOSIT = "deposit"


@dataclass(frozen=True)
class Interval:
    """A stretch of life; ``end`` is its last day, None while it lasts."""

    stage: Stage
    start: dt.date
    end: dt.date | None
    unit: str
    post: str


@dataclass(frozen=True)
class Life:
    """All facts of one person. Dates are days; papers may write less of them."""

    seed: int
    number: int
    career: Career
    group: Group
    name: str
    sex: str
    nation: str
    birth: dt.date
    id18: str
    native_place: str
    address: str
    school: str  # the last one
    middle_school: str  # the one the school card is of
    primary_school: str
    schooling: str
    graduated: dt.date
    league: dt.date
    first_work: dt.date
    regular: dt.date
    contract: dt.date
    leave: dt.date
    deposit: dt.date
    trade: Trade
    intervals: tuple[Interval, ...]
    father: str
    mother: str
    people: tuple[str, ...]

    @property
    def id15(self) -> str:
        """The number as it was before 1999-10: two-digit year, no check digit."""
        return self.id18[:6] + self.id18[8:17]

    @property
    def jobs(self) -> tuple[Interval, ...]:
        """The stretches spent at works and offices, in order."""
        return tuple(i for i in self.intervals if i.stage in (Stage.APPRENTICE, Stage.WORK))

    def unit_at(self, day: dt.date) -> str:
        """Where the person worked on that day, else the last place before it, else the first."""
        begun = [job.unit for job in self.jobs if job.start <= day]
        return begun[-1] if begun else self.jobs[0].unit


@dataclass(frozen=True)
class _Part:
    """One role of the cast: what kind of life, and which kind of name."""

    career: Career
    group: Group
    births: tuple[int, int]
    name: str = ""
    nation: str = "汉"


_CAST: Final = (
    _Part(Career.SPECIAL, Group.M60, (1965, 1965)),
    _Part(Career.LATE, Group.F50, (1975, 1975), "二字"),
    _Part(Career.CADRE, Group.F55, (1971, 1971), "㛃"),
    _Part(Career.ARMY, Group.M60, (1965, 1966)),
    _Part(Career.FACTORY, Group.F50, (1975, 1976), "阿依古丽·买买提", "维吾尔"),
    _Part(Career.MOVED, Group.M60, (1965, 1966), "䶮"),
    _Part(Career.RURAL, Group.M60, (1965, 1966)),
    _Part(Career.CADRE, Group.F55, (1970, 1970)),
    _Part(Career.COUNTRYSIDE, Group.M60, (1962, 1962)),
    _Part(Career.FACTORY, Group.M60, (1966, 1966)),
    _Part(Career.LATE, Group.F50, (1976, 1976)),
    _Part(Career.MOVED, Group.F50, (1975, 1975)),
)


def citizen_number(*, birth: dt.date, order: int) -> str:
    """A number of the fictional division 990101; odd ``order`` for men, even for women."""
    first17 = f"{names.DIVISION}{birth:%Y%m%d}{order:03d}"
    return first17 + check_digit(first17)


def lives(*, seed: int, count: int) -> tuple[Life, ...]:
    """The first ``count`` people of a seed; a longer list begins with the shorter one."""
    taken: set[str] = set()
    out = []
    for number in range(1, count + 1):
        rng = random.Random(f"life/{seed}/{number}")
        part = _CAST[(number - 1) % len(_CAST)]
        name = _name(rng, part, taken, first_round=number <= len(_CAST))
        taken.add(name)
        out.append(_live(rng, part, name, seed=seed, number=number))
    return tuple(out)


def with_gap(life: Life) -> Life:
    """The same life with seven to eleven months without work or paper before a second employer."""
    rng = random.Random(f"gap/{life.seed}/{life.number}")
    last = life.jobs[-1]
    settled = max(life.contract.year, life.regular.year)
    broken = dt.date(settled + 1, rng.randint(1, 4), 20)
    resumed = _months_later(broken, rng.randint(7, 11)).replace(day=5)
    leave = max(life.leave, _months_later(resumed, 30))
    second = f"{CITY}{rng.choice(('长城', '兴达', '金桥'))}实业公司"
    kept = [i for i in life.intervals if i.start < last.start]
    jobs = [
        replace(last, end=broken),
        Interval(Stage.WORK, resumed, leave, second, last.post),
        Interval(Stage.DEPOSIT, _days(leave, 6), None, names.CENTRE, "灵活就业"),
    ]
    return replace(life, leave=leave, deposit=_days(leave, 6), intervals=(*kept, *jobs))


def _name(rng: random.Random, part: _Part, taken: set[str], *, first_round: bool) -> str:
    if part.nation != "汉" and first_round:
        return part.name
    given = names.MALE_NAMES if part.group is Group.M60 else names.FEMALE_NAMES
    while True:
        surname, second = rng.choice(names.SURNAMES), rng.choice(given)
        if part.name == "二字":
            second = second[-1]
        elif part.name and part.nation == "汉" and first_round:
            second = part.name + second[-1]
        if surname + second not in taken:
            return surname + second


def _days(day: dt.date, days: int) -> dt.date:
    return day + dt.timedelta(days=days)


def _months_later(day: dt.date, months: int) -> dt.date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, 28))


@dataclass(frozen=True)
class _Turns:
    """The turning points of a working life."""

    schooling: str
    left_middle: dt.date  # left the middle school; the same as graduated if there was no other
    graduated: dt.date
    first_work: dt.date
    hired: dt.date
    regular: dt.date
    contract: dt.date
    leave: dt.date


def _turns(rng: random.Random, part: _Part, birth: dt.date) -> _Turns:
    """Schooling and work by the customs of the cohort: school at seven, five or six years of it."""
    junior = birth.year + (15 if birth.year < 1974 else 16)
    day = rng.choice((1, 5, 10, 16, 20))
    contract = dt.date(1995, rng.randint(7, 12), 1)
    leave = dt.date(rng.randint(1999, 2005), rng.randint(1, 12), rng.randint(5, 25))
    match part.career:
        case Career.CADRE if birth.year > 1970:
            schooling, graduated = "大学本科", dt.date(junior + 7, 7, 8)
            hired = dt.date(junior + 7, 8, day)
        case Career.CADRE:
            schooling, graduated = "中专", dt.date(junior + 4, 7, 8)
            hired = dt.date(junior + 4, 8, day)
        case Career.LATE:
            schooling, graduated = "技工学校", dt.date(junior + 3, 7, 5)
            hired = dt.date(junior + 3, rng.randint(8, 11), day)
        case Career.RURAL:
            schooling, graduated = "初中", dt.date(junior, 7, 5)
            hired = dt.date(rng.randint(1993, 1995), rng.randint(3, 10), day)
        case Career.COUNTRYSIDE:
            schooling, graduated = "高中", dt.date(junior + 1, 7, 10)
            hired = dt.date(junior + 3, rng.randint(10, 12), day)
        case Career.ARMY:
            schooling, graduated = "高中", dt.date(junior + 3, 7, 10)
            hired = dt.date(junior + 7, rng.randint(3, 5), day)
        case _ if birth.year >= 1974:
            schooling, graduated = "初中", dt.date(junior, 7, 5)
            hired = dt.date(birth.year + 17, rng.randint(2, 7), day)
        case _:
            schooling, graduated = "高中", dt.date(junior + 3, 7, 10)
            hired = dt.date(junior + 3, rng.randint(9, 12), day)
    first = {
        Career.COUNTRYSIDE: dt.date(graduated.year, 10, rng.randint(8, 25)),
        Career.ARMY: dt.date(graduated.year, 10, rng.randint(20, 28)),
    }.get(part.career, hired)
    waits = {Career.CADRE: 12, Career.LATE: 6, Career.RURAL: 6, Career.ARMY: 6}
    regular = _months_later(hired, waits.get(part.career, 24 if birth.year >= 1974 else 36))
    contract = max(contract, _months_later(regular, 2).replace(day=1))
    if part.career in (Career.LATE, Career.RURAL):
        contract = hired
    years_of_middle = {"大学本科": junior + 3, "中专": junior, "技工学校": junior}
    left_middle = dt.date(years_of_middle.get(schooling, graduated.year), 7, 10)
    if schooling not in years_of_middle:
        left_middle = graduated
    return _Turns(schooling, left_middle, graduated, first, hired, regular, contract, leave)


def _live(rng: random.Random, part: _Part, name: str, *, seed: int, number: int) -> Life:
    birth = dt.date(rng.randint(*part.births), rng.randint(1, 12), rng.randint(1, 28))
    if part.births == (1971, 1971) or part.career is Career.COUNTRYSIDE:
        birth = birth.replace(month=rng.randint(1, 9))  # due by 2027; not sent down at fifteen
    man = part.group is Group.M60
    turns = _turns(rng, part, birth)
    stock = {Career.SPECIAL: names.HARD_TRADES, Career.CADRE: names.OFFICE_TRADES}
    trade = rng.choice(stock.get(part.career, names.TRADES))
    district = rng.choice(names.DISTRICTS)
    home = f"{CITY}{district}{rng.choice(names.STREETS)}{rng.randint(2, 88)}号"
    if part.career is Career.RURAL:
        home = f"{CITY}{district}{rng.choice(names.VILLAGES)}"
    school = _school(rng, turns.schooling)
    middle = school if turns.left_middle == turns.graduated else _school(rng, "初中")
    primary = f"{district}{rng.choice(names.PRIMARY_SCHOOLS)}"
    unit = _works(rng, trade, office=part.career is Career.CADRE)
    deposit = _days(turns.leave, rng.randint(3, 12))
    surname = name[0] if "·" not in name else ""
    return Life(
        seed=seed,
        number=number,
        career=part.career,
        group=part.group,
        name=name,
        sex="男" if man else "女",
        nation=part.nation if "·" in name else "汉",
        birth=birth,
        id18=citizen_number(birth=birth, order=rng.randrange(50, 450) * 2 + man),
        native_place=f"{CITY}{district}",
        address=home,
        school=school,
        middle_school=middle,
        primary_school=primary,
        schooling=turns.schooling,
        graduated=turns.graduated,
        league=dt.date(turns.graduated.year - 1, 5, 4),
        first_work=turns.first_work,
        regular=turns.regular,
        contract=turns.contract,
        leave=turns.leave,
        deposit=deposit,
        trade=trade,
        intervals=_intervals(
            rng,
            part.career,
            birth,
            turns,
            trade,
            unit=unit,
            schools=(primary, middle, school),
            deposit=deposit,
        ),
        father=(surname or "买买提·") + rng.choice(names.ELDERS[:6] if surname else ("吐尔逊",)),
        mother=rng.choice(names.SURNAMES) + rng.choice(names.ELDERS[6:]) if surname else "帕提古丽",
        people=tuple(rng.choice(names.SURNAMES) + rng.choice(names.COLLEAGUES) for _ in range(8)),
    )


def _school(rng: random.Random, schooling: str) -> str:
    match schooling:
        case "大学本科":
            return f"{CITY}财经学院"
        case "中专":
            return f"{CITY}商业学校"
        case "技工学校":
            return f"{CITY}轻工技工学校"
        case _:
            return f"{CITY}{rng.choice(names.SCHOOLS)}"


def _works(rng: random.Random, trade: Trade, *, office: bool) -> str:
    kind = "公司" if office else "厂"
    return f"{CITY}{'' if office else rng.choice(names.WORKS_PREFIX)}{trade.makes}{kind}"


def _intervals(
    rng: random.Random,
    career: Career,
    birth: dt.date,
    turns: _Turns,
    trade: Trade,
    *,
    unit: str,
    schools: tuple[str, str, str],
    deposit: dt.date,
) -> tuple[Interval, ...]:
    entered = dt.date(birth.year + 7, 9, 1)
    left_primary = dt.date(entered.year + (5 if birth.year < 1974 else 6), 7, 10)
    primary, middle, school = schools
    into_middle = left_primary.replace(month=9, day=1)
    out = [
        Interval(Stage.STUDY, entered, left_primary, primary, "学生"),
        Interval(Stage.STUDY, into_middle, turns.left_middle, middle, "学生"),
    ]
    if school != middle:
        into_school = turns.left_middle.replace(month=9, day=1)
        out.append(Interval(Stage.STUDY, into_school, turns.graduated, school, "学生"))
    if career is Career.RURAL:
        village = rng.choice(names.VILLAGES)
        out.append(
            Interval(Stage.FARM, _days(turns.graduated, 1), _days(turns.hired, -1), village, "务农")
        )
    if career is Career.COUNTRYSIDE:
        out.append(
            Interval(
                Stage.COUNTRYSIDE,
                turns.first_work,
                _days(turns.hired, -1),
                f"{rng.choice(names.VILLAGES)}知青点",
                "知青",
            )
        )
    if career is Career.ARMY:
        released = dt.date(turns.hired.year, 1, rng.randint(8, 20))
        out.append(Interval(Stage.ARMY, turns.first_work, released, "某部五四一团", "战士"))
    learner = (
        Stage.WORK if career in (Career.CADRE, Career.RURAL, Career.ARMY) else Stage.APPRENTICE
    )
    title = {Career.CADRE: "见习", Career.LATE: "试用", Career.RURAL: "试用", Career.ARMY: "熟练期"}
    out.append(
        Interval(learner, turns.hired, _days(turns.regular, -1), unit, title.get(career, "学徒"))
    )
    if career is Career.MOVED:
        moved = max(dt.date(1991, rng.randint(2, 11), 12), _months_later(turns.regular, 8))
        second = _works(rng, trade, office=False)
        while second == unit:
            second = _works(rng, trade, office=False)
        out.append(Interval(Stage.WORK, turns.regular, _days(moved, -1), unit, trade.post))
        out.append(Interval(Stage.WORK, moved, turns.leave, second, trade.post))
    else:
        out.append(Interval(Stage.WORK, turns.regular, turns.leave, unit, trade.post))
    out.append(Interval(Stage.DEPOSIT, deposit, None, names.CENTRE, "灵活就业"))
    return tuple(out)
