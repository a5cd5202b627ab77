"""Dossiers into packages, packages checked, packages into an empty database."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.conf import settings

from lantai.lib.ocfl import writer
from lantai.lib.ocfl.faults import Unsound
from lantai.lib.refusals import Refusal
from lantai.lib.sealing import NotOpened
from lantai.ops.home import clock
from lantai.preservation import packages, queries, services
from lantai.preservation.keys import KeyMissing
from lantai.preservation.services import VersionsLost
from lantai.vault.queries import Damaged

INCIDENTS: Final = (Unsound, NotOpened, KeyMissing, VersionsLost, Damaged)


def preserve(dossiers: Iterable[str] | None) -> Iterator[dict[str, Any]]:
    """Keep some dossiers, or all; yield a row each, with the fault where one was not kept."""
    for uid in queries.all_dossiers() if dossiers is None else dossiers:
        try:
            kept = services.preserve(dossier_uid=uid, by="ops", at=clock())
        except (Refusal, *INCIDENTS) as failed:
            yield {"dossier": uid, "fault": str(failed)}
        else:
            yield {"dossier": uid, "version": kept.version if kept else None}


def fsck(*, repair: bool) -> dict[str, Any]:
    """Read every byte of the packages; hold them against the rows and the keys.

    Repair carries to its end what a stopped writer began, and sweeps what it left in the stage;
    damage is never mended from anything but a copy, so it stays a fault.
    """
    swept = _mend() if repair else []
    faults = [
        {"path": fault.path, "code": fault.code, "what": fault.what} for fault in queries.faults()
    ]
    return {"objects": queries.count(), "faults": faults, "swept": swept}


def rebuild() -> dict[str, Any]:
    """Enter every package into the empty database. Raises the INCIDENTS and Conflict."""
    rebuilt = services.rebuild(by="ops", at=clock())
    return {
        "dossiers": rebuilt.dossiers,
        "pages": rebuilt.pages,
        "without_key": list(rebuilt.without_key),
    }


def _mend() -> list[str]:
    store = packages.store_in(settings.LANTAI_HOME)
    if not store.root.exists():
        return []
    for uid in queries.all_dossiers():
        object_id = packages.object_id(uid)
        if store.folder_of(object_id).exists():
            try:
                writer.settle(store, object_id)
            except Unsound:
                continue  # a fault, and told as one
    return writer.sweep(store)
