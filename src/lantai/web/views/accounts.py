"""Accounts one by one: opened, locked, given posts; each post by two administrators."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from lantai.identity import queries as identity
from lantai.identity import services
from lantai.identity.models import PostRequest
from lantai.identity.rules import ADMINISTRATORS, ROLE_LABELS, Act
from lantai.lib.refusals import NotFound
from lantai.web.http import SignedIn, onward, part_of
from lantai.web.views.case_forms import ReasonForm, read

ROWS = 30


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def account_new(request: SignedIn) -> HttpResponse:
    """Open an account for a new colleague."""
    at = now()
    services.require(Act.KEEP_ACCOUNTS, by=request.user, at=at)
    if request.method != "POST":
        return render(request, "pages/account_new.html")
    user = services.enter_account(
        username=_said(request, "username"),
        name=_said(request, "name"),
        password=request.POST.get("password", ""),
        by=request.user,
        at=at,
    )
    messages.success(request, _("已开立账户 %(name)s，还没有岗位") % {"name": user.username})
    return onward(request, "account", user.username)


@require_safe
def account(request: SignedIn, username: str) -> HttpResponse:
    """One account: its posts, what was asked for, and what may be done with it."""
    at = now()
    services.require(Act.VIEW_ACCOUNTS, by=request.user, at=at)
    user = identity.account(username=username)
    if user is None:
        raise NotFound(_("没有这个账户，请核对用户名"))
    day = services.office_day(at)
    shown: dict[str, Any] = {
        "account": user,
        "posts": user.posts.select_related("body").order_by("-since_on", "-pk"),
        "requests": identity.post_requests(user=user),
        "bodies": identity.bodies(),
        "roles": [(role.value, label) for role, label in ROLE_LABELS.items()],
        "may_keep": services.may(Act.KEEP_ACCOUNTS, by=request.user, at=at)
        and user.pk != request.user.pk,
        "is_administrator": bool(identity.roles_of(user=user, on=day) & ADMINISTRATORS),
        "today": day,
    }
    return render(request, "pages/account.html", shown)


@require_safe
def post_requests(request: SignedIn) -> HttpResponse:
    """The posts that were asked for, those that wait first."""
    at = now()
    services.require(Act.VIEW_ACCOUNTS, by=request.user, at=at)
    page = part_of(identity.post_requests(), request, rows=ROWS)
    shown: dict[str, Any] = {
        "page": page,
        "range": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "may_settle": services.may(Act.CONFIRM_POST, by=request.user, at=at),
        "outcomes": PostRequest.Outcome.choices,
    }
    return render(request, "pages/post_requests.html", shown)


@require_POST
def post_settle(request: SignedIn, uid: str) -> HttpResponse:
    asked = services.settle_post(
        request=uid,
        outcome=_said(request, "outcome"),
        note=_said(request, "note"),
        by=request.user,
        at=now(),
    )
    messages.success(request, _("已审核：%(outcome)s") % {"outcome": asked.get_outcome_display()})
    return onward(request, "post-requests")


@require_POST
def post_ask(request: SignedIn, username: str) -> HttpResponse:
    services.ask_for_post(
        username=username,
        body=_said(request, "body"),
        role=_said(request, "role"),
        reason=read(ReasonForm, request)["reason"],
        by=request.user,
        at=now(),
    )
    messages.success(request, _("已提交任职申请，待安全保密员审核"))
    return onward(request, "account", username)


@require_POST
def post_end(request: SignedIn, pk: int) -> HttpResponse:
    reason = read(ReasonForm, request)["reason"]
    ended = services.take_post(post=pk, reason=reason, by=request.user, at=now())
    messages.success(request, _("已免去岗位，当日结束时失效"))
    return onward(request, "account", ended.user.username)


@require_POST
def account_lock(request: SignedIn, username: str) -> HttpResponse:
    reason = read(ReasonForm, request)["reason"]
    services.lock_account(username=username, reason=reason, by=request.user, at=now())
    messages.success(request, _("账户已停用"))
    return onward(request, "account", username)


@require_POST
def account_unlock(request: SignedIn, username: str) -> HttpResponse:
    reason = read(ReasonForm, request)["reason"]
    services.unlock_account(username=username, reason=reason, by=request.user, at=now())
    messages.success(request, _("账户已启用"))
    return onward(request, "account", username)


@sensitive_post_parameters("password")
@require_POST
def account_password(request: SignedIn, username: str) -> HttpResponse:
    services.reset_password(
        username=username,
        password=request.POST.get("password", ""),
        reason=read(ReasonForm, request)["reason"],
        by=request.user,
        at=now(),
    )
    messages.success(request, _("密码已重设，请当面告知本人并请其登录后修改"))
    return onward(request, "account", username)


def _said(request: SignedIn, name: str) -> str:
    return request.POST.get(name, "").strip()[:200]


urlpatterns = [
    path("accounts-and-posts/new/", account_new, name="account-new"),
    path("accounts-and-posts/requests/", post_requests, name="post-requests"),
    path("accounts-and-posts/requests/<str:uid>/settle/", post_settle, name="post-settle"),
    path("accounts-and-posts/posts/<int:pk>/end/", post_end, name="post-end"),
    path("accounts-and-posts/people/<str:username>/", account, name="account"),
    path("accounts-and-posts/people/<str:username>/ask/", post_ask, name="post-ask"),
    path("accounts-and-posts/people/<str:username>/lock/", account_lock, name="account-lock"),
    path("accounts-and-posts/people/<str:username>/unlock/", account_unlock, name="account-unlock"),
    path(
        "accounts-and-posts/people/<str:username>/password/",
        account_password,
        name="account-password",
    ),
]
