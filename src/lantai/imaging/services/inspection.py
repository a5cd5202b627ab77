"""Quality inspection: looks, verdicts, returns, and acceptance by somebody else."""

from collections import defaultdict
from datetime import datetime

from django.db import transaction

from lantai.access import services as access
from lantai.access.rules import SECRET
from lantai.dossiers import queries as dossier_queries
from lantai.dossiers import services as dossiers
from lantai.dossiers.models import Dossier
from lantai.dossiers.services import NewMaterial, NewPage, NewPerson
from lantai.identity.models import User
from lantai.identity.rules import Act
from lantai.imaging import audit, checks, locks, queries, rules
from lantai.imaging.models import Batch, Finding, Item, Line, Scan, ScanLook
from lantai.imaging.rules import BatchState, ScanState
from lantai.ledger import services as ledger
from lantai.lib import idnumber
from lantai.lib.dates import PartialDate
from lantai.lib.imagery.tiles import TilePack
from lantai.lib.refusals import Conflict, NotFound, NotPermitted, Unacceptable

_DARK = "影像已关闭：查看时间已到，请重新打开这一页"
_SEXES = {"男": "1", "女": "2"}


@transaction.atomic
def look_at_item(*, item_uid: str, by: User, at: datetime) -> ScanLook:
    """Open the thumbnails of a dossier in a batch: recorded first, shown after."""
    item = locks.find_item(Act.VIEW_SCAN, uid=item_uid, by=by, at=at)
    look = ScanLook.objects.create(item=item, scan=None, by=by, at=at)
    ledger.record(
        at=at,
        action="imaging.item.looked-at",
        actor=by.username,
        subject=f"batch:{item.batch.uid}",
        facts={"item": item.uid},
        stream="access",
    )
    return look


@transaction.atomic
def look_at_scan(*, scan_uid: str, by: User, at: datetime) -> TilePack:
    """Open one scan: recorded first, shown after. Returns the sizes its viewer needs."""
    scan = locks.find_scan(Act.VIEW_SCAN, uid=scan_uid, by=by, at=at)
    _refuse_secret(scan)
    ScanLook.objects.create(item=scan.item, scan=scan, by=by, at=at)
    ledger.record(
        at=at,
        action="imaging.scan.looked-at",
        actor=by.username,
        subject=f"batch:{scan.item.batch.uid}",
        facts={"item": scan.item.uid, "scan": scan.uid, "sha256": scan.blob.sha256},
        stream="access",
    )
    return access.tile_pack(sha256=scan.blob.sha256)


def scan_tile(*, scan_uid: str, level: int, column: int, row: int, by: User, at: datetime) -> bytes:
    """Return one tile (JPEG) of a scan that was opened not long ago."""
    scan = Scan.objects.select_related("blob").filter(uid=scan_uid).first()
    if scan is None or not queries.looked_recently(user=by, scan=scan, at=at):
        raise NotPermitted(_DARK)
    _refuse_secret(scan)
    try:
        return access.tile_of(sha256=scan.blob.sha256, level=level, column=column, row=row)
    except (KeyError, IndexError) as missing:
        raise NotFound("没有这一块影像") from missing


def scan_thumbnail(*, scan_uid: str, by: User, at: datetime) -> bytes:
    """Return the thumbnail (JPEG) of a scan whose dossier was opened not long ago."""
    scan = Scan.objects.select_related("blob").filter(uid=scan_uid).first()
    if scan is None or not (
        queries.looked_over_recently(user=by, item=scan.item_id, at=at)
        or queries.looked_recently(user=by, scan=scan, at=at)
    ):
        raise NotPermitted(_DARK)
    _refuse_secret(scan)
    return access.thumbnail_of(sha256=scan.blob.sha256)


def _refuse_secret(scan: Scan) -> None:
    """A scan that became a page of secret material is no longer seen with its batch."""
    if dossier_queries.secret_blobs(sha256s=[scan.blob.sha256]):
        raise NotPermitted(SECRET)


