"""How the pages of a dossier were produced, for a reader who has no database of ours.

``production.json``: the scans that became pages and those that did not (sent back, replaced, put
aside), what each measured, what the checks found, with which limits, and what a person judged of
it; the paper as it was counted and handed; the batch, its device, norm, operator and inspector.
A scan that became a page names it; a page no scan brought, as an approval form, is named by none.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from lantai.dossiers.models import Dossier, Material, Page
from lantai.imaging.models import Batch, Finding, Handover, Item, Scan
from lantai.lib import canonical
from lantai.lib.catalogue import ScanName
from lantai.preservation.wording import words

FORMAT: Final = "lantai-production-1"
FILE: Final = "production.json"

# Not its name and folder: an operator may have put the names of others into them.
_BATCH: Final = ("uid", "device", "norm", "state", "received_at", "accepted_at")
_ITEM: Final = ("uid", "folder", "paper_sides", "counted_at", "checked_at")
_HANDOVER: Final = ("way", "sides", "condition", "to", "at")
_SCAN: Final = (
    "uid",
    "file_name",
    "width",
    "height",
    "dpi",
    "colour",
    "turned",
    "blank",
    "dhash",
    "state",
    "scanned_at",
    "returned_at",
    "return_reason",
)
_FINDING: Final = (
    "uid",
    "code",
    "path",
    "sentence",
    "measure",
    "threshold",
    "x",
    "y",
    "width",
    "height",
    "blocks",
    "compared",
    "verdict",
    "judged_at",
    "judgement",
)


def scans_of(dossier: Dossier, materials: Iterable[Material]) -> dict[int, str]:
    """Every scan that was ever made for these materials, by its key: its uid."""
    places = {(material.class_code, material.sequence) for material in materials}
    found = Scan.objects.filter(item__dossier=dossier).values_list(
        "pk", "uid", "line__class_code", "line__sequence"
    )
    return {pk: uid for pk, uid, code, sequence in found if (code, sequence) in places}


def stated(
    dossier: Dossier,
    pages: Iterable[Page],
    *,
    only: Collection[int] | None = None,
    without: Collection[int] = (),
) -> bytes:
    """Put the production of a dossier into words, in a number of queries that does not grow.

    ``only`` and ``without`` are the keys of the scans that are told, and of those that are not;
    what was found of the dossier as a whole is told where no ``only`` narrows it.
    """
    items = list(
        dossier.items.select_related(
            "batch__body", "batch__operator", "batch__accepted_by", "counted_by", "catalogue"
        ).order_by("pk")
    )
    scans: dict[int, list[Scan]] = defaultdict(list)
    for scan in (
        Scan.objects.filter(item__in=items)
        .select_related("blob", "line", "scanned_by", "returned_by", "replaces")
        .order_by("pk")
    ):
        if scan.pk not in without and (only is None or scan.pk in only):
            scans[scan.item_id].append(scan)
    told = {scan.pk for listed in scans.values() for scan in listed}
    findings: dict[int, list[Finding]] = defaultdict(list)
    for finding in (
        Finding.objects.filter(item__in=items)
        .select_related("scan", "like", "judged_by")
        .order_by("pk")
    ):
        if finding.scan_id in told or (finding.scan_id is None and only is None):
            findings[finding.item_id].append(finding)
    handed: dict[int, list[Handover]] = defaultdict(list)
    for handover in Handover.objects.filter(item__in=items).select_related("by").order_by("pk"):
        handed[handover.item_id].append(handover)
    known = {(page.batch, page.blob_id, _place_of(page)): page.uid for page in pages}
    return canonical.dumps(
        {
            "format": FORMAT,
            "items": [
                {
                    **words(item, _ITEM),
                    "batch": _batch(item.batch),
                    "counted_by": _name(item.counted_by),
                    "catalogue_sha256": item.catalogue.sha256 if item.catalogue else None,
                    "handovers": [
                        {**words(one, _HANDOVER), "by": _name(one.by)} for one in handed[item.pk]
                    ],
                    "scans": [_scan(scan, item, known) for scan in scans[item.pk]],
                    "findings": [_finding(finding) for finding in findings[item.pk]],
                }
                for item in items
            ],
        }
    )


def merged(older: bytes | None, newer: bytes, *, withheld: frozenset[str]) -> bytes:
    """The production as the database has it, and what only the package knows, as after a rebuild.

    Of that no scan is told whose master, page or own uid is among ``withheld``, nor any other of
    the same material.
    """
    if older is None:
        return newer
    now = canonical.loads(newer)
    known = {item["uid"] for item in now["items"]}
    lost = [item for item in canonical.loads(older)["items"] if item["uid"] not in known]
    for item in lost:
        shut = {
            _material_of(scan)
            for scan in item["scans"]
            if not withheld.isdisjoint((scan["uid"], scan["page"], scan["master_sha256"]))
        }
        item["scans"] = [scan for scan in item["scans"] if _material_of(scan) not in shut]
        told = {scan["uid"] for scan in item["scans"]}
        item["findings"] = [
            finding
            for finding in item["findings"]
            if finding["scan"] is None or finding["scan"] in told
        ]
    return canonical.dumps({**now, "items": [*lost, *now["items"]]})


def _material_of(scan: Mapping[str, Any]) -> str:
    """The class and sequence of a scan's place; an empty text for one without a place."""
    return str(scan["place"]).rpartition("-")[0]


def _batch(batch: Batch) -> dict[str, Any]:
    return {
        **words(batch, _BATCH),
        "body": batch.body.code,
        "operator": _name(batch.operator),
        "accepted_by": _name(batch.accepted_by),
    }


def _scan(scan: Scan, item: Item, known: dict[tuple[str, int, str], str]) -> dict[str, Any]:
    place = ""
    if scan.line is not None and scan.number is not None:
        place = str(ScanName(scan.line.class_code, scan.line.sequence, scan.number))
    return {
        **words(scan, _SCAN),
        "skew_degrees": str(scan.skew_degrees),
        "place": place,
        "page": known.get((item.batch.uid, scan.blob_id, place))
        if scan.state == "current"
        else None,
        "master_sha256": scan.blob.sha256,
        "scanned_by": _name(scan.scanned_by),
        "returned_by": _name(scan.returned_by),
        "replaces": scan.replaces.uid if scan.replaces else None,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        **words(finding, _FINDING),
        "scan": finding.scan.uid if finding.scan else None,
        "like": finding.like.uid if finding.like else None,
        "judged_by": _name(finding.judged_by),
    }


def _place_of(page: Page) -> str:
    return str(ScanName(page.material.class_code, page.material.sequence, page.number))


def _name(user: Any) -> str | None:
    return user.username if user else None
