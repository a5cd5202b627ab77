"""The first page after sign-in: the person's own work."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from lantai.identity import queries as people
from lantai.identity.rules import Role
from lantai.identity.services import OFFICE_TIME, office_day
from lantai.web import desks
from lantai.web.http import SignedIn

NOON: Final = 12
EVENING: Final = 18


@require_safe
def desk(request: SignedIn) -> HttpResponse:
    at = now()
    roles = people.roles_of(user=request.user, on=office_day(at))
    if roles == {Role.SUBJECT}:
        return redirect("own")
    shown = {
        "at": at,
        "greeting": _greeting(at.astimezone(OFFICE_TIME).hour),
        "desk": desks.of(user=request.user, at=at),
        "has_post": bool(roles),
    }
    return render(request, "pages/desk.html", shown)


def _greeting(hour: int) -> str:
    if hour < NOON:
        return str(_("上午好"))
    return str(_("下午好")) if hour < EVENING else str(_("晚上好"))


urlpatterns = [path("", desk, name="desk")]
