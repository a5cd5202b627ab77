"""``lantai keys`` and ``lantai change-key``: the keys above all dossier keys."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lantai.ops.command import BAD, GOOD, Command, WrongUse, answer, complain, no_arguments

if TYPE_CHECKING:
    from lantai.vault.keys import State


_RINGS = {"preservation": "保存库", "secret": "涉密库"}


def _keys(args: argparse.Namespace) -> int:
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    home.ready()
    from lantai.identity.services import office_clock  # noqa: PLC0415 -- models load after set-up
    from lantai.ops import keyring  # noqa: PLC0415 -- as above

    try:
        states = keyring.states()
    except keyring.KEYLESS as fault:
        complain(str(fault))
        return BAD
    for state, changed in states:
        row = _row(state) | {"changed_at": changed.isoformat() if changed else None}
        answer(args, row, _told(state, office_clock(changed) if changed else None))
    return GOOD


def _change_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ring", choices=tuple(_RINGS), default="preservation", help="哪一套密钥：保存库或涉密库"
    )
    parser.add_argument("--module", type=Path, metavar="FILE", help="改存令牌：PKCS#11 模块的文件")
    parser.add_argument("--token", metavar="LABEL", help="改存令牌：令牌的名称")
    parser.add_argument("--label", metavar="LABEL", help="改存令牌：主密钥在令牌中的名称")
    parser.add_argument("--by", default="ops", metavar="USER", help="经办人，记入日志")


def _change(args: argparse.Namespace) -> int:
    words = (args.module, args.token, args.label)
    if any(words) and not all(words):
        raise WrongUse("改存令牌须同时写明 --module、--token 和 --label")
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    home.ready()
    from lantai.ledger.tokens import Place  # noqa: PLC0415 -- models load after set-up
    from lantai.ops import keyring  # noqa: PLC0415 -- as above

    into: Place | None = None
    if args.module:
        into = Place(str(args.module.absolute()), args.token, args.label)
    try:
        count, state = keyring.change(ring=args.ring, into=into, by=args.by)
    except keyring.KEYLESS as fault:
        complain(f"主密钥没有换完，已换的和未换的都仍能打开；排除原因后再运行一次：{fault}")
        return BAD
    said = f"{_RINGS[args.ring]}的主密钥已更换，{count} 把密钥改由新的主密钥保护；影像文件没有改动"
    said += "。请立即重做密钥备份，旧的主密钥不再能打开新的密钥文件"
    answer(args, _row(state) | {"keys": count}, said)
    return GOOD


def _row(state: "State") -> dict[str, Any]:
    place = state.place
    return {
        "ring": str(state.ring),
        "held_in": state.held_in,
        "token": place.token if place else None,
        "label": place.label if place else None,
        "mark": state.mark,
        "dossiers": state.dossiers,
        "destroyed": state.destroyed,
        "changing": state.changing,
    }


def _told(state: "State", changed: str | None) -> str:
    name = _RINGS[state.ring]
    if not state.held_in:
        return f"{name}：还没有主密钥"
    place = state.place
    where = f"在令牌 {place.token} 中，名为 {place.label}" if place else "在文件中"
    lines = [
        f"{name}：主密钥{where}，核对标记 {state.mark}",
        f"  档案密钥 {state.dossiers} 把，已销毁 {state.destroyed} 把；"
        + (f"上次更换 {changed}" if changed else "没有更换过"),
    ]
    if state.changing:
        lines.append("  正在更换主密钥，尚未换完；请运行 lantai change-key 换完")
    return "\n".join(lines)


KEYS = Command("keys", "列出主密钥所在、标记和档案密钥的数目", no_arguments, _keys)
CHANGE_KEY = Command(
    "change-key", "更换主密钥，或把它改存 PKCS#11 令牌", _change_arguments, _change
)
