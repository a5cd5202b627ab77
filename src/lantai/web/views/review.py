"""The review desk: a page of a dossier through the door, and what is read on it."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from lantai.access import rules as access_rules
from lantai.access import services as access
from lantai.access.services import OpenPage, Shown
from lantai.cases import services as work
from lantai.cases.services import NewClaim
from lantai.dossiers.models import Page
from lantai.identity import services as identity
from lantai.ledger import queries as ledger
from lantai.lib.imagery.tiles import TILE
from lantai.lib.refusals import NotFound, Refusal
from lantai.web.http import SignedIn, address_of, onward
from lantai.web.views import bench
from lantai.web.views.case_forms import (
    AdoptForm,
    ClaimForm,
    MarkForm,
    OpinionForm,
    ReasonForm,
    read,
    region_of,
)

NEVER_KEPT: Final = "private, no-store"
RECENT: Final = 20  # entries looked through for the one of an opening made a moment ago

View = Callable[..., HttpResponse]


def refusals_in_json(view: View) -> View:
    """Answer a refusal as ``{"reasons": [...]}`` for a script, noted like any other."""

    @wraps(view)
    def answer(request: SignedIn, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Refusal as no:
            access.note_refused(
                by=request.user.get_username(),
                what=f"{request.method} {request.path}",
                reasons=no.reasons,
                at=now(),
            )
            return JsonResponse({"reasons": list(no.reasons)}, status=no.status)

    return answer


@require_safe
def case_review(request: SignedIn, uid: str) -> HttpResponse:
    """Lay out the desk of a case; opening the strip of its pages is recorded."""
    at = now()
    case = bench.case_of(uid=uid, user=request.user, at=at)
    strip = access.open_strip(
        dossier=case.dossier, by=request.user, at=at, address=address_of(request)
    )
    desk = bench.desk(case=case, user=request.user, at=at, strip=strip)
    return render(request, "pages/review/review.html", desk)


@require_safe
def case_acts(request: SignedIn, uid: str) -> HttpResponse:
    """What can be done with the case by now; a page that was opened may have been the last."""
    at = now()
    case = bench.case_of(uid=uid, user=request.user, at=at)
    return render(
        request, "pages/review/_acts.html", bench.panel(case=case, user=request.user, at=at)
    )


@require_POST
@refusals_in_json
def page_open(request: SignedIn, uid: str) -> HttpResponse:
    """Open one page: recorded first, then the facts a viewer needs to show it."""
    at = now()
    opened = access.open_page(page=_page(uid), by=request.user, at=at, address=address_of(request))
    closes_at = min(opened.opening.at + access_rules.OPENING_LASTS, opened.opening.grant.closes_at)
    answer = JsonResponse(
        {
            "width": opened.width,
            "height": opened.height,
            "levels": opened.levels,
            "tile_size": TILE,
            "token": opened.token,
            "watermark": opened.watermark,
            "closes_in": int((closes_at - at).total_seconds()),
            **_provenance(opened),
        }
    )
    answer["Cache-Control"] = NEVER_KEPT
    return answer


@require_safe
@refusals_in_json
def page_tile(request: SignedIn, level: int, column: int, row: int) -> HttpResponse:
    """One tile of a page that the person opened a while ago."""
    token = request.GET.get("token", "")
    return _image(
        access.tile(token=token, level=level, column=column, row=row, by=request.user, at=now())
    )


@require_safe
@refusals_in_json
def page_thumb(request: SignedIn, uid: str) -> HttpResponse:
    """The thumbnail of a page of a dossier whose strip the person opened."""
    token = request.GET.get("token", "")
    return _image(access.thumbnail(token=token, page=_page(uid), by=request.user, at=now()))


@require_POST
def claim_state(request: SignedIn, uid: str) -> HttpResponse:
    filled = read(ClaimForm, request)
    claim = NewClaim(
        page_uid=filled.pop("page"),
        region=region_of(filled),
        **{name: value for name, value in filled.items() if name not in "xywh"},
    )
    work.state_claim(case_uid=uid, claim=claim, by=request.user, at=now())
    return _back_to_bench(request, uid, _("已登记这处记载"))


@require_POST
def claim_withdraw(request: SignedIn, uid: str, claim_uid: str) -> HttpResponse:
    work.withdraw_claim(case_uid=uid, claim_uid=claim_uid, by=request.user, at=now())
    return _back_to_bench(request, uid, _("已撤销这处记载"))


@require_POST
def mark_make(request: SignedIn, uid: str) -> HttpResponse:
    filled = read(MarkForm, request)
    work.mark_page(
        case_uid=uid,
        page_uid=filled["page"],
        region=region_of(filled),
        kind=filled["kind"],
        note=filled["note"],
        by=request.user,
        at=now(),
    )
    return _back_to_bench(request, uid, _("已标记"))


@require_POST
def mark_withdraw(request: SignedIn, uid: str, mark_uid: str) -> HttpResponse:
    work.withdraw_mark(case_uid=uid, mark_uid=mark_uid, by=request.user, at=now())
    return _back_to_bench(request, uid, _("已撤销标记"))


@require_POST
def adopt(request: SignedIn, uid: str) -> HttpResponse:
    filled = read(AdoptForm, request)
    work.adopt(case_uid=uid, by=request.user, at=now(), **filled)
    return _back_to_bench(request, uid, _("已采信"))


@require_POST
def route_raise(request: SignedIn, uid: str) -> HttpResponse:
    reason = read(ReasonForm, request)["reason"]
    work.raise_route(case_uid=uid, reason=reason, by=request.user, at=now())
    return _back_to_bench(request, uid, _("已转为复杂件"))


@require_POST
def review_submit(request: SignedIn, uid: str) -> HttpResponse:
    opinion = read(OpinionForm, request)["opinion"]
    work.submit_review(case_uid=uid, opinion=opinion, by=request.user, at=now())
    messages.success(request, _("初审已提交，等待复核"))
    return onward(request, "case", uid)


@require_POST
def review_return(request: SignedIn, uid: str) -> HttpResponse:
    reason = read(ReasonForm, request)["reason"]
    work.return_to_reviewer(case_uid=uid, reason=reason, by=request.user, at=now())
    messages.success(request, _("已退回初审"))
    return onward(request, "case", uid)


@require_POST
def review_confirm(request: SignedIn, uid: str) -> HttpResponse:
    opinion = read(OpinionForm, request)["opinion"]
    evidence = work.confirm(case_uid=uid, opinion=opinion, by=request.user, at=now())
    messages.success(
        request, _("复核通过，影像已固定：%(digest)s") % {"digest": evidence.sha256[:16]}
    )
    return onward(request, "case", uid)


def _page(uid: str) -> Page:
    """The page of a key; whether it may be seen is for the door to say."""
    try:
        return get_object_or_404(Page, uid=uid)
    except Http404 as missing:
        raise NotFound(_("没有这一页")) from missing


def _provenance(opened: OpenPage) -> dict[str, Any]:
    """What the foot of the viewer says of the open page: its digest, its log entry, its scan."""
    page, digest = opened.page, opened.page.blob.sha256
    entries = ledger.entries(
        stream="access",
        action="access.page.opened",
        subject=f"dossier:{page.material.dossier.uid}",
    )[:RECENT]
    entry = next((one for one in entries if one.facts.get("opening") == opened.opening.uid), None)
    scan = [f"{page.dpi} dpi"] if page.dpi else []
    scan += [page.device] if page.device else []
    scan.append(f"{identity.office_day(page.scanned_at):%Y-%m-%d} {_('采集')}")
    return {
        "digest": f"{digest[:4]} {digest[4:8]} … {digest[-4:]}",
        "entry": f"#{entry.index}" if entry else "",
        "scan": " · ".join(scan),
        "size": f"{page.width} × {page.height}",
    }


def _image(shown: Shown) -> HttpResponse:
    answer = HttpResponse(shown.content, content_type=shown.media_type)
    answer["Cache-Control"] = NEVER_KEPT
    return answer


def _back_to_bench(request: SignedIn, uid: str, said: str) -> HttpResponse:
    """After a change of the facts: the panel anew for a script, else the desk anew."""
    if not request.htmx:
        messages.success(request, said)
        return redirect("case-review", uid)
    at = now()
    case = bench.case_of(uid=uid, user=request.user, at=at)
    panel = bench.panel(case=case, user=request.user, at=at)
    answer = render(request, "pages/review/_panel.html", {**panel, "swapped": True})
    return trigger_client_event(answer, "lt:said", {"value": said})


urlpatterns = [
    path("cases/<str:uid>/review/", case_review, name="case-review"),
    path("cases/<str:uid>/acts/", case_acts, name="case-acts"),
    path("cases/<str:uid>/claims/", claim_state, name="case-claim"),
    path(
        "cases/<str:uid>/claims/<str:claim_uid>/withdraw/",
        claim_withdraw,
        name="case-claim-withdraw",
    ),
    path("cases/<str:uid>/marks/", mark_make, name="case-mark"),
    path(
        "cases/<str:uid>/marks/<str:mark_uid>/withdraw/", mark_withdraw, name="case-mark-withdraw"
    ),
    path("cases/<str:uid>/facts/", adopt, name="case-adopt"),
    path("cases/<str:uid>/route/", route_raise, name="case-raise"),
    path("cases/<str:uid>/submit/", review_submit, name="case-submit"),
    path("cases/<str:uid>/return/", review_return, name="case-return"),
    path("cases/<str:uid>/confirm/", review_confirm, name="case-confirm"),
    path("pages/<str:uid>/open/", page_open, name="page-open"),
    path("pages/<str:uid>/thumb/", page_thumb, name="page-thumb"),
    path("tiles/<int:level>/<int:column>/<int:row>/", page_tile, name="page-tile"),
]
