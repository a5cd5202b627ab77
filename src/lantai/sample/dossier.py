"""Which papers a life leaves in a dossier, in catalogue order, and which form each is."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lantai.sample import forms_hire, forms_office, forms_school, forms_work
from lantai.sample.form import FormPage
from lantai.sample.lives import Career, Life, Stage

_CLASS_ORDER: Final = ("1", "2", "3", "4-1", "5", "6", "7", "8", "9-1", "9-2", "10")
_WAGE_ROUNDS: Final = (dt.date(1985, 9, 12), dt.date(1990, 3, 20), dt.date(1994, 3, 8))
_LATER_ROUNDS: Final = (dt.date(1998, 4, 15), dt.date(2001, 5, 18))


@dataclass(frozen=True)
class Form:
    """A form that exists: its key, its leaf of the catalogue, its sides, the stock it is on."""

    key: str
    class_code: str
    sides: tuple[Callable[[FormPage], None], ...]
    card: bool = False
    a4: bool = False


@dataclass(frozen=True)
class Material:
    """One entry of the catalogue, placed: class and sequence, title, date, pages."""

    key: str
    class_code: str
    sequence: int
    title: str
    formed: dt.date
    pages: int
    foreign: Life | None = None

    @property
    def name(self) -> str:
        """``9-2-1``: class and sequence, as the pencil writes it on the first page."""
        return f"{self.class_code}-{self.sequence}"

    def file_name(self, page: int) -> str:
        return f"{self.name}-{page:03d}.jpg"


FORMS: Final = {
    form.key: form
    for form in (
        Form("school-card", "4-1", (forms_school.school_card,), card=True),
        Form("league", "6", (forms_school.league,)),
        Form("graduation", "4-1", (forms_school.graduation,)),
        Form("countryside", "9-2", (forms_hire.countryside,)),
        Form("enlistment", "9-2", (forms_hire.enlistment,)),
        Form("discharge", "9-2", (forms_hire.discharge,)),
        Form("dispatch", "10", (forms_hire.dispatch,)),
        Form("hire", "9-2", (forms_hire.hire,)),
        Form("regular", "9-1", (forms_hire.regular,)),
        Form("wage-early", "9-1", (forms_work.wage,)),
        Form("wage-late", "9-1", (forms_work.wage,)),
        Form("transfer", "9-2", (forms_hire.transfer,)),
        Form("special", "9-2", (forms_work.special,)),
        Form("curriculum", "1", (forms_work.curriculum_first, forms_work.curriculum_second)),
        Form("contract", "9-2", (forms_office.contract_first, forms_office.contract_second)),
        Form("appraisal", "3", (forms_work.appraisal,)),
        Form("appraisal-next", "3", (forms_work.appraisal,)),
        Form("release", "9-2", (forms_office.release,)),
        Form("deposit", "10", (forms_office.deposit,)),
        Form("register", "10", (forms_office.register,)),
        Form("unlisted", "10", (forms_work.unlisted,)),
    )
}

_ALWAYS: Final = ("school-card", "curriculum", "contract", "release", "deposit", "register")
_BY_CAREER: Final = {
    Career.FACTORY: ("league", "graduation", "hire", "regular", "wage-early", "wage-late"),
    Career.SPECIAL: ("league", "hire", "regular", "wage-early", "wage-late", "special"),
    Career.MOVED: ("league", "hire", "regular", "wage-early", "wage-late", "transfer"),
    Career.LATE: ("league", "graduation", "hire", "regular", "wage-late", "appraisal"),
    Career.CADRE: ("graduation", "dispatch", "regular", "wage-late", "appraisal", "appraisal-next"),
    Career.ARMY: ("league", "enlistment", "discharge", "hire", "wage-early", "wage-late"),
    Career.RURAL: ("graduation", "hire", "regular", "wage-late", "appraisal"),
    Career.COUNTRYSIDE: ("countryside", "hire", "regular", "wage-early", "wage-late"),
}
# The paper without which service is not proved: what ``missing-material`` takes away.
_PROOF: Final = {Career.ARMY: "discharge", Career.COUNTRYSIDE: "countryside"}


def proof_of(life: Life) -> str:
    """The key of the form that proves the service of this career best, beside the hire form."""
    return _PROOF.get(life.career, "regular")


def altered_form(life: Life) -> str:
    """The early form on which a birth is worth altering."""
    keys = {Career.CADRE: "graduation", Career.ARMY: "enlistment"}
    return keys.get(life.career, "hire")


def materials(life: Life, *, without: frozenset[str] = frozenset()) -> tuple[Material, ...]:
    """The catalogue of a life: by class, within it by date, numbered from 1 without gaps."""
    keys = [key for key in (*_ALWAYS, *_BY_CAREER[life.career]) if key not in without]
    dated = [(FORMS[key], _formed(key, life)) for key in keys]
    dated.sort(key=lambda pair: (_CLASS_ORDER.index(pair[0].class_code), pair[1], pair[0].key))
    used: dict[str, int] = {}
    out = []
    for form, formed in dated:
        used[form.class_code] = used.get(form.class_code, 0) + 1
        title = _title(form.key, life, formed)
        sequence = used[form.class_code]
        out.append(Material(form.key, form.class_code, sequence, title, formed, len(form.sides)))
    return tuple(out)


def formed_day(key: str, life: Life) -> dt.date:
    """The day a form was signed: the last date on it."""
    return _formed(key, life)


def _formed(key: str, life: Life) -> dt.date:
    middle = next(i for i in life.intervals if i.unit == life.middle_school)
    job = life.jobs[0]
    match key:
        case "school-card":
            return middle.start + dt.timedelta(days=4)
        case "league":
            return life.league + dt.timedelta(days=11)
        case "graduation":
            return life.graduated + dt.timedelta(days=2)
        case "countryside":
            return life.first_work - dt.timedelta(days=6)
        case "enlistment":
            return life.first_work - dt.timedelta(days=3)
        case "discharge":
            army = next(i for i in life.intervals if i.stage is Stage.ARMY)
            return (army.end or army.start) + dt.timedelta(days=20)
        case "dispatch":
            return job.start  # the day of reporting is noted on it last
        case "hire":
            return job.start - dt.timedelta(days=6)
        case "regular":
            return life.regular + dt.timedelta(days=12)
        case "wage-early" | "wage-late":
            return _wage_day(life, late=key == "wage-late")
        case "transfer":
            _, after = forms_hire.moved_between(life)
            return after.start - dt.timedelta(days=5)
        case "special":
            return dt.date(max(1996, life.contract.year), 11, 5)
        case "curriculum":
            return dt.date(max(1989, life.regular.year + 1), 9, 26)
        case "contract":
            return life.contract + dt.timedelta(days=20)
        case "appraisal" | "appraisal-next":
            later = key == "appraisal-next"
            return dt.date(max(life.contract, life.regular).year + 1 + later, 12, 26)
        case "release":
            return life.leave
        case "deposit":
            return life.deposit
        case "unlisted":
            return life.regular + dt.timedelta(days=400)
        case _:
            return dt.date(2014 + life.number % 5, 5 + life.number % 7, 3 + life.number % 20)


def _wage_day(life: Life, *, late: bool) -> dt.date:
    """The first general wage round after the first grade, or the one after that."""
    rounds = [day for day in (*_WAGE_ROUNDS, *_LATER_ROUNDS) if life.regular < day < life.leave]
    if not rounds:
        return life.regular + dt.timedelta(days=380)
    early, latest = rounds[0], rounds[min(1, len(rounds) - 1)]
    if late:
        return latest if latest != early else early + dt.timedelta(days=370)
    return early


def _title(key: str, life: Life, formed: dt.date) -> str:
    schools = {"大学本科": "高等学校", "中专": "中等专业学校", "技工学校": "技工学校"}
    titles = {
        "school-card": f"{life.middle_school.removeprefix('兰台市')}学生学籍卡",
        "league": "入团志愿书",
        "graduation": f"{schools.get(life.schooling, life.schooling)}毕业生登记表",
        "countryside": "知识青年上山下乡登记表",
        "enlistment": "应征公民入伍登记表",
        "discharge": "退伍军人登记表",
        "dispatch": "毕业生就业报到证",
        "hire": forms_hire.HIRE_TITLES.get(life.career, "招收新工人登记表"),
        "regular": forms_hire.REGULAR_TITLES.get(life.career, "学徒工转正定级审批表"),
        "wage-early": forms_work.wage_title(formed.year),
        "wage-late": forms_work.wage_title(formed.year),
        "transfer": "职工调动审批表",
        "special": "从事特殊工种职工登记表",
        "curriculum": "职工履历表",
        "contract": "劳动合同书",
        "appraisal": f"{formed.year}年度考核登记表",
        "appraisal-next": f"{formed.year}年度考核登记表",
        "release": "解除劳动合同证明书",
        "deposit": "流动人员委托存档协议书",
        "register": "流动人员人事档案存档登记表",
        "unlisted": "职工体格检查表",
    }
    return titles[key]
