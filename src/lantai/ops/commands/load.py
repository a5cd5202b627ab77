"""``lantai sample`` and ``lantai ingest``: scans made, scans taken in."""

import argparse
from pathlib import Path

from lantai.ops.command import BAD, GOOD, Command, WrongUse, answer
from lantai.ops.place import handwriting
from lantai.sample.plants import PLANTS


def _sample_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="写入的文件夹")
    parser.add_argument("--dossiers", type=int, default=1, metavar="N", help="档案份数")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="随机种子，相同则内容相同")
    parser.add_argument(
        "--plant",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="埋入的矛盾或缺陷，可写“名称@档案序号”：" + "、".join(PLANTS),
    )
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="同时绘制的进程数")


def _sample(args: argparse.Namespace) -> int:
    from lantai import sample  # noqa: PLC0415 -- OpenCV loads when needed

    unknown = [name for name in args.plant if name.partition("@")[0] not in PLANTS]
    if unknown:
        raise WrongUse(f"没有名为 {'、'.join(unknown)} 的埋入项；可用的有 {'、'.join(PLANTS)}")
    if args.dossiers < 1:
        raise WrongUse("--dossiers 至少为 1")
    try:
        told = sample.generate(
            args.out,
            dossiers=args.dossiers,
            seed=args.seed,
            plant=args.plant,
            workers=args.workers,
            fonts=handwriting(),
        )
        for truth in told:
            folder = args.out / truth["folder"]
            answer(args, {"folder": str(folder)}, f"已写入 {folder}")
    except (ValueError, FileExistsError) as unfit:
        raise WrongUse(str(unfit)) from unfit
    return GOOD


def _ingest_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="扫描仪文件夹，每份档案一个子文件夹"
    )
    parser.add_argument("--by", metavar="USER", help="扫描员的用户名（默认为命令行扫描员）")
    parser.add_argument("--device", default="", help="扫描设备")
    parser.add_argument("--name", default="", help="批次名称（默认为文件夹名）")


def _ingest(args: argparse.Namespace) -> int:
    if not args.folder.is_dir():
        raise WrongUse(f"{args.folder} 不是文件夹；请给出扫描仪文件夹的路径")
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    home.ready()
    from lantai.ops import intake  # noqa: PLC0415 -- models load after set-up

    code = GOOD
    for outcome in intake.take_in(
        args.folder, username=args.by, name=args.name, device=args.device
    ):
        if outcome.status != "accepted":
            code = BAD
        answer(
            args,
            {
                "item": outcome.path,
                "status": outcome.status,
                "code": outcome.code,
                "sentence": outcome.sentence,
                "faults": [fault.code for fault in outcome.faults],
            },
            f"{outcome.path}：{'已接收' if outcome.status == 'accepted' else '已隔离'}"
            + (f"；{outcome.sentence}" if outcome.sentence else ""),
        )
    return code


def _clear_arguments(parser: argparse.ArgumentParser) -> None:
    """It takes nothing: what may go is found."""


def _clear(args: argparse.Namespace) -> int:
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    home.ready()
    from lantai.ops import intake  # noqa: PLC0415 -- models load after set-up

    code, found = GOOD, False
    for row in intake.clear_inbox():
        found = True
        stays = "".join(f"\n  留下 {path}：{_STAYS}" for path in row["stays"])
        answer(args, row, f"{row['batch']}：清除 {row['gone']} 个文件{stays}")
        code = BAD if row["stays"] else code
    if not found and not args.json:
        print("收件目录中没有可清除的扫描件")
    return code


_STAYS = "与入库的影像不同或无法核对，请查明后自行处理"

SAMPLE = Command("sample", "绘制虚构档案的扫描件", _sample_arguments, _sample)
INGEST = Command("ingest", "接收一个扫描仪文件夹", _ingest_arguments, _ingest)
CLEAR = Command("clear-inbox", "清除收件目录中已验收批次的明文扫描件", _clear_arguments, _clear)
