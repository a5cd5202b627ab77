"""Who may not do what to a case, when: each refusal with its reasons, and nothing changed by it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import cases_factories as make
import pytest
from cases_factories import REGION, District, minutes
from django.db import transaction

from lantai.cases import services
from lantai.cases.models import (
    Case,
)
from lantai.cases.rules.facts import Fact
from lantai.identity.models import User
from lantai.identity.rules import Role
from lantai.lib.refusals import Conflict, NotFound, NotPermitted

pytestmark = pytest.mark.django_db

Verb = Callable[[Case, User, datetime], object]
VERBS: dict[str, Verb] = {
    "take": lambda case, by, at: services.take_case(case_uid=case.uid, by=by, at=at),
    "mark": lambda case, by, at: services.mark_page(
        case_uid=case.uid,
        page_uid=make.page(case.dossier, make.HIRE).uid,
        region=REGION,
        kind="key",
        note="",
        by=by,
        at=at,
    ),
    "claim": lambda case, by, at: services.state_claim(
        case_uid=case.uid,
        claim=make.claim(case, Fact.BIRTH, make.SCHOOL, "1966-05-12"),
        by=by,
        at=at,
    ),
    "adopt": lambda case, by, at: services.adopt(
        case_uid=case.uid, fact="birth", value="1966-05-12", reason="最早记载", by=by, at=at
    ),
    "raise": lambda case, by, at: services.raise_route(
        case_uid=case.uid, reason="存疑", by=by, at=at
    ),
    "submit": lambda case, by, at: services.submit_review(
        case_uid=case.uid, opinion="同意", by=by, at=at
    ),
    "return": lambda case, by, at: services.return_to_reviewer(
        case_uid=case.uid, reason="再核", by=by, at=at
    ),
    "confirm": lambda case, by, at: services.confirm(
        case_uid=case.uid, opinion="同意", by=by, at=at
    ),
    "call": lambda case, by, at: services.call_paper(
        case_uid=case.uid, reason="核对", by=by, at=at
    ),
    "out": lambda case, by, at: services.hand_paper_out(
        case_uid=case.uid, sides=5, to="甲", by=by, at=at
    ),
    "see": lambda case, by, at: services.see_paper(
        case_uid=case.uid, findings="一致", by=by, at=at
    ),
    "back": lambda case, by, at: services.hand_paper_back(
        case_uid=case.uid, sides=5, to="甲", by=by, at=at
    ),
    "approve": lambda case, by, at: services.decide(
        case_uid=case.uid, outcome="approve", reason="同意", by=by, at=at
    ),
    "reject": lambda case, by, at: services.decide(
        case_uid=case.uid, outcome="reject", reason="不符", by=by, at=at
    ),
    "send back": lambda case, by, at: services.decide(
        case_uid=case.uid, outcome="return", code="R-OTH", reason="再核", by=by, at=at
    ),
    "file": lambda case, by, at: services.file_case(case_uid=case.uid, by=by, at=at),
    "withdraw": lambda case, by, at: services.withdraw_case(
        case_uid=case.uid, reason="不再申请", by=by, at=at
    ),
    "suspend": lambda case, by, at: services.suspend_case(
        case_uid=case.uid, reason="争议", by=by, at=at
    ),
    "resume": lambda case, by, at: services.resume_case(
        case_uid=case.uid, reason="已了结", by=by, at=at
    ),
}
WINDOW, REVIEW, CONFIRM, DECIDE, KEEP = (
    Role.WINDOW_CLERK,
    Role.FIRST_REVIEWER,
    Role.SECOND_REVIEWER,
    Role.APPROVER,
    Role.ARCHIVIST,
)
MAY: dict[str, frozenset[Role]] = {
    "take": frozenset({REVIEW, CONFIRM, DECIDE}),
    "mark": frozenset({REVIEW, CONFIRM, DECIDE}),
    "claim": frozenset({REVIEW}),
    "adopt": frozenset({REVIEW}),
    "raise": frozenset({REVIEW, CONFIRM, DECIDE}),
    "submit": frozenset({REVIEW}),
    "return": frozenset({CONFIRM}),
    "confirm": frozenset({CONFIRM}),
    "call": frozenset({REVIEW, CONFIRM, DECIDE}),
    "out": frozenset({KEEP}),
    "see": frozenset({REVIEW, CONFIRM, DECIDE}),
    "back": frozenset({KEEP}),
    "approve": frozenset({DECIDE}),
    "reject": frozenset({DECIDE}),
    "send back": frozenset({DECIDE}),
    "file": frozenset({KEEP}),
    "withdraw": frozenset({WINDOW}),
    "suspend": frozenset({REVIEW, CONFIRM, DECIDE}),
    "resume": frozenset({REVIEW, CONFIRM, DECIDE}),
}


def returned(people: District) -> Case:
    case = make.in_confirmation(people)
    return services.return_to_reviewer(
        case_uid=case.uid, reason="再核", by=people.second, at=minutes(1)
    )


def paper_called(people: District) -> Case:
    case, _evidence = make.in_approval(people)
    services.call_paper(case_uid=case.uid, reason="核对", by=people.approver, at=minutes(1))
    case.refresh_from_db()
    return case


def paper_back(people: District) -> Case:
    case, _evidence = make.in_approval(people)
    make.paper_round(people, case, by=people.approver, at=minutes(1))
    case.refresh_from_db()
    return case


def filed(people: District) -> Case:
    case, _decision = make.decided(people)
    services.file_case(case_uid=case.uid, by=people.archivist, at=minutes(1))
    case.refresh_from_db()
    return case


def suspended(people: District) -> Case:
    case = make.reviewed(people)
    return services.suspend_case(
        case_uid=case.uid, reason="争议", by=people.reviewer, at=minutes(1)
    )


def withdrawn(people: District) -> Case:
    case = make.reviewed(people)
    return services.withdraw_case(
        case_uid=case.uid, reason="不再申请", by=people.clerk, at=minutes(1)
    )


STOPS = frozenset({"withdraw", "suspend"})
# State → how to come there, and the verbs that its step allows to the officer of the step.
STATES: dict[str, tuple[Callable[[District], Case], frozenset[str]]] = {
    "accepted": (make.opened, frozenset({"take", "withdraw"})),
    "in_review": (
        make.reviewed,
        frozenset({"take", "mark", "claim", "adopt", "raise", "submit", "call"}) | STOPS,
    ),
    "in_confirmation": (
        make.in_confirmation,
        frozenset({"take", "mark", "raise", "return", "confirm", "call"}) | STOPS,
    ),
    "frozen": (
        lambda people: make.in_approval(people)[0],
        frozenset({"take", "raise", "call", "approve", "reject", "send back"}) | STOPS,
    ),
    "paper_called": (paper_called, frozenset({"take", "raise", "out"})),
    "paper_back": (
        paper_back,
        frozenset({"take", "raise", "call", "approve", "reject", "send back"}) | STOPS,
    ),
    "returned": (returned, frozenset({"take", "withdraw"})),
    "approved": (lambda people: make.decided(people)[0], frozenset({"file"})),
    "rejected": (
        lambda people: make.decided(people, outcome="reject")[0],
        frozenset({"file"}),
    ),
    "filed": (filed, frozenset()),
    "suspended": (suspended, frozenset({"resume", "withdraw"})),
    "withdrawn": (withdrawn, frozenset()),
}


@pytest.mark.parametrize("state", STATES)
def test_each_verb_is_refused_in_each_state_that_is_not_its_own(state: str) -> None:
    people = make.district()
    arrive, allowed = STATES[state]
    case = arrive(people)
    assert case.state == state
    before = make.everything()

    for name, verb in VERBS.items():
        if name in allowed:
            continue
        for role in sorted(MAY[name]):
            with pytest.raises((Conflict, NotPermitted)):
                verb(case, people.holding(role), minutes(9))

    assert make.everything() == before


@pytest.mark.parametrize("state", STATES)
def test_each_verb_of_a_state_is_done_by_its_own_officer(state: str) -> None:
    people = make.district()
    arrive, allowed = STATES[state]
    case = arrive(people)
    seats = {
        "accepted": people.reviewer,
        "in_review": people.reviewer,
        "returned": people.reviewer,
        "in_confirmation": people.second,
    }
    officer = seats.get(state, people.approver)

    for name in sorted(allowed):
        by = people.archivist if name in {"out", "back", "file"} else officer
        by = people.clerk if name == "withdraw" else by
        with _undone():
            VERBS[name](case, by, minutes(9))


@contextmanager
def _undone() -> Iterator[None]:
    """Do something and take it back, so that the next thing starts from the same place."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.parametrize("name", VERBS)
