"""The paper behind the images: called, handed out, seen, handed back with its count."""

from datetime import datetime

from django.db import transaction

from lantai.cases import queries
from lantai.cases.models import PaperCall
from lantai.cases.rules import workflow
from lantai.cases.rules.workflow import State, Verb
from lantai.cases.services.acts import hold, hold_at_step, refuse_for, step, subject
from lantai.dossiers import services as dossiers
from lantai.dossiers.models import Custody
from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import Act
from lantai.ledger import services as ledger


@transaction.atomic
def call_paper(*, case_uid: str, reason: str, by: User, at: datetime) -> PaperCall:
    """Ask for the paper dossier; the clock of the step stops until it is back."""
    identity.require(Act.CALL_PAPER, by=by, at=at)
    case = hold_at_step(case_uid=case_uid, by=by, at=at)
    refuse_for(queries.objections_to_call_paper(case=case, user=by, at=at, reason=reason))
    call = PaperCall.objects.create(case=case, called_by=by, called_at=at, reason=reason.strip())
    moved = step(case, verb=Verb.CALL_PAPER, opinion=reason.strip(), by=by, at=at)
    ledger.record(
        at=at,
        action="cases.paper.called",
        actor=by.username,
        subject=subject(case),
        facts={"call": call.uid, "reason": call.reason, **queries.step_row(moved)},
    )
    return call


@transaction.atomic
def hand_paper_out(*, case_uid: str, sides: int, to: str, by: User, at: datetime) -> PaperCall:
    """Hand the called paper out of the store, counted."""
    case = hold(case_uid=case_uid, acts=(Act.HAND_PAPER,), by=by, at=at)
    refuse_for(queries.objections_to_hand_paper_out(case=case, user=by, at=at))
    custody = dossiers.hand_paper(
        dossier=case.dossier,
        way=Custody.Way.OUT,
        purpose=f"业务 {case.number} 调阅实体",
        sides=sides,
        to=to,
        by=by,
        at=at,
    )
    call = PaperCall.objects.get(case=case, back_at=None)  # the rules hold that there is one
    call.out_by, call.out_at, call.out_to, call.out_sides = by, at, custody.to, sides
    call.save(update_fields=["out_by", "out_at", "out_to", "out_sides"])
    moved = step(case, verb=Verb.HAND_PAPER_OUT, opinion="", by=by, at=at)
    ledger.record(
        at=at,
        action="cases.paper.handed-out",
        actor=by.username,
        subject=subject(case),
        facts={
            "call": call.uid,
            "sides": sides,
            "to": custody.to,
            **queries.step_row(moved),
        },
    )
    return call


@transaction.atomic
def see_paper(*, case_uid: str, findings: str, by: User, at: datetime) -> PaperCall:
    """Write down what the officer of the step found on the paper."""
    case = hold_at_step(case_uid=case_uid, by=by, at=at)
    refuse_for(queries.objections_to_see_paper(case=case, user=by, at=at, reason=findings))
    call = PaperCall.objects.get(case=case, back_at=None)  # the rules hold that there is one
    call.seen_by, call.seen_at, call.findings = by, at, findings.strip()
    call.save(update_fields=["seen_by", "seen_at", "findings"])
    moved = step(case, verb=Verb.SEE_PAPER, opinion=call.findings, by=by, at=at)
    ledger.record(
        at=at,
        action="cases.paper.seen",
        actor=by.username,
        subject=subject(case),
        facts={"call": call.uid, "findings": call.findings, **queries.step_row(moved)},
    )
    return call


@transaction.atomic
def hand_paper_back(*, case_uid: str, sides: int, to: str, by: User, at: datetime) -> PaperCall:
    """Take the paper back into the store, counted; the days it was away are added to the step."""
    case = hold(case_uid=case_uid, acts=(Act.HAND_PAPER,), by=by, at=at)
    refuse_for(queries.objections_to_hand_paper_back(case=case, user=by, at=at))
    custody = dossiers.hand_paper(
        dossier=case.dossier,
        way=Custody.Way.BACK,
        purpose=f"业务 {case.number} 归还实体",
        sides=sides,
        to=to,
        by=by,
        at=at,
    )
    call = PaperCall.objects.get(case=case, back_at=None)  # the rules hold that there is one
    call.back_by, call.back_at, call.back_to, call.back_sides = by, at, custody.to, sides
    call.save(update_fields=["back_by", "back_at", "back_to", "back_sides"])
    if workflow.next_state(State(case.state), Verb.HAND_PAPER_BACK) == case.state:
        case.due_on += identity.office_day(at) - identity.office_day(call.called_at)
        case.save(update_fields=["due_on"])
    moved = step(case, verb=Verb.HAND_PAPER_BACK, opinion="", by=by, at=at)
    ledger.record(
        at=at,
        action="cases.paper.handed-back",
        actor=by.username,
        subject=subject(case),
        facts={
            "call": call.uid,
            "sides": sides,
            "to": custody.to,
            "due_on": case.due_on.isoformat(),
            **queries.step_row(moved),
        },
    )
    return call
