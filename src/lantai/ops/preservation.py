"""Dossiers into packages, packages checked, packages into an empty database."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from lantai.ledger.queries import LogDamaged
from lantai.lib.ocfl.faults import Unreachable, Unsound
from lantai.lib.refusals import Refusal
from lantai.lib.sealing import NotOpened
from lantai.ops.home import clock
from lantai.ops.sealing import Sealer
from lantai.preservation import queries, services
from lantai.preservation.services import Step, VersionsLost
from lantai.vault.keys import KeyMissing
from lantai.vault.queries import Damaged

INCIDENTS: Final = (
    Unsound,
    NotOpened,
    KeyMissing,
    VersionsLost,
    Damaged,
    LogDamaged,
    Unreachable,
    OSError,
)


def preserve(dossiers: Iterable[str] | None) -> Iterator[dict[str, Any]]:
    """Keep some dossiers, or all; yield a row each, with the fault where one was not kept.

    The log is signed before, so that what it says of the dossiers is proven in the packages.
    Raises the INCIDENTS where not even that can be written.
    """
    Sealer().seal_or_say()
    services.explain_stores()
    for uid in queries.all_dossiers() if dossiers is None else dossiers:
        try:
            kept = services.preserve(dossier_uid=uid, by="ops", at=clock())
        except (Refusal, *INCIDENTS) as failed:
            yield {"dossier": uid, "fault": sentence_of(failed)}
        else:
            yield {"dossier": uid, "version": kept.version if kept else None}


def rebuild(*, told: Callable[[Step], None]) -> dict[str, Any]:
    """Enter every package into the empty database; go on where a stopped rebuild came to.

    Raises Conflict, NotFound, Unreachable.
    """
    rebuilt = services.rebuild(by="ops", at=clock(), told=told)
    return {
        "dossiers": rebuilt.dossiers,
        "pages": rebuilt.pages,
        "without_key": rebuilt.without_key,
        "damaged": [{"dossier": uid, "fault": why} for uid, why in rebuilt.damaged],
    }


def sentence_of(failed: Exception) -> str:
    """An incident in a sentence that says what to do."""
    if isinstance(failed, OSError):
        return f"读写失败（{failed.strerror or failed}），请检查磁盘空间和权限后重试"
    return str(failed)
