"""``lantai anchor``, ``lantai promise``: the log's word, kept where it cannot take it back."""

import argparse

from lantai.ops.command import BAD, GOOD, Command, WrongUse, answer, complain, no_arguments

_SAID = {"heads": "每日树头文件", "rfc3161": "时间戳"}


def _anchor(args: argparse.Namespace) -> int:
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    home.ready(migrate=False)
    from lantai.ledger import anchors  # noqa: PLC0415 -- models load after set-up

    try:
        for kept in anchors.anchor(anchors=anchors.configured(), at=home.clock()):
            answer(
                args,
                {
                    "stream": kept.stream,
                    "size": kept.size,
                    "by": kept.by,
                    "fresh": kept.fresh,
                },
                f"日志 {kept.stream} {kept.size} 条：{_SAID[kept.by]}"
                f"{'已加' if kept.fresh else '已有，无需再加'}",
            )
    except anchors.AnchorFault as fault:
        complain(str(fault))
        return BAD
    return GOOD


def _promise_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("place", metavar="STREAM/INDEX", help="条目的日志和序号，如 records/17")


def _promise(args: argparse.Namespace) -> int:
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    home.ready(migrate=False)
    from lantai.ledger import promises, queries  # noqa: PLC0415 -- models load after set-up
    from lantai.ledger.keys import KeyFault  # noqa: PLC0415 -- as above

    stream, _, index = args.place.partition("/")
    found = queries.entries(stream=stream).filter(index=index) if index.isdecimal() else None
    entry = found.first() if found is not None else None
    if entry is None:
        raise WrongUse(f"没有条目 {args.place}；请写作 日志/序号，如 records/17")
    try:
        text = promises.promise(entry=entry, at=home.clock())
    except KeyFault as fault:
        complain(str(fault))
        return BAD
    answer(args, {"stream": stream, "index": entry.index, "promise": text}, text.rstrip("\n"))
    return GOOD


PROMISE = Command("promise", "给出条目的入账承诺，由办理单位自存", _promise_arguments, _promise)
ANCHOR = Command("anchor", "把最新树头留在程序之外：每日树头文件、时间戳", no_arguments, _anchor)
