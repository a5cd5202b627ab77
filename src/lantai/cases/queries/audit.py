"""Rows of cases against what the log says of them: what a hand in the database changed shows."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import zip_longest
from typing import Any, Final

from django.db.models import Prefetch

from lantai.cases.models import (
    Adoption,
    Case,
    Claim,
    Decision,
    Evidence,
    Filing,
    Mark,
    PaperCall,
    Series,
    Step,
)
from lantai.cases.queries import rows
from lantai.cases.queries.evidence import FIXED, digests, frozen_text
from lantai.cases.rules import policy as policies
from lantai.cases.rules import workflow
from lantai.cases.rules.workflow import State
from lantai.identity.services import office_day
from lantai.ledger import queries as ledger
from lantai.ledger.audit import MISSING, Difference
from lantai.ledger.models import Entry, OpeningDestroyed
from lantai.lib.tlog.leaf import moment

_AT_ONCE: Final = 200
_APPLICATION: Final = (
    "number",
    "kind",
    "group",
    "mode",
    "wished",
    "paid_from",
    "paid_months",
    "cohort",
    "public_office",
)
_TABLES: Final = {
    "case": "cases_case",
    "mark": "cases_mark",
    "claim": "cases_claim",
    "adoption": "cases_adoption",
    "step": "cases_step",
    "evidence": "cases_evidence",
    "decision": "cases_decision",
    "filing": "cases_filing",
    "paper call": "cases_papercall",
}
# What a call says before the paper has gone out.
_NO_PAPER: Final[dict[str, Any]] = {
    "out_sides": None,
    "out_to": "",
    "findings": "",
    "back_sides": None,
    "back_to": "",
}
_OPENED: Final = "cases.case.opened"


_CLOSED: Final = ("cases.case.filed", "cases.case.withdrawn")


def check_rows() -> Iterator[Difference]:
    """Yield every difference between the rows of cases and the log, case by case.

    ``since`` is the time of the entry that vouches for what is expected. Rows whose entries were
    destroyed on purpose are passed over. The log itself is the ledger's to check.
    """
    keys = list(Case.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), _AT_ONCE):
        cases = _cases(keys[start : start + _AT_ONCE])
        entries = _entries(cases)
        for case in cases:
            yield from _of_case(case, entries[f"case:{case.uid}"])
    known = set(Case.objects.values_list("uid", flat=True))
    given: dict[str, tuple[int, str]] = {}
    for entry in ledger.entries(stream="records", action=_OPENED).iterator(chunk_size=_AT_ONCE):
        uid = entry.subject.removeprefix("case:")
        if uid not in known:
            yield _gone("case", uid, entry)
        with suppress(OpeningDestroyed):
            series, _, number = entry.facts["number"].rpartition("-")
            if int(number) > given.get(series, (0, ""))[0]:
                given[series] = (int(number), moment(entry.at))
    yield from _series(given)


def _series(given: Mapping[str, tuple[int, str]]) -> Iterator[Difference]:
    """The last number of each series is that of the last case it was given to."""
    held = dict(Series.objects.values_list("name", "last"))
    for name in sorted(given.keys() | held.keys()):
        number, since = given.get(name, (None, ""))
        if number != held.get(name):
            yield Difference(
                "cases_series", name, "last", _text(number), _text(held.get(name)), since
            )


def _cases(keys: list[int]) -> list[Case]:
    reading = Claim.objects.select_related("page", "by", "withdrawn_by").order_by("at", "pk")
    marks = Mark.objects.select_related("page", "by", "withdrawn_by").order_by("at", "pk")
    return list(
        Case.objects.filter(pk__in=keys)
        .select_related(
            "dossier", "clerk", "first_reviewer", "second_reviewer", "approver", "raised_by"
        )
        .prefetch_related(
            Prefetch("claims", reading),
            Prefetch("marks", marks),
            Prefetch("adoptions", Adoption.objects.select_related("by").order_by("at", "pk")),
            Prefetch("steps", Step.objects.select_related("by").order_by("pk")),
            Prefetch("decisions", Decision.objects.select_related("by", "evidence")),
            Prefetch("evidence", Evidence.objects.select_related("by")),
            Prefetch(
                "paper_calls",
                PaperCall.objects.select_related("called_by", "out_by", "seen_by", "back_by"),
            ),
            Prefetch("filing", Filing.objects.select_related("decision", "material", "by")),
        )
        .order_by("pk")
    )


def _entries(cases: Iterable[Case]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    subjects = [f"case:{case.uid}" for case in cases]
    for entry in ledger.entries(stream="records").filter(subject__in=subjects).order_by("index"):
        found[entry.subject].append(entry)
    return found


class _Said:
    """What the entries of one case say, in their order."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries: list[tuple[Entry, Mapping[str, Any]]] = []
        self.whole = True  # no opening was destroyed
        for entry in entries:
            try:
                self.entries.append((entry, entry.facts))
            except OpeningDestroyed:
                self.whole = False

    def of(self, *actions: str) -> list[tuple[Entry, Mapping[str, Any]]]:
        return [(entry, facts) for entry, facts in self.entries if entry.action in actions]

    def with_fact(self, name: str) -> list[tuple[Entry, Mapping[str, Any]]]:
        return [(entry, facts) for entry, facts in self.entries if name in facts]


