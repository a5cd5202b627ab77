"""A page of a dossier through the door: opened, shown in tiles, dark again."""

from datetime import timedelta
from typing import Any

import desk_factories as desks
import pytest
from desk_factories import Office
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from lantai.access.models import Opening, RefusedAttempt
from lantai.access.services import GONE_DARK
from lantai.cases import services as work
from lantai.cases.models import Case
from lantai.dossiers.models import Dossier
from lantai.lib.ocfl.faults import Unreachable
from lantai.web.middleware import RefusalMiddleware

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


def test_opening_a_page_is_recorded_and_tells_the_viewer_what_it_needs(
    reviewer: Client, office: Office, dossier: Dossier, case: Case
) -> None:
    page = desks.page(dossier, "小学学籍卡")

    answer = reviewer.post(reverse("page-open", args=[page.uid]))

    facts = answer.json()
    opening = Opening.objects.get(page=page)
    assert answer["Cache-Control"] == "private, no-store"
    assert (opening.by, opening.grant.case) == (office.reviewer, case.uid)
    assert (facts["width"], facts["height"], facts["levels"]) == (700, 900, 2)
    assert facts["tile_size"] == 512
    assert facts["watermark"].startswith("reviewer reviewer 20")
    assert 890 <= facts["closes_in"] <= 900
    assert facts["digest"].replace(" ", "").split("…")[0] == page.blob.sha256[:8]
    assert facts["entry"].startswith("#")
    assert facts["scan"].startswith("300 dpi · 平板扫描仪 · ")


def test_a_tile_is_given_for_the_token_of_an_opening_and_never_kept(
    reviewer: Client, dossier: Dossier, case: Case
) -> None:
    token = opened(reviewer, dossier)["token"]

    answer = tile(reviewer, token)

    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["Cache-Control"] == "private, no-store"
    assert answer.content.startswith(b"\xff\xd8")


@pytest.mark.parametrize("token", ["", "forged", "eyJvIjoxfQ:1a:b"])
def test_a_tile_without_a_true_token_is_refused_in_words(
    reviewer: Client, case: Case, token: str
) -> None:
    answer = tile(reviewer, token)

    assert answer.status_code == 403
    assert answer.json() == {"reasons": [GONE_DARK]}
    assert not Opening.objects.exists()


def test_another_persons_token_opens_nothing(
    reviewer: Client,
    office: Office,
    dossier: Dossier,
    case: Case,
) -> None:
    token = opened(reviewer, dossier)["token"]

    answer = tile(desks.signed_in(office.second), token)

    assert answer.status_code == 403
    assert answer.json() == {"reasons": [GONE_DARK]}


def test_a_tile_that_is_not_there_is_not_found(
    reviewer: Client, dossier: Dossier, case: Case
) -> None:
    token = opened(reviewer, dossier)["token"]

    answer = reviewer.get(reverse("page-tile", args=[9, 0, 0]), {"token": token})

    assert answer.status_code == 404
    assert answer.json() == {"reasons": ["没有这一块影像"]}


def test_a_tile_goes_dark_when_the_step_has_ended(
    reviewer: Client, office: Office, dossier: Dossier
) -> None:
    at = now()
    case = desks.ready_to_submit(office=office, dossier=dossier, at=at)
    token = opened(reviewer, dossier)["token"]

    work.submit_review(case_uid=case.uid, opinion="事实清楚。", by=office.reviewer, at=now())

    assert tile(reviewer, token).status_code == 403


def test_without_leave_no_page_is_opened_and_the_attempt_is_kept(
    office: Office, dossier: Dossier, case: Case
) -> None:
    page = desks.page(dossier, "小学学籍卡")

    answer = desks.signed_in(office.second).post(reverse("page-open", args=[page.uid]))

    assert answer.status_code == 403
    assert answer.json()["reasons"] == ["没有查阅这份档案的授权；请先由业务经办人按用途申请授权"]
    assert not Opening.objects.exists()
    assert RefusedAttempt.objects.get().by == "second"


def test_a_page_that_does_not_exist_is_not_found(reviewer: Client, case: Case) -> None:
    answer = reviewer.post(reverse("page-open", args=["0" * 16]))

    assert answer.status_code == 404


def test_a_page_is_opened_by_post_only(reviewer: Client, dossier: Dossier, case: Case) -> None:
    page = desks.page(dossier, "小学学籍卡")

    answer = reviewer.get(reverse("page-open", args=[page.uid]))

    assert answer.status_code == 405
    assert not Opening.objects.exists()


def test_a_stranger_is_sent_to_sign_in_and_gets_no_byte(dossier: Dossier, case: Case) -> None:
    page = desks.page(dossier, "小学学籍卡")
    addresses = [
        reverse("case-review", args=[case.uid]),
        reverse("page-thumb", args=[page.uid]),
        reverse("page-tile", args=[0, 0, 0]),
    ]

    answers = [Client().get(address) for address in addresses]
    answers.append(Client().post(reverse("page-open", args=[page.uid])))

    assert [answer.status_code for answer in answers] == [302, 302, 302, 302]
    assert all("/accounts/login/" in answer["Location"] for answer in answers)
    assert not Opening.objects.exists()


def test_the_leave_of_a_page_ends_with_its_minutes(
    reviewer: Client, dossier: Dossier, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = opened(reviewer, dossier)["token"]
    later = now() + timedelta(minutes=15)
    monkeypatch.setattr("lantai.web.views.review.now", lambda: later)

    answer = tile(reviewer, token)

    assert answer.status_code == 403
    assert answer.json() == {"reasons": [GONE_DARK]}


def test_a_store_that_does_not_answer_is_told_as_such(reviewer: Client) -> None:
    request = reviewer.get("/").wsgi_request
    away = Unreachable("存储暂时连不上，请检查网络")

    answer = RefusalMiddleware(lambda _: HttpResponse()).process_exception(request, away)

    assert answer is not None
    assert answer.status_code == 503
    said = answer.content.decode()
    assert "本次操作没有完成，已登记的内容不受影响" in said
    assert "请通知系统运维人员" in said
    assert "存储暂时连不上，请检查网络" in said
