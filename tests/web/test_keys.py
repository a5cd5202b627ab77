"""The pages of keys and secret material: asked by one, confirmed by another, told plainly."""

from datetime import datetime
from typing import Any

import pytest
from django.urls import reverse
from web_factories import World, world

from lantai.access import services as access
from lantai.access.models import Grant
from lantai.access.rules import Purpose
from lantai.dossiers.models import Material, Page, Secrecy
from lantai.identity.rules import MAY, Act, Role
from lantai.preservation import services
from lantai.preservation.models import KeyDestruction
from lantai.vault import keys

pytestmark = pytest.mark.django_db
GROUND = "鉴定意见〔2026〕7 号"


@pytest.fixture
def office(noon: datetime) -> World:
    made = world(at=noon)
    services.preserve(dossier_uid=made.dossier.uid, by="ops", at=noon)
    return made


def ask(office: World) -> KeyDestruction:
    archivist = office.client(Role.ARCHIVIST)
    archivist.post(reverse("key-destruction", args=[office.dossier.uid]), {"reason": GROUND})
    return KeyDestruction.objects.get()


def test_what_is_destroyed_is_told_before_and_then_done_by_another(
    office: World, home: Any, django_capture_on_commit_callbacks: Any
) -> None:
    archivist, security = office.client(Role.ARCHIVIST), office.client(Role.SECURITY_ADMIN)
    form = reverse("key-destruction", args=[office.dossier.uid])
    page = reverse("dossier", args=[office.dossier.uid])

    offered = archivist.get(page).content.decode()
    told = archivist.get(form).content.decode()
    asked = archivist.post(form, {"reason": GROUND})
    waiting = archivist.get(page).content.decode()
    request = KeyDestruction.objects.get()
    settle = reverse("key-settle", args=[request.uid])
    shown = security.get(reverse("keys")).content.decode()
    before = keys.is_destroyed(home, office.dossier.uid)
    with django_capture_on_commit_callbacks(execute=True):
        settled = security.post(settle, {"outcome": "confirmed", "note": ""})

    assert form in offered
    assert "石大川 的 3 页影像任何人不能再读，不能恢复" in told
    assert "第二副本和它们的备份" in told
    assert "密钥备份另有保管期限" in told
    assert asked["Location"] == reverse("keys")
    assert "已申请销毁这份档案的密钥，待安全保密员审核" in waiting
    assert "石大川 的 3 页影像任何人不能再读" in shown
    assert GROUND in shown
    assert before is False
    assert settled["Location"] == reverse("keys")
    assert keys.is_destroyed(home, office.dossier.uid)
    after = archivist.get(page).content.decode()
    assert "密钥已销毁：影像任何人不能再读" in after
    assert GROUND in after
    assert form not in after
    assert "密钥已销毁" in archivist.get(reverse("keys")).content.decode()
    history = archivist.get(reverse("dossier-history", args=[office.dossier.uid]))
    assert "档案密钥已销毁，影像 3 页任何人不能再读" in history.content.decode()


def test_a_page_of_a_destroyed_dossier_answers_that_it_is_gone(
    office: World, django_capture_on_commit_callbacks: Any
) -> None:
    request = ask(office)
    with django_capture_on_commit_callbacks(execute=True):
        office.client(Role.SECURITY_ADMIN).post(
            reverse("key-settle", args=[request.uid]), {"outcome": "confirmed"}
        )
    page = Page.objects.first()
    assert page

    answer = office.client(Role.ARCHIVIST).post(reverse("original-confirm"), {"page": page.uid})

    assert answer.status_code == 410
    assert "密钥已按规定销毁，影像任何人不能再读" in answer.content.decode()


def test_the_desk_of_the_security_officer_says_that_a_request_waits(office: World) -> None:
    security = office.client(Role.SECURITY_ADMIN)
    before = security.get(reverse("desk")).content.decode()
    request = ask(office)
    waiting = security.get(reverse("desk")).content.decode()
    office.client(Role.ARCHIVIST).post(reverse("key-withdraw", args=[request.uid]))
    after = security.get(reverse("desk")).content.decode()

    assert "待审核的密钥销毁" not in before
    assert "待审核的密钥销毁" in waiting
    assert GROUND in waiting
    assert "待审核的密钥销毁" not in after


def test_who_asked_takes_it_back_and_finds_no_button_to_confirm(office: World, home: Any) -> None:
    request = ask(office)
    archivist = office.client(Role.ARCHIVIST)
    settle, withdraw = (
        reverse(name, args=[request.uid]) for name in ("key-settle", "key-withdraw")
    )

    shown = archivist.get(reverse("keys")).content.decode()
    refused = archivist.post(settle, {"outcome": "confirmed"})
    back = archivist.post(withdraw)

    assert settle not in shown
    assert withdraw in shown
    assert refused.status_code == 403
    assert back["Location"] == reverse("keys")
    assert KeyDestruction.objects.get().outcome == "withdrawn"
    assert keys.has_key(home, office.dossier.uid)


