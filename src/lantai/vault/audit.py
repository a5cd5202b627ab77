"""Where masters went, against what the log says of it."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, Final

from lantai.ledger import queries as ledger
from lantai.ledger.audit import MISSING, Difference
from lantai.ledger.models import OpeningDestroyed
from lantai.ledger.statements import GONE, THERE, UNKNOWN, plain, text
from lantai.lib.tlog.leaf import moment
from lantai.vault.models import Movement

# The entry that says of some masters that they went this way.
ACTIONS: Final = {
    Movement.Way.RELEASED: "vault.masters.released",
    Movement.Way.SHREDDED: "vault.masters.shredded",
    Movement.Way.RETURNED: "vault.master.returned",
}
_WAYS: Final = {action: way for way, action in ACTIONS.items()}
_COLUMNS: Final = ("way", "by", "at")
_TABLE: Final = "vault_movement"


def check_movements() -> Iterator[Difference]:
    """Yield every difference between the movements of masters and the log.

    Where an entry's content was destroyed on purpose, rows without an entry are passed over.
    """
    told: dict[str, list[tuple[dict[str, Any], str]]] = defaultdict(list)
    whole = True
    found = ledger.entries(stream="records").filter(action__in=_WAYS).order_by("index")
    for entry in found.iterator(chunk_size=2000):
        try:
            masters = entry.facts["masters"]
        except OpeningDestroyed:
            whole = False
            continue
        columns = {"way": _WAYS[entry.action], "by": entry.actor, "at": plain(entry.at)}
        for sha256 in masters:
            told[sha256].append((columns, moment(entry.at)))
    held: dict[str, list[dict[str, Any]]] = defaultdict(list)
    rows = Movement.objects.order_by("pk").values_list("blob__sha256", *_COLUMNS)
    for sha256, way, by, at in rows.iterator(2000):
        held[sha256].append({"way": way, "by": by, "at": plain(at)})
    for sha256 in sorted({*told, *held}):
        for row, said in zip_longest(held.get(sha256, ()), told.get(sha256, ())):
            if said is None:
                if whole:
                    yield Difference(_TABLE, sha256, "", MISSING, UNKNOWN, "")
            elif row is None:
                yield Difference(_TABLE, sha256, "", THERE, GONE, said[1])
            else:
                for name in _COLUMNS:
                    if row[name] != said[0][name]:
                        expected, found_now = text(said[0][name]), text(row[name])
                        yield Difference(_TABLE, sha256, name, expected, found_now, said[1])
