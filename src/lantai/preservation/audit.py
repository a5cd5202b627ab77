"""Rows of preservation against what the log says of them."""

from collections.abc import Iterator
from typing import Final

from lantai.ledger import queries as ledger
from lantai.ledger import statements
from lantai.ledger.audit import MISSING, Difference
from lantai.ledger.models import OpeningDestroyed
from lantai.ledger.statements import Shape
from lantai.lib.tlog.leaf import moment
from lantai.preservation import stated as copied_and_mended
from lantai.preservation.models import Kept, KeyDestruction, Watched

DESTRUCTION: Final = Shape(
    KeyDestruction,
    "uid",
    {name: name for name in ("reason", "images", "asked_at", "outcome", "note", "settled_at")}
    | {
        "dossier": "dossier__uid",
        "asked_by": "asked_by__username",
        "settled_by": "settled_by__username",
        "destroyed_at": "destroyed_at",
    },
)
KEPT: Final = "preservation.dossier.kept"
_KEPT_TABLE: Final = "preservation_kept"
_ACTIONS: Final = (
    "preservation.key_destruction.asked",
    "preservation.key_destruction.withdrawn",
    "preservation.key_destruction.settled",
    "preservation.key.destroyed",
)


def check_rows() -> Iterator[Difference]:
    """Yield every difference between the log and the rows of keys, versions, copies and damage."""
    yield from _kept_differences()
    yield from copied_and_mended.check_rows()
    entries = ledger.entries(stream="records").filter(action__in=_ACTIONS).order_by("index")
    stated, whole = statements.replay(entries.iterator(chunk_size=2000))
    yield from statements.differences(DESTRUCTION, DESTRUCTION.held(), stated, whole=whole)


def _kept_differences() -> Iterator[Difference]:
    """Versions that were acknowledged and have no row, or another digest; rows nobody entered.

    Whoever takes away a package together with its row would else leave nothing that is missed.
    """
    told: dict[str, tuple[str, str]] = {}
    whole = True
    entries = ledger.entries(stream="records").filter(action=KEPT).order_by("index")
    for entry in entries.iterator(chunk_size=2000):
        try:
            versions = entry.facts["versions"]
        except OpeningDestroyed:
            whole = False
            continue
        uid = entry.subject.removeprefix("dossier:")
        for one in versions:
            key = f"{one.get('store', Watched.STORE)}/{uid}/v{one['version']}"
            told[key] = (one["inventory_sha512"], moment(entry.at))
    rows = Kept.objects.order_by("pk").values_list(
        "store", "dossier__uid", "version", "inventory_sha512"
    )
    for store, uid, version, held in rows.iterator(2000):
        key = f"{store}/{uid}/v{version}"
        expected, since = told.pop(key, ("", ""))
        if not since:
            if whole:
                yield Difference(_KEPT_TABLE, key, "", MISSING, statements.UNKNOWN, "")
        elif held != expected:
            yield Difference(_KEPT_TABLE, key, "inventory_sha512", expected, held, since)
    for key, (_, since) in told.items():
        yield Difference(_KEPT_TABLE, key, "", statements.THERE, statements.GONE, since)
