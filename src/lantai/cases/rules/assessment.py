"""The whole judgement on a case: every rule asked once, every answer explained.

``assess`` is deterministic: the same facts and policy give the same assessment, and ``as_json`` is
what is frozen with the evidence. It proposes; people decide.
"""

from dataclasses import dataclass, replace
from typing import Final

from lantai.cases.rules import age, birth, conflicts, route, service
from lantai.cases.rules.age import RetirementAge, minimum_months
from lantai.cases.rules.birth import BirthFinding, BirthResult
from lantai.cases.rules.conflicts import Conflict
from lantai.cases.rules.facts import (
    GROUP_LABELS,
    MODE_LABELS,
    Adopted,
    CaseFacts,
    ClaimFact,
    Cohort,
    Fact,
    Group,
    Leaving,
    MaterialFact,
    Mode,
    Reason,
    Route,
    Stretch,
    Trade,
    UnitFact,
    span,
)
from lantai.cases.rules.missing import Missing, missing_materials
from lantai.cases.rules.policy import Counting, Effect, MinimumOf, Policy
from lantai.cases.rules.route import RouteFinding
from lantai.cases.rules.service import ServiceFinding
from lantai.lib import idnumber
from lantai.lib.dates import Month, PartialDate

__all__ = [
    "Adopted",
    "Assessment",
    "CaseFacts",
    "ClaimFact",
    "Cohort",
    "Fact",
    "FirstWork",
    "Group",
    "Leaving",
    "MaterialFact",
    "Mode",
    "Reason",
    "Route",
    "Stretch",
    "Trade",
    "UnitFact",
    "Wish",
    "assess",
]

_NOTICE: Final = "人社部发〔2024〕94号"
_SHORT: Final = "《社会保险法》第十六条"


@dataclass(frozen=True)
class FirstWork:
    """When work began, and whether an officer settled it.

    The officer's word, else the earliest formed A material's, else the first counted stretch.
    """

    on: PartialDate | None
    adopted: bool
    reason: Reason

    def as_json(self) -> dict[str, object]:
        return {
            "on": str(self.on) if self.on else None,
            "adopted": self.adopted,
            "reason": self.reason.as_json(),
        }


@dataclass(frozen=True)
class Wish:
    """The month the person wishes to retire in. It is allowed if there are no objections."""

    mode: Mode
    month: Month | None
    minimum_months: int | None
    objections: tuple[Reason, ...]

    @property
    def allowed(self) -> bool:
        return not self.objections

    def as_json(self) -> dict[str, object]:
        return {
            "mode": self.mode.value,
            "month": str(self.month) if self.month else None,
            "minimum_months": self.minimum_months,
            "allowed": self.allowed,
            "objections": [one.as_json() for one in self.objections],
        }


@dataclass(frozen=True)
class Assessment:
    """Everything the rules say of a case.

    ``born`` is the birth the case goes by: adopted by an officer, else proposed; None in doubt, and
    then ``age`` is None too. ``total_months`` are deemed and paid months together.
    """

    policy: str
    group: Group
    birth: BirthFinding
    born: PartialDate | None
    born_adopted: bool
    age: RetirementAge | None
    first_work: FirstWork
    service: ServiceFinding
    paid_months: int
    wish: Wish
    conflicts: tuple[Conflict, ...]
    missing: tuple[Missing, ...]
    route: RouteFinding
    reasons: tuple[Reason, ...]

    @property
    def deemed_months(self) -> int:
        return self.service.deemed_months

    @property
    def total_months(self) -> int:
        return self.deemed_months + self.paid_months

    @property
    def obstacles(self) -> tuple[str, ...]:
        """What must be settled before the review can end, each a sentence."""
        found = []
        if self.born is None:
            found.append("出生时间尚未认定，请登记记载并采信")
        elif self.age is None:
            found.append("采信的出生时间没有月份，不能计算退休年月，请采信到月")
        if self.first_work.on is None:
            found.append("参加工作时间尚未认定，请登记记载并采信")
        found += [
            one.reason.sentence
            for one in self.service.left
            if one.effect is Effect.LOSES and not one.settled
        ]
        return tuple(found)

    def as_json(self) -> dict[str, object]:
        """Plain values for freezing; dates and months as text, no floating numbers."""
        return {
            "policy": self.policy,
            "group": self.group.value,
            "birth": {
                "result": self.birth.result.value,
                "proposed": str(self.birth.proposed) if self.birth.proposed else None,
                "first": list(self.birth.first),
                "deviating": list(self.birth.deviating),
                "reasons": [one.as_json() for one in self.birth.reasons],
            },
            "born": str(self.born) if self.born else None,
            "born_adopted": self.born_adopted,
            "age": self.age.as_row() if self.age else None,
            "first_work": self.first_work.as_json(),
            "service": self.service.as_json(),
            "deemed_months": self.deemed_months,
            "paid_months": self.paid_months,
            "total_months": self.total_months,
            "wish": self.wish.as_json(),
            "conflicts": [one.as_json() for one in self.conflicts],
            "missing": [one.as_json() for one in self.missing],
            "route": self.route.as_json(),
            "reasons": [one.as_json() for one in self.reasons],
        }


