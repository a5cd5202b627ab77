"""Oversight: the log and its proofs, openings, refusals, grants."""

import json
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from lantai.access import queries as access
from lantai.access import services as door
from lantai.access.rules import PURPOSE_LABELS
from lantai.identity import services as identity
from lantai.identity.rules import Act
from lantai.ledger import queries as ledger
from lantai.ledger.models import STREAMS, Entry, OpeningDestroyed
from lantai.lib.refusals import NotFound, Unacceptable
from lantai.web.http import SignedIn, onward, part_of
from lantai.web.labels import ACTION_LABELS, STREAM_LABELS, action_label

ROWS: Final = 40
LONGEST: Final = 80


@require_safe
def log(request: SignedIn) -> HttpResponse:
    """The newest entries first, page by page backwards in time."""
    identity.require(Act.VIEW_LOG, by=request.user, at=now())
    stream = request.GET.get("stream", "")
    wanted = {
        "stream": stream if stream in STREAMS else "",
        "action": request.GET.get("action", "")[:LONGEST],
        "subject": request.GET.get("subject", "").strip()[:LONGEST],
        "actor": request.GET.get("actor", "").strip()[:LONGEST],
    }
    found = ledger.entries(
        stream=wanted["stream"] or None, subject=wanted["subject"], action=wanted["action"]
    )
    if wanted["actor"]:
        found = found.filter(actor=wanted["actor"])
    before = request.GET.get("before", "")
    if before.isdecimal():
        found = found.filter(pk__lt=int(before))
    rows = list(found[: ROWS + 1])
    sealed = {name: _sealed_up_to(name) for name in STREAMS}
    shown = {
        **wanted,
        "rows": [
            {
                "entry": entry,
                "label": action_label(entry.action),
                "stream": STREAM_LABELS[entry.stream],
                "sealed": entry.index < sealed[entry.stream],
            }
            for entry in rows[:ROWS]
        ],
        "older": rows[ROWS - 1].pk if len(rows) > ROWS else None,
        "before": before,
        "streams": STREAM_LABELS,
        "actions": sorted(ACTION_LABELS.items(), key=lambda action: action[0]),
        "heads": [_head(name) for name in STREAMS],
    }
    part = request.htmx and not request.htmx.history_restore_request
    return render(request, "pages/_log.html" if part else "pages/log.html", shown)


@require_safe
def log_entry(request: SignedIn, stream: str, index: int) -> HttpResponse:
    """One entry: its leaf, what it commits to, and the proof that it is in a signed head."""
    identity.require(Act.VIEW_LOG, by=request.user, at=now())
    entry = ledger.entries(stream=stream).filter(index=index).first()
    if entry is None:
        raise NotFound("日志中没有这一条记录，请核对序号后从存证日志进入")
    kind, _colon, uid = entry.subject.partition(":")
    shown = {
        "entry": entry,
        "label": action_label(entry.action),
        "stream": STREAM_LABELS[entry.stream],
        "leaf": _leaf_text(entry),
        "leaf_hash": bytes(entry.leaf_hash).hex(),
        "last": ledger.size_of(stream=stream) - 1,
        "dossier": uid if kind == "dossier" else "",
        "previous": index - 1,
        "next": index + 1,
        **_content(entry),
        **_proof(entry),
    }
    return render(request, "pages/log_entry.html", shown)


@require_safe
def openings(request: SignedIn) -> HttpResponse:
    """Every look at an image: who, which page, what for, when, from where."""
    at = now()
    identity.require(Act.VIEW_OPENINGS, by=request.user, at=at)
    found = access.latest_openings()
    by = request.GET.get("by", "").strip()[:LONGEST]
    purpose = request.GET.get("purpose", "")
    if by:
        found = found.filter(by__username=by)
    if purpose:
        found = found.filter(grant__purpose=purpose)
    found, since, until = _between(request, found)
    page = part_of(found, request, rows=ROWS)
    shown = {
        "by": by,
        "purpose": purpose,
        "since": since,
        "until": until,
        "purposes": [(each.value, label) for each, label in PURPOSE_LABELS.items()],
        "page": page,
        "range": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
    }
    part = request.htmx and not request.htmx.history_restore_request
    return render(request, "pages/_openings.html" if part else "pages/openings.html", shown)


@require_safe
def refusals(request: SignedIn) -> HttpResponse:
    """What was tried and refused, with every reason that was given."""
    identity.require(Act.VIEW_OPENINGS, by=request.user, at=now())
    page = part_of(access.latest_refusals(), request, rows=ROWS)
    shown = {
        "page": page,
        "range": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
    }
    return render(request, "pages/refusals.html", shown)


