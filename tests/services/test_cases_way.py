"""The whole way of a case, simple and complex, and what is left behind at its end."""

from datetime import date, timedelta

import cases_factories as make
import pytest
from cases_factories import NOON, minutes

from lantai.access.models import Grant, Opening
from lantai.cases import queries, services
from lantai.cases.models import Case, Decision, Step
from lantai.cases.rules.facts import Fact
from lantai.dossiers.models import Custody, Material
from lantai.ledger.models import Entry

pytestmark = pytest.mark.django_db


def grants_open(case: Case) -> list[str]:
    return [
        grant.user.username
        for grant in Grant.objects.filter(case=case.uid, revoked_at=None).select_related("user")
    ]


def actions(case: Case) -> list[str]:
    found = Entry.objects.filter(stream="records", subject=f"case:{case.uid}").order_by("index")
    return [entry.action for entry in found]


def test_a_simple_case_is_approved_on_images_and_goes_back_into_the_dossier() -> None:
    people = make.district()
    held = make.dossier(body=people.body)
    case = services.open_case(
        dossier=held, application=make.application(), by=people.clerk, at=NOON
    )
    case = services.take_case(case_uid=case.uid, by=people.reviewer, at=minutes(1))
    make.look_at_key_pages(case, by=people.reviewer, at=minutes(2))
    make.reading(people, case, at=minutes(3))
    services.adopt(
        case_uid=case.uid,
        fact=Fact.BIRTH,
        value="1966-05-12",
        reason="",
        by=people.reviewer,
        at=minutes(4),
    )
    services.submit_review(case_uid=case.uid, opinion="材料齐全", by=people.reviewer, at=minutes(5))
    services.take_case(case_uid=case.uid, by=people.second, at=minutes(6))
    case.refresh_from_db()
    make.look_at_key_pages(case, by=people.second, at=minutes(7))
    evidence = services.confirm(
        case_uid=case.uid, opinion="复核无误", by=people.second, at=minutes(8)
    )
    services.take_case(case_uid=case.uid, by=people.approver, at=minutes(9))
    case.refresh_from_db()
    make.look_at_key_pages(case, by=people.approver, at=minutes(10))

    decision = services.decide(
        case_uid=case.uid, outcome="approve", reason="准予退休", by=people.approver, at=minutes(11)
    )
    material = services.file_case(case_uid=case.uid, by=people.archivist, at=minutes(12))

    case.refresh_from_db()
    held.refresh_from_db()
    assert (case.number, case.state, case.route) == ("TX-2026-000001", "filed", "simple")
    assert case.closed_at == minutes(12)
    assert decision.evidence == evidence
    assert (material.class_code, material.sequence, material.title) == ("9-2", 3, "退休审批表")
    assert material.pages.count() == material.page_count >= 1
    assert material.formed == "2026-11-25"
    assert held.state == "retired"
    assert held.paper_sides == 5 + material.page_count
    assert grants_open(case) == []
    assert actions(case) == [
        "cases.case.opened",
        "cases.case.taken",
        "cases.claim.stated",
        "cases.claim.stated",
        "cases.claim.stated",
        "cases.claim.stated",
        "cases.fact.adopted",
        "cases.review.submitted",
        "cases.case.taken",
        "cases.evidence.fixed",
        "cases.case.taken",
        "cases.decision.made",
        "cases.case.filed",
    ]
    assert list(queries.check_rows()) == []


def test_the_statutory_month_of_the_simple_case_is_that_of_the_law() -> None:
    people = make.district()
    case = make.reviewed(people)

    finding = queries.assessment(case=case)

    # M60, born 1966-05: sixteen months after 2025-01, so five months of delay.
    assert str(finding.age.statutory) == "2026-10"
    assert finding.deemed_months == 0
    assert finding.total_months == 292
    assert finding.route.route == "simple"


def test_a_complex_case_calls_the_paper_and_is_decided_when_it_is_back() -> None:
    people = make.district()
    case, _evidence = make.in_approval(people, hired="1984-09", born=date(1966, 7, 12))
    assert case.route == "complex"
    services.call_paper(
        case_uid=case.uid, reason="核对学籍卡出生日期", by=people.approver, at=minutes(1)
    )
    services.hand_paper_out(
        case_uid=case.uid, sides=5, to=people.approver.name, by=people.archivist, at=minutes(2)
    )
    case.dossier.refresh_from_db()
    assert case.dossier.state == "out_review"
    services.see_paper(case_uid=case.uid, findings="与影像一致", by=people.approver, at=minutes(3))
    services.hand_paper_back(
        case_uid=case.uid, sides=5, to=people.approver.name, by=people.archivist, at=minutes(4)
    )

    services.decide(
        case_uid=case.uid,
        outcome="approve",
        reason="实体与影像一致",
        by=people.approver,
        at=minutes(5),
    )

    case.refresh_from_db()
    (call,) = queries.paper_calls_of(case=case)
    assert case.state == "approved"
    assert (call.out_sides, call.back_sides, call.findings) == (5, 5, "与影像一致")
    assert [row.way for row in Custody.objects.order_by("pk")] == ["out", "back"]
    assert list(queries.check_rows()) == []


def test_a_rejected_case_is_filed_and_the_dossier_stays_in_store() -> None:
    people = make.district()
    case, _decision = make.decided(people, outcome="reject")

    services.file_case(case_uid=case.uid, by=people.archivist, at=minutes(5))

    case.refresh_from_db()
    case.dossier.refresh_from_db()
    assert (case.state, case.dossier.state) == ("filed", "in_store")
    assert Material.objects.filter(dossier=case.dossier, title="退休审批表").count() == 1


