"""What may be planted into a dossier on purpose: contradictions in the life, faults in the scan.

A plant is asked for as ``NAME`` or ``NAME@3`` (dossier 3). Each one that was planted stands in
``truth.json`` under its dossier, so that a test can ask whether it was found.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

CONFLICTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "birth-differs": (
            "后来的履历表所写出生年月与最先记载不同 · a later form gives another birth"
        ),
        "birth-altered": (
            "招用（毕业、入伍）表的出生年份被刮擦后改写，留有擦痕和旧字"
            " · birth scraped and overwritten"
        ),
        "lunar-birth": (
            "学籍卡按农历填写出生日期 · the school card gives the birth by the lunar calendar"
        ),
        "first-work-differs": (
            "工资审批表把参加工作时间提前一年 · a wage form sets first work a year earlier"
        ),
        "service-gap": (
            "两个单位之间有七至十一个月无工作、无材料 · months without work between two employers"
        ),
        "name-variant": (
            "后来的表格把姓名写成另一个字 · a later form writes the name with another character"
        ),
        "id-differs": (
            "存档登记表的公民身份号码带另一个出生年份 · an ID number carries another birth year"
        ),
        "missing-material": (
            "缺转正定级（或退伍）材料 · the regularisation or discharge form is missing"
        ),
    }
)
SCAN_FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "blurred": "一页图像模糊 · a page out of focus",
        "skewed": "一页倾斜 4 度左右 · a page laid down crooked by some four degrees",
        "turned": "一页横放 · a page turned by a quarter",
        "blank": "一页为空白纸面，该页内容漏扫 · a blank side scanned in place of the written one",
        "duplicate": (
            "同一页扫描两次，另一页漏扫 · the same side scanned twice in place of the next"
        ),
        "cut-edge": "一页右侧被切去 · the right edge of a page cut off",
        "low-dpi": "一页只有一半分辨率 · a page at half the resolution",
        "grey": "一页为灰度图像 · a page scanned without colour",
        "truncated": "一个图像文件不完整 · an image file cut off",
        "text-named-jpg": "一个文本文件冒充图像 · a text file named .jpg",
        "huge-png": "一个 60000×60000 的 PNG 文件 · a PNG of 60,000 by 60,000 pixels",
        "unlisted-page": "有一页目录中没有 · a page that no catalogue lists",
        "missing-page": (
            "目录列有而文件缺失的一页 · a page the catalogue lists and the folder lacks"
        ),
        "count-differs": "纸质清点比图像多一页 · one written side more on paper than images",
        "bad-id-check-digit": (
            "目录中的公民身份号码校验码错误 · wrong check digit in the catalogue"
        ),
        "empty-folder": "批次中多一个空文件夹 · a folder with nothing in it",
        "foreign-page": "混入另一个人的一页 · a page of another person",
    }
)
PLANTS: Final[Mapping[str, str]] = MappingProxyType({**CONFLICTS, **SCAN_FAULTS})


@dataclass(frozen=True)
class Planted:
    """One plant and the dossier (counted from 1) it goes into."""

    name: str
    dossier: int


def assign(wishes: Sequence[str], *, dossiers: int) -> tuple[Planted, ...]:
    """Give every wish its dossier; those without a number are dealt out one by one.

    Raise ValueError, in Chinese, for an unknown name, a number outside 1…dossiers, or the same
    plant twice in one dossier.
    """
    planted: list[Planted] = []
    dealt = 0
    for wish in wishes:
        name, at, number = wish.partition("@")
        if name not in PLANTS:
            raise ValueError(f"没有名为“{name}”的植入项，可用的有：{'、'.join(PLANTS)}")
        if at:
            if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= dossiers:
                raise ValueError(f"“{wish}”的卷号应在 1 至 {dossiers} 之间")
            dossier = int(number)
        else:
            dossier = dealt % dossiers + 1
            dealt += 1
        here = Planted(name, dossier)
        if here in planted:
            raise ValueError(f"“{name}”在第 {dossier} 卷中重复，请删去一个")
        planted.append(here)
    return tuple(planted)


def chance(seed: int, *where: object) -> random.Random:
    """A stream of chance of its own for one place, so that no other place shifts it."""
    return random.Random("/".join(map(str, ("lantai", seed, *where))))
