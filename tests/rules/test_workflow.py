"""Who may take the next step of a case, and every reason why not."""

from dataclasses import replace
from datetime import date
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.cases.rules.facts import Route
from lantai.cases.rules.workflow import (
    DECIDED,
    PAPER_LABELS,
    STATE_LABELS,
    TRANSITIONS,
    VERB_LABELS,
    Paper,
    Standing,
    State,
    Verb,
    diagram,
    due_on,
    next_state,
    objections_to,
)

CASE = Standing(
    state=State.IN_REVIEW,
    clerk="clerk",
    reviewer="reviewer",
    second_reviewer="second",
    approver="approver",
    route=Route.SIMPLE,
)
ACTOR = {
    State.ACCEPTED: "reviewer",
    State.IN_REVIEW: "reviewer",
    State.RETURNED: "reviewer",
    State.IN_CONFIRMATION: "second",
}


def no(verb: Verb, *, actor: str, reason: str = "理由", **changes: Any) -> tuple[str, ...]:
    return objections_to(verb, replace(CASE, **changes), actor=actor, reason=reason)


def paper_for(verb: Verb) -> Paper:
    return {
        Verb.HAND_PAPER_OUT: Paper.CALLED,
        Verb.SEE_PAPER: Paper.OUT,
        Verb.HAND_PAPER_BACK: Paper.OUT,
    }.get(verb, Paper.NOT_CALLED)


@pytest.mark.parametrize(("state", "verb"), [(s, v) for s in State for v in Verb])
def test_every_state_allows_what_the_table_says_and_nothing_else(state: State, verb: Verb) -> None:
    actor = ACTOR.get(state, "approver")
    if verb in (Verb.APPROVE, Verb.REJECT, Verb.SEND_BACK):
        actor = "approver"
    if verb in (Verb.CONFIRM, Verb.RETURN_TO_REVIEWER):
        actor = "second"
    if verb in (Verb.MARK_PAGE, Verb.STATE_CLAIM, Verb.ADOPT, Verb.SUBMIT_REVIEW):
        actor = "second" if state is State.IN_CONFIRMATION else actor

    found = no(verb, actor=actor, state=state, paper=paper_for(verb))

    if (state, verb) in TRANSITIONS:
        assert found == ()
        assert next_state(state, verb) in State
    else:
        assert any(STATE_LABELS[state] in sentence for sentence in found)


def test_a_verb_that_leads_nowhere_has_no_next_state() -> None:
    with pytest.raises(KeyError):
        next_state(State.FILED, Verb.TAKE)


def test_a_step_is_due_after_its_working_days_or_those_of_an_approval() -> None:
    wednesday = date(2026, 11, 25)
    days = {State.IN_REVIEW: 3, State.FROZEN: 5}

    assert due_on(State.IN_REVIEW, days=days, since=wednesday) == date(2026, 11, 30)
    assert due_on(State.FROZEN, days=days, since=wednesday) == date(2026, 12, 2)
    assert due_on(State.RETURNED, days=days, since=wednesday) == date(2026, 12, 2)
    assert due_on(State.IN_REVIEW, days={**days, State.IN_REVIEW: 0}, since=wednesday) == wednesday


def test_the_main_way_leads_from_acceptance_to_the_file() -> None:
    state = State.ACCEPTED
    for verb in (
        Verb.TAKE, Verb.SUBMIT_REVIEW, Verb.TAKE, Verb.CONFIRM, Verb.TAKE, Verb.CALL_PAPER,
        Verb.HAND_PAPER_OUT, Verb.SEE_PAPER, Verb.HAND_PAPER_BACK, Verb.APPROVE, Verb.FILE,
    ):  # fmt: skip
        state = next_state(state, verb)

    assert state is State.FILED


def test_every_state_is_reached_and_can_be_left_but_the_last() -> None:
    reached = {State.ACCEPTED} | set(TRANSITIONS.values())
    left = {state for (state, _), after in TRANSITIONS.items() if after is not state}

    assert reached == set(State)
    assert left == set(State) - {State.FILED, State.WITHDRAWN}
    assert {State.APPROVED, State.REJECTED, State.FILED} == DECIDED


def test_all_have_labels() -> None:
    assert list(STATE_LABELS) == list(State)
    assert list(VERB_LABELS) == list(Verb)
    assert list(PAPER_LABELS) == list(Paper)


@pytest.mark.parametrize(
    ("state", "post", "other"),
    [
        (state, post, other)
        for state, post in (
            (State.ACCEPTED, "reviewer"),
            (State.IN_CONFIRMATION, "second_reviewer"),
            (State.FROZEN, "approver"),
        )
        for other in ("clerk", "reviewer", "second_reviewer", "approver")
        if other != post
    ],
)
def test_nobody_takes_two_posts_of_one_case(state: State, post: str, other: str) -> None:
    open_post = {"state": state, post: ""}
    holder = getattr(CASE, other)

    assert no(Verb.TAKE, actor="newcomer", **open_post) == ()
    (sentence,) = no(Verb.TAKE, actor=holder, **open_post)
    assert "不得再任" in sentence


