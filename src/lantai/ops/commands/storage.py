"""``lantai storage``: may packages be kept there?"""

import argparse
from collections.abc import Mapping
from typing import Any

from lantai.ops.command import BAD, GOOD, Command, answer


def _arguments(parser: argparse.ArgumentParser) -> None:
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--json", action="store_true", help="以 JSON 输出")
    verbs = parser.add_subparsers(dest="verb", metavar="动作", title="动作", required=True)
    for name, (summary, run) in _VERBS.items():
        verb = verbs.add_parser(name, help=summary, description=summary, parents=[common])
        verb.set_defaults(act=run)


def _run(args: argparse.Namespace) -> int:
    code: int = args.act(args)
    return code


def _probe(args: argparse.Namespace) -> int:
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    place = home.ready(migrate=False)
    from lantai.ops import storage  # noqa: PLC0415 -- settings are read after set-up

    code = GOOD
    for row in storage.probe(home=place, at=home.clock()):
        answer(args, row, _table(row))
        code = code if row["good"] else BAD
    return code


def _prepare(args: argparse.Namespace) -> int:
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    place = home.ready(migrate=False)
    from lantai.ops import storage  # noqa: PLC0415 -- settings are read after set-up

    for row in storage.prepare(home=place):
        made = "已建立" if row["made"] else "原已存在"
        days = row["retention_days"]
        kept = f"，写入的内容 {days} 天内不能删除" if days else ""
        answer(args, row, f"{row['store']}：存储桶{made}，保留旧版本{kept}")
    return GOOD


def _table(row: Mapping[str, Any]) -> str:
    lines = [f"{row['store']}（{row['setting']}）"]
    for check in row["checks"]:
        told = f"：{check['told']}" if check["told"] else ""
        lines.append(f"  {'合格' if check['good'] else '不合格'}  {check['name']}{told}")
    lines.append("可以使用" if row["good"] else "不能使用：请改正以上各项，或另换存储")
    return "\n".join(lines)


_VERBS = {
    "probe": ("检验所设的存储是否可靠，并记下结果", _probe),
    "prepare": ("建立所设的存储桶，使其保留版本", _prepare),
}

STORAGE = Command("storage", "检验、准备长期保存库所在的存储", _arguments, _run)
