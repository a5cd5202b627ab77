"""The case desk as a client sees it: list, application, the page of a case and its verbs."""

from io import BytesIO
from typing import Any
from zipfile import ZipFile

import desk_factories as desks
import pytest
from desk_factories import Office
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from lantai.cases import queries as cases
from lantai.cases import services as work
from lantai.cases.models import Case, Decision, PaperCall
from lantai.cases.rules.workflow import State
from lantai.dossiers.models import Custody, Dossier
from lantai.identity.models import User
from lantai.ledger import services as ledger

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Office:
    return desks.office(at=now())


@pytest.fixture
def dossier(office: Office) -> Dossier:
    return desks.dossier(office=office, at=now())


@pytest.fixture
def clerk(office: Office) -> Client:
    return desks.signed_in(office.clerk)


def application(dossier: Dossier, **changes: Any) -> dict[str, Any]:
    return {
        "dossier": dossier.uid,
        "group": "M60",
        "mode": "normal",
        "wished": "",
        "paid_from": "1993-05",
        "paid_months": "380",
        "phone": "",
        "cohort": "enterprise",
        **changes,
    }


# Finding and accepting


def test_the_clerk_finds_the_dossier_by_name_and_by_pinyin(clerk: Client, dossier: Dossier) -> None:
    by_name = clerk.get(reverse("case-new"), {"text": "石大川"})
    by_initials = clerk.get(reverse("case-new"), {"text": "sdc"}, headers={"HX-Request": "true"})

    assert dossier.number in by_name.content.decode()
    assert dossier.number in by_initials.content.decode()
    assert dossier.person.id_number not in by_name.content.decode()
    assert "<html" not in by_initials.content.decode()


def test_the_application_shows_the_month_the_card_leads_to(clerk: Client, dossier: Dossier) -> None:
    # M60, born 1966-03: sixty in 2026-03, fourteen months after 2025-01, so four months later.
    answer = clerk.get(reverse("case-new"), {"dossier": dossier.uid})

    shown = answer.content.decode()
    assert answer.status_code == 200
    assert "2026-07" in shown
    assert "60 岁 4 个月" in shown


def test_the_preview_follows_the_group(clerk: Client, dossier: Dossier) -> None:
    # F50, born 1966-03: fifty in 2016, before the delay begins.
    answer = clerk.get(reverse("case-preview"), {"dossier": dossier.uid, "group": "F50"})

    assert "2016-03" in answer.content.decode()


def test_an_application_is_accepted_and_numbered(clerk: Client, dossier: Dossier) -> None:
    answer = clerk.post(reverse("case-open"), application(dossier))

    case = Case.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == reverse("case", args=[case.uid])
    assert case.number == f"TX-{now().year}-000001"
    assert (case.state, case.group, case.paid_months) == (State.ACCEPTED, "M60", 380)


def test_an_application_with_faults_is_told_all_of_them(clerk: Client, dossier: Dossier) -> None:
    broken = application(dossier, group="X", paid_from="May", paid_months="-1")

    answer = clerk.post(reverse("case-open"), broken)

    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "人员类别：请从列表中选择" in shown
    assert "实际缴费起始年月：请按“2027-03”填写年月" in shown
    assert "实际缴费月数：不能小于 0" in shown
    assert not Case.objects.exists()


def test_a_second_case_for_the_dossier_is_refused(
    clerk: Client, office: Office, dossier: Dossier
) -> None:
    first = desks.accepted(office=office, dossier=dossier, at=now())

    answer = clerk.post(reverse("case-open"), application(dossier))

    assert answer.status_code == 409
    assert f"这份档案已有在办业务 {first.number}" in answer.content.decode()
    assert Case.objects.count() == 1


@pytest.mark.parametrize("who", ["reviewer", "archivist", "operator"])
def test_only_the_clerk_accepts_applications(office: Office, dossier: Dossier, who: str) -> None:
    client = desks.signed_in(office.people[who])

    answers = [
        client.get(reverse("case-new")),
        client.post(reverse("case-open"), application(dossier)),
    ]

    assert answers[0].status_code == 403
    assert answers[1].status_code in {403, 404}
    assert not Case.objects.exists()


# The list


