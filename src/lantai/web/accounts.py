"""Sign-in: what allauth asks of the office."""

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

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

    def login(self, request: HttpRequest, user: Any) -> None:
        """Open the session and keep when the account was used before, to be shown."""
        before = user.last_login
        super().login(request, user)
        request.session[LAST_SIGN_IN] = before.isoformat() if before else ""
