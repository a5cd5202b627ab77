"""Signing in and out, lock-out, second factor, own password."""

import os
import re
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from web_factories import PASSWORD, World, world

from lantai.identity import sessions
from lantai.identity.rules import Role
from lantai.identity.sessions import Place, Step
from lantai.ledger import queries as ledger

pytestmark = pytest.mark.django_db

LOGIN: Final = "/accounts/login/"
NAME: Final = Role.ARCHIVIST.value


@pytest.fixture
def office(noon: datetime) -> World:
    return world(at=noon)


@pytest.fixture(autouse=True)
def forgetful() -> None:
    """Attempts counted for one test do not lock the next one out."""
    cache.clear()


def _sign_in(browser: Client, password: str = PASSWORD, **more: str) -> Any:
    return browser.post(LOGIN, {"login": NAME, "password": password, **more})


def _enrolment(browser: Client) -> Any:
    """The page that shows the secret; it asks for the password once more."""
    page = reverse("mfa_activate_totp")
    browser.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": page})
    return browser.get(page)


def _code(secret: str) -> str:
    counter = next(iter(totp.yield_hotp_counters_from_time()))
    return str(totp.format_hotp_value(totp.hotp_value(secret, counter)))


def test_the_right_password_leads_to_the_desk(office: World) -> None:
    answer = _sign_in(Client())

    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_a_person_comes_back_to_the_page_that_was_asked_for(office: World) -> None:
    browser = Client()
    asked = browser.get(reverse("dossiers"))

    page = browser.get(asked["Location"]).content.decode()
    found = re.search(r'name="next" value="([^"]+)"', page)
    assert found is not None
    answer = _sign_in(browser, next=found[1])

    assert answer["Location"] == reverse("dossiers")


def test_nobody_is_led_off_the_site(office: World) -> None:
    assert _sign_in(Client(), next="https://evil.example/")["Location"] == "/"


def test_a_wrong_password_is_refused_without_telling_which_was_wrong(office: World) -> None:
    wrong_password = _sign_in(Client(), "falsch-falsch").content.decode()
    unknown = Client().post(LOGIN, {"login": "nobody", "password": PASSWORD}).content.decode()

    sentence = "用户名或密码不正确，请核对；连续 5 次不正确将锁定 5 分钟"
    assert sentence in wrong_password
    assert sentence in unknown


def test_five_wrong_passwords_lock_the_account_for_the_right_one_too(office: World) -> None:
    for _ in range(5):
        _sign_in(Client(), "falsch-falsch")

    answer = _sign_in(Client())

    assert answer.status_code == 200
    assert "登录失败次数过多，账户已暂时锁定，请 5 分钟后再试" in answer.content.decode()


def test_a_dismissed_account_does_not_get_in(office: World) -> None:
    user = office.people[Role.ARCHIVIST]
    user.is_active = False
    user.save(update_fields=["is_active"])

    answer = Client().post(LOGIN, {"login": NAME, "password": PASSWORD}, follow=True)

    assert answer.wsgi_request.user.is_anonymous


def test_signing_out_ends_the_session(office: World) -> None:
    browser = Client()
    _sign_in(browser)

    browser.post(reverse("account_logout"))

    assert browser.get(reverse("dossiers")).status_code == 302


def test_a_link_alone_signs_nobody_out(office: World) -> None:
    browser = Client()
    _sign_in(browser)

    browser.get(reverse("account_logout"))

    assert browser.get(reverse("dossiers")).status_code == 200


def test_the_demo_names_its_accounts_and_no_other_installation_does(
    office: World, settings: Any
) -> None:
    settings.LANTAI_DEMO = False
    real = Client().get(LOGIN).content.decode()
    settings.LANTAI_DEMO = True
    demo = Client().get(LOGIN).content.decode()

    assert NAME not in real
    assert NAME in demo
    assert "演示环境" in demo


def test_a_second_factor_is_enrolled_and_asked_for(office: World) -> None:
    browser = Client()
    _sign_in(browser)
    enrol = _enrolment(browser)
    secret = enrol.context["form"].secret
    assert "data:image/svg+xml" in enrol.content.decode()

    done = browser.post(reverse("mfa_activate_totp"), {"code": _code(secret)})
    browser.post(reverse("account_logout"))
    asked = _sign_in(browser)
    half = browser.get(reverse("dossiers"))
    wrong = browser.post(reverse("mfa_authenticate"), {"code": "000000"})
    cache.clear()  # the code just used for enrolment may be used again in a test
    inside = browser.post(reverse("mfa_authenticate"), {"code": _code(secret)})

    assert done["Location"] == reverse("mfa_view_recovery_codes")
    assert asked["Location"] == reverse("mfa_authenticate")
    assert half.status_code == 302
    assert "动态口令不正确或已过期" in wrong.content.decode()
    assert inside["Location"] == "/"


def test_security_settings_ask_for_the_password_again(office: World) -> None:
    browser = Client()
    _sign_in(browser)

    answer = browser.get(reverse("mfa_activate_totp"))

    assert answer["Location"].startswith(reverse("account_reauthenticate"))


def test_recovery_codes_can_be_read_kept_and_made_anew(office: World) -> None:
    browser = Client()
    _sign_in(browser)
    secret = _enrolment(browser).context["form"].secret
    browser.post(reverse("mfa_activate_totp"), {"code": _code(secret)})

    shown = browser.get(reverse("mfa_view_recovery_codes"))
    kept = browser.get(reverse("mfa_download_recovery_codes"))
    anew = browser.post(reverse("mfa_generate_recovery_codes"))
    again = browser.get(reverse("mfa_view_recovery_codes"))

    codes = shown.context["unused_codes"]
    assert len(codes) == 10
    assert all(code in kept.content.decode() for code in codes)
    assert anew.status_code == 302
    assert not set(codes) & set(again.context["unused_codes"])


