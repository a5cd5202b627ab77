"""``lantai rotate-key``: change the key a log is signed with, in front of everybody."""

import argparse

from lantai.ops.command import BAD, GOOD, Command, answer, complain


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stream", required=True, choices=("records", "access"), help="换钥的日志")
    parser.add_argument("--by", default="ops", metavar="USER", help="经办人，记入日志")


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
