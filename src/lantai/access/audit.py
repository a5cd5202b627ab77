"""Leave and looks against what the log says of them: what a hand in the database changed shows."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import Model

from lantai.access.models import Grant, Opening, RefusedAttempt
from lantai.dossiers.models import Dossier
from lantai.ledger import queries as ledger
from lantai.ledger.audit import MISSING, Difference
from lantai.ledger.models import Entry, OpeningDestroyed
from lantai.ledger.statements import GONE, THERE, UNKNOWN, plain, text
from lantai.lib.tlog.leaf import moment

_AT_ONCE: Final = 200
_OPENED: Final = ("access.page.opened", "access.strip.opened")
_REFUSED: Final = "access.attempt.refused"
# The columns of a row as the log has them, and the moment of the entry that says so.
_Told = dict[str, tuple[dict[str, Any], str]]


def check_rows() -> Iterator[Difference]:
    """Yield every difference between the rows of access and the log.

    Rows whose entries were destroyed on purpose are passed over.
    """
    keys = list(Dossier.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), _AT_ONCE):
        dossiers = Dossier.objects.filter(pk__in=keys[start : start + _AT_ONCE])
        subjects = [f"dossier:{uid}" for uid in dossiers.values_list("uid", flat=True)]
        yield from _grants(dossiers, subjects)
        yield from _openings(dossiers, subjects)
    yield from _refused()


def _grants(dossiers: Iterable[Dossier], subjects: list[str]) -> Iterator[Difference]:
    told: _Told = {}
    whole = True
    for entry, facts in _entries("records", subjects):
        if facts is None:
            whole = whole and entry.action != "access.grant.given"
        elif entry.action == "access.grant.given":
            told[facts["grant"]] = (_given(entry, facts), moment(entry.at))
        elif entry.action == "access.grant.revoked" and facts["grant"] in told:
            columns, _ = told[facts["grant"]]
            columns |= {"revoked_by": entry.actor, "revoked_at": plain(entry.at)}
            told[facts["grant"]] = (columns, moment(entry.at))
    found = Grant.objects.filter(dossier__in=dossiers).select_related("user", "dossier")
    held = {row.uid: _grant(row) for row in found.prefetch_related("materials").order_by("pk")}
    yield from _compared(Grant, held, told, whole=whole)


def _given(entry: Entry, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "dossier": entry.subject.removeprefix("dossier:"),
        "user": facts["user"],
        "purpose": facts["purpose"],
        "case": facts["case"],
        "reason": facts["reason"],
        "materials": sorted(facts["materials"]),
        "opens_at": plain(datetime.fromisoformat(facts["opens_at"])),
        "closes_at": plain(datetime.fromisoformat(facts["closes_at"])),
        "given_by": entry.actor,
        "given_at": plain(entry.at),
        "revoked_by": None,
        "revoked_at": None,
    }


def _grant(row: Grant) -> dict[str, Any]:
    return {
        "dossier": row.dossier.uid,
        "user": row.user.username,
        "purpose": row.purpose,
        "case": row.case,
        "reason": row.reason,
        "materials": sorted(material.uid for material in row.materials.all()),
        "opens_at": plain(row.opens_at),
        "closes_at": plain(row.closes_at),
        "given_by": row.given_by,
        "given_at": plain(row.given_at),
        "revoked_by": row.revoked_by,
        "revoked_at": plain(row.revoked_at),
    }


def _openings(dossiers: Iterable[Dossier], subjects: list[str]) -> Iterator[Difference]:
    told: _Told = {}
    whole = True
    for entry, facts in _entries("access", subjects):
        if entry.action not in _OPENED:
            continue
        if facts is None:
            whole = False
            continue
        columns = {"grant": facts["grant"], "page": facts["page"], "address": facts["address"]}
        columns |= {"by": entry.actor, "at": plain(entry.at)}
        told[facts["opening"]] = (columns, moment(entry.at))
    found = Opening.objects.filter(grant__dossier__in=dossiers).order_by("pk")
    held = {
        uid: {"grant": grant, "page": page, "address": address, "by": by, "at": plain(at)}
        for uid, grant, page, address, by, at in found.values_list(
            "uid", "grant__uid", "page__uid", "address", "by__username", "at"
        )
    }
    yield from _compared(Opening, held, told, whole=whole)


def _refused() -> Iterator[Difference]:
    told: _Told = {}
    whole = True
    for entry in ledger.entries(stream="access", action=_REFUSED).iterator(chunk_size=2000):
        try:
            facts = entry.facts
        except OpeningDestroyed:
            whole = False
            continue
        columns = {"what": facts["what"][:120], "reasons": "\n".join(facts["reasons"])}
        columns |= {"by": entry.actor, "at": plain(entry.at)}
        told[entry.subject.removeprefix("attempt:")] = (columns, moment(entry.at))
    rows = RefusedAttempt.objects.order_by("pk").values_list("pk", "what", "reasons", "by", "at")
    held = {
        str(pk): {"what": what, "reasons": reasons, "by": by, "at": plain(at)}
        for pk, what, reasons, by, at in rows
    }
    yield from _compared(RefusedAttempt, held, told, whole=whole)


def _entries(stream: str, subjects: list[str]) -> Iterator[tuple[Entry, Mapping[str, Any] | None]]:
    """Entries of these subjects in their order, without facts where those were destroyed."""
    found = ledger.entries(stream=stream).filter(subject__in=subjects).order_by("index")
    for entry in found.iterator(chunk_size=2000):
        try:
            yield entry, entry.facts
        except OpeningDestroyed:
            yield entry, None


def _compared(
    model: type[Model], held: Mapping[str, Mapping[str, Any]], told: _Told, *, whole: bool
) -> Iterator[Difference]:
    table = str(model._meta.db_table)  # noqa: SLF001 -- Django's documented name for it
    for key, columns in held.items():
        said, since = told.get(key, (None, ""))
        if said is None:
            if whole:
                yield Difference(table, key, "", MISSING, UNKNOWN, "")
            continue
        for name, value in columns.items():
            if said[name] != value:
                yield Difference(table, key, name, text(said[name]), text(value), since)
    for key, (_, since) in told.items():
        if key not in held:
            yield Difference(table, key, "", THERE, GONE, since)
