"""Why a verb may not be done now: shared by the refusal and the button that would only fail.

``reason`` None leaves out that words are still to be written, as a button needs it.
"""

from datetime import datetime
from itertools import takewhile
from typing import Final

from lantai.access import queries as access
from lantai.cases.models import Case, Decision
from lantai.cases.queries import evidence, lists, review
from lantai.cases.rules import workflow
from lantai.cases.rules.route import Route
from lantai.cases.rules.workflow import Paper, Standing, State, Verb
from lantai.dossiers.models import Dossier
from lantai.dossiers.rules import STATE_LABELS
from lantai.dossiers.rules import State as DossierState
from lantai.identity.models import User

_UNWRITTEN: Final = "…"
OUTCOMES: Final[dict[str, Verb]] = {
    Decision.Outcome.APPROVE: Verb.APPROVE,
    Decision.Outcome.REJECT: Verb.REJECT,
    Decision.Outcome.RETURN: Verb.SEND_BACK,
}
# Who acts on a case where it stands; elsewhere nobody does.
SEATS: Final[dict[State, str]] = {
    State.IN_REVIEW: "first_reviewer",
    State.IN_CONFIRMATION: "second_reviewer",
    State.FROZEN: "approver",
    State.PAPER_CALLED: "approver",
    State.PAPER_BACK: "approver",
}
_LOOKING: Final = frozenset({Verb.SUBMIT_REVIEW, Verb.CONFIRM, Verb.APPROVE, Verb.REJECT})


def objections_to(
    verb: Verb, *, case: Case, user: User, reason: str | None = None
) -> tuple[str, ...]:
    """Return every reason why a person may not do this with a case now."""
    return workflow.objections_to(
        verb,
        _standing(verb, case=case, user=user),
        actor=user.username,
        reason=_UNWRITTEN if reason is None else reason,
    )


def objections_to_open(*, dossier: Dossier, user: User, at: datetime) -> tuple[str, ...]:
    """Return every reason why no case can be opened for a dossier now."""
    reasons = []
    if _is_subject(dossier, user):
        reasons.append("这是您本人的档案，不得办理本人业务，请交由他人办理")
    if dossier.state != DossierState.IN_STORE:
        label = STATE_LABELS[DossierState(dossier.state)]
        reasons.append(f"档案现为“{label}”，不在库，不能受理；请先核对档案状态")
    reasons += [
        f"这份档案已有在办业务 {case.number}，请办结后再受理"
        for case in Case.objects.filter(dossier=dossier, closed_at=None)
    ]
    return tuple(reasons)


def objections_to_take(*, case: Case, user: User, at: datetime) -> tuple[str, ...]:
    """Return every reason why a person may not take a step now.

    Whoever holds it may take it again: that renews the leave to look, and nothing else.
    """
    return (
        () if holds_step(case=case, user=user) else objections_to(Verb.TAKE, case=case, user=user)
    )


def holds_step(*, case: Case, user: User) -> bool:
    """Tell whether the step a case stands at is this person's."""
    seat = SEATS.get(State(case.state))
    return seat is not None and getattr(case, f"{seat}_id") == user.pk


def may_look(*, case: Case, user: User, at: datetime) -> bool:
    """Tell whether a person's leave to look for a case is in force; if not, take it again."""
    return access.grants_of(user=user, at=at).filter(case=case.uid).exists()


def objections_to_mark(*, case: Case, user: User, at: datetime) -> tuple[str, ...]:
    return objections_to(Verb.MARK_PAGE, case=case, user=user)


def objections_to_claim(*, case: Case, user: User, at: datetime) -> tuple[str, ...]:
    return objections_to(Verb.STATE_CLAIM, case=case, user=user)


def objections_to_adopt(
    *, case: Case, user: User, at: datetime, reason: str | None = None
) -> tuple[str, ...]:
    return objections_to(Verb.ADOPT, case=case, user=user, reason=reason)


def objections_to_raise_route(
    *, case: Case, user: User, at: datetime, reason: str | None = None
) -> tuple[str, ...]:
    found = objections_to(Verb.RAISE_ROUTE, case=case, user=user, reason=reason)
    if case.raised_at is not None:
        return (*found, "本件已转为复杂件，无需重复操作")
    return found


def objections_to_submit_review(
    *, case: Case, user: User, at: datetime, reason: str | None = None
) -> tuple[str, ...]:
    return objections_to(Verb.SUBMIT_REVIEW, case=case, user=user, reason=reason)


def objections_to_return_to_reviewer(
    *, case: Case, user: User, at: datetime, reason: str | None = None
) -> tuple[str, ...]:
    return objections_to(Verb.RETURN_TO_REVIEWER, case=case, user=user, reason=reason)


