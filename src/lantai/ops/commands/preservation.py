"""``lantai preserve`` and ``lantai rebuild``: dossiers as packages that outlive the program."""

import argparse

from lantai.ops.command import BAD, GOOD, Command, WrongUse, answer, complain, no_arguments


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
    for row in preservation.preserve(args.dossiers or None):
        if "fault" in row:
            failed += 1
            answer(args, row, f"{row['dossier']}：未归档：{row['fault']}")
        elif row["version"] is None:
            unchanged += 1
        else:
            kept += 1
            answer(args, row, f"{row['dossier']}：已归档，第 {row['version']} 版")
    total = {"kept": kept, "unchanged": unchanged, "failed": failed}
    answer(args, total, f"归档 {kept} 份，无变化 {unchanged} 份，未成 {failed} 份")
    return BAD if failed else GOOD


def _rebuild(args: argparse.Namespace) -> int:
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    home.ready()
    from lantai.ops import preservation  # noqa: PLC0415 -- models load after set-up

    try:
        row = preservation.rebuild()
    except preservation.INCIDENTS as unsound:
        complain(f"未重建任何档案：{unsound}")
        return BAD
    said = [f"{uid}：密钥不在，未重建" for uid in row["without_key"]]
    answer(args, row, "\n".join([*said, f"重建档案 {row['dossiers']} 份，影像 {row['pages']} 页"]))
    return BAD if said else GOOD


PRESERVE = Command("preserve", "把档案归入长期保存库（OCFL）", _preserve_arguments, _preserve)
REBUILD = Command("rebuild", "由长期保存库重建空的数据库", no_arguments, _rebuild)
