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
from lantai.vault import queries as masters
from lantai.vault import services as vault
from lantai.vault.models import Blob

MEDIA_TYPES: Final = {
    Format.JPEG: "image/jpeg",
    Format.TIFF: "image/tiff",
    Format.PNG: "image/png",
}
_FRESH: Final = "fresh"  # beside digests, the name of a file that has no row yet
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


def doubles(*, item: Item) -> list[ItemFault]:
    """Find images of a dossier that show the same sheet though they are not the same file.

    Where fingerprints propose a pair its masters are read and laid one upon the other, a second
    each: not for a transaction. Each scan is told of once, with the earliest that shows its sheet.
    """
    there = {str(scan.pk): scan for scan in _there(item)}
    found = pairs.doubles(
        {key: scan.dhash for key, scan in there.items() if not scan.blank},
        load=lambda key: masters.read(there[key].blob.sha256),
    )
    first: dict[str, str] = {}
    for double in found:
        if there[double.first].blob_id != there[double.second].blob_id:
            first.setdefault(double.second, double.first)
    return [
        double_fault(scan=there[later], earlier=there[earlier]) for later, earlier in first.items()
    ]


def seen_before(
    *, item: Item, content: bytes, examined: Examined, instead_of: Scan | None = None
) -> Scan | None:
    """Return the earliest scan of a dossier that shows the sheet of a file about to be entered.

    Not for a transaction, like ``doubles``. The scan it comes ``instead_of`` is passed over.
    """

    def read(key: str) -> bytes:
        return content if key == _FRESH else masters.read(key)

    for scan in [] if examined.blank else _there(item):
        if scan == instead_of or scan.blank:
            continue
        prints = {scan.blob.sha256: scan.dhash, _FRESH: examined.dhash}
        if pairs.doubles(prints, load=read):
            return scan
    return None


def double_fault(*, scan: Scan, earlier: Scan) -> ItemFault:
    """What is told of a scan that shows the sheet of an earlier one."""
    return rules.double_fault(scan=_plain_scan(scan), earlier=_plain_scan(earlier))


def compare(*, item: Item, at: datetime, doubled: Iterable[ItemFault] = ()) -> list[Finding]:
    """Compare a dossier with its catalogue anew; return the findings that hold now.

    ``doubled`` are the doubles found since the last time. A finding that was judged keeps its
    verdict; one that is no longer true is settled, and open again if it comes true again.
    """
    known = {_key_of(finding): finding for finding in item.findings.filter(compared=True)}
    faults = {_key(fault): fault for fault in _faults(item, at, doubled, known.values())}
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


def _there(item: Item) -> list[Scan]:
    """The scans of a dossier that count, in the order of their coming."""
    return list(
        item.scans.filter(state__in=(ScanState.CURRENT, ScanState.RETURNED))
        .select_related("blob", "line")
        .order_by("pk")
    )


def _faults(
    item: Item, at: datetime, doubled: Iterable[ItemFault], known: Iterable[Finding]
) -> Iterator[ItemFault]:
    scans = _there(item)
    yield from rules.item_faults(
        name=item.name,
        id_number=item.id_number,
        folder=item.folder,
        lines=[_plain_line(line) for line in item.lines.order_by("pk")],
        scans=[_plain_scan(scan) for scan in scans],
        elsewhere=_elsewhere(item, scans),
        today=identity.office_day(at),
    )
    yield from doubled
    # Doubles are not looked for again: a pair stays one as long as both of it are there.
    there = {scan.pk for scan in scans}
    for finding in known:
        if finding.like_id in there and finding.scan_id in there:
            yield ItemFault(
                finding.code,
                finding.path,
                finding.sentence,
                scan=finding.scan_id,
                like=finding.like_id,
            )


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


def _key_of(finding: Finding) -> tuple[str, str, str, int | None]:
    return (finding.code, finding.path, finding.sentence, finding.scan_id)


def _compared(item: Item, fault: ItemFault) -> Finding:
    return Finding(
        item=item,
        scan_id=fault.scan,
        like_id=fault.like,
        code=fault.code,
        path=fault.path,
        sentence=fault.sentence,
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
