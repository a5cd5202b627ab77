"""What a stranger may ask: is this certificate good, is the system up, larger text please."""

import json
from http import HTTPStatus
from typing import Any, Final

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from lantai.certificates import queries as certificates
from lantai.certificates.models import Certificate
from lantai.certificates.services import ISSUED
from lantai.identity.services import office_day
from lantai.ledger import finality
from lantai.ledger import queries as ledger
from lantai.ledger.models import STREAMS
from lantai.web.context import LARGE_TEXT_COOKIE
from lantai.web.http import address_of
from lantai.web.views.errors import answer

LONGEST: Final = 60
CHECKS_A_MINUTE: Final = 20  # of one address; enough for a counter, too few for guessing
A_YEAR: Final = 365 * 24 * 3600


@never_cache
@login_not_required
@require_safe
def verify(request: HttpRequest) -> HttpResponse:
    """Tell the holder of a certificate whether it is valid, and what it says."""
    number = request.GET.get("number", "").strip()[:LONGEST]
    code = request.GET.get("code", "").strip()[:LONGEST]
    shown: dict[str, Any] = {"number": number, "code": code, "asked": bool(number and code)}
    if shown["asked"]:
        if _too_often(address_of(request)):
            return answer(request, status=429, reasons=[_("查验过于频繁，请一分钟后再试")])
        found = certificates.by_code(number=number, code=code)
        shown |= _told(found) if found else {"state": "unknown"}
    return render(request, "pages/verify.html", shown)


@never_cache
@login_not_required
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Answer a watcher: 200, and how many entries wait for a signature; 503 if the log is damaged.

    A database that does not answer is a failure and a 500.
    """
    waiting, log = 0, "ok"
    for stream in STREAMS:
        head = ledger.latest_head(stream=stream)
        waiting += ledger.size_of(stream=stream) - (head.size if head else 0)
        try:
            ledger.refuse_if_rolled_back(stream=stream)
        except ledger.LogDamaged:
            log = "damaged"
    told = {"status": log, "database": "ok", "log": log, "waiting": waiting}
    return JsonResponse(
        told, status=HTTPStatus.OK if log == "ok" else HTTPStatus.SERVICE_UNAVAILABLE
    )


@never_cache
@login_not_required
@require_safe
def demo_progress(request: HttpRequest) -> HttpResponse:
    """How far the demo is with loading; empty once it is done, which ends the asking."""
    return render(request, "_demo.html")


@login_not_required
@require_POST
def text_size(request: HttpRequest) -> HttpResponse:
    """Turn the large text on or off, for people whose browser runs no script of ours."""
    large = request.COOKIES.get(LARGE_TEXT_COOKIE) == "large"
    before = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(before, allowed_hosts={request.get_host()})
    response = redirect(before if ours else "desk")
    response.set_cookie(
        LARGE_TEXT_COOKIE,
        "normal" if large else "large",
        max_age=A_YEAR,
        samesite="Lax",
        secure=request.is_secure(),
    )
    return response


def _told(certificate: Certificate) -> dict[str, Any]:
    """What stands on the paper anyway, and how it stands today."""
    return {
        "state": certificates.state(certificate=certificate, on=office_day(now())),
        "certificate": certificate,
        "face": json.loads(certificate.face),
        "standing": finality.standing_of_act(
            subject=f"certificate:{certificate.uid}", action=ISSUED
        ),
    }


def _too_often(address: str) -> bool:
    key = f"verify:{address}"
    cache.add(key, 0, timeout=60)
    try:
        return cache.incr(key) > CHECKS_A_MINUTE
    except ValueError:  # the minute ended between the two
        return False


urlpatterns = [
    path("verify/", verify, name="verify"),
    path("health/", health, name="health"),
    path("demo-progress/", demo_progress, name="demo-progress"),
    path("text-size/", text_size, name="text-size"),
]
