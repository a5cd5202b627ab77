"""What a retirement case is judged on, in plain values.

A claim is what one material says of one fact, as read by a person. The rules never see a page;
they carry the claims' ids, so that every finding leads back to the places it rests on.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from lantai.lib.catalogue import MaterialKind
from lantai.lib.dates import Month, PartialDate


class Group(StrEnum):
    """Whom the retirement age is reckoned for (domain digest §4.4).

    Which of the two a woman belongs to follows from post and identity, never from sex alone.
    """

    M60 = "M60"
    F55 = "F55"
    F50 = "F50"


GROUP_LABELS: Final[dict[Group, str]] = {
    Group.M60: "男（原 60 周岁）",
    Group.F55: "女（原 55 周岁）",
    Group.F50: "女（原 50 周岁）",
}


class Mode(StrEnum):
    """When the person wishes to retire."""

    NORMAL = "normal"
    EARLY = "early"
    LATE = "late"


MODE_LABELS: Final[dict[Mode, str]] = {
    Mode.NORMAL: "按法定退休年龄",
    Mode.EARLY: "弹性提前退休",
    Mode.LATE: "弹性延迟退休",
}


class Cohort(StrEnum):
    """Since when people of this kind pay contributions (domain digest §4.2)."""

    ENTERPRISE = "enterprise"
    CONTRACT = "contract"
    INSTITUTION = "institution"
    FREELANCE = "freelance"


COHORT_LABELS: Final[dict[Cohort, str]] = {
    Cohort.ENTERPRISE: "企业固定职工",
    Cohort.CONTRACT: "劳动合同制工人",
    Cohort.INSTITUTION: "机关事业单位工作人员",
    Cohort.FREELANCE: "个人存档、灵活就业",
}


class Route(StrEnum):
    """SIMPLE is decided on images; COMPLEX wants the paper seen before approval (digest §4.9)."""

    SIMPLE = "simple"
    COMPLEX = "complex"


ROUTE_LABELS: Final[dict[Route, str]] = {
    Route.SIMPLE: "简单件，可凭影像审批",
    Route.COMPLEX: "复杂件，须核对实体档案",
}


class Fact(StrEnum):
    """What is to be established. Dates stand in ``since``; stretches in ``since``–``until``."""

    BIRTH = "birth"
    NAME = "name"
    SEX = "sex"
    IDENTITY = "identity"
    FIRST_WORK = "first_work"
    SERVICE = "service"
    ARMY = "army"
    COUNTRYSIDE = "countryside"
    STUDY = "study"
    SPECIAL_WORK = "special_work"
    BREAK = "break"
    CONTRACT = "contract"
    POST = "post"
    DEPOSIT = "deposit"


FACT_LABELS: Final[dict[Fact, str]] = {
    Fact.BIRTH: "出生时间",
    Fact.NAME: "姓名",
    Fact.SEX: "性别",
    Fact.IDENTITY: "干部或工人身份",
    Fact.FIRST_WORK: "参加工作时间",
    Fact.SERVICE: "工作经历",
    Fact.ARMY: "军龄",
    Fact.COUNTRYSIDE: "上山下乡",
    Fact.STUDY: "学习经历",
    Fact.SPECIAL_WORK: "特殊工种",
    Fact.BREAK: "离职、除名、处分",
    Fact.CONTRACT: "实行劳动合同制",
    Fact.POST: "女职工退休岗位",
    Fact.DEPOSIT: "存档时间",
}

DATES: Final = frozenset({Fact.BIRTH, Fact.FIRST_WORK, Fact.CONTRACT, Fact.DEPOSIT, Fact.BREAK})
STRETCHES: Final = frozenset(
    {Fact.SERVICE, Fact.ARMY, Fact.COUNTRYSIDE, Fact.STUDY, Fact.SPECIAL_WORK}
)
TEXTS: Final = frozenset({Fact.NAME, Fact.SEX, Fact.IDENTITY, Fact.POST})


class Stretch(StrEnum):
    """Kinds of time; which of them count is the policy's to say (domain digest §4.3)."""

    WORK = "work"
    APPRENTICE = "apprentice"
    PROBATION = "probation"
    ARMY = "army"
    PLACEMENT = "placement"
    COUNTRYSIDE = "countryside"
    STUDY = "study"
    PAID_STUDY = "paid_study"
    TEMPORARY = "temporary"
    NEIGHBOURHOOD = "neighbourhood"
    UNPAID_LEAVE = "unpaid_leave"
    SICK = "sick"
    WAITING = "waiting"
    FARMING = "farming"
    UNEMPLOYED = "unemployed"
    SENTENCE = "sentence"
    LABOUR_CAMP = "labour_camp"


STRETCH_LABELS: Final[dict[Stretch, str]] = {
    Stretch.WORK: "在职工作",
    Stretch.APPRENTICE: "学徒",
    Stretch.PROBATION: "试用、见习",
    Stretch.ARMY: "服兵役",
    Stretch.PLACEMENT: "退役后待安置",
    Stretch.COUNTRYSIDE: "上山下乡",
    Stretch.STUDY: "全日制学习",
    Stretch.PAID_STUDY: "带薪学习",
    Stretch.TEMPORARY: "临时工",
    Stretch.NEIGHBOURHOOD: "小集体、街道、家属工、五七工",
    Stretch.UNPAID_LEAVE: "停薪留职",
    Stretch.SICK: "病假、工伤",
    Stretch.WAITING: "待业",
    Stretch.FARMING: "务农",
    Stretch.UNEMPLOYED: "领取失业保险金",
    Stretch.SENTENCE: "服刑",
    Stretch.LABOUR_CAMP: "劳动教养",
}


