"""Business done for a person: the case, what was read for it, what was frozen, what was decided."""

from typing import Final

from django.db import models
from django.db.models import F, Q

from lantai.cases.rules import route as routes
from lantai.cases.rules.facts import (
    COHORT_LABELS,
    FACT_LABELS,
    GROUP_LABELS,
    MODE_LABELS,
    Cohort,
    Fact,
)
from lantai.cases.rules.workflow import STATE_LABELS, VERB_LABELS
from lantai.db import AppendOnly, Uid, both_or_neither
from lantai.dossiers.models import Dossier, Material, Page
from lantai.identity.models import User

OPENED: Final = "open"  # the first step of every case, which no state leads to


class Series(models.Model):
    """The last number given in a series of case numbers; its row is the lock of the series."""

    name = models.CharField("系列", max_length=12, unique=True)  # TX-2026
    last = models.PositiveIntegerField("末号")

    def __str__(self) -> str:
        return self.name


class Case(models.Model):
    """One application and where it stands. What happened to it stands in its steps."""

    class Kind(models.TextChoices):
        RETIREMENT = "retirement", "退休审批"

    Route = routes.Route

    uid = Uid()
    number = models.CharField("业务编号", max_length=20, unique=True)
    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="cases")
    kind = models.CharField("业务种类", max_length=16, choices=Kind.choices)
    state = models.CharField("状态", max_length=16, choices=[*STATE_LABELS.items()])
    # Empty until the review is submitted; a raised case stays complex whatever is assessed.
    route = models.CharField(
        "办理方式", max_length=8, choices=[*routes.ROUTE_LABELS.items()], blank=True
    )
    raised_at = models.DateTimeField("转复杂件时间", null=True)
    raised_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="cases_raised")

    group = models.CharField("人员类别", max_length=3, choices=[*GROUP_LABELS.items()])
    mode = models.CharField("退休方式", max_length=6, choices=[*MODE_LABELS.items()])
    cohort = models.CharField(
        "缴费身份", max_length=12, choices=[*COHORT_LABELS.items()], default=Cohort.ENTERPRISE
    )
    public_office = models.BooleanField("公务员或国有单位管理人员", default=False)
    wished = models.CharField("申请退休年月", max_length=7, blank=True)  # 2027-03
    paid_from = models.CharField("实际缴费起始年月", max_length=7, blank=True)  # 1992-10
    paid_months = models.PositiveIntegerField("实际缴费月数")
    phone = models.CharField("联系电话", max_length=30, blank=True)
    policy_version = models.CharField("政策版本", max_length=60)

    clerk = models.ForeignKey(User, models.PROTECT, related_name="cases_opened")
    first_reviewer = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="cases_reviewed"
    )
    second_reviewer = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="cases_confirmed"
    )
    approver = models.ForeignKey(User, models.PROTECT, null=True, related_name="cases_decided")
    opened_at = models.DateTimeField("受理时间")
    due_on = models.DateField("本环节到期日")
    closed_at = models.DateTimeField("办结时间", null=True)

    class Meta:
        constraints = [
            both_or_neither("case", "raised_at", "raised_by"),
            models.UniqueConstraint(
                fields=["dossier", "kind"],
                condition=Q(closed_at__isnull=True),
                name="case_open_once_per_dossier",
            ),
            # Four eyes: the posts of a case are held by different people.
            models.CheckConstraint(
                condition=~Q(first_reviewer=F("clerk")), name="case_first_reviewer_is_another"
            ),
            models.CheckConstraint(
                condition=~Q(second_reviewer=F("first_reviewer")) & ~Q(second_reviewer=F("clerk")),
                name="case_second_reviewer_is_another",
            ),
            models.CheckConstraint(
                condition=~Q(approver=F("first_reviewer"))
                & ~Q(approver=F("second_reviewer"))
                & ~Q(approver=F("clerk")),
                name="case_approver_is_another",
            ),
        ]
        indexes = [models.Index(fields=["state", "due_on"], name="case_by_state")]

    def __str__(self) -> str:
        return self.number


def _inside(model: str) -> models.CheckConstraint:
    """Hold a region to have an area; that it lies inside its page is the service's to check."""
    return models.CheckConstraint(condition=Q(w__gte=1, h__gte=1), name=f"{model}_region_has_area")


