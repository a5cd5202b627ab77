"""Rows of dossiers against what the log says of them: what a hand in the database changed shows."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

from lantai.dossiers.models import Custody, Dossier, Material, Page, Person, Secrecy
from lantai.dossiers.rules import State
from lantai.ledger import queries as ledger
from lantai.ledger import statements
from lantai.ledger.audit import MISSING, Difference
from lantai.ledger.models import Entry, OpeningDestroyed
from lantai.ledger.statements import Shape
from lantai.lib import canonical
from lantai.lib.tlog.leaf import moment

_AT_ONCE: Final = 200
_ENTERED: Final = "dossiers.dossier.entered"
# What the statement of a dossier does not say of its rows already.
DOSSIER: Final = Shape(
    Dossier,
    "uid",
    {"entered_at": "entered_at", "entered_by": "entered_by", "person": "person__uid"},
)
MATERIAL: Final = Shape(Material, "uid", {"page_count": "page_count", "dossier": "dossier__uid"})
PAGE: Final = Shape(
    Page,
    "uid",
    {
        name: name
        for name in ("width", "height", "dpi", "scanned_by", "scanned_at", "device", "norm")
    }
    | {"batch": "batch"},
)
CUSTODY: Final = Shape(
    Custody,
    "pk",
    {name: name for name in ("way", "purpose", "sides", "by", "to", "at")}
    | {"dossier": "dossier__uid"},
)
SECRECY: Final = Shape(
    Secrecy,
    "uid",
    {
        name: name
        for name in ("reason", "marked_by", "marked_at", "lift_reason", "lifted_by", "lifted_at")
    }
    | {"material": "material__uid"},
)
_SHAPES: Final = (
    (DOSSIER, "pk"),
    (MATERIAL, "dossier"),
    (PAGE, "material__dossier"),
    (CUSTODY, "dossier"),
    (SECRECY, "material__dossier"),
)
# Only the entries that state their rows tell that they are there.
_STATED_WHOLE: Final = (CUSTODY, SECRECY)
# A row by its table and key, its columns, and since when the log says so.
_Rows = dict[tuple[str, str], dict[str, Any]]


def digest_of(person: Person) -> str:
    """The SHA-256 of who a dossier is about; the log holds it instead of the ID number."""
    cells = {
        "name": person.name,
        "sex": person.sex,
        "ethnic": person.ethnic,
        "id_number": person.id_number,
    }
    return hashlib.sha256(canonical.dumps(cells)).hexdigest()


def said_of(material: Material) -> dict[str, Any]:
    """A line of the catalogue as the log states it."""
    return {
        "material": material.uid,
        "class": material.class_code,
        "sequence": material.sequence,
        "title": material.title,
        "formed": material.formed,
        "formed_text": material.formed_text,
        "remark": material.remark,
    }


def stated_of_dossier(dossier: Dossier) -> list[list[Any]]:
    """What else an entry states of a dossier, its materials and its pages."""
    return [
        *DOSSIER.stated(pk=dossier.pk),
        *MATERIAL.stated(dossier=dossier.pk),
        *PAGE.stated(material__dossier=dossier.pk),
    ]


def stated_of_material(material: Material) -> list[list[Any]]:
    """What else an entry states of a material and its pages."""
    return [*MATERIAL.stated(pk=material.pk), *PAGE.stated(material=material.pk)]


def check_rows() -> Iterator[Difference]:
    """Yield every difference between the rows of dossiers and the log, dossier by dossier.

    Dossiers of which an entry was destroyed on purpose are passed over.
    """
    keys = list(Dossier.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), _AT_ONCE):
        dossiers = list(
            Dossier.objects.filter(pk__in=keys[start : start + _AT_ONCE])
            .select_related("person", "body")
            .prefetch_related("materials__pages__blob")
            .order_by("pk")
        )
        entries = _entries(dossiers)
        whole = []  # of which no entry was destroyed
        for dossier in dossiers:
            try:
                said, since = _said(dossier, entries[f"dossier:{dossier.uid}"])
            except OpeningDestroyed:
                continue
            yield from _differences(said, _held(dossier), since)
            whole.append(dossier)
        yield from _more_differences(whole, entries)
    known = set(Dossier.objects.values_list("uid", flat=True))
    for entry in ledger.entries(action=_ENTERED).iterator(chunk_size=2000):
        uid = entry.subject.removeprefix("dossier:")
        if uid not in known:
            yield Difference("dossiers_dossier", uid, "", "在库", MISSING, moment(entry.at))
    for uid in Person.objects.filter(dossiers=None).values_list("uid", flat=True):
        yield Difference("dossiers_person", uid, "", MISSING, statements.UNKNOWN, "")


def _entries(dossiers: Iterable[Dossier]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    subjects = [f"dossier:{dossier.uid}" for dossier in dossiers]
    for entry in ledger.entries(stream="records").filter(subject__in=subjects).order_by("index"):
        found[entry.subject].append(entry)
    return found


def _said(dossier: Dossier, entries: Iterable[Entry]) -> tuple[_Rows, str]:
    """What the rows of a dossier have to be after everything the log tells of it."""
    rows: _Rows = {}
    since = ""
    for entry in entries:
        whole = rows.setdefault(("dossiers_dossier", dossier.uid), {})
        match entry.action:
            case "dossiers.dossier.entered":
                _enter(rows, dossier, entry.facts)
            case "dossiers.material.added":
                _catalogue(rows, [entry.facts], entry.facts["manifest"])
                whole["paper_sides"] = whole.get("paper_sides", 0) + len(entry.facts["manifest"])
            case "dossiers.material.amended":
                key = ("dossiers_material", entry.facts["material"])
                rows.setdefault(key, {}).update(entry.facts["after"])
            case "dossiers.paper.handed":
                out = entry.facts["way"] == Custody.Way.OUT
                whole["state"] = str(State.OUT_REVIEW if out else State.IN_STORE)
            case "dossiers.dossier.retired":
                whole["state"] = str(State.RETIRED)
            case _:
                continue
        since = moment(entry.at)
    return rows, since


def _more_differences(
    dossiers: Iterable[Dossier], entries: Mapping[str, list[Entry]]
) -> Iterator[Difference]:
    """What the entries state of single rows; rows that are missing are told of before."""
    keys = [dossier.pk for dossier in dossiers]
    told = chain.from_iterable(entries[f"dossier:{dossier.uid}"] for dossier in dossiers)
    stated, _ = statements.replay(told)
    for shape, path in _SHAPES:
        held = shape.held(**{f"{path}__in": keys})
        yield from statements.differences(
            shape, held, stated, columns_only=shape not in _STATED_WHOLE
        )


def _enter(rows: _Rows, dossier: Dossier, facts: Mapping[str, Any]) -> None:
    rows["dossiers_dossier", dossier.uid] = {
        "body": facts["body"],
        "number": facts["number"],
        "employer": facts["employer"],
        "paper_sides": facts["paper_sides"],
        "state": str(State.IN_STORE),
    }
    rows["dossiers_person", facts["person"]] = {"sha256": facts["person_sha256"]}
    _catalogue(rows, facts["catalogue"], facts["manifest"])


def _catalogue(
    rows: _Rows, materials: Iterable[Mapping[str, Any]], pages: Iterable[Mapping[str, Any]]
) -> None:
    for material in materials:
        rows["dossiers_material", material["material"]] = {
            key: material[key]
            for key in ("class", "sequence", "title", "formed", "formed_text", "remark")
        }
    for page in pages:
        rows["dossiers_page", page["page"]] = {
            key: page[key] for key in ("path", "sha256", "sm3", "bytes")
        }


def _held(dossier: Dossier) -> _Rows:
    """What the rows of a dossier are."""
    rows: _Rows = {
        ("dossiers_dossier", dossier.uid): {
            "body": dossier.body.code,
            "number": dossier.number,
            "employer": dossier.employer,
            "paper_sides": dossier.paper_sides,
            "state": dossier.state,
        },
        ("dossiers_person", dossier.person.uid): {"sha256": digest_of(dossier.person)},
    }
    for material in dossier.materials.all():
        _catalogue(rows, [said_of(material)], [said_of_page(page) for page in material.pages.all()])
    return rows


def said_of_page(page: Page) -> dict[str, str | int]:
    """A page as the log and the manifests state it; its material and blob are at hand."""
    return {
        "page": page.uid,
        "path": f"{page.material.class_code}-{page.material.sequence}-{page.number:03d}",
        "sha256": page.blob.sha256,
        "sm3": page.blob.sm3,
        "bytes": page.blob.size,
    }


def _differences(said: _Rows, held: _Rows, since: str) -> Iterator[Difference]:
    for table, key in sorted(said.keys() | held.keys()):
        stated, there = said.get((table, key)), held.get((table, key))
        if stated is None or there is None:
            if stated is None:
                yield Difference(table, key, "", MISSING, "日志中没有这一行的来历", "")
            else:
                yield Difference(table, key, "", "应有此行", MISSING, since)
            continue
        for column, value in there.items():
            expected = stated.get(column, MISSING)
            if expected != value:
                yield Difference(table, key, column, str(expected), str(value), since)
