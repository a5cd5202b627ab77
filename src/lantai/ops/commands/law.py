"""``lantai retirement-age``: the statutory month for a birth month."""

import argparse
import sys
from collections.abc import Iterator

from lantai.cases.rules.age import retirement_age
from lantai.cases.rules.facts import Group
from lantai.lib.dates import Month
from lantai.ops.command import GOOD, WRONG_USE, Command, answer


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--born", metavar="YYYY-MM", help="出生年月")
    parser.add_argument(
        "--group",
        choices=[group.value for group in Group],
        help="M60 男；F55 原法定五十五周岁的女；F50 原法定五十周岁的女",
    )


def _run(args: argparse.Namespace) -> int:
    if (args.born is None) != (args.group is None):
        print(
            "--born 与 --group 须同时给出；批量计算请从标准输入逐行送入“组别 年月”", file=sys.stderr
        )
        return WRONG_USE
    code = GOOD
    for number, (group, born) in enumerate(_asked(args), start=1):
        try:
            found = retirement_age(group=Group(group), born=Month.parse(born))
        except ValueError:
            print(
                f"第 {number} 行“{group} {born}”不可识别；应为“M60 1965-01”，"
                f"组别为 {'、'.join(known.value for known in Group)}",
                file=sys.stderr,
            )
            code = WRONG_USE
            continue
        row = found.as_row()
        span = (
            f"弹性区间 {row['earliest']} 至 {row['latest']}"
            if row["earliest"]
            else "不适用弹性退休"
        )
        answer(
            args,
            row,
            f"{row['group']} {row['born']}：延迟 {row['delay_months']} 个月，"
            f"{row['age_years']} 岁 {row['age_months']} 个月，法定退休 {row['statutory_month']}，"
            f"{span}，最低缴费 {row['minimum_months']} 个月（{row['clause']}）",
        )
    return code


def _asked(args: argparse.Namespace) -> Iterator[tuple[str, str]]:
    if args.born is not None:
        yield args.group, args.born
        return
    for line in sys.stdin:
        if line.strip():
            group, _, born = line.strip().partition(" ")
            yield group, born.strip()


RETIREMENT_AGE = Command("retirement-age", "由出生年月算法定退休时间", _arguments, _run)
