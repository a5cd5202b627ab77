"""Dossiers become packages, and packages become dossiers again."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from lantai.dossiers.models import Dossier
from lantai.ledger import queries as log
from lantai.ledger import services as ledger
from lantai.ledger import tokens
from lantai.lib.ocfl.disk import Busy
from lantai.lib.refusals import Conflict, Gone, NotFound
from lantai.preservation import content, events, packing, rebuilding
from lantai.preservation.models import Kept, Watched
from lantai.preservation.packing import VersionsLost
from lantai.preservation.rebuilding import Rebuilt, Step
from lantai.vault import keys

__all__ = [
    "Rebuilt",
    "Step",
    "VersionsLost",
    "change_key",
    "explain_stores",
    "is_rebuilding",
    "preserve",
    "rebuild",
]


_STORE: Final = "store:preserved"
_BEGUN: Final = "preservation.rebuild.begun"
_REBUILT: Final = "preservation.database.rebuilt"


def preserve(*, dossier_uid: str, by: str, at: datetime) -> Kept | None:
    """Keep a dossier as it is now as the next version of its package; None if nothing changed.

    The package is on disk before the row and the entry that acknowledge it. Stopped between the
    two, the next call acknowledges what stands. Masters kept before are not written again.

    Raises NotFound; Gone where its key was destroyed; Conflict while another is writing the same
    package; and, as incidents, vault.Damaged, ocfl.faults.Unsound and Unreachable, OSError,
    keys.KeyMissing, sealing.NotOpened, ledger.LogDamaged, VersionsLost.
    """
    try:
        with transaction.atomic():  # all that is said of the dossier is of one moment
            dossier = (
                Dossier.objects.select_for_update(of=("self",))
                .select_related("person", "body__parent")
                .filter(uid=dossier_uid)
                .first()
            )
            if dossier is None:
                raise NotFound("没有这份档案")
            if keys.is_destroyed(settings.LANTAI_HOME, dossier_uid):
                raise Gone("这份档案的密钥已按规定销毁，不再归档")
            upto = log.size_of(stream=events.STREAM) - 1
            described = content.describe(dossier)
        written = [
            packing.write(dossier, one, place=place, by=by, at=at)
            for place, one in described.items()
        ]
    except Busy as busy:
        raise Conflict("这份档案正在归档，请稍候再试") from busy
    return packing.acknowledge(dossier, written, upto=upto, by=by, at=at)


def explain_stores() -> None:
    """Let each store that is there, and the ordinary one in any case, say in its root what it is.

    Nothing is written where it says so already. Raises VersionsLost, Unsound, Unreachable,
    OSError.
    """
    for place in (Watched.STORE, Watched.SECRET):
        store = packing.store_of(place)
        packing.refuse_if_away(place, store)
        if place is Watched.STORE or store.is_founded():
            packing.explain(store)


def rebuild(*, by: str, at: datetime, told: Callable[[Step], None] = lambda step: None) -> Rebuilt:
    """Enter every dossier of the stores into an empty database, in a transaction each.

    Stopped on the way, it is carried on by the next call; ``told`` hears of every package. What
    is damaged is named, and the rebuild is not finished before it was mended and entered. Masters
    stay in their packages, and a dossier without a key is passed over and named. The log is not
    rebuilt: it comes from its own backup.

    Raises Conflict if the database holds anything else, NotFound if there is no store, and
    Unreachable.
    """
    with transaction.atomic():
        going_on = is_rebuilding()
        rebuilding.refuse_other_content(going_on=going_on)
        if not going_on:
            ledger.record(at=at, action=_BEGUN, actor=by, subject=_STORE, facts={})
    rebuilt = rebuilding.enter_all(at=at, told=told)
    if rebuilt.is_whole:
        with transaction.atomic():
            ledger.record(
                at=at,
                action=_REBUILT,
                actor=by,
                subject=_STORE,
                facts={
                    "dossiers": rebuilt.dossiers,
                    "pages": rebuilt.pages,
                    "without_key": rebuilt.without_key,
                },
            )
    return rebuilt


def is_rebuilding() -> bool:
    """Tell whether a rebuild was begun and not finished: the log is the mark of it."""
    last = log.entries(subject=_STORE).filter(action__in=(_BEGUN, _REBUILT)).first()
    return last is not None and last.action == _BEGUN


def change_key(
    *,
    by: str,
    at: datetime,
    ring: keys.Ring = keys.Ring.PRESERVATION,
    into: tokens.Place | None = None,
) -> int:
    """Put a new key-encryption key above all keys of a ring; return how many are under it.

    Sealed files stay as they are. Stopped on the way, it is carried on by the next call; the entry
    is made when the last key is wrapped again. ``into`` is a token the new key is made in.

    Raises what ``keys.change`` raises: then the keys are as they were, or between the two.
    """
    count = keys.change(settings.LANTAI_HOME, suite=settings.LANTAI_SEALING, ring=ring, into=into)
    now = keys.state(settings.LANTAI_HOME, ring)
    with transaction.atomic():
        ledger.record(
            at=at,
            action="preservation.key.changed",
            actor=by,
            subject=f"keys:{ring}",
            facts={
                "keys": count,
                "suite": str(settings.LANTAI_SEALING),
                "held_in": now.held_in,
                "mark": now.mark,
            },
        )
    return count