def test_the_list_is_filtered_by_state_name_and_own_work(office: Office, dossier: Dossier) -> None:
    case = desks.accepted(office=office, dossier=dossier, at=now())
    address = reverse("cases")

    def shows(who: User, **chosen: str) -> bool:
        return case.number in desks.signed_in(who).get(address, chosen).content.decode()

    assert shows(office.reviewer)
    assert shows(office.clerk, mine="1")
    assert shows(office.reviewer, text="石大")
    assert shows(office.reviewer, state="accepted")
    assert not shows(office.reviewer, mine="1")
    assert not shows(office.reviewer, state="filed")
    assert not shows(office.reviewer, overdue="1")
    assert not shows(office.stranger)


def test_a_part_of_the_list_is_sent_to_a_script(office: Office, clerk: Client) -> None:
    answer = clerk.get(reverse("cases"), headers={"HX-Request": "true"})

    assert "没有符合条件的业务" in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_whoever_has_no_part_in_cases_is_told_so(office: Office) -> None:
    answer = desks.signed_in(office.operator).get(reverse("cases"))

    assert answer.status_code == 403
    assert "您的岗位不办理退休业务" in answer.content.decode()


def test_a_stranger_is_sent_to_sign_in(office: Office, dossier: Dossier) -> None:
    case = desks.accepted(office=office, dossier=dossier, at=now())
    names = ("case", "case-take", "case-decide", "case-file", "evidence-bundle", "decision-pdf")

    answers = [Client().post(reverse(name, args=[case.uid])) for name in names]

    assert {answer.status_code for answer in answers} == {302}
    assert all("/accounts/login/" in answer["Location"] for answer in answers)


# The page of a case


def test_the_case_page_offers_the_step_to_whose_post_it_is(
    office: Office, dossier: Dossier
) -> None:
    case = desks.accepted(office=office, dossier=dossier, at=now())
    address = reverse("case", args=[case.uid])
    taking = reverse("case-take", args=[case.uid])

    assert taking in desks.signed_in(office.reviewer).get(address).content.decode()
    assert taking not in desks.signed_in(office.clerk).get(address).content.decode()
    assert taking not in desks.signed_in(office.second).get(address).content.decode()


def test_taking_the_step_leads_to_the_desk(office: Office, dossier: Dossier) -> None:
    case = desks.accepted(office=office, dossier=dossier, at=now())

    answer = desks.signed_in(office.reviewer).post(reverse("case-take", args=[case.uid]))

    case.refresh_from_db()
    assert answer.status_code == 302
    assert answer["Location"] == reverse("case-review", args=[case.uid])
    assert case.first_reviewer == office.reviewer


def test_whoever_accepted_a_case_may_not_review_it(office: Office, dossier: Dossier) -> None:
    case = desks.accepted(office=office, dossier=dossier, at=now())

    answer = desks.signed_in(office.clerk).post(reverse("case-take", args=[case.uid]))

    case.refresh_from_db()
    assert answer.status_code == 403
    assert case.first_reviewer is None


# The paper


def test_the_paper_is_called_handed_out_seen_and_handed_back(
    office: Office, dossier: Dossier
) -> None:
    case = desks.frozen(office=office, dossier=dossier, at=now())
    approver, archivist = desks.signed_in(office.approver), desks.signed_in(office.archivist)

    answers = [
        approver.post(
            reverse("case-call-paper", args=[case.uid]), {"reason": "核对学籍卡出生月份墨迹"}
        ),
        archivist.post(reverse("case-paper-out", args=[case.uid]), {"sides": 5, "to": "approver"}),
        approver.post(reverse("case-paper-seen", args=[case.uid]), {"findings": "与影像一致"}),
        archivist.post(reverse("case-paper-back", args=[case.uid]), {"sides": 5, "to": "approver"}),
    ]

    call = PaperCall.objects.get()
    assert [answer.status_code for answer in answers] == [302, 302, 302, 302]
    assert (call.out_sides, call.findings, call.back_sides) == (5, "与影像一致", 5)
    assert Custody.objects.count() == 2


