"""Rows of cases against what the log says of them: what a hand in the database changed shows."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any, Final

from django.db.models import Prefetch

from lantai.cases.models import Adoption, Case, Claim, Decision, Mark, PaperCall, Step
from lantai.cases.queries import rows
from lantai.cases.queries.evidence import FIXED, digests, frozen_text
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
_OPENED: Final = "cases.case.opened"


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
    for entry in ledger.entries(stream="records", action=_OPENED).iterator(chunk_size=_AT_ONCE):
        uid = entry.subject.removeprefix("case:")
        if uid not in known:
            yield _gone("case", uid, entry)


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
            "evidence",
            Prefetch("paper_calls", PaperCall.objects.select_related("called_by")),
            "filing__material",
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
    found = {name: getattr(case, name) for name in _APPLICATION}
    found |= {
        "dossier": case.dossier.uid,
        "policy": case.policy_version,
        "clerk": case.clerk.username,
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
    for action, field in (("cases.route.raised", "raised_at"), ("cases.case.filed", "closed_at")):
        entries = said.of(action)
        since = entries[-1][0] if entries else None
        at = getattr(case, field)
        yield from _compare(
            "case",
            case.number,
            {field: moment(since.at) if since else None},
            {field: moment(at) if at else None},
            since,
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
            expected = {name: facts[name] for name in as_row(row)} | {"by": entry.actor}
            yield from _compare(
                table, row.uid, expected, as_row(row) | {"by": row.by.username}, entry
            )
            if withdrawn:
                taken_back = gone.get(row.uid)
                yield from _compare(
                    table,
                    row.uid,
                    {"withdrawn_by": taken_back.actor if taken_back else None},
                    {"withdrawn_by": row.withdrawn_by.username if row.withdrawn_by else None},
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
            expected | {"by": entry.actor, "at": moment(entry.at)},
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
            },
            {
                "sha256": row.sha256,
                "sm3": row.sm3,
                "entry": row.entry,
                "statement": f"{sha256} {sm3}",
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
            "by": entry.actor,
        }
        found = {
            "outcome": row.outcome,
            "code": row.code,
            "reason": row.reason,
            "evidence": row.evidence.sha256,
            "by": row.by.username,
        }
        yield from _compare("decision", row.uid, expected, found, entry)
    for uid, (entry, _facts) in known.items():
        yield _gone("decision", uid, entry)
    for entry, facts in said.of("cases.case.filed"):
        filing = getattr(case, "filing", None)
        material = filing.material.uid if filing else None
        yield from _compare(
            "filing", case.number, {"material": facts["material"]}, {"material": material}, entry
        )


def _papers(case: Case, said: _Said) -> Iterator[Difference]:
    expected: dict[str, tuple[Entry, dict[str, Any]]] = {}
    for told, facts in said.with_fact("call"):
        row = expected.setdefault(facts["call"], (told, {}))[1]
        match told.action:
            case "cases.paper.called":
                row |= {"reason": facts["reason"], "called_by": told.actor}
            case "cases.paper.handed-out":
                row |= {"out_sides": facts["sides"], "out_to": facts["to"]}
            case "cases.paper.seen":
                row |= {"findings": facts["findings"]}
            case "cases.paper.handed-back":
                row |= {"back_sides": facts["sides"], "back_to": facts["to"]}
            case _:
                pass
    for call in case.paper_calls.all():
        entry, wanted = expected.pop(call.uid, (None, None))
        if entry is None or wanted is None:
            yield _unknown("paper call", call.uid)
            continue
        found = {
            "reason": call.reason,
            "called_by": call.called_by.username,
            "out_sides": call.out_sides,
            "out_to": call.out_to,
            "findings": call.findings,
            "back_sides": call.back_sides,
            "back_to": call.back_to,
        }
        blank = {"out_sides": None, "out_to": "", "findings": "", "back_sides": None, "back_to": ""}
        yield from _compare("paper call", call.uid, blank | wanted, found, entry)
    for uid, (told, _wanted) in expected.items():
        yield _gone("paper call", uid, told)


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
