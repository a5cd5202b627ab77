"""Secret material: opened only by leave that names it and that somebody else gave."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import desk_factories as desk
import pytest
from desk_factories import Office

from lantai.access import queries as access_queries
from lantai.access import services as access
from lantai.access.models import Grant
from lantai.access.rules import SECRET, Purpose
from lantai.dossiers import audit, queries, services
from lantai.dossiers.models import Dossier, Material, Page, Secrecy
from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import Role
from lantai.ledger import queries as ledger
from lantai.lib.refusals import Conflict, NotFound, NotPermitted, Unacceptable
from lantai.vault import files
from lantai.vault import queries as vault
from lantai.vault.keys import Ring

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
GROUND = "保密委〔2026〕3 号"


@pytest.fixture
def office() -> Office:
    return desk.office(at=NOON)


@pytest.fixture
def guard(office: Office) -> User:
    user = identity.open_account(
        username="guard", name="安全员", password="shi-guang-2026", by="ops", at=NOON
    )
    identity.give_post(user=user, body=office.centre, role=Role.SECURITY_ADMIN, by="ops", at=NOON)
    return user


@pytest.fixture
def dossier(office: Office) -> Dossier:
    return desk.dossier(office=office, at=NOON)


@pytest.fixture
def page(dossier: Dossier) -> Page:
    found = Page.objects.filter(material__title="小学学籍卡").get()
    return Page.objects.select_related("material__dossier__person", "blob").get(pk=found.pk)


def mark(page: Page, office: Office, reason: str = GROUND) -> Secrecy:
    return services.mark_secret(
        material_uid=page.material.uid, reason=reason, by=office.archivist, at=NOON
    )


def leave(
    office: Office, page: Page, materials: Iterable[Material] = (), by: str = "archivist"
) -> Grant:
    return access.grant(
        user=office.reviewer,
        dossier=page.material.dossier,
        purpose=Purpose.RETIREMENT_REVIEW,
        reason="初审",
        opens_at=NOON,
        closes_at=NOON + timedelta(days=2),
        by=by,
        at=NOON,
        materials=materials,
    )


def look(office: Office, page: Page) -> Any:
    return access.open_page(page=page, by=office.reviewer, at=NOON, address="")


def refused(act: Callable[[], Any]) -> tuple[str, ...]:
    with pytest.raises(NotPermitted) as no:
        act()
    return no.value.reasons


def test_ordinary_leave_does_not_open_secret_material(office: Office, page: Page) -> None:
    leave(office, page)
    opened = look(office, page)
    strip = access.open_strip(
        dossier=page.material.dossier, by=office.reviewer, at=NOON, address=""
    )

    mark(page, office)

    by, at = office.reviewer, NOON + timedelta(minutes=1)
    assert refused(lambda: look(office, page)) == (SECRET,)
    assert refused(lambda: access.thumbnail(token=strip, page=page, by=by, at=at)) == (SECRET,)
    assert refused(
        lambda: access.tile(token=opened.token, level=0, column=0, row=0, by=by, at=at)
    ) == (access.GONE_DARK,)
    assert (
        "没有查阅这份档案的授权"
        in refused(
            lambda: access.confirm_original(page=page, by=office.archivist, at=at, address="")
        )[0]
    )
    assert "不随证据包带出" in refused(lambda: access.master_for_evidence(page=page))[0]
    other = Page.objects.exclude(material=page.material).first()
    assert other
    assert look(office, other)


def test_leave_that_names_it_and_was_given_by_another_opens_it(office: Office, page: Page) -> None:
    mark(page, office)
    leave(office, page)
    leave(office, page, [page.material], by="reviewer")
    assert refused(lambda: look(office, page)) == (SECRET,)

    leave(office, page, [page.material])

    opened = look(office, page)
    assert access.tile(
        token=opened.token, level=0, column=0, row=0, by=office.reviewer, at=NOON
    ).content
    dossier = page.material.dossier
    seen = access_queries.secrets_seen(user=office.reviewer, dossier=dossier, at=NOON)
    assert seen == {page.material.pk}
    assert access_queries.secrets_seen(user=office.archivist, dossier=dossier, at=NOON) == set()


def test_it_is_sealed_under_a_key_of_its_own_and_found_by_no_title(
    home: Path, office: Office, guard: User, page: Page
) -> None:
    content = vault.read(page.blob.sha256)
    on = identity.office_day(NOON)
    assert queries.find(text="学籍卡", user=office.archivist, on=on)

    mark(page, office)

    assert files.ring_of(home, page.blob.sha256) is Ring.SECRET
    assert vault.read(page.blob.sha256) == content
    assert not queries.find(text="学籍卡", user=office.archivist, on=on)
    assert Page.objects.get(pk=page.pk).material.shown_title == "涉密材料（另库保存）"
    assert queries.secret_materials(dossier=page.material.dossier) == {page.material.pk}

    services.lift_secrecy(material_uid=page.material.uid, reason="解密令", by=guard, at=NOON)

    assert files.ring_of(home, page.blob.sha256) is Ring.PRESERVATION
    assert vault.read(page.blob.sha256) == content
    assert queries.find(text="学籍卡", user=office.archivist, on=on)
    assert list(audit.check_rows()) == []
    assert [entry.action for entry in ledger.entries(stream="records").order_by("-index")[:2]] == [
        "dossiers.material.secrecy_lifted",
        "dossiers.material.marked_secret",
    ]


def test_what_may_not_be_marked_or_lifted(office: Office, guard: User, page: Page) -> None:
    def unchanged(kind: type[Exception], why: str, act: Callable[[], Any]) -> None:
        before = (list(Secrecy.objects.values()), ledger.entries(stream="records").count())
        with pytest.raises(kind, match=why):
            act()
        after = (list(Secrecy.objects.values()), ledger.entries(stream="records").count())
        assert after == before

    def lift(by: User, reason: str = "解密令") -> Callable[[], Any]:
        return lambda: services.lift_secrecy(
            material_uid=page.material.uid, reason=reason, by=by, at=NOON
        )

    def marking(by: User, uid: str) -> Callable[[], Any]:
        return lambda: services.mark_secret(material_uid=uid, reason=GROUND, by=by, at=NOON)

    unchanged(Unacceptable, "请填写定密依据", lambda: mark(page, office, " "))
    unchanged(NotFound, "没有这份材料", marking(office.archivist, "nothing"))
    unchanged(NotPermitted, "您的岗位不能", marking(office.clerk, page.material.uid))
    unchanged(NotFound, "没有标为涉密材料", lift(guard))
    mark(page, office)
    unchanged(Conflict, "已标为涉密材料", lambda: mark(page, office))
    unchanged(NotPermitted, "您的岗位不能", lift(office.archivist))
    unchanged(Unacceptable, "请填写解密依据", lift(guard, " "))
    Secrecy.objects.update(marked_by="guard")
    unchanged(NotPermitted, "不得解除本人标定的密级", lift(guard))
