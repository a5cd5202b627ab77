"""``lantai backup``, ``backups``, ``restore`` and ``drill``."""

import argparse
import getpass
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from lantai.lib.refusals import Refusal
from lantai.ops.command import BAD, GOOD, Command, WrongUse, answer, complain, read_bytes

if TYPE_CHECKING:
    from lantai.ops.backups.restoring import Restored

_LEAST_PAGES = 20


def _passphrase_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--passphrase-file",
        action="append",
        default=[],
        metavar="FILE",
        help="备份口令所在的文件，“-”为标准输入；不写则从终端询问",
    )


def _checks_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--packages", type=int, metavar="N", help="最后再核对 N 个归档包（随机；不写为全部）"
    )
    parser.add_argument(
        "--pages", type=int, default=_LEAST_PAGES, metavar="N", help="最后随机打开 N 页影像"
    )


def _backup_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", required=True, type=Path, metavar="DIR", help="备份目标目录")
    _passphrase_argument(parser)
    parser.add_argument(
        "--new-passphrase", action="store_true", help="从这一份起换用与上一份不同的口令"
    )
    parser.add_argument("--by", default="ops", metavar="USER", help="经办人，记入日志")


def _backup(args: argparse.Namespace) -> int:
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    home.ready(migrate=False)
    from lantai.ops.backups import failures, making, target  # noqa: PLC0415 -- as above

    signal.signal(signal.SIGTERM, _end)  # so that the plain snapshot is removed then too
    given = _passphrases(args, twice=True)
    if len(given) != 1:
        raise WrongUse("备份只用一个口令：口令文件应只有一行")
    try:
        made = making.make(
            target=target.Target(args.to),
            passphrase=given[0],
            change=args.new_passphrase,
            by=args.by,
            clock=home.clock,
            told=_progress,
        )
    except making.ENDS as failure:
        if isinstance(failure, Refusal):
            raise
        complain(failures.said_of(failure))
        return BAD
    row = {
        "backup": made.manifest.name,
        "manifest_sha256": made.manifest.digest,
        "bytes": made.manifest.size,
        "packages": made.manifest.packages,
        "masters": made.manifest.masters,
        "new_masters": made.new_masters,
        "lacking": list(made.manifest.lacking),
        "keys_dropped": list(made.keys_dropped),
        "damaged": list(made.damaged),
        "seconds": round(made.seconds, 3),
    }
    said = [f"备份 {row['backup']}，清单摘要 {row['manifest_sha256']}，用时 {row['seconds']} 秒"]
    said += [f"{name}：其中的密钥已清除" for name in made.keys_dropped]
    said += [f"未能备份，原处已损坏：{lost}" for lost in made.manifest.lacking]
    said += [f"以前的备份已损坏，请移出 backups/：{older}" for older in made.damaged]
    answer(args, row, "\n".join(said))
    return BAD if made.manifest.lacking or made.damaged else GOOD


def _restore_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="source", required=True, type=Path, metavar="DIR", help="备份目标目录"
    )
    parser.add_argument(
        "--moment", metavar="NAME", help="恢复哪一份：名称，或其开头（如 2026-11-25）；不写为最新"
    )
    _passphrase_argument(parser)
    _checks_arguments(parser)


def _restore(args: argparse.Namespace) -> int:
    from lantai.ops.backups import failures, restoring, target  # noqa: PLC0415 -- when needed

    if args.home is None:
        raise WrongUse("请以 --home 指明要恢复成的新数据目录")
    signal.signal(signal.SIGTERM, _end)  # so that what was half restored is removed then too
    try:
        restored = restoring.restore(
            source=target.Target(args.source),
            moment=args.moment,
            home=args.home,
            passphrases=_passphrases(args),
            asked=restoring.Asked(args.packages, args.pages),
            told=_progress,
        )
    except failures.FAILURES as failure:
        complain(failures.said_of(failure, doing="恢复"))
        return BAD
    answer(args, restored.as_json(), "\n".join(_restored_in_words(restored, args.home)))
    return GOOD if restored.is_whole and not restored.newer else BAD


def _restored_in_words(restored: "Restored", home: Path) -> list[str]:
    counted = f"归档包 {restored.packages} 个，打开影像 {restored.opened} 页"
    name = restored.manifest.name
    said = [f"已由备份 {name} 恢复到 {home}：数据库 {restored.rows} 行，{counted}"]
    if restored.destroyed:
        said.append(f"抽到的影像中有 {restored.destroyed} 页的档案密钥已按规定销毁，不再能打开")
    said += [f"备份时已经缺失：{lost}" for lost in restored.manifest.lacking]
    said += [f"打不开：{closed}" for closed in restored.not_opened]
    said += [f"日志与数据库不符：{found}" for found in restored.differences]
    for known in restored.newer:
        signed = f"日志 {known.stream} 曾签到 {known.size} 条（据{known.where}）"
        said.append(
            f"{signed}，恢复出的数据库没有到那里：只能查阅，不能启用，"
            "否则与已签的日志分叉。要启用请恢复最新的备份"
        )
    if not restored.newer:
        advice = "启用之前请运行 lantai audit，并以 lantai witnesses 询问见证方是否见过更新的日志头"
        said.append(advice)
    return said


