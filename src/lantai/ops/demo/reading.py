"""The demo's officers read: they open pages through the door and take down what stands there.

Where it stands is known from the drawing (``truth.json``); the claims are tied to those places.
"""

from typing import Any, Final

from lantai.access import services as access
from lantai.cases import queries
from lantai.cases import services as cases
from lantai.cases.models import Case
from lantai.cases.rules.facts import Fact, Stretch
from lantai.cases.services import NewClaim
from lantai.dossiers import queries as dossiers
from lantai.dossiers.models import Page
from lantai.identity.models import User
from lantai.lib.dates import PartialDate
from lantai.ops.home import clock

_ADDRESS: Final = "127.0.0.1"
# How a stretch of life stands in a case: the fact it is claimed under, and its kind.
_STAGES: Final = {
    "study": (Fact.STUDY, Stretch.STUDY),
    "farm": (Fact.SERVICE, Stretch.FARMING),
    "countryside": (Fact.COUNTRYSIDE, Stretch.COUNTRYSIDE),
    "army": (Fact.ARMY, Stretch.ARMY),
    "apprentice": (Fact.SERVICE, Stretch.APPRENTICE),
    "work": (Fact.SERVICE, Stretch.WORK),
}


def look_at_key_pages(case: Case, *, by: User) -> None:
    """Open every key page of a case, each look recorded."""
    wanted = set(queries.key_pages(case=case))
    for page in dossiers.pages_of(dossier=case.dossier):
        if page.uid in wanted:
            access.open_page(page=page, by=by, at=clock(), address=_ADDRESS)


def state_claims(
    case: Case, truth: dict[str, Any], *, facts: tuple[str, ...] | None, by: User
) -> None:
    """State what the pages say; ``facts`` narrows it. A page is opened before it is read."""
    opened: set[str] = set()
    for page in dossiers.pages_of(dossier=case.dossier):
        for said in _said_on(page, truth):
            claim = _claim(page, said)
            if claim is None or (facts is not None and claim.fact not in facts):
                continue
            if page.uid not in opened:
                access.open_page(page=page, by=by, at=clock(), address=_ADDRESS)
                opened.add(page.uid)
            cases.state_claim(case_uid=case.uid, claim=claim, by=by, at=clock())


def adopt_what_is_proposed(case: Case, *, by: User) -> None:
    """Adopt the proposal for birth and first work."""
    for fact in (Fact.BIRTH, Fact.FIRST_WORK):
        proposal = queries.proposal(case=case, fact=fact)
        if proposal.value:
            cases.adopt(
                case_uid=case.uid, fact=fact, value=proposal.value, reason="", by=by, at=clock()
            )


def _said_on(page: Page, truth: dict[str, Any]) -> list[dict[str, Any]]:
    """The claims drawn on a page, by its file's name."""
    material = page.material
    name = f"{material.class_code}-{material.sequence}-{page.number:03d}.jpg"
    for drawn in truth["pages"]:
        if drawn["file"] == name:
            said: list[dict[str, Any]] = drawn["claims"]
            return said
    return []


def _claim(page: Page, said: dict[str, Any]) -> NewClaim | None:
    """What a drawn claim is in a case, or None where a reviewer records nothing."""
    x, y, width, height = said["region"]
    place: dict[str, Any] = {
        "page_uid": page.uid,
        "region": (x, y, width, height),
        "written": said["written"],
        "altered": bool(said.get("altered")),
        "lunar": said.get("calendar") == "lunar",
    }
    match said["fact"]:
        case "birth":
            return NewClaim(fact=Fact.BIRTH, since=PartialDate.parse(said["value"]), **place)
        case "first_work":
            return NewClaim(fact=Fact.FIRST_WORK, since=PartialDate.parse(said["value"]), **place)
        case "name":
            return NewClaim(fact=Fact.NAME, text=said["value"], **place)
        case "service":
            fact, kind = _STAGES[said["stage"]]
            return NewClaim(
                fact=fact,
                kind=kind,
                since=PartialDate.parse(said["start"]),
                until=PartialDate.parse(said["end"]) if said["end"] else None,
                unit=said["unit"],
                **place,
            )
        case _:
            return None
