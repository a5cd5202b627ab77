"""A new image in the place of one that was sent back, or of one that never came."""

import hashlib
from datetime import datetime
from typing import Any

from django.db import transaction

from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import Act
from lantai.imaging import audit, checks, locks, rules
from lantai.imaging.folder import LARGEST_FILE
from lantai.imaging.models import Item, Line, Scan
from lantai.imaging.rules import BatchState, ScanState
from lantai.ledger import services as ledger
from lantai.lib import catalogue
from lantai.lib.imagery.examine import Examined
from lantai.lib.refusals import Conflict, NotFound, Unacceptable
from lantai.vault import services as vault


def rescan(*, scan_uid: str, content: bytes, file_name: str, by: User, at: datetime) -> Scan:
    """Put a new image in the place of a returned one, which is kept as replaced.

    The file is measured before the batch is held. Raises Unacceptable when it is no page.
    """
    identity.require(Act.RESCAN, by=by, at=at)
    known = Scan.objects.select_related("item__batch", "blob").filter(uid=scan_uid).first()
    if known is None:
        raise NotFound("没有这一页影像")
    _refuse_rescan(known, content)
    name = _bare(file_name)
    examined = _measured(content, name=name, norm=known.item.batch.norm)
    seen = checks.seen_before(item=known.item, content=content, examined=examined, instead_of=known)
    with transaction.atomic():
        old = locks.hold_scan(Act.RESCAN, uid=scan_uid, by=by, at=at)
        _refuse_rescan(old, content)
        old.state = ScanState.REPLACED
        old.save(update_fields=["state"])
        fresh = _enter(
            content,
            examined,
            item=old.item,
            line=old.line,
            number=old.number,
            name=name,
            seen=seen,
            by=by,
            at=at,
            replaces=old,
        )
        ledger.record(
            at=at,
            action="imaging.scan.replaced",
            actor=by.username,
            subject=f"batch:{old.item.batch.uid}",
            facts={
                "item": old.item.uid,
                "scan": fresh.uid,
                "replaces": old.uid,
                **_facts(fresh),
                "rows": _stated(fresh, old),
            },
        )
    return fresh


def supply(*, item_uid: str, content: bytes, file_name: str, by: User, at: datetime) -> Scan:
    """Add the image of a page that never came; its name says which page it is."""
    identity.require(Act.RESCAN, by=by, at=at)
    known = Item.objects.select_related("batch").filter(uid=item_uid).first()
    if known is None:
        raise NotFound("批次中没有这份档案")
    name = _bare(file_name)
    examined = _measured(content, name=name, norm=known.batch.norm)
    seen = checks.seen_before(item=known, content=content, examined=examined)
    with transaction.atomic():
        item = locks.hold_item(Act.RESCAN, uid=item_uid, by=by, at=at)
        objections = rules.objections_to_change(
            state=BatchState(item.batch.state), aside=item.aside_at is not None
        )
        if objections:
            raise Conflict(*objections)
        line, number = _free_place(item, name)
        fresh = _enter(
            content,
            examined,
            item=item,
            line=line,
            number=number,
            name=name,
            seen=seen,
            by=by,
            at=at,
        )
        ledger.record(
            at=at,
            action="imaging.scan.supplied",
            actor=by.username,
            subject=f"batch:{item.batch.uid}",
            facts={
                "item": item.uid,
                "scan": fresh.uid,
                **_facts(fresh),
                "rows": _stated(fresh),
            },
        )
    return fresh


def _refuse_rescan(scan: Scan, content: bytes) -> None:
    objections = rules.objections_to_rescan(
        state=BatchState(scan.item.batch.state),
        aside=scan.item.aside_at is not None,
        scan=ScanState(scan.state),
        same_bytes=hashlib.sha256(content).hexdigest() == scan.blob.sha256,
    )
    if objections:
        raise Conflict(*objections)


def _free_place(item: Item, name: str) -> tuple[Line, int]:
    """The line and page number a file name speaks of, where no image stands yet."""
    try:
        said = catalogue.parse_scan_name(name)
    except ValueError as unclear:
        raise Unacceptable(str(unclear)) from unclear
    line = item.lines.filter(class_code=said.class_code, sequence=said.sequence).first()
    if line is None:
        raise Unacceptable(
            f"目录中没有 {said.class_code}-{said.sequence}，请先由档案管理员补录这份材料"
        )
    states = (ScanState.CURRENT, ScanState.RETURNED)
    if line.scans.filter(number=said.page, state__in=states).exists():
        raise Conflict(
            f"{line} 第 {said.page} 页已有影像；影像有问题的请先由质检员退回，再重扫补交"
        )
    return line, said.page


def _measured(content: bytes, *, name: str, norm: str) -> Examined:
    if len(content) > LARGEST_FILE:
        raise Unacceptable(f"文件超过上限 {LARGEST_FILE >> 20} MB，请按 300 dpi 重新扫描")
    return checks.measure(content, name=name, norm=norm)


def _enter(
    content: bytes,
    examined: Examined,
    *,
    item: Item,
    line: Line | None,
    number: int | None,
    name: str,
    seen: Scan | None,
    by: User,
    at: datetime,
    replaces: Scan | None = None,
) -> Scan:
    blob = vault.store(
        content=content, media_type=checks.media_type_of(content), by=by.username, at=at
    )
    scan = checks.enter_scan(
        item=item,
        line=line,
        number=number,
        file_name=name,
        blob=blob,
        examined=examined,
        by=by,
        at=at,
        replaces=replaces,
    )
    # A file that is the same to the byte is told of by the comparison itself.
    doubled = (
        [checks.double_fault(scan=scan, earlier=seen)] if seen and seen.blob_id != blob.pk else []
    )
    checks.compare(item=item, at=at, doubled=doubled)
    return scan


def _facts(scan: Scan) -> dict[str, str | int | list[str]]:
    return {
        "file": rules.shown_path(scan.file_name),
        "sha256": scan.blob.sha256,
        "sm3": scan.blob.sm3,
        "bytes": scan.blob.size,
        "norm": scan.item.batch.norm,
        "faults": sorted(scan.findings.filter(compared=False).values_list("code", flat=True)),
    }


def _stated(fresh: Scan, *others: Scan) -> list[list[Any]]:
    """The rows a new image made or changed."""
    return [
        *audit.stated_of_scan(fresh),
        *(row for other in others for row in audit.SCAN.stated(pk=other.pk)),
        *audit.stated_of_item(fresh.item),
    ]


def _bare(file_name: str) -> str:
    """The last part of a name as a browser sent it, of whatever system."""
    return file_name.replace("\\", "/").rpartition("/")[2][:255]
