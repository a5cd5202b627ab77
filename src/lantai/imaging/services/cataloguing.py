"""What the archivist enters where a batch came without a catalogue or with a wrong one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from lantai.identity.models import User
from lantai.identity.rules import Act
from lantai.imaging import audit, checks, locks, rules
from lantai.imaging.models import Item, Line, Scan
from lantai.imaging.rules import BatchState, ScanState
from lantai.ledger import services as ledger
from lantai.lib import catalogue
from lantai.lib.dates import PartialDate
from lantai.lib.refusals import Conflict, Unacceptable


@dataclass(frozen=True)
class Described:
    """Whom the dossier is about."""

    name: str
    sex: str
    ethnic: str
    id_number: str
    employer: str


@dataclass(frozen=True)
class NewLine:
    """What a line of the catalogue is to say from now on."""

    class_code: str
    sequence: int
    title: str
    formed: str
    page_count: int
    remark: str = ""


@transaction.atomic
def describe_item(*, item_uid: str, person: Described, by: User, at: datetime) -> Item:
    """Enter or correct whom a dossier in a batch is about."""
    item = locks.hold_item(Act.EDIT_CATALOGUE, uid=item_uid, by=by, at=at)
    _refuse_if_closed(item)
    if not person.name.strip():
        raise Unacceptable("请填写姓名")
    item.name, item.sex = person.name.strip()[:60], person.sex.strip()[:4]
    item.ethnic, item.employer = person.ethnic.strip()[:20], person.employer.strip()[:120]
    item.id_number = person.id_number.strip().upper()[:40]
    item.save(update_fields=["name", "sex", "ethnic", "employer", "id_number"])
    checks.compare(item=item, at=at)
    _record(item, "imaging.item.described", rows=[], by=by, at=at)
    return item


@transaction.atomic
def put_line(*, item_uid: str, line: NewLine, by: User, at: datetime) -> Line:
    """Enter a line of the catalogue, or correct the one that stands at its place."""
    item = locks.hold_item(Act.EDIT_CATALOGUE, uid=item_uid, by=by, at=at)
    _refuse_if_closed(item)
    formed = _checked(line)
    written, fresh = Line.objects.update_or_create(
        item=item,
        class_code=line.class_code,
        sequence=line.sequence,
        defaults={
            "title": line.title.strip()[:120],
            "formed": formed,
            "formed_text": line.formed.strip()[:40],
            "page_count": line.page_count,
            "remark": line.remark.strip()[:120],
        },
    )
    checks.compare(item=item, at=at)
    _record(
        item,
        "imaging.line.entered" if fresh else "imaging.line.corrected",
        rows=audit.LINE.stated(pk=written.pk),
        by=by,
        at=at,
        line=str(written),
        title=written.title,
        formed=written.formed,
        pages=written.page_count,
    )
    return written


@transaction.atomic
def remove_line(*, line_uid: str, by: User, at: datetime) -> None:
    """Take a line out of the catalogue of a dossier; one that has images stays."""
    line = locks.hold_line(Act.EDIT_CATALOGUE, uid=line_uid, by=by, at=at)
    _refuse_if_closed(line.item)
    if line.scans.exists():
        raise Conflict(f"{line} 下还有影像，请先把影像归到其他材料")
    item, place, gone = line.item, str(line), audit.LINE.removed(line.uid)
    line.incoming.update(line=None, number=None)
    line.delete()
    checks.compare(item=item, at=at)
    _record(item, "imaging.line.removed", rows=[gone], by=by, at=at, line=place)


@transaction.atomic
def place_scan(
    *, scan_uid: str, class_code: str, sequence: int, number: int, by: User, at: datetime
) -> Scan:
    """Say which page of which material a scan is."""
    scan = locks.hold_scan(Act.EDIT_CATALOGUE, uid=scan_uid, by=by, at=at)
    _refuse_if_closed(scan.item)
    line = scan.item.lines.filter(class_code=class_code, sequence=sequence).first()
    if line is None:
        raise Unacceptable(f"目录中没有 {class_code}-{sequence}，请先补录这份材料")
    if number < 1:
        raise Unacceptable("页序从 1 起，请改正")
    if ScanState(scan.state) not in {ScanState.CURRENT, ScanState.RETURNED}:
        raise Conflict(f"该影像{rules.SCAN_LABELS[ScanState(scan.state)]}，不能再归入目录")
    there = line.scans.filter(
        number=number, state__in=(ScanState.CURRENT, ScanState.RETURNED)
    ).exclude(pk=scan.pk)
    if there.exists():
        raise Conflict(f"{line} 第 {number} 页已有影像，请核对页序，或先剔除其中一页")
    before = f"{scan.line}-{scan.number}" if scan.line else ""
    scan.line, scan.number = line, number
    scan.save(update_fields=["line", "number"])
    checks.compare(item=scan.item, at=at)
    _record(
        scan.item,
        "imaging.scan.placed",
        rows=audit.SCAN.stated(pk=scan.pk),
        by=by,
        at=at,
        scan=scan.uid,
        before=before,
        after=f"{line}-{number}",
    )
    return scan


def _checked(line: NewLine) -> str:
    """Return the date as it is stored. Raises Unacceptable with every fault of the line."""
    faults, formed = [], ""
    if not catalogue.is_leaf(line.class_code):
        faults.append(f"没有末级类号“{line.class_code}”，请改用十大类的末级类号")
    if not 1 <= line.sequence <= rules.MOST_SIDES:
        faults.append("序号从 1 起，请改正")
    if not line.title.strip():
        faults.append("请填写材料名称")
    if not 1 <= line.page_count <= rules.MOST_SIDES:
        faults.append(f"页数应在 1 至 {rules.MOST_SIDES} 之间，请改正")
    if line.formed.strip():
        try:
            formed = str(PartialDate.parse(line.formed))
        except ValueError:
            faults.append("材料形成时间请按“1978-12-03”“1978-12”或“1978”填写，不明的部分留空")
    if faults:
        raise Unacceptable(*faults)
    return formed


def _refuse_if_closed(item: Item) -> None:
    objections = rules.objections_to_change(
        state=BatchState(item.batch.state), aside=item.aside_at is not None
    )
    if objections:
        raise Conflict(*objections)


def _record(
    item: Item, action: str, *, rows: list[Any], by: User, at: datetime, **facts: str | int
) -> None:
    ledger.record(
        at=at,
        action=action,
        actor=by.username,
        subject=f"batch:{item.batch.uid}",
        facts={"item": item.uid, **facts, "rows": [*rows, *audit.stated_of_item(item)]},
    )