def test_nobody_acts_in_two_posts_even_if_entered_for_both() -> None:
    for first, second in combinations(("clerk", "reviewer", "second_reviewer", "approver"), 2):
        both = {first: "same", second: "same"}
        verb, state = {
            "reviewer": (Verb.SUBMIT_REVIEW, State.IN_REVIEW),
            "second_reviewer": (Verb.CONFIRM, State.IN_CONFIRMATION),
            "approver": (Verb.APPROVE, State.FROZEN),
        }[second]

        assert any("不得再任" in one for one in no(verb, actor="same", state=state, **both))


def test_what_somebody_took_nobody_else_takes() -> None:
    assert no(Verb.TAKE, actor="other", state=State.IN_CONFIRMATION) == (
        "本件已由他人领取复核，请办理其他业务",
    )
    assert no(Verb.TAKE, actor="second", state=State.IN_CONFIRMATION) == ()


def test_a_step_is_its_holders_and_must_be_taken_first() -> None:
    assert no(Verb.SUBMIT_REVIEW, actor="other") == ("本件的初审由他人承办，您不能提交复核",)
    assert no(Verb.SUBMIT_REVIEW, actor="other", reviewer="") == ("本件尚无人领取初审，请先领取",)


@pytest.mark.parametrize(
    ("flag", "phrase"), [("actor_is_subject", "本人的档案"), ("actor_is_kin", "应当回避")]
)
def test_nobody_works_on_the_own_case_or_that_of_kin(flag: str, phrase: str) -> None:
    for verb in Verb:
        for state in State:
            found = no(verb, actor="reviewer", state=state, **{flag: True})
            assert any(phrase in sentence for sentence in found)


@pytest.mark.parametrize(
    ("verb", "state", "actor"),
    [
        (Verb.ADOPT, State.IN_REVIEW, "reviewer"),
        (Verb.RAISE_ROUTE, State.IN_REVIEW, "reviewer"),
        (Verb.SUBMIT_REVIEW, State.IN_REVIEW, "reviewer"),
        (Verb.CALL_PAPER, State.IN_REVIEW, "reviewer"),
        (Verb.RETURN_TO_REVIEWER, State.IN_CONFIRMATION, "second"),
        (Verb.CONFIRM, State.IN_CONFIRMATION, "second"),
        (Verb.APPROVE, State.FROZEN, "approver"),
        (Verb.REJECT, State.FROZEN, "approver"),
        (Verb.SEND_BACK, State.FROZEN, "approver"),
    ],
)
def test_a_weighty_step_needs_words(verb: Verb, state: State, actor: str) -> None:
    (sentence,) = no(verb, actor=actor, state=state, reason="  ")

    assert sentence.startswith("请")
    assert no(verb, actor=actor, state=state) == ()


@pytest.mark.parametrize(
    ("verb", "state", "actor"),
    [
        (Verb.SUBMIT_REVIEW, State.IN_REVIEW, "reviewer"),
        (Verb.CONFIRM, State.IN_CONFIRMATION, "second"),
        (Verb.APPROVE, State.FROZEN, "approver"),
        (Verb.REJECT, State.FROZEN, "approver"),
    ],
)
def test_key_pages_are_opened_before_a_step_ends(verb: Verb, state: State, actor: str) -> None:
    (sentence,) = no(verb, actor=actor, state=state, unopened_key_pages=("1-1-001", "9-2-1-001"))

    assert "2 页关键材料未打开" in sentence


@pytest.mark.parametrize(
    ("verb", "state", "actor"),
    [
        (Verb.SUBMIT_REVIEW, State.IN_REVIEW, "reviewer"),
        (Verb.CONFIRM, State.IN_CONFIRMATION, "second"),
    ],
)
def test_what_is_unsettled_holds_the_review(verb: Verb, state: State, actor: str) -> None:
    assert no(verb, actor=actor, state=state, obstacles=("出生时间尚未认定",)) == (
        "出生时间尚未认定",
    )


def test_a_complex_case_is_approved_only_with_the_paper_seen() -> None:
    at = {"actor": "approver", "route": Route.COMPLEX}

    assert no(Verb.APPROVE, state=State.FROZEN, **at) == (
        "复杂件须先核对实体档案，请调阅实体档案后再审批",
    )
    assert no(
        Verb.APPROVE, state=State.PAPER_BACK, paper=Paper.BACK, calls_without_finding=1, **at
    ) == ("实体档案已归还，但没有登记核对结果，请重新调阅并登记后再审批",)
    assert no(Verb.APPROVE, state=State.PAPER_BACK, paper=Paper.BACK, **at) == ()
    assert no(Verb.REJECT, state=State.FROZEN, **at) == ()
    assert no(Verb.SEND_BACK, state=State.FROZEN, **at) == ()


