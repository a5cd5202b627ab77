"""How a retirement case goes: states, who may take the next step, and every objection.

From the digest's state machine (§5.2) what the main way needs. ``TRANSITIONS`` is the whole truth;
``diagram`` draws it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from lantai.cases.rules.facts import Route


class State(StrEnum):
    """Where a case stands."""

    ACCEPTED = "accepted"
    IN_REVIEW = "in_review"
    IN_CONFIRMATION = "in_confirmation"
    FROZEN = "frozen"
    PAPER_CALLED = "paper_called"
    PAPER_BACK = "paper_back"
    RETURNED = "returned"
    APPROVED = "approved"
    REJECTED = "rejected"
    FILED = "filed"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"


_WORKDAYS_A_WEEK: Final = 5
STATE_LABELS: Final[dict[State, str]] = {
    State.ACCEPTED: "已受理",
    State.IN_REVIEW: "初审中",
    State.IN_CONFIRMATION: "复核中",
    State.FROZEN: "已固定，待审批",
    State.PAPER_CALLED: "已调实体档案",
    State.PAPER_BACK: "实体档案已归还，待审批",
    State.RETURNED: "退回初审",
    State.APPROVED: "准予退休",
    State.REJECTED: "不予批准",
    State.FILED: "已归档",
    State.SUSPENDED: "已中止",
    State.WITHDRAWN: "已撤回",
}

# Here nobody is late: the clock of the case stands.
CLOCK_STANDS: Final = frozenset({State.SUSPENDED, State.WITHDRAWN})
DECIDED: Final = frozenset({State.APPROVED, State.REJECTED, State.FILED})


class Paper(StrEnum):
    """Where the paper dossier is, as far as the case is concerned."""

    NOT_CALLED = "not_called"
    CALLED = "called"
    OUT = "out"
    BACK = "back"


PAPER_LABELS: Final[dict[Paper, str]] = {
    Paper.NOT_CALLED: "未调实体",
    Paper.CALLED: "已申请调阅实体",
    Paper.OUT: "实体已出库",
    Paper.BACK: "实体已归还",
}


class Verb(StrEnum):
    """What can be done with a case."""

    TAKE = "take"
    MARK_PAGE = "mark_page"
    STATE_CLAIM = "state_claim"
    ADOPT = "adopt"
    RAISE_ROUTE = "raise_route"
    SUBMIT_REVIEW = "submit_review"
    RETURN_TO_REVIEWER = "return_to_reviewer"
    CONFIRM = "confirm"
    CALL_PAPER = "call_paper"
    HAND_PAPER_OUT = "hand_paper_out"
    SEE_PAPER = "see_paper"
    HAND_PAPER_BACK = "hand_paper_back"
    APPROVE = "approve"
    REJECT = "reject"
    SEND_BACK = "send_back"
    FILE = "file"
    WITHDRAW = "withdraw"
    SUSPEND = "suspend"
    RESUME = "resume"


VERB_LABELS: Final[dict[Verb, str]] = {
    Verb.TAKE: "领取",
    Verb.MARK_PAGE: "标记材料",
    Verb.STATE_CLAIM: "登记记载",
    Verb.ADOPT: "采信认定",
    Verb.RAISE_ROUTE: "转为复杂件",
    Verb.SUBMIT_REVIEW: "提交复核",
    Verb.RETURN_TO_REVIEWER: "退回初审",
    Verb.CONFIRM: "复核通过并固定影像",
    Verb.CALL_PAPER: "调阅实体档案",
    Verb.HAND_PAPER_OUT: "实体出库",
    Verb.SEE_PAPER: "登记实体核对结果",
    Verb.HAND_PAPER_BACK: "实体归还",
    Verb.APPROVE: "准予退休",
    Verb.REJECT: "不予批准",
    Verb.SEND_BACK: "审批退回",
    Verb.FILE: "审批表归档",
    Verb.WITHDRAW: "撤回申请",
    Verb.SUSPEND: "中止办理",
    Verb.RESUME: "恢复办理",
}

# Work on the facts leaves the state as it is, and so does paper called before the evidence is
# fixed: the review on images and the look at the paper run side by side.
TRANSITIONS: Final[dict[tuple[State, Verb], State]] = {
    (State.ACCEPTED, Verb.TAKE): State.IN_REVIEW,
    (State.IN_REVIEW, Verb.MARK_PAGE): State.IN_REVIEW,
    (State.IN_REVIEW, Verb.STATE_CLAIM): State.IN_REVIEW,
    (State.IN_REVIEW, Verb.ADOPT): State.IN_REVIEW,
    (State.IN_REVIEW, Verb.RAISE_ROUTE): State.IN_REVIEW,
    (State.IN_REVIEW, Verb.CALL_PAPER): State.IN_REVIEW,
    (State.IN_REVIEW, Verb.HAND_PAPER_OUT): State.IN_REVIEW,
    (State.IN_REVIEW, Verb.SEE_PAPER): State.IN_REVIEW,
    (State.IN_REVIEW, Verb.HAND_PAPER_BACK): State.IN_REVIEW,
    (State.IN_REVIEW, Verb.SUBMIT_REVIEW): State.IN_CONFIRMATION,
    (State.IN_CONFIRMATION, Verb.TAKE): State.IN_CONFIRMATION,
    (State.IN_CONFIRMATION, Verb.MARK_PAGE): State.IN_CONFIRMATION,
    (State.IN_CONFIRMATION, Verb.RAISE_ROUTE): State.IN_CONFIRMATION,
    (State.IN_CONFIRMATION, Verb.CALL_PAPER): State.IN_CONFIRMATION,
    (State.IN_CONFIRMATION, Verb.HAND_PAPER_OUT): State.IN_CONFIRMATION,
    (State.IN_CONFIRMATION, Verb.SEE_PAPER): State.IN_CONFIRMATION,
    (State.IN_CONFIRMATION, Verb.HAND_PAPER_BACK): State.IN_CONFIRMATION,
    (State.IN_CONFIRMATION, Verb.RETURN_TO_REVIEWER): State.RETURNED,
    (State.IN_CONFIRMATION, Verb.CONFIRM): State.FROZEN,
    (State.RETURNED, Verb.TAKE): State.IN_REVIEW,
    (State.RETURNED, Verb.HAND_PAPER_OUT): State.RETURNED,
    (State.RETURNED, Verb.HAND_PAPER_BACK): State.RETURNED,
    (State.FROZEN, Verb.TAKE): State.FROZEN,
    (State.FROZEN, Verb.RAISE_ROUTE): State.FROZEN,
    (State.FROZEN, Verb.CALL_PAPER): State.PAPER_CALLED,
    (State.FROZEN, Verb.HAND_PAPER_OUT): State.PAPER_CALLED,
    (State.FROZEN, Verb.SEE_PAPER): State.FROZEN,
    (State.FROZEN, Verb.HAND_PAPER_BACK): State.PAPER_BACK,
    (State.FROZEN, Verb.APPROVE): State.APPROVED,
    (State.FROZEN, Verb.REJECT): State.REJECTED,
    (State.FROZEN, Verb.SEND_BACK): State.RETURNED,
    (State.PAPER_CALLED, Verb.TAKE): State.PAPER_CALLED,
    (State.PAPER_CALLED, Verb.HAND_PAPER_OUT): State.PAPER_CALLED,
    (State.PAPER_CALLED, Verb.RAISE_ROUTE): State.PAPER_CALLED,
    (State.PAPER_CALLED, Verb.SEE_PAPER): State.PAPER_CALLED,
    (State.PAPER_CALLED, Verb.HAND_PAPER_BACK): State.PAPER_BACK,
    (State.PAPER_BACK, Verb.TAKE): State.PAPER_BACK,
    (State.PAPER_BACK, Verb.RAISE_ROUTE): State.PAPER_BACK,
    (State.PAPER_BACK, Verb.CALL_PAPER): State.PAPER_CALLED,
    (State.PAPER_BACK, Verb.APPROVE): State.APPROVED,
    (State.PAPER_BACK, Verb.REJECT): State.REJECTED,
    (State.PAPER_BACK, Verb.SEND_BACK): State.RETURNED,
    (State.APPROVED, Verb.FILE): State.FILED,
    (State.REJECTED, Verb.FILE): State.FILED,
    (State.ACCEPTED, Verb.WITHDRAW): State.WITHDRAWN,
    (State.IN_REVIEW, Verb.WITHDRAW): State.WITHDRAWN,
    (State.IN_CONFIRMATION, Verb.WITHDRAW): State.WITHDRAWN,
    (State.RETURNED, Verb.WITHDRAW): State.WITHDRAWN,
    (State.FROZEN, Verb.WITHDRAW): State.WITHDRAWN,
    (State.PAPER_BACK, Verb.WITHDRAW): State.WITHDRAWN,
    (State.SUSPENDED, Verb.WITHDRAW): State.WITHDRAWN,
    (State.IN_REVIEW, Verb.SUSPEND): State.SUSPENDED,
    (State.IN_CONFIRMATION, Verb.SUSPEND): State.SUSPENDED,
    (State.FROZEN, Verb.SUSPEND): State.SUSPENDED,
    (State.PAPER_BACK, Verb.SUSPEND): State.SUSPENDED,
    # Whatever was found before, the facts may be others after a dispute: they are reviewed anew.
    (State.SUSPENDED, Verb.RESUME): State.RETURNED,
}

# Each needs words: why, or with which opinion.
_NEEDS_REASON: Final[dict[Verb, str]] = {
    Verb.ADOPT: "请填写采信理由",
    Verb.RAISE_ROUTE: "请填写转为复杂件的理由",
    Verb.SUBMIT_REVIEW: "请填写初审意见",
    Verb.RETURN_TO_REVIEWER: "请填写退回理由",
    Verb.CONFIRM: "请填写复核意见",
    Verb.CALL_PAPER: "请写明要在实体档案上核对什么",
    Verb.SEE_PAPER: "请写明实体档案的核对结果",
    Verb.APPROVE: "请填写审批意见",
    Verb.REJECT: "请填写不予批准的理由",
    Verb.SEND_BACK: "请填写退回理由",
    Verb.WITHDRAW: "请写明申请人撤回的理由",
    Verb.SUSPEND: "请写明中止的理由，如争议、案件",
    Verb.RESUME: "请写明恢复的理由",
}

_REVIEWERS: Final = frozenset({Verb.MARK_PAGE, Verb.STATE_CLAIM, Verb.ADOPT, Verb.SUBMIT_REVIEW})
_CONFIRMERS: Final = frozenset({Verb.RETURN_TO_REVIEWER, Verb.CONFIRM})
_APPROVERS: Final = frozenset({Verb.APPROVE, Verb.REJECT, Verb.SEND_BACK})
_DECISIONS: Final = frozenset({Verb.APPROVE, Verb.REJECT})
_STOPS: Final = frozenset({Verb.WITHDRAW, Verb.SUSPEND})
_ENDS: Final = frozenset({Verb.SUBMIT_REVIEW, Verb.CONFIRM})


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A case in plain values, as it stands before somebody acts.

    People are named by their account; blank means that nobody holds the post yet.
    ``unopened_key_pages`` are key pages the person about to act has not opened; ``obstacles`` are
    the assessment's sentences on what must be settled before review ends. ``evidence_intact`` and
    ``changed_pages`` compare the fixed images with the dossier of now. ``calls_without_finding``
    counts the last papers that came back without anybody having written down what was seen; a
    later call with a finding settles them.
    """

    state: State
    clerk: str
    reviewer: str = ""
    second_reviewer: str = ""
    approver: str = ""
    route: Route = Route.COMPLEX
    paper: Paper = Paper.NOT_CALLED
    calls_without_finding: int = 0
    unopened_key_pages: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()
    evidence_intact: bool = True
    changed_pages: tuple[str, ...] = ()
    actor_is_subject: bool = False
    actor_is_kin: bool = False


