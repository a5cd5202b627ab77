"""Simple or complex, by readable rules (domain digest §4.9)."""

from typing import Any

import pytest
from rules_factories import (
    CLEAN_CLAIMS,
    CLEAN_MATERIALS,
    POLICY,
    born,
    case,
    claim,
    material,
    worked,
)

from lantai.cases.rules.assessment import assess
from lantai.cases.rules.facts import ClaimFact, Fact, Leaving, Route, Stretch
from lantai.cases.rules.route import ROUTE_LABELS, RouteFinding
from lantai.lib.catalogue import MaterialKind
from lantai.lib.dates import Month

LATE = (*CLEAN_CLAIMS[:2], worked("在厂", "1993-05-04", "1999-06-30", formed="1999-06"))


def route(*more: ClaimFact, **changes: Any) -> RouteFinding:
    claims = (*changes.pop("claims", CLEAN_CLAIMS), *more)
    return assess(case(claims=claims, **changes), policy=POLICY).route


def reasons(*more: ClaimFact, **changes: Any) -> list[str]:
    return [reason.code for reason in route(*more, **changes).reasons]


def test_deemed_time_on_deciding_materials_without_conflict_is_simple() -> None:
    finding = route()

    assert (finding.route, finding.reasons) == (Route.SIMPLE, ())
    assert finding.ground == "视同缴费 9年1个月 全部有关键材料且无冲突，可凭影像审批"


def test_no_deemed_time_is_simple() -> None:
    finding = route(claims=LATE)

    assert finding.route is Route.SIMPLE
    assert finding.ground == "没有视同缴费年限，可凭影像审批"


def test_every_reason_is_given_and_not_the_first_only() -> None:
    finding = route(born("更早的学籍卡", "1964-08", "1975"), secret=True, raised=("笔迹可疑",))

    assert finding.route is Route.COMPLEX
    assert [reason.code for reason in finding.reasons] == ["BIRTH", "C01", "C23", "RAISED"]
    assert finding.reasons[-1].sentence == "审核人员转为复杂件：笔迹可疑"
    assert finding.ground == "有 4 项理由，须核对实体档案后审批"
    assert finding.as_json()["route"] == "complex"
    assert finding.reasons[0].as_json()["claims"] == ["更早的学籍卡"]


def test_a_birth_an_officer_adopted_against_the_card_stays_complex() -> None:
    assert "BIRTH" in reasons(born("更早的学籍卡", "1964-08", "1975"))


@pytest.mark.parametrize(
    ("claims", "expected"), [(CLEAN_CLAIMS, ["C09"]), (LATE, [])], ids=["deemed", "not deemed"]
)
def test_a_gap_weighs_only_where_there_is_deemed_time(
    claims: tuple[ClaimFact, ...], expected: list[str]
) -> None:
    assert reasons(worked("再就业", "2000-03", "2003-01"), claims=claims) == expected


def test_an_overlap_with_paid_time_is_complex_even_if_nothing_is_left_to_deem() -> None:
    assert reasons(paid_from=Month(1983, 1)) == ["C08"]


def test_deemed_time_without_a_deciding_material_is_complex() -> None:
    resume = worked("自述", "1981-05", "1983-08", material_kind=MaterialKind.RESUME)

    finding = route(resume)

    (reason,) = finding.reasons
    assert (reason.code, reason.claims) == ("SERVICE", ("自述",))
    assert "2年4个月 没有关键材料证明" in reason.sentence


def test_deemed_time_that_partial_dates_leave_open_is_complex() -> None:
    finding = route(worked("早年", "1982", "1983-09"))

    assert [reason.sentence for reason in finding.reasons] == [
        "起止时间写得不全，视同缴费可能相差 11个月，须人工认定"
    ]


def test_time_an_officer_must_judge_is_complex() -> None:
    temporary = worked("临时", "1982-01", "1983-08", kind=Stretch.TEMPORARY.value)

    assert reasons(temporary) == ["SERVICE"]


def test_a_stretch_that_ends_before_it_begins_is_complex() -> None:
    assert reasons(worked("倒置", "1990-01", "1985-01")) == ["SERVICE"]


@pytest.mark.parametrize(
    ("fact", "kind"),
    [(Fact.ARMY, ""), (Fact.SPECIAL_WORK, "harmful"), (Fact.BREAK, Leaving.RESIGNED.value)],
)
def test_a_weighty_fact_no_deciding_material_states_is_complex(fact: Fact, kind: str) -> None:
    weak = claim(
        fact, "自述", since="2001-01", until="2001-06", kind=kind, material_kind=MaterialKind.RESUME
    )

    assert "FACT" in reasons(weak)


def test_one_deciding_material_is_enough_for_such_a_fact() -> None:
    weak = claim(Fact.BREAK, "自述", since="1999-06", kind="resigned")
    strong = claim(
        Fact.BREAK,
        "辞职书",
        since="1999-06",
        kind="resigned",
        material_kind=MaterialKind.RESIGNATION,
    )

    assert reasons(weak, strong) == []
    assert "FACT" in reasons(weak)
    assert "FACT" in reasons(
        claim(
            Fact.BREAK,
            "复印",
            since="1999-06",
            kind="resigned",
            material_kind=MaterialKind.RESIGNATION,
            copy=True,
        ),
        materials=(*CLEAN_MATERIALS, material("辞职书", MaterialKind.RESIGNATION)),
    )


@pytest.mark.parametrize(
    ("kind", "expected"), [(MaterialKind.CONTRACT_HIRE_FORM, ["C07"]), (MaterialKind.WAGE_FORM, [])]
)
def test_first_work_weighs_only_between_deciding_materials(
    kind: MaterialKind, expected: list[str]
) -> None:
    assert reasons(claim(Fact.FIRST_WORK, "另表", since="1982-09", material_kind=kind)) == expected


def test_a_name_written_otherwise_is_a_warning_and_no_reason() -> None:
    assert reasons(claim(Fact.NAME, "毕业证", text="彭健国")) == []


def test_both_routes_have_labels() -> None:
    assert set(ROUTE_LABELS) == set(Route)
