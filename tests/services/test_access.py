"""The door: nothing is seen without leave, and nothing without a record made before."""

from datetime import timedelta
from pathlib import Path

import imaging_factories as factories
import pytest
from imaging_factories import NOON, Shop, id_number

from lantai.access import queries, services
from lantai.access.models import Grant, Opening, RefusedAttempt
from lantai.access.rules import OPENING_LASTS, STRIP_LASTS, Leave, Purpose, objections_to_opening
from lantai.dossiers import queries as dossiers
from lantai.dossiers import services as dossier_services
from lantai.dossiers.models import Dossier, Page
from lantai.dossiers.services import NewMaterial, NewPage, NewPerson
from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import Role
from lantai.ledger import queries as ledger
from lantai.lib.refusals import Conflict, NotFound, NotPermitted, Unacceptable
from lantai.vault import files
from lantai.vault import queries as vault
from lantai.vault import services as store

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def shop() -> Shop:
    return factories.shop()


@pytest.fixture
def reviewer(shop: Shop) -> User:
    return factories.officer(Role.FIRST_REVIEWER, body=shop.body, username="reviewer")


@pytest.fixture
def dossier(shop: Shop) -> Dossier:
    """A dossier of two materials of one page each, whose derivatives have to be made yet."""

    def material(class_code: str, serial: int) -> NewMaterial:
        content = factories.page(serial)
        return NewMaterial(
            class_code=class_code,
            sequence=1,
            title="登记表",
            formed=None,
            formed_text="",
            remark="",
            pages=[
                NewPage(
                    blob=store.store(content=content, media_type="image/jpeg", by="t", at=NOON),
                    width=2480,
                    height=3508,
                    dpi=300,
                    scanned_by="scanner",
                    scanned_at=NOON,
                    device="",
                    norm="gbt33870-2017/1",
                    batch="",
                )
            ],
        )

    return dossier_services.enter_dossier(
        person=NewPerson(name="陈大文", sex="1", ethnic="", id_number=id_number(1)),
        body=shop.body,
        employer="",
        paper_sides=2,
        materials=[material("1", 1), material("9-2", 2)],
        by="inspector",
        at=NOON,
    )


@pytest.fixture
def page(dossier: Dossier) -> Page:
    return dossiers.pages_of(dossier=dossier)[0]


def give(user: User, dossier: Dossier, *, materials: tuple[object, ...] = ()) -> Grant:
    return services.grant(
        user=user,
        dossier=dossier,
        purpose=Purpose.RETIREMENT_REVIEW,
        reason="退休初审",
        opens_at=NOON,
        closes_at=NOON + HOUR,
        by="clerk",
        at=NOON,
        case="c1",
        materials=materials,  # type: ignore[arg-type]
    )


def look(page: Page, by: User, minutes: float = 0) -> services.OpenPage:
    at = NOON + timedelta(minutes=minutes)
    return services.open_page(page=page, by=by, at=at, address="10.0.0.8")


def test_a_page_is_opened_with_leave_and_the_look_is_recorded(
    reviewer: User, dossier: Dossier, page: Page
) -> None:
    leave = give(reviewer, dossier)

    opened = look(page, reviewer, 5)
    shown = services.tile(
        token=opened.token, level=0, column=0, row=0, by=reviewer, at=NOON + timedelta(minutes=6)
    )

    assert (opened.width, opened.height) == (2480, 3508)
    assert opened.watermark == "测试reviewer reviewer 2026-11-25 12:05"
    assert shown.content.startswith(b"\xff\xd8\xff")
    opening = Opening.objects.get()
    assert (opening.grant, opening.page, opening.by) == (leave, page, reviewer)
    assert opening.address == "10.0.0.8"
    entry = ledger.entries(stream="access").get()
    assert entry.action == "access.page.opened"
    assert entry.facts == {
        "opening": opening.uid,
        "grant": leave.uid,
        "case": "c1",
        "purpose": "退休初审",
        "page": page.uid,
        "sha256": page.blob.sha256,
        "address": "10.0.0.8",
    }


def refused(page: Page, by: User, minutes: float = 0) -> tuple[str, ...]:
    with pytest.raises(NotPermitted) as no:
        look(page, by, minutes)
    assert not Opening.objects.exists()
    assert not ledger.entries(stream="access").exists()
    return no.value.reasons


def test_without_leave_nothing_is_opened(reviewer: User, page: Page) -> None:
    assert refused(page, reviewer) == ("没有查阅这份档案的授权；请先由业务经办人按用途申请授权",)