def _of_case(case: Case, entries: list[Entry]) -> Iterator[Difference]:
    said = _Said(entries)
    opened = said.of(_OPENED)
    if not opened:
        if said.whole:
            yield _unknown("case", case.number)
        return
    entry, facts = opened[0]
    expected = {name: facts[name] for name in _APPLICATION}
    expected |= {"dossier": facts["dossier"], "policy": facts["policy"], "clerk": entry.actor}
    expected |= {"opened_at": moment(entry.at)}
    found = {name: getattr(case, name) for name in _APPLICATION}
    found |= {
        "dossier": case.dossier.uid,
        "policy": case.policy_version,
        "clerk": case.clerk.username,
        "opened_at": moment(case.opened_at),
    }
    yield from _compare("case", case.number, expected, found, entry)
    yield from _course(case, said)
    yield from _readings(case, said)
    yield from _steps(case, said)
    yield from _frozen(case, said)
    yield from _decided(case, said)
    yield from _papers(case, said)


def _course(case: Case, said: _Said) -> Iterator[Difference]:
    """State, route and officers as the last entry that set them left them."""
    for name, field in (("to_state", "state"), ("route", "route")):
        for last, told in said.with_fact(name)[-1:]:
            yield from _compare(
                "case", case.number, {field: told[name]}, {field: getattr(case, field)}, last
            )
    seats = {facts["seat"]: (entry, facts) for entry, facts in said.of("cases.case.taken")}
    for seat in ("first_reviewer", "second_reviewer", "approver"):
        officer = getattr(case, seat)
        entry, facts = seats.get(seat, (None, {"officer": None}))
        found = officer.username if officer else None
        yield from _compare("case", case.number, {seat: facts["officer"]}, {seat: found}, entry)
    for actions, field in ((("cases.route.raised",), "raised_at"), (_CLOSED, "closed_at")):
        entries = said.of(*actions)
        since = entries[-1][0] if entries else None
        at = getattr(case, field)
        yield from _compare(
            "case",
            case.number,
            {field: moment(since.at) if since else None},
            {field: moment(at) if at else None},
            since,
        )
        if field == "raised_at":
            raiser = case.raised_by.username if case.raised_by else None
            told = {"raised_by": since.actor if since else None}
            yield from _compare("case", case.number, told, {"raised_by": raiser}, since)
    yield from _due(case, said)


def _due(case: Case, said: _Said) -> Iterator[Difference]:
    """The day the step is due, counted again from the moves and the policy the log names."""
    if not said.whole:
        return
    due, last = None, None
    days: Mapping[State, int] = {}
    for entry, facts in said.with_fact("to_state"):
        if entry.action == _OPENED:
            days = policies.load(facts["policy"]).days
        if "due_on" in facts:
            due, last = facts["due_on"], entry
        elif facts["to_state"] != facts["from_state"]:
            since = office_day(entry.at)
            day = workflow.due_on(State(facts["to_state"]), days=days, since=since)
            due, last = day.isoformat(), entry
    yield from _compare(
        "case", case.number, {"due_on": due}, {"due_on": case.due_on.isoformat()}, last
    )