def due_on(state: State, *, days: Mapping[State, int], since: date) -> date:
    """The day by which the step a case stands at is to be done, in working days of a policy.

    A state the policy gives no time of its own has the time of an approval.
    """
    left = days.get(state, days[State.FROZEN])
    day = since
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < _WORKDAYS_A_WEEK
    return day


def next_state(state: State, verb: Verb) -> State:
    """The state a verb leads to; KeyError where it leads nowhere."""
    return TRANSITIONS[state, verb]


def objections_to(
    verb: Verb, standing: Standing, *, actor: str, reason: str = ""
) -> tuple[str, ...]:
    """Return every reason why this person may not do this now; none means it may be done."""
    found = []
    if (standing.state, verb) not in TRANSITIONS:
        found.append(
            f"业务现为“{STATE_LABELS[standing.state]}”，不能{VERB_LABELS[verb]}，请刷新后按当前环节办理"
        )
    if standing.actor_is_subject:
        found.append("这是您本人的档案，不得办理本人业务，请交由他人办理")
    if standing.actor_is_kin:
        found.append("您与当事人有亲属关系，应当回避，请交由他人办理")
    found += _post_objections(verb, standing, actor)
    if verb in _NEEDS_REASON and not reason.strip():
        found.append(_NEEDS_REASON[verb])
    if verb in _ENDS:
        found += standing.obstacles
    if verb in _ENDS | _DECISIONS and standing.unopened_key_pages:
        found.append(
            f"还有 {len(standing.unopened_key_pages)} 页关键材料未打开查看，"
            f"请逐页查看后再{VERB_LABELS[verb]}"
        )
    found += _paper_objections(verb, standing)
    if verb in _DECISIONS:
        found += _evidence_objections(standing)
    return tuple(found)


