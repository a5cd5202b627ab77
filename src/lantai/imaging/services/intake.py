"""A scanner folder becomes a batch; its files become scans, one by one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from django.db import transaction
from django.db.models import F, Q

from lantai.db import new_uid
from lantai.identity import services as identity
from lantai.identity.models import Body, User
from lantai.identity.rules import Act
from lantai.imaging import checks, folder, queries, rules
from lantai.imaging.folder import Found, FoundItem, Unfit
from lantai.imaging.models import Batch, Finding, Incoming, Item, Line, Quarantined, Scan
from lantai.imaging.rules import BatchState
from lantai.ledger import services as ledger
from lantai.lib import catalogue as classes
from lantai.lib import idnumber, package
from lantai.lib.imagery.decode import Unreadable
from lantai.lib.imagery.examine import Examined
from lantai.lib.imagery.faults import Fault
from lantai.lib.imagery.profile import load
from lantai.lib.package import Catalogue, CatalogueFault, UnreadableCatalogue
from lantai.lib.refusals import Conflict, Unacceptable
from lantai.vault import services as vault
from lantai.vault.models import Blob

_AT_ONCE: Final = 1000  # rows written in one statement
# What cannot be read as a page is kept up to this size; a larger file stays in its folder.
_KEPT: Final = 64 * 1024 * 1024


_CATALOGUE_TYPES: Final = {
    "xml": "application/xml",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class ClaimLost(Conflict):
    """Somebody else works through the batch now: whoever holds the old claim has to stop."""


@dataclass(frozen=True)
class Outcome:
    """What became of one file, or what keeps a dossier from acceptance.

    ``status`` is accepted or quarantined; ``path`` may be shown.
    """

    path: str
    status: str
    code: str = ""
    sentence: str = ""
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class _ReadItem:
    """The folder of a dossier with its catalogue read; ``odd`` says why that could not be read."""

    found: FoundItem
    catalogue: Catalogue | None = None
    faults: tuple[CatalogueFault, ...] = ()
    odd: str = ""


def receive_folder(
    *, folder: Path, name: str, body: Body, device: str, by: User, at: datetime
) -> Batch:
    """Enter a scanner folder as a batch: its dossiers, their catalogues, the files to come.

    The folder is read before the database is held, and its files only by ``process``.
    """
    identity.require(Act.RECEIVE_BATCH, by=by, at=at, body=body)
    if not name.strip():
        raise Unacceptable("请填写批次名称")
    listing, read_items = _read_folder(folder)
    with transaction.atomic():
        kept = queries.kept_folder(folder)
        if known := Batch.objects.filter(body=body, folder=kept).first():
            raise Conflict(f"这个文件夹已经作为批次“{known.name}”接收，请打开该批次查看")
        batch = Batch.objects.create(
            name=name.strip()[:80],
            body=body,
            folder=kept,
            device=device.strip()[:60],
            norm=checks.norm_of(load()),
            state=BatchState.RECEIVING,
            operator=by,
            received_at=at,
        )
        _enter_items(batch, read_items)
        _await_files(batch, listing.loose, item=None)
        batch.files_total = batch.incoming.count()
        batch.save(update_fields=["files_total"])
        ledger.record(
            at=at,
            action="imaging.batch.received",
            actor=by.username,
            subject=f"batch:{batch.uid}",
            facts={
                "name": rules.shown_path(batch.name),
                "body": body.code,
                "device": batch.device,
                "norm": batch.norm,
                "items": len(read_items),
                "files": batch.files_total,
            },
        )
    return batch


def claim_next(*, at: datetime) -> Batch | None:
    """Take the oldest batch with files to work through that nobody works on; None if none.

    A claim lasts CLAIM_LASTS after the last finished file; then the batch is free again, and
    whoever held it finds it out with the next file (``ClaimLost``).
    """
    free = Q(claimed_at=None) | Q(claimed_at__lt=at - rules.CLAIM_LASTS)
    waiting = Batch.objects.filter(free, state=BatchState.RECEIVING)
    for batch in waiting.order_by("received_at", "pk")[:20]:
        claim = new_uid()
        if waiting.filter(pk=batch.pk, claim=batch.claim).update(claim=claim, claimed_at=at):
            batch.claim, batch.claimed_at = claim, at
            return batch
    return None


def process(
    *, batch: Batch, at: datetime, clock: Callable[[], datetime] | None = None
) -> Iterator[Outcome]:
    """Work through the files of a batch, one transaction and one ledger entry each.

    Can be stopped anywhere and begun again: what is done stays done, nothing is done twice. It
    takes the batch over from whoever worked on it, who then stops with ClaimLost. ``clock`` gives
    the moment of each file; without it all happen at ``at``. When the last file is done each
    dossier is compared with its catalogue and the batch goes to inspection.
    """
    now = clock or (lambda: at)
    claim = new_uid()
    taken = Batch.objects.filter(pk=batch.pk, state=BatchState.RECEIVING)
    if not taken.update(claim=claim, claimed_at=at):
        return
    held = Batch.objects.select_related("operator", "body").get(pk=batch.pk)
    root = queries.folder_of(held)
    waiting = held.incoming.filter(done_at=None).order_by("pk").values_list("pk", flat=True)
    for pk in list(waiting):
        yield _take_file(pk, batch=held, claim=claim, root=root, at=now())
    for item in held.items.filter(checked_at=None).order_by("pk"):
        yield from _compare_item(item, batch=held, claim=claim, at=now())
    _hand_to_inspection(held, claim=claim, at=now())


def _read_folder(root: Path) -> tuple[folder.Listing, list[_ReadItem]]:
    try:
        listing = folder.listed(root)
    except Unfit as unfit:
        raise Unacceptable(str(unfit)) from unfit
    return listing, [_read_item(root, found) for found in listing.items]


def _read_item(root: Path, found: FoundItem) -> _ReadItem:
    """Read the catalogue of a dossier; one that cannot be read is a fault of the dossier."""
    if not found.catalogues:
        return _ReadItem(found)
    chosen = _chosen(found)
    faults: tuple[CatalogueFault, ...] = ()
    if len(found.catalogues) > 1:
        sentence = f"文件夹中有两份目录，按“{chosen.name}”建目录，请核对两份是否一致"
        faults = (CatalogueFault(rules.CATALOGUE, "目录", sentence),)
    reader = package.read_xml if chosen.name == package.XML_NAME else package.read_workbook
    try:
        read = reader(folder.read(root, chosen.path))
    except Unfit as unfit:
        return _ReadItem(found, faults=faults, odd=str(unfit))
    except UnreadableCatalogue as unreadable:
        return _ReadItem(found, faults=faults, odd="；".join(unreadable.reasons))
    return _ReadItem(found, read, (*faults, *_lasting(read)))


def _chosen(found: FoundItem) -> Found:
    """The catalogue that is read where there are several: the one that names the files."""
    return min(found.catalogues, key=lambda one: folder.CATALOGUES.index(one.name))


def _lasting(read: Catalogue) -> Iterator[CatalogueFault]:
    """What the reader found wrong, but for what each comparison finds out anew."""
    anew = set(idnumber.faults(read.person.id_number))
    for fault in read.faults:
        if fault.sentence not in anew and (read.person.name or "没有填写姓名" not in fault.sentence):
            yield fault


def _enter_items(batch: Batch, read_items: Sequence[_ReadItem]) -> None:
    """Write the dossiers of a batch, the lines of their catalogues and the files to come."""
    items = Item.objects.bulk_create(
        (_item(batch, read) for read in read_items), batch_size=_AT_ONCE
    )
    lines = Line.objects.bulk_create(
        (
            line
            for item, read in zip(items, read_items, strict=True)
            for line in _lines(item, read.catalogue)
        ),
        batch_size=_AT_ONCE,
    )
    of_item: dict[int, dict[str, Line]] = {item.pk: {} for item in items}
    for line in lines:
        of_item[line.item_id][str(line)] = line
    findings: list[Finding] = []
    for item, read in zip(items, read_items, strict=True):
        findings.extend(_findings(item, read))
        places = _Places(of_item[item.pk], read.catalogue)
        Incoming.objects.bulk_create(_catalogues(item, read))
        _await_files(batch, read.found.files, item=item, places=places)
    Finding.objects.bulk_create(findings, batch_size=_AT_ONCE)


def _item(batch: Batch, read: _ReadItem) -> Item:
    person = read.catalogue.person if read.catalogue else None
    said = rules.person_of_folder(read.found.folder)
    return Item(
        batch=batch,
        folder=read.found.folder,
        name=(person.name if person else said[0] if said else "")[:60],
        id_number=(person.id_number if person else said[1] if said else "")[:40],
        sex=(person.sex if person else "")[:4],
        ethnic=(person.ethnic if person else "")[:20],
        employer=(person.employer if person else "")[:120],
    )


def _catalogues(item: Item, read: _ReadItem) -> Iterator[Incoming]:
    """The catalogues of a dossier as files to come; they are kept like the images."""
    for found in read.found.catalogues:
        yield Incoming(
            batch=item.batch,
            item=item,
            is_catalogue=True,
            path=found.path,
            shown=rules.shown_path(found.path),
            odd=read.odd[:500] if found == _chosen(read.found) else "",
            odd_code=rules.CATALOGUE if read.odd else "",
        )


def _lines(item: Item, catalogue: Catalogue | None) -> Iterator[Line]:
    """The lines that can stand in a catalogue; what is wrong with the others the reader says."""
    seen: set[tuple[str, int]] = set()
    for entry in catalogue.entries if catalogue else ():
        place = (entry.class_code, entry.sequence)
        if place in seen or entry.sequence < 1 or not classes.is_leaf(entry.class_code):
            continue
        seen.add(place)
        yield Line(
            item=item,
            class_code=entry.class_code,
            sequence=entry.sequence,
            title=entry.title[:120],
            formed=str(entry.formed) if entry.formed else "",
            formed_text=entry.formed_text[:40],
            page_count=entry.page_count,
            remark=entry.remark[:120],
        )


def _findings(item: Item, read: _ReadItem) -> Iterator[Finding]:
    for fault in read.faults:
        yield Finding(
            item=item, code=fault.code, path=fault.where, sentence=fault.sentence, blocks=True
        )
    if read.found.processed:
        yield Finding(
            item=item,
            code=rules.NAMING,
            path="优化图像",
            sentence=f"文件夹中有 {read.found.processed} 个经过处理的图像，没有作为原始影像接收；"
            "浏览用的影像由系统从原始影像生成",
            blocks=False,
        )


class _Places:
    """Which line and page a file of a dossier is, by the catalogue's list or else by its name."""

    def __init__(self, lines: dict[str, Line], catalogue: Catalogue | None) -> None:
        self._lines = lines
        self._listed = {
            name.casefold(): (line, number)
            for entry in (catalogue.entries if catalogue else ())
            if (line := lines.get(f"{entry.class_code}-{entry.sequence}"))
            for number, name in enumerate(entry.files, start=1)
        }
        self._seen: dict[tuple[str, int] | str, str] = {}

    def of(self, name: str) -> tuple[Line | None, int | None]:
        """The line and page number of a file name; None for a file no line lists."""
        if listed := self._listed.get(name.casefold()):
            return listed
        try:
            said = classes.parse_scan_name(name)
        except ValueError:
            return None, None
        line = self._lines.get(f"{said.class_code}-{said.sequence}")
        return (line, said.page) if line else (None, None)

    def earlier(self, path: str, name: str) -> str | None:
        """The path that already came for the same page, or by the same name but for its case."""
        line, number = self.of(name)
        key = (str(line), number) if line and number else name.casefold()
        first = self._seen.setdefault(key, path)
        return None if first == path else first


