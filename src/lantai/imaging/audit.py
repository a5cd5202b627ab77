"""Rows of batches against what the log says of them: what a hand in the database changed shows."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any, Final

from lantai.imaging.models import Batch, Finding, Handover, Item, Line, Quarantined, Scan, ScanLook
from lantai.ledger import queries as ledger
from lantai.ledger import statements
from lantai.ledger.audit import MISSING, Difference
from lantai.ledger.models import Entry, OpeningDestroyed
from lantai.ledger.statements import Shape
from lantai.lib.tlog.leaf import moment

_AT_ONCE: Final = 50  # batches held in memory
_LOOKS: Final = ("imaging.item.looked-at", "imaging.scan.looked-at")
LOOK_COLUMNS: Final = {"item": "item__uid", "scan": "scan__uid", "by": "by__username", "at": "at"}
RECEIVED: Final = "imaging.batch.received"


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


BATCH: Final = Shape(
    Batch,
    "uid",
    _same("name", "folder", "device", "norm", "state", "received_at", "files_total", "accepted_at")
    | {
        "body": "body__code",
        "operator": "operator__username",
        "accepted_by": "accepted_by__username",
    },
    digested=frozenset({"name", "folder"}),  # an operator may have put a name into them
)
ITEM: Final = Shape(
    Item,
    "uid",
    _same("folder", "name", "id_number", "sex", "ethnic", "employer", "paper_sides", "counted_at")
    | _same("checked_at", "aside_at", "aside_reason")
    | {
        "batch": "batch__uid",
        "counted_by": "counted_by__username",
        "catalogue": "catalogue__sha256",
        "aside_by": "aside_by__username",
        "dossier": "dossier__uid",
    },
    digested=frozenset({"folder", "name", "id_number", "sex", "ethnic", "employer"}),
)
LINE: Final = Shape(
    Line,
    "uid",
    _same("class_code", "sequence", "title", "formed", "formed_text", "page_count", "remark")
    | {"item": "item__uid"},
)
SCAN: Final = Shape(
    Scan,
    "uid",
    _same("number", "file_name", "width", "height", "dpi", "colour", "skew_degrees", "turned")
    | _same("blank", "dhash", "state", "scanned_at", "returned_at", "return_reason")
    | {
        "item": "item__uid",
        "line": "line__uid",
        "sha256": "blob__sha256",
        "scanned_by": "scanned_by__username",
        "returned_by": "returned_by__username",
        "replaces": "replaces__uid",
    },
    digested=frozenset({"file_name"}),
)
FINDING: Final = Shape(
    Finding,
    "uid",
    _same("code", "path", "sentence", "measure", "threshold", "x", "y", "width", "height")
    | _same("blocks", "compared", "verdict", "judged_at", "judgement")
    | {
        "item": "item__uid",
        "scan": "scan__uid",
        "like": "like__uid",
        "judged_by": "judged_by__username",
    },
)
QUARANTINED: Final = Shape(
    Quarantined,
    "pk",
    _same("path", "code", "sentence", "at") | {"item": "item__uid", "sha256": "blob__sha256"},
    digested=frozenset({"path"}),
)
HANDOVER: Final = Shape(
    Handover,
    "pk",
    _same("way", "sides", "condition", "to", "at") | {"item": "item__uid", "by": "by__username"},
)
# Each with the path from its rows to the batch they belong to.
_SHAPES: Final = (
    (BATCH, "pk"),
    (ITEM, "batch"),
    (LINE, "item__batch"),
    (SCAN, "item__batch"),
    (FINDING, "item__batch"),
    (QUARANTINED, "batch"),
    (HANDOVER, "item__batch"),
)


def stated_of_item(item: Item) -> list[list[Any]]:
    """A dossier in a batch and what comparing it with its catalogue found so far."""
    return [*ITEM.stated(pk=item.pk), *FINDING.stated(item=item.pk, compared=True)]


def stated_of_scan(scan: Scan) -> list[list[Any]]:
    """A scan and what was found of it."""
    return [*SCAN.stated(pk=scan.pk), *FINDING.stated(scan=scan.pk)]


def stated_of_batch(batch: Batch) -> list[list[Any]]:
    """A batch as it was received: its dossiers, the lines of their catalogues, what is odd."""
    return [
        *BATCH.stated(pk=batch.pk),
        *ITEM.stated(batch=batch.pk),
        *LINE.stated(item__batch=batch.pk),
        *FINDING.stated(item__batch=batch.pk),
    ]


def check_rows() -> Iterator[Difference]:
    """Yield every difference between the rows of production and the log, batch by batch."""
    keys = list(Batch.objects.order_by("pk").values_list("pk", "uid"))
    for start in range(0, len(keys), _AT_ONCE):
        part = dict(keys[start : start + _AT_ONCE])
        entries = _entries("records", part.values())
        looks = _entries("access", part.values())
        for pk, uid in part.items():
            said, whole = statements.replay(entries[uid])
            for shape, path in _SHAPES:
                yield from statements.differences(
                    shape, shape.held(**{path: pk}), said, whole=whole
                )
            yield from _looks(pk, looks[uid])
    known = {uid for _, uid in keys}
    for entry in ledger.entries(action=RECEIVED).iterator(chunk_size=2000):
        uid = entry.subject.removeprefix("batch:")
        if uid not in known:
            yield Difference(
                BATCH.table, uid, "", statements.THERE, statements.GONE, moment(entry.at)
            )


def _entries(stream: str, uids: Iterable[str]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    subjects = [f"batch:{uid}" for uid in uids]
    for entry in ledger.entries(stream=stream).filter(subject__in=subjects).order_by("index"):
        found[entry.subject.removeprefix("batch:")].append(entry)
    return found


def _looks(batch: int, entries: Iterable[Entry]) -> Iterator[Difference]:
    """Looks have no name of their own: each row has one entry of its person, scan and moment."""
    left = []
    for entry in entries:
        if entry.action in _LOOKS:
            try:
                facts = entry.facts
            except OpeningDestroyed:
                return
            left.append((facts["item"], facts.get("scan"), entry.actor, moment(entry.at)))
    awaited = Counter(left)
    unknown = []
    held = ScanLook.objects.filter(item__batch=batch).order_by("pk")
    for pk, item, scan, by, at in held.values_list("pk", *LOOK_COLUMNS.values()):
        look = (item, scan, by, moment(at))
        if awaited[look]:
            awaited[look] -= 1
        else:
            unknown.append((str(pk), look))
    table = str(ScanLook._meta.db_table)  # noqa: SLF001 -- Django's documented name for it
    for row, told in zip_longest(unknown, awaited.elements()):
        if told is None:
            yield Difference(table, row[0], "", MISSING, statements.UNKNOWN, "")
        elif row is None:
            yield Difference(
                table, told[1] or told[0], "", statements.THERE, statements.GONE, told[-1]
            )
        else:
            for name, said, found in zip(LOOK_COLUMNS, told, row[1], strict=True):
                if said != found:
                    yield Difference(
                        table, row[0], name, statements.text(said), statements.text(found), told[-1]
                    )