@transaction.atomic
def judge_finding(
    *, finding_uid: str, verdict: str, reason: str, by: User, at: datetime
) -> Finding:
    """Say whether a finding is true. The verdict is kept; a false one blocks no longer."""
    finding = locks.hold_finding(Act.JUDGE_FINDING, uid=finding_uid, by=by, at=at)
    if verdict not in {Finding.Verdict.CONFIRMED, Finding.Verdict.DISMISSED}:
        raise Unacceptable("请判为“属实”或“不属实”")
    item, scan = finding.item, finding.scan
    objections = rules.objections_to_judging(
        state=BatchState(item.batch.state),
        aside=item.aside_at is not None,
        settled=finding.verdict == Finding.Verdict.SETTLED,
        own=(scan.scanned_by_id if scan else item.batch.operator_id) == by.pk,
        looked=scan is None or ScanLook.objects.filter(scan=scan, by=by).exists(),
        reason=reason if verdict == Finding.Verdict.DISMISSED else "属实",
    )
    if objections:
        raise Conflict(*objections)
    finding.verdict, finding.judgement = verdict, reason.strip()[:120]
    finding.judged_by, finding.judged_at = by, at
    finding.save(update_fields=["verdict", "judgement", "judged_by", "judged_at"])
    ledger.record(
        at=at,
        action="imaging.finding.judged",
        actor=by.username,
        subject=f"batch:{item.batch.uid}",
        facts={
            "item": item.uid,
            "scan": scan.uid if scan else None,
            "finding": finding.uid,
            "code": finding.code,
            "measure": finding.measure,
            "threshold": finding.threshold,
            "verdict": str(verdict),
            "reason": finding.judgement,
            "rows": audit.FINDING.stated(pk=finding.pk),
        },
    )
    return finding


@transaction.atomic
def return_scan(*, scan_uid: str, reason: str, by: User, at: datetime) -> Scan:
    """Send a scan back to be scanned again, saying why."""
    scan = locks.hold_scan(Act.RETURN_SCAN, uid=scan_uid, by=by, at=at)
    _refuse_return(scan, reason=reason, by=by)
    scan.state, scan.return_reason = ScanState.RETURNED, reason.strip()[:120]
    scan.returned_by, scan.returned_at = by, at
    scan.save(update_fields=["state", "return_reason", "returned_by", "returned_at"])
    _record_scan(scan, "imaging.scan.returned", reason=scan.return_reason, by=by, at=at)
    return scan


@transaction.atomic
def set_scan_aside(*, scan_uid: str, reason: str, by: User, at: datetime) -> Scan:
    """Take a scan out of its dossier: a double, or a sheet that belongs elsewhere. It is kept."""
    scan = locks.hold_scan(Act.RETURN_SCAN, uid=scan_uid, by=by, at=at)
    _refuse_return(scan, reason=reason, by=by)
    scan.state = ScanState.ASIDE
    scan.save(update_fields=["state"])
    checks.compare(item=scan.item, at=at)
    _record_scan(scan, "imaging.scan.set-aside", reason=reason.strip(), by=by, at=at)
    return scan


@transaction.atomic
def set_item_aside(*, item_uid: str, reason: str, by: User, at: datetime) -> Item:
    """Leave a dossier out of its batch, so that the others can be accepted. It is kept."""
    item = locks.hold_item(Act.ACCEPT_BATCH, uid=item_uid, by=by, at=at)
    objections = rules.objections_to_change(
        state=BatchState(item.batch.state), aside=item.aside_at is not None
    )
    if objections:
        raise Conflict(*objections)
    if not reason.strip():
        raise Unacceptable("请填写搁置理由")
    item.aside_by, item.aside_at, item.aside_reason = by, at, reason.strip()[:120]
    item.save(update_fields=["aside_by", "aside_at", "aside_reason"])
    _record_item(item, "imaging.item.set-aside", reason=item.aside_reason, by=by, at=at)
    return item


@transaction.atomic
def take_item_up(*, item_uid: str, by: User, at: datetime) -> Item:
    """Take a dossier that was set aside back into its batch."""
    item = locks.hold_item(Act.ACCEPT_BATCH, uid=item_uid, by=by, at=at)
    objections = rules.objections_to_change(state=BatchState(item.batch.state), aside=False)
    if item.aside_at is None:
        objections = (*objections, "该份档案没有搁置，无需恢复")
    if objections:
        raise Conflict(*objections)
    item.aside_by, item.aside_at, item.aside_reason = None, None, ""
    item.save(update_fields=["aside_by", "aside_at", "aside_reason"])
    checks.compare(item=item, at=at)
    _record_item(item, "imaging.item.taken-up", reason="", by=by, at=at)
    return item