def _await_files(
    batch: Batch, files: Sequence[Found], *, item: Item | None, places: "_Places | None" = None
) -> None:
    """Write down which files are to come, and which of them cannot be pages whatever they hold."""
    Incoming.objects.bulk_create(
        (_incoming(batch, found, item=item, places=places) for found in files),
        batch_size=_AT_ONCE,
    )


def _incoming(
    batch: Batch, found: Found, *, item: Item | None, places: "_Places | None"
) -> Incoming:
    line, number = places.of(found.name) if places and not found.odd else (None, None)
    odd, code = found.odd, rules.NAMING if found.odd else ""
    earlier = places.earlier(found.path, found.name) if places and not odd else None
    if earlier is not None:
        first = rules.shown_path(earlier)
        odd, code = f"与“{first}”是同一页，只接收先到的一个；请核对哪一个正确", rules.DOUBLE
        line, number = None, None
    return Incoming(
        batch=batch,
        item=item,
        line=line,
        number=number,
        path=found.path,
        shown=rules.shown_path(found.path),
        odd=odd,
        odd_code=code,
    )


def _take_file(pk: int, *, batch: Batch, claim: str, root: Path, at: datetime) -> Outcome:
    """Turn one file into a scan, or keep it apart with the sentence why not."""
    incoming = Incoming.objects.select_related("item__batch", "line").get(pk=pk)
    name = incoming.path.rpartition("/")[2]
    content = None
    try:
        content = folder.read(root, incoming.path)
        if incoming.odd:
            raise Unfit(incoming.odd, code=incoming.odd_code)
        if incoming.is_catalogue:
            return _keep_catalogue(incoming, content, batch=batch, claim=claim, at=at)
        examined = checks.measure(content, name=name, norm=batch.norm)
    except Unfit as unfit:
        code, sentence = unfit.code, incoming.odd or str(unfit)
    except Unreadable as unreadable:
        code, sentence = unreadable.code, unreadable.sentence
    else:
        return _accept(incoming, content, examined, batch=batch, claim=claim, at=at)
    return _quarantine(
        incoming, content, incoming.odd_code or code, sentence, batch=batch, claim=claim, at=at
    )