def test_it_is_declined_with_a_reason_only(office: World, home: Any) -> None:
    request = ask(office)
    security = office.client(Role.SECURITY_ADMIN)
    settle = reverse("key-settle", args=[request.uid])

    bare = security.post(settle, {"outcome": "declined", "note": ""})
    unknown = security.post(settle, {"outcome": "withdrawn", "note": "x"})
    settled = security.post(settle, {"outcome": "declined", "note": "保管期限未满"})

    assert (bare.status_code, unknown.status_code) == (422, 422)
    assert settled["Location"] == reverse("keys")
    assert "保管期限未满" in security.get(reverse("keys")).content.decode()
    assert keys.has_key(home, office.dossier.uid)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SUBJECT])
def test_the_doors_open_to_those_whose_post_it_is(office: World, role: Role) -> None:
    client = office.client(role)

    listed = client.get(reverse("keys"))
    form = client.get(reverse("key-destruction", args=[office.dossier.uid]))

    assert listed.status_code == (200 if role in MAY[Act.VIEW_KEYS] else 403)
    assert form.status_code == (200 if role in MAY[Act.ASK_KEY_DESTROYED] else 403)


def test_a_secret_material_is_listed_without_its_title_to_who_may_not_see_it(
    office: World, noon: datetime
) -> None:
    archivist = office.client(Role.ARCHIVIST)
    material = Material.objects.get(title="招工登记表")
    page = reverse("dossier", args=[office.dossier.uid])
    edit = reverse("dossier-material-edit", args=[office.dossier.uid, material.uid])
    mark = reverse("material-secret", args=[office.dossier.uid, material.uid])

    offered = archivist.get(edit).content.decode()
    archivist.post(edit, {"title": "招工登记表", "remark": "旧名招工登记表", "reason": "核对"})
    marked = archivist.post(mark, {"reason": "保密委〔2026〕3 号"})
    veiled = archivist.get(page).content.decode()
    closed = archivist.get(edit)
    access.grant(
        user=office.people[Role.FIRST_REVIEWER],
        dossier=office.dossier,
        purpose=Purpose.RETIREMENT_REVIEW,
        reason="初审",
        opens_at=noon.replace(year=2020),
        closes_at=noon.replace(year=2099),
        by="archivist",
        at=noon,
        materials=[material],
    )
    seen = office.client(Role.FIRST_REVIEWER).get(page).content.decode()

    assert mark in offered
    assert marked["Location"] == page
    assert "招工登记表" not in veiled
    assert "涉密材料（另库保存）" in veiled
    assert "职工履历表" in veiled
    assert closed.status_code == 403
    assert "招工登记表" in seen
    history = archivist.get(reverse("dossier-history", args=[office.dossier.uid]))
    assert "招工登记表" not in history.content.decode()
    assert "标为涉密材料：涉密材料（另库保存）" in history.content.decode()


def test_secrecy_is_ended_by_the_security_officer(office: World) -> None:
    archivist, security = office.client(Role.ARCHIVIST), office.client(Role.SECURITY_ADMIN)
    material = Material.objects.get(title="招工登记表")
    archivist.post(
        reverse("material-secret", args=[office.dossier.uid, material.uid]), {"reason": GROUND}
    )
    lift = reverse("secrecy-lift", args=[material.uid])

    listed = security.get(reverse("keys")).content.decode()
    refused = archivist.post(lift, {"reason": "解密令"})
    bare = security.post(lift, {"reason": ""})
    lifted = security.post(lift, {"reason": "解密令"})

    assert lift in listed
    assert "招工登记表" not in listed
    assert (refused.status_code, bare.status_code) == (403, 422)
    assert lifted["Location"] == reverse("keys")
    assert Secrecy.objects.get().lift_reason == "解密令"


def test_leave_that_names_a_secret_material_is_given_to_somebody_else(office: World) -> None:
    archivist = office.client(Role.ARCHIVIST)
    material = Material.objects.get(title="招工登记表")
    words = [office.dossier.uid, material.uid]
    archivist.post(reverse("material-secret", args=words), {"reason": GROUND})
    form = reverse("secret-leave", args=words)
    said = {
        "username": "first_reviewer",
        "purpose": "retirement_review",
        "reason": "保密委批准〔2026〕9 号",
        "until": "2099-12-31",
    }

    listed = archivist.get(reverse("keys")).content.decode()
    shown = archivist.get(form)
    own = archivist.post(form, said | {"username": "archivist"})
    unknown = archivist.post(form, said | {"username": "nobody"})
    past = archivist.post(form, said | {"until": "2020-01-01"})
    bare = archivist.post(form, {})
    before = Grant.objects.count()
    given = archivist.post(form, said)
    seen = office.client(Role.FIRST_REVIEWER).get(reverse("dossier", args=words[:1]))
    other = reverse("secret-leave", args=[words[0], Material.objects.get(title="职工履历表").uid])

    assert form in listed
    assert shown.status_code == 200
    assert [answer.status_code for answer in (own, unknown, past, bare)] == [403, 404, 422, 422]
    assert before == 0
    assert given["Location"] == reverse("keys")
    assert [entry.uid for entry in Grant.objects.get().materials.all()] == [material.uid]
    assert "招工登记表" in seen.content.decode()
    assert archivist.get(other).status_code == 404
    assert office.client(Role.SECURITY_ADMIN).get(form).status_code == 403
