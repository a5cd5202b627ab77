"""``lantai check-images`` and ``lantai compare-scans``: pictures, without any database."""

import argparse
from pathlib import Path

from lantai.ops.command import BAD, GOOD, Command, answer, read_bytes

PICTURES = frozenset({".jpg", ".jpeg", ".tif", ".tiff", ".png"})


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="要检查的影像文件")
    parser.add_argument("--profile", default="gbt33870-2017", help="规范参数")


def _check(args: argparse.Namespace) -> int:
    from lantai.lib.imagery import profile, report  # noqa: PLC0415 -- OpenCV loads when needed

    limits = profile.load(args.profile)
    code = GOOD
    for path in args.files:
        row = report.check_file(read_bytes(path), name=path.name, profile=limits)
        row["file"] = str(path)
        if not row["readable"] or row["faults"]:
            code = BAD
        said = "；".join(fault["sentence"] for fault in row["faults"]) or "未发现问题"
        answer(args, row, f"{path}：{said}")
    return code


def _compare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", type=Path, metavar="A", help="先前的扫描（文件夹）")
    parser.add_argument("b", type=Path, metavar="B", help="后来的扫描（文件夹）")


def _compare(args: argparse.Namespace) -> int:
    from lantai.lib.imagery import compare  # noqa: PLC0415 -- OpenCV loads when needed

    found = compare.compare(_scans(args.a), _scans(args.b))
    row = found.as_json()
    differs = any(row[kind] for kind in ("missing", "added", "altered", "reordered"))
    answer(
        args,
        row,
        f"对应 {len(row['matched'])} 页；缺 {len(row['missing'])} 页：{'、'.join(row['missing'])}；"
        f"增 {len(row['added'])} 页：{'、'.join(row['added'])}；"
        f"改动 {len(row['altered'])} 页：{'、'.join(pair['b'] for pair in row['altered'])}；"
        f"次序{'有变' if row['reordered'] else '未变'}",
    )
    return BAD if differs else GOOD


def _scans(folder: Path) -> list[tuple[str, bytes]]:
    """The pictures of a folder, and of its sub-folders, in the order of their names."""
    if folder.is_file():
        return [(folder.name, read_bytes(folder))]
    found = sorted(
        path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() in PICTURES
    )
    return [(str(path.relative_to(folder)), read_bytes(path)) for path in found]


CHECK_IMAGES = Command("check-images", "逐个检查影像文件", _check_arguments, _check)
COMPARE_SCANS = Command("compare-scans", "比对同一档案的两次扫描", _compare_arguments, _compare)
