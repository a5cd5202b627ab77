"""The labels of forms, what each asks for, and how what stands beside them is written.

A value is taken only in a shape that can be checked: a date that exists, a number of fifteen or
eighteen places, a word of a closed list, a name of a few characters. Everything else stays unread.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lantai.lib.dates import PartialDate

_EARLIEST: Final = 1880
_LATEST: Final = 2099
_HAN: Final = "\u3400-\u9fff\U00020000-\U0003ffff"
_NUMERALS: Final = "〇零一二三四五六七八九十"

_NATIONS: Final = (
    "汉 蒙古 回 藏 维吾尔 苗 彝 壮 布依 朝鲜 满 侗 瑶 白 土家 哈尼 哈萨克 傣 黎 傈僳 佤 畲 高山 "
    "拉祜 水 东乡 纳西 景颇 柯尔克孜 土 达斡尔 仫佬 羌 布朗 撒拉 毛南 仡佬 锡伯 阿昌 普米 塔吉克 "
    "怒 乌孜别克 俄罗斯 鄂温克 德昂 保安 裕固 京 塔塔尔 独龙 鄂伦春 赫哲 门巴 珞巴 基诺"
)
NATIONS: Final = frozenset(_NATIONS.split())
_SCHOOLINGS: Final = (
    "文盲 小学 初中 高中 中专 中技 技工学校 技校 职高 职业高中 大专 大学专科 大学本科 本科 大学 "
    "硕士研究生 博士研究生 研究生"
)

# Labels that ask for nothing sought here, but end the value before them.
_OTHERS: Final = (
    "曾用名 籍贯 文化程度 政治面貌 家庭出身 本人成份 家庭住址 现住址 住址 健康状况 "
    "婚姻状况 工作单位及职务 工作单位 原工作单位 称谓 单位 职务 工种岗位 工种职务 "
    "工种 岗位 月工资 身高 体重 血压 与本人关系 年龄 电话 毕业学校 毕业时间 "
    "入学时间 所在车间 所在部门 任何职 证明人 备注 学历 级别 工资等级 批准文号 "
    "用工形式 存档类别 部队代号 军龄 执行时间 增资额 原毕业学校 打印日期 存档机构 "
    "入团时间 入党时间 填表日期 填表时间 审核人 开始时间 终止时间 学号 家长 原单位"
)


@dataclass(frozen=True)
class Shape:
    """How a value is written: what to seek, and its canonical form (None: it is none)."""

    pattern: re.Pattern[str]
    canonical: Callable[[str], str | None]
    gap: int = 4  # characters that may stand between label and value


def date(written: str) -> str | None:
    """The date as ``lib.dates`` writes it; None for no date or one outside 1880–2099."""
    plain = re.sub(r"[、．·,，/]", ".", written).rstrip(".")
    try:
        found = PartialDate.parse(plain)
    except ValueError:
        return None
    return str(found) if _EARLIEST <= found.year <= _LATEST else None


def span(written: str) -> str | None:
    """Two dates as ``start/end``; ``start/..`` for a stretch that goes on."""
    going_on = re.sub(r"(?<=[\d月])(?=今|现在)", "—", written)  # engines overlook the dash
    start, _, end = re.sub(r"[—–\-~～至―一]+", "|", going_on).partition("|")
    begun = date(start)
    if begun is None:
        return None
    if end.strip() in {"今", "现在"}:
        return f"{begun}/.."
    ended = date(end)
    return f"{begun}/{ended}" if ended and begun <= ended else None


def number(written: str) -> str | None:
    """A citizen number as it stands, its last letter large; faults are judged elsewhere."""
    return written.replace("x", "X")


def sex(written: str) -> str | None:
    return {"男": "1", "女": "2"}.get(written)


def nation(written: str) -> str | None:
    plain = written.removesuffix("族")
    return plain if plain in NATIONS else None


def schooling(written: str) -> str | None:
    return written


def name(written: str) -> str | None:
    return written.strip("·")


_ARABIC_DATE: Final = (
    r"(?:1[89]|20)\d\d(?:年(?:\d{1,2}(?:月(?:\d{1,2}日?)?)?)?"
    r"|[./、．·]\d{1,2}(?:[./、．·]\d{1,2}(?!\d))?)"
)
_CHINESE_DATE: Final = (
    rf"[{_NUMERALS[:-1]}]{{4}}年(?:[{_NUMERALS}]{{1,3}}月(?:[{_NUMERALS}]{{1,3}}日)?)?"
)
_DATE: Final = f"(?:{_ARABIC_DATE}|{_CHINESE_DATE})"
DATE: Final = Shape(re.compile(_DATE), date)
_MONTH: Final = r"(?:1[89]|20)\d\d(?:年\d{1,2}月?|[./、．·，]\d{1,2})"
_DASH: Final = r"[—–\-~～至―一]"
SPAN: Final = Shape(
    re.compile(rf"{_MONTH}(?:{_DASH}{{1,2}}{_MONTH}(?!\d)|{_DASH}{{0,2}}今|{_DASH}{{1,2}}现在)"),
    span,
)
NUMBER: Final = Shape(re.compile(r"(?<![0-9])(?:[0-9]{17}[0-9Xx]|[0-9]{15})(?![0-9Xx])"), number)
SEX: Final = Shape(re.compile("[男女]"), sex, gap=2)
NATION: Final = Shape(re.compile(rf"[{_HAN}]{{1,5}}"), nation, gap=1)
SCHOOLING: Final = Shape(
    re.compile("|".join(sorted(_SCHOOLINGS.split(), key=len, reverse=True))), schooling
)
_NAME: Final = rf"[{_HAN}]{{2,4}}(?:·[{_HAN}]{{1,8}})*"
NAME: Final = Shape(re.compile(_NAME), name, gap=2)

_FACTS: Final[tuple[tuple[str, str, Shape], ...]] = (
    ("name", r"姓名|乙方[（(](?:职工|存档人|劳动者)[)）]|毕业生姓名", NAME),
    ("sex", "性别", SEX),
    ("nation", "民族", NATION),
    ("birth", "出生年月日|出生年月|出生日期|出生时间|出生", DATE),
    ("id_number", "(?:居民|公民)?身份证?(?:件)?号码?", NUMBER),
    ("first_work", "(?:何时)?参加(?:革命)?工作(?:时间|年月|日期)", DATE),
    ("schooling", "文化程度|学历", SCHOOLING),
    ("service_start", "入伍时间|入伍年月|下乡时间|插队时间|报到时间|到岗时间|进厂时间", DATE),
    (
        "service_end",
        "退伍时间|复员时间|转业时间|离职时间|离岗时间|解除劳动关系时间|解除合同时间",
        DATE,
    ),
    ("regular", "转正定级时间|转正时间|定级时间", DATE),
    ("deposit", "存档时间", DATE),
)
LABELS: Final = tuple(
    sorted(
        [(fact, re.compile(pattern), shape) for fact, pattern, shape in _FACTS]
        + [("", re.compile("|".join(sorted(_OTHERS.split(), key=len, reverse=True))), NAME)],
        key=lambda label: label[0] == "",
    )
)

# What prose says without a label; the group is the value.
PROSE: Final[tuple[tuple[str, re.Pattern[str], Shape], ...]] = (
    ("birth", re.compile(rf"({_DATE})出?生"), DATE),
    ("first_work", re.compile(rf"({_DATE})参加(?:革命)?工作"), DATE),
    ("first_work", re.compile(rf"参加工作(?:时间)?从({_DATE})"), DATE),
    ("name", re.compile(rf"(?:^|[。；：有])({_NAME})同志[，,]"), NAME),
    ("name", re.compile(rf"毕业生({_NAME})（性别"), NAME),
    ("contract", re.compile(rf"(?:合同|期限)[^。；]{{0,12}}自({_DATE})起"), DATE),
    ("deposit", re.compile(rf"自({_DATE})起将?[^。；]{{0,4}}档案"), DATE),
    ("service_start", re.compile(rf"于({_DATE})(?:报到|入伍|下乡)"), DATE),
    ("service_end", re.compile(rf"于({_DATE})(?:解除|终止|退伍|退出|离职)"), DATE),
    ("service", re.compile(f"({SPAN.pattern.pattern})"), SPAN),
)

# The facts that may be proposed.
SOUGHT: Final = frozenset(fact for fact, _, _ in (*LABELS, *PROSE) if fact)
