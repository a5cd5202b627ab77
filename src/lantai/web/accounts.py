"""Sign-in: what allauth asks of the office."""

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from lantai.identity import services as identity
from lantai.identity import sessions
from lantai.identity.sessions import End, Step
from lantai.web.http import place_of

LAST_SIGN_IN = "lantai.last-sign-in"


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are opened by the system administrator, never by sign-up."""

    error_messages: ClassVar[dict[str, Any]] = DefaultAccountAdapter.error_messages | {
        "account_inactive": _("账户已停用，请联系系统管理员"),
        "enter_current_password": _("当前密码不正确，请重新输入"),
        "incorrect_password": _("密码不正确，请重新输入"),
        "invalid_login": _("登录信息不完整，请重新输入"),
        "rate_limited": _("操作过于频繁，请稍候再试"),
        "same_as_current": _("新密码不能与当前密码相同，请另设"),
        "too_many_login_attempts": _("登录失败次数过多，账户已暂时锁定，请 5 分钟后再试"),
        "username_password_mismatch": _("用户名或密码不正确，请核对；连续 5 次不正确将锁定 5 分钟"),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def set_password(self, user: Any, password: str) -> None:
        identity.change_password(user=user, password=password, by=user.username, at=now())

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Record what the limit on failed attempts let through; it stands before this."""
        sessions.note_refused(
            name=str(credentials.get("username", "")),
            step=Step.PASSWORD,
            place=place_of(request),
            at=now(),
        )

    def logout(self, request: HttpRequest) -> None:
        user = request.user
        if user.is_authenticated:
            sessions.note_closed(user=user, how=End.SIGNED_OUT, place=place_of(request), at=now())
        super().logout(request)

    def login(self, request: HttpRequest, user: Any) -> None:
        """Open the session and keep when the account was used before, to be shown."""
        before = user.last_login
        super().login(request, user)
        sessions.note_opened(user=user, place=place_of(request), at=now())
        request.session[LAST_SIGN_IN] = before.isoformat() if before else ""
