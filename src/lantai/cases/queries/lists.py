"""Which cases there are for a person, and what was done in one."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db.models import Q, QuerySet

from lantai.cases.models import Adoption, Case, Claim, Decision, Evidence, Mark, PaperCall, Step
from lantai.cases.rules.workflow import CLOCK_STANDS, State
from lantai.dossiers import queries as dossiers
from lantai.identity import queries as identity
from lantai.identity.models import User
from lantai.identity.rules import Role
from lantai.identity.services import office_day

PAGE_ROWS = 30
_STAFF: Final = frozenset(
    {
        Role.WINDOW_CLERK,
        Role.FIRST_REVIEWER,
        Role.SECOND_REVIEWER,
        Role.APPROVER,
        Role.ARCHIVIST,
        Role.SUPERVISOR,
    }
)
_PEOPLE: Final = (
    "dossier__person",
    "dossier__body",
    "clerk",
    "first_reviewer",
    "second_reviewer",
    "approver",
    "raised_by",
)
_REVIEWING: Final = (State.ACCEPTED, State.IN_REVIEW, State.RETURNED)
_APPROVING: Final = (State.FROZEN, State.PAPER_CALLED, State.PAPER_BACK)
_DECIDED: Final = (State.APPROVED, State.REJECTED)


@dataclass(frozen=True)
class DeskRow:
    """A case that waits for somebody: what is to be done, and by when."""

    case: Case
    task: str
    due_on: date
    overdue: bool
    mine: bool  # already taken by the person; else free to be taken


def in_scope(*, user: User, at: datetime) -> QuerySet[Case]:
    """The cases a person may know of: staff those of their bodies, a subject the own ones."""
    day = office_day(at)
    roles = identity.roles_of(user=user, on=day)
    seen = Q(pk__in=())
    if roles & _STAFF:
        seen |= Q(dossier__body__in=identity.bodies_in_scope(user=user, on=day))
    if Role.SUBJECT in roles and user.person_uid:
        seen |= Q(dossier__person__uid=user.person_uid)
    return Case.objects.filter(seen).select_related(*_PEOPLE)


def by_uid(*, uid: str, user: User, at: datetime) -> Case | None:
    """A case a person may know of; None also for one that is not theirs to know."""
    return in_scope(user=user, at=at).filter(uid=uid).first()


def listed(
    *,
    user: User,
    at: datetime,
    state: str = "",
    text: str = "",
    mine: bool = False,
    overdue: bool = False,
) -> QuerySet[Case]:
    """The cases a person may know of, newest first; the caller takes pages of PAGE_ROWS.

    ``text`` finds a case by the beginning of its number, or by whatever finds its dossier.
    """
    found = in_scope(user=user, at=at)
    if state:
        found = found.filter(state=state)
    if words := text.strip():
        found = found.filter(
            Q(number__istartswith=words)
            | Q(dossier__in=dossiers.find(text=words, user=user, on=office_day(at)).order_by())
        )
    if mine:
        found = found.filter(
            Q(clerk=user) | Q(first_reviewer=user) | Q(second_reviewer=user) | Q(approver=user)
        )
    if overdue:
        found = found.filter(due_on__lt=office_day(at), closed_at=None).exclude(
            state__in=CLOCK_STANDS
        )
    return found.order_by("-opened_at", "-pk")


def of_dossier(*, dossier_uid: str) -> QuerySet[Case]:
    """The cases of a dossier, newest first."""
    return (
        Case.objects.filter(dossier__uid=dossier_uid)
        .select_related(*_PEOPLE)
        .order_by("-opened_at", "-pk")
    )


def _overdue(case: Case, *, on: date) -> bool:
    return case.due_on < on and case.state not in CLOCK_STANDS


def desk(*, user: User, at: datetime) -> list[DeskRow]:
    """What waits for a person in each of the posts held, the most urgent first."""
    day = office_day(at)
    roles = identity.roles_of(user=user, on=day)
    cases = in_scope(user=user, at=at).filter(closed_at=None)
    rows: dict[int, DeskRow] = {}

    def put(found: QuerySet[Case], task: str, seat: str) -> None:
        for case in found:
            mine = getattr(case, f"{seat}_id") == user.pk if seat else True
            rows.setdefault(
                case.pk, DeskRow(case, task, case.due_on, overdue=_overdue(case, on=day), mine=mine)
            )

    if Role.FIRST_REVIEWER in roles:
        put(_for(cases, user, "first_reviewer", _REVIEWING), "初审", "first_reviewer")
    if Role.SECOND_REVIEWER in roles:
        put(
            _for(cases, user, "second_reviewer", (State.IN_CONFIRMATION,)),
            "复核",
            "second_reviewer",
        )
    if Role.APPROVER in roles:
        put(_for(cases, user, "approver", _APPROVING), "审批", "approver")
    if Role.ARCHIVIST in roles:
        waiting = PaperCall.objects.filter(back_at=None)
        put(cases.filter(paper_calls__in=waiting.filter(out_at=None)), "实体出库", "")
        put(cases.filter(paper_calls__in=waiting.exclude(out_at=None)), "实体归还", "")
        put(cases.filter(state__in=_DECIDED), "审批表归档", "")
    if Role.WINDOW_CLERK in roles:
        put(cases.filter(clerk=user), "跟进", "clerk")
    if Role.SUBJECT in roles and user.person_uid:
        put(cases.filter(dossier__person__uid=user.person_uid), "本人业务", "")
    return sorted(rows.values(), key=lambda row: (row.due_on, row.case.number))


def _for(cases: QuerySet[Case], user: User, seat: str, states: tuple[State, ...]) -> QuerySet[Case]:
    """Cases at a step that a person has taken or may take: four posts are four people."""
    free = Q(**{seat: None})
    for other in ("clerk", "first_reviewer", "second_reviewer", "approver"):
        if other != seat:
            free &= ~Q(**{other: user})
    return cases.filter(state__in=states).filter(Q(**{seat: user}) | free)


def marks_of(*, case: Case) -> list[Mark]:
    """The marks that stand, in the order they were made."""
    return list(
        case.marks.filter(withdrawn_at=None)
        .select_related("page__material", "by")
        .order_by("at", "pk")
    )


def claims_of(*, case: Case) -> list[Claim]:
    """The claims that stand, in the order they were stated."""
    return list(
        case.claims.filter(withdrawn_at=None)
        .select_related("page__material", "by")
        .prefetch_related("page__material__secrecy")
        .order_by("at", "pk")
    )


def claims_withdrawn(*, case: Case) -> list[Claim]:
    """The claims that were taken back."""
    return list(
        case.claims.filter(withdrawn_at__isnull=False)
        .select_related("page__material", "by", "withdrawn_by")
        .prefetch_related("page__material__secrecy")
        .order_by("at", "pk")
    )


def adoptions_of(*, case: Case) -> list[Adoption]:
    """Every choice made for a fact, the latest of a fact last."""
    return list(case.adoptions.select_related("by").order_by("at", "pk"))


def history(*, case: Case) -> list[Step]:
    """The steps of a case in their order."""
    return list(case.steps.select_related("by").order_by("at", "pk"))


def paper_calls_of(*, case: Case) -> list[PaperCall]:
    """The paper calls of a case in their order."""
    return list(
        case.paper_calls.select_related("called_by", "out_by", "seen_by", "back_by").order_by(
            "called_at", "pk"
        )
    )


def open_call(*, case: Case) -> PaperCall | None:
    """The paper call that is not yet back."""
    return case.paper_calls.filter(back_at=None).first()


def evidence_of(*, case: Case) -> Evidence | None:
    """The newest version of the frozen evidence."""
    return case.evidence.select_related("by").order_by("-version").first()


def decision_of(*, case: Case) -> Decision | None:
    """The final decision, or the last return while there is none."""
    return case.decisions.select_related("by", "evidence").order_by("-at", "-pk").first()