@transaction.atomic
def accept_batch(*, batch_uid: str, by: User, at: datetime) -> list[Dossier]:
    """Accept a batch: its dossiers enter the store, their scans become pages."""
    batch = locks.hold_batch(Act.ACCEPT_BATCH, uid=batch_uid, by=by, at=at)
    objections = queries.objections_to_acceptance(batch=batch, by=by)
    if objections:
        raise Conflict(*objections)
    entered, facts = [], []
    for one in queries.counted(batch=batch):
        dossier = _enter(one.item, batch=batch, by=by, at=at)
        entered.append(dossier)
        facts.append(
            {
                "item": one.item.uid,
                "dossier": dossier.uid,
                "sides": one.count.paper_sides,
                "images": one.count.images,
                "looked": one.count.looked,
            }
        )
    batch.state, batch.accepted_by, batch.accepted_at = BatchState.ACCEPTED, by, at
    batch.save(update_fields=["state", "accepted_by", "accepted_at"])
    ledger.record(
        at=at,
        action="imaging.batch.accepted",
        actor=by.username,
        subject=f"batch:{batch.uid}",
        facts={
            "norm": batch.norm,
            "dossiers": facts,
            "rows": [*audit.BATCH.stated(pk=batch.pk), *audit.ITEM.stated(batch=batch.pk)],
        },
    )
    return entered


def _enter(item: Item, *, batch: Batch, by: User, at: datetime) -> Dossier:
    lines = queries.lines_of(item=item)
    pages: dict[int | None, list[Scan]] = defaultdict(list)
    current = item.scans.filter(state=ScanState.CURRENT).select_related("blob", "scanned_by")
    for scan in current.order_by("number"):
        pages[scan.line_id].append(scan)
    dossier = dossiers.enter_dossier(
        person=NewPerson(
            name=item.name,
            sex=_SEXES.get(item.sex, idnumber.sex(item.id_number) or "0"),
            ethnic=item.ethnic,
            id_number=queries.number18(item.id_number)[:18],
        ),
        body=batch.body,
        employer=item.employer,
        paper_sides=item.paper_sides or 0,
        materials=[_material(line, pages[line.pk], batch=batch) for line in lines],
        by=by.username,
        at=at,
    )
    item.dossier = dossier
    item.save(update_fields=["dossier"])
    return dossier


def _material(line: Line, scans: list[Scan], *, batch: Batch) -> NewMaterial:
    return NewMaterial(
        class_code=line.class_code,
        sequence=line.sequence,
        title=line.title,
        formed=PartialDate.parse(line.formed) if line.formed else None,
        formed_text=line.formed_text,
        remark=line.remark,
        pages=[
            NewPage(
                blob=scan.blob,
                width=scan.width,
                height=scan.height,
                dpi=scan.dpi,
                scanned_by=scan.scanned_by.username,
                scanned_at=scan.scanned_at,
                device=batch.device,
                norm=batch.norm,
                batch=batch.uid,
            )
            for scan in scans
        ],
    )


def _refuse_return(scan: Scan, *, reason: str, by: User) -> None:
    objections = rules.objections_to_return(
        state=BatchState(scan.item.batch.state),
        aside=scan.item.aside_at is not None,
        scan=ScanState(scan.state),
        own=scan.scanned_by_id == by.pk,
        reason=reason,
    )
    if objections:
        raise Conflict(*objections)


def _record_scan(scan: Scan, action: str, *, reason: str, by: User, at: datetime) -> None:
    ledger.record(
        at=at,
        action=action,
        actor=by.username,
        subject=f"batch:{scan.item.batch.uid}",
        facts={
            "item": scan.item.uid,
            "scan": scan.uid,
            "reason": reason,
            "rows": [*audit.SCAN.stated(pk=scan.pk), *audit.stated_of_item(scan.item)],
        },
    )


def _record_item(item: Item, action: str, *, reason: str, by: User, at: datetime) -> None:
    ledger.record(
        at=at,
        action=action,
        actor=by.username,
        subject=f"batch:{item.batch.uid}",
        facts={"item": item.uid, "reason": reason, "rows": audit.stated_of_item(item)},
    )