class Mark(models.Model):
    """A place on a page that an officer pointed out; it travels to the approver."""

    class Kind(models.TextChoices):
        KEY = "key", "关键材料"
        DOUBT = "doubt", "疑点"
        NOTE = "note", "备注"

    uid = Uid()
    case = models.ForeignKey(Case, models.PROTECT, related_name="marks")
    page = models.ForeignKey(Page, models.PROTECT, related_name="marks")
    # In stored pixels of the master, from its upper left corner.
    x = models.PositiveIntegerField()
    y = models.PositiveIntegerField()
    w = models.PositiveIntegerField()
    h = models.PositiveIntegerField()
    kind = models.CharField("类别", max_length=8, choices=Kind.choices)
    note = models.CharField("说明", max_length=200, blank=True)
    by = models.ForeignKey(User, models.PROTECT, related_name="marks")
    at = models.DateTimeField("标记时间")
    withdrawn_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="marks_withdrawn"
    )
    withdrawn_at = models.DateTimeField("撤销时间", null=True)

    class Meta:
        constraints = [both_or_neither("mark", "withdrawn_at", "withdrawn_by"), _inside("mark")]

    def __str__(self) -> str:
        return self.uid


class Claim(models.Model):
    """What a page says of a fact, as read by one person, tied to a region of that page.

    The reading is never rewritten: a wrong one is withdrawn and a new one stated.
    """

    uid = Uid()
    case = models.ForeignKey(Case, models.PROTECT, related_name="claims")
    fact = models.CharField("事实", max_length=24, choices=[*FACT_LABELS.items()])
    written = models.CharField("原文", max_length=200)
    since = models.CharField("起始时间", max_length=10, blank=True)  # 1978-12-??
    until = models.CharField("截止时间", max_length=10, blank=True)
    text = models.CharField("内容", max_length=120, blank=True)
    unit = models.CharField("单位", max_length=120, blank=True)
    kind = models.CharField("种类", max_length=24, blank=True)  # Stretch, Leaving or Trade
    altered = models.BooleanField("有涂改", default=False)
    copy = models.BooleanField("复印件", default=False)
    lunar = models.BooleanField("农历", default=False)
    self_made = models.BooleanField("自行填写", default=False)
    page = models.ForeignKey(Page, models.PROTECT, related_name="claims")
    x = models.PositiveIntegerField()
    y = models.PositiveIntegerField()
    w = models.PositiveIntegerField()
    h = models.PositiveIntegerField()
    by = models.ForeignKey(User, models.PROTECT, related_name="claims")
    at = models.DateTimeField("记载时间")
    withdrawn_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="claims_withdrawn"
    )
    withdrawn_at = models.DateTimeField("撤销时间", null=True)

    class Meta:
        constraints = [
            both_or_neither("claim", "withdrawn_at", "withdrawn_by"),
            _inside("claim"),
            models.CheckConstraint(
                condition=Q(until="") | ~Q(since="") | Q(fact=Fact.SERVICE.value),
                name="claim_until_needs_since",
            ),
        ]

    def __str__(self) -> str:
        return self.uid

    @property
    def material(self) -> Material:
        return self.page.material


class Adoption(AppendOnly):
    """An officer's choice for a fact. The newest of a fact counts."""

    uid = Uid()
    case = models.ForeignKey(Case, models.PROTECT, related_name="adoptions")
    fact = models.CharField("事实", max_length=24, choices=[*FACT_LABELS.items()])
    value = models.CharField("采信", max_length=120)
    proposed = models.CharField("系统建议", max_length=120, blank=True)
    reason = models.CharField("理由", max_length=400, blank=True)
    rule = models.CharField("依据", max_length=120, blank=True)
    by = models.ForeignKey(User, models.PROTECT, related_name="adoptions")
    at = models.DateTimeField("采信时间")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(value=F("proposed")) | ~Q(reason=""),
                name="adoption_against_proposal_has_reason",
            )
        ]

    def __str__(self) -> str:
        return f"{self.fact}={self.value}"