def assess(facts: CaseFacts, *, policy: Policy) -> Assessment:
    """Judge a case by the law and a policy."""
    births = birth.establish(claims=facts.of(Fact.BIRTH), id_birth=idnumber.birth(facts.id_number))
    adopted_birth = _adopted_date(facts, Fact.BIRTH)
    born = adopted_birth or births.proposed
    month = born.as_month if born else None
    reached = age.retirement_age(facts.group, month) if month else None
    served = service.establish(facts, policy)
    lacking = missing_materials(facts, policy)
    found = conflicts.find(
        facts, birth=births, born=born, service=served, missing=lacking, policy=policy
    )
    assessment = Assessment(
        policy=policy.version,
        group=facts.group,
        birth=births,
        born=born,
        born_adopted=adopted_birth is not None,
        age=reached,
        first_work=_first_work(facts, served, policy),
        service=served,
        paid_months=facts.paid_months,
        wish=_wish(facts, reached, served.deemed_months + facts.paid_months, policy),
        conflicts=found,
        missing=lacking,
        route=route.choose(facts, birth=births, service=served, conflicts=found, policy=policy),
        reasons=(),
    )
    return replace(assessment, reasons=_explain(assessment, facts))


def _adopted_date(facts: CaseFacts, fact: Fact) -> PartialDate | None:
    """The date an officer settled; ValueError if the text is no date."""
    settled = facts.settled(fact)
    return PartialDate.parse(settled.value) if settled else None


def _first_work(facts: CaseFacts, served: ServiceFinding, policy: Policy) -> FirstWork:
    settled = _adopted_date(facts, Fact.FIRST_WORK)
    if settled is not None:
        why = facts.settled(Fact.FIRST_WORK)
        return FirstWork(
            settled,
            adopted=True,
            reason=Reason(f"参加工作时间认定为 {settled}：{why.reason if why else ''}"),
        )
    source = policy.source(f"evidence.{Fact.FIRST_WORK.value}")
    strong = [
        claim
        for claim in facts.of(Fact.FIRST_WORK)
        if claim.since is not None
        and not (claim.copy or claim.altered)
        and policy.weight(Fact.FIRST_WORK, claim.material_kind) == "A"
    ]
    if strong:
        first = min(strong, key=_formed_first)
        sentence = f"参加工作时间建议为 {first.since}，据{first.source}"
        return FirstWork(first.since, adopted=False, reason=Reason(sentence, source, (first.id,)))
    begun = [one for one in served.served if one.counting is Counting.COUNTS and one.weight == "A"]
    if begun:
        one = min(begun, key=lambda one: (one.possible, one.claim))
        month = one.possible.first
        on = PartialDate(month.year, month.month)
        sentence = f"参加工作时间建议为 {on}，据最早一段计算工龄的经历"
        return FirstWork(on, adopted=False, reason=Reason(sentence, source, (one.claim,)))
    return FirstWork(
        None,
        adopted=False,
        reason=Reason("没有关键材料记载参加工作时间，请登记记载或采信", source),
    )


def _formed_first(claim: ClaimFact) -> tuple[bool, str, str]:
    """Undated materials come last."""
    formed = claim.formed
    return (formed is None, str(formed.last_day) if formed else "", claim.id)


def _wish(facts: CaseFacts, reached: RetirementAge | None, total: int, policy: Policy) -> Wish:
    """Whether the wished month is allowed, with every objection."""
    if reached is None:
        return Wish(
            facts.mode,
            facts.wished,
            None,
            (Reason("出生年月尚未认定，不能判断退休年月是否符合规定"),),
        )
    month = facts.wished or (reached.statutory if facts.mode is Mode.NORMAL else None)
    if month is None:
        return Wish(
            facts.mode,
            None,
            None,
            (Reason(f"{MODE_LABELS[facts.mode]}须写明选定的退休年月", f"{age.LAW}第三条"),),
        )
    of = {
        Mode.NORMAL: MinimumOf.STATUTORY,
        Mode.EARLY: policy.early_minimum_of,
        Mode.LATE: policy.late_minimum_of,
    }[facts.mode]
    needed = minimum_months((month if of is MinimumOf.CHOSEN else reached.statutory).year)
    objections = {
        Mode.NORMAL: _against_normal,
        Mode.EARLY: _against_early,
        Mode.LATE: _against_late,
    }[facts.mode](facts, reached, month, policy)
    if total < needed:
        objections.append(
            Reason(
                f"累计缴费 {span(total)}，少于最低缴费年限 {span(needed)}，"
                f"相差 {span(needed - total)}",
                f"{age.LAW}第二条；{_SHORT}",
            )
        )
    return Wish(facts.mode, month, needed, tuple(objections))


