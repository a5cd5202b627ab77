"""The first review: marks, claims tied to places, facts adopted, the review handed on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from lantai.cases import queries
from lantai.cases.models import Adoption, Case, Claim, Mark
from lantai.cases.rules.facts import (
    DATES,
    FACT_LABELS,
    STRETCHES,
    TEXTS,
    Fact,
    Leaving,
    Stretch,
    Trade,
)
from lantai.cases.rules.policy import Counting, Effect
from lantai.cases.rules.workflow import Verb
from lantai.cases.services.acts import (
    close_leave,
    hold,
    hold_at_step,
    page_of,
    refuse_for,
    region_on,
    step,
    subject,
)
from lantai.identity.models import User
from lantai.identity.rules import Act
from lantai.ledger import services as ledger
from lantai.lib.dates import PartialDate
from lantai.lib.refusals import Conflict, NotFound, Unacceptable

_SETTLED_AS_DATES: Final = DATES - {Fact.BREAK}
Region = tuple[int, int, int, int]  # x, y, width, height in stored pixels


@dataclass(frozen=True, kw_only=True)
class NewClaim:
    """What an officer reads on a page: the words as written, and what they mean.

    ``since`` is the date of a fact or the start of a stretch, ``until`` its end; both stay as
    partial as the paper has them. ``text`` is the name, sex, identity or post the words give.
    """

    fact: str
    written: str
    page_uid: str
    region: Region
    since: PartialDate | None = None
    until: PartialDate | None = None
    text: str = ""
    unit: str = ""
    kind: str = ""
    altered: bool = False
    copy: bool = False
    lunar: bool = False
    self_made: bool = False


@transaction.atomic
def mark_page(
    *, case_uid: str, page_uid: str, region: Region, kind: str, note: str, by: User, at: datetime
) -> Mark:
    """Point out a place on a page that this officer opened for this case."""
    case = hold_at_step(case_uid=case_uid, by=by, at=at)
    refuse_for(queries.objections_to_mark(case=case, user=by, at=at))
    page = page_of(case=case, page_uid=page_uid)
    _refuse_unless_opened(case, page_uid, by)
    x, y, w, h = region_on(page, region)
    faults = []
    if kind not in Mark.Kind.values:
        faults.append("请选择标记类别")
    if kind in {Mark.Kind.DOUBT, Mark.Kind.NOTE} and not note.strip():
        faults.append("疑点和备注请写明内容")
    if len(note.strip()) > 200:
        faults.append("标记说明不超过 200 字，请精简")
    if faults:
        raise Unacceptable(*faults)
    mark = Mark.objects.create(
        case=case, page=page, x=x, y=y, w=w, h=h, kind=kind, note=note.strip(), by=by, at=at
    )
    ledger.record(
        at=at,
        action="cases.mark.made",
        actor=by.username,
        subject=subject(case),
        facts={"mark": mark.uid, **queries.mark_row(mark)},
    )
    return mark


@transaction.atomic
def withdraw_mark(*, case_uid: str, mark_uid: str, by: User, at: datetime) -> Mark:
    """Take back a mark of one's own; the row stays, with who withdrew it."""
    case = hold_at_step(case_uid=case_uid, by=by, at=at)
    refuse_for(queries.objections_to_mark(case=case, user=by, at=at))
    mark = Mark.objects.filter(uid=mark_uid, case=case).first()
    if mark is None:
        raise NotFound("本业务没有这个标记")
    refuse_for(_not_withdrawable(mark, by))
    mark.withdrawn_by, mark.withdrawn_at = by, at
    mark.save(update_fields=["withdrawn_by", "withdrawn_at"])
    ledger.record(
        at=at,
        action="cases.mark.withdrawn",
        actor=by.username,
        subject=subject(case),
        facts={"mark": mark.uid},
    )
    return mark


