"""What may be known of batches, the dossiers in them, and their scans."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict

from django.conf import settings
from django.db.models import (
    Count,
    Exists,
    F,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
)
from django.db.models.functions import Coalesce

from lantai.dossiers import queries as dossiers
from lantai.dossiers.models import Dossier
from lantai.identity import queries as identity
from lantai.identity.models import Body, User
from lantai.imaging import rules
from lantai.imaging.models import Batch, Finding, Item, Line, Quarantined, Scan, ScanLook
from lantai.imaging.rules import BatchState, ScanState
from lantai.lib import catalogue, idnumber


class ItemNumbers(TypedDict):
    """What ``items_of`` counts of a dossier."""

    image_count: int
    catalogue_pages: int
    blocking_count: int
    finding_count: int
    returned_count: int
    unplaced_count: int
    looked_count: int
    faulty_unlooked_count: int


if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    NumberedItem = WithAnnotations[Item, ItemNumbers]
else:
    NumberedItem = Item

PAGE_ROWS: Final = 30
# Thumbnails on one screen of an item.
PAGE_SCANS: Final = 60
# What stands against acceptance until somebody dismisses it or it is settled.
_UNSETTLED: Final = (Finding.Verdict.OPEN, Finding.Verdict.CONFIRMED)
_GONE: Final = (ScanState.REPLACED, ScanState.ASIDE)
_THERE: Final = (ScanState.CURRENT, ScanState.RETURNED)


def inbox() -> Path:
    """The folder in which operators put what their scanners made."""
    return settings.LANTAI_HOME / "inbox"


def kept_folder(folder: Path) -> str:
    """How a scanner folder is written down: its name in the inbox, else its whole path."""
    whole = folder.absolute()
    return whole.name if whole.parent == inbox().absolute() else str(whole)


def folder_of(batch: Batch) -> Path:
    """Where a batch's files lie."""
    return inbox() / batch.folder


def folders_to_receive(*, body: Body) -> list[str]:
    """Names of the folders in the inbox that no batch of a body or its parent came from."""
    if not inbox().is_dir():
        return []
    there = {
        entry.name
        for entry in inbox().iterdir()
        if entry.is_dir() and not entry.is_symlink() and not entry.name.startswith(".")
    }
    received = Batch.objects.filter(Q(body=body) | Q(body=body.parent_id), folder__in=there)
    return sorted(there - set(received.values_list("folder", flat=True)))


def accepted_in_inbox() -> list[Batch]:
    """Accepted batches whose scans still lie in the inbox, oldest first."""
    accepted = Batch.objects.filter(state=BatchState.ACCEPTED).order_by("pk")
    return [
        batch
        for batch in accepted
        if folder_of(batch).parent == inbox() and folder_of(batch).is_dir()
    ]


def batch_of_folder(*, body: Body, folder: Path) -> Batch | None:
    """The batch a scanner folder was received as; for taking up what was interrupted."""
    return Batch.objects.filter(body=body, folder=kept_folder(folder)).first()


def in_scope(*, user: User, on: date) -> QuerySet[Batch]:
    """The batches a person's posts reach."""
    return Batch.objects.filter(body__in=identity.bodies_in_scope(user=user, on=on))


def batches(*, user: User, on: date, state: str = "") -> QuerySet[Batch]:
    """The batches in a person's reach, the newest first, each with its numbers.

    ``item_count``, ``scan_count``, ``quarantined_count``, ``blocking_count``, ``uncounted_count``.
    """
    found = in_scope(user=user, on=on)
    if state:
        found = found.filter(state=state)
    return with_numbers(found).order_by("-received_at", "-pk")


def with_numbers(found: QuerySet[Batch]) -> QuerySet[Batch]:
    """Batches with the numbers the list shows; one query for any number of them."""
    here = OuterRef("pk")
    items = Item.objects.filter(batch=here, aside_at=None)
    return found.select_related("body", "operator", "accepted_by").annotate(
        item_count=_number_of(items, "batch"),
        uncounted_count=_number_of(items.filter(counted_at=None), "batch"),
        scan_count=_number_of(
            Scan.objects.filter(item__batch=here, item__aside_at=None).exclude(state__in=_GONE),
            "item__batch",
        ),
        quarantined_count=_number_of(Quarantined.objects.filter(batch=here), "batch"),
        blocking_count=_number_of(_blocking().filter(item__batch=here), "item__batch"),
    )


