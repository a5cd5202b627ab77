"""The review desk as a client sees it."""

from typing import Any

import desk_factories as desks
import pytest
from desk_factories import Office
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from lantai.access.models import Opening
from lantai.cases.models import Adoption, Case, Claim, Evidence, Mark
from lantai.cases.rules.workflow import State
from lantai.dossiers.models import Dossier

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Office:
    return desks.office(at=now())


@pytest.fixture
def dossier(office: Office) -> Dossier:
    return desks.dossier(office=office, at=now())


@pytest.fixture
def case(office: Office, dossier: Dossier) -> Case:
    return desks.in_review(office=office, dossier=dossier, at=now())


@pytest.fixture
def reviewer(office: Office) -> Client:
    return desks.signed_in(office.reviewer)


def opened(client: Client, dossier: Dossier, title: str = "小学学籍卡") -> dict[str, Any]:
    answer = client.post(reverse("page-open", args=[desks.page(dossier, title).uid]))
    assert answer.status_code == 200
    facts: dict[str, Any] = answer.json()
    return facts


def tile(client: Client, token: str) -> Any:
    return client.get(reverse("page-tile", args=[0, 0, 0]), {"token": token})


# The desk


def test_the_desk_shows_every_page_and_records_the_look_at_the_strip(
    reviewer: Client, dossier: Dossier, case: Case
) -> None:
    answer = reviewer.get(reverse("case-review", args=[case.uid]))

    shown = answer.content.decode()
    strip = Opening.objects.get()
    assert answer.status_code == 200
    assert strip.page is None
    assert shown.count('class="lt-thumb"') == 5
    assert "纸质 5 页 = 影像 5 页" in shown
    assert "990101********0011"[:14] in shown
    assert dossier.person.id_number not in shown


def test_a_thumbnail_needs_the_token_of_the_strip(
    reviewer: Client, dossier: Dossier, case: Case
) -> None:
    page = desks.page(dossier, "小学学籍卡")
    address = reverse("page-thumb", args=[page.uid])
    desk = reviewer.get(reverse("case-review", args=[case.uid]))
    thumb = next(one["thumb"] for one in desk.context["pages"] if one["id"] == page.uid)

    with_token, without = reviewer.get(thumb), reviewer.get(address)

    assert with_token.status_code == 200
    assert with_token["Cache-Control"] == "private, no-store"
    assert without.status_code == 403


@pytest.mark.parametrize("who", ["second", "approver", "clerk", "operator"])
def test_the_desk_is_closed_to_whoever_did_not_take_the_step(
    office: Office, case: Case, who: str
) -> None:
    answer = desks.signed_in(office.people[who]).get(reverse("case-review", args=[case.uid]))

    assert answer.status_code in {403, 404}
    assert not Opening.objects.exists()


def test_another_districts_reviewer_is_told_of_no_case(office: Office, case: Case) -> None:
    answer = desks.signed_in(office.stranger).get(reverse("case-review", args=[case.uid]))

    assert answer.status_code == 404
    assert not Opening.objects.exists()


# Claims, marks, adoptions


def test_a_claim_is_taken_down_from_its_form(
    reviewer: Client, dossier: Dossier, case: Case
) -> None:
    opened(reviewer, dossier)
    page = desks.page(dossier, "小学学籍卡")

    answer = reviewer.post(
        reverse("case-claim", args=[case.uid]), desks.claim_form(page, lunar="on")
    )

    claim = Claim.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == reverse("case-review", args=[case.uid])
    assert (claim.page, claim.fact, claim.written) == (page, "birth", "1966年3月12日")
    assert (claim.x, claim.y, claim.w, claim.h) == (100, 120, 200, 40)
    assert (claim.since, claim.until) == ("1966-03-12", "")
    assert (claim.lunar, claim.altered, claim.copy, claim.self_made) == (True, False, False, False)


def test_a_claim_by_script_gets_the_panel_anew_with_its_marks(
    reviewer: Client, dossier: Dossier, case: Case
) -> None:
    opened(reviewer, dossier)
    page = desks.page(dossier, "小学学籍卡")

    answer = reviewer.post(
        reverse("case-claim", args=[case.uid]),
        desks.claim_form(page),
        headers={"HX-Request": "true"},
    )

    shown = answer.content.decode()
    assert answer.status_code == 200
    assert 'id="bench-panel"' in shown
    assert 'id="bench-acts" hx-swap-oob="true"' in shown
    assert answer.context["overlays"][0]["region"] == [100, 120, 200, 40]
    assert "lt:said" in answer["HX-Trigger"]