@transaction.atomic
def state_claim(*, case_uid: str, claim: NewClaim, by: User, at: datetime) -> Claim:
    """Take down what a page says of a fact. The page was opened by this officer for this case."""
    case = hold(case_uid=case_uid, acts=(Act.REVIEW_CASE,), by=by, at=at)
    refuse_for(queries.objections_to_claim(case=case, user=by, at=at))
    page = page_of(case=case, page_uid=claim.page_uid)
    _refuse_unless_opened(case, claim.page_uid, by)
    x, y, w, h = region_on(page, claim.region)
    faults = _faults(claim)
    if faults:
        raise Unacceptable(*faults)
    stated = Claim.objects.create(
        case=case,
        fact=claim.fact,
        written=claim.written.strip(),
        since=str(claim.since or ""),
        until=str(claim.until or ""),
        text=claim.text.strip(),
        unit=claim.unit.strip(),
        kind=claim.kind,
        altered=claim.altered,
        copy=claim.copy,
        lunar=claim.lunar,
        self_made=claim.self_made,
        page=page,
        x=x,
        y=y,
        w=w,
        h=h,
        by=by,
        at=at,
    )
    ledger.record(
        at=at,
        action="cases.claim.stated",
        actor=by.username,
        subject=subject(case),
        facts={"claim": stated.uid, **queries.claim_row(stated)},
    )
    return stated


@transaction.atomic
def withdraw_claim(*, case_uid: str, claim_uid: str, by: User, at: datetime) -> Claim:
    """Take back a reading; a new one is stated beside it, never over it."""
    case = hold(case_uid=case_uid, acts=(Act.REVIEW_CASE,), by=by, at=at)
    refuse_for(queries.objections_to_claim(case=case, user=by, at=at))
    claim = Claim.objects.filter(uid=claim_uid, case=case).first()
    if claim is None:
        raise NotFound("本业务没有这条记载")
    refuse_for(_not_withdrawable(claim, by))
    claim.withdrawn_by, claim.withdrawn_at = by, at
    claim.save(update_fields=["withdrawn_by", "withdrawn_at"])
    ledger.record(
        at=at,
        action="cases.claim.withdrawn",
        actor=by.username,
        subject=subject(case),
        facts={"claim": claim.uid},
    )
    return claim


@transaction.atomic
def adopt(*, case_uid: str, fact: str, value: str, reason: str, by: User, at: datetime) -> Adoption:
    """Settle a fact. Another value than the proposed one needs a reason."""
    case = hold(case_uid=case_uid, acts=(Act.REVIEW_CASE,), by=by, at=at)
    refuse_for(queries.objections_to_adopt(case=case, user=by, at=at))
    if fact not in set(Fact):
        raise Unacceptable("没有这一项事实，请从列表中选择")
    proposal = queries.proposal(case=case, fact=Fact(fact), value=value.strip())
    chosen, faults = _chosen(case, Fact(fact), value.strip())
    if chosen != proposal.value and not reason.strip():
        faults.append("采信与系统建议不同，请填写理由")
    if faults:
        raise Unacceptable(*faults)
    adopted = Adoption.objects.create(
        case=case,
        fact=fact,
        value=chosen,
        proposed=proposal.value,
        reason=reason.strip(),
        rule=proposal.clause[:120],
        by=by,
        at=at,
    )
    ledger.record(
        at=at,
        action="cases.fact.adopted",
        actor=by.username,
        subject=subject(case),
        facts={"adoption": adopted.uid, **queries.adoption_row(adopted)},
    )
    return adopted


@transaction.atomic
def submit_review(*, case_uid: str, opinion: str, by: User, at: datetime) -> Case:
    """Hand the review on to the second reviewer, with the route as assessed or raised."""
    case = hold(case_uid=case_uid, acts=(Act.REVIEW_CASE,), by=by, at=at)
    refuse_for(queries.objections_to_submit_review(case=case, user=by, at=at, reason=opinion))
    if case.raised_at is None:
        case.route = queries.assessment(case=case).route.route
        case.save(update_fields=["route"])
    moved = step(case, verb=Verb.SUBMIT_REVIEW, opinion=opinion.strip(), by=by, at=at)
    close_leave(case, reason="初审已提交", by=by, at=at)
    ledger.record(
        at=at,
        action="cases.review.submitted",
        actor=by.username,
        subject=subject(case),
        facts={"route": case.route, **queries.step_row(moved)},
    )
    return case


