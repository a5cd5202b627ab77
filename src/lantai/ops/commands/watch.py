"""``lantai replicate`` and ``lantai patrol``: the second copy, and all read again in time."""

import argparse
import threading
from typing import Any

from lantai.ops.command import BAD, GOOD, Command, WrongUse, answer, complain


def _replicate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dossiers", nargs="*", metavar="DOSSIER", help="档案的内部编号（uid）")
    parser.add_argument("--all", action="store_true", help="全部档案；副本已有的不再复制")


def _replicate(args: argparse.Namespace) -> int:
    if args.all == bool(args.dossiers):
        raise WrongUse("请写明要复制的档案，或用 --all 复制全部")
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    home.ready()
    from lantai.lib.ocfl.faults import Unreachable  # noqa: PLC0415 -- loads when needed
    from lantai.ops import watch  # noqa: PLC0415 -- models load after set-up
    from lantai.preservation.copies import CopyAway  # noqa: PLC0415 -- models load after set-up

    copied = unchanged = failed = 0
    try:
        for row in watch.replicate(args.dossiers or None):
            if "fault" in row:
                failed += 1
                answer(args, row, f"{row['dossier']}：未复制：{row['fault']}")
            elif row["version"] is None:
                unchanged += 1
            else:
                copied += 1
                answer(args, row, f"{row['dossier']}：已复制到第 {row['version']} 版")
    except (CopyAway, Unreachable) as away:
        failed += 1
        complain(str(away))
    total = {"copied": copied, "unchanged": unchanged, "failed": failed}
    answer(args, total, f"复制 {copied} 份，副本已有 {unchanged} 份，未成 {failed} 份")
    return BAD if failed else GOOD


def _patrol_arguments(parser: argparse.ArgumentParser) -> None:
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--once", type=int, metavar="N", help="只核对最久未核对的 N 个归档包或影像")
    how.add_argument("--full", action="store_true", help="把全部归档包和影像核对一遍")
    parser.add_argument(
        "--rate", type=float, metavar="MIB", help="每秒最多读多少 MiB，0 为不限（默认取设置）"
    )


def _patrol(args: argparse.Namespace) -> int:
    if args.full == (args.once is not None):
        raise WrongUse("请用 --once N 核对 N 个，或用 --full 全部核对一遍")
    if (args.once is not None and args.once < 1) or (args.rate is not None and args.rate < 0):
        raise WrongUse("N 至少为 1，速率不能为负数")
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    home.ready()
    from django.conf import settings  # noqa: PLC0415 -- only once Django is set up

    from lantai.ops import watch  # noqa: PLC0415 -- models load after set-up

    rate = settings.LANTAI_PATROL_RATE if args.rate is None else int(args.rate * (1 << 20))
    read = size = damaged = left = away = 0
    for row in watch.patrol_now(count=args.once, rate=rate, wait=threading.Event().wait):
        if "fault" in row:
            away += 1
            answer(args, row, row["fault"])
            continue
        read, size = read + 1, size + row["bytes"]
        damaged += bool(row["found"])
        left += bool(row["left"] or row["busy"])
        if args.json or row["found"]:
            answer(args, row, _in_words(row))
        elif read % 1000 == 0:
            print(f"已核对 {read} 个", flush=True)
    total = {"read": read, "bytes": size, "damaged": damaged, "left": left, "away": away}
    answer(
        args,
        total,
        f"核对归档包和影像 {read} 个（{size / (1 << 20):.1f} MiB），发现损坏 {damaged} 个，"
        f"其中未能修复 {left} 个"
        + ("：请从备份中恢复，再以 --once 核对" if left else "")
        + (f"；{away} 处存储无法核对" if away else ""),
    )
    return BAD if damaged or away else GOOD


def _in_words(row: dict[str, Any]) -> str:
    from lantai.preservation.models import Watched  # noqa: PLC0415 -- models load after set-up

    where = f"{Watched(row['place']).label} {row['object']}"
    lines = [f"{where}：{path or '.'}：{what}（{code}）" for path, code, what in row["found"]]
    lines += [
        f"{where}：{path or '.'}：" + (f"已由{Watched(source).label}修复" if source else "已移出")
        for path, source in row["repaired"]
    ]
    lines += [
        f"{where}：{path or '.'}：未能修复（{code}）：{row['why']}" for path, code in row["left"]
    ]
    if row["busy"]:
        lines.append(f"{where}：正在写入，稍后再核对")
    return "\n".join(lines)


REPLICATE = Command("replicate", "把归档的各版复制到第二副本", _replicate_arguments, _replicate)
PATROL = Command("patrol", "核对两份副本，损坏的由完好的一份修复", _patrol_arguments, _patrol)
