"""``lantai verify``, ``lantai audit``, ``lantai fsck``: is it still what it was?"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lantai.lib import verify
from lantai.ops.command import BAD, GOOD, Command, WrongUse, answer, read_bytes


def _verify_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="固定影像包（.zip）")
    parser.add_argument("--key", action="append", default=[], metavar="VKEY", help="信任的日志公钥")
    parser.add_argument("--policy", type=Path, help="信任策略文件（c2sp.org/tlog-policy）")
    parser.add_argument("--roots", type=Path, help="信任的时间戳机构的根证书（PEM）")


def _verify(args: argparse.Namespace) -> int:
    policy = read_bytes(args.policy).decode() if args.policy else None
    try:
        roots = read_bytes(args.roots) if args.roots else None
        report = verify.verify(read_bytes(args.bundle), keys=args.key, policy=policy, roots=roots)
    except ValueError as unfit:
        raise WrongUse(str(unfit)) from unfit
    row = report.as_json()
    answer(args, row, verify.told(report))
    return GOOD if report.valid else BAD


def _audit_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--promises",
        type=Path,
        metavar="DIR",
        help="一并核对目录中各单位所存的承诺（*.promise）",
    )


def _audit(args: argparse.Namespace) -> int:
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    home.ready()
    from lantai.ops import audit  # noqa: PLC0415 -- models load after set-up

    if args.promises is not None and not args.promises.is_dir():
        raise WrongUse(f"没有目录 {args.promises}；请检查路径")
    row = audit.audit(promises_in=args.promises, at=home.clock())
    said = [
        f"{found['table']} {found['key']} 的 {found['field']}：日志记为 {found['expected']}，"
        f"现为 {found['found']}（自 {found['since']}）"
        for found in row["differences"]
    ]
    sizes = "，".join(f"{state['stream']} {state['size']} 条" for state in row["log"])
    answer(args, row, "\n".join([*said, f"日志 {sizes}；差异 {len(said)} 处"]))
    return BAD if row["differences"] else GOOD


def _fsck_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--store", action="store_true", help="核对长期保存库和涉密库（OCFL）而非母本"
    )
    parser.add_argument("--copy", action="store_true", help="核对长期保存库的第二副本")
    parser.add_argument(
        "--repair",
        action="store_true",
        help="清除中断留下的文件，恢复只读权限；保存库中损坏的文件从另一副本恢复",
    )


def _fsck(args: argparse.Namespace) -> int:
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    home.ready()
    from lantai.ops import fsck, store  # noqa: PLC0415 -- models load after set-up

    where = [*(fsck.STORES if args.store else ()), *(fsck.COPIES if args.copy else ())]
    row = fsck.fsck(where=where, repair=args.repair) if where else store.fsck(repair=args.repair)
    said = [_said_of(found) for found in [*row.get("mended", []), *row["faults"]]]
    kind = "归档包" if where else "母本"
    said.append(f"已核对{kind} {row['objects']} 个；问题 {len(row['faults'])} 处")
    if row["faults"]:
        said.append(_LEFT if args.repair else _MAY_BE_MENDED)
    answer(args, row, "\n".join(said))
    return BAD if row["faults"] else GOOD


def _said_of(found: Mapping[str, Any]) -> str:
    """A fault, or what was put right: where, what, and its code."""
    from lantai.preservation.models import Watched  # noqa: PLC0415 -- models load after set-up

    where = f"{Watched(found['place']).label} " if "place" in found else ""
    code = f"（{found['code']}）" if found.get("code") else ""
    return f"{where}{found['path'] or '（整库）'}：{found['what']}{code}"


_MAY_BE_MENDED = "加 --repair 再运行一次，可以清除中断留下的文件，并从另一副本恢复损坏的文件"
_LEFT = "以上各项不能自动修复，请从备份中恢复后再核对"

VERIFY = Command("verify", "离线核验固定影像包", _verify_arguments, _verify)
AUDIT = Command("audit", "以存证日志核对数据库", _audit_arguments, _audit)
FSCK = Command("fsck", "核对影像母本或长期保存库", _fsck_arguments, _fsck)