def test_a_paper_that_was_called_is_reported_on_before_any_approval() -> None:
    at = {"actor": "approver", "state": State.PAPER_BACK, "paper": Paper.BACK}

    for route in Route:
        assert no(Verb.APPROVE, route=route, calls_without_finding=1, **at) == (
            "实体档案已归还，但没有登记核对结果，请重新调阅并登记后再审批",
        )
        assert no(Verb.REJECT, route=route, calls_without_finding=1, **at) == ()
        assert no(Verb.APPROVE, route=route, **at) == ()


@pytest.mark.parametrize("paper", [Paper.CALLED, Paper.OUT])
@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.REJECT, Verb.SEND_BACK])
def test_nothing_is_decided_while_the_paper_is_away(verb: Verb, paper: Paper) -> None:
    assert no(verb, actor="approver", state=State.FROZEN, paper=paper) == (
        "实体档案尚未归还清点，请归还清点后再办理",
    )


@pytest.mark.parametrize(
    ("verb", "paper", "phrase"),
    [
        (Verb.CALL_PAPER, Paper.CALLED, "无需重复申请"),
        (Verb.CALL_PAPER, Paper.OUT, "无需重复申请"),
        (Verb.CALL_PAPER, Paper.NOT_CALLED, ""),
        (Verb.CALL_PAPER, Paper.BACK, ""),
        (Verb.HAND_PAPER_OUT, Paper.NOT_CALLED, "没有待出库"),
        (Verb.HAND_PAPER_OUT, Paper.OUT, "没有待出库"),
        (Verb.HAND_PAPER_OUT, Paper.CALLED, ""),
        (Verb.SEE_PAPER, Paper.CALLED, "没有出库"),
        (Verb.SEE_PAPER, Paper.OUT, ""),
        (Verb.HAND_PAPER_BACK, Paper.NOT_CALLED, "没有出库"),
        (Verb.HAND_PAPER_BACK, Paper.OUT, ""),
    ],
)
def test_the_paper_goes_out_and_back_in_order(verb: Verb, paper: Paper, phrase: str) -> None:
    found = no(verb, actor="reviewer", paper=paper)

    assert len(found) == bool(phrase)
    assert all(phrase in sentence for sentence in found)


def test_anybody_hands_the_paper_whatever_the_post_in_the_case() -> None:
    assert no(Verb.HAND_PAPER_OUT, actor="archivist", paper=Paper.CALLED) == ()
    assert no(Verb.FILE, actor="archivist", state=State.APPROVED) == ()


@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.REJECT])
def test_nothing_is_decided_on_evidence_that_no_longer_holds(verb: Verb) -> None:
    at = {"actor": "approver", "state": State.FROZEN}

    found = no(verb, evidence_intact=False, changed_pages=("p1",), **at)
    assert len(found) == 2
    assert "校验不通过" in found[0]
    assert "1 页影像发生变化" in found[1]
    assert no(Verb.SEND_BACK, evidence_intact=False, changed_pages=("p1",), **at) == ()


def test_all_objections_come_at_once() -> None:
    found = no(
        Verb.APPROVE,
        actor="clerk",
        reason="",
        state=State.FROZEN,
        route=Route.COMPLEX,
        evidence_intact=False,
        actor_is_kin=True,
    )

    assert len(found) == 6


def test_the_picture_shows_every_state_and_every_way() -> None:
    picture = diagram()

    assert picture.startswith("stateDiagram-v2\n")
    for state in State:
        assert f"    {state.value}: {STATE_LABELS[state]}\n" in picture
    for (old, verb), new in TRANSITIONS.items():
        if old is not new:
            (way,) = [one for one in picture.splitlines() if f" {old} --> {new}: " in one]
            assert VERB_LABELS[verb] in way


PEOPLE = st.sampled_from(["", "a", "b", "c", "d"])
STANDINGS = st.builds(
    Standing,
    state=st.sampled_from(State),
    clerk=PEOPLE,
    reviewer=PEOPLE,
    second_reviewer=PEOPLE,
    approver=PEOPLE,
    route=st.sampled_from(Route),
    paper=st.sampled_from(Paper),
    evidence_intact=st.booleans(),
)


@given(STANDINGS, st.sampled_from(["a", "b", "c", "d"]))
def test_whoever_approves_holds_no_other_post_and_the_evidence_holds(
    standing: Standing, actor: str
) -> None:
    if not objections_to(Verb.APPROVE, standing, actor=actor, reason="同意"):
        assert standing.approver == actor
        assert actor not in {standing.clerk, standing.reviewer, standing.second_reviewer}
        assert standing.evidence_intact
        assert standing.route is Route.SIMPLE or standing.paper is Paper.BACK