def test_a_password_is_changed_with_the_old_one_and_holds_to_the_rules(office: World) -> None:
    browser = Client()
    _sign_in(browser)
    page = reverse("account_change_password")

    short = browser.post(page, {"oldpassword": PASSWORD, "password1": "kurz", "password2": "kurz"})
    stolen = browser.post(
        page,
        {"oldpassword": "geraten", "password1": "xin-mi-ma-2027", "password2": "xin-mi-ma-2027"},
    )
    good = browser.post(
        page,
        {"oldpassword": PASSWORD, "password1": "xin-mi-ma-2027", "password2": "xin-mi-ma-2027"},
    )

    user = office.people[Role.ARCHIVIST]
    user.refresh_from_db()
    assert "invalid-feedback" in short.content.decode()
    assert "当前密码不正确" in stolen.content.decode()
    assert good.status_code == 302
    assert user.check_password("xin-mi-ma-2027")


# What the log keeps of it


def _kept() -> list[tuple[str, str, dict[str, Any]]]:
    """The comings and goings on record, the oldest first: action, actor, facts."""
    found = ledger.entries(stream="access").order_by("index")
    return [(entry.action, entry.actor, entry.facts) for entry in found]


HERE: Final = {"address": "10.3.0.7", "device": "Firefox 145"}


def _at_the_window() -> Client:
    return Client(REMOTE_ADDR="10.3.0.7", headers={"User-Agent": "Firefox 145"})


def test_signing_in_and_out_is_on_record(office: World) -> None:
    browser = _at_the_window()

    _sign_in(browser)
    browser.post(reverse("account_logout"))

    assert _kept() == [
        ("identity.session.opened", NAME, HERE),
        ("identity.session.closed", NAME, {"how": "signed-out", **HERE}),
    ]


def test_a_wrong_password_is_on_record_and_no_word_that_was_typed(office: World) -> None:
    browser = _at_the_window()

    _sign_in(browser, "falsch-falsch")
    for _ in range(2):
        browser.post(LOGIN, {"login": "mein-geheimnis", "password": "falsch-falsch"})

    known, stranger, again = _kept()
    assert known == ("identity.session.refused", NAME, {"step": "password", **HERE})
    assert stranger == again
    assert stranger[1].startswith("unknown-")
    assert not any("falsch" in str(one) or "geheimnis" in str(one) for one in _kept())
    leaves = [bytes(entry.leaf).decode() for entry in ledger.entries(stream="access")]
    assert not any("10.3.0.7" in leaf or NAME in leaf for leaf in leaves)


def test_attempts_that_the_limit_keeps_out_write_nothing_more(office: World) -> None:
    for _ in range(9):
        _sign_in(Client(), "falsch-falsch")

    assert [action for action, _, _ in _kept()] == ["identity.session.refused"] * 5


def test_a_stranger_with_many_addresses_does_not_write_without_bound(
    office: World, noon: datetime
) -> None:
    where = Place(address="10.3.0.7", device="Firefox 145")

    for second in range(sessions.REFUSED_AT_MOST + 30):
        sessions.note_refused(
            name=f"n{second}",
            step=Step.PASSWORD,
            place=where,
            at=noon + timedelta(milliseconds=second),
        )
    kept = len(_kept())
    sessions.note_refused(
        name="later", step=Step.PASSWORD, place=where, at=noon + timedelta(minutes=2)
    )

    assert kept == sessions.REFUSED_AT_MOST
    assert len(_kept()) == sessions.REFUSED_AT_MOST + 1


def test_a_second_factor_set_missed_renewed_and_removed_is_on_record(office: World) -> None:
    browser = _at_the_window()
    _sign_in(browser)
    secret = _enrolment(browser).context["form"].secret

    browser.post(reverse("mfa_activate_totp"), {"code": "000000"})
    browser.post(reverse("mfa_activate_totp"), {"code": _code(secret)})
    browser.post(reverse("mfa_generate_recovery_codes"))
    browser.post(reverse("account_logout"))
    _sign_in(browser)
    browser.post(reverse("mfa_authenticate"), {"code": "000000"})
    cache.clear()  # the code just used for enrolment may be used again in a test
    browser.post(reverse("mfa_authenticate"), {"code": _code(secret)})
    browser.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    browser.post(reverse("mfa_deactivate_totp"))

    assert [(action, facts.get("step")) for action, _, facts in _kept()] == [
        ("identity.session.opened", None),
        ("identity.factor.set", None),
        ("identity.codes.renewed", None),
        ("identity.session.closed", None),
        ("identity.session.refused", "code"),
        ("identity.session.opened", None),
        ("identity.factor.removed", None),
    ]
    assert {actor for _, actor, _ in _kept()} == {NAME}


def test_what_is_counted_against_a_limit_is_counted_for_all_processes(home: Path) -> None:
    cache.set("tries", 4)

    other = subprocess.run(
        [
            sys.executable,
            "-c",
            "import django; django.setup(); from django.core import cache; print(cache.cache.get('tries'))",
        ],
        env={**os.environ, "LANTAI_HOME": str(home), "DJANGO_SETTINGS_MODULE": "lantai.settings"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert other.stdout.strip() == "4"
