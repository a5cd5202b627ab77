"""The command ``lantai``.

Exit codes: 0 good · 1 the thing examined is bad · 2 wrong use. With ``--json`` each answer is JSON,
one object a line where there are several. What the commands say to people is Chinese.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lantai.lib.ocfl.faults import Unreachable
from lantai.lib.refusals import Refusal
from lantai.ops.command import BAD, WRONG_USE, Command, WrongUse, complain
from lantai.ops.commands import (
    anchor,
    backup,
    images,
    keyring,
    keys,
    law,
    load,
    preservation,
    storage,
    store,
    watch,
    witness,
    witnesses,
    work,
)

HEADINGS: Mapping[str, tuple[Command, ...]] = {
    "开始使用": (work.DEMO, load.SAMPLE),
    "数字化": (load.INGEST, load.CLEAR, images.CHECK_IMAGES, images.COMPARE_SCANS),
    "退休核定": (law.RETIREMENT_AGE,),
    "存证与保管": (
        store.VERIFY,
        store.AUDIT,
        store.FSCK,
        storage.STORAGE,
        preservation.PRESERVE,
        preservation.REBUILD,
        backup.BACKUP,
        backup.BACKUPS,
        backup.DRILL,
        backup.RESTORE,
        watch.REPLICATE,
        watch.PATROL,
        witnesses.WITNESSES,
        witness.WITNESS,
        anchor.ANCHOR,
        anchor.PROMISE,
        keys.ROTATE_KEY,
        keys.TOKEN_KEY,
        keyring.KEYS,
        keyring.CHANGE_KEY,
    ),
    "运行": (work.SERVE, work.WORKER, work.BENCH),
}


def parser() -> argparse.ArgumentParser:
    """The whole command line; ``docs/reference/command-line.md`` is checked against it."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--home", type=Path, help="数据目录（默认取环境变量 LANTAI_HOME）")
    common.add_argument("--json", action="store_true", help="以 JSON 输出")
    whole = argparse.ArgumentParser(
        prog="lantai", description="兰台：流动人员人事档案影像服务系统", add_help=True
    )
    verbs = whole.add_subparsers(dest="command", metavar="命令", title="命令")
    for commands in HEADINGS.values():
        for command in commands:
            sub = verbs.add_parser(
                command.name,
                help=command.summary,
                description=command.summary,
                parents=[common],
                formatter_class=argparse.ArgumentDefaultsHelpFormatter,
            )
            command.arguments(sub)
            sub.set_defaults(run=command.run)
    verbs.add_parser("help", help="列出全部命令").set_defaults(run=_show_help)
    return whole


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    args = parser().parse_args(words)
    if getattr(args, "run", None) is None:
        _show_help(args)
        return WRONG_USE
    if getattr(args, "home", None) is not None:
        os.environ["LANTAI_HOME"] = str(args.home.absolute())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lantai.settings")
    try:
        code: int = args.run(args)
    except Refusal as refused:
        _complain(refused.reasons, as_json=args.json)
        return BAD
    except Unreachable as silent:
        _complain([str(silent)], as_json=args.json)
        return BAD
    except WrongUse as wrong:
        complain(str(wrong))
        return WRONG_USE
    except BrokenPipeError:
        # The reader (head, less) has gone; what was asked for cannot be told any more.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 -- lives to the end
        return BAD
    return code


def _complain(reasons: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        answer: dict[str, Any] = {"refused": list(reasons)}
        print(json.dumps(answer, ensure_ascii=False))
    else:
        for reason in reasons:
            print(reason, file=sys.stderr)


def _show_help(args: argparse.Namespace) -> int:
    print("用法：lantai 命令 [选项]；“lantai 命令 --help”列出该命令的选项\n")
    for heading, commands in HEADINGS.items():
        print(heading)
        for command in commands:
            print(f"  {command.name:<16}{command.summary}")
        print()
    print(
        "退出码：0 正常；1 被检查的对象有问题；2 用法不对。数据目录由 LANTAI_HOME 或 --home 指定。"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
