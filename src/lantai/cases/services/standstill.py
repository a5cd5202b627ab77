"""A case that stops before its end: the applicant withdraws it, or a dispute suspends it."""

from datetime import datetime

from django.db import transaction

from lantai.cases import queries
from lantai.cases.models import Case
from lantai.cases.rules.workflow import Verb
from lantai.cases.services.acts import (
    close_leave,
    hold,
    hold_at_step,
    refuse_for,
    step,
    subject,
)
from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import Act
from lantai.ledger import services as ledger


@transaction.atomic
def withdraw_case(*, case_uid: str, reason: str, by: User, at: datetime) -> Case:
    """End a case because the applicant no longer wants it; another may be opened later."""
    case = hold(case_uid=case_uid, acts=(Act.WITHDRAW_CASE,), by=by, at=at)
    refuse_for(queries.objections_to_withdraw(case=case, user=by, at=at, reason=reason))
    case.closed_at = at
    case.save(update_fields=["closed_at"])
    _stop(case, "cases.case.withdrawn", verb=Verb.WITHDRAW, reason=reason, by=by, at=at)
    return case


@transaction.atomic
def suspend_case(*, case_uid: str, reason: str, by: User, at: datetime) -> Case:
    """Let a case stand while a dispute or proceedings last; its clock stands, too."""
    identity.require(Act.SUSPEND_CASE, by=by, at=at)
    case = hold_at_step(case_uid=case_uid, by=by, at=at)
    refuse_for(queries.objections_to_suspend(case=case, user=by, at=at, reason=reason))
    _stop(case, "cases.case.suspended", verb=Verb.SUSPEND, reason=reason, by=by, at=at)
    return case


@transaction.atomic
def resume_case(*, case_uid: str, reason: str, by: User, at: datetime) -> Case:
    """Let a suspended case go on, from the first review."""
    case = hold(case_uid=case_uid, acts=(Act.SUSPEND_CASE,), by=by, at=at)
    refuse_for(queries.objections_to_resume(case=case, user=by, at=at, reason=reason))
    _stop(case, "cases.case.resumed", verb=Verb.RESUME, reason=reason, by=by, at=at)
    return case


def _stop(case: Case, action: str, *, verb: Verb, reason: str, by: User, at: datetime) -> None:
    """Move the case, take back the leave to look that was given for it, and record it."""
    moved = step(case, verb=verb, opinion=reason.strip(), by=by, at=at)
    close_leave(case, reason=moved.get_verb_display(), by=by, at=at)
    ledger.record(
        at=at,
        action=action,
        actor=by.username,
        subject=subject(case),
        facts={"reason": reason.strip(), **queries.step_row(moved)},
    )