@require_safe
def grants(request: SignedIn) -> HttpResponse:
    """The leave that is in force, the one that ends first first."""
    at = now()
    identity.require(Act.VIEW_OPENINGS, by=request.user, at=at)
    page = part_of(access.grants_in_force(at=at), request, rows=ROWS)
    shown = {
        "page": page,
        "range": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "may_revoke": identity.may(Act.REVOKE_ACCESS, by=request.user, at=at),
        "soon": at + timedelta(days=1),
    }
    return render(request, "pages/grants.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
def grant_revoke(request: SignedIn, grant_uid: str) -> HttpResponse:
    """Ask for the reason, then take the leave back."""
    at = now()
    identity.require(Act.REVOKE_ACCESS, by=request.user, at=at)
    if request.method == "POST":
        reason = request.POST.get("reason", "").strip()[:LONGEST]
        if not reason:
            raise Unacceptable("请填写收回理由")
        door.revoke(grant_uid=grant_uid, reason=reason, by=request.user, at=at)
        messages.success(request, _("授权已收回，正在打开的影像随即关闭"))
        return onward(request, "grants")
    leave = access.grants_in_force(at=at).filter(uid=grant_uid).first()
    if leave is None:
        raise NotFound("没有这项有效的授权，可能已经收回或到期；请刷新授权列表")
    return render(request, "pages/grant_revoke.html", {"grant": leave})


def _between(request: SignedIn, found: QuerySet[Any]) -> tuple[QuerySet[Any], str, str]:
    """Narrow to the office days that the address names; a day that is none is left out."""
    days = [_day(request.GET.get(name, "")) for name in ("since", "until")]
    since, until = days
    if since:
        found = found.filter(at__gte=_midnight(since))
    if until:
        found = found.filter(at__lt=_midnight(until + timedelta(days=1)))
    return found, str(since or ""), str(until or "")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=identity.OFFICE_TIME)


def _sealed_up_to(stream: str) -> int:
    head = ledger.latest_head(stream=stream)
    return head.size if head else 0


def _head(stream: str) -> dict[str, Any]:
    head = ledger.latest_head(stream=stream)
    size = ledger.size_of(stream=stream)
    return {
        "label": STREAM_LABELS[stream],
        "size": size,
        "waiting": size - (head.size if head else 0),
        "head": head,
        "damage": _damage(stream),
    }


def _damage(stream: str) -> str:
    """Why a stream is not signed any more, as long as it is not; else empty."""
    try:
        ledger.refuse_if_rolled_back(stream=stream)
    except ledger.LogDamaged as damage:
        return str(damage)
    return ""


def _leaf_text(entry: Entry) -> str:
    """The leaf as text; a leaf is canonical JSON."""
    return bytes(entry.leaf).decode(errors="replace")


def _content(entry: Entry) -> dict[str, Any]:
    """What the leaf commits to, or the sentence why it is not there any more."""
    try:
        facts = entry.facts
    except OpeningDestroyed as gone:
        return {"facts": None, "gone": gone.reasons[0]}
    return {"facts": [(name, *_plain(value)) for name, value in facts.items()], "gone": ""}


def _plain(value: Any) -> tuple[str, bool]:
    """A fact as text, and whether it is so long that it is shown folded."""
    if isinstance(value, str):
        return value, False
    if value is None or value == []:
        return "—", False
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, indent=2), True
    return str(value), False


def _proof(entry: Entry) -> dict[str, Any]:
    """The proof against the newest head; a log that was damaged is shown as such."""
    try:
        proof = ledger.sealed(entry).proof
    except (ledger.NotYetSealed, OpeningDestroyed):
        proof = ""
    except ledger.LogDamaged as damage:
        return {"proof": "", "head": None, "damage": str(damage)}
    head = ledger.latest_head(stream=entry.stream)
    covered = head if head and entry.index < head.size else None
    return {"proof": proof, "head": covered, "damage": ""}


urlpatterns = [
    path("oversight/log/", log, name="log"),
    path("oversight/log/<str:stream>/<int:index>/", log_entry, name="log-entry"),
    path("oversight/openings/", openings, name="openings"),
    path("oversight/refusals/", refusals, name="refusals"),
    path("oversight/grants/", grants, name="grants"),
    path("oversight/grants/<str:grant_uid>/revoke/", grant_revoke, name="grant-revoke"),
]