@transaction.atomic
def _accept(
    incoming: Incoming,
    content: bytes,
    examined: Examined,
    *,
    batch: Batch,
    claim: str,
    at: datetime,
) -> Outcome:
    _hold(batch, claim=claim, at=at, done=1)
    blob = vault.store(
        content=content,
        media_type=checks.media_type_of(content),
        by=batch.operator.username,
        at=at,
    )
    assert incoming.item is not None  # a file beside the dossiers is odd and comes not here
    scan = checks.enter_scan(
        item=incoming.item,
        line=incoming.line,
        number=incoming.number,
        file_name=incoming.path.rpartition("/")[2],
        blob=blob,
        examined=examined,
        by=batch.operator,
        at=at,
    )
    _done(incoming, at=at)
    ledger.record(
        at=at,
        action="imaging.scan.entered",
        actor=batch.operator.username,
        subject=f"batch:{batch.uid}",
        facts={
            "item": incoming.item.uid,
            "scan": scan.uid,
            "file": incoming.shown,
            "sha256": blob.sha256,
            "sm3": blob.sm3,
            "bytes": blob.size,
            "device": batch.device,
            "norm": batch.norm,
            "faults": [fault.code for fault in examined.faults],
        },
    )
    return Outcome(incoming.shown, "accepted", faults=tuple(examined.faults))