def test_after_a_case_is_filed_the_next_one_may_be_opened_unless_the_person_retired() -> None:
    people = make.district()
    case, _decision = make.decided(people, outcome="reject")
    services.file_case(case_uid=case.uid, by=people.archivist, at=minutes(5))
    case.dossier.refresh_from_db()

    again = services.open_case(
        dossier=case.dossier, application=make.application(), by=people.clerk, at=minutes(6)
    )

    assert again.number == "TX-2026-000002"


def test_a_returned_case_goes_round_again_and_the_second_version_is_decided() -> None:
    people = make.district()
    case, first = make.in_approval(people)

    services.decide(
        case_uid=case.uid,
        outcome="return",
        code="R-BIR",
        reason="请核对出生日期的月份",
        by=people.approver,
        at=minutes(1),
    )
    case.refresh_from_db()
    assert (case.state, grants_open(case)) == ("returned", [])
    services.take_case(case_uid=case.uid, by=people.reviewer, at=minutes(2))
    services.submit_review(case_uid=case.uid, opinion="已核对", by=people.reviewer, at=minutes(3))
    services.take_case(case_uid=case.uid, by=people.second, at=minutes(4))
    second = services.confirm(
        case_uid=case.uid, opinion="复核无误", by=people.second, at=minutes(5)
    )
    services.take_case(case_uid=case.uid, by=people.approver, at=minutes(6))
    final = services.decide(
        case_uid=case.uid, outcome="approve", reason="准予退休", by=people.approver, at=minutes(7)
    )

    assert (first.version, second.version) == (1, 2)
    assert first.sha256 != second.sha256
    assert final.evidence == second
    assert [row.outcome for row in Decision.objects.order_by("pk")] == ["return", "approve"]
    assert list(queries.check_rows()) == []


def test_the_second_reviewer_sends_a_review_back_to_its_reviewer() -> None:
    people = make.district()
    case = make.in_confirmation(people)

    services.return_to_reviewer(
        case_uid=case.uid, reason="缺少第二段工龄依据", by=people.second, at=minutes(1)
    )

    case.refresh_from_db()
    assert case.state == "returned"
    assert case.first_reviewer == people.reviewer
    assert grants_open(case) == []
    last = Step.objects.order_by("pk").last()
    assert last is not None
    assert (last.verb, last.from_state, last.to_state, last.opinion) == (
        "return_to_reviewer",
        "in_confirmation",
        "returned",
        "缺少第二段工龄依据",
    )


def test_leave_to_look_lasts_while_the_step_is_the_officers_and_no_longer() -> None:
    people = make.district()

    case = make.taken(people)
    assert grants_open(case) == [people.reviewer.username]
    grant = Grant.objects.get(case=case.uid)
    assert grant.purpose == "retirement_review"
    # Five working days after Wednesday 2026-11-25 is Wednesday 2026-12-02, to its end.
    assert case.due_on == date(2026, 12, 2)
    assert grant.closes_at.isoformat() == "2026-12-02T16:00:00+00:00"

    make.reading(people, case)
    services.submit_review(case_uid=case.uid, opinion="同意", by=people.reviewer, at=NOON)
    assert grants_open(case) == []


def test_an_officer_whose_leave_ran_out_takes_the_step_again() -> None:
    people = make.district()
    case = make.taken(people)
    late = NOON + timedelta(days=20)

    services.take_case(case_uid=case.uid, by=people.reviewer, at=late)

    assert grants_open(case) == [people.reviewer.username]
    grant = Grant.objects.get(case=case.uid, revoked_at=None)
    # Overdue: until the end of the day it is taken again.
    assert grant.closes_at.isoformat() == "2026-12-15T16:00:00+00:00"


def test_days_of_the_paper_call_during_review_are_added_to_the_step() -> None:
    people = make.district()
    case = make.taken(people)
    services.call_paper(case_uid=case.uid, reason="影像模糊", by=people.reviewer, at=NOON)
    services.hand_paper_out(case_uid=case.uid, sides=5, to="甲", by=people.archivist, at=NOON)

    services.hand_paper_back(
        case_uid=case.uid, sides=5, to="甲", by=people.archivist, at=NOON + timedelta(days=3)
    )

    case.refresh_from_db()
    assert (case.state, case.due_on) == ("in_review", date(2026, 12, 5))


def test_a_case_keeps_the_policy_it_was_opened_under() -> None:
    people = make.district()

    case = make.opened(people)

    assert case.policy_version == "beijing-2025.1"
    assert queries.policy_of(case=case).version == "beijing-2025.1"


def test_anyone_working_a_case_raises_it_and_it_stays_complex() -> None:
    people = make.district()
    case = make.in_confirmation(people)

    services.raise_route(
        case_uid=case.uid, reason="学籍卡墨色可疑", by=people.second, at=minutes(1)
    )
    services.confirm(case_uid=case.uid, opinion="复核通过", by=people.second, at=minutes(2))

    case.refresh_from_db()
    assert case.route == "complex"
    assert case.raised_by == people.second
    reasons = [reason.code for reason in queries.assessment(case=case).route.reasons]
    assert reasons == ["RAISED"]


def test_every_look_for_a_case_is_an_opening_with_the_case_on_it() -> None:
    people = make.district()

    case = make.taken(people)

    openings = Opening.objects.filter(grant__case=case.uid)
    assert openings.count() == 5
    assert {opening.by for opening in openings} == {people.reviewer}
