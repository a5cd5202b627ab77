"""Find what is to be changed, ask for the permission, and hold its batch for the transaction.

Every change in a batch takes the batch's row first, so that two people never change one batch at
the same moment and no two changes wait for each other.
"""

from datetime import datetime

from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import Act
from lantai.imaging.models import Batch, Finding, Item, Line, Scan
from lantai.lib.refusals import NotFound


def hold_batch(act: Act, *, uid: str, by: User, at: datetime) -> Batch:
    """Hold a batch for an act. Raises NotPermitted, NotFound."""
    identity.require(act, by=by, at=at)
    found = Batch.objects.filter(uid=uid).values_list("pk", flat=True).first()
    if found is None:
        raise NotFound("没有这个批次")
    return _held(act, found, by=by, at=at)


def hold_item(act: Act, *, uid: str, by: User, at: datetime) -> Item:
    """Hold a dossier of a batch for an act. Raises NotPermitted, NotFound."""
    identity.require(act, by=by, at=at)
    found = Item.objects.filter(uid=uid).values_list("batch", flat=True).first()
    if found is None:
        raise NotFound("批次中没有这份档案")
    batch = _held(act, found, by=by, at=at)
    item = Item.objects.get(uid=uid)
    item.batch = batch
    return item


def hold_scan(act: Act, *, uid: str, by: User, at: datetime) -> Scan:
    """Hold a scan for an act. Raises NotPermitted, NotFound."""
    identity.require(act, by=by, at=at)
    found = Scan.objects.filter(uid=uid).values_list("item__batch", flat=True).first()
    if found is None:
        raise NotFound("没有这一页影像")
    batch = _held(act, found, by=by, at=at)
    scan = Scan.objects.select_related("item", "line", "blob").get(uid=uid)
    scan.item.batch = batch
    return scan


def hold_line(act: Act, *, uid: str, by: User, at: datetime) -> Line:
    """Hold a line of a catalogue for an act. Raises NotPermitted, NotFound."""
    identity.require(act, by=by, at=at)
    found = Line.objects.filter(uid=uid).values_list("item__batch", flat=True).first()
    if found is None:
        raise NotFound("目录中没有这份材料")
    batch = _held(act, found, by=by, at=at)
    line = Line.objects.select_related("item").get(uid=uid)
    line.item.batch = batch
    return line


def hold_finding(act: Act, *, uid: str, by: User, at: datetime) -> Finding:
    """Hold a finding for an act. Raises NotPermitted, NotFound."""
    identity.require(act, by=by, at=at)
    found = Finding.objects.filter(uid=uid).values_list("item__batch", flat=True).first()
    if found is None:
        raise NotFound("没有这项问题")
    batch = _held(act, found, by=by, at=at)
    finding = Finding.objects.select_related("item", "scan").get(uid=uid)
    finding.item.batch = batch
    return finding


def find_item(act: Act, *, uid: str, by: User, at: datetime) -> Item:
    """Find a dossier of a batch to look at; nothing is held. Raises NotPermitted, NotFound."""
    identity.require(act, by=by, at=at)
    item = Item.objects.select_related("batch__body").filter(uid=uid).first()
    if item is None:
        raise NotFound("批次中没有这份档案")
    identity.require(act, by=by, at=at, body=item.batch.body)
    return item


def find_scan(act: Act, *, uid: str, by: User, at: datetime) -> Scan:
    """Find a scan to look at; nothing is held. Raises NotPermitted, NotFound."""
    identity.require(act, by=by, at=at)
    scan = Scan.objects.select_related("item__batch__body", "blob").filter(uid=uid).first()
    if scan is None:
        raise NotFound("没有这一页影像")
    identity.require(act, by=by, at=at, body=scan.item.batch.body)
    return scan


def _held(act: Act, pk: int, *, by: User, at: datetime) -> Batch:
    batch = Batch.objects.select_for_update(of=("self",)).select_related("body").get(pk=pk)
    identity.require(act, by=by, at=at, body=batch.body)
    return batch
