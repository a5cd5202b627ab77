"""Accounts, bodies and posts: the verbs, and the question every other verb asks first."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from lantai.identity import queries, rules
from lantai.identity.models import Body, Post, User
from lantai.identity.rules import Act, Role
from lantai.ledger import services as ledger
from lantai.lib.refusals import Conflict, NotPermitted, Unacceptable

OFFICE_TIME = ZoneInfo("Asia/Shanghai")


def office_day(at: datetime) -> date:
    """The day it is in the office at a moment."""
    return at.astimezone(OFFICE_TIME).date()


def office_clock(at: datetime) -> str:
    """The time on the office's clock, to the minute."""
    return f"{at.astimezone(OFFICE_TIME):%Y-%m-%d %H:%M}"


def require(act: Act, *, by: User, at: datetime, body: Body | None = None) -> None:
    """Raise NotPermitted unless a post of the person allows the act, and reaches the body named.

    A post in one body gives no right in another, even where the person holds another post.
    """
    day = office_day(at)
    objections = rules.objections_to(act, roles=queries.roles_of(user=by, on=day))
    if objections:
        raise NotPermitted(*objections)
    if body is not None and rules.objections_to(
        act, roles=queries.roles_for(user=by, body=body, on=day)
    ):
        raise NotPermitted("不属于您所在机构的办理范围")


def may(act: Act, *, by: User, at: datetime) -> bool:
    """Tell whether the posts of a person allow an act; for menus and buttons."""
    return not rules.objections_to(act, roles=queries.roles_of(user=by, on=office_day(at)))


@transaction.atomic
def found_body(
    *, code: str, name: str, kind: str, parent: Body | None, by: str, at: datetime
) -> Body:
    """Enter an organisation."""
    if Body.objects.filter(code=code).exists():
        raise Conflict(f"机构代码 {code} 已经登记，请改用其他代码")
    body = Body.objects.create(code=code, name=name, kind=kind, parent=parent)
    ledger.record(
        at=at,
        action="identity.body.founded",
        actor=by,
        subject=f"body:{body.code}",
        facts={"name": name, "kind": kind, "parent": parent.code if parent else None},
    )
    return body


@transaction.atomic
def open_account(
    *, username: str, name: str, password: str | None, by: str, at: datetime, person_uid: str = ""
) -> User:
    """Open one person's account; without a password nobody can sign in to it."""
    if User.objects.filter(username=username).exists():
        raise Conflict(f"用户名 {username} 已被使用，请改用其他用户名")
    try:
        if password is not None:
            validate_password(password, User(username=username, name=name))
    except ValidationError as faults:
        raise Unacceptable(*faults.messages) from faults
    user = User.objects.create_user(
        username=username, password=password, name=name, person_uid=person_uid, joined_at=at
    )
    ledger.record(
        at=at,
        action="identity.account.opened",
        actor=by,
        subject=f"user:{username}",
        facts={"name": name},
    )
    return user


@transaction.atomic
def give_post(*, user: User, body: Body, role: Role, by: str, at: datetime) -> Post:
    """Give a person a post from today on."""
    day = office_day(at)
    if queries.posts_of(user=user, on=day).filter(body=body, role=role).exists():
        raise Conflict(f"{user.name}已在{body.name}任{rules.ROLE_LABELS[role]}，无需重复登记")
    post = Post.objects.create(user=user, body=body, role=role, since_on=day)
    ledger.record(
        at=at,
        action="identity.post.given",
        actor=by,
        subject=f"user:{user.username}",
        facts={"body": body.code, "role": role.value, "since": day.isoformat()},
    )
    return post


@transaction.atomic
def end_post(*, post: Post, reason: str, by: str, at: datetime) -> Post:
    """End a post with today; who has to stop at once gets the account closed."""
    held = Post.objects.select_for_update().get(pk=post.pk)
    if held.until_on is not None:
        raise Conflict("该岗位已登记离任，无需重复登记")
    held.until_on = office_day(at)
    held.save(update_fields=["until_on"])
    ledger.record(
        at=at,
        action="identity.post.ended",
        actor=by,
        subject=f"user:{held.user.username}",
        facts={
            "body": held.body.code,
            "role": held.role,
            "until": held.until_on.isoformat(),
            "reason": reason,
        },
    )
    return held


@transaction.atomic
def close_account(*, user: User, reason: str, by: str, at: datetime) -> User:
    """Close an account: from now on its person can do nothing, whatever the posts say."""
    held = User.objects.select_for_update().get(pk=user.pk)
    if not held.is_active:
        raise Conflict("该账户已停用，无需重复操作")
    held.is_active = False
    held.save(update_fields=["is_active"])
    ledger.record(
        at=at,
        action="identity.account.closed",
        actor=by,
        subject=f"user:{held.username}",
        facts={"reason": reason},
    )
    return held