def objections_to_confirm(
    *, case: Case, user: User, at: datetime, reason: str | None = None
) -> tuple[str, ...]:
    return objections_to(Verb.CONFIRM, case=case, user=user, reason=reason)


def objections_to_call_paper(
    *, case: Case, user: User, at: datetime, reason: str | None = None
) -> tuple[str, ...]:
    return objections_to(Verb.CALL_PAPER, case=case, user=user, reason=reason)


def objections_to_hand_paper_out(*, case: Case, user: User, at: datetime) -> tuple[str, ...]:
    return objections_to(Verb.HAND_PAPER_OUT, case=case, user=user)


def objections_to_see_paper(
    *, case: Case, user: User, at: datetime, reason: str | None = None
) -> tuple[str, ...]:
    return objections_to(Verb.SEE_PAPER, case=case, user=user, reason=reason)


def objections_to_hand_paper_back(*, case: Case, user: User, at: datetime) -> tuple[str, ...]:
    return objections_to(Verb.HAND_PAPER_BACK, case=case, user=user)


def objections_to_decide(
    *, case: Case, user: User, at: datetime, outcome: str, reason: str | None = None
) -> tuple[str, ...]:
    """Return every reason why this person may not decide so now."""
    return objections_to(OUTCOMES[outcome], case=case, user=user, reason=reason)


def objections_to_file_case(*, case: Case, user: User, at: datetime) -> tuple[str, ...]:
    found = objections_to(Verb.FILE, case=case, user=user)
    if paper_of(case=case) in (Paper.CALLED, Paper.OUT):
        return (*found, "实体档案尚未归还清点，请归还清点后再归档")
    return found


def objections_to_export_evidence(
    *, case: Case, user: User, at: datetime, reason: str | None = None
) -> tuple[str, ...]:
    """Return every reason why a person may not take the frozen evidence out of the house."""
    found = []
    if _is_subject(case.dossier, user):
        found.append("这是您本人的档案，不得导出，请交由他人办理")
    if lists.evidence_of(case=case) is None:
        found.append("本业务尚未固定影像证据，请在复核通过后再导出")
    if reason is not None and not reason.strip():
        found.append("请写明导出事由和接收单位，如信访答复、行政复议、诉讼举证")
    return tuple(found)


def objections_to_withdraw(
    *, case: Case, user: User, at: datetime, reason: str | None = None
) -> tuple[str, ...]:
    return objections_to(Verb.WITHDRAW, case=case, user=user, reason=reason)


def objections_to_suspend(
    *, case: Case, user: User, at: datetime, reason: str | None = None
) -> tuple[str, ...]:
    return objections_to(Verb.SUSPEND, case=case, user=user, reason=reason)


def objections_to_resume(
    *, case: Case, user: User, at: datetime, reason: str | None = None
) -> tuple[str, ...]:
    return objections_to(Verb.RESUME, case=case, user=user, reason=reason)


def paper_of(*, case: Case) -> Paper:
    """Where the paper is, as far as this case called it."""
    calls = lists.paper_calls_of(case=case)
    if not calls:
        return Paper.NOT_CALLED
    if calls[-1].back_at is not None:
        return Paper.BACK
    return Paper.OUT if calls[-1].out_at is not None else Paper.CALLED


def _standing(verb: Verb, *, case: Case, user: User) -> Standing:
    """A case in plain values; what only some verbs ask for is worked out for them only."""
    frozen = lists.evidence_of(case=case) if verb in OUTCOMES.values() else None
    ending = verb in (Verb.SUBMIT_REVIEW, Verb.CONFIRM)
    return Standing(
        state=State(case.state),
        clerk=case.clerk.username,
        reviewer=_name(case.first_reviewer),
        second_reviewer=_name(case.second_reviewer),
        approver=_name(case.approver),
        route=Route(case.route) if case.route else Route.COMPLEX,
        paper=paper_of(case=case),
        calls_without_finding=_calls_without_finding(case) if verb is Verb.APPROVE else 0,
        unopened_key_pages=review.unopened_key_pages(case=case, user=user)
        if verb in _LOOKING
        else (),
        obstacles=review.assessment(case=case).obstacles if ending else (),
        evidence_intact=not evidence.faults_of(evidence=frozen) if frozen else True,
        changed_pages=evidence.changed_pages(evidence=frozen) if frozen else (),
        actor_is_subject=_is_subject(case.dossier, user),
    )


def _calls_without_finding(case: Case) -> int:
    """How many calls ended since the last one of which somebody wrote down what was seen."""
    ended = [call for call in lists.paper_calls_of(case=case) if call.back_at is not None]
    return len(list(takewhile(lambda call: call.seen_at is None, reversed(ended))))


def _is_subject(dossier: Dossier, user: User) -> bool:
    return bool(user.person_uid) and user.person_uid == dossier.person.uid


def _name(user: User | None) -> str:
    return user.username if user else ""
