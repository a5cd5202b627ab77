"""Measure a file, and compare a dossier in a batch with its catalogue."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.imaging import rules
from lantai.imaging.models import Finding, Item, Line, Scan
from lantai.imaging.rules import ItemFault, PlainLine, PlainScan, ScanState
from lantai.lib.dates import PartialDate
from lantai.lib.imagery import pairs
from lantai.lib.imagery.examine import Examined, examine
from lantai.lib.imagery.faults import Fault
from lantai.lib.imagery.formats import Format, sniff
from lantai.lib.imagery.profile import Profile, load
from lantai.vault import services as vault
from lantai.vault.models import Blob

MEDIA_TYPES: Final = {
    Format.JPEG: "image/jpeg",
    Format.TIFF: "image/tiff",
    Format.PNG: "image/png",
}
_UNKNOWN: Final = "application/octet-stream"


def norm_of(profile: Profile) -> str:
    """How a norm and its version are written on what was checked against it."""
    return f"{profile.name}/{profile.version}"


def profile_of(norm: str) -> Profile:
    """The norm a batch was received under."""
    return load(norm.partition("/")[0])


def media_type_of(content: bytes) -> str:
    kind = sniff(content)
    return MEDIA_TYPES[kind] if kind else _UNKNOWN


def measure(content: bytes, *, name: str, norm: str) -> Examined:
    """Examine a file against a norm and keep what is shown of it.

    Raises ``decode.Unreadable``. The derivatives are kept before any row names the master, so
    that a scan in the database always has a picture.
    """
    examined = examine(content, name=name, profile=profile_of(norm))
    sha256 = hashlib.sha256(content).hexdigest()
    vault.keep_derivative(sha256=sha256, kind="thumbnail.jpg", content=examined.thumbnail)
    vault.keep_derivative(sha256=sha256, kind="tiles.pack", content=examined.pack)
    return examined


def enter_scan(
    *,
    item: Item,
    line: Line | None,
    number: int | None,
    file_name: str,
    blob: Blob,
    examined: Examined,
    by: User,
    at: datetime,
    replaces: Scan | None = None,
) -> Scan:
    """Write the row of a measured file and of everything measured wrong with it."""
    scan = Scan.objects.create(
        item=item,
        line=line,
        number=number,
        file_name=file_name,
        blob=blob,
        width=examined.width,
        height=examined.height,
        dpi=examined.dpi,
        colour=examined.colour,
        skew_degrees=examined.skew_degrees,
        turned=examined.turned,
        blank=examined.blank,
        dhash=examined.dhash,
        state=ScanState.CURRENT,
        scanned_by=by,
        scanned_at=at,
        replaces=replaces,
    )
    Finding.objects.bulk_create(_measured(scan, fault) for fault in examined.faults)
    return scan


def compare(*, item: Item, at: datetime) -> list[Finding]:
    """Compare a dossier with its catalogue anew; return the findings that hold now.

    A finding that was judged keeps its verdict; one that is no longer true is settled.
    """
    faults = {_key(fault): fault for fault in _faults(item, at)}
    known = {
        (finding.code, finding.path, finding.sentence, finding.scan_id): finding
        for finding in item.findings.filter(compared=True)
    }
    over = [
        finding.pk
        for key, finding in known.items()
        if key not in faults and finding.verdict != Finding.Verdict.SETTLED
    ]
    Finding.objects.filter(pk__in=over).update(verdict=Finding.Verdict.SETTLED)
    again = [
        finding.pk
        for key, finding in known.items()
        if key in faults and finding.verdict == Finding.Verdict.SETTLED
    ]
    Finding.objects.filter(pk__in=again).update(
        verdict=Finding.Verdict.OPEN, judged_by=None, judged_at=None, judgement=""
    )
    Finding.objects.bulk_create(
        _compared(item, fault) for key, fault in faults.items() if key not in known
    )
    return list(item.findings.filter(compared=True).exclude(verdict=Finding.Verdict.SETTLED))


def _faults(item: Item, at: datetime) -> Iterator[ItemFault]:
    scans = list(
        item.scans.filter(state__in=(ScanState.CURRENT, ScanState.RETURNED))
        .select_related("blob", "line")
        .order_by("pk")
    )
    plain = [_plain_scan(scan) for scan in scans]
    yield from rules.item_faults(
        name=item.name,
        id_number=item.id_number,
        folder=item.folder,
        lines=[_plain_line(line) for line in item.lines.order_by("pk")],
        scans=plain,
        elsewhere=_elsewhere(item, scans),
        today=identity.office_day(at),
    )
    yield from _lookalikes(scans, plain)


def _elsewhere(item: Item, scans: Iterable[Scan]) -> frozenset[str]:
    """Digests of images of a dossier that stand in another dossier of the same body too."""
    return frozenset(
        Scan.objects.filter(
            blob__in=[scan.blob_id for scan in scans],
            item__batch__body=item.batch.body_id,
            item__aside_at=None,
            state=ScanState.CURRENT,
        )
        .exclude(item=item)
        .values_list("blob__sha256", flat=True)
    )


def _lookalikes(scans: list[Scan], plain: list[PlainScan]) -> Iterator[ItemFault]:
    """Pairs of images that show the same sheet though they are not the same file."""
    for later, scan in enumerate(scans):
        if scan.blank:
            continue
        for earlier in range(later):
            other = scans[earlier]
            if (
                not other.blank
                and other.blob_id != scan.blob_id
                and pairs.same_sheet(other.dhash, scan.dhash)
            ):
                yield rules.double_fault(scan=plain[later], earlier=plain[earlier])
                break


def _plain_scan(scan: Scan) -> PlainScan:
    return PlainScan(
        key=scan.pk,
        place=str(scan.line) if scan.line else "",
        number=scan.number,
        name=rules.shown_path(scan.file_name),
        sha256=scan.blob.sha256,
    )


def _plain_line(line: Line) -> PlainLine:
    return PlainLine(
        place=str(line),
        title=line.title,
        page_count=line.page_count,
        formed=PartialDate.parse(line.formed) if line.formed else None,
    )


def _key(fault: ItemFault) -> tuple[str, str, str, int | None]:
    return (fault.code, fault.path, fault.sentence, fault.scan)


def _compared(item: Item, fault: ItemFault) -> Finding:
    return Finding(
        item=item,
        scan_id=fault.scan,
        code=fault.code,
        path=fault.path,
        sentence=fault.sentence,
        measure=fault.measure,
        threshold=fault.threshold,
        blocks=fault.blocks,
        compared=True,
    )


def _measured(scan: Scan, fault: Fault) -> Finding:
    x, y, width, height = fault.region or (None, None, None, None)
    return Finding(
        item=scan.item,
        scan=scan,
        code=fault.code,
        path=rules.shown_path(scan.file_name),
        sentence=fault.sentence,
        measure=fault.measure,
        threshold=fault.threshold,
        x=x,
        y=y,
        width=width,
        height=height,
        blocks=fault.blocks,
    )