@transaction.atomic
def _keep_catalogue(
    incoming: Incoming, content: bytes, *, batch: Batch, claim: str, at: datetime
) -> Outcome:
    """Keep a catalogue as it came, byte for byte; its lines stand in the database already."""
    _hold(batch, claim=claim, at=at, done=1)
    blob = vault.store(
        content=content,
        media_type=_CATALOGUE_TYPES[incoming.path.rpartition(".")[2]],
        by=batch.operator.username,
        at=at,
    )
    assert incoming.item is not None  # a catalogue is one of a dossier
    Item.objects.filter(pk=incoming.item_id).update(catalogue=blob)
    _done(incoming, at=at)
    ledger.record(
        at=at,
        action="imaging.catalogue.kept",
        actor=batch.operator.username,
        subject=f"batch:{batch.uid}",
        facts={
            "item": incoming.item.uid,
            "file": incoming.shown,
            "sha256": blob.sha256,
            "sm3": blob.sm3,
            "bytes": blob.size,
        },
    )
    return Outcome(incoming.shown, "accepted")


@transaction.atomic
def _quarantine(
    incoming: Incoming,
    content: bytes | None,
    code: str,
    sentence: str,
    *,
    batch: Batch,
    claim: str,
    at: datetime,
) -> Outcome:
    _hold(batch, claim=claim, at=at, done=1)
    blob: Blob | None = None
    if content is not None and len(content) <= _KEPT:
        blob = vault.store(
            content=content,
            media_type=checks.media_type_of(content),
            by=batch.operator.username,
            at=at,
        )
    sentence = rules.shown_path(sentence)[:500]
    Quarantined.objects.create(
        batch=batch,
        item=incoming.item,
        path=incoming.shown,
        blob=blob,
        code=code,
        sentence=sentence,
        at=at,
    )
    if incoming.item and code == rules.DOUBLE:
        Finding.objects.create(
            item=incoming.item, code=code, path=incoming.shown, sentence=sentence, blocks=True
        )
    _done(incoming, at=at)
    ledger.record(
        at=at,
        action="imaging.file.quarantined",
        actor=batch.operator.username,
        subject=f"batch:{batch.uid}",
        facts={
            "item": incoming.item.uid if incoming.item else None,
            "file": incoming.shown,
            "sha256": blob.sha256 if blob else None,
            "code": code,
            "sentence": sentence,
        },
    )
    return Outcome(incoming.shown, "quarantined", code=code, sentence=sentence)