def batch_by_uid(*, uid: str, user: User, on: date) -> Batch | None:
    """A batch in a person's reach with its numbers; None also for one that exists elsewhere."""
    return with_numbers(in_scope(user=user, on=on).filter(uid=uid)).first()


def items_of(*, batch: Batch) -> QuerySet[NumberedItem]:
    """The dossiers of a batch in the order of their folders, each with its numbers.

    ``image_count``, ``catalogue_pages``, ``blocking_count``, ``finding_count``,
    ``returned_count``, ``faulty_unlooked_count``, ``looked_count``, ``unplaced_count``.
    """
    here = OuterRef("pk")
    scans = Scan.objects.filter(item=here).exclude(state__in=_GONE)
    current = Scan.objects.filter(item=here, state=ScanState.CURRENT)
    looked = ScanLook.objects.filter(scan=OuterRef("pk")).exclude(by=OuterRef("scanned_by"))
    faulty = Finding.objects.filter(scan=OuterRef("pk"), verdict__in=_UNSETTLED)
    return (
        batch.items.select_related("counted_by", "aside_by", "dossier")
        .annotate(
            image_count=_number_of(scans, "item"),
            catalogue_pages=Coalesce(
                Subquery(
                    Line.objects.filter(item=here)
                    .order_by()
                    .values("item")
                    .annotate(total=Sum("page_count"))
                    .values("total"),
                    output_field=IntegerField(),
                ),
                0,
            ),
            blocking_count=_number_of(_blocking().filter(item=here), "item"),
            finding_count=_number_of(
                Finding.objects.filter(item=here, verdict=Finding.Verdict.OPEN), "item"
            ),
            returned_count=_number_of(
                Scan.objects.filter(item=here, state=ScanState.RETURNED), "item"
            ),
            unplaced_count=_number_of(scans.filter(line=None), "item"),
            looked_count=_number_of(current.filter(Exists(looked)), "item"),
            faulty_unlooked_count=_number_of(
                current.filter(Exists(faulty)).exclude(Exists(looked)), "item"
            ),
        )
        .order_by("folder", "pk")
    )


def item_by_uid(*, uid: str, user: User, on: date) -> NumberedItem | None:
    """A dossier of a batch in a person's reach, with its numbers."""
    found = (
        Item.objects.filter(uid=uid, batch__in=in_scope(user=user, on=on))
        .select_related("batch__body", "batch__operator")
        .first()
    )
    if found is None:
        return None
    item = items_of(batch=found.batch).get(pk=found.pk)
    item.batch = found.batch
    return item


@dataclass(frozen=True)
class Counted:
    """One dossier of a batch with its numbers and with what stands against accepting it."""

    item: NumberedItem
    count: rules.Count
    objections: tuple[str, ...]


def counted(*, batch: Batch) -> list[Counted]:
    """Every dossier of a batch that is not set aside, counted; four queries for any number."""
    items = [item for item in items_of(batch=batch) if item.aside_at is None]
    uneven = _uneven_places(batch)
    held = _held_numbers(batch, items)
    found = []
    for item in items:
        count = rules.Count(
            name=item.name,
            paper_sides=item.paper_sides,
            images=item.image_count,
            catalogue_pages=item.catalogue_pages,
            uneven_materials=tuple(uneven.get(item.pk, ())),
            open_findings=item.blocking_count,
            returned_scans=item.returned_count,
            unlooked_faulty=item.faulty_unlooked_count,
            looked=item.looked_count,
            unplaced=item.unplaced_count,
            already_held=number18(item.id_number) in held,
        )
        found.append(Counted(item, count, rules.objections_to_dossier(count)))
    return found


@dataclass(frozen=True)
class Acceptance:
    """What stands against accepting a batch: of the batch as a whole, and dossier by dossier."""

    whole: tuple[str, ...]
    dossiers: tuple[Counted, ...]

    @property
    def objections(self) -> tuple[str, ...]:
        return (*self.whole, *(said for one in self.dossiers for said in one.objections))


