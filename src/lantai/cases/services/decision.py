"""The approver's word on what was frozen."""

from datetime import datetime

from django.db import transaction

from lantai.cases import queries
from lantai.cases.models import Decision
from lantai.cases.queries import OUTCOMES
from lantai.cases.services.acts import close_leave, hold, refuse_for, step, subject
from lantai.identity.models import User
from lantai.identity.rules import Act
from lantai.ledger import services as ledger
from lantai.lib.refusals import Conflict, Unacceptable


@transaction.atomic
def decide(
    *, case_uid: str, outcome: str, reason: str, by: User, at: datetime, code: str = ""
) -> Decision:
    """Approve, reject or return a case on its frozen evidence. A return names its ``code``.

    The images are tested again before a final word. A damaged master raises
    ``vault.queries.Damaged``, which is an incident, and nothing is decided.
    """
    case = hold(case_uid=case_uid, acts=(Act.DECIDE_CASE,), by=by, at=at)
    faults = []
    if outcome not in OUTCOMES:
        faults.append("请选择审批结论：批准、不予批准或退回")
    if outcome == Decision.Outcome.RETURN and code not in Decision.Code.values:
        faults.append("退回请选择退回原因代码")
    if outcome in OUTCOMES and outcome != Decision.Outcome.RETURN and code:
        faults.append("只有退回才填写退回原因代码，请去掉代码")
    if faults:
        raise Unacceptable(*faults)
    refuse_for(
        queries.objections_to_decide(case=case, user=by, at=at, outcome=outcome, reason=reason)
    )
    evidence = queries.evidence_of(case=case)
    if evidence is None:
        raise Conflict("影像证据尚未固定，请先完成复核")
    if outcome != Decision.Outcome.RETURN:
        refuse_for(queries.vetoes(queries.four_natures(dossier=case.dossier)))
    decision = Decision.objects.create(
        case=case,
        evidence=evidence,
        outcome=outcome,
        code=code,
        reason=reason.strip(),
        by=by,
        at=at,
    )
    moved = step(case, verb=OUTCOMES[outcome], opinion=reason.strip(), by=by, at=at)
    close_leave(case, reason="审批环节办结", by=by, at=at)
    ledger.record(
        at=at,
        action="cases.decision.made",
        actor=by.username,
        subject=subject(case),
        facts={
            "decision": decision.uid,
            "outcome": outcome,
            "code": code,
            "evidence_sha256": evidence.sha256,
            "version": evidence.version,
            "pages_opened": sorted(queries.pages_opened(case=case, user=by)),
            **queries.step_row(moved),
        },
    )
    return decision
