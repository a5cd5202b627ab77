"""Dossiers: found, looked through by their catalogue, their catalogue corrected."""

from collections import Counter, defaultdict
from itertools import groupby
from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from lantai.access import queries as access
from lantai.access.rules import SECRET
from lantai.cases import queries as cases
from lantai.dossiers import queries as dossiers
from lantai.dossiers import services
from lantai.dossiers.models import Dossier, Material, Page
from lantai.dossiers.rules import STATE_LABELS, State
from lantai.identity import queries as people
from lantai.identity import services as identity
from lantai.identity.rules import Act
from lantai.lib import catalogue
from lantai.lib.refusals import NotFound, NotPermitted
from lantai.preservation import queries as preservation
from lantai.web.http import SignedIn, may_any, onward

LONGEST_QUERY: Final = 80
LATEST: Final = 8
NO_DOSSIER: Final = "没有这份档案，或它不在您的办理范围；请核对后从档案查询进入"
TONES: Final = {State.IN_STORE: "ok", State.OUT_REVIEW: "warn", State.RETIRED: "plain"}


@require_safe
def search(request: SignedIn) -> HttpResponse:
    at = now()
    identity.require(Act.SEARCH_DOSSIERS, by=request.user, at=at)
    text = request.GET.get("q", "").strip()[:LONGEST_QUERY]
    state, body = request.GET.get("state", ""), request.GET.get("body", "")
    found = dossiers.find(text=text, user=request.user, on=identity.office_day(at))
    facets = _facets(found, state=state, body=body)
    if state:
        found = found.filter(state=state)
    if body:
        found = found.filter(body__code=body)
    pages = Paginator(found[: dossiers.COUNT_CAP], dossiers.PAGE_ROWS)
    page = pages.get_page(request.GET.get("page"))
    shown = {
        "q": text,
        "state": state,
        "body": body,
        "page": page,
        "range": pages.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "total": pages.count,
        "more": found[dossiers.COUNT_CAP : dossiers.COUNT_CAP + 1].exists(),
        "facets": facets,
        "tones": TONES,
    }
    part = request.htmx and not request.htmx.history_restore_request
    return render(request, "pages/_dossiers.html" if part else "pages/dossiers.html", shown)


@require_safe
def dossier(request: SignedIn, dossier_uid: str) -> HttpResponse:
    at = now()
    identity.require(Act.VIEW_CATALOGUE, by=request.user, at=at)
    found = _dossier(request, dossier_uid)
    leave = access.leave_for(user=request.user, dossier=found, material=None, at=at)
    in_force = leave is not None and leave.revoked_at is None and leave.closes_at > at
    looks = access.latest_openings().filter(grant__dossier=found)
    materials = dossiers.materials_of(dossier=found)
    secret = dossiers.secret_materials(dossier=found)
    told = access.secrets_seen(user=request.user, dossier=found, at=at)
    pages = dossiers.pages_of(dossier=found)
    shown = {
        "dossier": found,
        "entered_by": people.account(username=found.entered_by),
        "given_by": people.account(username=leave.given_by) if leave else None,
        "tone": TONES[State(found.state)],
        "classes": _classes(materials, pages),
        "secret": secret,
        "veiled": secret - told,
        "destruction": preservation.destruction_of(dossier=found),
        "may_destroy": identity.may(Act.ASK_KEY_DESTROYED, by=request.user, at=at),
        "materials": len(materials),
        "images": sum(getattr(material, "images", 0) for material in materials),
        "leave": leave if in_force else None,
        "own_looks": looks.filter(by=request.user)[:LATEST],
        "looks": looks.count(),
        "custody": found.custody.order_by("-at")[:LATEST],
        "cases": cases.of_dossier(dossier_uid=found.uid)[:LATEST],
        "may_edit": identity.may(Act.EDIT_CATALOGUE, by=request.user, at=at),
        "may_open_case": identity.may(Act.OPEN_CASE, by=request.user, at=at),
        "may_follow": may_any(
            *(Act.OPEN_CASE, Act.REVIEW_CASE, Act.CONFIRM_CASE, Act.DECIDE_CASE, Act.FILE_CASE),
            by=request.user,
            at=at,
        ),
    }
    return render(request, "pages/dossier.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
def amend(request: SignedIn, dossier_uid: str, material_uid: str) -> HttpResponse:
    """Show the entry of the catalogue as a form, and correct it with a reason."""
    at = now()
    identity.require(Act.EDIT_CATALOGUE, by=request.user, at=at)
    found = _dossier(request, dossier_uid)
    material = found.materials.filter(uid=material_uid).first()
    if material is None:
        raise NotFound("目录中没有这份材料，请刷新目录后重试")
    told = access.secrets_seen(user=request.user, dossier=found, at=at)
    if dossiers.is_secret(material=material) and material.pk not in told:
        raise NotPermitted(SECRET)
    if request.method == "POST":
        services.amend_material(
            material_uid=material.uid,
            amendment=services.Amendment(
                title=request.POST.get("title", ""),
                formed=request.POST.get("formed", ""),
                remark=request.POST.get("remark", ""),
                reason=request.POST.get("reason", ""),
            ),
            by=request.user,
            at=at,
        )
        messages.success(request, _("目录已修改并留痕"))
        return onward(request, "dossier", found.uid)
    return render(
        request,
        "pages/material_edit.html",
        {
            "dossier": found,
            "material": material,
            "leaf": catalogue.leaf(material.class_code),
            "secret": dossiers.is_secret(material=material),
            "may_mark": identity.may(Act.MARK_SECRET, by=request.user, at=at),
        },
    )


def _dossier(request: SignedIn, uid: str) -> Dossier:
    found = dossiers.by_uid(uid=uid, user=request.user, on=identity.office_day(now()))
    if found is None:
        raise NotFound(NO_DOSSIER)
    return found


def _facets(found: QuerySet[Dossier], *, state: str, body: str) -> dict[str, Any]:
    """How many there are of each state and body; numbers only as far as the cap lets count."""
    rows = list(found.values_list("state", "body__code", "body__name")[: dossiers.COUNT_CAP + 1])
    whole = len(rows) <= dossiers.COUNT_CAP
    states = Counter(row[0] for row in rows if body in {"", row[1]})
    bodies = Counter(row[1:] for row in rows if state in {"", row[0]})
    return {
        "states": [
            (each.value, label, TONES[each], states[each.value] if whole else None)
            for each, label in STATE_LABELS.items()
        ],
        "bodies": [
            (code, name, count if whole else None) for (code, name), count in sorted(bodies.items())
        ],
    }


def _classes(materials: list[Material], pages: list[Page]) -> list[dict[str, Any]]:
    """The catalogue by its classes, each with its entries, their pages, the sides they have."""
    of: dict[int, list[Page]] = defaultdict(list)
    for page in pages:
        of[page.material_id].append(page)
    found = []
    for code, group in groupby(materials, key=lambda material: material.class_code):
        entries = list(group)
        found.append(
            {
                "leaf": catalogue.leaf(code),
                "entries": [(entry, of[entry.pk]) for entry in entries],
                "sides": sum(entry.page_count for entry in entries),
            }
        )
    return found


urlpatterns = [
    path("dossiers/", search, name="dossiers"),
    path("dossiers/<str:dossier_uid>/", dossier, name="dossier"),
    path(
        "dossiers/<str:dossier_uid>/materials/<str:material_uid>/edit/",
        amend,
        name="dossier-material-edit",
    ),
]
