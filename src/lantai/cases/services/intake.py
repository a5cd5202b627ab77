"""A case is accepted, taken by the officer of its step, and raised where it is not simple."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from django.db import transaction

from lantai.access import services as access
from lantai.access.rules import Purpose
from lantai.cases import queries
from lantai.cases.models import OPENED, Case, Series, Step
from lantai.cases.rules import policy
from lantai.cases.rules.facts import Cohort, Group, Mode
from lantai.cases.rules.route import Route
from lantai.cases.rules.workflow import State, Verb
from lantai.cases.services.acts import close_leave, due_on, hold_at_step, refuse_for, step, subject
from lantai.dossiers.models import Dossier
from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import Act
from lantai.ledger import services as ledger
from lantai.lib.dates import Month
from lantai.lib.refusals import Unacceptable

_PURPOSES: Final[dict[str, Purpose]] = {
    "first_reviewer": Purpose.RETIREMENT_REVIEW,
    "second_reviewer": Purpose.RETIREMENT_CONFIRMATION,
    "approver": Purpose.RETIREMENT_APPROVAL,
}


@dataclass(frozen=True)
class Application:
    """What the person asks for, as taken down at the window."""

    group: str
    mode: str
    wished: Month | None
    paid_from: Month | None
    paid_months: int
    phone: str
    cohort: str = Cohort.ENTERPRISE
    public_office: bool = False  # civil servants and managers of state units may not delay


@transaction.atomic
def open_case(*, dossier: Dossier, application: Application, by: User, at: datetime) -> Case:
    """Accept an application for a dossier; the policy of the day stays with the case for life."""
    identity.require(Act.OPEN_CASE, by=by, at=at, body=dossier.body)
    held = (
        Dossier.objects.select_for_update(of=("self",))
        .select_related("person", "body")
        .get(pk=dossier.pk)
    )
    refuse_for(queries.objections_to_open(dossier=held, user=by, at=at))
    faults = _faults(application)
    if faults:
        raise Unacceptable(*faults)
    day = identity.office_day(at)
    case = Case.objects.create(
        number=_next_number(year=day.year),
        dossier=held,
        kind=Case.Kind.RETIREMENT,
        state=State.ACCEPTED,
        group=application.group,
        mode=application.mode,
        wished=str(application.wished or ""),
        paid_from=str(application.paid_from or ""),
        paid_months=application.paid_months,
        cohort=application.cohort,
        public_office=application.public_office,
        phone=application.phone.strip(),
        policy_version=policy.latest(day).version,
        clerk=by,
        opened_at=at,
        due_on=day,
    )
    case.due_on = due_on(case, since=day)
    case.save(update_fields=["due_on"])
    opened = Step.objects.create(
        case=case, verb=OPENED, from_state="", to_state=State.ACCEPTED, by=by, at=at
    )
    ledger.record(
        at=at,
        action="cases.case.opened",
        actor=by.username,
        subject=subject(case),
        facts={
            "number": case.number,
            "dossier": held.uid,
            "kind": case.kind,
            "group": case.group,
            "mode": case.mode,
            "wished": case.wished,
            "paid_from": case.paid_from,
            "paid_months": case.paid_months,
            "cohort": case.cohort,
            "public_office": case.public_office,
            "policy": case.policy_version,
            **queries.step_row(opened),
        },
    )
    return case


@transaction.atomic
def take_case(*, case_uid: str, by: User, at: datetime) -> Case:
    """Take the present step of a case: the officer's seat, and leave to look until it is due.

    Taking again is for an officer whose leave ran out.
    """
    case = hold_at_step(case_uid=case_uid, by=by, at=at)
    refuse_for(queries.objections_to_take(case=case, user=by, at=at))
    moved = step(case, verb=Verb.TAKE, opinion="", by=by, at=at)
    seat = queries.SEATS[State(case.state)]
    setattr(case, seat, by)
    case.save(update_fields=[seat])
    close_leave(case, reason="重新领取", by=by, at=at)
    leave = access.grant(
        user=by,
        dossier=case.dossier,
        purpose=_PURPOSES[seat],
        case=case.uid,
        reason=f"办理业务 {case.number}",
        opens_at=at,
        closes_at=_leave_ends(case, at=at),
        by=by.username,
        at=at,
    )
    ledger.record(
        at=at,
        action="cases.case.taken",
        actor=by.username,
        subject=subject(case),
        facts={
            "seat": seat,
            "officer": by.username,
            "grant": leave.uid,
            **queries.step_row(moved),
        },
    )
    return case


@transaction.atomic
def raise_route(*, case_uid: str, reason: str, by: User, at: datetime) -> Case:
    """Make a case complex whatever is assessed. Nobody takes that back."""
    case = hold_at_step(case_uid=case_uid, by=by, at=at)
    refuse_for(queries.objections_to_raise_route(case=case, user=by, at=at, reason=reason))
    case.route = Route.COMPLEX
    case.raised_at, case.raised_by = at, by
    case.save(update_fields=["route", "raised_at", "raised_by"])
    moved = step(case, verb=Verb.RAISE_ROUTE, opinion=reason.strip(), by=by, at=at)
    ledger.record(
        at=at,
        action="cases.route.raised",
        actor=by.username,
        subject=subject(case),
        facts={"route": case.route, **queries.step_row(moved)},
    )
    return case


def _faults(application: Application) -> tuple[str, ...]:
    """What the form lacks. Whether the person may retire is for the review to find."""
    faults = []
    if application.group not in set(Group):
        faults.append("请选择人员类别")
    if application.mode not in set(Mode):
        faults.append("请选择退休方式")
    elif application.mode != Mode.NORMAL and application.wished is None:
        faults.append("弹性提前或延迟退休请填写申请退休年月")
    if application.cohort not in set(Cohort):
        faults.append("请选择缴费身份")
    if application.paid_months < 0:
        faults.append("实际缴费月数不能是负数，请按社保缴费记录填写")
    elif application.paid_months and application.paid_from is None:
        faults.append("请填写实际缴费起始年月")
    return tuple(faults)


def _next_number(*, year: int) -> str:
    """Give the next number of the year; the row of the series is held until the case commits."""
    name = f"TX-{year}"
    Series.objects.get_or_create(name=name, defaults={"last": 0})
    series = Series.objects.select_for_update().get(name=name)
    series.last += 1
    series.save(update_fields=["last"])
    return f"{name}-{series.last:06d}"


def _leave_ends(case: Case, *, at: datetime) -> datetime:
    """Leave lasts to the end of the day the step is due, or of today for one overdue."""
    day = max(case.due_on, identity.office_day(at)) + timedelta(days=1)
    return datetime.combine(day, time(), tzinfo=identity.OFFICE_TIME)