def test_paper_that_was_miscounted_does_not_leave_the_store(
    office: Office, dossier: Dossier
) -> None:
    case = desks.frozen(office=office, dossier=dossier, at=now())
    work.call_paper(case_uid=case.uid, reason="核对墨迹", by=office.approver, at=now())
    archivist = desks.signed_in(office.archivist)

    answer = archivist.post(
        reverse("case-paper-out", args=[case.uid]), {"sides": 4, "to": "approver"}
    )

    assert answer.status_code == 409
    assert "清点 4 页，登记 5 页，页数不符" in answer.content.decode()
    assert not Custody.objects.exists()
    assert PaperCall.objects.get().out_at is None


def test_only_the_archivist_hands_paper(office: Office, dossier: Dossier) -> None:
    case = desks.frozen(office=office, dossier=dossier, at=now())
    work.call_paper(case_uid=case.uid, reason="核对墨迹", by=office.approver, at=now())
    address = reverse("case-paper-out", args=[case.uid])

    answer = desks.signed_in(office.approver).post(address, {"sides": 5, "to": "approver"})

    assert answer.status_code == 403
    assert not Custody.objects.exists()


# The decision


def test_the_approver_approves_on_the_frozen_evidence(office: Office, dossier: Dossier) -> None:
    case = desks.frozen(office=office, dossier=dossier, at=now())

    answer = desks.signed_in(office.approver).post(
        reverse("case-decide", args=[case.uid]), {"outcome": "approve", "reason": "准予退休。"}
    )

    case.refresh_from_db()
    assert answer.status_code == 302
    assert case.state == State.APPROVED
    assert Decision.objects.get().outcome == "approve"


def test_a_return_needs_its_code_and_a_reason(office: Office, dossier: Dossier) -> None:
    case = desks.frozen(office=office, dossier=dossier, at=now())
    address = reverse("case-decide", args=[case.uid])
    approver = desks.signed_in(office.approver)

    refused = approver.post(address, {"outcome": "return", "reason": "出生存疑"})
    before = Decision.objects.count()
    returned = approver.post(address, {"outcome": "return", "code": "R-BIR", "reason": "出生存疑"})

    case.refresh_from_db()
    assert (refused.status_code, before) == (422, 0)
    assert (returned.status_code, case.state) == (302, State.RETURNED)
    assert Decision.objects.get().code == "R-BIR"


def test_a_decision_without_words_is_refused(office: Office, dossier: Dossier) -> None:
    case = desks.frozen(office=office, dossier=dossier, at=now())

    answer = desks.signed_in(office.approver).post(
        reverse("case-decide", args=[case.uid]), {"outcome": "approve", "reason": " "}
    )

    case.refresh_from_db()
    assert answer.status_code == 409
    assert "请填写审批意见" in answer.content.decode()
    assert case.state == State.FROZEN
    assert not Decision.objects.exists()


@pytest.mark.parametrize("who", ["reviewer", "second", "clerk", "archivist"])
def test_nobody_but_the_approver_decides(office: Office, dossier: Dossier, who: str) -> None:
    case = desks.frozen(office=office, dossier=dossier, at=now())

    answer = desks.signed_in(office.people[who]).post(
        reverse("case-decide", args=[case.uid]), {"outcome": "approve", "reason": "准予"}
    )

    assert answer.status_code == 403
    assert not Decision.objects.exists()


# What comes of it


def test_the_decided_case_is_filed_into_the_dossier(office: Office, dossier: Dossier) -> None:
    case = desks.approved(office=office, dossier=dossier, at=now())

    answer = desks.signed_in(office.archivist).post(reverse("case-file", args=[case.uid]))

    case.refresh_from_db()
    dossier.refresh_from_db()
    assert answer.status_code == 302
    assert case.state == State.FILED
    assert dossier.materials.count() == 5
    assert dossier.state == "retired"


def test_an_undecided_case_is_not_filed(office: Office, dossier: Dossier) -> None:
    case = desks.frozen(office=office, dossier=dossier, at=now())

    answer = desks.signed_in(office.archivist).post(reverse("case-file", args=[case.uid]))

    assert answer.status_code == 409
    assert dossier.materials.count() == 4


def test_the_approval_form_is_a_pdf_once_decided(office: Office, dossier: Dossier) -> None:
    case = desks.frozen(office=office, dossier=dossier, at=now())
    address = reverse("decision-pdf", args=[case.uid])
    clerk = desks.signed_in(office.clerk)

    before = clerk.get(address)
    work.decide(case_uid=case.uid, outcome="approve", reason="准予。", by=office.approver, at=now())
    after = clerk.get(address)

    assert before.status_code == 409
    assert after.status_code == 200
    assert after["Content-Type"] == "application/pdf"
    assert after.content.startswith(b"%PDF-")


