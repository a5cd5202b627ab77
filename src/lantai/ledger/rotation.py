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
from lantai.lib.refusals import Conflict, NotFound

OVERLAP: Final = timedelta(days=30)
ROTATED: Final = "ledger.key.rotated"
_OFFICE: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Rotated:
    """The public keys of a stream, one a suite, before and from now on; the last day of both."""

    before: tuple[str, ...]
    now: tuple[str, ...]
    until: date


def rotate(*, stream: str, by: str, at: datetime) -> Rotated:
    """Change the keys of a stream. Stopped half-way, the next call finishes what was begun.

    In this order: the new keys are on disk; the change is entered, and signed under the old keys;
    the new keys are in force. Must not be called inside a transaction.

    Raises NotFound before the first head, Conflict while the last change is under way, and what
    ``services.publish`` raises: then nothing changes.
    """
    if stream not in STREAMS:
        raise NotFound(f"没有名为 {stream} 的日志，可用的有 {'、'.join(STREAMS)}")
    home = settings.LANTAI_HOME
    before = tuple(_in_force(stream))
    if not before:
        raise NotFound(f"日志 {stream} 还没有签名，不必换钥")
    if any(keys.is_changing(home, stream, suite, at=at) for suite in settings.LANTAI_SUITES):
        raise Conflict(f"日志 {stream} 上次换钥的并签期还没有结束，请到期后再换")
    now = tuple(
        keys.next_of(home, stream, queries.origin_of(stream=stream, suite=suite), suite).vkey
        for suite in settings.LANTAI_SUITES
    )
    until = _entered(stream, now) or _enter(stream, before, now, by=by, at=at)
    services.publish(at=at)
    with files.publishing(files.folder_of(home, stream)):
        for suite in settings.LANTAI_SUITES:
            keys.put_next_in_force(home, stream, suite, until=until)
    return Rotated(before, now, until)


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