def test_leave_that_is_over_or_not_yet_begun_opens_nothing(
    reviewer: User, dossier: Dossier, page: Page
) -> None:
    give(reviewer, dossier)

    assert refused(page, reviewer, 60) == ("授权已于 2026-11-25 13:00 到期，请重新申请授权",)
    assert refused(page, reviewer, -1) == ("授权从 2026-11-25 12:00 起才有效，请届时再查阅",)


def test_leave_that_was_taken_back_opens_nothing(
    shop: Shop, reviewer: User, dossier: Dossier, page: Page
) -> None:
    leave = give(reviewer, dossier)

    services.revoke(grant_uid=leave.uid, reason="业务撤回", by=shop.archivist, at=NOON)

    assert refused(page, reviewer) == ("授权已经收回；如仍需查阅，请重新申请授权",)


def test_leave_for_one_material_opens_no_other(
    reviewer: User, dossier: Dossier, page: Page
) -> None:
    other = dossiers.pages_of(dossier=dossier)[1]
    give(reviewer, dossier, materials=(other.material,))

    assert refused(page, reviewer) == ("授权范围不包括这份材料；如确需查阅，请申请扩大范围",)
    assert look(other, reviewer).page == other


def test_the_leave_of_one_person_is_no_use_to_another(
    shop: Shop, reviewer: User, dossier: Dossier, page: Page
) -> None:
    colleague = factories.officer(Role.FIRST_REVIEWER, body=shop.body, username="colleague")
    give(colleague, dossier)

    assert refused(page, reviewer) == ("没有查阅这份档案的授权；请先由业务经办人按用途申请授权",)


def test_nobody_opens_the_own_dossier_nor_gets_leave_for_it(
    shop: Shop, reviewer: User, dossier: Dossier, page: Page
) -> None:
    give(reviewer, dossier)
    User.objects.filter(pk=reviewer.pk).update(person_uid=dossier.person.uid)
    reviewer.refresh_from_db()

    assert refused(page, reviewer) == ("不得查阅本人档案；如需证明，请到窗口申请出具",)
    with pytest.raises(NotPermitted) as own:
        give(reviewer, dossier)
    assert own.value.reasons == ("不得授权本人查阅本人档案",)
    assert Grant.objects.count() == 1


@pytest.mark.parametrize(
    "role",
    [
        Role.WINDOW_CLERK,
        Role.SCAN_OPERATOR,
        Role.QUALITY_INSPECTOR,
        Role.SUPERVISOR,
        Role.SUBJECT,
        Role.SYSTEM_ADMIN,
        Role.SECURITY_ADMIN,
        Role.AUDIT_ADMIN,
    ],
)
def test_a_post_that_opens_no_pages_opens_none_even_with_leave(
    shop: Shop, dossier: Dossier, page: Page, role: Role
) -> None:
    person = factories.officer(role, body=shop.body, username="person")
    give(person, dossier)

    assert "不能调阅档案影像" in refused(page, person)[0]


def test_an_opened_page_goes_dark_in_time_and_with_its_leave(
    shop: Shop, reviewer: User, dossier: Dossier, page: Page
) -> None:
    leave = give(reviewer, dossier)
    opened = look(page, reviewer)

    def tile(minutes: float, by: User = reviewer) -> None:
        at = NOON + timedelta(minutes=minutes)
        services.tile(token=opened.token, level=0, column=0, row=0, by=by, at=at)

    tile(14.9)
    with pytest.raises(NotPermitted) as over:
        tile(OPENING_LASTS.total_seconds() / 60)
    with pytest.raises(NotPermitted):
        tile(1, by=shop.archivist)
    services.revoke(grant_uid=leave.uid, reason="x", by=shop.archivist, at=NOON)
    with pytest.raises(NotPermitted):
        tile(1)

    assert over.value.reasons == (services.GONE_DARK,)


def test_a_forged_token_and_a_tile_that_is_not_there_show_nothing(
    reviewer: User, dossier: Dossier, page: Page
) -> None:
    give(reviewer, dossier)
    opened = look(page, reviewer)

    with pytest.raises(NotPermitted):
        services.tile(token=opened.token + "x", level=0, column=0, row=0, by=reviewer, at=NOON)
    with pytest.raises(NotFound):
        services.tile(token=opened.token, level=0, column=99, row=0, by=reviewer, at=NOON)
    with pytest.raises(NotFound):
        services.tile(token=opened.token, level=9, column=0, row=0, by=reviewer, at=NOON)


