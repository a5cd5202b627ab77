"""What single claims say as stretches of time, and which months deciding materials vouch for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lantai.cases.rules import months
from lantai.cases.rules.facts import STRETCH_LABELS, ClaimFact, Fact, Stretch
from lantai.cases.rules.months import Span
from lantai.cases.rules.policy import Counting, Policy
from lantai.lib.catalogue import MaterialKind
from lantai.lib.dates import Month, PartialDate

PLAIN_KINDS: Final[dict[Fact, Stretch]] = {
    Fact.SERVICE: Stretch.WORK,
    Fact.ARMY: Stretch.ARMY,
    Fact.COUNTRYSIDE: Stretch.COUNTRYSIDE,
    Fact.STUDY: Stretch.STUDY,
}


@dataclass(frozen=True)
class Served:
    """One stretch as claimed.

    ``sure`` are the months it must cover, ``possible`` those it may. ``attested`` is what the
    material itself can vouch for: no paper speaks of the time after it was made. ``weight`` is the
    material's (A, B, C or blank).
    """

    claim: str
    fact: Fact
    kind: Stretch
    unit: str
    possible: Span
    sure: Span | None
    attested: Span | None
    counting: Counting
    weight: str

    def as_json(self) -> dict[str, object]:
        return {
            "claim": self.claim,
            "kind": self.kind.value,
            "unit": self.unit,
            "possible": self.possible.as_json(),
            "sure": self.sure.as_json() if self.sure else None,
            "counting": self.counting.value,
            "weight": self.weight,
        }


def ends_before_it_begins(claim: ClaimFact) -> bool:
    return bool(claim.since and claim.until and claim.until.surely_before(claim.since))


def read_stretch(
    claim: ClaimFact,
    others: Sequence[ClaimFact],
    choices: Mapping[str, str],
    policy: Policy,
    *,
    open_end: Month,
) -> Served | None:
    """Read a claim as a stretch; None if it names no time.

    A claim that states an end alone stands for that month. One without end lasts until ``others``
    end it, else to ``open_end``.
    """
    begin = claim.since or claim.until
    if begin is None:
        return None
    end = claim.until or _end_elsewhere(claim, others)
    first, last = months.earliest(begin), months.latest(end) if end else open_end
    sure_first, sure_last = months.latest(begin), months.earliest(end) if end else open_end
    sure = Span(sure_first, sure_last) if sure_first <= sure_last else None
    if end is None and sure is None:
        sure = Span(sure_first, sure_first)  # begun after the cut-over, with no end in sight
    kind = Stretch(claim.kind) if claim.kind in STRETCH_LABELS else PLAIN_KINDS[claim.fact]
    chosen = choices.get(claim.id)
    counting = policy.counting[kind]
    if chosen in (Counting.COUNTS, Counting.OUT):
        counting = Counting(chosen)
    return Served(
        claim=claim.id,
        fact=claim.fact,
        kind=kind,
        unit=claim.unit,
        possible=Span(first, max(first, last)),
        sure=sure,
        attested=_attested(claim, sure),
        counting=counting,
        weight=policy.weight(claim.fact, claim.material_kind) if not claim.copy else "",
    )


def _attested(claim: ClaimFact, sure: Span | None) -> Span | None:
    """What a material can vouch for: nothing after it was made.

    Without a date it vouches for the whole stretch if it states the end, else for its beginning.
    """
    if sure is None:
        return None
    if claim.formed is None:
        return sure if claim.until else Span(sure.first, sure.first)
    made = months.latest(claim.formed)
    return Span(sure.first, max(sure.first, min(sure.last, made)))


def _end_elsewhere(claim: ClaimFact, others: Sequence[ClaimFact]) -> PartialDate | None:
    """Where a stretch without end is ended by the next leaving, or by another material.

    A leaving may leave the unit unnamed; another material must name the same one.
    """
    ends = []
    for other in others:
        end = other.since if other.fact is Fact.BREAK else other.until
        if end is None or claim.since is None or end.surely_before(claim.since):
            continue
        named = bool(other.unit and claim.unit)
        if same_unit(other.unit, claim.unit) if named else other.fact is Fact.BREAK:
            ends.append(end)
    return min(ends, key=lambda end: (end.first_day, end.last_day), default=None)


def proven_months(
    counted: Sequence[Served], held: set[MaterialKind], policy: Policy
) -> tuple[Span, ...]:
    """The months A materials vouch for.

    Two A materials of one unit vouch for the time between them as far as anything says that it was
    spent there. Facts that are proved only by materials together (enlistment and discharge) are
    proved whole when these are all there.
    """
    spans: list[Span] = []
    for one in counted:
        proofs = policy.evidence[one.fact].a
        together = any(len(kinds) > 1 and kinds <= held for kinds in proofs)
        if one.sure and together and one.fact is not Fact.SERVICE:
            spans.append(one.sure)
            continue
        points = [
            other.attested
            for other in counted
            if other.attested and other.weight == "A" and _of_one_employment(one, other)
        ]
        if one.sure and points:
            first, last = min(at.first for at in points), max(at.last for at in points)
            spans += months.until(months.since([one.sure], first), last)
    return months.merged(spans)


def _of_one_employment(one: Served, other: Served) -> bool:
    if one is other:
        return True
    named = bool(one.unit and other.unit)
    return one.fact is other.fact and named and same_unit(one.unit, other.unit)


def same_unit(one: str, other: str) -> bool:
    """Tell whether two names may mean one employer: one contains the other."""
    return one in other or other in one
