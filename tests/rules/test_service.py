"""Service in whole months: every row of the digest §4.3, cut-overs, gaps, leavings."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rules_factories import POLICY, case, claim, worked

from lantai.cases.rules import months, service
from lantai.cases.rules.facts import (
    STRETCH_LABELS,
    Adopted,
    ClaimFact,
    Cohort,
    Fact,
    Leaving,
    Stretch,
    Trade,
)
from lantai.cases.rules.policy import Counting, Effect
from lantai.cases.rules.service import ServiceFinding
from lantai.lib.dates import Month


def reckon(*claims: ClaimFact, **changes: Any) -> ServiceFinding:
    return service.establish(case(claims=claims, **changes), POLICY)


def left(kind: Leaving, when: str, name: str = "离开", **rest: Any) -> ClaimFact:
    return claim(Fact.BREAK, name, since=when, kind=kind.value, **rest)


def words(finding: ServiceFinding) -> str:
    return "；".join(reason.sentence for reason in finding.reasons)


def shown(spans: object) -> list[str]:
    return [str(span) for span in spans]  # type: ignore[attr-defined]


def test_enterprise_service_is_deemed_to_the_end_of_september_1992() -> None:
    finding = reckon(worked("在厂", "1983-09-05", "1999-06-30"))

    assert shown(finding.deemed) == ["1983-09至1992-09"]
    assert finding.deemed_months == 109
    assert finding.counted_months == 190
    assert finding.unproven_months == 0
    assert finding.cutover == Month(1992, 10)
    assert "1983-09至1992-09视同缴费，共 9年1个月" in words(finding)


@pytest.mark.parametrize(
    ("cohort", "deemed"),
    [
        (Cohort.ENTERPRISE, "1983-09至1992-09"),
        (Cohort.CONTRACT, "1983-09至1986-09"),
        (Cohort.INSTITUTION, "1983-09至2014-09"),
        (Cohort.FREELANCE, "1983-09至1992-09"),
    ],
)
def test_each_cohort_has_its_cut_over(cohort: Cohort, deemed: str) -> None:
    finding = reckon(worked("在职", "1983-09", "2020-01"), cohort=cohort, paid_from=None)

    assert shown(finding.deemed) == [deemed]


def test_who_began_after_the_cut_over_has_no_deemed_time() -> None:
    finding = reckon(worked("在厂", "1992-10", "2005-06"))

    assert finding.deemed_months == 0
    assert "1992-10以前没有可视同缴费的工龄" in words(finding)


@pytest.mark.parametrize(
    ("kind", "counts"),
    [
        (Stretch.WORK, True),
        (Stretch.APPRENTICE, True),
        (Stretch.PROBATION, True),
        (Stretch.ARMY, True),
        (Stretch.COUNTRYSIDE, True),
        (Stretch.PAID_STUDY, True),
        (Stretch.SICK, True),
        (Stretch.STUDY, False),
        (Stretch.WAITING, False),
        (Stretch.FARMING, False),
        (Stretch.UNEMPLOYED, False),
        (Stretch.SENTENCE, False),
        (Stretch.LABOUR_CAMP, False),
        (Stretch.TEMPORARY, False),
        (Stretch.NEIGHBOURHOOD, False),
        (Stretch.UNPAID_LEAVE, False),
    ],
)
def test_which_time_counts_without_an_officers_word(kind: Stretch, *, counts: bool) -> None:
    finding = reckon(worked("一段", "1985-01", "1985-12", kind=kind.value))

    assert finding.deemed_months == (12 if counts else 0)
    assert (STRETCH_LABELS[kind] in words(finding)) is not counts


@pytest.mark.parametrize(
    ("fact", "kind", "counting"),
    [
        (Fact.SERVICE, Stretch.WORK, Counting.COUNTS),
        (Fact.ARMY, Stretch.ARMY, Counting.COUNTS),
        (Fact.COUNTRYSIDE, Stretch.COUNTRYSIDE, Counting.COUNTS),
        (Fact.STUDY, Stretch.STUDY, Counting.OUT),
    ],
)
def test_a_stretch_without_a_kind_takes_that_of_its_fact(
    fact: Fact, kind: Stretch, counting: Counting
) -> None:
    (served,) = reckon(worked("一段", "1985-01", "1985-12", fact=fact)).served

    assert (served.kind, served.counting) == (kind, counting)


@pytest.mark.parametrize(
    ("chosen", "deemed"), [("counts", 12), ("out", 0), ("ask", 0), ("nonsense", 0)]
)
def test_an_officer_settles_what_the_policy_leaves_open(chosen: str, deemed: int) -> None:
    word = Adopted(fact=Fact.SERVICE, value=f"一段={chosen}", reason="有原始工资单")
    finding = reckon(
        worked("一段", "1985-01", "1985-12", kind=Stretch.TEMPORARY.value), adopted=(word,)
    )

    assert finding.deemed_months == deemed


def test_the_last_word_of_an_officer_holds() -> None:
    said = [
        Adopted(fact=Fact.SERVICE, value=f"一段={value}", reason="") for value in ("out", "counts")
    ]
    said.append(Adopted(fact=Fact.BIRTH, value="1965-03-12", reason=""))

    assert reckon(worked("一段", "1985-01", "1985-12"), adopted=tuple(said)).deemed_months == 12


def test_overlapping_stretches_count_once() -> None:
    finding = reckon(
        worked("招工表", "1983-09", "1986-05"),
        worked("工资表", "1985-01", "1988-12"),
        worked("学徒", "1983-09", "1986-08", kind=Stretch.APPRENTICE.value),
    )

    assert shown(finding.deemed) == ["1983-09至1988-12"]
    assert finding.deemed_months == 64


def test_partial_dates_give_a_sure_and_a_possible_number() -> None:
    finding = reckon(worked("在厂", "1983", "1988-06"))

    assert shown(finding.deemed) == ["1983-12至1988-06"]
    assert (finding.deemed_months, finding.unsure_months) == (55, 11)
    assert "最多可增加 11个月" in words(finding)


def test_a_year_alone_is_sure_of_nothing() -> None:
    finding = reckon(worked("在厂", "1983", "1983"))

    assert (finding.served[0].sure, finding.deemed_months, finding.unsure_months) == (None, 0, 12)


def test_a_stretch_that_ends_before_it_begins_is_named_and_left_out() -> None:
    finding = reckon(worked("倒置", "1988-06", "1983-09"), worked("在厂", "1990-01", "1990-12"))

    assert finding.impossible == ("倒置",)
    assert finding.deemed_months == 12
    assert "截止时间早于起始时间" in words(finding)


def test_an_end_alone_stands_for_its_month_and_no_time_for_nothing() -> None:
    finding = reckon(worked("合同", "", "1988-06-30"), worked("空白", "", ""))

    assert shown(one.possible for one in finding.served) == ["1988-06至1988-06"]


def test_an_end_another_material_states_of_the_same_unit_ends_an_open_stretch() -> None:
    hired = worked("招工表", "1983-09", "", unit="曙光印刷厂")

    for unit, last in (("兰台市曙光印刷厂", "1986-05"), ("长城厂", "1992-09"), ("", "1992-09")):
        finding = reckon(hired, worked("证明", "", "1986-05-31", unit=unit))

        assert str(finding.served[0].possible.last) == last


@pytest.mark.parametrize(
    ("again", "placement"), [("1988-05", True), ("1989-02", True), ("1989-03", False)]
)
def test_a_soldier_may_wait_for_a_placement(again: str, *, placement: bool) -> None:
    finding = reckon(
        worked("服役", "1984-10", "1988-01", fact=Fact.ARMY), worked("在厂", again, "1999-06")
    )

    (gap,) = finding.gaps
    assert gap.placement is placement
    assert ("退役后待安置时间计算工龄，请登记" in words(finding)) is placement
    waited = worked("待安置", "1988-02", again, kind=Stretch.PLACEMENT.value, unit="")
    assert service.establish(case(claims=(waited,)), POLICY).counted_months > 3


def test_a_stretch_without_an_end_lasts_to_the_cut_over() -> None:
    assert shown(reckon(worked("在厂", "1990-01", "")).deemed) == ["1990-01至1992-09"]
    assert reckon(worked("在厂", "1995-01", "")).counted_months == 1


@pytest.mark.parametrize(
    ("unit", "last"), [("", "1990-03"), ("曙光", "1990-03"), ("别的厂", "1992-09")]
)
def test_a_stretch_without_an_end_is_ended_by_the_next_leaving_of_its_unit(
    unit: str, last: str
) -> None:
    finding = reckon(
        worked("在厂", "1985-01", ""),
        left(Leaving.RESIGNED, "1990-03-04", unit=unit),
        left(Leaving.RESIGNED, "1984-03-04", "更早", unit=unit),
    )

    assert finding.deemed[0].last == Month.parse(last)


def test_a_contribution_record_before_the_cut_over_is_never_counted_twice() -> None:
    finding = reckon(worked("在厂", "1983-09", "1999-06"), paid_from=Month(1990, 1))

    assert shown(finding.deemed) == ["1983-09至1989-12"]
    assert shown(finding.overlap) == ["1990-01至1992-09"]
    assert "同一月份只计一次" in words(finding)


def test_unpaid_months_after_the_cut_over_are_not_deemed() -> None:
    finding = reckon(worked("在厂", "1983-09", "1999-06"), paid_from=Month(1994, 3))

    assert finding.deemed_months == 109
    assert str(finding.unpaid) == "1992-10至1994-02"
    assert "应缴未缴 1年5个月" in words(finding)


def test_a_gap_longer_than_a_month_is_named_with_its_neighbours() -> None:
    finding = reckon(worked("甲", "1983-09", "1986-05"), worked("乙", "1986-12", "1990-01"))

    (gap,) = finding.gaps
    assert str(gap.span) == "1986-06至1986-11"
    assert (gap.decisions, gap.neighbours) == ((), ("甲", "乙"))


def test_a_gap_of_a_single_month_passes() -> None:
    assert reckon(worked("甲", "1983-09", "1986-05"), worked("乙", "1986-07", "1990-01")).gaps == ()


def test_a_gap_after_the_cut_over_is_a_gap_too() -> None:
    finding = reckon(worked("甲", "1983-09", "1996-03"), worked("乙", "1996-12", "2000-01"))

    assert shown(gap.span for gap in finding.gaps) == ["1996-04至1996-11"]


def test_a_leaving_in_the_gap_is_its_decision() -> None:
    finding = reckon(
        worked("甲", "1983-09", "1986-05"),
        worked("乙", "1987-12", "1990-01"),
        left(Leaving.DISMISSED, "1986-05-31", "辞退书"),
        left(Leaving.RESIGNED, "1990-01", "后来"),
    )

    assert [gap.decisions for gap in finding.gaps] == [("辞退书",)]


def test_known_time_that_does_not_count_is_no_gap_and_school_before_work_neither() -> None:
    finding = reckon(
        worked("小学", "1972-09", "1977-07", fact=Fact.STUDY),
        worked("甲", "1983-09", "1986-05"),
        worked("服刑", "1986-06", "1988-05", kind=Stretch.SENTENCE.value),
        worked("乙", "1988-06", "1990-01"),
    )

    assert finding.gaps == ()
    assert finding.deemed_months == 33 + 20


@pytest.mark.parametrize(
    ("kind", "effect", "phrase"),
    [
        (Leaving.EXPELLED, Effect.LOSES, "不计算连续工龄，须由审核人员认定"),
        (Leaving.SENTENCED, Effect.LOSES, "不计算连续工龄，须由审核人员认定"),
        (Leaving.STRUCK_OFF, Effect.MERGES, "前后工龄合并计算"),
        (Leaving.WALKED_OUT, Effect.MERGES, "前后工龄合并计算"),
        (Leaving.DISMISSED, Effect.MERGES, "前后工龄合并计算"),
        (Leaving.RESIGNED, Effect.MERGES, "前后工龄合并计算"),
        (Leaving.LABOUR_CAMP, Effect.MERGES, "前后工龄合并计算"),
        (Leaving.PAID_OFF, Effect.MERGES, "前后工龄合并计算"),
        (Leaving.CONTRACT_ENDED, Effect.NONE, "不影响此前工龄"),
    ],
)
def test_ways_of_leaving_differ_and_none_takes_service_away_by_itself(
    kind: Leaving, effect: Effect, phrase: str
) -> None:
    finding = reckon(
        worked("甲", "1983-09", "1986-05"),
        worked("乙", "1987-01", "1990-01"),
        left(kind, "1986-05-31"),
    )

    (one,) = finding.left
    assert (one.effect, one.settled, one.at_stake) == (effect, False, 33)
    assert phrase in one.reason.sentence
    assert one.reason.clause
    assert finding.deemed_months == 33 + 37


def test_earlier_service_is_left_out_once_an_officer_says_so() -> None:
    word = Adopted(fact=Fact.BREAK, value="离开=loses", reason="开除决定有效")
    finding = reckon(
        worked("甲", "1983-09", "1986-05"),
        worked("乙", "1987-01", "1990-01"),
        left(Leaving.EXPELLED, "1986-05-31"),
        adopted=(word,),
    )

    assert shown(finding.deemed) == ["1987-01至1990-01"]
    assert finding.left[0].settled
    assert "已认定此前 2年9个月 不计算连续工龄" in words(finding)


def test_an_officer_may_keep_the_service_before_an_expulsion() -> None:
    word = Adopted(fact=Fact.BREAK, value="离开=none", reason="处分已撤销")
    finding = reckon(
        worked("甲", "1983-09", "1986-05"), left(Leaving.EXPELLED, "1986-05"), adopted=(word,)
    )

    assert finding.deemed_months == 33
    assert finding.left[0].effect is Effect.NONE


def test_a_leaving_without_a_date_puts_everything_at_stake_and_takes_nothing() -> None:
    word = Adopted(fact=Fact.BREAK, value="离开=loses", reason="")
    finding = reckon(
        worked("甲", "1983-09", "1986-05"), left(Leaving.EXPELLED, ""), adopted=(word,)
    )

    assert (finding.left[0].at_stake, finding.deemed_months) == (33, 33)
    assert "时间不明" in finding.left[0].reason.sentence


def test_a_leaving_of_no_known_kind_is_passed_over() -> None:
    assert reckon(claim(Fact.BREAK, "某事", since="1986-05", kind="vanished")).left == ()


def test_special_work_is_added_up_by_trade() -> None:
    finding = reckon(
        claim(Fact.SPECIAL_WORK, "一", since="1983-09", until="1990-08", kind="harmful"),
        claim(Fact.SPECIAL_WORK, "二", since="1989-09", until="1992-08", kind="harmful"),
        claim(Fact.SPECIAL_WORK, "三", since="1993", until="1993", kind="harmful"),
        claim(Fact.SPECIAL_WORK, "四", since="1995-01", until="", kind="harmful"),
        claim(Fact.SPECIAL_WORK, "五", since="1996-01", until="1994-01", kind="harmful"),
        claim(Fact.SPECIAL_WORK, "六", since="1983-09", until="1984-08", kind="heights_heavy"),
    )

    assert [(one.trade, one.months, one.needed) for one in finding.special] == [
        (Trade.HEIGHTS_HEAVY, 12, 120),
        (Trade.HARMFUL, 108, 96),
    ]
    assert finding.special[1].claims == ("一", "二", "三", "四")
    assert "其他有害身体健康工种累计 9年，已达到所需的 8年" in words(finding)
    assert "高空、特别繁重体力劳动工种累计 1年，未达到所需的 10年" in words(finding)


def test_the_finding_can_be_frozen_as_plain_values() -> None:
    finding = reckon(
        worked("甲", "1983", "1986-05"),
        worked("乙", "1987-12", "1990-01"),
        left(Leaving.EXPELLED, "1986-05-31"),
        claim(Fact.SPECIAL_WORK, "一", since="1983-09", until="1990-08", kind="harmful"),
        left(Leaving.EXPELLED, "", "不明"),
        worked("丙", "1985", "1985"),
        paid_from=Month(1994, 3),
    ).as_json()

    assert finding["deemed_months"] == 30 + 26
    assert finding["unpaid"] == {"first": "1992-10", "last": "1994-02", "months": 17}
    assert finding["gaps"][0]["span"]["months"] == 18  # type: ignore[index]
    assert [one["on"] for one in finding["left"]] == ["1986-05-31", None]  # type: ignore[attr-defined]
    assert finding["served"][2]["sure"] is None  # type: ignore[index]


DATES = st.builds(
    lambda year, month: f"{year}-{month:02d}" if month else str(year),
    st.integers(1980, 1996),
    st.integers(0, 12),
)


@st.composite
def lives(draw: st.DrawFn, *, closed: bool = False) -> list[ClaimFact]:
    ends = DATES if closed else DATES | st.just("")
    kinds = st.sampled_from(["", *Stretch])
    return [
        worked(f"c{number}", draw(DATES), draw(ends), kind=draw(kinds))
        for number in range(draw(st.integers(0, 5)))
    ]


@given(lives(), st.none() | st.builds(Month, st.integers(1985, 1996), st.integers(1, 12)))
def test_deemed_time_lies_before_the_cut_over_and_never_meets_paid_time(
    claims: list[ClaimFact], paid_from: Month | None
) -> None:
    finding = reckon(*claims, paid_from=paid_from)

    assert all(span.last < finding.cutover for span in finding.deemed)
    assert months.count(finding.deemed) == sum(span.months for span in finding.deemed)
    assert not months.without(finding.deemed, finding.counted)
    assert finding.unsure_months >= 0
    if paid_from is not None:
        assert all(span.last < paid_from for span in finding.deemed)


@given(lives(), st.randoms())
def test_the_order_of_claims_never_matters(claims: list[ClaimFact], chance: Any) -> None:
    shuffled = list(claims)
    chance.shuffle(shuffled)

    one, other = reckon(*claims), reckon(*shuffled)

    assert (one.deemed, one.counted, one.unsure_months) == (
        other.deemed,
        other.counted,
        other.unsure_months,
    )
    assert {gap.span for gap in one.gaps} == {gap.span for gap in other.gaps}


@given(lives(closed=True), lives(closed=True))
def test_one_more_stretch_never_takes_deemed_time_away(
    claims: list[ClaimFact], more: list[ClaimFact]
) -> None:
    added = [replace(one, id=f"m{number}") for number, one in enumerate(more)]

    assert reckon(*claims, *added).deemed_months >= reckon(*claims).deemed_months
