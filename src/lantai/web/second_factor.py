"""The second factor: allauth's views and forms, with what they do on record."""

from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.core import context
from allauth.mfa.base import forms
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.utils.timezone import now

from lantai.identity import sessions
from lantai.identity.models import User
from lantai.identity.sessions import Change, Step
from lantai.web.http import place_of

View = Callable[..., HttpResponseBase]
WRONG = "incorrect_code"


def recorded(view: View) -> View:
    """Record what a view of allauth changes in a person's second factors, in its transaction."""

    @wraps(view)
    def watched(request: HttpRequest, *args: Any, **more: Any) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, User) or request.method != "POST":
            return view(request, *args, **more)
        with transaction.atomic():
            before = _factors(user)
            answer = view(request, *args, **more)
            for change in _changes(before, _factors(user)):
                sessions.note_factor(user=user, change=change, place=place_of(request), at=now())
        return answer

    return watched


class CodeForm(forms.AuthenticateForm):  # type: ignore[misc]
    """The code asked for at sign-in."""

    def clean_code(self) -> str:
        return _noting(super().clean_code, user=self.user)


class CodeAgainForm(forms.ReauthenticateForm):  # type: ignore[misc]
    """The code asked for once more before security settings are changed."""

    def clean_code(self) -> str:
        return _noting(super().clean_code, user=self.user)


def _noting(clean: Callable[[], str], *, user: User) -> str:
    """Check a code; record a wrong one, but none that the limit on attempts kept out."""
    try:
        return clean()
    except ValidationError as fault:
        if fault.code == WRONG:
            sessions.note_refused(
                name=user.username, step=Step.CODE, place=place_of(context.request), at=now()
            )
        raise


def _factors(user: User) -> dict[int, str]:
    held = user.authenticator_set  # type: ignore[attr-defined]  # allauth's, by a key to the account
    return dict(held.values_list("pk", "type"))


def _changes(before: dict[int, str], after: dict[int, str]) -> list[Change]:
    """What was done, told from the factors before and after it."""
    old, new = Counter(before.values()), Counter(after.values())
    codes, totp = Authenticator.Type.RECOVERY_CODES, Authenticator.Type.TOTP
    if new[totp] > old[totp]:
        return [Change.SET]
    if new[totp] < old[totp]:
        return [Change.REMOVED]
    renewed = {pk for pk, kind in after.items() if kind == codes} - before.keys()
    return [Change.CODES_RENEWED] if renewed else []
