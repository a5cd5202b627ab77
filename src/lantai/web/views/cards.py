"""Fact cards: what the papers say of a fact, what is proposed, and what is settled."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext as _

from lantai.cases.models import Adoption, Case, Claim
from lantai.cases.rules.assessment import Assessment
from lantai.cases.rules.birth import RESULT_LABELS, BirthResult
from lantai.cases.rules.facts import (
    FACT_LABELS,
    LEAVING_LABELS,
    STRETCH_LABELS,
    TEXTS,
    Fact,
    Reason,
    span,
)
from lantai.cases.rules.policy import Counting, Effect
from lantai.cases.rules.service import Left, Served
from lantai.identity.models import User

OK: Final = "ok"
OPEN: Final = "open"
CONFLICT: Final = "conflict"
STRETCHES: Final = (Fact.SERVICE, Fact.ARMY, Fact.COUNTRYSIDE, Fact.STUDY)
SHOWN_AT_ONCE: Final = 3
EFFECT_LABELS: Final[dict[Effect, str]] = {
    Effect.LOSES: "此前工龄不计算",
    Effect.MERGES: "前后合并计算",
    Effect.NONE: "不影响工龄",
}
COUNTING_LABELS: Final = {Counting.COUNTS: "计算连续工龄", Counting.OUT: "不计算连续工龄"}


@dataclass(frozen=True)
class Source:
    """A place a fact rests on: what it says and where it stands."""

    id: str
    page: str
    value: str
    title: str
    formed: str
    full: str
    flags: str
    bad: bool
    withdraw: str  # the address that takes the claim back, blank for whom it is not to take back


@dataclass(frozen=True, kw_only=True)
class Card:
    """One fact."""

    fact: str
    title: str
    state: str  # ok | open | conflict
    verdict: str
    value: str = ""
    aside: str = ""
    sources: Sequence[Source] = ()
    notes: Sequence[Reason] = ()
    table_title: str = ""
    table: Sequence[tuple[str, str, str]] = ()
    adopts: bool = False
    proposed: str = ""
    adopted: Adoption | None = None
    choices: Sequence[tuple[str, str]] = ()
    settles: str = ""  # the fact an adoption here is of

    @property
    def told(self) -> list[Reason]:
        """The notes, each rule named once, after the last sentence that rests on it."""
        following = [note.clause for note in self.notes[1:]] + [""]
        return [
            Reason(note.sentence, "" if note.clause == then else note.clause)
            for note, then in zip(self.notes, following, strict=False)
        ]

    @property
    def leading(self) -> list[Source]:
        """The places shown at once: every one that deviates, and the oldest that do not."""
        sound = [source for source in self.sources if not source.bad]
        if len(sound) <= SHOWN_AT_ONCE + 1:
            return list(self.sources)
        first = {source.id for source in sound[:SHOWN_AT_ONCE]}
        return [source for source in self.sources if source.bad or source.id in first]

    @property
    def further(self) -> list[Source]:
        """The other places, which agree with the rest."""
        shown = {source.id for source in self.leading}
        return [source for source in self.sources if source.id not in shown]

    @property
    def pair(self) -> str:
        """The two places to lay side by side: one that agrees and one that does not."""
        bad = [source.id for source in self.sources if source.bad]
        good = [source.id for source in self.sources if not source.bad]
        if bad and good:
            return f"{good[0]} {bad[0]}"
        return ""


@dataclass(frozen=True)
class Reading:
    """The claims of a case in the eyes of one person."""

    case: Case
    claims: Sequence[Claim]
    adopted: dict[str, Adoption]
    user: User
    writable: bool

    def sources(self, *facts: Fact, bad: Iterable[str] = ()) -> list[Source]:
        """The places that speak of the facts, oldest material first."""
        deviating = set(bad)
        chosen = [claim for claim in self.claims if claim.fact in facts]
        chosen.sort(key=lambda claim: (claim.page.material.formed or "9999", claim.at))
        return [_source(claim, bad=claim.uid in deviating, reading=self) for claim in chosen]

    def has(self, *facts: Fact) -> bool:
        return any(claim.fact in facts for claim in self.claims)


def cards_of(found: Assessment, reading: Reading) -> list[Card]:
    """The cards of a case, in the order a reviewer works."""
    return [
        _birth(found, reading),
        _statutory(found),
        _first_work(found, reading),
        _service(found, reading),
        _deemed(found),
        _contribution(found),
        *(_left(left, reading) for left in found.service.left),
        *_special(found, reading),
        *_texts(reading),
    ]


def _birth(found: Assessment, reading: Reading) -> Card:
    finding = found.birth
    settled = found.born_adopted
    sound = finding.result in {BirthResult.AGREE, BirthResult.ID} and not finding.deviating
    if settled or sound:
        state, verdict = OK, _("已采信") if settled else _("材料一致")
    elif not reading.has(Fact.BIRTH):
        state, verdict = OPEN, _("尚无记载")
    else:
        state, verdict = CONFLICT, _("材料不一致") if finding.deviating else _("存疑")
    return Card(
        fact=Fact.BIRTH,
        title=FACT_LABELS[Fact.BIRTH],
        state=state,
        verdict=verdict,
        value=_date(found.born),
        aside=RESULT_LABELS[finding.result],
        sources=reading.sources(Fact.BIRTH, bad=finding.deviating),
        notes=finding.reasons,
        adopts=reading.writable,
        settles=Fact.BIRTH,
        proposed=str(finding.proposed) if finding.proposed and not settled else "",
        adopted=reading.adopted.get(Fact.BIRTH),
    )


def _statutory(found: Assessment) -> Card:
    age, wish = found.age, found.wish
    if age is None:
        return Card(
            fact="statutory",
            title=_("退休年月"),
            state=OPEN,
            verdict=_("待认定出生"),
            notes=wish.objections,
        )
    notes = [Reason(_("法定退休年月 %(month)s") % {"month": age.statutory}, age.clause)]
    if age.earliest and age.latest:
        limits = {"earliest": age.earliest, "latest": age.latest}
        notes.append(Reason(_("弹性 %(earliest)s 至 %(latest)s") % limits))
    return Card(
        fact="statutory",
        title=_("退休年月"),
        state=OK if wish.allowed else CONFLICT,
        verdict=_("符合规定") if wish.allowed else _("不符合"),
        value=str(wish.month or age.statutory),
        aside=_("%(years)s 岁 %(months)s 个月")
        % {"years": age.age_years, "months": age.age_months},
        notes=[*wish.objections, *notes],
    )


def _first_work(found: Assessment, reading: Reading) -> Card:
    first = found.first_work
    state, verdict = OPEN, _("待核对")
    if first.adopted:
        state, verdict = OK, _("已采信")
    deviating = {
        claim
        for conflict in found.conflicts
        if conflict.code in {"C06", "C07"}
        for claim in conflict.claims
        if claim not in first.reason.claims
    }
    if deviating and not first.adopted:
        state, verdict = CONFLICT, _("材料不一致")
    return Card(
        fact=Fact.FIRST_WORK,
        title=FACT_LABELS[Fact.FIRST_WORK],
        state=state,
        verdict=verdict,
        value=_date(first.on),
        sources=reading.sources(Fact.FIRST_WORK, bad=deviating),
        notes=[first.reason],
        adopts=reading.writable,
        settles=Fact.FIRST_WORK,
        proposed=str(first.on) if first.on and not first.adopted else "",
        adopted=reading.adopted.get(Fact.FIRST_WORK),
    )


def _service(found: Assessment, reading: Reading) -> Card:
    service = found.service
    asked = [one for one in service.served if one.counting is Counting.ASK]
    if not service.served:
        state, verdict = OPEN, _("尚无记载")
    elif service.gaps or service.impossible:
        state, verdict = CONFLICT, _("有疑点")
    elif asked:
        state, verdict = OPEN, _("待认定")
    else:
        state, verdict = OK, _("已计算")
    gaps = [
        Reason(_("%(span)s 没有记载，共 %(n)s") % {"span": gap.span, "n": span(gap.span.months)})
        for gap in service.gaps
    ]
    return Card(
        fact=Fact.SERVICE,
        title=_("连续工龄"),
        state=state,
        verdict=verdict,
        value=span(service.counted_months) if service.served else "",
        sources=reading.sources(*STRETCHES, bad=service.impossible),
        notes=gaps,
        table_title=_("逐段计算"),
        table=[_line(one) for one in service.served],
        adopts=reading.writable and bool(asked),
        settles=Fact.SERVICE,
        choices=[
            (f"{one.claim}={counting.value}", f"{_stretch(one)}：{label}")
            for one in asked
            for counting, label in COUNTING_LABELS.items()
        ],
    )


def _deemed(found: Assessment) -> Card:
    service = found.service
    doubtful = service.unproven_months or service.unsure_months
    return Card(
        fact="deemed",
        title=_("视同缴费年限"),
        state=OPEN if doubtful else OK,
        verdict=_("待核对") if doubtful else _("已计算"),
        value=span(service.deemed_months),
        aside=_("截至 %(month)s") % {"month": service.cutover.plus(-1)},
        notes=[reason for reason in service.reasons if reason.sentence],
    )


def _contribution(found: Assessment) -> Card:
    needed = found.wish.minimum_months
    enough = needed is not None and found.total_months >= needed
    return Card(
        fact="contribution",
        title=_("累计缴费"),
        state=OK if enough else OPEN if needed is None else CONFLICT,
        verdict=_("已满足") if enough else _("待计算") if needed is None else _("不足"),
        value=span(found.total_months),
        aside=_("最低 %(needed)s") % {"needed": span(needed)} if needed else "",
        notes=[
            Reason(
                _("视同 %(deemed)s，实际 %(paid)s")
                % {"deemed": span(found.deemed_months), "paid": span(found.paid_months)}
            )
        ],
    )


def _left(left: Left, reading: Reading) -> Card:
    sources = [source for source in reading.sources(Fact.BREAK) if source.id == left.claim]
    return Card(
        fact=f"{Fact.BREAK.value}-{left.claim}",
        title=LEAVING_LABELS[left.kind],
        state=OK if left.settled or left.effect is not Effect.LOSES else CONFLICT,
        verdict=_("已认定") if left.settled else _("系统建议"),
        value=EFFECT_LABELS[left.effect],
        aside=_("涉及 %(months)s") % {"months": span(left.at_stake)},
        sources=sources,
        notes=[left.reason],
        adopts=reading.writable,
        settles=Fact.BREAK,
        choices=[
            (f"{left.claim}={effect.value}", label) for effect, label in EFFECT_LABELS.items()
        ],
    )


def _special(found: Assessment, reading: Reading) -> list[Card]:
    if not reading.has(Fact.SPECIAL_WORK):
        return []
    months = sum(one.months for one in found.service.special)
    met = any(one.months >= one.needed for one in found.service.special)
    weak = [conflict for conflict in found.conflicts if conflict.code == "C16"]
    return [
        Card(
            fact=Fact.SPECIAL_WORK,
            title=FACT_LABELS[Fact.SPECIAL_WORK],
            state=CONFLICT if weak else OPEN,
            verdict=_("只有证明") if weak else _("达到年限") if met else _("未达年限"),
            value=span(months),
            sources=reading.sources(Fact.SPECIAL_WORK),
            notes=[Reason(conflict.sentence) for conflict in weak],
        )
    ]


def _texts(reading: Reading) -> list[Card]:
    """Facts in words that some paper speaks of."""
    cards = []
    for fact in (*sorted(TEXTS), Fact.CONTRACT, Fact.DEPOSIT):
        if not reading.has(fact):
            continue
        sources = reading.sources(fact)
        values = {source.value for source in sources}
        adopted = reading.adopted.get(fact)
        agree = len(values) == 1
        cards.append(
            Card(
                fact=fact,
                title=FACT_LABELS[fact],
                state=OK if agree or adopted else CONFLICT,
                verdict=_("已采信") if adopted else _("一致") if agree else _("写法不一"),
                value=adopted.value if adopted else sources[0].value,
                sources=sources,
                adopted=adopted,
            )
        )
    return cards


def _source(claim: Claim, *, bad: bool, reading: Reading) -> Source:
    material = claim.page.material
    formed = material.formed.replace("-??", "")
    value = _said(claim)
    flags = [
        label
        for set_, label in (
            (claim.altered, _("有涂改")),
            (claim.copy, _("复印件")),
            (claim.lunar, _("农历")),
            (claim.self_made, _("本人自填")),
        )
        if set_
    ]
    place = _("《%(title)s》第 %(page)s 页") % {
        "title": material.shown_title,
        "page": claim.page.number,
    }
    own = reading.writable and claim.by == reading.user
    return Source(
        id=claim.uid,
        page=claim.page.uid,
        value=value,
        title=material.shown_title,
        formed=formed,
        full=f"{claim.written} — {place}",
        flags="、".join(flags),
        bad=bad or claim.altered,
        withdraw=reverse("case-claim-withdraw", args=[reading.case.uid, claim.uid]) if own else "",
    )


def _said(claim: Claim) -> str:
    """What a claim says, short: dates of a stretch, words of a text, else as written."""
    if claim.fact in STRETCHES or claim.fact == Fact.SPECIAL_WORK:
        since = claim.since.replace("-??", "")
        return f"{since}—{claim.until.replace('-??', '')}"
    return claim.text or claim.written


def _stretch(one: Served) -> str:
    return f"{one.possible} {STRETCH_LABELS[one.kind]}"


def _line(one: Served) -> tuple[str, str, str]:
    mark = {Counting.COUNTS: "", Counting.OUT: _("不计"), Counting.ASK: _("待认定")}[one.counting]
    what = one.unit or STRETCH_LABELS[one.kind]
    return str(one.possible), f"{what} {mark}".strip(), span(one.possible.months)


def _date(value: Any) -> str:
    return str(value).replace("-??", "") if value else ""
