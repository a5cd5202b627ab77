"""Simple or complex: whether a case may be decided on images alone (domain digest §4.9).

Anyone may raise a case to complex; nothing here lowers one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lantai.cases.rules.birth import RESULT_LABELS, BirthFinding, BirthResult
from lantai.cases.rules.conflicts import TITLES, Conflict
from lantai.cases.rules.facts import FACT_LABELS, ROUTE_LABELS, CaseFacts, Fact, Route, span
from lantai.cases.rules.policy import Counting, Policy
from lantai.cases.rules.service import ServiceFinding

__all__ = ["ROUTE_LABELS", "Route", "RouteFinding", "RouteReason", "choose"]

# These make any case complex.
GRAVE: Final = frozenset(
    f"C{number:02d}" for number in (1, 2, 5, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23)
)
# These only bear on service, and so on cases with deemed time.
OF_SERVICE: Final = frozenset({"C06", "C07", "C08", "C09", "C17"})
# Facts that must rest on A materials for a case to be simple.
_PROVED: Final = (Fact.ARMY, Fact.COUNTRYSIDE, Fact.SPECIAL_WORK, Fact.BREAK)


@dataclass(frozen=True)
class RouteReason:
    """Why a case is complex. ``code`` is a conflict's, or BIRTH, SERVICE, FACT or RAISED."""

    code: str
    sentence: str
    claims: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        return {"code": self.code, "sentence": self.sentence, "claims": list(self.claims)}


@dataclass(frozen=True)
class RouteFinding:
    """The route with every reason for complex; ``ground`` says what it rests on."""

    route: Route
    reasons: tuple[RouteReason, ...]
    ground: str

    def as_json(self) -> dict[str, object]:
        return {
            "route": self.route.value,
            "reasons": [one.as_json() for one in self.reasons],
            "ground": self.ground,
        }


def choose(
    facts: CaseFacts,
    *,
    birth: BirthFinding,
    service: ServiceFinding,
    conflicts: Sequence[Conflict],
    policy: Policy,
) -> RouteFinding:
    """Choose the route of a case and give every reason."""
    reasons = []
    if birth.result is not BirthResult.AGREE:
        reasons.append(
            RouteReason("BIRTH", f"出生时间：{RESULT_LABELS[birth.result]}", birth.first)
        )
    deemed = service.deemed_months or service.overlap
    weighty = GRAVE | OF_SERVICE if deemed else GRAVE
    reasons += [
        RouteReason(one.code, f"{TITLES[one.code]}：{one.sentence}", one.claims)
        for one in conflicts
        if one.code in weighty and one.weighs
    ]
    reasons += _service_reasons(service)
    reasons += _fact_reasons(facts, policy)
    reasons += [RouteReason("RAISED", f"审核人员转为复杂件：{why}") for why in facts.raised]
    if reasons:
        return RouteFinding(
            Route.COMPLEX, tuple(reasons), f"有 {len(reasons)} 项理由，须核对实体档案后审批"
        )
    ground = (
        f"视同缴费 {span(service.deemed_months)} 全部有关键材料且无冲突，可凭影像审批"
        if deemed
        else "没有视同缴费年限，可凭影像审批"
    )
    return RouteFinding(Route.SIMPLE, (), ground)


def _service_reasons(service: ServiceFinding) -> list[RouteReason]:
    reasons = []
    if service.unproven_months:
        doubtful = tuple(one.claim for one in service.served if one.weight != "A")
        reasons.append(
            RouteReason(
                "SERVICE",
                f"视同缴费中有 {span(service.unproven_months)} 没有关键材料证明",
                doubtful,
            )
        )
    if service.unsure_months:
        reasons.append(
            RouteReason(
                "SERVICE",
                f"起止时间写得不全，视同缴费可能相差 {span(service.unsure_months)}，须人工认定",
            )
        )
    asked = tuple(one.claim for one in service.served if one.counting is Counting.ASK)
    if asked:
        reasons.append(
            RouteReason("SERVICE", f"有 {len(asked)} 段经历是否计算工龄须人工认定", asked)
        )
    if service.impossible:
        reasons.append(RouteReason("SERVICE", "有记载的截止时间早于起始时间", service.impossible))
    return reasons


def _fact_reasons(facts: CaseFacts, policy: Policy) -> list[RouteReason]:
    reasons = []
    for fact in _PROVED:
        weak = tuple(
            claim.id
            for claim in facts.of(fact)
            if policy.weight(fact, claim.material_kind) != "A" or claim.copy
        )
        if weak and len(weak) == len(facts.of(fact)):
            reasons.append(
                RouteReason("FACT", f"{FACT_LABELS[fact]}没有任何记载出自关键材料", weak)
            )
    return reasons