class Leaving(StrEnum):
    """How somebody left. The first five are five different things in law (digest §4.3)."""

    EXPELLED = "expelled"
    STRUCK_OFF = "struck_off"
    WALKED_OUT = "walked_out"
    DISMISSED = "dismissed"
    RESIGNED = "resigned"
    SENTENCED = "sentenced"
    LABOUR_CAMP = "labour_camp"
    CONTRACT_ENDED = "contract_ended"
    PAID_OFF = "paid_off"


LEAVING_LABELS: Final[dict[Leaving, str]] = {
    Leaving.EXPELLED: "开除",
    Leaving.STRUCK_OFF: "除名",
    Leaving.WALKED_OUT: "自动离职",
    Leaving.DISMISSED: "辞退",
    Leaving.RESIGNED: "辞职",
    Leaving.SENTENCED: "判刑",
    Leaving.LABOUR_CAMP: "劳动教养",
    Leaving.CONTRACT_ENDED: "解除或终止劳动合同",
    Leaving.PAID_OFF: "精简、退职",
}


class Trade(StrEnum):
    """Kinds of special work (domain digest §4.6)."""

    UNDERGROUND_HEAT = "underground_heat"
    HEIGHTS_HEAVY = "heights_heavy"
    HARMFUL = "harmful"


TRADE_LABELS: Final[dict[Trade, str]] = {
    Trade.UNDERGROUND_HEAT: "井下、高温",
    Trade.HEIGHTS_HEAVY: "高空、特别繁重体力劳动",
    Trade.HARMFUL: "其他有害身体健康",
}


@dataclass(frozen=True, kw_only=True)
class ClaimFact:
    """What a material says of a fact.

    ``kind`` is a Stretch for SERVICE, ARMY, COUNTRYSIDE and STUDY, a Leaving for BREAK and a Trade
    for SPECIAL_WORK; blank takes the plain kind of the fact. ``text`` holds the name, the sex
    (``1`` or ``2``), the identity (干部, 工人) or the post. ``formed`` is when the material was
    made, None if it says nothing of it.
    """

    id: str
    fact: Fact
    written: str = ""
    since: PartialDate | None = None
    until: PartialDate | None = None
    text: str = ""
    unit: str = ""
    kind: str = ""
    material: str = ""
    material_title: str = ""
    material_kind: MaterialKind = MaterialKind.OTHER
    formed: PartialDate | None = None
    page: str = ""
    altered: bool = False
    copy: bool = False
    lunar: bool = False
    self_made: bool = False

    @property
    def source(self) -> str:
        """How a sentence names the place: 《招工登记表》（1983-09-??）."""
        title = f"《{self.material_title}》" if self.material_title else "材料"
        return f"{title}（{self.formed or '未注明时间'}）"


@dataclass(frozen=True, kw_only=True)
class MaterialFact:
    """A catalogue entry as far as it bears on a case; ``faults`` are open Q codes of its pages."""

    id: str
    title: str = ""
    kind: MaterialKind = MaterialKind.OTHER
    formed: PartialDate | None = None
    page_count: int = 0
    images: int = 0
    scanned_on: date | None = None
    filed_here: bool = False
    copy: bool = False
    disputed: bool = False
    faults: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class UnitFact:
    """When an employer existed, as far as known."""

    name: str
    founded: PartialDate | None = None
    ended: PartialDate | None = None


@dataclass(frozen=True, kw_only=True)
class Adopted:
    """What an officer settled, with the reason.

    ``value`` is a date (``1965-03-12``, ``1983-09``) for BIRTH and FIRST_WORK; for one claim on a
    leaving it is ``<claim id>=<policy.Effect>``, for one on a stretch ``<claim id>=counts`` or
    ``<claim id>=out``.
    """

    fact: Fact
    value: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class CaseFacts:
    """All a case is judged on.

    ``applied`` is the month of the application, ``paid_from`` and ``paid_months`` come from the
    contribution record. ``arrived_on`` is when the dossier came, ``transferred_on`` when it last
    came back from elsewhere. ``changed_pages`` are pages whose image changed after a reviewer
    opened them; ``raised`` the reasons of officers who raised the case to complex.
    """

    group: Group
    name: str = ""
    sex: str = ""
    id_number: str = ""
    mode: Mode = Mode.NORMAL
    wished: Month | None = None
    applied: Month | None = None
    paid_from: Month | None = None
    paid_months: int = 0
    cohort: Cohort = Cohort.ENTERPRISE
    public_office: bool = False
    claims: tuple[ClaimFact, ...] = ()
    materials: tuple[MaterialFact, ...] = ()
    units: tuple[UnitFact, ...] = ()
    adopted: tuple[Adopted, ...] = ()
    arrived_on: date | None = None
    transferred_on: date | None = None
    changed_pages: tuple[str, ...] = ()
    secret: bool = False
    raised: tuple[str, ...] = ()

    def of(self, *facts: Fact) -> tuple[ClaimFact, ...]:
        """The claims on these facts, in their order."""
        return tuple(claim for claim in self.claims if claim.fact in facts)

    def settled(self, fact: Fact) -> Adopted | None:
        """What was last settled of a fact."""
        return next((one for one in reversed(self.adopted) if one.fact is fact), None)


@dataclass(frozen=True)
class Reason:
    """A sentence that may be shown, the rule it rests on, and the claims it speaks of."""

    sentence: str
    clause: str = ""
    claims: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        return {"sentence": self.sentence, "clause": self.clause, "claims": list(self.claims)}


def span(months: int) -> str:
    """Months as people say them: ``9年4个月``."""
    years, rest = divmod(months, 12)
    if not years:
        return f"{rest}个月"
    return f"{years}年{rest}个月" if rest else f"{years}年"
