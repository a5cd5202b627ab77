"""What may be done with a case, by whom, and what stands against it: rows, steps and buttons."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from lantai.cases import queries as cases
from lantai.cases.models import Case, Decision
from lantai.cases.rules.workflow import CLOCK_STANDS, STATE_LABELS, State
from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import Act

Objections = Callable[..., tuple[str, ...]]

WAITS_FOR_DECISION: Final = frozenset({State.FROZEN, State.PAPER_CALLED, State.PAPER_BACK})
SEATS: Final[dict[State, str]] = {
    State.IN_REVIEW: "first_reviewer",
    State.IN_CONFIRMATION: "second_reviewer",
    **dict.fromkeys(WAITS_FOR_DECISION, "approver"),
}
MODES: Final = {"first_reviewer": "review", "second_reviewer": "confirm", "approver": "decide"}

TONES: Final[dict[State, str]] = {
    State.ACCEPTED: "info",
    State.IN_REVIEW: "info",
    State.IN_CONFIRMATION: "info",
    State.FROZEN: "info",
    State.PAPER_CALLED: "warn",
    State.PAPER_BACK: "info",
    State.RETURNED: "warn",
    State.APPROVED: "ok",
    State.REJECTED: "risk",
    State.FILED: "ok",
    State.SUSPENDED: "warn",
    State.WITHDRAWN: "plain",
}

STEPS: Final = (_("受理"), _("初审"), _("复核"), _("影像固定"), _("审批"), _("归档"))
REACHED: Final[dict[State, int]] = {
    State.ACCEPTED: 1,
    State.IN_REVIEW: 1,
    State.RETURNED: 1,
    State.IN_CONFIRMATION: 2,
    State.FROZEN: 4,
    State.PAPER_CALLED: 4,
    State.PAPER_BACK: 4,
    State.APPROVED: 5,
    State.REJECTED: 5,
    State.FILED: 6,
    State.SUSPENDED: 1,
    State.WITHDRAWN: 1,
}


@dataclass(frozen=True)
class Row:
    """A case in a list."""

    case: Case
    state: str
    tone: str
    overdue: bool


@dataclass(frozen=True)
class Step:
    label: Any
    standing: str  # done | now | blank


@dataclass(frozen=True)
class Deed:
    """A button: what it does, what it asks for, and every objection to it now."""

    name: str
    label: Any
    icon: str
    tone: str  # primary | danger | plain
    url: str
    asks: str  # reason | opinion | findings | decision | hand | blank
    prompt: Any
    objections: tuple[str, ...]

    @property
    def why(self) -> str:
        """The tooltip of a button that cannot be used."""
        return "\n".join(self.objections)


@dataclass(frozen=True)
class Outcome:
    """A conclusion on a case, and what stands against it."""

    value: str
    label: str
    objections: tuple[str, ...]


def _objections_to_decide(*, case: Case, user: User, at: datetime) -> tuple[str, ...]:
    """What stands against every conclusion; with one way open the desk is open."""
    against = [one.objections for one in outcomes(case, user=user, at=at)]
    if not all(against):
        return ()
    return tuple(dict.fromkeys(sentence for each in against for sentence in each))


@dataclass(frozen=True, kw_only=True)
class _Kind:
    name: str
    act: Act
    states: frozenset[State]
    label: Any
    icon: str
    objections: Objections
    tone: str = "plain"
    asks: str = ""
    prompt: Any = ""
    at_own_seat: bool = True


_WORKING: Final = frozenset({State.IN_REVIEW, State.IN_CONFIRMATION, *WAITS_FOR_DECISION})
_KINDS: Final = (
    _Kind(
        name="withdraw",
        act=Act.WITHDRAW_CASE,
        states=frozenset({State.ACCEPTED, State.RETURNED, State.SUSPENDED, *_WORKING})
        - {State.PAPER_CALLED},
        label=_("申请人撤回"),
        icon="arrow-back-up",
        tone="danger",
        objections=cases.objections_to_withdraw,
        asks="reason",
        prompt=_("申请人撤回的理由；撤回后本件办结，可另行受理"),
        at_own_seat=False,
    ),
    _Kind(
        name="suspend",
        act=Act.SUSPEND_CASE,
        states=_WORKING - {State.PAPER_CALLED},
        label=_("中止办理"),
        icon="ban",
        objections=cases.objections_to_suspend,
        asks="reason",
        prompt=_("中止的理由，如争议、案件；恢复后从初审重新核对"),
    ),
    _Kind(
        name="resume",
        act=Act.SUSPEND_CASE,
        states=frozenset({State.SUSPENDED}),
        label=_("恢复办理"),
        icon="check",
        tone="primary",
        objections=cases.objections_to_resume,
        asks="reason",
        prompt=_("恢复的理由；恢复后从初审重新核对"),
        at_own_seat=False,
    ),
    _Kind(
        name="call-paper",
        act=Act.CALL_PAPER,
        states=_WORKING,
        label=_("调纸质档案"),
        icon="archive",
        objections=cases.objections_to_call_paper,
        asks="reason",
        prompt=_("要在实体上核对哪一页的什么问题"),
    ),
    _Kind(
        name="paper-seen",
        act=Act.CALL_PAPER,
        states=_WORKING,
        label=_("登记实体核对结果"),
        icon="clipboard-check",
        objections=cases.objections_to_see_paper,
        asks="findings",
        prompt=_("与影像一致，或写明不一致之处"),
    ),
    _Kind(
        name="raise",
        act=Act.REVIEW_CASE,
        states=frozenset({State.IN_REVIEW}),
        label=_("转复杂件"),
        icon="arrow-up-circle",
        objections=cases.objections_to_raise_route,
        asks="reason",
        prompt=_("转为复杂件的理由；转后不能自行取消"),
    ),
    _Kind(
        name="submit",
        act=Act.REVIEW_CASE,
        states=frozenset({State.IN_REVIEW}),
        label=_("提交复核"),
        icon="check",
        tone="primary",
        objections=cases.objections_to_submit_review,
        asks="opinion",
        prompt=_("初审意见"),
    ),
    _Kind(
        name="return",
        act=Act.CONFIRM_CASE,
        states=frozenset({State.IN_CONFIRMATION}),
        label=_("退回初审"),
        icon="arrow-back-up",
        tone="danger",
        objections=cases.objections_to_return_to_reviewer,
        asks="reason",
        prompt=_("退回理由：要重新核对什么"),
    ),
    _Kind(
        name="confirm",
        act=Act.CONFIRM_CASE,
        states=frozenset({State.IN_CONFIRMATION}),
        label=_("复核通过并固定影像"),
        icon="lock-check",
        tone="primary",
        objections=cases.objections_to_confirm,
        asks="opinion",
        prompt=_("复核意见"),
    ),
    _Kind(
        name="decide",
        act=Act.DECIDE_CASE,
        states=WAITS_FOR_DECISION,
        label=_("作出决定"),
        icon="gavel",
        tone="primary",
        objections=_objections_to_decide,
        asks="decision",
        prompt=_("审批意见或理由"),
    ),
    _Kind(
        name="paper-out",
        act=Act.HAND_PAPER,
        states=_WORKING | {State.RETURNED},
        label=_("实体出库"),
        icon="package-export",
        tone="primary",
        objections=cases.objections_to_hand_paper_out,
        asks="hand",
        prompt=_("领取人"),
        at_own_seat=False,
    ),
    _Kind(
        name="paper-back",
        act=Act.HAND_PAPER,
        states=_WORKING | {State.RETURNED},
        label=_("实体归还"),
        icon="package-import",
        tone="primary",
        objections=cases.objections_to_hand_paper_back,
        asks="hand",
        prompt=_("归还人"),
        at_own_seat=False,
    ),
    _Kind(
        name="file",
        act=Act.FILE_CASE,
        states=frozenset({State.APPROVED, State.REJECTED}),
        label=_("审批表归档"),
        icon="folder-check",
        tone="primary",
        objections=cases.objections_to_file_case,
        at_own_seat=False,
    ),
)
_TAKERS: Final[dict[State, Act]] = {
    State.ACCEPTED: Act.REVIEW_CASE,
    State.RETURNED: Act.REVIEW_CASE,
    State.IN_REVIEW: Act.REVIEW_CASE,
    State.IN_CONFIRMATION: Act.CONFIRM_CASE,
    **dict.fromkeys(WAITS_FOR_DECISION, Act.DECIDE_CASE),
}


def row(case: Case, *, on: date) -> Row:
    state = State(case.state)
    return Row(
        case=case,
        state=STATE_LABELS[state],
        tone=TONES[state],
        overdue=case.closed_at is None and case.due_on < on and state not in CLOCK_STANDS,
    )


def steps(case: Case) -> list[Step]:
    """The way of a case, as far as it has come."""
    reached = REACHED[State(case.state)]
    return [
        Step(label, "done" if place < reached else "now" if place == reached else "")
        for place, label in enumerate(STEPS)
    ]


def mode(case: Case, *, user: User) -> str:
    """Whose desk this is now: review, confirm or decide for the officer of the step, else read."""
    seat = SEATS.get(State(case.state))
    if seat is None or getattr(case, f"{seat}_id") != user.pk:
        return "read"
    return MODES[seat]


def deeds_of(case: Case, *, user: User, at: datetime) -> list[Deed]:
    """What the person's posts let them do with the case in its state; the main one last."""
    state = State(case.state)
    seated = mode(case, user=user) != "read"
    return [
        _deed(kind, case, user=user, at=at)
        for kind in _KINDS
        if state in kind.states
        and identity.may(kind.act, by=user, at=at)
        and (seated or not kind.at_own_seat)
        and _concerns(kind, case)
    ]


