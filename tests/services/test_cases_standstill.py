"""A case withdrawn by its applicant, or suspended and gone on with."""

from datetime import timedelta

import cases_factories as make
import pytest
from cases_factories import NOON, minutes

from lantai.access.models import Grant
from lantai.cases import queries, services
from lantai.identity.models import User
from lantai.ledger import queries as ledger
from lantai.lib.refusals import Conflict, NotPermitted, Refusal

pytestmark = pytest.mark.django_db


def test_the_applicant_withdraws_at_the_window_and_may_apply_again() -> None:
    people = make.district()
    case = make.reviewed(people)

    services.withdraw_case(
        case_uid=case.uid, reason=" 改办延迟退休 ", by=people.clerk, at=minutes(1)
    )

    case.refresh_from_db()
    entry = ledger.entries(action="cases.case.withdrawn").get()
    assert (case.state, case.closed_at) == ("withdrawn", minutes(1))
    assert (entry.actor, entry.facts["reason"]) == ("d1-clerk", "改办延迟退休")
    assert not Grant.objects.filter(case=case.uid, revoked_at=None).exists()
    assert queries.objections_to_open(dossier=case.dossier, user=people.clerk, at=minutes(2)) == ()
    assert list(queries.check_rows()) == []


def test_a_suspended_case_stands_without_being_late_and_begins_again_with_the_review() -> None:
    people = make.district()
    case, evidence = make.in_approval(people)
    later = NOON + timedelta(days=60)

    services.suspend_case(
        case_uid=case.uid, reason="出生日期诉讼中", by=people.approver, at=minutes(1)
    )
    case.refresh_from_db()
    suspended = case.state
    late = list(queries.listed(user=people.supervisor, at=later, overdue=True))
    looks = Grant.objects.filter(case=case.uid, revoked_at=None).exists()
    services.resume_case(case_uid=case.uid, reason="诉讼终结", by=people.reviewer, at=later)
    services.take_case(case_uid=case.uid, by=people.reviewer, at=later)

    case.refresh_from_db()
    assert (suspended, late, looks) == ("suspended", [], False)
    assert (case.state, case.closed_at) == ("in_review", None)
    assert queries.evidence_of(case=case) == evidence
    assert [step.verb for step in queries.history(case=case)][-3:] == ["suspend", "resume", "take"]
    assert list(queries.check_rows()) == []


def test_a_suspended_case_can_be_withdrawn() -> None:
    people = make.district()
    case = make.taken(people)
    services.suspend_case(case_uid=case.uid, reason="争议", by=people.reviewer, at=minutes(1))

    services.withdraw_case(case_uid=case.uid, reason="不再申请", by=people.clerk, at=minutes(2))

    case.refresh_from_db()
    assert case.state == "withdrawn"


def test_who_may_not_stop_a_case_changes_nothing() -> None:
    people, elsewhere = make.district(), make.district("d2")
    case = make.taken(people)
    before = make.everything()
    tries: list[tuple[object, User, str, type[Refusal]]] = [
        (services.withdraw_case, people.reviewer, "x", NotPermitted),
        (services.withdraw_case, elsewhere.clerk, "x", NotPermitted),
        (services.withdraw_case, people.clerk, " ", Conflict),
        (services.suspend_case, people.clerk, "x", NotPermitted),
        (services.suspend_case, people.second, "x", NotPermitted),
        (services.suspend_case, elsewhere.reviewer, "x", NotPermitted),
        (services.suspend_case, people.reviewer, " ", Conflict),
        (services.resume_case, people.reviewer, "x", Conflict),
        (services.resume_case, people.archivist, "x", NotPermitted),
    ]

    for verb, by, reason, no in tries:
        with pytest.raises(no):
            verb(case_uid=case.uid, reason=reason, by=by, at=minutes(1))  # type: ignore[operator]

    assert make.everything() == before


def test_a_case_does_not_stop_while_its_paper_is_away_or_after_the_decision() -> None:
    people = make.district()
    case = make.taken(people)
    services.call_paper(case_uid=case.uid, reason="核对", by=people.reviewer, at=minutes(1))
    done, _decision = make.decided(people, name="周宁", order=3)
    before = make.everything()

    with pytest.raises(Conflict) as away:
        services.withdraw_case(case_uid=case.uid, reason="x", by=people.clerk, at=minutes(2))
    with pytest.raises(Conflict):
        services.suspend_case(case_uid=case.uid, reason="x", by=people.reviewer, at=minutes(2))
    with pytest.raises(Conflict) as decided:
        services.withdraw_case(case_uid=done.uid, reason="x", by=people.clerk, at=minutes(2))

    assert away.value.reasons == ("实体档案尚未归还清点，请归还清点后再办理",)
    assert decided.value.reasons == ("业务现为“准予退休”，不能撤回申请，请刷新后按当前环节办理",)
    assert make.everything() == before
