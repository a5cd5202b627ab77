"""What is drawn for one dossier: its sides in order, with every plant in its place.

A script is settled before the first page is drawn; plants change it, never the drawing code.
"""

from dataclasses import dataclass, field, replace
from enum import Enum, auto
from itertools import pairwise
from typing import Any, Final

from lantai.lib.idnumber import check_digit
from lantai.sample.dossier import Material, altered_form, formed_day, materials, proof_of
from lantai.sample.facts import AS_LIVED, Twist, partial
from lantai.sample.lives import Life, lives, with_gap
from lantai.sample.lunar import lunar_day
from lantai.sample.plants import chance
from lantai.sample.scan import NO_MISTAKES, Mistakes

# Which papers a scan fault may spoil first: those that prove least.
_SPOILT_FIRST: Final = (
    "appraisal",
    "appraisal-next",
    "wage-early",
    "contract",
    "wage-late",
    "deposit",
    "league",
    "graduation",
    "release",
    "register",
    "special",
    "transfer",
    "discharge",
    "countryside",
    "dispatch",
    "curriculum",
    "enlistment",
    "regular",
    "hire",
    "school-card",
)
_STRANGERS: Final = 1_000_003
# Characters of given names and one of the same or nearly the same sound.
_SAME_SOUND: Final = {
    pair[0]: pair[1]
    for pair in [
        "建健",
        "志治",
        "卫为",
        "永勇",
        "宝保",
        "德得",
        "振镇",
        "玉育",
        "长常",
        "立力",
        "援元",
        "连联",
        "少绍",
        "庆清",
        "树书",
        "学雪",
        "广光",
        "福富",
        "铁贴",
        "文雯",
        "延言",
        "爱艾",
        "保宝",
        "金今",
        "大达",
        "跃越",
        "春纯",
        "全泉",
        "成诚",
        "国帼",
        "桂贵",
        "秀绣",
        "淑叔",
        "凤风",
        "丽莉",
        "素苏",
        "红洪",
        "月悦",
        "翠脆",
        "惠慧",
        "秋丘",
        "晓小",
        "海还",
        "雅亚",
        "小晓",
        "亚雅",
        "艳燕",
        "彩采",
        "芳方",
        "美梅",
        "冬东",
        "强墙",
        "兰蓝",
        "英瑛",
        "珍贞",
        "梅美",
        "花华",
        "霞侠",
        "华花",
        "娥峨",
        "萍平",
        "菊局",
        "燕艳",
        "琴勤",
        "静净",
        "玲铃",
        "娟捐",
        "云芸",
        "平萍",
        "芝枝",
        "荣容",
        "洁杰",
        "东冬",
        "民敏",
        "山珊",
        "华桦",
        "柱注",
        "顺舜",
        "新欣",
        "朝潮",
        "生升",
        "丰峰",
        "林琳",
        "军君",
        "来莱",
        "斌彬",
        "河和",
        "田甜",
        "锁琐",
        "勇永",
        "进晋",
        "雷蕾",
        "胜圣",
        "提题",
    ]
}


class Substitute(Enum):
    """What lies in the folder in place of the page's image."""

    NOTHING = auto()
    TRUNCATED = auto()
    TEXT = auto()
    HUGE = auto()
    MISSING = auto()


@dataclass(frozen=True)
class Side:
    """One image of the dossier. ``life`` is set where it shows somebody else's paper."""

    material: Material
    page: int  # in the file name
    drawn_side: int  # of the form
    twist: Twist = AS_LIVED
    mistakes: Mistakes = NO_MISTAKES
    blank: bool = False
    again: int = 0
    life: Life | None = None
    listed: bool = True
    substitute: Substitute = Substitute.NOTHING
    planted: tuple[str, ...] = ()

    @property
    def file_name(self) -> str:
        name = self.material.file_name(self.page)
        return name.replace(".jpg", ".png") if self.substitute is Substitute.HUGE else name


@dataclass
class Script:
    """One dossier. ``details`` tells of each plant where it went and what it shows."""

    life: Life
    materials: tuple[Material, ...]
    sides: list[Side]
    paper_sides: int
    catalogue_id: str
    planted: frozenset[str]
    details: dict[str, dict[str, Any]] = field(default_factory=dict)


