"""What every verb on a case does first and last: hold the row, refuse whole, note the step."""

from datetime import date, datetime
from typing import Final

from lantai.access import services as access
from lantai.cases import queries
from lantai.cases.models import Case, Step
from lantai.cases.rules import workflow
from lantai.cases.rules.workflow import State, Verb
from lantai.dossiers.models import Page
from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import Act
from lantai.lib.refusals import Conflict, NotFound, Unacceptable

WORKING: Final = (Act.REVIEW_CASE, Act.CONFIRM_CASE, Act.DECIDE_CASE)
# Whose step it is where a case stands; elsewhere the rules refuse whoever comes.
_ACT_AT: Final[dict[State, Act]] = {
    State.ACCEPTED: Act.REVIEW_CASE,
    State.IN_REVIEW: Act.REVIEW_CASE,
    State.RETURNED: Act.REVIEW_CASE,
    State.IN_CONFIRMATION: Act.CONFIRM_CASE,
    State.FROZEN: Act.DECIDE_CASE,
    State.PAPER_CALLED: Act.DECIDE_CASE,
    State.PAPER_BACK: Act.DECIDE_CASE,
}


def hold(*, case_uid: str, acts: tuple[Act, ...], by: User, at: datetime) -> Case:
    """Lock a case for a person whose posts allow one of the acts, for its body.

    Raises NotPermitted before the case is looked for, so that a stranger learns nothing.
    """
    allowed = next((act for act in acts if identity.may(act, by=by, at=at)), acts[0])
    identity.require(allowed, by=by, at=at)
    case = (
        Case.objects.select_for_update(of=("self",))
        .select_related(
            "dossier__person",
            "dossier__body",
            "clerk",
            "first_reviewer",
            "second_reviewer",
            "approver",
            "raised_by",
        )
        .filter(uid=case_uid)
        .first()
    )
    if case is None:
        raise NotFound("没有这项业务，请核对业务编号后重新查找")
    identity.require(allowed, by=by, at=at, body=case.dossier.body)
    return case


def hold_at_step(*, case_uid: str, by: User, at: datetime) -> Case:
    """Lock a case for a person whose posts allow the work of the step it stands at."""
    case = hold(case_uid=case_uid, acts=WORKING, by=by, at=at)
    if act := _ACT_AT.get(State(case.state)):
        identity.require(act, by=by, at=at, body=case.dossier.body)
    return case


def refuse_for(objections: tuple[str, ...]) -> None:
    """Raise Conflict with every objection there is."""
    if objections:
        raise Conflict(*objections)


def page_of(*, case: Case, page_uid: str) -> Page:
    """Return a page of the dossier of a case; raise NotFound for one of another dossier."""
    page: Page | None = (
        Page.objects.select_related("material", "blob")
        .filter(uid=page_uid, material__dossier=case.dossier_id)
        .first()
    )
    if page is None:
        raise NotFound("这份档案没有这一页，请从本业务的影像中选择")
    return page


def region_on(page: Page, region: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Return a region in stored pixels that has an area and lies inside its page."""
    x, y, w, h = region
    if w < 1 or h < 1:
        raise Unacceptable("请在影像上框选一个区域")
    if x < 0 or y < 0 or x + w > page.width or y + h > page.height:
        raise Unacceptable(
            f"框选区域超出影像（宽 {page.width}、高 {page.height} 像素），请重新框选"
        )
    return x, y, w, h


def step(case: Case, *, verb: Verb, opinion: str, by: User, at: datetime) -> Step:
    """Move a case to where a verb leads, with the day it is due there, and note who moved it.

    A verb that leads nowhere from here, such as a step taken again, leaves the case where it is.
    """
    before = State(case.state)
    after = workflow.TRANSITIONS.get((before, verb), before)
    if after is not before:
        case.state = after
        case.due_on = due_on(case, since=identity.office_day(at))
        case.save(update_fields=["state", "due_on"])
    return Step.objects.create(
        case=case,
        verb=verb,
        from_state=before,
        to_state=after,
        opinion=opinion,
        by=by,
        at=at,
    )


def due_on(case: Case, *, since: date) -> date:
    """The day by which the step a case stands at is to be done, by the policy of the case."""
    days = queries.policy_of(case=case).days
    return workflow.due_on(State(case.state), days=days, since=since)


def close_leave(case: Case, *, reason: str, by: User, at: datetime) -> None:
    """Take back the leave of the officer whose step ended."""
    access.close_for_case(case=case.uid, reason=reason, by=by.username, at=at)


def subject(case: Case) -> str:
    """How the log names a case."""
    return f"case:{case.uid}"
