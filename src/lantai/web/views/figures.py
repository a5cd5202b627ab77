"""Figures of supervision, and the accounts of the administrators."""

from collections import Counter
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Q, Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from lantai.access import queries as access
from lantai.access.rules import PURPOSE_LABELS, Purpose
from lantai.cases import queries as cases
from lantai.cases.rules.workflow import CLOCK_STANDS
from lantai.cases.rules.workflow import STATE_LABELS as CASE_LABELS
from lantai.cases.rules.workflow import State as CaseState
from lantai.certificates import queries as certificates
from lantai.dossiers import queries as dossiers
from lantai.identity import queries as identity
from lantai.identity import services
from lantai.identity.rules import ROLE_LABELS, Act, Role
from lantai.ledger import queries as ledger
from lantai.ledger.models import STREAMS
from lantai.web import charts
from lantai.web.desks.oversight import UNUSED_AFTER
from lantai.web.http import SignedIn, part_of

ROWS: Final = 40


@require_safe
def figures(request: SignedIn) -> HttpResponse:
    """Numbers of the person's bodies, as of this moment."""
    at = now()
    services.require(Act.VIEW_FIGURES, by=request.user, at=at)
    day = services.office_day(at)
    held = dossiers.in_scope(user=request.user, on=day)
    reach = identity.bodies_in_scope(user=request.user, on=day)
    looks = access.latest_openings().filter(grant__dossier__body__in=reach)
    month = _month_began(at)
    running = cases.in_scope(user=request.user, at=at)
    issued = certificates.in_scope(user=request.user, at=at)
    by_body = list(
        held.order_by()
        .values("body__name")
        .annotate(dossiers=Count("pk"), sides=Sum("paper_sides"))
        .order_by("-dossiers", "body__name")
    )
    states = Counter(dict(running.order_by().values_list("state").annotate(Count("pk"))))
    purposes = dict(
        looks.filter(at__gte=month).order_by().values_list("grant__purpose").annotate(Count("pk"))
    )
    shown = {
        "at": at,
        "dossiers": sum(row["dossiers"] for row in by_body),
        "sides": sum(row["sides"] for row in by_body),
        "looks": looks.count(),
        "looks_month": sum(purposes.values()),
        "refused_month": access.latest_refusals().filter(at__gte=month).count(),
        "open_cases": running.filter(closed_at=None).count(),
        "overdue": running.filter(closed_at=None, due_on__lt=day)
        .exclude(state__in=CLOCK_STANDS)
        .count(),
        "issued": issued.count(),
        "revoked": issued.exclude(revoked_at=None).count(),
        "bodies": by_body,
        "images": held.aggregate(images=Count("materials__pages"))["images"],
        "log": _log(),
        "body_bars": charts.horizontal((row["body__name"], row["dossiers"]) for row in by_body),
        "state_bars": charts.horizontal(
            (CASE_LABELS[state], states[state.value]) for state in CaseState
        ),
        "purpose_bars": charts.horizontal(
            (PURPOSE_LABELS[purpose], purposes.get(purpose.value, 0)) for purpose in Purpose
        ),
    }
    return render(request, "pages/figures.html", shown)


@require_safe
def accounts(request: SignedIn) -> HttpResponse:
    """Accounts with their posts; those that nobody uses stand out."""
    at = now()
    services.require(Act.VIEW_ACCOUNTS, by=request.user, at=at)
    day = services.office_day(at)
    found = identity.accounts()
    text = request.GET.get("q", "").strip()[:40]
    role = request.GET.get("role", "")
    if text:
        found = found.filter(Q(username__icontains=text) | Q(name__icontains=text))
    if role in {each.value for each in Role}:
        found = found.filter(
            Q(posts__role=role, posts__since_on__lte=day)
            & (Q(posts__until_on=None) | Q(posts__until_on__gte=day))
        ).distinct()
    page = part_of(found, request, rows=ROWS)
    shown: dict[str, Any] = {
        "q": text,
        "role": role,
        "roles": [(each.value, label) for each, label in ROLE_LABELS.items()],
        "page": page,
        "range": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "today": day,
        "unused_since": at - UNUSED_AFTER,
        "may_keep": services.may(Act.KEEP_ACCOUNTS, by=request.user, at=at),
    }
    part = request.htmx and not request.htmx.history_restore_request
    return render(request, "pages/_accounts.html" if part else "pages/accounts.html", shown)


def _log() -> dict[str, int]:
    """How many entries both streams have, and how many of them a signature covers."""
    heads = [ledger.latest_head(stream=stream) for stream in STREAMS]
    return {
        "entries": sum(ledger.size_of(stream=stream) for stream in STREAMS),
        "sealed": sum(head.size for head in heads if head),
    }


def _month_began(at: datetime) -> datetime:
    local = at.astimezone(services.OFFICE_TIME)
    return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


urlpatterns = [
    path("oversight/figures/", figures, name="figures"),
    path("accounts-and-posts/", accounts, name="accounts"),
]
