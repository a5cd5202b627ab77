"""The keys above all dossier keys, for the operator: what they are, and their change."""

from datetime import datetime
from typing import Final

from django.conf import settings

from lantai.ledger import queries as ledger
from lantai.ledger.tokens import Place
from lantai.lib.sealing import NotOpened
from lantai.ops.home import clock
from lantai.preservation import services
from lantai.vault import keys
from lantai.vault.keys import KeyMissing, Ring, State

KEYLESS: Final = (KeyMissing, NotOpened)


def states() -> list[tuple[State, datetime | None]]:
    """Each ring, and when its key-encryption key was changed last. Raises KEYLESS."""
    return [(keys.state(settings.LANTAI_HOME, ring), _changed_at(ring)) for ring in Ring]


def change(*, ring: str, into: Place | None, by: str) -> tuple[int, State]:
    """Change a ring's key-encryption key. Raises KEYLESS, Conflict, Unacceptable."""
    count = services.change_key(by=by, at=clock(), ring=Ring(ring), into=into)
    return count, keys.state(settings.LANTAI_HOME, Ring(ring))


def _changed_at(ring: Ring) -> datetime | None:
    changed = ledger.entries(action="preservation.key.changed").filter(subject=f"keys:{ring}")
    last = changed.order_by("-index").first()
    return last.at if last else None
