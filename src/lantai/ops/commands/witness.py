"""``lantai witness``: the witness of other bodies' logs; knows nothing of the application."""

import argparse
import json
import os
import sys
import time
from pathlib import Path

from lantai.lib.tlog.note import NoteFault
from lantai.ops.command import GOOD, Command, WrongUse, answer
from lantai.witness import keys, server, store
from lantai.witness.keys import Cosigner
from lantai.witness.store import Store

DEFAULT_PORT = 8030
_APPLICATION_ONLY = ("LANTAI_HOME", "LANTAI_PKCS11_PIN", "DJANGO_SETTINGS_MODULE")


def _arguments(parser: argparse.ArgumentParser) -> None:
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--home", type=Path, help="见证自己的目录，不是兰台的数据目录")
    common.add_argument("--json", action="store_true", help="以 JSON 输出")
    verbs = parser.add_subparsers(dest="verb", metavar="动作", title="动作", required=True)
    for name, (summary, run) in _VERBS.items():
        verb = verbs.add_parser(
            name,
            help=summary,
            description=summary,
            parents=[common],
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        verb.set_defaults(act=run)
        if name in ("trust", "distrust"):
            verb.add_argument("vkeys", nargs="+", metavar="VKEY", help="日志公钥")
        elif name == "init":
            verb.add_argument("--name", required=True, help="见证的名称")
            verb.add_argument(
                "--algorithm", choices=sorted(keys.ALGORITHMS), default="ed25519", help="签名算法"
            )
        elif name == "serve":
            verb.add_argument("--host", default="127.0.0.1", help="监听地址")
            verb.add_argument(
                "--port", type=int, default=DEFAULT_PORT, help="监听端口，0 为任选空闲端口"
            )


def _run(args: argparse.Namespace) -> int:
    if args.home is None:
        raise WrongUse("请以 --home 指明见证自己的目录；它不是兰台的数据目录")
    code: int = args.act(args)
    return code


def _init(args: argparse.Namespace) -> int:
    try:
        cosigner = Cosigner.new(args.name, args.algorithm)
    except NoteFault as unfit:
        raise WrongUse(f"名称 {args.name!r} 不能用：不得含空格、加号或控制字符") from unfit
    store.make(args.home, cosigner, at=int(time.time()))
    answer(
        args,
        {"vkey": cosigner.vkey},
        f"见证已建立。公钥如下，请以书面形式告知日志单位：\n{cosigner.vkey}",
    )
    return GOOD


def _trust(args: argparse.Namespace) -> int:
    opened = Store.open(args.home)
    change = opened.trust if args.verb == "trust" else opened.distrust
    change(args.vkeys, at=int(time.time()))
    return _state(args)


def _serve(args: argparse.Namespace) -> int:
    """Become the server: this process is replaced, and stops as any server does."""
    Store.open(args.home)
    try:
        listening = server.listen(args.host, args.port)
    except (OSError, OverflowError) as failure:
        raise WrongUse(f"无法监听 {args.host}:{args.port}（{failure}）；请换一个端口") from failure
    shown = f"[{args.host}]" if ":" in args.host else args.host
    address = f"http://{shown}:{listening.getsockname()[1]}"
    answer(args, {"address": address}, f"见证已启动：{address}（按 Ctrl+C 停止）")
    own = {key: value for key, value in os.environ.items() if key not in _APPLICATION_ONLY}
    words = server.command(args.home.absolute(), listening, python=sys.executable)
    os.execve(sys.executable, words, own)  # noqa: S606 -- no shell, fixed words
    return GOOD


def _state(args: argparse.Namespace) -> int:
    state = server.state_of(Store.open(args.home))
    answer(args, state, server.told(state).rstrip())
    return GOOD


def _evidence(args: argparse.Namespace) -> int:
    found = server.evidence_of(Store.open(args.home))
    for row in found["evidence"]:
        print(json.dumps(row, ensure_ascii=False) if args.json else _evidence_told(row))
    if not args.json:
        print(f"留存的矛盾请求 {found['total']} 件")
    return GOOD


_KINDS = {
    "fork": "分叉：同一条数有两个根，日志都签过（可自证）",
    "rollback": "倒退：日志又签了比已见证的更早的头",
    "inconsistent": "不相承：所附证明不能从已见证的头推到新头",
}


def _evidence_told(row: dict[str, str]) -> str:
    since = "；该头后来已获见证，问题只在所附证明" if row["since_cosigned"] else ""
    return (
        f"第 {row['number']} 件 {row['origin']}：{_KINDS[row['kind']]}。条数 {row['size']}，"
        f"根 {row['root']}；初次 {row['first_at']}，最近 {row['last_at']}，共 {row['times']} 次，"
        f"答复 {row['status']}（{row['why']}）{since}"
    )


_VERBS = {
    "init": ("建立见证：造私钥和记录", _init),
    "trust": ("信任日志公钥", _trust),
    "distrust": ("不再信任日志公钥", _trust),
    "serve": ("启动见证服务", _serve),
    "state": ("列出日志和已见证的头", _state),
    "evidence": ("列出留存的矛盾请求", _evidence),
}
WITNESS = Command("witness", "为其他单位的日志作见证", _arguments, _run)
