"""What holds for every answer: refusals, idle sessions, sealing, language and large text."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.backends.base import SessionBase
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils.timezone import now
from web_factories import PASSWORD, World, world

from lantai.access.models import RefusedAttempt
from lantai.dossiers.models import Material
from lantai.identity.rules import Role
from lantai.ledger import queries as ledger
from lantai.web.middleware import LAST_SEEN
from lantai.web.views.errors import failure

pytestmark = pytest.mark.django_db

HTMX: Final = {"HX-Request": "true"}
IDLE: Final = "lantai.web.middleware.IdleMiddleware"


@pytest.fixture
def office(noon: datetime) -> World:
    return world(at=noon)


@pytest.fixture(autouse=True)
def with_idle(settings: Any) -> None:
    if IDLE not in settings.MIDDLEWARE:
        settings.MIDDLEWARE = [
            *(name for name in settings.MIDDLEWARE if not name.endswith("RefusalMiddleware")),
            IDLE,
            "lantai.web.middleware.RefusalMiddleware",
        ]


def _seen(browser: Client, ago: timedelta) -> SessionBase:
    session = browser.session
    session[LAST_SEEN] = (now() - ago).timestamp()
    session.save()
    return session


def test_a_refusal_becomes_a_page_with_every_reason_and_a_way_back(office: World) -> None:
    browser = office.client(Role.ARCHIVIST)
    material = office.dossier.materials.first()
    assert material is not None
    form = reverse("dossier-material-edit", args=[office.dossier.uid, material.uid])

    answer = browser.post(
        form,
        {"title": " ", "formed": "昨天", "reason": ""},
        headers={"Referer": f"http://testserver{reverse('dossier', args=[office.dossier.uid])}"},
    )

    text = answer.content.decode()
    assert answer.status_code == 422
    assert "请填写材料名称" in text
    assert "请填写修改理由" in text
    assert "材料形成时间请按" in text
    assert reverse("dossier", args=[office.dossier.uid]) in text
    assert Material.objects.get(pk=material.pk).title == material.title


def test_a_part_of_a_page_gets_a_notice_instead_of_a_page(office: World) -> None:
    answer = office.client(Role.WINDOW_CLERK).get(reverse("log"), headers=HTMX)

    assert answer.status_code == 403
    assert answer["HX-Retarget"] == "#notices"
    assert answer["HX-Reswap"] == "beforeend"
    assert "<html" not in answer.content.decode()
    assert "不能查看存证日志" in answer.content.decode()


def test_a_refused_attempt_is_noted_with_who_what_and_why(office: World) -> None:
    office.client(Role.WINDOW_CLERK).get(reverse("log"))

    noted = RefusedAttempt.objects.get()
    assert noted.by == Role.WINDOW_CLERK.value
    assert noted.what == "GET log /oversight/log/"
    assert noted.reasons == "您的岗位不能查看存证日志，请由监管员、安全审计员办理"
    assert ledger.entries(action="access.attempt.refused").count() == 1


def test_what_was_searched_for_is_not_noted_with_the_attempt(office: World) -> None:
    number = office.dossier.person.id_number

    office.client(Role.SUPERVISOR).get(reverse("dossiers"), {"q": number})

    assert number not in RefusedAttempt.objects.get().what


def test_a_dossier_elsewhere_looks_like_none(office: World) -> None:
    browser = office.client(Role.ARCHIVIST)

    unknown = browser.get(reverse("dossier", args=["0" * 16]))

    assert unknown.status_code == 404
    assert "没有这份档案，或它不在您的办理范围" in unknown.content.decode()


def test_a_successful_deed_is_sealed_at_once(office: World) -> None:
    material = office.dossier.materials.first()
    assert material is not None

    office.client(Role.ARCHIVIST).post(
        reverse("dossier-material-edit", args=[office.dossier.uid, material.uid]),
        {"title": "干部履历表", "formed": "1996-05", "reason": "与原件核对"},
    )

    head = ledger.latest_head(stream="records")
    assert head is not None
    assert head.size == ledger.size_of(stream="records")


def test_an_idle_session_ends_and_says_so(office: World) -> None:
    browser = office.client(Role.ARCHIVIST)
    _seen(browser, timedelta(minutes=15, seconds=1))

    answer = browser.get(reverse("dossiers"), follow=True)

    assert answer.redirect_chain[0][0].startswith(reverse("account_login"))
    assert "已有 15 分钟未操作，为安全起见请重新登录" in answer.content.decode()
    (entry,) = ledger.entries(stream="access", action="identity.session.closed")
    assert entry.actor == Role.ARCHIVIST.value
    assert entry.facts["how"] == "idle"


def test_a_session_in_use_goes_on(office: World) -> None:
    browser = office.client(Role.ARCHIVIST)
    _seen(browser, timedelta(minutes=14))

    answer = browser.get(reverse("dossiers"))

    assert answer.status_code == 200
    assert now().timestamp() - browser.session[LAST_SEEN] < 60


def test_an_ended_session_sends_the_whole_window_to_sign_in() -> None:
    answer = Client().get(reverse("dossiers"), headers=HTMX)

    assert answer["HX-Redirect"].startswith(reverse("account_login"))
    assert "Location" not in answer


def test_large_text_is_turned_on_and_off_without_script(office: World) -> None:
    browser = office.client(Role.ARCHIVIST)

    browser.post(reverse("text-size"))
    large = browser.get(reverse("dossiers")).content.decode()
    browser.post(reverse("text-size"))
    plain = browser.get(reverse("dossiers")).content.decode()

    assert 'data-text="large"' in large
    assert 'data-text="large"' not in plain


def test_the_large_text_leads_nowhere_else() -> None:
    answer = Client().post(reverse("text-size"), headers={"Referer": "https://evil.example/"})

    assert answer["Location"] == "/"


def test_pages_speak_english_when_asked() -> None:
    browser = Client()

    browser.post(reverse("set_language"), {"language": "en", "next": reverse("account_login")})

    assert "Sign in" in browser.get(reverse("account_login")).content.decode()


def test_the_page_of_a_failure_asks_nothing_of_the_database(
    rf: RequestFactory, django_assert_num_queries: Any
) -> None:
    part = rf.get("/")
    part.htmx = True  # type: ignore[attr-defined]

    with django_assert_num_queries(0):
        whole = failure(rf.get("/"))
        notice = failure(part)

    assert (whole.status_code, notice.status_code) == (500, 500)
    assert "系统出错" in whole.content.decode()
    assert notice["HX-Retarget"] == "#notices"


def test_a_page_allows_no_script_or_style_but_ours(office: World) -> None:
    policy = office.client(Role.ARCHIVIST).get("/")["Content-Security-Policy"]

    assert "script-src 'self'" in [part.strip() for part in policy.split(";")]
    assert "unsafe" not in policy


def test_no_template_has_style_or_script_inside_it() -> None:
    folder = django_settings.PACKAGE / "web" / "templates"
    found = [
        str(path.relative_to(folder))
        for path in Path(folder).rglob("*.html")
        if any(
            mark in path.read_text()
            for mark in (" style=", "<style", "javascript:", " onclick=", "<script>")
        )
    ]

    assert found == []


def test_the_watcher_is_told_how_much_waits_for_a_signature(office: World) -> None:
    answer = Client().get(reverse("health"))

    assert answer.status_code == 200
    assert json.loads(answer.content) == {
        "status": "ok",
        "database": "ok",
        "log": "ok",
        "waiting": ledger.size_of(stream="records"),
    }


def test_a_damaged_log_stops_no_work_and_is_told_to_watcher_and_auditor(
    office: World, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    browser = office.client(Role.ARCHIVIST)
    browser.post(reverse("text-size"))
    published = settings.LANTAI_HOME / "log" / "records" / "checkpoint"
    published.write_text("lantai.example/other\n1\nAAAA\n\n— nobody AAAA\n")

    deed = browser.post(reverse("text-size"))
    watched = Client().get(reverse("health"))
    shown = office.client(Role.AUDIT_ADMIN).get(reverse("log"))

    assert deed.status_code == 302
    assert "nothing is signed any more" in caplog.text
    assert (watched.status_code, json.loads(watched.content)["log"]) == (503, "damaged")
    assert "请查明原因" in shown.content.decode()


def test_the_last_sign_in_is_shown(office: World) -> None:
    browser = Client()
    credentials = {"login": Role.ARCHIVIST.value, "password": PASSWORD}

    first = browser.post(reverse("account_login"), credentials, follow=True)
    browser.post(reverse("account_logout"))
    again = browser.post(reverse("account_login"), credentials, follow=True)

    assert "首次登录" in first.content.decode()
    assert "上次登录" in again.content.decode()
