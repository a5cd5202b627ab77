"""Conflicts C01–C23: what does not fit together, each with the claims and pages that show it.

The list and the codes are those of the domain digest §4.8. A conflict is a warning to a person;
none of them changes a finding.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from lantai.cases.rules import months
from lantai.cases.rules.birth import BirthFinding
from lantai.cases.rules.facts import (
    LEAVING_LABELS,
    STRETCH_LABELS,
    CaseFacts,
    ClaimFact,
    Fact,
    Leaving,
    MaterialFact,
    Stretch,
    span,
)
from lantai.cases.rules.missing import Missing
from lantai.cases.rules.policy import Counting, Policy
from lantai.cases.rules.service import ServiceFinding
from lantai.cases.rules.stretches import same_unit
from lantai.lib import idnumber, search
from lantai.lib.catalogue import MaterialKind
from lantai.lib.dates import Month, PartialDate

TITLES: Final[dict[str, str]] = {
    "C01": "出生时间与身份证不一致",
    "C02": "出生时间的记载有涂改或未注明形成时间",
    "C03": "疑似农历误作公历",
    "C04": "姓名写法不同而无证明",
    "C05": "性别记载不一致",
    "C06": "参加工作时年龄不足",
    "C07": "参加工作时间不一致",
    "C08": "视同缴费与实际缴费重叠",
    "C09": "工作中断而无决定文书",
    "C10": "同一时间在两个单位",
    "C11": "有开除或判刑记录",
    "C12": "起缴前有除名或自动离职",
    "C13": "材料时间与单位存续时间不符",
    "C14": "材料形成时间晚于到档或扫描",
    "C15": "转递之后出现的新材料非本机构归档",
    "C16": "特殊工种只有事后证明",
    "C17": "入伍时间与工作时间交叉",
    "C18": "目录页数与影像页数不符",
    "C19": "缺少关键材料或只有复印件",
    "C20": "关键材料的影像有质量问题",
    "C21": "审核开始后影像有变化",
    "C22": "材料正在争议中",
    "C23": "涉密档案",
}


@dataclass(frozen=True)
class Conflict:
    """What does not fit. ``claims``, ``materials`` and ``pages`` are the places to look at.

    ``weighs`` is False where only a weaker material speaks against the deciding ones: it is shown
    and makes no case complex.
    """

    code: str
    sentence: str
    claims: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    weighs: bool = True

    @property
    def title(self) -> str:
        return TITLES[self.code]

    def as_json(self) -> dict[str, object]:
        return {
            "code": self.code,
            "title": self.title,
            "sentence": self.sentence,
            "claims": list(self.claims),
            "materials": list(self.materials),
            "pages": list(self.pages),
            "weighs": self.weighs,
        }


def find(
    facts: CaseFacts,
    *,
    birth: BirthFinding,
    born: PartialDate | None,
    service: ServiceFinding,
    missing: Sequence[Missing],
    policy: Policy,
) -> tuple[Conflict, ...]:
    """Every conflict of a case, in the order of the codes. ``born`` is the birth the case uses."""
    found = [
        *_of_birth(facts, birth, policy),
        *_of_person(facts),
        *_of_first_work(facts, born, policy),
        *_of_service(facts, service),
        *_of_special_work(facts, policy),
        *_of_materials(facts, missing, policy),
        *_of_dossier(facts),
    ]
    return tuple(sorted(found, key=lambda one: one.code))


def _of_birth(facts: CaseFacts, birth: BirthFinding, policy: Policy) -> Iterator[Conflict]:
    card = idnumber.birth(facts.id_number)
    claims = [claim for claim in facts.of(Fact.BIRTH) if claim.since is not None]
    if card is not None:
        day = PartialDate(card.year, card.month, card.day)
        month = PartialDate(card.year, card.month)
        for claim in claims:
            if claim.since is None or claim.altered or claim.since.overlaps(month):
                continue
            order = "最早形成的" if claim.id in birth.first else ""
            yield Conflict(
                "C01",
                f"{order}{claim.source}记载出生时间为 {claim.since}，身份证为 {day}",
                *_places(claim),
            )
    for claim in claims:
        if claim.altered:
            yield Conflict("C02", f"{claim.source}的出生时间有涂改，请核对原件", *_places(claim))
        elif claim.formed is None and not claim.copy:
            yield Conflict(
                "C02", f"{claim.source}没有形成时间，不能判断先后，请核对原件", *_places(claim)
            )
    yield from _lunar(facts, claims, policy)


def _lunar(facts: CaseFacts, claims: Sequence[ClaimFact], policy: Policy) -> Iterator[Conflict]:
    """A lunar mark, and a distance to the card or another record that such a mark explains."""
    low, high = policy.lunar_days
    card = idnumber.birth(facts.id_number)
    for claim in (claim for claim in claims if claim.lunar and claim.since):
        against = [("身份证", card)] if card else []
        against += [
            (other.source, other.since.first_day)
            for other in claims
            if other is not claim and other.since and other.since.day
        ]
        for name, day in against:
            if (
                claim.since
                and claim.since.day
                and low <= abs((day - claim.since.first_day).days) <= high
            ):
                yield Conflict(
                    "C03",
                    f"{claim.source}记载为农历 {claim.since}，与{name}相差"
                    f" {abs((day - claim.since.first_day).days)} 天，疑似同一天，请换算核对",
                    *_places(claim),
                )
                break
        else:
            yield Conflict(
                "C03",
                f"{claim.source}记载为农历 {claim.since}，请换算为公历后核对",
                *_places(claim),
            )


def _of_person(facts: CaseFacts) -> Iterator[Conflict]:
    proof = [
        one
        for one in (*facts.materials, *facts.claims)
        if MaterialKind.NAME_CHANGE in (getattr(one, "kind", ""), getattr(one, "material_kind", ""))
    ]
    for claim in facts.of(Fact.NAME):
        if facts.name and claim.text and claim.text != facts.name and not proof:
            alike = search.fold_name(claim.text) == search.fold_name(facts.name)
            how = "异体或简化写法，" if alike else ""
            yield Conflict(
                "C04",
                f"{claim.source}姓名为“{claim.text}”，登记姓名为“{facts.name}”，"
                f"{how}没有更名证明，请核对是否同一人",
                *_places(claim),
            )
    sexes = {facts.sex or "0", idnumber.sex(facts.id_number) or "0"} - {"0"}
    for claim in facts.of(Fact.SEX):
        if claim.text and sexes and {claim.text} != sexes:
            yield Conflict(
                "C05", f"{claim.source}的性别与登记或身份证不一致，请核对", *_places(claim)
            )
    if len(sexes) > 1:
        yield Conflict("C05", "登记的性别与身份证号码的性别位不一致，请核对")
    if sexes == {"2" if facts.group == "M60" else "1"}:
        yield Conflict("C05", "申请的退休类别与性别不符，请核对申请")


def _of_first_work(
    facts: CaseFacts, born: PartialDate | None, policy: Policy
) -> Iterator[Conflict]:
    claims = [claim for claim in facts.of(Fact.FIRST_WORK) if claim.since is not None]
    month = born.as_month if born else None
    if month is not None:
        for claim in (*claims, *facts.of(Fact.SERVICE, Fact.ARMY, Fact.COUNTRYSIDE)):
            if claim.since is None or _outside_service(claim, policy):
                continue
            age = months.latest(claim.since).ordinal - month.ordinal
            if age < _least_age(claim, policy) * 12:
                yield Conflict(
                    "C06",
                    f"{claim.source}记载 {claim.since} 参加工作，当时 {span(max(age, 0))}，"
                    "不足规定年龄，请核对",
                    *_places(claim),
                )
    yield from _first_work_differs(claims, policy)


def _first_work_differs(claims: Sequence[ClaimFact], policy: Policy) -> Iterator[Conflict]:
    """Between deciding materials, and between them and the weaker ones."""
    dated = [
        (
            claim.since,
            policy.weight(Fact.FIRST_WORK, claim.material_kind) == "A" and not claim.copy,
            claim,
        )
        for claim in claims
        if claim.since is not None
    ]
    for (earlier, strong, one), (later, strong_too, other) in combinations(dated, 2):
        apart = _surely_apart(earlier, later)
        if apart > policy.first_work_tolerance and (strong or strong_too):
            yield Conflict(
                "C07",
                f"{one.source}为 {earlier}，{other.source}为 {later}，"
                f"参加工作时间相差 {span(apart)}，请核对",
                *_places(one, other),
                weighs=strong and strong_too,
            )


def _outside_service(claim: ClaimFact, policy: Policy) -> bool:
    """Tell whether a stretch is of a kind that is no service at all, such as farming."""
    return claim.kind in STRETCH_LABELS and policy.counting[Stretch(claim.kind)] is Counting.OUT


def _least_age(claim: ClaimFact, policy: Policy) -> int:
    """The lowest age in years at which the work of a claim may have begun."""
    young = claim.kind in (Stretch.APPRENTICE, Stretch.ARMY) or claim.fact is Fact.ARMY
    young = young or claim.material_kind is MaterialKind.ARMY_ENTRY
    early = claim.since is not None and months.earliest(claim.since) <= policy.young_until
    return policy.young_work_age if young and early else policy.work_age


def _surely_apart(one: PartialDate, other: PartialDate) -> int:
    """By how many months at least two dates differ."""
    first, second = sorted((one, other), key=lambda when: when.first_day)
    return max(0, months.earliest(second).ordinal - months.latest(first).ordinal)


def _of_service(facts: CaseFacts, service: ServiceFinding) -> Iterator[Conflict]:
    by_id = {claim.id: claim for claim in facts.claims}
    if service.overlap:
        touched = [
            by_id[one.claim]
            for one in service.served
            if any(one.possible.last >= part.first for part in service.overlap)
        ]
        listed = "、".join(str(part) for part in service.overlap)
        yield Conflict(
            "C08",
            f"{listed}既有工作记载又有缴费记录，只计一次，请核对起缴时间",
            *_places(*touched),
        )
    for gap in service.gaps:
        if not gap.decisions and not gap.placement:
            yield Conflict(
                "C09",
                f"{gap.span}中断 {span(gap.span.months)}，没有解除、辞职等决定文书，请核对",
                *_places(*(by_id[claim] for claim in gap.neighbours)),
            )
    working = [claim for claim in facts.of(Fact.SERVICE) if claim.since and claim.unit]
    for one, other in combinations(working, 2):
        if not same_unit(one.unit, other.unit) and _surely_overlap(one, other):
            yield Conflict(
                "C10",
                f"{one.source}与{other.source}记载同一时间分别在{one.unit}和{other.unit}，请核对",
                *_places(one, other),
            )
    for left in service.left:
        claim, label = by_id[left.claim], LEAVING_LABELS[left.kind]
        when = f"{left.on or '时间不明'}"
        if left.kind in (Leaving.EXPELLED, Leaving.SENTENCED):
            yield Conflict(
                "C11", f"{claim.source}记载 {when} {label}，请认定对工龄的影响", *_places(claim)
            )
        if left.kind in (Leaving.STRUCK_OFF, Leaving.WALKED_OUT) and _before(
            left.on, service.cutover
        ):
            yield Conflict(
                "C12",
                f"{claim.source}记载 {when} {label}，早于起缴年月 {service.cutover}，"
                "请按当地口径认定",
                *_places(claim),
            )
    if any(one.kind in (Stretch.SENTENCE, Stretch.LABOUR_CAMP) for one in service.served):
        punished = [
            by_id[one.claim]
            for one in service.served
            if one.kind in (Stretch.SENTENCE, Stretch.LABOUR_CAMP)
        ]
        yield Conflict("C11", "有服刑或劳动教养的记载，请认定对工龄的影响", *_places(*punished))
    for army in facts.of(Fact.ARMY):
        for work in working:
            if _surely_overlap(army, work):
                yield Conflict(
                    "C17",
                    f"{army.source}的服役时间与{work.source}在{work.unit}的工作时间交叉，请核对",
                    *_places(army, work),
                )


def _surely_overlap(one: ClaimFact, other: ClaimFact) -> bool:
    """Both were surely under way on some day; a day that ends one and begins the other is none."""
    if not (one.since and one.until and other.since and other.until):
        return False
    return one.since.last_day < other.until.first_day and other.since.last_day < one.until.first_day


def _before(when: PartialDate | None, month: Month) -> bool:
    return when is None or months.earliest(when) < month


def _of_special_work(facts: CaseFacts, policy: Policy) -> Iterator[Conflict]:
    claims = facts.of(Fact.SPECIAL_WORK)
    if claims and all(
        policy.weight(Fact.SPECIAL_WORK, claim.material_kind) not in ("A", "B") or claim.copy
        for claim in claims
    ):
        yield Conflict(
            "C16",
            "特殊工种只有事后证明或履历记载，没有当时的原始材料，请查找工资、工种变动材料",
            *_places(*claims),
        )


def _of_materials(
    facts: CaseFacts, missing: Sequence[Missing], policy: Policy
) -> Iterator[Conflict]:
    for material in facts.materials:
        title = f"《{material.title}》"
        yield from _of_units(facts, material)
        yield from _of_times(facts, material)
        if material.page_count != material.images:
            yield Conflict(
                "C18",
                f"{title}目录 {material.page_count} 页，影像 {material.images} 页，请核对或补扫",
                materials=(material.id,),
            )
        if material.faults and policy.is_key(material.kind):
            yield Conflict(
                "C20",
                f"{title}是关键材料，影像有未处理的质量问题（{'、'.join(material.faults)}），请重扫或核对实体",
                materials=(material.id,),
                pages=material.pages,
            )
        changed = tuple(page for page in material.pages if page in facts.changed_pages)
        if changed:
            yield Conflict(
                "C21",
                f"{title}有 {len(changed)} 页影像在审核开始后更换，请重新查看",
                materials=(material.id,),
                pages=changed,
            )
        if material.disputed:
            yield Conflict(
                "C22", f"{title}正在争议或鉴别中，不得单独作为依据", materials=(material.id,)
            )
    for one in missing:
        yield Conflict("C19", one.sentence)


def _of_units(facts: CaseFacts, material: MaterialFact) -> Iterator[Conflict]:
    """A paper of an employer from before it was founded or after it had ended."""
    names = {claim.unit for claim in facts.claims if claim.material == material.id and claim.unit}
    for unit in facts.units:
        if material.formed is None or not any(same_unit(unit.name, name) for name in names):
            continue
        early = unit.founded is not None and material.formed.surely_before(unit.founded)
        late = unit.ended is not None and unit.ended.surely_before(material.formed)
        if early or late:
            when = f"成立于 {unit.founded}" if early else f"终止于 {unit.ended}"
            yield Conflict(
                "C13",
                f"《{material.title}》形成于 {material.formed}，而{unit.name}{when}，请核对真伪",
                materials=(material.id,),
                pages=material.pages,
            )


def _of_times(facts: CaseFacts, material: MaterialFact) -> Iterator[Conflict]:
    formed, title = material.formed, f"《{material.title}》"
    if formed is None:
        return
    if material.scanned_on is not None and formed.first_day > material.scanned_on:
        yield Conflict(
            "C14",
            f"{title}形成时间 {formed} 晚于扫描日期 {material.scanned_on}，请核对目录",
            materials=(material.id,),
        )
    if material.filed_here:
        return
    if facts.arrived_on is not None and formed.first_day > facts.arrived_on:
        yield Conflict(
            "C14",
            f"{title}形成时间 {formed} 晚于到档日期 {facts.arrived_on}，且非本机构归档，请查明来源",
            materials=(material.id,),
        )
    if facts.transferred_on is not None and formed.first_day > facts.transferred_on:
        yield Conflict(
            "C15",
            f"{title}形成于最近一次转递（{facts.transferred_on}）之后，且非本机构归档，请查明来源",
            materials=(material.id,),
        )


def _of_dossier(facts: CaseFacts) -> Iterator[Conflict]:
    elsewhere = set(facts.changed_pages) - {
        page for material in facts.materials for page in material.pages
    }
    if elsewhere:
        yield Conflict(
            "C21",
            f"有 {len(elsewhere)} 页影像在审核开始后更换，请重新查看",
            pages=tuple(sorted(elsewhere)),
        )
    if facts.secret:
        yield Conflict("C23", "档案含涉密材料，须经专门批准后核对实体")


def _places(*claims: ClaimFact) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The claims, their materials and their pages, each once and in order."""
    return (
        _once(claim.id for claim in claims),
        _once(claim.material for claim in claims if claim.material),
        _once(claim.page for claim in claims if claim.page),
    )


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