class Step(AppendOnly):
    """One act on a case that moved it, or was meant to be remembered with it."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="steps")
    verb = models.CharField("动作", max_length=20, choices=[(OPENED, "受理"), *VERB_LABELS.items()])
    from_state = models.CharField(
        "原状态", max_length=16, choices=[*STATE_LABELS.items()], blank=True
    )
    to_state = models.CharField("新状态", max_length=16, choices=[*STATE_LABELS.items()])
    opinion = models.CharField("意见", max_length=1000, blank=True)
    by = models.ForeignKey(User, models.PROTECT, related_name="steps")
    at = models.DateTimeField("时间")

    def __str__(self) -> str:
        return f"{self.verb}→{self.to_state}"


class Evidence(AppendOnly):
    """What was frozen at confirmation: the texts are canonical JSON, the digests are of them."""

    uid = Uid()
    case = models.ForeignKey(Case, models.PROTECT, related_name="evidence")
    version = models.PositiveIntegerField("版次")
    manifest = models.TextField("影像清单")
    statement = models.TextField("固定内容")
    sha256 = models.CharField("摘要（SHA-256）", max_length=64)
    sm3 = models.CharField("摘要（SM3）", max_length=64)
    entry = models.PositiveBigIntegerField("存证序号")
    by = models.ForeignKey(User, models.PROTECT, related_name="evidence")
    at = models.DateTimeField("固定时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "version"], name="evidence_version_in_case"),
        ]

    def __str__(self) -> str:
        return f"{self.sha256[:12]}"


class PaperCall(models.Model):
    """The paper asked for in a case: called, handed out, seen, handed back with its count."""

    uid = Uid()
    case = models.ForeignKey(Case, models.PROTECT, related_name="paper_calls")
    called_by = models.ForeignKey(User, models.PROTECT, related_name="papers_called")
    called_at = models.DateTimeField("调阅时间")
    reason = models.CharField("调阅事由", max_length=200)
    out_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="papers_out")
    out_at = models.DateTimeField("出库时间", null=True)
    out_to = models.CharField("领取人", max_length=60, blank=True)
    out_sides = models.PositiveIntegerField("出库页数", null=True)
    seen_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="papers_seen")
    seen_at = models.DateTimeField("核对时间", null=True)
    findings = models.CharField("核对结果", max_length=1000, blank=True)
    back_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="papers_back")
    back_at = models.DateTimeField("归还时间", null=True)
    back_to = models.CharField("归还人", max_length=60, blank=True)
    back_sides = models.PositiveIntegerField("归还页数", null=True)

    class Meta:
        constraints = [
            both_or_neither("paper_call", "out_at", "out_by"),
            both_or_neither("paper_call", "out_at", "out_sides"),
            both_or_neither("paper_call", "seen_at", "seen_by"),
            both_or_neither("paper_call", "back_at", "back_by"),
            both_or_neither("paper_call", "back_at", "back_sides"),
            models.CheckConstraint(
                condition=Q(back_at__isnull=True) | Q(out_at__isnull=False),
                name="paper_call_goes_out_before_back",
            ),
            models.CheckConstraint(
                condition=Q(seen_at__isnull=True) | Q(out_at__isnull=False),
                name="paper_call_goes_out_before_seen",
            ),
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(back_at__isnull=True),
                name="paper_call_open_once_per_case",
            ),
        ]

    def __str__(self) -> str:
        return self.uid


class Decision(AppendOnly):
    """The approver's word on one version of the evidence."""

    class Outcome(models.TextChoices):
        APPROVE = "approve", "批准"
        REJECT = "reject", "不予批准"
        RETURN = "return", "退回"

    class Code(models.TextChoices):
        """Why a case is returned (domain digest §5.2)."""

        IMAGE = "R-IMG", "影像问题"
        COUNT = "R-CNT", "页数不符"
        MATERIAL = "R-MAT", "缺少关键材料"
        BIRTH = "R-BIR", "出生时间存疑"
        SERVICE = "R-SRV", "工龄存疑"
        AUTHENTICITY = "R-AUT", "真实性存疑"
        FORM = "R-FORM", "表格填写有误"
        PAYMENT = "R-PAY", "缴费记录问题"
        AUTHORITY = "R-AUTH", "不属本机关办理"
        OTHER = "R-OTH", "其他"

    uid = Uid()
    case = models.ForeignKey(Case, models.PROTECT, related_name="decisions")
    evidence = models.OneToOneField(Evidence, models.PROTECT, related_name="decision")
    outcome = models.CharField("结论", max_length=8, choices=Outcome.choices)
    code = models.CharField("退回代码", max_length=8, choices=Code.choices, blank=True)
    reason = models.CharField("理由", max_length=1000)
    by = models.ForeignKey(User, models.PROTECT, related_name="decisions")
    at = models.DateTimeField("决定时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(outcome__in=["approve", "reject"]),
                name="decision_is_final_once",
            ),
            models.CheckConstraint(
                condition=Q(outcome="return") & ~Q(code="")
                | Q(outcome__in=["approve", "reject"], code=""),
                name="decision_return_has_code",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case} {self.outcome}"


class Filing(AppendOnly):
    """The approval form gone back into the dossier."""

    case = models.OneToOneField(Case, models.PROTECT, related_name="filing")
    decision = models.OneToOneField(Decision, models.PROTECT, related_name="filing")
    material = models.OneToOneField(Material, models.PROTECT, related_name="filing")
    by = models.ForeignKey(User, models.PROTECT, related_name="filings")
    at = models.DateTimeField("归档时间")

    def __str__(self) -> str:
        return f"{self.case} {self.material}"