def diagram() -> str:
    """The state picture in Mermaid, drawn from TRANSITIONS."""
    lines = ["stateDiagram-v2", "    [*] --> accepted"]
    lines += [f"    {state.value}: {STATE_LABELS[state]}" for state in State]
    ways: dict[tuple[State, State], list[str]] = {}
    for (old, verb), new in TRANSITIONS.items():
        if old is not new:
            ways.setdefault((old, new), []).append(VERB_LABELS[verb])
    lines += [
        f"    {old.value} --> {new.value}: {'／'.join(verbs)}" for (old, new), verbs in ways.items()
    ]
    lines += ["    filed --> [*]", "    withdrawn --> [*]"]
    return "\n".join(lines) + "\n"


def _post_of(verb: Verb, state: State) -> str:
    """Whose step it is: the name of a field of Standing, or blank where posts are not fixed."""
    if verb is Verb.TAKE:
        return {
            State.ACCEPTED: "reviewer",
            State.RETURNED: "reviewer",
            State.IN_CONFIRMATION: "second_reviewer",
        }.get(state, "approver")
    if verb in _APPROVERS:
        return "approver"
    if verb in _CONFIRMERS:
        return "second_reviewer"
    if verb in _REVIEWERS | {
        Verb.RAISE_ROUTE,
        Verb.CALL_PAPER,
        Verb.SEE_PAPER,
        Verb.SUSPEND,
    }:
        return {State.IN_REVIEW: "reviewer", State.IN_CONFIRMATION: "second_reviewer"}.get(
            state, "approver"
        )
    return ""


