"""``lantai rotate-key`` and ``token-key``: change the key of a log, and move it into a token."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lantai.ops.command import BAD, GOOD, Command, answer, complain

if TYPE_CHECKING:
    from lantai.ledger.rotation import Rotated


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stream", required=True, choices=("records", "access"), help="换钥的日志")
    parser.add_argument("--by", default="ops", metavar="USER", help="经办人，记入日志")


def _token_arguments(parser: argparse.ArgumentParser) -> None:
    _arguments(parser)
    parser.add_argument(
        "--module", required=True, type=Path, metavar="FILE", help="PKCS#11 模块的文件"
    )
    parser.add_argument("--token", required=True, metavar="LABEL", help="令牌的名称")
    parser.add_argument("--label", required=True, metavar="LABEL", help="密钥在令牌中的名称")


def _rotate(args: argparse.Namespace) -> int:
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    home.ready(migrate=False)
    from lantai.ledger import rotation  # noqa: PLC0415 -- models load after set-up
    from lantai.ledger.keys import KeyFault  # noqa: PLC0415 -- as above
    from lantai.ledger.queries import LogDamaged  # noqa: PLC0415 -- as above

    try:
        changed = rotation.rotate(stream=args.stream, by=args.by, at=home.clock())
    except (LogDamaged, KeyFault) as fault:
        complain(str(fault))
        return BAD
    return _told(args, changed)


def _into_token(args: argparse.Namespace) -> int:
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    home.ready()
    from lantai.ledger import queries, rotation  # noqa: PLC0415 -- models load after set-up
    from lantai.ledger.keys import KeyFault  # noqa: PLC0415 -- as above
    from lantai.ledger.queries import LogDamaged  # noqa: PLC0415 -- as above
    from lantai.ledger.tokens import Place  # noqa: PLC0415 -- as above

    place = Place(str(args.module.absolute()), args.token, args.label)
    at = home.clock()
    try:
        if queries.verifier_key(stream=args.stream):
            return _told(args, rotation.rotate(stream=args.stream, by=args.by, at=at, into=place))
        vkey = rotation.begin_in_token(stream=args.stream, into=place)
    except (LogDamaged, KeyFault) as fault:
        complain(str(fault))
        return BAD
    answer(
        args,
        {"stream": args.stream, "before": [], "now": [vkey], "until": None},
        f"日志 {args.stream} 的签名密钥已在令牌 {args.token} 中造好，公钥：\n{vkey}",
    )
    return GOOD


def _told(args: argparse.Namespace, changed: "Rotated") -> int:
    answer(
        args,
        {
            "stream": args.stream,
            "before": list(changed.before),
            "now": list(changed.now),
            "until": changed.until.isoformat(),
        },
        "\n".join(
            [
                f"日志 {args.stream} 已换钥，新旧两钥并签至 {changed.until.isoformat()}。",
                "请把新公钥交给各见证方和核验人：",
                *changed.now,
            ]
        ),
    )
    return GOOD


ROTATE_KEY = Command("rotate-key", "更换日志的签名密钥，新旧并签三十日", _arguments, _rotate)
TOKEN_KEY = Command("token-key", "在 PKCS#11 令牌中造日志的签名密钥", _token_arguments, _into_token)