def test_the_strip_shows_the_thumbnails_of_its_dossier_for_a_while(
    shop: Shop, reviewer: User, dossier: Dossier, page: Page
) -> None:
    give(reviewer, dossier)
    token = services.open_strip(dossier=dossier, by=reviewer, at=NOON, address="")

    shown = services.thumbnail(token=token, page=page, by=reviewer, at=NOON)
    with pytest.raises(NotPermitted):
        services.thumbnail(token=token, page=page, by=reviewer, at=NOON + STRIP_LASTS)
    with pytest.raises(NotPermitted):
        services.tile(token=token, level=0, column=0, row=0, by=reviewer, at=NOON)

    assert shown.media_type == "image/jpeg"
    assert shown.content.startswith(b"\xff\xd8\xff")
    assert Opening.objects.get().page is None
    assert ledger.entries(stream="access").get().action == "access.strip.opened"


def test_the_strip_of_a_grant_for_one_material_shows_no_other(
    reviewer: User, dossier: Dossier, page: Page
) -> None:
    other = dossiers.pages_of(dossier=dossier)[1]
    give(reviewer, dossier, materials=(other.material,))
    token = services.open_strip(dossier=dossier, by=reviewer, at=NOON, address="")

    with pytest.raises(NotPermitted):
        services.thumbnail(token=token, page=page, by=reviewer, at=NOON)

    assert services.thumbnail(token=token, page=other, by=reviewer, at=NOON).content


def test_a_lost_or_torn_tile_pack_is_made_again_and_a_damaged_master_is_an_incident(
    reviewer: User, dossier: Dossier, page: Page, home: Path
) -> None:
    give(reviewer, dossier)
    look(page, reviewer)
    path = files.derivative_path(home, page.blob.sha256, "tiles.pack")
    pack = vault.derivative(page.blob.sha256, "tiles.pack")
    assert pack is not None
    whole = pack.whole()
    path.write_bytes(path.read_bytes()[:1000])

    look(page, reviewer)
    again = pack.whole()
    path.unlink()
    master = files.master_path(home, page.blob.sha256)
    master.chmod(0o600)
    master.write_bytes(b"harmed")
    with pytest.raises(vault.Damaged):
        look(page, reviewer)

    assert again == whole
    assert Opening.objects.count() == 2


def test_a_tile_and_a_thumbnail_that_were_torn_later_are_shown_all_the_same(
    reviewer: User, dossier: Dossier, page: Page, home: Path
) -> None:
    give(reviewer, dossier)
    token = look(page, reviewer).token
    whole = [shown(token, reviewer), small(dossier, page, reviewer)]
    for kind in files.DERIVATIVES:
        path = files.derivative_path(home, page.blob.sha256, kind)
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)

    again = [shown(token, reviewer), small(dossier, page, reviewer)]

    assert again == whole
    assert [content[:3] for content in again] == [b"\xff\xd8\xff"] * 2
    for kind in files.DERIVATIVES:
        kept = vault.derivative(page.blob.sha256, kind)
        assert kept is not None
        assert kept.whole()


def shown(token: str, reviewer: User) -> bytes:
    """The first tile of the smallest size, which lies at the end of the pack."""
    opening = Opening.objects.filter(page__isnull=False).order_by("-pk").first()
    assert opening is not None
    assert opening.page is not None
    last = services.tile_pack(sha256=opening.page.blob.sha256).levels - 1
    return services.tile(token=token, level=last, column=0, row=0, by=reviewer, at=NOON).content


def small(dossier: Dossier, page: Page, reviewer: User) -> bytes:
    token = services.open_strip(dossier=dossier, by=reviewer, at=NOON, address="10.0.0.1")
    return services.thumbnail(token=token, page=page, by=reviewer, at=NOON).content


def test_a_refused_attempt_is_kept_with_every_reason() -> None:
    services.note_refused(
        by="someone", what="POST page-open /pages/x/", reasons=("一", "二"), at=NOON
    )

    attempt = RefusedAttempt.objects.get()
    assert (attempt.by, attempt.reasons) == ("someone", "一\n二")
    assert queries.latest_refusals().get() == attempt
    entry = ledger.entries(stream="access").get()
    assert entry.facts == {"what": "POST page-open /pages/x/", "reasons": ["一", "二"]}


