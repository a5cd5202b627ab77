"""Who gets in where: strangers nowhere but on the public pages, each post on its own."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from web_factories import World, world

from lantai.access.models import RefusedAttempt
from lantai.identity.rules import MAY, Act, Role

pytestmark = pytest.mark.django_db

PUBLIC: Final = {
    "account_login",
    "account_logout",  # sends a stranger on to the sign-in page by itself
    "account_inactive",
    "mfa_authenticate",  # the second step of signing in; without the first it leads back
    "set_language",
    "text-size",
    "verify",
    "verify-file",
    "health",
    "demo-progress",  # how far the loading is; nothing outside the demo
}
VALUES: Final = {"int": "0", "str": "0123456789abcdef", "slug": "a"}

# The pages of this room that take no key, and the act that opens them.
PAGES: Final = {
    "dossiers": Act.SEARCH_DOSSIERS,
    "log": Act.VIEW_LOG,
    "openings": Act.VIEW_OPENINGS,
    "refusals": Act.VIEW_OPENINGS,
    "grants": Act.VIEW_OPENINGS,
    "figures": Act.VIEW_FIGURES,
    "accounts": Act.VIEW_ACCOUNTS,
    "account-new": Act.KEEP_ACCOUNTS,
    "post-requests": Act.VIEW_ACCOUNTS,
    "own": Act.FOLLOW_OWN_CASE,
}


@pytest.fixture
def office(noon: datetime) -> World:
    return world(at=noon)


def _patterns(resolver: URLResolver, above: str = "") -> Iterator[tuple[str, str]]:
    """Every address with a value in each of its places, by name."""
    for entry in resolver.url_patterns:
        route = above + str(entry.pattern)
        if isinstance(entry, URLPattern):
            for converter, value in VALUES.items():
                while f"<{converter}:" in route:
                    begin = route.index(f"<{converter}:")
                    route = route[:begin] + value + route[route.index(">", begin) + 1 :]
            yield entry.name or route, f"/{route}"
        else:
            yield from _patterns(entry, route)


ADDRESSES: Final = dict(_patterns(get_resolver()))


def test_no_address_is_left_out_of_the_walk() -> None:
    assert len(ADDRESSES) > 40
    assert not [route for route in ADDRESSES.values() if "<" in route or "(" in route]


@pytest.mark.parametrize("name", sorted(set(ADDRESSES) - PUBLIC))
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_is_sent_to_sign_in(name: str, method: str) -> None:
    answer = getattr(Client(), method)(ADDRESSES[name])

    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", ["account_login", "verify", "verify-file", "health"])
def test_a_stranger_sees_the_public_pages(name: str) -> None:
    assert Client().get(ADDRESSES[name]).status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "/accounts/signup/",
        "/accounts/password/reset/",
        "/accounts/email/",
        "/accounts/2fa/webauthn/",
        "/admin/",
    ],
)
def test_what_the_office_does_not_use_has_no_address(office: World, address: str) -> None:
    answer = office.client(Role.SYSTEM_ADMIN).get(address)

    assert answer.status_code == 404


@pytest.mark.parametrize("role", list(Role))
def test_everybody_has_a_desk(office: World, role: Role) -> None:
    answer = office.client(role).get("/", follow=True)

    assert answer.status_code == 200
    assert office.people[role].name in answer.content.decode()


@pytest.mark.parametrize("name", sorted(PAGES))
@pytest.mark.parametrize("role", list(Role))
def test_a_page_opens_to_the_posts_of_its_act_alone(office: World, name: str, role: Role) -> None:
    allowed = role in MAY[PAGES[name]]

    answer = office.client(role).get(reverse(name))

    assert answer.status_code == (200 if allowed else 403)
    assert RefusedAttempt.objects.exists() is not allowed


@pytest.mark.parametrize("role", list(Role))
def test_the_top_bar_leads_only_where_the_person_may_go(office: World, role: Role) -> None:
    browser = office.client(role)
    shown = browser.get("/", follow=True).context["chrome"].modules

    for module in shown:
        assert browser.get(reverse(module["url"])).status_code == 200, module["url"]


@pytest.mark.parametrize("role", list(Role))
def test_a_dossier_opens_to_the_posts_that_may_see_its_catalogue(office: World, role: Role) -> None:
    answer = office.client(role).get(reverse("dossier", args=[office.dossier.uid]))

    assert answer.status_code == (200 if role in MAY[Act.VIEW_CATALOGUE] else 403)
