"""The paper of a dossier in production: counted by another person, and from hand to hand."""

from datetime import datetime

from django.db import transaction

from lantai.identity.models import User
from lantai.identity.rules import Act
from lantai.imaging import audit, locks, rules
from lantai.imaging.models import Handover, Item
from lantai.imaging.rules import BatchState
from lantai.ledger import services as ledger
from lantai.lib.refusals import Conflict, Unacceptable


@transaction.atomic
def count_paper(*, item_uid: str, sides: int, by: User, at: datetime) -> Item:
    """Enter how many written sides the paper has. A new count replaces the old; both are logged."""
    item = locks.hold_item(Act.COUNT_PAPER, uid=item_uid, by=by, at=at)
    objections = rules.objections_to_count(
        state=BatchState(item.batch.state),
        aside=item.aside_at is not None,
        counter_scanned=item.batch.operator_id == by.pk
        or item.scans.filter(scanned_by=by).exists(),
    )
    if objections:
        raise Conflict(*objections)
    if not 1 <= sides <= rules.MOST_SIDES:
        raise Unacceptable(f"纸质页数应在 1 至 {rules.MOST_SIDES} 之间，请重新清点后填写")
    before = item.paper_sides
    item.paper_sides, item.counted_by, item.counted_at = sides, by, at
    item.save(update_fields=["paper_sides", "counted_by", "counted_at"])
    ledger.record(
        at=at,
        action="imaging.paper.counted",
        actor=by.username,
        subject=f"batch:{item.batch.uid}",
        facts={
            "item": item.uid,
            "sides": sides,
            "before": before,
            "rows": audit.stated_of_item(item),
        },
    )
    return item


@transaction.atomic
def hand_over(
    *,
    item_uid: str,
    way: Handover.Way,
    sides: int,
    condition: str,
    to: str,
    by: User,
    at: datetime,
) -> Handover:
    """Record the paper going to be scanned or coming back, with the sides counted by both."""
    item = locks.hold_item(Act.HAND_PAPER, uid=item_uid, by=by, at=at)
    last = item.handovers.order_by("-pk").values_list("way", flat=True).first()
    objections = rules.objections_to_handover(
        out=way == Handover.Way.TO_SHOP,
        away=last == Handover.Way.TO_SHOP,
        sides=sides,
        counted=item.paper_sides,
        to=to,
    )
    if objections:
        raise Conflict(*objections)
    handed = Handover.objects.create(
        item=item,
        way=way,
        sides=sides,
        condition=condition.strip()[:120],
        by=by,
        to=to.strip()[:60],
        at=at,
    )
    ledger.record(
        at=at,
        action="imaging.paper.handed",
        actor=by.username,
        subject=f"batch:{item.batch.uid}",
        facts={
            "item": item.uid,
            "way": str(way),
            "sides": sides,
            "condition": handed.condition,
            "to": handed.to,
            "rows": audit.HANDOVER.stated(pk=handed.pk),
        },
    )
    return handed