def _readings(case: Case, said: _Said) -> Iterator[Difference]:
    """Marks, claims and adoptions: each row has the entry that made it, each entry its row."""
    tables: tuple[tuple[str, str, Iterable[Any], Any, str], ...] = (
        ("mark", "cases.mark.made", case.marks.all(), rows.mark_row, "cases.mark.withdrawn"),
        ("claim", "cases.claim.stated", case.claims.all(), rows.claim_row, "cases.claim.withdrawn"),
        ("adoption", "cases.fact.adopted", case.adoptions.all(), rows.adoption_row, ""),
    )
    for table, made, held, as_row, withdrawn in tables:
        known = {facts[table]: (entry, facts) for entry, facts in said.of(made)}
        gone = {facts[table]: entry for entry, facts in said.of(withdrawn)} if withdrawn else {}
        for row in held:
            entry, facts = known.pop(row.uid, (None, None))
            if entry is None or facts is None:
                if said.whole:
                    yield _unknown(table, row.uid)
                continue
            expected = {name: facts[name] for name in as_row(row)} | _acted(entry)
            found = as_row(row) | {"by": row.by.username, "at": moment(row.at)}
            yield from _compare(table, row.uid, expected, found, entry)
            if withdrawn:
                taken_back = gone.get(row.uid)
                yield from _compare(
                    table,
                    row.uid,
                    _acted(taken_back, "withdrawn_"),
                    {
                        "withdrawn_by": row.withdrawn_by.username if row.withdrawn_by else None,
                        "withdrawn_at": moment(row.withdrawn_at) if row.withdrawn_at else None,
                    },
                    taken_back or entry,
                )
        for uid, (entry, _facts) in known.items():
            yield _gone(table, uid, entry)


def _steps(case: Case, said: _Said) -> Iterator[Difference]:
    """Steps in their order, one for each entry that speaks of one."""
    if not said.whole:
        return
    pairs = zip_longest(said.with_fact("verb"), case.steps.all())
    for number, (entered, step) in enumerate(pairs, start=1):
        key = f"{case.number}#{number}"
        entry, facts = entered or (None, None)
        if step is None or entry is None or facts is None:
            yield _unknown("step", key) if entry is None else _gone("step", key, entry)
            continue
        expected = {name: facts[name] for name in rows.step_row(step)}
        yield from _compare(
            "step",
            key,
            expected | _acted(entry),
            rows.step_row(step) | {"by": step.by.username, "at": moment(step.at)},
            entry,
        )


def _frozen(case: Case, said: _Said) -> Iterator[Difference]:
    """Evidence: the digests the log has are those of the texts in the row."""
    known = {facts["version"]: (entry, facts) for entry, facts in said.of(FIXED)}
    for row in case.evidence.all():
        key = f"{case.number} v{row.version}"
        entry, facts = known.pop(row.version, (None, None))
        if entry is None or facts is None:
            yield _unknown("evidence", key)
            continue
        sha256, sm3 = digests(row.statement)
        yield from _compare(
            "evidence",
            key,
            {
                "sha256": facts["statement_sha256"],
                "sm3": facts["statement_sm3"],
                "entry": entry.index,
                "statement": f"{facts['statement_sha256']} {facts['statement_sm3']}",
                **_acted(entry),
            },
            {
                "sha256": row.sha256,
                "sm3": row.sm3,
                "entry": row.entry,
                "statement": f"{sha256} {sm3}",
                "by": row.by.username,
                "at": moment(row.at),
            },
            entry,
        )
        if sha256 == facts["statement_sha256"]:
            pages = frozen_text(json.loads(row.statement)["pages"])
            yield from _compare(
                "evidence",
                key,
                {"manifest": digests(pages)[0]},
                {"manifest": digests(row.manifest)[0]},
                entry,
            )
    for version, (entry, _facts) in known.items():
        yield _gone("evidence", f"{case.number} v{version}", entry)


