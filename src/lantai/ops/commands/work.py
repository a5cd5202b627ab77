"""``lantai demo``, ``serve``, ``worker`` and ``bench``: the program at work."""

import argparse
import json
from pathlib import Path

from lantai.lib.sealing import Suite
from lantai.ops.command import BAD, GOOD, Command, complain, no_arguments

DEMO_DOSSIERS = 6


def _serving(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="监听地址")
    parser.add_argument("--port", type=int, default=8000, help="监听端口，0 为任选空闲端口")


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    _serving(parser)
    parser.add_argument("--once", action="store_true", help="全部载入、确认首页可用后即结束")
    parser.add_argument("--workers", type=int, default=2, help="同时绘制的进程数")


def _demo(args: argparse.Namespace) -> int:
    from lantai.ops import demo, home, site  # noqa: PLC0415 -- Django loads when needed

    site.stop_when_told()
    demo.prepare_environment(host=args.host, port=args.port)
    home.ready()
    return demo.run(host=args.host, port=args.port, once=args.once, workers=args.workers)


def _serve(args: argparse.Namespace) -> int:
    from lantai.ops import home, site  # noqa: PLC0415 -- Django loads when needed

    home.ready()
    if _is_rolled_back():
        return BAD
    site.stop_when_told()
    with site.Site(host=args.host, port=args.port) as running:
        print(f"兰台已启动：{running.address}（按 Ctrl+C 停止）", flush=True)
        return running.wait()


def _is_rolled_back() -> bool:
    """Say why nothing may be signed, where the database does not lead to what was published."""
    from lantai.ledger import queries  # noqa: PLC0415 -- models load after set-up
    from lantai.ledger.models import STREAMS  # noqa: PLC0415 -- models load after set-up

    try:
        for stream in STREAMS:
            queries.refuse_if_rolled_back(stream=stream)
    except queries.LogDamaged as older:
        complain(str(older))
        return True
    return False


def _worker(args: argparse.Namespace) -> int:
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    home.ready(migrate=False)
    if _is_rolled_back():
        return BAD
    from lantai.ops import worker  # noqa: PLC0415 -- models load after set-up

    worker.work_until_told()
    return GOOD


def _bench_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        choices=("checks", "ingest", "ledger", "reading", "vault"),
        metavar="NAME",
        help="checks、ingest、ledger、reading 或 vault",
    )
    parser.add_argument(
        "--pages",
        type=int,
        default=argparse.SUPPRESS,
        metavar="N",
        help="ingest（默认 24）、checks 和 reading（默认 60）、vault（默认 2000）：测多少页",
    )
    parser.add_argument(
        "--scans", type=Path, metavar="DIR", help="checks：另看目录中的真实扫描件，逐个列出"
    )
    parser.add_argument(
        "--size", type=int, default=1_000_000, metavar="N", help="vault：每页多少字节"
    )
    parser.add_argument(
        "--objects", type=int, default=2000, metavar="N", help="vault：另测多少个小对象，0 为不测"
    )
    parser.add_argument(
        "--suite", choices=[*Suite], default=Suite.AES, type=Suite, help="vault：密码算法"
    )
    parser.add_argument(
        "--entries", type=int, default=1_000_000, metavar="N", help="ledger：日志多长"
    )
    parser.add_argument("--large", action="store_true", help="ledger：另测一千万条的树")


def _bench(args: argparse.Namespace) -> int:
    if args.name == "ledger":
        from lantai.ops.bench import ledger  # noqa: PLC0415 -- loads when needed

        row = ledger.ledger(args.entries, large=args.large)
    elif args.name == "vault":
        from lantai.ops.bench import vault  # noqa: PLC0415 -- loads when needed

        pages = getattr(args, "pages", vault.PAGES)
        row = vault.vault(pages, size=args.size, objects=args.objects, suite=args.suite)
    elif args.name == "reading":
        from lantai.ops.bench import reading  # noqa: PLC0415 -- OpenCV loads when needed

        row = reading.bench(getattr(args, "pages", reading.PAGES))
    elif args.name == "checks":
        from lantai.ops.bench import checks  # noqa: PLC0415 -- OpenCV loads when needed

        row = checks.checks(getattr(args, "pages", checks.PAGES), args.scans)
    else:
        from lantai.ops.bench import ingest  # noqa: PLC0415 -- OpenCV loads when needed

        row = ingest.ingest(getattr(args, "pages", ingest.PAGES))
    if args.json:
        print(json.dumps(row, ensure_ascii=False))
    else:
        for heading in ("ratios", "figures", "machine"):
            for key, value in row[heading].items():
                print(f"{heading[:-1] if heading != 'machine' else heading}  {key}  {value}")
    return GOOD if row["ratios"] else BAD


DEMO = Command("demo", "载入示例档案并启动", _demo_arguments, _demo)
SERVE = Command("serve", "启动网站和后台处理", _serving, _serve)
WORKER = Command("worker", "后台处理：接收批次、签发日志头", no_arguments, _worker)
BENCH = Command("bench", "在同一次运行中测量比值", _bench_arguments, _bench)