def of(life: Life, planted: frozenset[str]) -> Script:
    """Settle the dossier of a life with these plants in it."""
    if "service-gap" in planted:
        life = with_gap(life)
    gone = frozenset({proof_of(life)}) if "missing-material" in planted else frozenset()
    entries = materials(life, without=gone)
    sides = [
        Side(material, page, page) for material in entries for page in range(1, material.pages + 1)
    ]
    script = Script(life, entries, sides, len(sides), life.id18, planted)
    for name in sorted(planted):
        _CONFLICTS.get(name, _nothing)(script)
    for name in sorted(planted):
        _FAULTS.get(name, _nothing)(script)
    return script


def name_variant(name: str) -> str:
    """The name with one character of the given name written as another of the same sound."""
    for place in range(len(name) - 1, 0, -1):
        other = _SAME_SOUND.get(name[place])
        if other:
            return name[:place] + other + name[place + 1 :]
    return name[:-1] + "力"


def _nothing(script: Script) -> None:
    """For plants that change the folder of the batch, not a dossier."""


def _twist(script: Script, plant: str, key: str, /, **change: Any) -> Side:
    """Make the first side of a form read otherwise and note where that is."""
    place = next(i for i, side in enumerate(script.sides) if side.material.key == key)
    side = script.sides[place]
    twisted = replace(side, twist=replace(side.twist, **change), planted=(*side.planted, plant))
    script.sides[place] = twisted
    script.details[plant] = {"file": twisted.file_name, "material": twisted.material.name}
    return twisted


def _birth_differs(script: Script) -> None:
    life = script.life
    years = chance(life.seed, life.number, "birth-differs").choice((-2, -1, 1))
    shown = life.birth.replace(year=life.birth.year + years)
    _twist(script, "birth-differs", "curriculum", birth=shown)
    script.details["birth-differs"].update(
        fact="birth", true=partial(life.birth, day=True), shown=partial(shown, day=True)
    )


def _birth_altered(script: Script) -> None:
    life = script.life
    years = chance(life.seed, life.number, "birth-altered").choice((-3, -2, -2))
    shown = life.birth.replace(year=life.birth.year + years)
    _twist(script, "birth-altered", altered_form(life), birth=shown, scraped=True)
    script.details["birth-altered"].update(
        fact="birth", true=partial(life.birth, day=True), shown=partial(shown, day=True)
    )


def _lunar_birth(script: Script) -> None:
    life = script.life
    words, shown = lunar_day(life.birth)
    _twist(script, "lunar-birth", "school-card", lunar=words, lunar_value=shown)
    script.details["lunar-birth"].update(
        fact="birth", true=partial(life.birth, day=True), shown=shown, written=words
    )


def _first_work_differs(script: Script) -> None:
    life = script.life
    shown = life.first_work.replace(year=life.first_work.year - 1, day=1)
    _twist(script, "first-work-differs", "wage-late", first_work=shown)
    script.details["first-work-differs"].update(
        fact="first_work", true=partial(life.first_work, day=True), shown=partial(shown)
    )


def _service_gap(script: Script) -> None:
    jobs = script.life.jobs
    before, after = next(
        (one, other)
        for one, other in pairwise(jobs)
        if one.end and (other.start - one.end).days > 31
    )
    ended = before.end or before.start
    script.details["service-gap"] = {
        "fact": "service",
        "from": ended.isoformat(),
        "to": after.start.isoformat(),
    }


def _name_variant(script: Script) -> None:
    shown = name_variant(script.life.name)
    _twist(script, "name-variant", "release", name=shown)
    script.details["name-variant"].update(fact="name", true=script.life.name, shown=shown)


def _id_differs(script: Script) -> None:
    life = script.life
    years = chance(life.seed, life.number, "id-differs").choice((-3, -1, 2))
    first17 = f"{life.id18[:6]}{life.birth.year + years}{life.id18[10:17]}"
    shown = first17 + check_digit(first17)
    _twist(script, "id-differs", "deposit", id18=shown)
    script.details["id-differs"].update(fact="id_number", true=life.id18, shown=shown)


def _missing_material(script: Script) -> None:
    key = proof_of(script.life)
    script.details["missing-material"] = {
        "key": key,
        "formed": formed_day(key, script.life).isoformat(),
    }


def _spoil(script: Script, name: str, /, *, rather: str = "", **change: Any) -> Side:
    """Change the least important side that nothing was done to yet, of one form if it is free."""
    free = [
        (side.material.key != rather, _SPOILT_FIRST.index(side.material.key), side.page, place)
        for place, side in enumerate(script.sides)
        if not side.planted and side.listed
    ]
    if not free:
        raise ValueError(f"这一卷已没有可植入“{name}”的页，请分到其他卷")
    place = min(free)[-1]
    side = script.sides[place]
    spoilt = replace(side, planted=(*side.planted, name), **change)
    script.sides[place] = spoilt
    script.details[name] = {"file": spoilt.file_name, "material": spoilt.material.name}
    return spoilt


