"""Accounts, bodies and posts: the verbs, and the question every other verb asks first."""

import re
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from lantai.identity import audit, queries, rules
from lantai.identity.models import Body, Post, PostRequest, User
from lantai.identity.rules import Act, Role
from lantai.ledger import services as ledger
from lantai.lib.refusals import Conflict, NotFound, NotPermitted, Unacceptable

OFFICE_TIME = ZoneInfo("Asia/Shanghai")
_USERNAME: Final = re.compile(r"[a-z][a-z0-9.-]{1,39}")


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
    if password is not None:
        _must_be_good(password, User(username=username, name=name))
    user = User.objects.create_user(
        username=username, password=password, name=name, person_uid=person_uid, joined_at=at
    )
    ledger.record(
        at=at,
        action="identity.account.opened",
        actor=by,
        subject=f"user:{username}",
        facts={
            "name": name,
            "person": person_uid,
            "credential_sha256": audit.credential_digest(user),
        },
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
            "since": held.since_on.isoformat(),
            "until": held.until_on.isoformat(),
            "reason": reason,
        },
    )
    return held


@transaction.atomic
def change_password(*, user: User, password: str, by: str, at: datetime) -> User:
    """Give an account another password; the log keeps the digest of its stored form."""
    held = User.objects.select_for_update().get(pk=user.pk)
    held.set_password(password)
    held.save(update_fields=["password"])
    user.password = held.password
    ledger.record(
        at=at,
        action="identity.password.changed",
        actor=by,
        subject=f"user:{held.username}",
        facts={"credential_sha256": audit.credential_digest(held)},
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


@transaction.atomic
def reopen_account(*, user: User, reason: str, by: str, at: datetime) -> User:
    """Open a closed account again, with the posts it still has."""
    held = User.objects.select_for_update().get(pk=user.pk)
    if held.is_active:
        raise Conflict("该账户没有停用，无需重复操作")
    held.is_active = True
    held.save(update_fields=["is_active"])
    ledger.record(
        at=at,
        action="identity.account.reopened",
        actor=by,
        subject=f"user:{held.username}",
        facts={"reason": reason},
    )
    return held


# The verbs of the administrators' desk; those above also serve the installation.


@transaction.atomic
def enter_account(*, username: str, name: str, password: str, by: User, at: datetime) -> User:
    """Open an account for a new colleague; it has no post, and so no right, yet."""
    require(Act.KEEP_ACCOUNTS, by=by, at=at)
    faults = []
    if not _USERNAME.fullmatch(username):
        faults.append("用户名须以小写字母开头，由 2 至 40 位小写字母、数字、点或短横组成，请改正")
    if not name.strip():
        faults.append("请填写姓名")
    if faults:
        raise Unacceptable(*faults)
    return open_account(
        username=username, name=name.strip(), password=password, by=by.username, at=at
    )


@transaction.atomic
def ask_for_post(
    *, username: str, body: str, role: str, reason: str, by: User, at: datetime
) -> PostRequest:
    """Ask for a post; nothing changes until another administrator confirms it."""
    user = _kept(username, reason=reason, by=by, at=at)
    place = Body.objects.filter(code=body).first()
    if place is None:
        raise NotFound("没有这个机构，请从列表中选择")
    if role not in set(Role):
        raise Unacceptable("没有这个岗位，请从列表中选择")
    _must_be_free_for(user, place, Role(role), at=at)
    if PostRequest.objects.filter(user=user, body=place, role=role, settled_at=None).exists():
        raise Conflict("同一岗位已有待审核的任职申请，请等待安全保密员审核")
    asked = PostRequest.objects.create(
        user=user, body=place, role=role, reason=reason.strip()[:200], asked_by=by, asked_at=at
    )
    ledger.record(
        at=at,
        action="identity.post.asked",
        actor=by.username,
        subject=f"user:{user.username}",
        facts={
            "request": asked.uid,
            "body": place.code,
            "role": role,
            "reason": asked.reason,
        },
    )
    return asked


@transaction.atomic
def settle_post(*, request: str, outcome: str, note: str, by: User, at: datetime) -> PostRequest:
    """Confirm a post somebody else asked for, which gives it, or decline it with a reason."""
    require(Act.CONFIRM_POST, by=by, at=at)
    asked = PostRequest.objects.select_for_update().filter(uid=request).first()
    if asked is None:
        raise NotFound("没有这项任职申请，请刷新后重新选择")
    if asked.settled_at is not None:
        raise Conflict("这项任职申请已经审核，无需重复操作")
    if by.pk in {asked.asked_by_id, asked.user_id}:
        raise NotPermitted("不得审核本人提出或涉及本人的任职申请，请由其他安全保密员办理")
    if outcome not in PostRequest.Outcome.values:
        raise Unacceptable("请选择同意或不同意")
    confirmed = outcome == PostRequest.Outcome.CONFIRMED
    if not confirmed and not note.strip():
        raise Unacceptable("不同意请写明理由")
    if confirmed:
        _must_be_free_for(asked.user, asked.body, Role(asked.role), at=at)
    asked.outcome, asked.note = outcome, note.strip()[:200]
    asked.settled_by, asked.settled_at = by, at
    asked.save(update_fields=["outcome", "note", "settled_by", "settled_at"])
    ledger.record(
        at=at,
        action="identity.post.settled",
        actor=by.username,
        subject=f"user:{asked.user.username}",
        facts={"request": asked.uid, "outcome": outcome, "note": asked.note},
    )
    if confirmed:
        give_post(user=asked.user, body=asked.body, role=Role(asked.role), by=by.username, at=at)
    return asked


@transaction.atomic
def take_post(*, post: int, reason: str, by: User, at: datetime) -> Post:
    """End a colleague's post with today."""
    require(Act.KEEP_ACCOUNTS, by=by, at=at)
    held = Post.objects.select_related("user").filter(pk=post).first()
    if held is None:
        raise NotFound("没有这项任职，请刷新后重新选择")
    _kept(held.user.username, reason=reason, by=by, at=at)
    return end_post(post=held, reason=reason.strip(), by=by.username, at=at)


@transaction.atomic
def lock_account(*, username: str, reason: str, by: User, at: datetime) -> User:
    """Close a colleague's account at once."""
    user = _kept(username, reason=reason, by=by, at=at)
    return close_account(user=user, reason=reason.strip(), by=by.username, at=at)


@transaction.atomic
def unlock_account(*, username: str, reason: str, by: User, at: datetime) -> User:
    """Open a colleague's account again."""
    user = _kept(username, reason=reason, by=by, at=at)
    return reopen_account(user=user, reason=reason.strip(), by=by.username, at=at)


@transaction.atomic
def reset_password(*, username: str, password: str, reason: str, by: User, at: datetime) -> User:
    """Give a colleague another password; never an administrator, in whose name one could act."""
    user = _kept(username, reason=reason, by=by, at=at)
    if queries.roles_of(user=user, on=office_day(at)) & rules.ADMINISTRATORS:
        raise NotPermitted(
            "管理员的密码不能由他人重设，以免冒用其身份；请停用该账户，另开新账户并经审核任职"
        )
    _must_be_good(password, user)
    held = User.objects.select_for_update().get(pk=user.pk)
    held.set_password(password)
    held.save(update_fields=["password"])
    ledger.record(
        at=at,
        action="identity.password.reset",
        actor=by.username,
        subject=f"user:{held.username}",
        facts={"credential_sha256": audit.credential_digest(held), "reason": reason.strip()},
    )
    return held


def _kept(username: str, *, reason: str, by: User, at: datetime) -> User:
    """The account of a colleague for somebody who keeps accounts and says why."""
    require(Act.KEEP_ACCOUNTS, by=by, at=at)
    user = queries.account(username=username)
    if user is None:
        raise NotFound("没有这个账户，请核对用户名")
    if user.pk == by.pk:
        raise NotPermitted("不得办理本人账户，请由其他系统管理员办理")
    if not reason.strip():
        raise Unacceptable("请填写理由")
    return user


def _must_be_free_for(user: User, body: Body, role: Role, *, at: datetime) -> None:
    """Raise Conflict unless a person may be given a post."""
    held = queries.posts_of(user=user, on=office_day(at))
    reasons = list(
        rules.objections_to_holding(role, held=frozenset(Role(post.role) for post in held))
    )
    if not user.is_active:
        reasons.append("该账户已停用，请先启用")
    if any(post.body_id == body.pk and post.role == role for post in held):
        reasons.append(f"{user.name}已在{body.name}任{rules.ROLE_LABELS[role]}，无需重复登记")
    if reasons:
        raise Conflict(*reasons)


def _must_be_good(password: str, user: User) -> None:
    """Raise Unacceptable with every fault of a password."""
    try:
        validate_password(password, user)
    except ValidationError as faults:
        raise Unacceptable(*faults.messages) from faults
