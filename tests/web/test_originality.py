"""Originality of a page: confirmed with one click, told on one sheet, never kept quiet."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from ledger_factories import remove, rewrite
from web_factories import World, dossier, person, world

from lantai.access import services as door
from lantai.access.models import RefusedAttempt
from lantai.access.originals import CONFIRMED
from lantai.access.rules import Purpose
from lantai.dossiers import queries as dossiers
from lantai.dossiers.models import Page
from lantai.identity.rules import MAY, Act, Role
from lantai.ledger import queries as ledger
from lantai.ledger import services as log
from lantai.ledger.models import Disclosure, Entry
from lantai.vault.models import Blob

pytestmark = pytest.mark.django_db
AGREES = "一致"
DIFFERS = "不一致（事故）"


@pytest.fixture
def office(noon: datetime) -> World:
    return world(at=noon)


@pytest.fixture
def page(office: World) -> Page:
    return dossiers.pages_of(dossier=office.dossier)[0]


def ask(office: World, page: Page, role: Role = Role.ARCHIVIST) -> HttpResponse:
    return office.client(role).post(reverse("original-confirm"), {"page": page.uid}, follow=True)


def heading(answer: HttpResponse) -> str:
    text = answer.content.decode()
    return DIFFERS if f"<h2>{DIFFERS}</h2>" in text else AGREES if "<h2>一致</h2>" in text else ""


def recorded() -> Entry:
    found = ledger.entries(stream="access", action=CONFIRMED).first()
    assert found is not None
    return found


def master(page: Page) -> Path:
    digest = page.blob.sha256
    (found,) = [path for path in Path(settings.LANTAI_HOME).rglob(digest) if path.is_file()]
    return found


def test_one_click_tells_the_whole_origin_of_a_page(office: World, page: Page) -> None:
    log.publish(at=page.scanned_at)

    answer = ask(office, page)

    assert answer.status_code == 200
    assert heading(answer) == AGREES
    text = answer.content.decode()
    source = ledger.entries(action="dossiers.dossier.entered").first()
    assert source is not None
    for told in (
        page.blob.sha256,
        page.blob.sm3,
        "2480 × 3508",
        "300 dpi",
        "fi-7700",
        "甲scan",
        "gbt33870-2017",
        "2026-11-25 12:00:00",
        f"records/{source.index}",
        f"access/{recorded().index}",
        "职工履历表",
    ):
        assert told in text, told
    facts = recorded().facts
    assert facts["agrees"] is True
    assert facts["found_sha256"] == page.blob.sha256
    assert facts["page"] == page.uid
    assert facts["entry"] == f"records/{source.index}"
    assert recorded().subject == f"dossier:{office.dossier.uid}"
    assert recorded().actor == Role.ARCHIVIST.value


@pytest.mark.parametrize("role", list(Role))
def test_who_may_ask_is_who_sees_the_catalogue(office: World, page: Page, role: Role) -> None:
    allowed = role in MAY[Act.VIEW_CATALOGUE]

    answer = ask(office, page, role)

    assert answer.status_code == (200 if allowed else 403)
    assert RefusedAttempt.objects.exists() is not allowed
    assert ledger.entries(action=CONFIRMED).exists() is allowed


def test_leave_to_open_the_material_is_leave_to_ask(
    office: World, page: Page, noon: datetime
) -> None:
    consultant = office.people[Role.CONSULTANT]
    door.grant(
        user=consultant,
        dossier=office.dossier,
        purpose=Purpose.CONSULTATION,
        reason="函调",
        opens_at=noon,
        closes_at=noon + timedelta(days=36500),
        by="ops",
        at=noon,
        materials=[page.material],
    )
    other = dossiers.pages_of(dossier=office.dossier)[-1]

    assert ask(office, page, Role.CONSULTANT).status_code == 200
    assert ask(office, other, Role.CONSULTANT).status_code == 403


def test_nobody_asks_for_the_own_dossier_or_for_one_elsewhere(
    office: World, page: Page, noon: datetime
) -> None:
    own = person("self", office.centre, Role.ARCHIVIST, noon, person_uid=office.dossier.person.uid)
    far = dossier(office.elsewhere, name="远人", at=noon, first_17="99010119710412003")
    browser = office.client(Role.ARCHIVIST)
    browser.force_login(own)

    mine = browser.post(reverse("original-confirm"), {"page": page.uid})
    away = ask(office, dossiers.pages_of(dossier=far)[0])

    assert (mine.status_code, away.status_code) == (403, 403)
    assert not ledger.entries(action=CONFIRMED).exists()


def test_a_page_that_is_none_is_not_found(office: World) -> None:
    answer = office.client(Role.ARCHIVIST).post(reverse("original-confirm"), {"page": "x"})

    assert answer.status_code == 404


@pytest.mark.parametrize("harm", ["bit", "cut", "gone"])
def test_a_master_that_was_touched_is_an_incident(
    office: World, page: Page, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = master(page)
    path.chmod(0o644)
    content = path.read_bytes()
    if harm == "gone":
        path.parent.chmod(0o755)
        path.unlink()
    else:
        path.write_bytes(content[:-1] if harm == "cut" else bytes([content[0] ^ 1]) + content[1:])

    answer = ask(office, page)

    assert heading(answer) == DIFFERS
    assert "影像母本缺失、读不出来或与入库时不一致" in answer.content.decode()
    assert recorded().facts["agrees"] is False
    assert recorded().facts["found_sha256"] is None
    assert any(record.levelname == "CRITICAL" for record in caplog.records)


def test_a_row_that_was_pointed_at_another_master_is_an_incident(office: World, page: Page) -> None:
    other = dossiers.pages_of(dossier=office.dossier)[1]
    rewrite(Page, {"pk": page.pk}, blob=other.blob)

    answer = ask(office, page)

    assert heading(answer) == DIFFERS
    assert recorded().facts["differences"] == ["数据库登记的摘要与日志所载的不同"]


def test_a_row_that_gives_another_size_is_an_incident(office: World, page: Page) -> None:
    rewrite(Blob, {"pk": page.blob.pk}, size=page.blob.size + 1)

    answer = ask(office, page)

    assert heading(answer) == DIFFERS
    assert recorded().facts["differences"] == ["影像母本的字节数与数据库登记的不同"]


def test_a_log_rewritten_to_fit_the_row_is_an_incident(office: World, page: Page) -> None:
    other = dossiers.pages_of(dossier=office.dossier)[1]
    entry = ledger.entries(action="dossiers.dossier.entered").first()
    assert entry is not None
    rewrite(Page, {"pk": page.pk}, blob=other.blob)
    told = entry.opening.content.replace(page.blob.sha256, other.blob.sha256)
    rewrite(Disclosure, {"pk": entry.pk}, content=told)

    answer = ask(office, page)

    assert heading(answer) == DIFFERS
    assert recorded().facts["differences"] == [
        f"日志 records 第 {entry.index} 条的内容与它的承诺不符"
    ]


def test_a_page_of_which_the_log_says_nothing_is_an_incident(office: World, page: Page) -> None:
    entry = ledger.entries(action="dossiers.dossier.entered").first()
    assert entry is not None
    remove(Disclosure, pk=entry.pk)

    answer = ask(office, page)

    assert heading(answer) == DIFFERS
    assert recorded().facts["differences"] == ["日志中记载本页的内容已按规定销毁，无从比对"]
    assert recorded().facts["entry"] is None


def test_the_sheet_is_for_who_asked_and_for_who_sees_the_log(office: World, page: Page) -> None:
    ask(office, page)
    address = reverse("original", args=[recorded().index])

    codes = {role: office.client(role).get(address).status_code for role in Role}

    assert {role for role, code in codes.items() if code == 200} == {
        Role.ARCHIVIST,
        *MAY[Act.VIEW_LOG],
    }


def test_looking_at_the_sheet_again_confirms_nothing_again(office: World, page: Page) -> None:
    ask(office, page)
    address = reverse("original", args=[recorded().index])

    office.client(Role.ARCHIVIST).get(address)

    assert ledger.entries(action=CONFIRMED).count() == 1
    assert office.client(Role.ARCHIVIST).get(reverse("original-confirm")).status_code == 405


def test_the_catalogue_has_a_door_to_every_page(office: World) -> None:
    text = (
        office.client(Role.ARCHIVIST)
        .get(reverse("dossier", args=[office.dossier.uid]))
        .content.decode()
    )

    for page in dossiers.pages_of(dossier=office.dossier):
        assert f'name="page" value="{page.uid}"' in text