def _drill_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="source", required=True, type=Path, metavar="DIR", help="备份目标目录"
    )
    _passphrase_argument(parser)
    _checks_arguments(parser)
    parser.add_argument(
        "--scratch", type=Path, metavar="DIR", help="在何处临时恢复（不写为系统临时目录）"
    )


def _drill(args: argparse.Namespace) -> int:
    from lantai.ops.backups import drill, failures, target  # noqa: PLC0415 -- when needed

    signal.signal(signal.SIGTERM, _end)  # so that the scratch place is removed then too
    try:
        drilled = drill.drill(
            source=target.Target(args.source),
            passphrases=_passphrases(args),
            packages=args.packages,
            pages=args.pages,
            scratch=args.scratch,
            told=_progress,
        )
    except failures.FAILURES as failure:
        complain(failures.said_of(failure, doing="演练"))
        return BAD
    answer(args, drilled.as_json(), "\n".join(drilled.in_words()))
    return GOOD if drilled.good else BAD


def _backups_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--of", dest="source", required=True, type=Path, metavar="DIR", help="备份目标目录"
    )
    parser.add_argument("--verify", action="store_true", help="读每个文件，与清单中的摘要核对")


def _backups(args: argparse.Namespace) -> int:
    from lantai.ops.backups import manifest, target  # noqa: PLC0415 -- loads when needed

    source = target.Target(args.source)
    bad = False
    for name, made, unfit in source.accounts():
        if made is None:
            bad = True
            answer(args, {"backup": name, "faults": [unfit]}, f"{name}　{unfit}")
            continue
        keys = source.has_keys(name)
        only = [path for path in made.files if keys or not path.startswith("keys/")]
        faults = (
            list(manifest.faults(source.backups / name, made, only=only)) if args.verify else []
        )
        bad = bad or bool(faults)
        row = {
            "backup": name,
            "moment": made.moment.isoformat(),
            "manifest_sha256": made.digest,
            "database": made.database["kind"],
            "entries": {stream: said["entries"] for stream, said in made.log.items()},
            "packages": made.packages,
            "masters": made.masters,
            "bytes": made.size,
            "keys": keys,
            "lacking": list(made.lacking),
            "faults": faults,
        }
        entries = "，".join(f"{stream} {count} 条" for stream, count in row["entries"].items())
        columns = [
            *(name, row["database"], entries, f"归档包 {made.packages} 个"),
            *(f"影像 {made.masters} 个", f"{made.size} 字节", "密钥在" if keys else "密钥已清除"),
            f"清单摘要 {made.digest}",
        ]
        said = ["　".join(columns), *(f"  {fault}" for fault in faults)]
        answer(args, row, "\n".join(said))
    return BAD if bad else GOOD


def _passphrases(args: argparse.Namespace, *, twice: bool = False) -> list[str]:
    """From files, standard input or the terminal, one a line: never from the command line."""
    if args.passphrase_file:
        return [line for name in args.passphrase_file for line in _lines(name)]
    if not sys.stdin.isatty():
        raise WrongUse("请以 --passphrase-file 指明备份口令所在的文件；没有口令不做备份")
    given = getpass.getpass("备份口令：")
    if twice and getpass.getpass("再输一次：") != given:
        raise WrongUse("两次输入的口令不同，请重新运行")
    return [given]


def _lines(name: str) -> list[str]:
    held = sys.stdin.buffer.read() if name == "-" else read_bytes(Path(name))
    try:
        found = [line for line in held.decode().splitlines() if line]
    except UnicodeDecodeError as strange:
        raise WrongUse(f"{name} 中的口令不是 UTF-8 文本") from strange
    if not found:
        raise WrongUse(f"{name} 中没有口令；没有口令不做备份，也打不开备份")
    return found


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(BAD)


def _progress(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


BACKUP = Command("backup", "备份全部数据到另一处", _backup_arguments, _backup)
RESTORE = Command("restore", "由备份恢复成新的数据目录", _restore_arguments, _restore)
DRILL = Command("drill", "演练：只凭备份临时恢复并核对", _drill_arguments, _drill)
BACKUPS = Command("backups", "列出已有的备份", _backups_arguments, _backups)