_POSTS: Final = {
    "clerk": "受理",
    "reviewer": "初审",
    "second_reviewer": "复核",
    "approver": "审批",
}


def _post_objections(verb: Verb, standing: Standing, actor: str) -> list[str]:
    """Four eyes: four posts of one case are four people, and the step is its holder's."""
    post = _post_of(verb, standing.state)
    if not post:
        return []
    found = [
        f"您是本件的{label}人，不得再任{_POSTS[post]}，请由其他人员办理"
        for other, label in _POSTS.items()
        if other != post and getattr(standing, other) == actor
    ]
    holder = getattr(standing, post)
    if verb is Verb.TAKE:
        if holder and holder != actor:
            found.append(f"本件已由他人领取{_POSTS[post]}，请办理其他业务")
    elif not holder:
        found.append(f"本件尚无人领取{_POSTS[post]}，请先领取")
    elif holder != actor:
        found.append(f"本件的{_POSTS[post]}由他人承办，您不能{VERB_LABELS[verb]}")
    return found


def _paper_objections(verb: Verb, standing: Standing) -> list[str]:
    """What the whereabouts of the paper forbid."""
    paper = standing.paper
    away = paper in (Paper.CALLED, Paper.OUT)
    found = []
    if verb is Verb.CALL_PAPER and away:
        found.append(f"本件{PAPER_LABELS[paper]}，无需重复申请")
    if verb is Verb.HAND_PAPER_OUT and paper is not Paper.CALLED:
        found.append("没有待出库的实体调阅申请，请先申请调阅实体档案")
    if verb in (Verb.SEE_PAPER, Verb.HAND_PAPER_BACK) and paper is not Paper.OUT:
        found.append(f"实体档案没有出库，不能{VERB_LABELS[verb]}，请先登记出库")
    if verb in _APPROVERS | _STOPS and away:
        found.append("实体档案尚未归还清点，请归还清点后再办理")
    if verb is Verb.APPROVE:
        if standing.route is Route.COMPLEX and paper is Paper.NOT_CALLED:
            found.append("复杂件须先核对实体档案，请调阅实体档案后再审批")
        if paper is Paper.BACK and standing.calls_without_finding:
            found.append("实体档案已归还，但没有登记核对结果，请重新调阅并登记后再审批")
    return found


def _evidence_objections(standing: Standing) -> list[str]:
    found = []
    if not standing.evidence_intact:
        found.append("固定的影像证据校验不通过，不得据此审批；请退回初审并报告安全保密员")
    if standing.changed_pages:
        found.append(f"固定之后有 {len(standing.changed_pages)} 页影像发生变化，请退回初审重新核对")
    return found