def acceptance(*, batch: Batch, by: User) -> Acceptance:
    """Every reason why a person may not accept a batch now; none means it may be accepted."""
    dossiers = tuple(counted(batch=batch))
    whole = rules.objections_to_acceptance(
        state=BatchState(batch.state),
        dossiers=len(dossiers),
        inspector_scanned=batch.operator_id == by.pk
        or Scan.objects.filter(item__batch=batch, item__aside_at=None, scanned_by=by).exists(),
        inspector_counted=batch.items.filter(aside_at=None, counted_by=by).exists(),
    )
    if batch.state == BatchState.ACCEPTED:
        return Acceptance(whole, ())
    return Acceptance(whole, dossiers)


def objections_to_acceptance(*, batch: Batch, by: User) -> tuple[str, ...]:
    """The same in one list."""
    return acceptance(batch=batch, by=by).objections


def scans_of(*, item: Item) -> list[Scan]:
    """The scans of a dossier that count, in the order of the catalogue; unplaced ones last.

    Each with ``open_findings``: what was found and not settled or dismissed, worst first.
    """
    scans = list(
        item.scans.exclude(state__in=_GONE).select_related(
            "line", "blob", "scanned_by", "returned_by"
        )
    )
    found: dict[int, list[Finding]] = {scan.pk: [] for scan in scans}
    for finding in item.findings.filter(scan__in=found, verdict__in=_UNSETTLED).order_by(
        "-blocks", "code", "pk"
    ):
        if finding.scan_id is not None:
            found[finding.scan_id].append(finding)
    for scan in scans:
        scan.open_findings = found[scan.pk]
    return sorted(scans, key=_in_catalogue)


def lines_of(*, item: Item) -> list[Line]:
    """The catalogue of a dossier in its order, each line with ``images``, the scans it has."""
    lines = item.lines.annotate(images=Count("scans", filter=Q(scans__state__in=_THERE)))
    return sorted(lines, key=lambda line: (catalogue.sort_key(line.class_code), line.sequence))


def findings_of_item(*, item: Item) -> QuerySet[Finding]:
    """What was found on a dossier as a whole and not settled."""
    return (
        item.findings.filter(scan=None)
        .exclude(verdict=Finding.Verdict.SETTLED)
        .select_related("judged_by")
        .order_by("-blocks", "code", "path", "pk")
    )


def findings_of_scan(*, scan: Scan) -> QuerySet[Finding]:
    """What was found on a scan, the worst first."""
    return scan.findings.select_related("judged_by", "like").order_by("-blocks", "code", "pk")


def scan_by_uid(*, uid: str, user: User, on: date) -> Scan | None:
    """A scan of a batch in a person's reach."""
    return (
        Scan.objects.filter(uid=uid, item__batch__in=in_scope(user=user, on=on))
        .select_related(
            "item__batch__body",
            "item__batch__operator",
            "line",
            "blob",
            "scanned_by",
            "returned_by",
            "replaces",
        )
        .first()
    )


@dataclass(frozen=True)
class Neighbours:
    """A scan's place among those of its dossier; ``place`` counts from 1."""

    before: str | None
    after: str | None
    next_faulty: str | None
    place: int
    total: int


def neighbours(*, scan: Scan) -> Neighbours:
    """What comes before and after a scan, and the next one with something open; two queries."""
    rows = list(
        Scan.objects.filter(item=scan.item_id)
        .exclude(state__in=_GONE)
        .select_related("line")
        .annotate(
            faulty=Exists(Finding.objects.filter(scan=OuterRef("pk"), verdict=Finding.Verdict.OPEN))
        )
        .only("uid", "number", "file_name", "line__class_code", "line__sequence")
    )
    ordered = sorted(rows, key=_in_catalogue)
    at = next((place for place, row in enumerate(ordered) if row.pk == scan.pk), None)
    if at is None:  # replaced or set aside: it has no place any more
        return Neighbours(None, None, None, 0, len(ordered))
    turned = ordered[at + 1 :] + ordered[:at]
    return Neighbours(
        before=ordered[at - 1].uid if at else None,
        after=ordered[at + 1].uid if at + 1 < len(ordered) else None,
        next_faulty=next((row.uid for row in turned if row.faulty), None),
        place=at + 1,
        total=len(ordered),
    )


def quarantined_of(*, batch: Batch) -> QuerySet[Quarantined]:
    """The files of a batch that could not become scans."""
    return batch.quarantined.select_related("item", "blob").order_by("pk")


def looked_recently(*, user: User, scan: Scan, at: datetime) -> bool:
    """Tell whether a person's look at a scan still lets its image through."""
    return ScanLook.objects.filter(by=user, scan=scan, at__gt=at - rules.LOOK_LASTS).exists()