def _against_normal(
    facts: CaseFacts, reached: RetirementAge, month: Month, policy: Policy
) -> list[Reason]:
    if month == reached.statutory:
        return []
    return [
        Reason(
            f"按法定年龄退休的年月是 {reached.statutory}，申请为 {month}，请改正或改选弹性退休",
            reached.clause,
        )
    ]


def _against_early(
    facts: CaseFacts, reached: RetirementAge, month: Month, policy: Policy
) -> list[Reason]:
    clause = f"{age.LAW}第三条"
    if reached.earliest is None:
        return [Reason("2025 年前已达到法定退休年龄，不适用弹性提前退休", clause)]
    objections = []
    if month < reached.earliest:
        objections.append(Reason(f"最早可于 {reached.earliest} 退休，申请的 {month} 过早", clause))
    if month >= reached.statutory:
        objections.append(
            Reason(f"{month} 不早于法定退休年月 {reached.statutory}，不是提前退休", clause)
        )
    return objections + _notice(
        facts, month, policy.early_notice_months, "弹性提前退休须提前 {} 个月书面告知"
    )


def _against_late(
    facts: CaseFacts, reached: RetirementAge, month: Month, policy: Policy
) -> list[Reason]:
    clause = f"{age.LAW}第三条"
    if reached.latest is None:
        return [Reason("2025 年前已达到法定退休年龄，不适用弹性延迟退休", clause)]
    objections = []
    if facts.public_office:
        objections.append(Reason("公务员和国有单位领导人员、管理人员不得延迟退休", _NOTICE))
    if month <= reached.statutory:
        objections.append(
            Reason(f"{month} 不晚于法定退休年月 {reached.statutory}，不是延迟退休", clause)
        )
    if month > reached.latest:
        objections.append(Reason(f"最迟应于 {reached.latest} 退休，申请的 {month} 过晚", clause))
    return objections + _notice(
        facts,
        min(month, reached.statutory),
        policy.late_notice_months,
        "弹性延迟退休须在达到法定年龄前 {} 个月书面约定",
    )


def _notice(facts: CaseFacts, month: Month, lead: int, words: str) -> list[Reason]:
    if facts.applied is None or facts.applied <= month.plus(-lead):
        return []
    return [Reason(f"{words.format(lead)}，申请月份为 {facts.applied}", _NOTICE)]


def _explain(assessment: Assessment, facts: CaseFacts) -> tuple[Reason, ...]:
    """The finding told in order: birth, age, first work, service, total, wish."""
    reasons = list(assessment.birth.reasons)
    settled = facts.settled(Fact.BIRTH)
    if settled is not None:
        differs = assessment.birth.result is not BirthResult.AGREE
        note = f"（系统判断：{birth.RESULT_LABELS[assessment.birth.result]}）" if differs else ""
        reasons.append(
            Reason(f"出生时间认定为 {assessment.born}：{settled.reason}{note}", birth.CLAUSE)
        )
    reached = assessment.age
    if reached is not None:
        delayed = f"延迟 {reached.delay_months} 个月，" if reached.delay_months else ""
        reasons.append(
            Reason(
                f"{GROUP_LABELS[reached.group]}，{reached.born} 出生，{delayed}"
                f"法定退休年龄 {reached.age_years} 岁 {reached.age_months} 个月，"
                f"法定退休年月 {reached.statutory}",
                reached.clause,
            )
        )
        if reached.earliest and reached.latest:
            reasons.append(
                Reason(
                    f"弹性退休可在 {reached.earliest} 至 {reached.latest} 之间选择",
                    f"{age.LAW}第三条",
                )
            )
    reasons.append(assessment.first_work.reason)
    reasons += assessment.service.reasons
    reasons.append(
        Reason(
            f"视同缴费 {span(assessment.deemed_months)}，实际缴费 {span(assessment.paid_months)}，"
            f"合计 {span(assessment.total_months)}",
            service.CLAUSE,
        )
    )
    wish = assessment.wish
    if wish.month and wish.minimum_months and wish.allowed:
        reasons.append(
            Reason(
                f"{MODE_LABELS[wish.mode]}，{wish.month} 退休符合规定，"
                f"最低缴费年限 {span(wish.minimum_months)} 已满足",
                f"{age.LAW}第二条、第三条",
            )
        )
    reasons += wish.objections
    return tuple(reasons)