def test_a_claim_form_that_cannot_be_read_names_every_fault_and_takes_down_nothing(
    reviewer: Client, dossier: Dossier, case: Case
) -> None:
    opened(reviewer, dossier)
    page = desks.page(dossier, "小学学籍卡")
    broken = desks.claim_form(page, written="", since="去年", w=0, fact="weather")

    answer = reviewer.post(reverse("case-claim", args=[case.uid]), broken)

    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "区域宽：不能小于 1" in shown
    assert "要素：请从列表中选择" in shown
    assert "原文：请填写" in shown
    assert "时间或起始时间：请按“1978-12-03”“1978-12”或“1978”填写" in shown
    assert not Claim.objects.exists()


def test_a_claim_on_a_page_that_was_not_opened_is_refused(
    reviewer: Client, dossier: Dossier, case: Case
) -> None:
    page = desks.page(dossier, "小学学籍卡")

    answer = reviewer.post(reverse("case-claim", args=[case.uid]), desks.claim_form(page))

    assert answer.status_code == 409
    assert not Claim.objects.exists()


def test_a_claim_is_withdrawn_and_stays_on_record(
    reviewer: Client, dossier: Dossier, case: Case
) -> None:
    opened(reviewer, dossier)
    page = desks.page(dossier, "小学学籍卡")
    reviewer.post(reverse("case-claim", args=[case.uid]), desks.claim_form(page))
    claim = Claim.objects.get()

    answer = reviewer.post(reverse("case-claim-withdraw", args=[case.uid, claim.uid]))

    claim.refresh_from_db()
    assert answer.status_code == 302
    assert claim.withdrawn_by is not None
    assert claim.withdrawn_by.username == "reviewer"


def test_a_mark_is_made_and_withdrawn(reviewer: Client, dossier: Dossier, case: Case) -> None:
    opened(reviewer, dossier)
    page = desks.page(dossier, "小学学籍卡")
    place = {"page": page.uid, "x": 10, "y": 20, "w": 300, "h": 60}

    made = reviewer.post(
        reverse("case-mark", args=[case.uid]), {**place, "kind": "doubt", "note": "墨色不一"}
    )
    mark = Mark.objects.get()
    taken_back = reviewer.post(reverse("case-mark-withdraw", args=[case.uid, mark.uid]))

    mark.refresh_from_db()
    assert (made.status_code, taken_back.status_code) == (302, 302)
    assert (mark.kind, mark.note, mark.x, mark.h) == ("doubt", "墨色不一", 10, 60)
    assert mark.withdrawn_at is not None


def test_a_mark_outside_its_page_is_refused(reviewer: Client, dossier: Dossier, case: Case) -> None:
    opened(reviewer, dossier)
    page = desks.page(dossier, "小学学籍卡")
    place = {"page": page.uid, "x": 600, "y": 20, "w": 300, "h": 60}

    answer = reviewer.post(reverse("case-mark", args=[case.uid]), {**place, "kind": "key"})

    assert answer.status_code == 422
    assert "框选区域超出影像（宽 700、高 900 像素），请重新框选" in answer.content.decode()
    assert not Mark.objects.exists()


def test_a_fact_is_adopted_against_the_proposal_only_with_a_reason(
    reviewer: Client, dossier: Dossier, case: Case
) -> None:
    opened(reviewer, dossier)
    page = desks.page(dossier, "小学学籍卡")
    reviewer.post(reverse("case-claim", args=[case.uid]), desks.claim_form(page))
    address = reverse("case-adopt", args=[case.uid])
    other = {"fact": "birth", "value": "1965-03-12"}

    refused = reviewer.post(address, other)
    none_yet = Adoption.objects.count()
    adopted = reviewer.post(address, {**other, "reason": "户口更改证明在卷"})

    assert (refused.status_code, none_yet, adopted.status_code) == (422, 0, 302)
    assert "采信与系统建议不同，请填写理由" in refused.content.decode()
    assert Adoption.objects.get().value == "1965-03-12"


def test_a_case_is_raised_to_complex_with_a_reason(reviewer: Client, case: Case) -> None:
    address = reverse("case-raise", args=[case.uid])

    refused = reviewer.post(address, {"reason": " "})
    case.refresh_from_db()
    before = case.route
    raised = reviewer.post(address, {"reason": "学籍卡墨色可疑"})

    case.refresh_from_db()
    assert (refused.status_code, before, raised.status_code) == (409, "", 302)
    assert case.route == "complex"


