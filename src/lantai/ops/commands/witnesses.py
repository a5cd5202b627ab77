"""``lantai witnesses``: ask those who witness this log, and tell how far each is."""

import argparse
from typing import Any

from lantai.ops.command import BAD, GOOD, Command, answer


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--resume", metavar="REASON", help="查明并恢复之后，写明理由，让已停签的日志恢复签名"
    )


def _run(args: argparse.Namespace) -> int:
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    home.ready()
    from lantai.ops import sealing  # noqa: PLC0415 -- models load after set-up

    row = sealing.ask_now(reason=args.resume)
    answer(args, row, "\n".join(_lines(row)))
    return GOOD if row["final"] else BAD


def _lines(row: dict[str, Any]) -> list[str]:
    lines = [f"法定数：{row['rule']}"]
    for state in row["witnesses"]:
        said = f"已见证 {state['size']} 条，落后 {state['behind']} 条"
        if state["time"]:
            said += f"，最近 {state['time']}"
        if state["error"]:
            said += f"；{state['error']}"
        lines.append(f"{state['witness']}　{state['stream']}　{said}")
    if row["incident"]:
        lines.append(row["incident"])
    lines += [f"{log['stream']}　共 {log['size']} 条，{log['final']} 条已定" for log in row["log"]]
    return lines


WITNESSES = Command("witnesses", "请求见证，列出各见证方的情况", _arguments, _run)
