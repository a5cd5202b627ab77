"""What the frame of every page shows: the modules a person may enter, who is signed in."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.timezone import now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lantai.identity import queries as identity
from lantai.identity.models import Post
from lantai.identity.rules import MAY, ROLE_LABELS, Act, Role
from lantai.identity.services import office_day
from lantai.web.accounts import LAST_SIGN_IN

LARGE_TEXT_COOKIE: Final = "lantai_text"


@dataclass(frozen=True)
class Module:
    """An entry of the top bar: shown to whom one of the acts is allowed, lit on its pages."""

    label: Any
    url: str
    acts: frozenset[Act]
    pages: frozenset[str]


MODULES: Final = (
    Module(
        _("我的业务"),
        "own",
        frozenset({Act.FOLLOW_OWN_CASE}),
        frozenset({"own"}),
    ),
    Module(
        _("档案查询"),
        "dossiers",
        frozenset({Act.SEARCH_DOSSIERS}),
        frozenset({"dossiers", "dossier", "dossier-material-edit"})
        | frozenset({"dossier-history", "dossier-history-entry", "original"}),
    ),
    Module(
        _("数字化生产"),
        "batches",
        frozenset({Act.RECEIVE_BATCH, Act.COUNT_PAPER, Act.VIEW_SCAN, Act.ACCEPT_BATCH}),
        frozenset(
            {"batches", "batch", "batch-receive", "batch-progress", "item", "item-count", "scan"}
            | {"finding-judge", "scan-return", "scan-replace", "batch-accept"}
        ),
    ),
    Module(
        _("退休业务"),
        "cases",
        frozenset(
            {Act.OPEN_CASE, Act.REVIEW_CASE, Act.CONFIRM_CASE, Act.DECIDE_CASE}
            | {Act.HAND_PAPER, Act.FILE_CASE}
        ),
        frozenset({"cases", "case-new", "case", "case-review"}),
    ),
    Module(
        _("证明出具"),
        "certificates",
        frozenset({Act.ISSUE_CERTIFICATE}),
        frozenset({"certificates", "certificate"}),
    ),
    Module(
        _("调阅监督"),
        "openings",
        frozenset({Act.VIEW_OPENINGS}),
        frozenset({"openings", "refusals", "grants"}),
    ),
    Module(
        _("存证日志"),
        "log",
        frozenset({Act.VIEW_LOG}),
        frozenset({"log", "log-entry", "witnesses", "preservation"}),
    ),
    Module(_("统计"), "figures", frozenset({Act.VIEW_FIGURES}), frozenset({"figures"})),
    Module(
        _("账户与岗位"),
        "accounts",
        frozenset({Act.VIEW_ACCOUNTS}),
        frozenset({"accounts", "account", "account-new", "post-requests"}),
    ),
    Module(
        _("密钥与涉密"),
        "keys",
        frozenset({Act.VIEW_KEYS}),
        frozenset({"keys", "key-destruction", "secret-leave"}),
    ),
)


class Chrome:
    """The frame of one answer; asks the database only for what a template shows."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self.large_text = request.COOKIES.get(LARGE_TEXT_COOKIE) == "large"
        self.demo = settings.LANTAI_DEMO

    @cached_property
    def body_name(self) -> str:
        """The body at the head of the first post, whose system this is to the person."""
        if not self.posts:
            return ""
        body = self.posts[0].body
        while body.parent is not None:
            body = body.parent
        return body.name

    @cached_property
    def demo_accounts(self) -> list[dict[str, str]]:
        """A sign-in for each post of the demo; nobody outside the demo is named to strangers."""
        if not self.demo:
            return []
        first = {account: account.posts.first() for account in identity.accounts()}
        named = [
            {"username": account.username, "role": ROLE_LABELS[Role(post.role)]}
            for account, post in first.items()
            if post is not None
        ]
        order = list(ROLE_LABELS.values())
        return sorted(named, key=lambda account: order.index(account["role"]))

    @cached_property
    def demo_progress(self) -> dict[str, Any] | None:
        """How far the demo has loaded its dossiers; None when it is complete, or no demo."""
        if not self.demo:
            return None
        try:
            told: dict[str, Any] = json.loads((settings.LANTAI_HOME / "demo.json").read_text())
        except FileNotFoundError:
            return None
        return None if told["complete"] else told

    @property
    def demo_password(self) -> str:
        return str(getattr(settings, "LANTAI_DEMO_PASSWORD", "")) if self.demo else ""

    @cached_property
    def posts(self) -> list[Post]:
        user = self._request.user
        if not user.is_authenticated:
            return []
        return list(identity.posts_of(user=user, on=office_day(now())))

    @cached_property
    def post_label(self) -> str:
        """The first post, and how many more: ``平川区中心 · 初审员``."""
        if not self.posts:
            return str(_("未任岗位"))
        first, *others = self.posts
        label = f"{first.body.name} · {gettext(ROLE_LABELS[Role(first.role)])}"
        return label + (_(" 等 %(n)s 岗") % {"n": len(self.posts)} if others else "")

    @cached_property
    def modules(self) -> list[dict[str, Any]]:
        roles = {Role(post.role) for post in self.posts}
        match = self._request.resolver_match
        here = match.url_name if match else None
        return [
            {"label": module.label, "url": module.url, "on": here in module.pages}
            for module in MODULES
            if any(MAY[act] & roles for act in module.acts)
        ]

    @cached_property
    def last_sign_in(self) -> datetime | None:
        """When the account was used before this session."""
        kept = self._request.session.get(LAST_SIGN_IN)
        return datetime.fromisoformat(kept) if kept else None


def chrome(request: HttpRequest) -> dict[str, Any]:
    """Give templates the frame as ``chrome``."""
    return {"chrome": SimpleLazyObject(lambda: Chrome(request))}