@transaction.atomic
def _compare_item(item: Item, *, batch: Batch, claim: str, at: datetime) -> list[Outcome]:
    """Compare a dossier whose files are all done with its catalogue: what blocks it."""
    _hold(batch, claim=claim, at=at, done=0)
    item.batch = batch
    held = checks.compare(item=item, at=at)
    item.checked_at = at
    item.save(update_fields=["checked_at"])
    ledger.record(
        at=at,
        action="imaging.item.compared",
        actor=batch.operator.username,
        subject=f"batch:{batch.uid}",
        facts={
            "item": item.uid,
            "images": item.scans.count(),
            "faults": sorted(finding.code for finding in held),
        },
    )
    read = item.findings.filter(compared=False, scan=None, blocks=True).exclude(code=rules.DOUBLE)
    return [_stopped(item, finding) for finding in (*read, *held) if finding.blocks]


def _stopped(item: Item, finding: Finding) -> Outcome:
    """What keeps a dossier from acceptance, told like a file that was kept apart."""
    place = rules.shown_path("/".join(part for part in (item.folder, finding.path) if part))
    return Outcome(place, "quarantined", code=finding.code, sentence=finding.sentence)


@transaction.atomic
def _hand_to_inspection(batch: Batch, *, claim: str, at: datetime) -> None:
    _hold(batch, claim=claim, at=at, done=0)
    Batch.objects.filter(pk=batch.pk).update(
        state=BatchState.INSPECTION, claim="", claimed_at=None
    )
    ledger.record(
        at=at,
        action="imaging.batch.processed",
        actor=batch.operator.username,
        subject=f"batch:{batch.uid}",
        facts={
            "scans": Scan.objects.filter(item__batch=batch).count(),
            "quarantined": batch.quarantined.count(),
        },
    )


def _hold(batch: Batch, *, claim: str, at: datetime, done: int) -> None:
    """Take the batch's row for this transaction, or stop if somebody else works on it now."""
    held = Batch.objects.filter(pk=batch.pk, claim=claim, state=BatchState.RECEIVING)
    if not held.update(claimed_at=at, files_done=F("files_done") + done):
        raise ClaimLost("该批次已由另一处理进程接手，本进程停止处理")


def _done(incoming: Incoming, *, at: datetime) -> None:
    incoming.done_at = at
    incoming.save(update_fields=["done_at"])
