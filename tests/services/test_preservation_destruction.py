"""The key of a dossier is destroyed by two persons, and then nobody reads it again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import copies_factories as make
import desk_factories as desk
import pytest
from desk_factories import Office

from lantai.access import services as access
from lantai.access.models import Grant
from lantai.access.rules import Purpose
from lantai.access.services import DESTROYED
from lantai.dossiers import services as dossiers
from lantai.dossiers.models import Custody, Dossier, Page
from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import Role
from lantai.ledger import queries as ledger
from lantai.lib.refusals import Conflict, Gone, NotFound, NotPermitted, Unacceptable
from lantai.preservation import audit, destruction, services
from lantai.preservation.models import KeyDestruction
from lantai.vault import keys, packages
from lantai.vault import queries as vault
from lantai.vault import services as vault_services
from lantai.vault.models import Placement
from lantai.vault.queries import Damaged

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
GROUND = "鉴定意见〔2026〕7 号，保管期限届满"


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
    entered = desk.dossier(office=office, at=NOON)
    services.preserve(dossier_uid=entered.uid, by="archivist", at=NOON)
    return entered


def give_leave(office: Office, dossier: Dossier) -> Grant:
    return access.grant(
        user=office.reviewer,
        dossier=dossier,
        purpose=Purpose.RETIREMENT_REVIEW,
        reason="初审",
        opens_at=NOON,
        closes_at=NOON + timedelta(days=2),
        by="clerk",
        at=NOON,
    )


def ask(office: Office, dossier: Dossier, reason: str = GROUND) -> KeyDestruction:
    return destruction.ask(dossier_uid=dossier.uid, reason=reason, by=office.archivist, at=NOON)


def settle(
    asked: KeyDestruction, by: User, outcome: str = "confirmed", note: str = ""
) -> KeyDestruction:
    return destruction.settle(request=asked.uid, outcome=outcome, note=note, by=by, at=LATER)


def actions() -> list[str]:
    said = ledger.entries(stream="records").filter(action__startswith="preservation.key")
    return [entry.action for entry in said.order_by("index")]


def unchanged(home: Path, dossier: Dossier, act: Callable[[], Any], why: str, kind: type) -> None:
    before = (actions(), list(KeyDestruction.objects.values()))

    with pytest.raises(kind, match=why):
        act()

    assert (actions(), list(KeyDestruction.objects.values())) == before
    assert keys.has_key(home, dossier.uid)


def test_one_asks_another_confirms_and_the_key_and_the_images_are_gone(
    home: Path,
    office: Office,
    guard: User,
    dossier: Dossier,
    django_capture_on_commit_callbacks: Any,
) -> None:
    page = Page.objects.filter(material__dossier=dossier).first()
    assert page
    asked = ask(office, dossier)
    assert asked.images == Page.objects.filter(material__dossier=dossier).count()
    assert keys.has_key(home, dossier.uid)

    with django_capture_on_commit_callbacks(execute=True):
        settle(asked, guard)

    done = KeyDestruction.objects.get()
    assert (done.outcome, done.settled_by, done.destroyed_at) == ("confirmed", guard, LATER)
    assert keys.is_destroyed(home, dossier.uid)
    with pytest.raises(vault.Damaged):
        vault.read(page.blob.sha256)
    assert not list((home / "vault").rglob(f"{page.blob.sha256}*"))
    assert actions() == [
        "preservation.key_destruction.asked",
        "preservation.key_destruction.settled",
        "preservation.key.destroyed",
    ]
    assert list(audit.check_rows()) == []


def test_after_that_every_door_says_so(
    office: Office,
    guard: User,
    dossier: Dossier,
    django_capture_on_commit_callbacks: Any,
) -> None:
    page = Page.objects.select_related("material__dossier__person", "blob").first()
    assert page
    asked = ask(office, dossier)
    settle(asked, guard)
    give_leave(office, dossier)
    opened = access.open_page(page=page, by=office.reviewer, at=NOON, address="")
    strip = access.open_strip(dossier=dossier, by=office.reviewer, at=NOON, address="")
    with django_capture_on_commit_callbacks(execute=True):
        destruction.carry_out(request=asked.uid, at=LATER)
    by, at = office.reviewer, NOON + timedelta(minutes=1)

    for door in (
        lambda: access.open_page(page=page, by=by, at=at, address=""),
        lambda: access.open_strip(dossier=dossier, by=by, at=at, address=""),
        lambda: access.tile(token=opened.token, level=0, column=0, row=0, by=by, at=at),
        lambda: access.thumbnail(token=strip, page=page, by=by, at=at),
        lambda: access.confirm_original(page=page, by=office.archivist, at=at, address=""),
        lambda: access.master_for_evidence(page=page),
    ):
        with pytest.raises(Gone) as gone:
            door()
        assert gone.value.reasons == (DESTROYED,)


def test_a_destruction_that_was_stopped_is_carried_on(
    home: Path, office: Office, guard: User, dossier: Dossier
) -> None:
    asked = ask(office, dossier)
    settle(asked, guard)  # the process ends before what follows the commit
    assert keys.has_key(home, dossier.uid)

    assert destruction.carry_out_waiting(at=LATER) == [dossier.uid]

    assert keys.is_destroyed(home, dossier.uid)
    assert destruction.carry_out_waiting(at=LATER) == []
    destruction.carry_out(request=asked.uid, at=LATER)
    assert actions().count("preservation.key.destroyed") == 1


def shared(office: Office, dossier: Dossier) -> Page:
    """A page of a dossier that is a page of another too."""
    page = Page.objects.filter(material__dossier=dossier).first()
    assert page
    other = Dossier.objects.create(
        person=dossier.person,
        body=office.elsewhere,
        number="QH-1",
        state=dossier.state,
        paper_sides=1,
        entered_at=NOON,
        entered_by="x",
    )
    material = other.materials.create(class_code="1", sequence=1, title="履历表", page_count=1)
    Page.objects.create(
        material=material,
        number=1,
        blob=page.blob,
        width=1,
        height=1,
        scanned_by="x",
        scanned_at=NOON,
        norm="x",
    )
    return page


def test_a_destruction_that_fails_keeps_no_other_from_its_end(
    home: Path, office: Office, guard: User, dossier: Dossier
) -> None:
    other = make.small_dossier(office, order=1)
    services.preserve(dossier_uid=other.uid, by="archivist", at=NOON)
    for each in (dossier, other):
        settle(ask(office, each), guard)
    (stuck,) = (home / "keys").rglob(f"{dossier.uid}.key")
    stuck.unlink()
    stuck.mkdir()

    with pytest.raises(IsADirectoryError):
        destruction.carry_out_waiting(at=LATER)
    gone = KeyDestruction.objects.exclude(destroyed_at=None).get().dossier
    for left in stuck.parent.glob(f".{stuck.name}.*"):
        left.rmdir()

    assert gone == other
    assert destruction.carry_out_waiting(at=LATER) == [dossier.uid]


def test_a_master_that_another_dossier_has_too_stays(
    office: Office, guard: User, dossier: Dossier
) -> None:
    page = shared(office, dossier)

    asked = ask(office, dossier)
    settle(asked, guard)
    destruction.carry_out(request=asked.uid, at=LATER)

    assert vault.read(page.blob.sha256)


def test_a_master_that_only_this_package_gives_comes_back_for_the_other_dossier(
    home: Path, office: Office, guard: User, dossier: Dossier
) -> None:
    sha256 = shared(office, dossier).blob.sha256
    gone = vault_services.release(sha256s=[sha256], by="worker", at=NOON, single_copy=True)
    content = vault.read(sha256)

    asked = ask(office, dossier)
    settle(asked, guard)
    destruction.carry_out(request=asked.uid, at=LATER)
    destruction.carry_out(request=asked.uid, at=LATER)

    assert gone.released == (sha256,)
    assert not keys.has_key(home, dossier.uid)
    assert vault.read(sha256) == content
    returned = ledger.entries(stream="records").filter(action="vault.master.returned")
    assert [entry.facts["masters"] for entry in returned] == [[sha256]]
    assert list(vault.check_rows()) == []


def test_the_key_stands_while_a_master_of_another_dossier_is_read_nowhere(
    home: Path, office: Office, guard: User, dossier: Dossier
) -> None:
    sha256 = shared(office, dossier).blob.sha256
    vault_services.release(sha256s=[sha256], by="worker", at=NOON, single_copy=True)
    place = Placement.objects.get(blob__sha256=sha256)
    path = packages.store_in(home).at(place.object_id).folder / place.content_path
    path.chmod(0o600)
    path.write_bytes(b"damaged")
    asked = ask(office, dossier)
    settle(asked, guard)

    with pytest.raises(Damaged, match="另有档案使用"):
        destruction.carry_out_waiting(at=LATER)

    assert keys.has_key(home, dossier.uid)
    asked.refresh_from_db()
    assert asked.destroyed_at is None


def test_what_was_asked_for_is_taken_back_by_who_asked(
    home: Path, office: Office, guard: User, dossier: Dossier
) -> None:
    asked = ask(office, dossier)
    unchanged(
        home,
        dossier,
        lambda: destruction.withdraw(request=asked.uid, by=guard, at=LATER),
        "只有申请人本人可以撤回",
        NotPermitted,
    )

    destruction.withdraw(request=asked.uid, by=office.archivist, at=LATER)

    unchanged(home, dossier, lambda: settle(asked, guard), "已经办结", Conflict)
    assert keys.has_key(home, dossier.uid)
    assert ask(office, dossier).pk != asked.pk


def test_it_is_declined_with_a_reason(
    home: Path, office: Office, guard: User, dossier: Dossier
) -> None:
    asked = ask(office, dossier)
    unchanged(
        home,
        dossier,
        lambda: settle(asked, guard, "declined"),
        "不同意请写明理由",
        Unacceptable,
    )

    settle(asked, guard, "declined", "保管期限未满")

    assert keys.has_key(home, dossier.uid)
    assert destruction.carry_out_waiting(at=LATER) == []
    with pytest.raises(NotFound, match="没有这项已经同意的销毁申请"):
        destruction.carry_out(request=asked.uid, at=LATER)
    assert list(audit.check_rows()) == []


def test_nobody_confirms_what_he_asked_for(
    home: Path, office: Office, guard: User, dossier: Dossier
) -> None:
    asked = ask(office, dossier)
    KeyDestruction.objects.update(asked_by=guard)

    unchanged(home, dossier, lambda: settle(asked, guard), "不得审核本人提出的", NotPermitted)
    unchanged(home, dossier, lambda: settle(asked, office.archivist), "您的岗位不能", NotPermitted)


def test_who_may_not_ask_and_what_may_not_be_asked(
    home: Path, office: Office, guard: User, dossier: Dossier
) -> None:
    def asking(by: User, uid: str = dossier.uid, reason: str = GROUND) -> Callable[[], Any]:
        return lambda: destruction.ask(dossier_uid=uid, reason=reason, by=by, at=NOON)

    unchanged(home, dossier, asking(guard), "您的岗位不能", NotPermitted)
    unchanged(home, dossier, asking(office.clerk), "您的岗位不能", NotPermitted)
    unchanged(home, dossier, asking(office.archivist, "nobody"), "没有这份档案", NotFound)
    unchanged(home, dossier, asking(office.archivist, reason=" "), "请填写销毁依据", Unacceptable)
    ask(office, dossier)
    unchanged(home, dossier, asking(office.archivist), "已有待审核的销毁申请", Conflict)


def test_a_dossier_that_was_never_kept_or_is_out_is_not_destroyed(
    home: Path, office: Office, guard: User
) -> None:
    entered = desk.dossier(office=office, at=NOON)
    with pytest.raises(Conflict, match="还没有归档到保存库"):
        ask(office, entered)
    services.preserve(dossier_uid=entered.uid, by="archivist", at=NOON)
    asked = ask(office, entered)
    dossiers.hand_paper(
        dossier=entered,
        way=Custody.Way.OUT,
        purpose="核对",
        sides=entered.paper_sides,
        to="甲",
        by=office.archivist,
        at=NOON,
    )

    unchanged(home, entered, lambda: settle(asked, guard), "档案实体正在出库", Conflict)


def test_a_dossier_that_somebody_has_leave_to_read_is_not_destroyed(
    home: Path, office: Office, guard: User, dossier: Dossier
) -> None:
    asked = ask(office, dossier)
    leave = give_leave(office, dossier)
    why = "有 1 项调阅授权尚未到期"
    unchanged(home, dossier, lambda: settle(asked, guard), why, Conflict)
    destruction.withdraw(request=asked.uid, by=office.archivist, at=LATER)
    unchanged(home, dossier, lambda: ask(office, dossier), why, Conflict)

    access.revoke(grant_uid=leave.uid, reason="办结", by=office.archivist, at=LATER)

    settle(ask(office, dossier), guard)
    assert destruction.carry_out_waiting(at=LATER) == [dossier.uid]