def test_leave_that_ends_before_it_begins_or_is_over_is_not_given(
    reviewer: User, dossier: Dossier
) -> None:
    for opens, closes in ((NOON, NOON), (NOON - HOUR, NOON)):
        with pytest.raises(Unacceptable):
            services.grant(
                user=reviewer,
                dossier=dossier,
                purpose=Purpose.CONSULTATION,
                reason="x",
                opens_at=opens,
                closes_at=closes,
                by="clerk",
                at=NOON,
            )

    assert not Grant.objects.exists()


def test_leave_is_taken_back_once_and_by_those_whose_post_it_is(
    shop: Shop, reviewer: User, dossier: Dossier
) -> None:
    leave = give(reviewer, dossier)

    with pytest.raises(NotPermitted):
        services.revoke(grant_uid=leave.uid, reason="x", by=reviewer, at=NOON)
    services.revoke(grant_uid=leave.uid, reason="x", by=shop.archivist, at=NOON)
    with pytest.raises(Conflict):
        services.revoke(grant_uid=leave.uid, reason="x", by=shop.archivist, at=NOON)
    with pytest.raises(NotFound):
        services.revoke(grant_uid="0" * 16, reason="x", by=shop.archivist, at=NOON)

    assert ledger.entries(action="access.grant.revoked").count() == 1


def test_the_leave_of_a_case_ends_with_it_and_no_other(
    reviewer: User, shop: Shop, dossier: Dossier
) -> None:
    give(reviewer, dossier)
    kept = services.grant(
        user=shop.archivist,
        dossier=dossier,
        purpose=Purpose.CATALOGUING,
        reason="整理",
        opens_at=NOON,
        closes_at=NOON + HOUR,
        by="clerk",
        at=NOON,
    )

    services.close_for_case(case="c1", reason="办结", by="archivist", at=NOON)
    services.close_for_case(case="c1", reason="办结", by="archivist", at=NOON)

    assert list(queries.grants_in_force(at=NOON)) == [kept]
    assert not queries.grants_of(user=reviewer, at=NOON).exists()


def test_leave_for_consultation_is_given_by_the_archivist_for_named_material(
    shop: Shop, dossier: Dossier, page: Page
) -> None:
    visitor = factories.officer(Role.CONSULTANT, body=shop.body, username="visitor")

    leave = services.give_leave(
        user=visitor,
        dossier=dossier,
        purpose=Purpose.CONSULTATION,
        reason="公证处查阅",
        opens_at=NOON,
        closes_at=NOON + HOUR,
        materials=[page.material],
        by=shop.archivist,
        at=NOON,
    )

    assert leave.given_by == "pc-archivist"
    assert look(page, visitor).page == page


def test_nobody_gives_leave_to_himself_without_a_post_or_without_a_reason(
    shop: Shop, reviewer: User, dossier: Dossier
) -> None:
    def leave(user: User, by: User, reason: str = "查阅") -> None:
        services.give_leave(
            user=user,
            dossier=dossier,
            purpose=Purpose.CONSULTATION,
            reason=reason,
            opens_at=NOON,
            closes_at=NOON + HOUR,
            materials=(),
            by=by,
            at=NOON,
        )

    with pytest.raises(NotPermitted) as own:
        leave(shop.archivist, shop.archivist)
    with pytest.raises(NotPermitted):
        leave(reviewer, reviewer)
    with pytest.raises(Unacceptable):
        leave(reviewer, shop.archivist, " ")

    assert own.value.reasons == ("不得给本人授权，请由其他经办人办理",)
    assert not Grant.objects.exists()


def test_every_objection_is_said_at_once() -> None:
    leave = Leave(
        user=1,
        dossier=1,
        materials=frozenset({7}),
        opens_at=NOON,
        closes_at=NOON + HOUR,
        revoked=True,
        given_by_another=True,
    )

    said = objections_to_opening(
        leave=leave,
        user=1,
        user_is_subject=False,
        dossier=1,
        material=8,
        secret=False,
        at=NOON + 2 * HOUR,
    )

    assert len(said) == 3


def test_a_person_out_of_post_opens_nothing(reviewer: User, dossier: Dossier, page: Page) -> None:
    services.grant(
        user=reviewer,
        dossier=dossier,
        purpose=Purpose.RETIREMENT_REVIEW,
        reason="x",
        opens_at=NOON,
        closes_at=NOON + 72 * HOUR,
        by="clerk",
        at=NOON,
    )
    identity.end_post(post=reviewer.posts.get(), reason="调离", by="ops", at=NOON)

    assert "不能调阅档案影像" in refused(page, reviewer, 48 * 60)[0]
