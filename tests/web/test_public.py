"""The public check of a certificate."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now
from web_factories import World, world

from lantai.certificates import services as certificates
from lantai.certificates.models import Certificate
from lantai.identity.rules import Role
from lantai.identity.services import office_day
from lantai.web.views.public import CHECKS_A_MINUTE

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(noon: datetime) -> World:
    return world(at=noon)


@pytest.fixture(autouse=True)
def forgetful() -> None:
    cache.clear()


@pytest.fixture
def certificate(office: World) -> Certificate:
    return certificates.issue_deposit(
        dossier_uid=office.dossier.uid,
        purpose="公证",
        by=office.people[Role.WINDOW_CLERK],
        at=now(),
    )


def _check(certificate: Certificate, code: str | None = None) -> str:
    answer = Client().get(
        reverse("verify"),
        {"number": certificate.number, "code": certificate.code if code is None else code},
    )
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_good_certificate_is_told_to_be_valid_with_what_stands_on_it(
    office: World, certificate: Certificate
) -> None:
    text = _check(certificate)

    assert "证明有效" in text
    for word in ("石大川", "公证", "东亭区人才中心", certificate.digest[:32]):
        assert word in text


def test_the_id_number_stays_masked_even_for_the_holder(
    office: World, certificate: Certificate
) -> None:
    assert office.dossier.person.id_number not in _check(certificate)


def test_the_code_may_be_typed_carelessly(certificate: Certificate) -> None:
    typed = certificate.code.lower().replace("-", " ")

    assert "证明有效" in _check(certificate, typed)


@pytest.mark.parametrize("code", ["2222-2222-2222-2222", "x"])
def test_a_wrong_code_tells_nothing(certificate: Certificate, code: str) -> None:
    text = _check(certificate, code)

    assert "没有查到" in text
    assert "石大川" not in text


def test_a_number_without_its_code_asks_for_the_code(certificate: Certificate) -> None:
    text = _check(certificate, "")

    assert "没有查到" not in text
    assert certificate.number in text
    assert "石大川" not in text


def test_a_revoked_certificate_is_told_to_be_so(office: World, certificate: Certificate) -> None:
    certificates.revoke(
        number=certificate.number,
        reason="信息有误",
        by=office.people[Role.WINDOW_CLERK],
        at=now(),
    )

    assert "证明已撤销" in _check(certificate)


def test_an_old_certificate_is_told_to_be_expired(certificate: Certificate) -> None:
    certificate.valid_until = office_day(now()) - timedelta(days=1)
    certificate.save(update_fields=["valid_until"])

    assert "证明已过有效期" in _check(certificate)


def test_checking_too_often_is_asked_to_wait(certificate: Certificate) -> None:
    for _ in range(CHECKS_A_MINUTE):
        _check(certificate, "2222-2222-2222-2222")

    answer = Client().get(reverse("verify"), {"number": certificate.number, "code": "2"})

    assert answer.status_code == 429
    assert "请一分钟后再试" in answer.content.decode()


def test_the_empty_form_counts_for_nothing() -> None:
    for _ in range(CHECKS_A_MINUTE + 1):
        assert Client().get(reverse("verify")).status_code == 200


def test_the_demo_tells_how_far_it_has_loaded_until_it_is_done(settings: Any) -> None:
    settings.LANTAI_DEMO = True
    note = settings.LANTAI_HOME / "demo.json"
    note.write_text(json.dumps({"done": 3, "total": 12, "sentence": "第 3 份", "complete": False}))
    loading = Client().get(reverse("demo-progress")).content.decode()
    note.write_text(json.dumps({"done": 12, "total": 12, "sentence": "", "complete": True}))
    done = Client().get(reverse("demo-progress")).content.decode()

    assert 'value="3" max="12"' in loading
    assert done.strip() == ""


def test_no_other_installation_speaks_of_a_demo(settings: Any) -> None:
    settings.LANTAI_DEMO = False
    note = settings.LANTAI_HOME / "demo.json"
    note.write_text(json.dumps({"done": 3, "total": 12, "sentence": "第 3 份", "complete": False}))

    assert Client().get(reverse("demo-progress")).content.decode().strip() == ""