def test_each_verb_is_refused_to_every_post_that_is_not_its_own(name: str) -> None:
    people = make.district()
    case = make.reviewed(people)
    strangers = [
        people.supervisor,
        people.subject,
        *(
            people.holding(role)
            for role in (WINDOW, REVIEW, CONFIRM, DECIDE, KEEP)
            if role not in MAY[name]
        ),
    ]
    before = make.everything()

    for stranger in strangers:
        with pytest.raises(NotPermitted):
            VERBS[name](case, stranger, minutes(9))

    assert make.everything() == before


@pytest.mark.parametrize("name", VERBS)
def test_each_verb_is_refused_to_officers_of_another_district(name: str) -> None:
    people = make.district()
    case = make.reviewed(people)
    elsewhere = make.district("d2")
    before = make.everything()

    for role in sorted(MAY[name]):
        with pytest.raises(NotPermitted) as refused:
            VERBS[name](case, elsewhere.holding(role), minutes(9))
        assert refused.value.reasons == ("不属于您所在机构的办理范围",)

    assert make.everything() == before


@pytest.mark.parametrize("name", VERBS)
def test_a_case_that_does_not_exist_is_not_found(name: str) -> None:
    people = make.district()
    case = make.reviewed(people)
    case.uid = "0000000000000000"

    with pytest.raises(NotFound):
        VERBS[name](case, people.holding(min(MAY[name])), minutes(9))


def test_an_approval_waits_for_word_on_every_paper_that_was_called() -> None:
    people = make.district()
    case, _evidence = make.in_approval(people)
    sides = case.dossier.paper_sides
    services.call_paper(case_uid=case.uid, reason="核对原件", by=people.approver, at=minutes(1))
    services.hand_paper_out(
        case_uid=case.uid, sides=sides, to="甲", by=people.archivist, at=minutes(2)
    )
    services.hand_paper_back(
        case_uid=case.uid, sides=sides, to="甲", by=people.archivist, at=minutes(3)
    )
    before = make.everything()

    with pytest.raises(Conflict) as refused:
        services.decide(
            case_uid=case.uid, outcome="approve", reason="同意。", by=people.approver, at=minutes(4)
        )
    unchanged = make.everything() == before
    make.paper_round(people, case, by=people.approver, at=minutes(5))
    decision = services.decide(
        case_uid=case.uid, outcome="approve", reason="同意。", by=people.approver, at=minutes(6)
    )

    assert refused.value.reasons == (
        "实体档案已归还，但没有登记核对结果，请重新调阅并登记后再审批",
    )
    assert unchanged
    assert decision.outcome == "approve"
