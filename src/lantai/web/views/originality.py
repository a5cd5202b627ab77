"""Originality of a page: its master read again, held against the log, told on one sheet."""

import logging
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from lantai.access import originals
from lantai.access import services as access
from lantai.dossiers.models import Page
from lantai.identity import queries as people
from lantai.identity import services as identity
from lantai.identity.rules import Act
from lantai.imaging.origins import origin_of
from lantai.ledger import finality
from lantai.ledger import queries as ledger
from lantai.ledger.models import Entry, OpeningDestroyed
from lantai.lib.refusals import NotFound
from lantai.web.http import SignedIn, address_of

logger = logging.getLogger(__name__)
LONGEST: Final = 40
NO_PAGE: Final = "没有这一页，请从档案目录重新进入"
NO_SHEET: Final = "没有这份原始性确认，请从档案目录重新确认"


@require_POST
def confirm(request: SignedIn) -> HttpResponse:
    """Read the master of one page now, record what was found, lead to the sheet."""
    page = originals.confirmed_page(uid=request.POST.get("page", "")[:LONGEST])
    if page is None:
        raise NotFound(NO_PAGE)
    entry = access.confirm_original(
        page=page, by=request.user, at=now(), address=address_of(request)
    )
    if not entry.facts["agrees"]:
        logger.critical(
            "a page is not what the log says of it: page %s, entry access/%s: %s",
            page.uid,
            entry.index,
            "; ".join(entry.facts["differences"]),
        )
    return redirect("original", entry.index)


@never_cache
@require_safe
def original(request: SignedIn, index: int) -> HttpResponse:
    """The sheet of a confirmation, for whoever asked for it and for those who may see the log."""
    entry = originals.confirmation(index=index)
    if entry is None:
        raise NotFound(NO_SHEET)
    if entry.actor != request.user.username:
        identity.require(Act.VIEW_LOG, by=request.user, at=now())
    try:
        facts = entry.facts
    except OpeningDestroyed as gone:
        raise NotFound(*gone.reasons) from gone
    page = originals.confirmed_page(uid=facts["page"])
    if page is None:
        raise NotFound(NO_PAGE)
    return render(request, "pages/original.html", _sheet(entry, facts, page))


def _sheet(entry: Entry, facts: dict[str, Any], page: Page) -> dict[str, Any]:
    origin = origin_of(page=page)
    asked = people.account(username=entry.actor)
    return {
        "entry": entry,
        "facts": facts,
        "page": page,
        "material": page.material,
        "dossier": page.material.dossier,
        "origin": origin,
        "scanner": people.account(username=page.scanned_by),
        "asked_by": asked,
        "standing": finality.standing_of(entry),
        "source": _source(facts["entry"]),
    }


def _source(place: str | None) -> dict[str, Any] | None:
    """Where the log states the digest: the entry, its head, how firmly it stands."""
    if not place:
        return None
    stream, _, index = place.partition("/")
    entry = ledger.entries(stream=stream).filter(index=int(index)).first()
    if entry is None:
        return None
    head = ledger.latest_head(stream=stream)
    covered = head if head and entry.index < head.size else None
    return {
        "entry": entry,
        "by": people.account(username=entry.actor),
        "head": covered,
        "root": bytes(covered.root).hex() if covered else "",
        "origin": ledger.origin_of(stream=stream),
        "standing": finality.standing_of(entry),
    }


urlpatterns = [
    path("originals/", confirm, name="original-confirm"),
    path("originals/<int:index>/", original, name="original"),
]