@pytest.mark.parametrize("who", ["approver", "archivist"])
def test_the_evidence_goes_out_as_one_file_with_every_image_after_the_decision_too(
    office: Office, dossier: Dossier, who: str
) -> None:
    case = desks.approved(office=office, dossier=dossier, at=now())
    ledger.publish(at=now())
    client = desks.signed_in(office.people[who])

    answer = client.post(reverse("evidence-bundle", args=[case.uid]), {"reason": "答复信访"})

    names = ZipFile(BytesIO(answer.content)).namelist()
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"] == f'attachment; filename="{case.number}-evidence.zip"'
    assert len([name for name in names if name.endswith(".jpg")]) == 5
    assert "答复信访" in client.get(reverse("case", args=[case.uid])).content.decode()


def test_the_form_of_the_export_stands_on_the_case_page_for_those_who_may(
    office: Office, dossier: Dossier
) -> None:
    case = desks.frozen(office=office, dossier=dossier, at=now())
    page, form = reverse("case", args=[case.uid]), reverse("evidence-bundle", args=[case.uid])

    assert form in desks.signed_in(office.archivist).get(page).content.decode()
    assert form not in desks.signed_in(office.clerk).get(page).content.decode()


def test_there_is_no_evidence_before_it_is_frozen(office: Office, dossier: Dossier) -> None:
    case = desks.in_review(office=office, dossier=dossier, at=now())
    address = reverse("evidence-bundle", args=[case.uid])

    answer = desks.signed_in(office.archivist).post(address, {"reason": "答复信访"})

    assert answer.status_code == 409
    assert "尚未固定影像证据" in answer.content.decode()


@pytest.mark.parametrize("who", ["clerk", "reviewer", "second", "stranger"])
def test_the_evidence_goes_to_nobody_whose_post_may_not(
    office: Office, dossier: Dossier, who: str
) -> None:
    case = desks.frozen(office=office, dossier=dossier, at=now())
    ledger.publish(at=now())
    address = reverse("evidence-bundle", args=[case.uid])

    answer = desks.signed_in(office.people[who]).post(address, {"reason": "答复信访"})

    assert answer.status_code == 403
    assert cases.exports_of(case=case) == []


# A case that stops


def test_a_case_is_suspended_resumed_and_withdrawn_from_its_page(
    office: Office, dossier: Dossier
) -> None:
    case = desks.in_review(office=office, dossier=dossier, at=now())
    page = reverse("case", args=[case.uid])
    suspend, resume, withdraw = (
        reverse(f"case-{name}", args=[case.uid]) for name in ("suspend", "resume", "withdraw")
    )
    reviewer, clerk = desks.signed_in(office.reviewer), desks.signed_in(office.clerk)

    offered = reviewer.get(page).content.decode()
    reviewer.post(suspend, {"reason": "争议"})
    stopped = reviewer.get(page).content.decode()
    reviewer.post(resume, {"reason": "已了结"})
    window = clerk.get(page).content.decode()
    clerk.post(withdraw, {"reason": "不再申请"})
    ended = clerk.get(page).content.decode()

    case.refresh_from_db()
    assert suspend in offered
    assert withdraw not in offered
    assert "已中止" in stopped
    assert resume in stopped
    assert withdraw in window
    assert "已撤回" in ended
    assert withdraw not in ended
    assert case.closed_at is not None


def test_a_case_is_not_stopped_by_others_or_without_a_reason(
    office: Office, dossier: Dossier
) -> None:
    case = desks.in_review(office=office, dossier=dossier, at=now())

    foreign = desks.signed_in(office.stranger).post(
        reverse("case-suspend", args=[case.uid]), {"reason": "x"}
    )
    silent = desks.signed_in(office.clerk).post(
        reverse("case-withdraw", args=[case.uid]), {"reason": " "}
    )

    case.refresh_from_db()
    assert foreign.status_code == 403
    assert silent.status_code == 409
    assert "请写明申请人撤回的理由" in silent.content.decode()
    assert case.state == State.IN_REVIEW
