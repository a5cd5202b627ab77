"""``lantai preserve`` and ``lantai rebuild``: dossiers as packages that outlive the program."""

import argparse
from typing import TYPE_CHECKING

from lantai.ops.command import BAD, GOOD, Command, WrongUse, answer, complain, no_arguments

if TYPE_CHECKING:
    from lantai.preservation.rebuilding import Step


def _preserve_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dossiers", nargs="*", metavar="DOSSIER", help="档案的内部编号（uid）")
    parser.add_argument("--all", action="store_true", help="全部档案；没有变化的不再写入")


def _preserve(args: argparse.Namespace) -> int:
    if args.all == bool(args.dossiers):
        raise WrongUse("请写明要归档的档案，或用 --all 归档全部")
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    home.ready()
    from lantai.ops import preservation  # noqa: PLC0415 -- models load after set-up

    failed = kept = unchanged = 0
    try:
        for row in preservation.preserve(args.dossiers or None):
            if "fault" in row:
                failed += 1
                answer(args, row, f"{row['dossier']}：未归档：{row['fault']}")
            elif row["version"] is None:
                unchanged += 1
            else:
                kept += 1
                answer(args, row, f"{row['dossier']}：已归档，第 {row['version']} 版")
    except preservation.INCIDENTS as failure:
        complain(f"归档中断，已归档的保留：{preservation.sentence_of(failure)}")
        return BAD
    total = {"kept": kept, "unchanged": unchanged, "failed": failed}
    answer(args, total, f"归档 {kept} 份，无变化 {unchanged} 份，未成 {failed} 份")
    return BAD if failed else GOOD


def _rebuild(args: argparse.Namespace) -> int:
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    home.ready()
    from lantai.ops import preservation  # noqa: PLC0415 -- models load after set-up

    looked = 0

    def told(step: "Step") -> None:
        nonlocal looked
        looked += 1
        if step.why:
            complain(f"{step.dossier}：{step.why}")
        if looked % _OFTEN == 0:
            complain(f"已处理归档包 {looked} 个")

    try:
        row = preservation.rebuild(told=told)
    except preservation.INCIDENTS as unsound:
        complain(
            f"重建中断，已写入的档案保留，排除故障后再次运行即可续做："
            f"{preservation.sentence_of(unsound)}"
        )
        return BAD
    if row["damaged"]:
        said = f"重建未完成：{len(row['damaged'])} 处损坏；从副本中恢复后再次运行，即可补上"
    else:
        said = f"重建完成：档案 {row['dossiers']} 份，影像 {row['pages']} 页"
    answer(args, row, said)
    return BAD if row["damaged"] or row["without_key"] else GOOD


_OFTEN = 1000  # packages between two words of how far it is

PRESERVE = Command("preserve", "把档案归入长期保存库（OCFL）", _preserve_arguments, _preserve)
REBUILD = Command("rebuild", "由长期保存库重建空的数据库", no_arguments, _rebuild)
