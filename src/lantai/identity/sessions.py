"""Comings and goings: what the log keeps of sign-ins, in the stream of looks."""

import hmac
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

from django.conf import settings
from django.db import transaction

from lantai.identity import queries
from lantai.identity.models import User
from lantai.ledger import queries as log
from lantai.ledger import services as ledger

logger = logging.getLogger(__name__)

OPENED: Final = "identity.session.opened"
CLOSED: Final = "identity.session.closed"
REFUSED: Final = "identity.session.refused"
LONGEST_DEVICE: Final = 200  # characters of what a browser says of itself
# No more refused sign-ins than this are written down in a minute, whatever a stranger sends.
REFUSED_AT_MOST: Final = 120
_MINUTE: Final = timedelta(minutes=1)


class Step(StrEnum):
    """What was asked when a sign-in was refused."""

    PASSWORD = "password"  # noqa: S105 -- a step, not a password
    CODE = "code"


class End(StrEnum):
    """How a session ended."""

    SIGNED_OUT = "signed-out"
    IDLE = "idle"


class Change(StrEnum):
    """What became of a second factor; the action of the log ends in it."""

    SET = "identity.factor.set"
    REMOVED = "identity.factor.removed"
    CODES_RENEWED = "identity.codes.renewed"


@dataclass(frozen=True)
class Place:
    """Where a request came from: the address the server saw, and what the browser said."""

    address: str
    device: str

    def facts(self) -> dict[str, str]:
        return {"address": self.address, "device": self.device[:LONGEST_DEVICE]}


def stand_in(name: str) -> str:
    """How the log calls somebody who named no account: a keyed digest of what was typed.

    The same name gives the same stand-in, and no stand-in gives the name, which may well be a
    password that was typed into the wrong field.
    """
    key = settings.SECRET_KEY.encode()
    return f"unknown-{hmac.new(key, name.encode(), sha256).hexdigest()[:24]}"


@transaction.atomic
def note_opened(*, user: User, place: Place, at: datetime) -> None:
    """Record that somebody signed in."""
    _note(OPENED, actor=user.username, facts=place.facts(), at=at)


@transaction.atomic
def note_closed(*, user: User, how: End, place: Place, at: datetime) -> None:
    """Record that somebody signed out, or was signed out for not being there."""
    _note(CLOSED, actor=user.username, facts={"how": how.value, **place.facts()}, at=at)


@transaction.atomic
def note_refused(*, name: str, step: Step, place: Place, at: datetime) -> None:
    """Record a sign-in that was refused, up to ``REFUSED_AT_MOST`` a minute.

    What was typed is recorded only where it names an account. More than the bound is told to the
    operator and not recorded: nobody outside writes the log full.
    """
    earlier = log.entries(stream="access", action=REFUSED)[REFUSED_AT_MOST - 1 : REFUSED_AT_MOST]
    if any(entry.at > at - _MINUTE for entry in earlier):
        logger.warning("more refused sign-ins than are written down in a minute")
        return
    known = queries.account(username=name)
    actor = known.username if known else stand_in(name)
    _note(REFUSED, actor=actor, facts={"step": step.value, **place.facts()}, at=at)


@transaction.atomic
def note_factor(*, user: User, change: Change, place: Place, at: datetime) -> None:
    """Record, in the transaction of the change, that a second factor was set or removed."""
    _note(change.value, actor=user.username, facts=place.facts(), at=at)


def _note(action: str, *, actor: str, facts: dict[str, str], at: datetime) -> None:
    ledger.record(
        at=at, action=action, actor=actor, subject=f"user:{actor}", facts=facts, stream="access"
    )
