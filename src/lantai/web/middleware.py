"""What holds for every request: idle sessions end, refusals are answered and noted."""

import logging
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from lantai.access import services as access
from lantai.identity import sessions
from lantai.identity.sessions import End
from lantai.ledger import quorum
from lantai.ledger import services as ledger
from lantai.ledger.queries import LogDamaged
from lantai.lib.ocfl.faults import Unreachable
from lantai.lib.refusals import Refusal
from lantai.web.http import place_of
from lantai.web.views.errors import answer

logger = logging.getLogger(__name__)
Answer = Callable[[HttpRequest], HttpResponseBase]
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
STRANGER: Final = "未登录"
IDLE_MINUTES: Final = 15  # GB/T 22239-2019 身份鉴别 b: an unused session ends by itself
LAST_SEEN: Final = "lantai.last-seen"
STAMP_EVERY: Final = 30.0  # seconds; so that the tiles of a page do not write a session each


class IdleMiddleware:
    """End a session that was not used for ``LANTAI_IDLE_MINUTES``."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            seen, here = request.session.get(LAST_SEEN), now().timestamp()
            minutes = getattr(settings, "LANTAI_IDLE_MINUTES", IDLE_MINUTES)
            if seen is not None and here - seen > minutes * 60:
                sessions.note_closed(
                    user=request.user, how=End.IDLE, place=place_of(request), at=now()
                )
                logout(request)
                messages.warning(
                    request, _("已有 %(n)s 分钟未操作，为安全起见请重新登录") % {"n": minutes}
                )
            elif seen is None or here - seen > STAMP_EVERY:
                request.session[LAST_SEEN] = here
        return self.get_response(request)


class RefusalMiddleware:
    """Turn a Refusal into its page, note it, and seal what a successful request wrote."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.method not in SAFE and response.status_code < 400:
            _seal()
        if getattr(request, "htmx", False) and _leads_to_sign_in(response):
            # A part of a page must not be filled with the sign-in page.
            return HttpResponseClientRedirect(response["Location"])
        return response

    def process_exception(self, request: HttpRequest, no: Exception) -> HttpResponse | None:
        """Answer a refusal; the view's transaction is rolled back by now, so the note stays.

        A store that does not answer is no refusal: 503, for those who keep it to look after.
        """
        if isinstance(no, Unreachable):
            logger.error("%s", no)
            reasons = [
                _("影像暂时读不出来，本次操作没有完成，已登记的内容不受影响"),
                _("请稍后重试；仍不行的，请通知系统运维人员"),
            ]
            return answer(request, status=503, reasons=reasons, detail=str(no))
        if not isinstance(no, Refusal):
            return None
        person = request.user.get_username() if request.user.is_authenticated else STRANGER
        match = request.resolver_match
        what = f"{request.method} {match.view_name if match else ''} {request.path}"
        access.note_refused(by=person, what=what, reasons=no.reasons, at=now())
        return answer(request, status=no.status, reasons=no.reasons)


def _seal() -> None:
    """Sign what was committed, unless witnesses are asked: then the worker does both in order.

    A damaged log signs nothing more, and is an incident.

    The deed itself is committed by now and its answer stands; the health page fails, the log page
    says what is wrong, and the people who look into it can still sign in.
    """
    if quorum.in_force() is not None:
        return
    try:
        ledger.publish(at=now())
    except LogDamaged:
        logger.critical("the log is damaged and nothing is signed any more", exc_info=True)


def _leads_to_sign_in(response: HttpResponseBase) -> bool:
    if response.status_code != 302:
        return False
    return str(response.headers.get("Location", "")).startswith(resolve_url(settings.LOGIN_URL))
