"""The change of a log's key: said under the old one, both sign for a time, then the old is gone.

Whoever trusts either key takes the heads of the time in between; heads of before stay good under
the old public key, which is kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from lantai.ledger import files, keys, queries, services
from lantai.ledger.models import STREAMS
from lantai.ledger.tokens import Place, TokenSigner
from lantai.lib.refusals import Conflict, NotFound
from lantai.lib.tlog.suite import INTL, LogSuite

OVERLAP: Final = timedelta(days=30)
ROTATED: Final = "ledger.key.rotated"
_OFFICE: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Rotated:
    """The public keys of a stream, one a suite, before and from now on; the last day of both."""

    before: tuple[str, ...]
    now: tuple[str, ...]
    until: date


def rotate(*, stream: str, by: str, at: datetime, into: Place | None = None) -> Rotated:
    """Change the keys of a stream. Stopped half-way, the next call finishes what was begun.

    ``into`` is the token the Ed25519 key is made in; without it the key stays where it is held.

    In this order: the new keys are on disk; the change is entered, and signed under the old keys;
    the new keys are in force. Must not be called inside a transaction.

    Raises NotFound before the first head, Conflict while the last change is under way, KeyFault
    where the token makes no key, and what ``services.publish`` raises: then nothing changes.
    """
    if stream not in STREAMS:
        raise NotFound(f"没有名为 {stream} 的日志，可用的有 {'、'.join(STREAMS)}")
    home = settings.LANTAI_HOME
    before = tuple(_in_force(stream))
    if not before:
        raise NotFound(f"日志 {stream} 还没有签名，不必换钥")
    if any(keys.is_changing(home, stream, suite, at=at) for suite in settings.LANTAI_SUITES):
        raise Conflict(f"日志 {stream} 上次换钥的并签期还没有结束，请到期后再换")
    now = tuple(_next(stream, suite, into=into) for suite in settings.LANTAI_SUITES)
    until = _entered(stream, now) or _enter(stream, before, now, by=by, at=at)
    services.publish(at=at)
    with files.publishing(files.folder_of(home, stream)):
        for suite in settings.LANTAI_SUITES:
            keys.put_next_in_force(home, stream, suite, until=until)
    return Rotated(before, now, until)


def begin_in_token(*, stream: str, into: Place) -> str:
    """Make the first key of a stream in a token and return its public half.

    Raises NotFound, Conflict once the stream has a key or a head, KeyFault.
    """
    if stream not in STREAMS:
        raise NotFound(f"没有名为 {stream} 的日志，可用的有 {'、'.join(STREAMS)}")
    home = settings.LANTAI_HOME
    origin = queries.origin_of(stream=stream)
    folder = files.folder_of(home, stream)
    with files.publishing(folder):
        signed = queries.latest_head(stream=stream) or files.read_checkpoint(folder)
        if signed or queries.verifier_key(stream=stream):
            raise Conflict(f"日志 {stream} 已有签名密钥，请用换钥的办法改用令牌")
        return keys.hold_in_token(home, stream, origin, into).vkey


def _next(stream: str, suite: LogSuite, *, into: Place | None) -> str:
    origin = queries.origin_of(stream=stream, suite=suite)
    into = into if suite is INTL else None
    fresh = keys.next_of(settings.LANTAI_HOME, stream, origin, suite, into=into)
    if into and not (isinstance(fresh, TokenSigner) and fresh.place == into):
        raise Conflict(f"日志 {stream} 已着手换用另一把密钥；请先用 lantai rotate-key 完成那次换钥")
    return fresh.vkey


def _in_force(stream: str) -> Iterator[str]:
    for suite in settings.LANTAI_SUITES:
        if vkey := queries.verifier_key(stream=stream, suite=suite):
            yield vkey


def _entered(stream: str, now: tuple[str, ...]) -> date | None:
    """The last day of both keys, if the change to exactly these was entered before a stop."""
    last = queries.entries(stream=stream, action=ROTATED).first()
    if last is None or tuple(last.facts["now"]) != now:
        return None
    return date.fromisoformat(last.facts["until"])


@transaction.atomic
def _enter(
    stream: str, before: tuple[str, ...], now: tuple[str, ...], *, by: str, at: datetime
) -> date:
    until = (at + OVERLAP).astimezone(_OFFICE).date()
    services.record(
        at=at,
        action=ROTATED,
        actor=by,
        subject=f"log:{stream}",
        facts={"before": list(before), "now": list(now), "until": until.isoformat()},
        stream=stream,
    )
    return until
