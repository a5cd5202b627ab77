"""Plain facts for tests of the rules: a man of 1965 with an ordinary working life."""

from datetime import date
from typing import Any

from lantai.cases.rules import policy as policies
from lantai.cases.rules.facts import CaseFacts, ClaimFact, Fact, Group, MaterialFact
from lantai.lib.catalogue import MaterialKind
from lantai.lib.dates import Month, PartialDate

POLICY = policies.latest(date(2026, 11, 25))
ID_NUMBER = "990101196503120012"  # born 1965-03-12, a man; the check digit plays no part here


def on(text: str) -> PartialDate | None:
    """A partial date from its text; None for no text."""
    return PartialDate.parse(text) if text else None


def claim(
    fact: Fact, name: str = "", *, since: str = "", until: str = "", formed: str = "", **rest: Any
) -> ClaimFact:
    """A claim; dates are given as text."""
    return ClaimFact(
        id=name or fact.value,
        fact=fact,
        since=on(since),
        until=on(until),
        formed=on(formed),
        **{"material": f"m-{name or fact.value}", "page": f"p-{name or fact.value}", **rest},
    )


def born(name: str, when: str, formed: str, **rest: Any) -> ClaimFact:
    """What a material says of the birth; blank for no such statement or no date of forming."""
    return claim(Fact.BIRTH, name, since=when, formed=formed, **{"material_title": name, **rest})


def worked(name: str, since: str, until: str, **rest: Any) -> ClaimFact:
    """A stretch of work shown by a wage form."""
    rest = {"material_kind": MaterialKind.WAGE_FORM, "unit": "曙光印刷厂", **rest}
    return claim(rest.pop("fact", Fact.SERVICE), name, since=since, until=until, **rest)


def material(name: str, kind: MaterialKind, **rest: Any) -> MaterialFact:
    """A catalogue entry whose one page has its image."""
    return MaterialFact(
        **{
            "id": f"m-{name}",
            "title": name,
            "kind": kind,
            "page_count": 1,
            "images": 1,
            "pages": (f"p-{name}",),
            **rest,
        }
    )


CLEAN_CLAIMS = (
    born("学籍卡", "1965-03-12", "1977-09", material_kind=MaterialKind.SCHOOL_CARD),
    born("招工表", "1965-03-12", "1983-09-05", material_kind=MaterialKind.HIRE_FORM),
    claim(
        Fact.FIRST_WORK,
        "起始",
        since="1983-09-05",
        formed="1983-09-05",
        material_title="招工登记表",
        material_kind=MaterialKind.HIRE_FORM,
    ),
    worked("在厂", "1983-09-05", "1999-06-30", formed="1999-06"),
)
CLEAN_MATERIALS = (
    material("学籍卡", MaterialKind.SCHOOL_CARD, formed=on("1977-09"), scanned_on=date(2026, 3, 2)),
    material("招工登记表", MaterialKind.HIRE_FORM, formed=on("1983-09-05")),
)


def case(**changes: Any) -> CaseFacts:
    """A case in which everything fits together; ``changes`` replace parts of it."""
    return CaseFacts(
        **{
            "group": Group.M60,
            "name": "彭建国",
            "sex": "1",
            "id_number": ID_NUMBER,
            "applied": Month(2025, 1),
            "paid_from": Month(1992, 10),
            "paid_months": 300,
            "claims": CLEAN_CLAIMS,
            "materials": CLEAN_MATERIALS,
            "arrived_on": date(2003, 5, 6),
            **changes,
        }
    )