def looked_over_recently(*, user: User, item: int, at: datetime) -> bool:
    """Tell whether a person's look at the thumbnails of a dossier still lets them through."""
    return ScanLook.objects.filter(
        by=user, item=item, scan=None, at__gt=at - rules.STRIP_LASTS
    ).exists()


@dataclass(frozen=True)
class Desk:
    """What waits in production, in a person's reach."""

    receiving: int
    to_inspect: int
    to_count: int
    returned: int
    overdue: int
    oldest: Sequence[Batch]


def desk(*, user: User, at: datetime, on: date) -> Desk:
    """The work of the production desks in numbers, with the batches that have waited longest."""
    scope = in_scope(user=user, on=on)
    waiting = scope.exclude(state=BatchState.ACCEPTED)
    return Desk(
        receiving=scope.filter(state=BatchState.RECEIVING).count(),
        to_inspect=scope.filter(state=BatchState.INSPECTION).count(),
        to_count=Item.objects.filter(batch__in=waiting, counted_at=None, aside_at=None).count(),
        returned=Scan.objects.filter(
            item__batch__in=waiting, item__aside_at=None, state=ScanState.RETURNED
        ).count(),
        overdue=waiting.filter(received_at__lte=at - rules.IMAGED_WITHIN).count(),
        oldest=list(with_numbers(waiting).order_by("received_at", "pk")[:8]),
    )


def returned_scans(*, user: User, on: date) -> QuerySet[Scan]:
    """The scans that were sent back and wait for a new one, the oldest first."""
    return (
        Scan.objects.filter(
            item__batch__in=in_scope(user=user, on=on),
            item__aside_at=None,
            state=ScanState.RETURNED,
        )
        .select_related("item__batch", "line", "returned_by")
        .order_by("returned_at", "pk")
    )


def holder_of(*, item: Item) -> Dossier | None:
    """The dossier the body already holds for an item's ID number."""
    number = number18(item.id_number)
    return dossiers.of_id_number(body=item.batch.body, id_number=number) if number else None


def _number_of(rows: QuerySet[Any], of: str) -> Coalesce:
    """Count rows of a subquery; 0 when there are none."""
    counted_rows = rows.order_by().values(of).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted_rows, output_field=IntegerField()), 0)


def _blocking() -> QuerySet[Finding]:
    """Findings that stand against acceptance: on the dossier or on a scan that still counts."""
    return Finding.objects.filter(
        Q(scan=None) | Q(scan__state=ScanState.CURRENT),
        blocks=True,
        verdict__in=_UNSETTLED,
        item__aside_at=None,
    )


def _uneven_places(batch: Batch) -> dict[int, list[str]]:
    """Per dossier the materials whose images are not as many as the catalogue's pages."""
    lines = (
        Line.objects.filter(item__batch=batch)
        .annotate(
            images=Count("scans", filter=Q(scans__state__in=_THERE)),
            last=Coalesce(Max("scans__number", filter=Q(scans__state__in=_THERE)), 0),
        )
        # As many images as pages, none of them beyond the last page: then every page is there.
        .exclude(images=F("page_count"), last=F("page_count"))
        .order_by("item", "class_code", "sequence")
    )
    uneven: dict[int, list[str]] = {}
    for line in lines:
        uneven.setdefault(line.item_id, []).append(str(line))
    return uneven


def _held_numbers(batch: Batch, items: Iterable[Item]) -> frozenset[str]:
    """The ID numbers of items for which the body holds a dossier already."""
    numbers = {number for item in items if (number := number18(item.id_number))}
    return frozenset(
        Dossier.objects.filter(body=batch.body_id, person__id_number__in=numbers).values_list(
            "person__id_number", flat=True
        )
    )


def number18(number: str) -> str:
    """The 18-character form of an ID number; what is none stays as it is."""
    try:
        return idnumber.to18(number)
    except ValueError:
        return number


def _in_catalogue(scan: Scan) -> tuple[bool, tuple[int, int], int, int, str]:
    if scan.line is None:
        return True, (0, 0), 0, 0, scan.file_name
    return (
        False,
        catalogue.sort_key(scan.line.class_code),
        scan.line.sequence,
        scan.number or 0,
        scan.file_name,
    )