@transaction.atomic
def return_to_reviewer(*, case_uid: str, reason: str, by: User, at: datetime) -> Case:
    """Send a review back to its reviewer, who looks again with fresh leave."""
    case = hold(case_uid=case_uid, acts=(Act.CONFIRM_CASE,), by=by, at=at)
    refuse_for(queries.objections_to_return_to_reviewer(case=case, user=by, at=at, reason=reason))
    moved = step(case, verb=Verb.RETURN_TO_REVIEWER, opinion=reason.strip(), by=by, at=at)
    close_leave(case, reason="退回初审", by=by, at=at)
    ledger.record(
        at=at,
        action="cases.review.returned",
        actor=by.username,
        subject=subject(case),
        facts=queries.step_row(moved),
    )
    return case


def _refuse_unless_opened(case: Case, page_uid: str, by: User) -> None:
    if page_uid not in queries.pages_opened(case=case, user=by):
        raise Conflict("您还没有为本业务打开过这一页，请先打开影像再标记或摘录")


def _not_withdrawable(row: Mark | Claim, by: User) -> tuple[str, ...]:
    reasons = []
    if row.withdrawn_at is not None:
        reasons.append("已经撤销，无需重复操作")
    if row.by_id != by.pk:
        reasons.append(f"这是{row.by.name}所作，只能由本人撤销")
    return tuple(reasons)


def _faults(claim: NewClaim) -> tuple[str, ...]:
    """What a claim lacks to be one."""
    if claim.fact not in set(Fact):
        return ("请选择所记载的事实",)
    fact = Fact(claim.fact)
    faults = []
    if not claim.written.strip():
        faults.append("请照原文填写记载内容")
    if len(claim.written) > 200 or len(claim.text) > 120 or len(claim.unit) > 120:
        faults.append("原文不超过 200 字，内容和单位不超过 120 字，请精简")
    # A letter of release states an end alone; the rules take it for its one month.
    dated = claim.until if fact is Fact.SERVICE else None
    if fact in DATES | STRETCHES and not (claim.since or dated):
        faults.append("请填写时间；原文模糊处留空，至少要有年份")
    if fact in DATES and claim.until is not None:
        faults.append(f"{FACT_LABELS[fact]}只有一个时间，请去掉截止时间")
    if claim.since and claim.until and claim.until.surely_before(claim.since):
        faults.append("截止时间早于起始时间，请核对原文")
    if fact in TEXTS and not claim.text.strip():
        faults.append(f"请填写{FACT_LABELS[fact]}")
    elif fact is Fact.SEX and claim.text.strip() not in {"1", "2"}:
        faults.append("性别请填写 1（男）或 2（女）")
    if claim.kind and claim.kind not in _kinds(fact):
        faults.append("所选种类不属于这项事实，请重新选择")
    if fact is Fact.BREAK and not claim.kind:
        faults.append("请选择离职、除名或处分的种类")
    if fact is Fact.SPECIAL_WORK and not claim.kind:
        faults.append("请选择特殊工种的种类")
    return tuple(faults)


def _chosen(case: Case, fact: Fact, value: str) -> tuple[str, list[str]]:
    """Return what was settled in its one form, and what is wrong with it."""
    if not value:
        return value, [f"请填写采信的{FACT_LABELS[fact]}"]
    if fact in _SETTLED_AS_DATES:
        try:
            return str(PartialDate.parse(value)), []
        except ValueError as fault:
            return value, [str(fault)]
    if fact in TEXTS:
        return value, []
    uid, _, choice = value.partition("=")
    faults = []
    if choice not in (set(Effect) if fact is Fact.BREAK else {Counting.COUNTS, Counting.OUT}):
        faults.append("请选择这段经历如何计算")
    if not case.claims.filter(uid=uid, fact=fact, withdrawn_at=None).exists():
        faults.append("所选记载不存在或已撤销，请从列表中选择")
    return value, faults


def _kinds(fact: Fact) -> frozenset[str]:
    """The kinds a claim of a fact may name."""
    if fact is Fact.BREAK:
        return frozenset(Leaving)
    if fact is Fact.SPECIAL_WORK:
        return frozenset(Trade)
    return frozenset(Stretch) if fact in STRETCHES else frozenset()