def taking(case: Case, *, user: User, at: datetime) -> Deed | None:
    """The button that takes the present step, for somebody whose post it is."""
    act = _TAKERS.get(State(case.state))
    if act is None or not identity.may(act, by=user, at=at) or mode(case, user=user) != "read":
        return None
    return Deed(
        name="take",
        label=_("领办本件"),
        icon="hand-grab",
        tone="primary",
        url=reverse("case-take", args=[case.uid]),
        asks="",
        prompt="",
        objections=cases.objections_to_take(case=case, user=user, at=at),
    )


def exporting(case: Case, *, user: User, at: datetime) -> Deed | None:
    """The form that takes the frozen evidence out, for somebody whose post may."""
    if cases.evidence_of(case=case) is None or not identity.may(
        Act.EXPORT_EVIDENCE, by=user, at=at
    ):
        return None
    return Deed(
        name="export",
        label=_("导出证据包"),
        icon="download",
        tone="plain",
        url=reverse("evidence-bundle", args=[case.uid]),
        asks="reason",
        prompt=_("导出事由和接收单位，如信访答复、行政复议、诉讼举证；将记入存证日志"),
        objections=cases.objections_to_export_evidence(case=case, user=user, at=at),
    )


def _deed(kind: _Kind, case: Case, *, user: User, at: datetime) -> Deed:
    return Deed(
        name=kind.name,
        label=kind.label,
        icon=kind.icon,
        tone=kind.tone,
        url=reverse(f"case-{kind.name}", args=[case.uid]),
        asks=kind.asks,
        prompt=kind.prompt,
        objections=kind.objections(case=case, user=user, at=at),
    )


def _concerns(kind: _Kind, case: Case) -> bool:
    """Hand-overs and looks at the paper are shown only while there is a call they belong to."""
    if kind.name not in {"paper-out", "paper-back", "paper-seen"}:
        return True
    call = cases.open_call(case=case)
    if call is None:
        return False
    return (call.out_at is None) == (kind.name == "paper-out")


def outcomes(case: Case, *, user: User, at: datetime) -> list[Outcome]:
    """The conclusions an approver may come to, each with what stands against it now."""
    if State(case.state) not in WAITS_FOR_DECISION:
        return []
    return [
        Outcome(
            value=value,
            label=label,
            objections=cases.objections_to_decide(
                case=case, user=user, at=at, outcome=value, reason=None
            ),
        )
        for value, label in Decision.Outcome.choices
    ]
