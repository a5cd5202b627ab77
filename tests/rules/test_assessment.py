"""The whole judgement on a case: deterministic, explained, and nothing decided by itself."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rules_factories import CLEAN_CLAIMS, POLICY, born, case, claim, worked

from lantai.cases.rules.assessment import Assessment, assess
from lantai.cases.rules.birth import BirthResult
from lantai.cases.rules.facts import (
    COHORT_LABELS,
    DATES,
    FACT_LABELS,
    GROUP_LABELS,
    LEAVING_LABELS,
    MODE_LABELS,
    STRETCH_LABELS,
    STRETCHES,
    TEXTS,
    TRADE_LABELS,
    Adopted,
    CaseFacts,
    ClaimFact,
    Cohort,
    Fact,
    Group,
    Leaving,
    Mode,
    Route,
    Stretch,
    Trade,
    span,
)
from lantai.lib.catalogue import MaterialKind
from lantai.lib.dates import Month, PartialDate


def judge(**changes: Any) -> Assessment:
    return assess(case(**changes), policy=POLICY)


def objections(**changes: Any) -> list[str]:
    return [reason.sentence for reason in judge(**changes).wish.objections]


def adopted(fact: Fact, value: str, reason: str = "原件清晰") -> Adopted:
    return Adopted(fact=fact, value=value, reason=reason)


def test_a_clean_case_is_judged_whole() -> None:
    found = judge()

    assert found.policy == "beijing-2025.1"
    assert found.birth.result is BirthResult.AGREE
    assert (found.born, found.born_adopted) == (PartialDate(1965, 3, 12), False)
    assert found.age is not None
    assert str(found.age.statutory) == "2025-04"
    assert (str(found.age.earliest), str(found.age.latest)) == ("2025-03", "2028-04")
    assert str(found.first_work.on) == "1983-09-05"
    assert (found.deemed_months, found.paid_months, found.total_months) == (109, 300, 409)
    assert (found.wish.month, found.wish.minimum_months, found.wish.allowed) == (
        Month(2025, 4),
        180,
        True,
    )
    assert found.route.route is Route.SIMPLE
    assert (found.conflicts, found.missing, found.obstacles) == ((), (), ())


def test_a_clean_case_explains_itself_in_order_with_clauses() -> None:
    sentences = [reason.sentence for reason in judge().reasons]

    assert sentences == [
        "未涂改的 2 处记载与身份证年月一致",
        "男（原 60 周岁），1965-03 出生，延迟 1 个月，法定退休年龄 60 岁 1 个月，法定退休年月 2025-04",
        "弹性退休可在 2025-03 至 2028-04 之间选择",
        "参加工作时间建议为 1983-09-05，据《招工登记表》（1983-09-05）",
        "1983-09至1992-09视同缴费，共 9年1个月",
        "视同缴费 9年1个月，实际缴费 25年，合计 34年1个月",
        "按法定退休年龄，2025-04 退休符合规定，最低缴费年限 15年 已满足",
    ]
    assert all(reason.clause for reason in judge().reasons)


def test_what_is_frozen_is_plain_and_the_same_every_time() -> None:
    first = json.dumps(judge().as_json(), ensure_ascii=False, sort_keys=True)

    assert first == json.dumps(judge().as_json(), ensure_ascii=False, sort_keys=True)
    frozen = json.loads(first)
    assert frozen["age"]["statutory_month"] == "2025-04"
    assert frozen["birth"]["proposed"] == frozen["born"] == "1965-03-12"
    assert frozen["route"] == {
        "route": "simple",
        "reasons": [],
        "ground": "视同缴费 9年1个月 全部有关键材料且无冲突，可凭影像审批",
    }
    assert not any(isinstance(value, float) for value in _leaves(frozen))


def _leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in _leaves(part)]
    if isinstance(value, list):
        return [leaf for part in value for leaf in _leaves(part)]
    return [value]


def test_in_doubt_nothing_is_reckoned_and_the_review_cannot_end() -> None:
    found = judge(claims=())

    assert (found.born, found.age) == (None, None)
    assert found.obstacles == (
        "出生时间尚未认定，请登记记载并采信",
        "参加工作时间尚未认定，请登记记载并采信",
    )
    assert not found.wish.allowed
    assert found.as_json()["age"] is None


def test_an_officer_adopts_another_birth_and_the_months_follow() -> None:
    found = judge(
        claims=(*CLEAN_CLAIMS, born("更早的学籍卡", "1964-08", "1975")),
        adopted=(adopted(Fact.BIRTH, "1965-06"), adopted(Fact.BIRTH, "1964-08")),
    )

    assert (found.born, found.born_adopted) == (PartialDate(1964, 8), True)
    assert found.age is not None
    assert str(found.age.statutory) == "2024-08"
    assert found.route.route is Route.COMPLEX
    assert any(
        "出生时间认定为 1964-08-??：原件清晰（系统判断：建议以档案最早记载为准）" in reason.sentence
        for reason in found.reasons
    )


def test_an_adopted_birth_that_agrees_needs_no_note() -> None:
    found = judge(adopted=(adopted(Fact.BIRTH, "1965-03-12"),))

    assert "出生时间认定为 1965-03-12：原件清晰" in [one.sentence for one in found.reasons]


def test_an_adopted_birth_without_a_month_reckons_nothing() -> None:
    found = judge(adopted=(adopted(Fact.BIRTH, "1965"),))

    assert found.age is None
    assert found.obstacles == ("采信的出生时间没有月份，不能计算退休年月，请采信到月",)


def test_an_adopted_first_work_is_told_with_its_reason() -> None:
    found = judge(adopted=(adopted(Fact.FIRST_WORK, "1983-08", "派遣证为准"),))

    assert (found.first_work.on, found.first_work.adopted) == (PartialDate(1983, 8), True)
    assert found.first_work.reason.sentence == "参加工作时间认定为 1983-08-??：派遣证为准"


def test_first_work_is_that_of_the_deciding_material_formed_first() -> None:
    kinds = {"material_kind": MaterialKind.HIRE_FORM}
    claims = [
        claim(Fact.FIRST_WORK, "晚", since="1983-07", formed="1990", **kinds),
        claim(Fact.FIRST_WORK, "无日期", since="1983-06", **kinds),
        claim(Fact.FIRST_WORK, "早", since="1983-09", formed="1984", **kinds),
        claim(Fact.FIRST_WORK, "涂改", since="1981-09", formed="1981", altered=True, **kinds),
        claim(Fact.FIRST_WORK, "复印", since="1980-09", formed="1980", copy=True, **kinds),
        claim(Fact.FIRST_WORK, "履历", since="1979-09", formed="1979"),
    ]

    assert judge(claims=tuple(claims)).first_work.reason.claims == ("早",)


def test_without_such_a_material_first_work_is_the_first_counted_stretch() -> None:
    found = judge(
        claims=(
            worked("务农", "1980-01", "1983-08", kind="farming"),
            worked("在厂", "1984-05", "1990-01"),
            worked("早年", "1983-09", "1984-04"),
        )
    )

    assert str(found.first_work.on) == "1983-09-??"
    assert found.first_work.reason.claims == ("早年",)


@pytest.mark.parametrize(
    ("changes", "phrases"),
    [
        ({}, []),
        ({"wished": Month(2025, 4)}, []),
        ({"wished": Month(2025, 5)}, ["按法定年龄退休的年月是 2025-04"]),
        ({"paid_months": 0}, ["累计缴费 9年1个月，少于最低缴费年限 15年，相差 5年11个月"]),
        ({"mode": Mode.EARLY}, ["须写明选定的退休年月"]),
        ({"mode": Mode.EARLY, "wished": Month(2025, 3), "applied": Month(2024, 12)}, []),
        ({"mode": Mode.EARLY, "wished": Month(2025, 3)}, ["须提前 3 个月书面告知，申请月份为 2025-01"]),
        ({"mode": Mode.EARLY, "wished": Month(2025, 3), "applied": None}, []),
        ({"mode": Mode.EARLY, "wished": Month(2025, 2), "applied": None}, ["最早可于 2025-03"]),
        ({"mode": Mode.EARLY, "wished": Month(2025, 4), "applied": None}, ["不是提前退休"]),
        ({"mode": Mode.LATE, "wished": Month(2028, 4)}, []),
        ({"mode": Mode.LATE, "wished": Month(2028, 5)}, ["最迟应于 2028-04"]),
        ({"mode": Mode.LATE, "wished": Month(2025, 4)}, ["不是延迟退休"]),
        ({"mode": Mode.LATE, "wished": Month(2026, 4), "applied": Month(2025, 4)}, ["1 个月书面约定"]),
        ({"mode": Mode.LATE, "wished": Month(2026, 4), "public_office": True}, ["不得延迟退休"]),
        (
            {"mode": Mode.LATE, "wished": Month(2029, 1), "public_office": True, "paid_months": 1},
            ["不得延迟退休", "最迟应于 2028-04", "少于最低缴费年限 15年"],
        ),
    ],
    ids=range(16),
)  # fmt: skip
def test_whether_the_wished_month_is_allowed_with_every_objection(
    changes: dict[str, Any], phrases: list[str]
) -> None:
    found = objections(**changes)

    assert len(found) == len(phrases)
    assert all(phrase in sentence for phrase, sentence in zip(phrases, found, strict=True))


@pytest.mark.parametrize("mode", [Mode.EARLY, Mode.LATE])
def test_who_reached_the_age_before_2025_has_no_elastic_choice(mode: Mode) -> None:
    found = objections(
        id_number="990101196403120013",
        claims=(born("学籍卡", "1964-03-12", "1977-09"),),
        mode=mode,
        wished=Month(2025, 1),
    )

    assert any("2025 年前已达到法定退休年龄" in sentence for sentence in found)


@pytest.mark.parametrize(
    ("mode", "wished", "needed"),
    [
        (Mode.NORMAL, None, 192),
        (Mode.EARLY, Month(2029, 12), 180),
        (Mode.EARLY, Month(2030, 6), 186),
        (Mode.LATE, Month(2034, 3), 192),
    ],
)
def test_the_minimum_of_an_early_case_is_the_chosen_years_and_of_a_late_one_the_statutory_years(
    mode: Mode, wished: Month | None, needed: int
) -> None:
    # Born 1969-12: statutory 2031-03, where sixteen years are needed.
    found = judge(
        id_number="990101196912120018",
        claims=(born("学籍卡", "1969-12-12", "1977-09"),),
        mode=mode,
        wished=wished,
    )

    assert found.wish.minimum_months == needed


def test_an_expulsion_holds_the_review_until_an_officer_settles_it() -> None:
    expelled = claim(Fact.BREAK, "决定", since="1990-01", kind=Leaving.EXPELLED.value)
    claims = (*CLEAN_CLAIMS, expelled)

    assert any("须由审核人员认定" in one for one in judge(claims=claims).obstacles)
    settled = judge(claims=claims, adopted=(adopted(Fact.BREAK, "决定=loses"),))
    assert settled.obstacles == ()
    assert settled.deemed_months == 32


def test_every_enumeration_has_its_labels() -> None:
    for labels, members in (
        (GROUP_LABELS, Group),
        (MODE_LABELS, Mode),
        (COHORT_LABELS, Cohort),
        (FACT_LABELS, Fact),
        (STRETCH_LABELS, Stretch),
        (LEAVING_LABELS, Leaving),
        (TRADE_LABELS, Trade),
    ):
        assert list(labels) == list(members)
    assert set(Fact) == DATES | STRETCHES | TEXTS


@pytest.mark.parametrize(
    ("months", "shown"),
    [(0, "0个月"), (5, "5个月"), (12, "1年"), (112, "9年4个月")],
)
def test_months_are_told_as_people_tell_them(months: int, shown: str) -> None:
    assert span(months) == shown


def test_a_place_without_title_or_date_can_still_be_named() -> None:
    assert ClaimFact(id="a", fact=Fact.BIRTH).source == "材料（未注明时间）"


DATES_OF = st.sampled_from(
    ["", "1964-08", "1965", "1965-03", "1965-03-12", "1983-09", "1992", "1996-05"]
)
KINDS = st.sampled_from(["", *Stretch, *Leaving, *Trade])
MATERIALS = st.sampled_from(
    [MaterialKind.SCHOOL_CARD, MaterialKind.HIRE_FORM, MaterialKind.RESUME, MaterialKind.OTHER]
)


@st.composite
def cases(draw: st.DrawFn) -> CaseFacts:
    claims = tuple(
        claim(
            draw(st.sampled_from(Fact)),
            f"c{number}",
            since=draw(DATES_OF),
            until=draw(DATES_OF),
            formed=draw(DATES_OF),
            kind=draw(KINDS),
            text=draw(st.sampled_from(["", "1", "2", "彭建国", "干部"])),
            unit=draw(st.sampled_from(["", "甲厂", "乙厂"])),
            material_kind=draw(MATERIALS),
            altered=draw(st.booleans()),
            copy=draw(st.booleans()),
            lunar=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 8)))
    )
    return case(
        claims=claims,
        group=draw(st.sampled_from(Group)),
        mode=draw(st.sampled_from(Mode)),
        wished=draw(st.none() | st.just(Month(2026, 5))),
        paid_from=draw(st.none() | st.just(Month(1990, 5)) | st.just(Month(1996, 5))),
        id_number=draw(st.sampled_from(["", "990101196503120012", "123"])),
    )


@given(cases())
def test_whatever_the_facts_the_judgement_is_whole_and_hangs_together(facts: CaseFacts) -> None:
    found = assess(facts, policy=POLICY)

    assert found == assess(facts, policy=POLICY)
    json.dumps(found.as_json())
    assert found.total_months == found.deemed_months + facts.paid_months
    assert (found.route.route is Route.COMPLEX) is bool(found.route.reasons)
    assert all(reason.sentence for reason in found.reasons)
    known = {one.id for one in facts.claims}
    named = {name for conflict in found.conflicts for name in conflict.claims}
    named |= {name for reason in (*found.reasons, *found.route.reasons) for name in reason.claims}
    assert named <= known
    assert (found.age is None) is (found.born is None or found.born.as_month is None)
    if found.wish.allowed:
        assert found.age is not None