def _decided(case: Case, said: _Said) -> Iterator[Difference]:
    known = {facts["decision"]: (entry, facts) for entry, facts in said.of("cases.decision.made")}
    for row in case.decisions.all():
        entry, facts = known.pop(row.uid, (None, None))
        if entry is None or facts is None:
            yield _unknown("decision", row.uid)
            continue
        expected = {
            "outcome": facts["outcome"],
            "code": facts["code"],
            "reason": facts["opinion"],
            "evidence": facts["evidence_sha256"],
            "version": facts["version"],
            **_acted(entry),
        }
        found = {
            "outcome": row.outcome,
            "code": row.code,
            "reason": row.reason,
            "evidence": row.evidence.sha256,
            "version": row.evidence.version,
            "by": row.by.username,
            "at": moment(row.at),
        }
        yield from _compare("decision", row.uid, expected, found, entry)
    for uid, (entry, _facts) in known.items():
        yield _gone("decision", uid, entry)
    yield from _filed(case, said)


def _filed(case: Case, said: _Said) -> Iterator[Difference]:
    filing: Filing | None = getattr(case, "filing", None)
    filed = said.of("cases.case.filed")
    if filing and not filed and said.whole:
        yield _unknown("filing", case.number)
    for entry, facts in filed:
        if filing is None:
            yield _gone("filing", case.number, entry)
            continue
        yield from _compare(
            "filing",
            case.number,
            {"decision": facts["decision"], "material": facts["material"], **_acted(entry)},
            {
                "decision": filing.decision.uid,
                "material": filing.material.uid,
                "by": filing.by.username,
                "at": moment(filing.at),
            },
            entry,
        )


def _papers(case: Case, said: _Said) -> Iterator[Difference]:
    expected: dict[str, tuple[Entry, dict[str, Any]]] = {}
    for told, facts in said.with_fact("call"):
        row = expected.setdefault(facts["call"], (told, {}))[1]
        match told.action:
            case "cases.paper.called":
                row |= {"reason": facts["reason"]} | _acted(told, "called_")
            case "cases.paper.handed-out":
                row |= {"out_sides": facts["sides"], "out_to": facts["to"]} | _acted(told, "out_")
            case "cases.paper.seen":
                row |= {"findings": facts["findings"]} | _acted(told, "seen_")
            case "cases.paper.handed-back":
                row |= {"back_sides": facts["sides"], "back_to": facts["to"]}
                row |= _acted(told, "back_")
            case _:
                pass
    for call in case.paper_calls.all():
        entry, wanted = expected.pop(call.uid, (None, None))
        if entry is None or wanted is None:
            yield _unknown("paper call", call.uid)
            continue
        found = {name: getattr(call, name) for name in ("reason", *_NO_PAPER)}
        blank = dict(_NO_PAPER)
        for act in ("called", "out", "seen", "back"):
            by, at = getattr(call, f"{act}_by"), getattr(call, f"{act}_at")
            found |= {f"{act}_by": by.username if by else None}
            found |= {f"{act}_at": moment(at) if at else None}
            blank |= _acted(None, f"{act}_")
        yield from _compare("paper call", call.uid, blank | wanted, found, entry)
    for uid, (told, _wanted) in expected.items():
        yield _gone("paper call", uid, told)


def _acted(entry: Entry | None, before: str = "") -> dict[str, str | None]:
    """Who did it and when, by the entry of the act; nobody without one."""
    return {
        f"{before}by": entry.actor if entry else None,
        f"{before}at": moment(entry.at) if entry else None,
    }


def _compare(
    table: str,
    key: str,
    expected: Mapping[str, Any],
    found: Mapping[str, Any],
    entry: Entry | None,
) -> Iterator[Difference]:
    since = moment(entry.at) if entry else ""
    for field, value in expected.items():
        if found[field] != value:
            yield Difference(_TABLES[table], key, field, _text(value), _text(found[field]), since)


def _gone(table: str, key: str, entry: Entry) -> Difference:
    """A row the log speaks of is not there."""
    return Difference(_TABLES[table], key, "", "日志记有这一行", "表中没有这一行", moment(entry.at))


def _unknown(table: str, key: str) -> Difference:
    """A row is there of which the log says nothing."""
    return Difference(_TABLES[table], key, "", MISSING, "日志中没有这一行的来历", "")


def _text(value: object) -> str:
    return MISSING if value is None else str(value)