VERBS = ("case-claim", "case-mark", "case-adopt", "case-raise", "case-submit")


@pytest.mark.parametrize("name", VERBS)
@pytest.mark.parametrize("who", ["clerk", "operator", "archivist"])
def test_the_reviewers_verbs_are_closed_to_other_posts(
    office: Office,
    dossier: Dossier,
    case: Case,
    name: str,
    who: str,
) -> None:
    page = desks.page(dossier, "小学学籍卡")
    sent = {**desks.claim_form(page), "reason": "理由", "opinion": "意见", "value": "1966-03-12"}
    sent["kind"] = "key" if name == "case-mark" else ""

    answer = desks.signed_in(office.people[who]).post(reverse(name, args=[case.uid]), sent)

    case.refresh_from_db()
    assert answer.status_code == 403
    assert not Claim.objects.exists()
    assert not Mark.objects.exists()
    assert not Adoption.objects.exists()
    assert (case.state, case.route) == (State.IN_REVIEW, "")


# The end of a step


def test_the_review_is_submitted_once_the_key_pages_were_read(
    reviewer: Client, office: Office, dossier: Dossier
) -> None:
    case = desks.ready_to_submit(office=office, dossier=dossier, at=now())

    answer = reviewer.post(reverse("case-submit", args=[case.uid]), {"opinion": "事实清楚。"})

    case.refresh_from_db()
    assert answer.status_code == 302
    assert answer["Location"] == reverse("case", args=[case.uid])
    assert case.state == State.IN_CONFIRMATION


def test_a_review_that_lacks_everything_is_told_all_of_it(reviewer: Client, case: Case) -> None:
    answer = reviewer.post(reverse("case-submit", args=[case.uid]), {"opinion": ""})

    shown = answer.content.decode()
    case.refresh_from_db()
    assert answer.status_code == 409
    assert "请填写初审意见" in shown
    assert "出生时间尚未认定" in shown
    assert "页关键材料未打开查看" in shown
    assert case.state == State.IN_REVIEW


def test_the_button_that_would_be_refused_says_why(reviewer: Client, case: Case) -> None:
    shown = reviewer.get(reverse("case-review", args=[case.uid])).content.decode()

    assert 'data-dialog="deed-submit" aria-disabled="true" title="' in shown
    assert "请填写初审意见" not in shown


def test_the_second_reviewer_sees_the_claims_and_cannot_state_any(
    office: Office, dossier: Dossier
) -> None:
    case = desks.in_confirmation(office=office, dossier=dossier, at=now())

    shown = (
        desks.signed_in(office.second).get(reverse("case-review", args=[case.uid])).content.decode()
    )

    assert "1966年3月12日" in shown
    assert reverse("case-claim", args=[case.uid]) not in shown
    assert reverse("case-confirm", args=[case.uid]) in shown
    assert reverse("case-return", args=[case.uid]) in shown


def test_confirming_freezes_the_evidence(office: Office, dossier: Dossier) -> None:
    case = desks.in_confirmation(office=office, dossier=dossier, at=now())

    answer = desks.signed_in(office.second).post(
        reverse("case-confirm", args=[case.uid]), {"opinion": "复核一致。"}
    )

    case.refresh_from_db()
    assert answer.status_code == 302
    assert case.state == State.FROZEN
    assert Evidence.objects.get().case == case


def test_a_return_to_the_reviewer_needs_a_reason(office: Office, dossier: Dossier) -> None:
    case = desks.in_confirmation(office=office, dossier=dossier, at=now())
    address = reverse("case-return", args=[case.uid])
    second = desks.signed_in(office.second)

    refused = second.post(address, {"reason": ""})
    case.refresh_from_db()
    before = case.state
    returned = second.post(address, {"reason": "请补登参加工作时间"})

    case.refresh_from_db()
    assert (refused.status_code, before) == (409, State.IN_CONFIRMATION)
    assert (returned.status_code, case.state) == (302, State.RETURNED)


def test_the_approver_sees_what_was_frozen_and_the_conclusions_open_to_them(
    office: Office, dossier: Dossier
) -> None:
    case = desks.frozen(office=office, dossier=dossier, at=now())

    shown = (
        desks.signed_in(office.approver)
        .get(reverse("case-review", args=[case.uid]))
        .content.decode()
    )

    assert Evidence.objects.get().sha256[:12] in shown
    assert "与固定时逐一核对，一致" in shown
    assert reverse("case-decide", args=[case.uid]) in shown