def _duplicate(script: Script) -> None:
    """The second side of the contract is missed, its first scanned again under that name."""
    place = next(
        i for i, s in enumerate(script.sides) if s.material.key == "contract" and s.page == 2
    )
    first, side = script.sides[place - 1], script.sides[place]
    again = replace(
        side, drawn_side=1, again=1, twist=first.twist, planted=(*side.planted, "duplicate")
    )
    script.sides[place] = again
    script.sides[place - 1] = replace(first, planted=(*first.planted, "duplicate"))
    script.details["duplicate"] = {
        "file": again.file_name,
        "of": first.file_name,
        "material": side.material.name,
    }


def _unlisted(script: Script) -> None:
    life = script.life
    last = max(m.sequence for m in script.materials if m.class_code == "10")
    day = formed_day("unlisted", life)
    slip = Material("unlisted", "10", last + 1, "职工体格检查表", day, 1)
    side = Side(slip, 1, 1, listed=False, planted=("unlisted-page",))
    script.sides.append(side)
    script.paper_sides += 1
    script.details["unlisted-page"] = {"file": side.file_name, "material": slip.name}


def _foreign(script: Script) -> None:
    life = script.life
    stranger = lives(seed=life.seed + _STRANGERS, count=life.number % 12 or 12)[-1]
    _spoil(script, "foreign-page", life=stranger)
    script.details["foreign-page"]["person"] = stranger.name


def _count_differs(script: Script) -> None:
    script.paper_sides += 1
    script.details["count-differs"] = {
        "paper_sides": script.paper_sides,
        "images": sum(s.substitute is not Substitute.MISSING for s in script.sides),
    }


def _bad_id(script: Script) -> None:
    good = script.life.id18
    bad = good[:-1] + ("3" if good[-1] != "3" else "7")
    script.catalogue_id = bad
    script.details["bad-id-check-digit"] = {"fact": "id_number", "true": good, "shown": bad}


def _skewed(script: Script) -> None:
    life = script.life
    stream = chance(life.seed, life.number, "skewed")
    degrees = stream.choice((-1, 1)) * round(stream.uniform(3.2, 4.0), 2)
    _spoil(script, "skewed", mistakes=Mistakes(skew=degrees))


def _turned(script: Script) -> None:
    life = script.life
    degrees = chance(life.seed, life.number, "turned").choice((90, 270))
    # A page full of print tells best which way is up.
    _spoil(script, "turned", rather="contract", mistakes=Mistakes(turn=degrees))
    script.details["turned"]["degrees"] = degrees


_CONFLICTS: Final = {
    "birth-differs": _birth_differs,
    "birth-altered": _birth_altered,
    "lunar-birth": _lunar_birth,
    "first-work-differs": _first_work_differs,
    "service-gap": _service_gap,
    "name-variant": _name_variant,
    "id-differs": _id_differs,
    "missing-material": _missing_material,
}
_FAULTS: Final = {
    "blurred": lambda script: _spoil(script, "blurred", mistakes=Mistakes(blurred=True)),
    "skewed": _skewed,
    "turned": _turned,
    "blank": lambda script: _spoil(script, "blank", blank=True),
    "duplicate": _duplicate,
    "cut-edge": lambda script: _spoil(script, "cut-edge", mistakes=Mistakes(cut=0.09)),
    "low-dpi": lambda script: _spoil(script, "low-dpi", mistakes=Mistakes(half=True)),
    "grey": lambda script: _spoil(script, "grey", mistakes=Mistakes(grey=True)),
    "truncated": lambda script: _spoil(script, "truncated", substitute=Substitute.TRUNCATED),
    "text-named-jpg": lambda script: _spoil(script, "text-named-jpg", substitute=Substitute.TEXT),
    "huge-png": lambda script: _spoil(script, "huge-png", substitute=Substitute.HUGE),
    "unlisted-page": _unlisted,
    "missing-page": lambda script: _spoil(script, "missing-page", substitute=Substitute.MISSING),
    "count-differs": _count_differs,
    "bad-id-check-digit": _bad_id,
    "foreign-page": _foreign,
}
