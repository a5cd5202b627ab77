"""The administrators' pages: accounts one by one, posts by two of them."""

from datetime import datetime
from typing import Final

import pytest
from django.urls import reverse
from web_factories import World, world

from lantai.identity.models import Post, PostRequest, User
from lantai.identity.rules import Role
from lantai.ledger import queries as ledger

pytestmark = pytest.mark.django_db

WHO: Final = Role.WINDOW_CLERK.value  # accounts of the small world are called by their posts


@pytest.fixture
def office(noon: datetime) -> World:
    return world(at=noon)


def test_an_account_is_opened_and_given_a_post_by_two_administrators(office: World) -> None:
    system, security = office.client(Role.SYSTEM_ADMIN), office.client(Role.SECURITY_ADMIN)

    opened = system.post(
        reverse("account-new"),
        {"username": "wangfang", "name": "王芳", "password": "chu-shi-2026"},
    )
    system.post(
        reverse("post-ask", args=["wangfang"]),
        {"role": "archivist", "body": office.centre.code, "reason": "新到岗"},
    )
    waiting = security.get(reverse("post-requests")).content.decode()
    before = Post.objects.filter(user__username="wangfang").count()
    asked = PostRequest.objects.get()
    settled = security.post(
        reverse("post-settle", args=[asked.uid]), {"outcome": "confirmed", "note": ""}
    )

    assert opened["Location"] == reverse("account", args=["wangfang"])
    assert "新到岗" in waiting
    assert reverse("post-settle", args=[asked.uid]) in waiting
    assert before == 0
    assert settled["Location"] == reverse("post-requests")
    assert Post.objects.get(user__username="wangfang").role == "archivist"
    assert "档案管理员" in system.get(reverse("account", args=["wangfang"])).content.decode()


def test_who_asked_for_a_post_finds_no_button_to_confirm_it_and_may_not(office: World) -> None:
    system = office.client(Role.SYSTEM_ADMIN)
    system.post(
        reverse("post-ask", args=[WHO]),
        {"role": "archivist", "body": office.centre.code, "reason": "代理"},
    )
    asked = PostRequest.objects.get()
    settle = reverse("post-settle", args=[asked.uid])

    shown = system.get(reverse("post-requests")).content.decode()
    answer = system.post(settle, {"outcome": "confirmed"})

    asked.refresh_from_db()
    assert settle not in shown
    assert answer.status_code == 403
    assert asked.settled_at is None


def test_an_account_is_locked_unlocked_reset_and_loses_a_post(office: World) -> None:
    system = office.client(Role.SYSTEM_ADMIN)
    post = Post.objects.get(user__username=WHO)

    locked = system.post(reverse("account-lock", args=[WHO]), {"reason": "离岗"})
    inactive = User.objects.get(username=WHO).is_active
    system.post(reverse("account-unlock", args=[WHO]), {"reason": "返岗"})
    system.post(
        reverse("account-password", args=[WHO]), {"password": "chong-she-2026", "reason": "遗忘"}
    )
    system.post(reverse("post-end", args=[post.pk]), {"reason": "调离"})

    held = User.objects.get(username=WHO)
    post.refresh_from_db()
    assert locked["Location"] == reverse("account", args=[WHO])
    assert (inactive, held.is_active) == (False, True)
    assert held.check_password("chong-she-2026")
    assert post.until_on is not None


@pytest.mark.parametrize(
    "role", [Role.SECURITY_ADMIN, Role.AUDIT_ADMIN, Role.ARCHIVIST, Role.SUPERVISOR]
)
def test_nobody_but_the_system_administrator_changes_an_account(office: World, role: Role) -> None:
    browser = office.client(role)
    post = Post.objects.get(user__username=WHO)
    before = ledger.entries(stream="records").count()

    answers = [
        browser.post(reverse("account-new"), {"username": "x1", "name": "某", "password": "y"}),
        browser.post(reverse("account-lock", args=[WHO]), {"reason": "x"}),
        browser.post(reverse("account-unlock", args=[WHO]), {"reason": "x"}),
        browser.post(
            reverse("account-password", args=[WHO]), {"reason": "x", "password": "chong-she-2026"}
        ),
        browser.post(
            reverse("post-ask", args=[WHO]),
            {"reason": "x", "role": "archivist", "body": office.centre.code},
        ),
        browser.post(reverse("post-end", args=[post.pk]), {"reason": "x"}),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert ledger.entries(stream="records").count() == before
    assert User.objects.get(username=WHO).is_active


def test_the_own_account_and_an_administrators_password_offer_no_form(office: World) -> None:
    system = office.client(Role.SYSTEM_ADMIN)

    own = system.get(reverse("account", args=[Role.SYSTEM_ADMIN.value])).content.decode()
    other = system.get(reverse("account", args=[Role.SECURITY_ADMIN.value])).content.decode()

    assert reverse("account-lock", args=[Role.SYSTEM_ADMIN.value]) not in own
    assert reverse("account-lock", args=[Role.SECURITY_ADMIN.value]) in other
    assert reverse("account-password", args=[Role.SECURITY_ADMIN.value]) not in other


def test_there_is_no_page_of_an_account_nobody_has(office: World) -> None:
    answer = office.client(Role.SYSTEM_ADMIN).get(reverse("account", args=["nobody"]))

    assert answer.status_code == 404
