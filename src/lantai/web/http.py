"""The request of a person who has signed in, and the small answers that views share."""

from datetime import datetime
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import Act
from lantai.identity.sessions import Place

LONGEST_ADDRESS: Final = 45  # an IPv6 address with an embedded IPv4 one


class SignedIn(HttpRequest):
    """A request behind LoginRequiredMiddleware."""

    user: User
    htmx: HtmxDetails


def address_of(request: HttpRequest) -> str:
    """The terminal a request came from, as the server saw it."""
    return str(request.META.get("REMOTE_ADDR", ""))[:LONGEST_ADDRESS]


def place_of(request: HttpRequest) -> Place:
    """The terminal of a request, and what its browser says of itself."""
    return Place(address=address_of(request), device=request.headers.get("User-Agent", ""))


def may_any(*acts: Act, by: User, at: datetime) -> bool:
    """Tell whether a person's posts allow at least one of the acts."""
    return any(identity.may(act, by=by, at=at) for act in acts)


def onward(request: SignedIn, to: str, *args: Any) -> HttpResponse:
    """Send the person on after a deed, also when a part of a page sent the form."""
    if request.htmx:
        return HttpResponseClientRedirect(resolve_url(to, *args))
    return redirect(to, *args)


def part_of(found: QuerySet[Any], request: HttpRequest, *, rows: int) -> Page[Any]:
    """The page of a list that the address asks for; the nearest one if there is no such page."""
    return Paginator(found, rows).get_page(request.GET.get("page"))
