"""A scanner folder becomes a batch; its files become scans, one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from django.db import transaction

from lantai.identity import services as identity
from lantai.identity.models import Body, User
from lantai.identity.rules import Act
from lantai.imaging import audit, checks, folder, queries, rules
from lantai.imaging.folder import Found, FoundItem, Unfit
from lantai.imaging.models import Batch, Finding, Incoming, Item, Line
from lantai.imaging.rules import BatchState
from lantai.ledger import services as ledger
from lantai.lib import catalogue as classes
from lantai.lib import idnumber, package
from lantai.lib.imagery.profile import load
from lantai.lib.package import Catalogue, CatalogueFault, UnreadableCatalogue
from lantai.lib.refusals import Conflict, Unacceptable

_AT_ONCE: Final = 1000  # rows written in one statement


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
                "rows": audit.stated_of_batch(batch),
            },
        )
    return batch


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
        if fault.sentence not in anew and (
            read.person.name or "没有填写姓名" not in fault.sentence
        ):
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
