"""Service in whole months: what counts, what is deemed contribution, what breaks it.

《社会保险法》第十三条, domain digest §4.2–4.3. Overlapping stretches count once; partial dates give
a sure and a possible number of months. Nothing is left out of earlier service without an officer's
choice: a way of leaving only yields a proposal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from lantai.cases.rules import months
from lantai.cases.rules.facts import (
    LEAVING_LABELS,
    STRETCH_LABELS,
    TRADE_LABELS,
    Adopted,
    CaseFacts,
    ClaimFact,
    Fact,
    Leaving,
    Reason,
    Stretch,
    Trade,
    span,
)
from lantai.cases.rules.missing import held_kinds
from lantai.cases.rules.months import Span
from lantai.cases.rules.policy import Counting, Effect, Policy
from lantai.cases.rules.stretches import (
    PLAIN_KINDS,
    Served,
    ends_before_it_begins,
    proven_months,
    read_stretch,
)
from lantai.lib.dates import Month, PartialDate

__all__ = [
    "CLAUSE",
    "PLAIN_KINDS",
    "Gap",
    "Left",
    "Served",
    "ServiceFinding",
    "SpecialWork",
    "establish",
]

CLAUSE: Final = "《社会保险法》第十三条"


@dataclass(frozen=True)
class Gap:
    """Months between two stretches that no paper covers.

    ``decisions`` are leavings that fall into it, ``neighbours`` the claims on either side.
    ``placement`` tells that it follows the army and may be the wait for a placement.
    """

    span: Span
    decisions: tuple[str, ...]
    neighbours: tuple[str, ...]
    placement: bool

    def as_json(self) -> dict[str, object]:
        return {
            "span": self.span.as_json(),
            "decisions": list(self.decisions),
            "neighbours": list(self.neighbours),
            "placement": self.placement,
        }


@dataclass(frozen=True)
class Left:
    """A way of leaving and what it does or would do.

    ``at_stake`` are the deemed months before it; ``settled`` tells whether an officer chose the
    effect.
    """

    claim: str
    kind: Leaving
    on: PartialDate | None
    effect: Effect
    settled: bool
    at_stake: int
    reason: Reason

    def as_json(self) -> dict[str, object]:
        return {
            "claim": self.claim,
            "kind": self.kind.value,
            "on": str(self.on) if self.on else None,
            "effect": self.effect.value,
            "settled": self.settled,
            "at_stake": self.at_stake,
            "reason": self.reason.as_json(),
        }


@dataclass(frozen=True)
class SpecialWork:
    """Months in one kind of special work against what early retirement needs."""

    trade: Trade
    months: int
    needed: int
    claims: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "trade": self.trade.value,
            "months": self.months,
            "needed": self.needed,
            "claims": list(self.claims),
        }


@dataclass(frozen=True)
class ServiceFinding:
    """Service in months.

    ``counted`` is all continuous service, ``deemed`` the part before contributions began;
    ``overlap`` the deemed months also covered by the contribution record and therefore left out;
    ``unsure_months`` would be added to the deemed ones if every partial date were the most
    favourable. ``proven`` are the deemed months that rest on A materials: those between the first
    and the last of them of the same unit.
    """

    served: tuple[Served, ...]
    counted: tuple[Span, ...]
    deemed: tuple[Span, ...]
    proven: tuple[Span, ...]
    overlap: tuple[Span, ...]
    unsure_months: int
    gaps: tuple[Gap, ...]
    unpaid: Span | None
    left: tuple[Left, ...]
    special: tuple[SpecialWork, ...]
    impossible: tuple[str, ...]
    cutover: Month
    reasons: tuple[Reason, ...]

    @property
    def deemed_months(self) -> int:
        return months.count(self.deemed)

    @property
    def counted_months(self) -> int:
        return months.count(self.counted)

    @property
    def unproven_months(self) -> int:
        """Deemed months no A material vouches for."""
        return months.count(months.without(self.deemed, self.proven))

    def as_json(self) -> dict[str, object]:
        return {
            "served": [one.as_json() for one in self.served],
            "counted": [one.as_json() for one in self.counted],
            "counted_months": self.counted_months,
            "deemed": [one.as_json() for one in self.deemed],
            "deemed_months": self.deemed_months,
            "unproven_months": self.unproven_months,
            "unsure_months": self.unsure_months,
            "overlap": [one.as_json() for one in self.overlap],
            "gaps": [one.as_json() for one in self.gaps],
            "unpaid": self.unpaid.as_json() if self.unpaid else None,
            "left": [one.as_json() for one in self.left],
            "special": [one.as_json() for one in self.special],
            "impossible": list(self.impossible),
            "cutover": str(self.cutover),
            "reasons": [one.as_json() for one in self.reasons],
        }


def establish(facts: CaseFacts, policy: Policy) -> ServiceFinding:
    """Reckon service from the claims on stretches and leavings of a case."""
    cutover = policy.cutover[facts.cohort]
    last_deemed = cutover.plus(-1)
    choices = _choices(facts.adopted)
    claims = facts.of(*PLAIN_KINDS)
    impossible = tuple(claim.id for claim in claims if ends_before_it_begins(claim))
    leavings = [claim for claim in facts.of(Fact.BREAK) if _leaving(claim)]
    readable = [claim for claim in claims if claim.id not in impossible]
    read = (
        read_stretch(claim, (*readable, *leavings), choices, policy, open_end=last_deemed)
        for claim in readable
    )
    served = tuple(one for one in read if one is not None)
    counted = [one for one in served if one.counting is Counting.COUNTS]
    possible = months.merged(one.possible for one in counted)
    sure = months.merged(one.sure for one in counted if one.sure)
    proven = proven_months(counted, held_kinds(facts), policy)
    left = tuple(_left(claim, sure, last_deemed, choices, policy) for claim in leavings)
    lost = _lost(left)
    sure, possible = _after(sure, lost), _after(possible, lost)
    before = months.until(sure, last_deemed)
    paid = facts.paid_from
    overlap = months.since(before, paid) if paid else ()
    deemed = months.without(before, overlap)
    may_be = months.without(
        months.until(possible, last_deemed),
        [Span(paid, last_deemed)] if paid and paid <= last_deemed else [],
    )
    unsure = months.count(may_be) - months.count(deemed)
    finding = ServiceFinding(
        served=served,
        counted=possible,
        deemed=deemed,
        proven=months.until(_after(proven, lost), last_deemed),
        overlap=overlap,
        unsure_months=unsure,
        gaps=_gaps(served, leavings, policy),
        unpaid=Span(cutover, paid.plus(-1)) if paid and paid > cutover and deemed else None,
        left=left,
        special=_special(facts.of(Fact.SPECIAL_WORK), policy),
        impossible=impossible,
        cutover=cutover,
        reasons=(),
    )
    return _explained(finding, facts, policy)


def _choices(adopted: Sequence[Adopted]) -> dict[str, str]:
    """What officers chose for single claims: ``<claim id>=<value>``; the last word holds."""
    chosen = {}
    for one in adopted:
        claim, equals, value = one.value.partition("=")
        if equals:
            chosen[claim] = value
    return chosen


def _leaving(claim: ClaimFact) -> Leaving | None:
    return Leaving(claim.kind) if claim.kind in LEAVING_LABELS else None


def _left(
    claim: ClaimFact,
    sure: Sequence[Span],
    last_deemed: Month,
    choices: Mapping[str, str],
    policy: Policy,
) -> Left:
    kind = Leaving(claim.kind)
    chosen = choices.get(claim.id)
    settled = chosen in (Effect.LOSES, Effect.MERGES, Effect.NONE)
    effect = Effect(chosen) if chosen and settled else policy.effects[kind]
    month = months.latest(claim.since) if claim.since else last_deemed
    at_stake = months.count(months.until(months.until(sure, last_deemed), month))
    label, when = LEAVING_LABELS[kind], str(claim.since or "时间不明")
    effects = {
        Effect.LOSES: f"按规定此前 {span(at_stake)} 不计算连续工龄，须由审核人员认定",
        Effect.MERGES: "重新就业后，前后工龄合并计算",
        Effect.NONE: "不影响此前工龄",
    }
    words = effects[effect]
    if settled and effect is Effect.LOSES:
        words = f"已认定此前 {span(at_stake)} 不计算连续工龄"
    sentence = f"{label}（{when}）：{words}"
    clause = policy.source(f"leaving.{kind.value}")
    return Left(
        claim.id,
        kind,
        claim.since,
        effect,
        settled,
        at_stake,
        Reason(sentence, clause, (claim.id,)),
    )


def _lost(left: Sequence[Left]) -> Month | None:
    """The last month an officer chose to leave out of earlier service."""
    return max(
        (
            months.latest(one.on)
            for one in left
            if one.settled and one.effect is Effect.LOSES and one.on
        ),
        default=None,
    )


def _after(spans: Sequence[Span], lost: Month | None) -> tuple[Span, ...]:
    return months.since(spans, lost.plus(1)) if lost else months.merged(spans)


def _gaps(
    served: Sequence[Served], leavings: Sequence[ClaimFact], policy: Policy
) -> tuple[Gap, ...]:
    """Holes longer than the tolerance, from the first counted month on."""
    begun = min(
        (one.possible.first for one in served if one.counting is Counting.COUNTS), default=None
    )
    if begun is None:
        return ()
    known = months.since((one.possible for one in served), begun)
    gaps = []
    for hole in months.between(known):
        if hole.months <= policy.gap_tolerance:
            continue
        decisions = tuple(
            claim.id
            for claim in leavings
            if claim.since is not None
            and months.latest(claim.since) >= hole.first.plus(-1)
            and months.earliest(claim.since) <= hole.last.plus(1)
        )
        neighbours = tuple(
            one.claim
            for one in served
            if one.possible.last == hole.first.plus(-1) or one.possible.first == hole.last.plus(1)
        )
        soldier = any(
            one.fact is Fact.ARMY and one.possible.last == hole.first.plus(-1) for one in served
        )
        placement = soldier and hole.months <= policy.placement_months
        gaps.append(Gap(hole, decisions, neighbours, placement))
    return tuple(gaps)


def _special(claims: Sequence[ClaimFact], policy: Policy) -> tuple[SpecialWork, ...]:
    out = []
    for trade in Trade:
        mine = [
            claim
            for claim in claims
            if claim.kind == trade and claim.since and not ends_before_it_begins(claim)
        ]
        spans = [
            Span(months.latest(claim.since), months.earliest(claim.until))
            for claim in mine
            if claim.since
            and claim.until
            and months.latest(claim.since) <= months.earliest(claim.until)
        ]
        if mine:
            out.append(
                SpecialWork(
                    trade,
                    months.count(spans),
                    policy.trade_years[trade] * 12,
                    tuple(claim.id for claim in mine),
                )
            )
    return tuple(out)


def _explained(finding: ServiceFinding, facts: CaseFacts, policy: Policy) -> ServiceFinding:
    """The finding with a sentence for each thing it says."""
    reasons = [_deemed_reason(finding, policy.source(f"cutover.{facts.cohort.value}"))]
    if finding.unsure_months:
        reasons.append(
            Reason(
                "有的起止时间只写到年，按最少月数计算；"
                f"如能查明，最多可增加 {span(finding.unsure_months)}",
                CLAUSE,
            )
        )
    if finding.overlap:
        reasons.append(
            Reason(
                f"{_listed(finding.overlap)}已有实际缴费记录，不再计为视同缴费，同一月份只计一次",
                CLAUSE,
            )
        )
    if finding.unpaid:
        reasons.append(
            Reason(
                f"{finding.unpaid}应缴未缴 {span(finding.unpaid.months)}，不计为视同缴费", CLAUSE
            )
        )
    reasons += [
        Reason(
            f"{STRETCH_LABELS[one.kind]}（{one.possible}）{_ASK_WORDS[one.counting]}",
            policy.source(f"stretch.{one.kind.value}"),
            (one.claim,),
        )
        for one in finding.served
        if one.counting is not Counting.COUNTS
    ]
    reasons += [
        Reason("所载截止时间早于起始时间，未计算，请核对后重新登记", CLAUSE, (claim,))
        for claim in finding.impossible
    ]
    reasons += [
        Reason(
            f"退役后 {gap.span} 共 {span(gap.span.months)} 没有材料；"
            f"由政府安排工作的，{STRETCH_LABELS[Stretch.PLACEMENT]}时间计算工龄，请登记",
            policy.source(f"stretch.{Stretch.PLACEMENT.value}"),
            gap.neighbours,
        )
        for gap in finding.gaps
        if gap.placement
    ]
    reasons += [one.reason for one in finding.left]
    reasons += [_special_reason(one, policy) for one in finding.special]
    return replace(finding, reasons=tuple(reasons))


_ASK_WORDS: Final[dict[Counting, str]] = {
    Counting.OUT: "不计算连续工龄",
    Counting.ASK: "是否计算连续工龄，须由审核人员认定；认定前未计算",
}


def _deemed_reason(finding: ServiceFinding, source: str) -> Reason:
    if not finding.deemed:
        return Reason(f"{finding.cutover}以前没有可视同缴费的工龄", source)
    sentence = f"{_listed(finding.deemed)}视同缴费，共 {span(finding.deemed_months)}"
    return Reason(sentence, source, tuple(one.claim for one in finding.served))


def _special_reason(one: SpecialWork, policy: Policy) -> Reason:
    met = "已达到" if one.months >= one.needed else "未达到"
    return Reason(
        f"{TRADE_LABELS[one.trade]}工种累计 {span(one.months)}，{met}所需的 {span(one.needed)}",
        policy.source(f"trade.{one.trade.value}"),
        one.claims,
    )


def _listed(spans: Sequence[Span]) -> str:
    return "、".join(str(one) for one in spans)
