"""Conflicts C01–C23: each is found when it is there, and a clean case has none."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from rules_factories import (
    CLEAN_CLAIMS,
    CLEAN_MATERIALS,
    ID_NUMBER,
    POLICY,
    born,
    case,
    claim,
    material,
    on,
    worked,
)

from lantai.cases.rules.assessment import assess
from lantai.cases.rules.conflicts import TITLES, Conflict
from lantai.cases.rules.facts import ClaimFact, Fact, Group, Leaving, Stretch, UnitFact
from lantai.lib.catalogue import MaterialKind
from lantai.lib.dates import Month

POST = material("劳动合同", MaterialKind.LABOUR_CONTRACT)
WOMAN = "990101197503120021"


def found(
    *more: ClaimFact, claims: Sequence[ClaimFact] = CLEAN_CLAIMS, **changes: Any
) -> list[Conflict]:
    facts = case(claims=(*claims, *more), **changes)
    return list(assess(facts, policy=POLICY).conflicts)


def codes(*more: ClaimFact, **changes: Any) -> list[str]:
    return [conflict.code for conflict in found(*more, **changes)]


def test_a_clean_case_has_no_conflict() -> None:
    assert found() == []


def test_the_list_has_its_twenty_three_titles() -> None:
    assert list(TITLES) == [f"C{number:02d}" for number in range(1, 24)]


def test_c01_names_the_earliest_record_and_later_ones_apart() -> None:
    first, later = found(
        born("更早的学籍卡", "1964-08", "1975"), born("履历表", "1963-01", "1990-05")
    )

    assert (first.code, first.claims, first.pages) == (
        "C01",
        ("更早的学籍卡",),
        ("p-更早的学籍卡",),
    )
    assert first.sentence.startswith("最早形成的")
    assert (later.code, later.claims) == ("C01", ("履历表",))
    assert not later.sentence.startswith("最早形成的")
    assert "1965-03-12" in later.sentence


def test_c02_altered_and_undated_records_of_birth() -> None:
    assert codes(born("转正表", "1964-03", "1986", altered=True)) == ["C02"]
    assert codes(born("卡片", "1965-03", "")) == ["C02"]
    assert codes(born("复印件", "1965-03", "", copy=True)) == []


@pytest.mark.parametrize(
    ("when", "phrase"),
    [("1965-02-10", "相差 30 天"), ("1965-03-11", "请换算为公历"), ("1965-02", "请换算为公历")],
)
def test_c03_a_lunar_record_near_the_card(when: str, phrase: str) -> None:
    conflicts = [one for one in found(born("自传", when, "1990", lunar=True)) if one.code == "C03"]

    (conflict,) = conflicts
    assert phrase in conflict.sentence
    assert conflict.claims == ("自传",)


def test_c03_is_seen_against_other_records_when_there_is_no_card() -> None:
    conflicts = found(
        born("自传", "1965-02-10", "1990", lunar=True), id_number="", claims=CLEAN_CLAIMS
    )

    assert any("与《学籍卡》（1977-09-??）相差 30 天" in one.sentence for one in conflicts)


@pytest.mark.parametrize(
    ("written", "phrase"), [("彭健国", "请核对是否同一人"), ("付建国", "没有更名证明")]
)
def test_c04_another_name_without_proof(written: str, phrase: str) -> None:
    (conflict,) = found(claim(Fact.NAME, "毕业证", text=written))

    assert conflict.code == "C04"
    assert phrase in conflict.sentence
    assert "异体" not in conflict.sentence


def test_c04_names_a_form_of_the_same_character_as_such() -> None:
    (conflict,) = found(claim(Fact.NAME, "毕业证", text="萧红"), name="肖红")

    assert "异体或简化写法" in conflict.sentence


@pytest.mark.parametrize(
    "proof",
    [
        {"materials": (*CLEAN_MATERIALS, material("更名批复", MaterialKind.NAME_CHANGE))},
        {
            "claims": (
                *CLEAN_CLAIMS,
                claim(Fact.NAME, "批复", text="彭建国", material_kind=MaterialKind.NAME_CHANGE),
            )
        },
        {"name": ""},
    ],
    ids=["material", "claim", "no name to compare"],
)
def test_c04_needs_no_proof_where_there_is_one(proof: dict[str, Any]) -> None:
    assert codes(claim(Fact.NAME, "毕业证", text="彭健国"), **proof) == []
    assert codes(claim(Fact.NAME, "毕业证", text="彭建国")) == []


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        ({"claims": (*CLEAN_CLAIMS, claim(Fact.SEX, "学籍", text="2"))}, "与登记或身份证不一致"),
        ({"sex": "2"}, "性别位不一致"),
        ({"sex": "2", "id_number": WOMAN, "claims": ()}, "退休类别与性别不符"),
        ({"group": Group.F55, "materials": (*CLEAN_MATERIALS, POST)}, "退休类别与性别不符"),
    ],
    ids=range(4),
)
def test_c05_the_sexes_differ(changes: dict[str, Any], phrase: str) -> None:
    conflicts = [one for one in found(**{"claims": CLEAN_CLAIMS, **changes}) if one.code == "C05"]

    assert any(phrase in one.sentence for one in conflicts)


def test_c05_is_silent_where_the_sexes_agree_or_are_unknown() -> None:
    assert codes(claim(Fact.SEX, "学籍", text="1")) == []
    assert "C05" not in codes(claim(Fact.SEX, "学籍", text="2"), sex="0", id_number="")


@pytest.mark.parametrize(
    ("since", "kind", "rest", "conflict"),
    [
        ("1981-02", "", {}, True),
        ("1981-03", "", {}, False),
        ("1979-03", "apprentice", {}, False),
        ("1979-02", "apprentice", {}, True),
        ("1979-03", "", {"fact": Fact.ARMY}, False),
        ("1975-01", "farming", {}, False),
        ("1981", "", {}, False),
    ],
)
def test_c06_work_before_the_lowest_age(
    since: str, kind: str, rest: dict[str, Any], *, conflict: bool
) -> None:
    early = worked("早年", since, "1983-09", kind=kind, unit="", **rest)

    assert ("C06" in codes(early)) is conflict


def test_c06_apprentices_may_not_begin_young_after_1989() -> None:
    young = worked("学徒", "1990-01", "1993-12", kind=Stretch.APPRENTICE.value)

    assert "C06" in codes(
        young,
        claims=(born("学籍卡", "1975-03", "1985-09", material_kind=MaterialKind.SCHOOL_CARD),),
        id_number="990101197503120016",
    )


def test_c06_an_army_form_lets_somebody_begin_young() -> None:
    joined = claim(
        Fact.FIRST_WORK,
        "入伍",
        since="1979-03",
        material_kind=MaterialKind.ARMY_ENTRY,
        formed="1979",
    )

    assert "C06" not in codes(joined)


def test_c06_needs_a_birth_and_a_beginning() -> None:
    assert "C06" not in codes(worked("不明", "", "1983-09"))
    assert "C06" not in codes(worked("早年", "1970-01", "1983-09"), claims=())


def test_c06_is_named_even_before_the_birth() -> None:
    conflicts = found(worked("早年", "1960-01", "1960-12", unit=""))

    assert any("当时 0个月" in one.sentence for one in conflicts)


def test_c07_deciding_materials_differ_by_more_than_a_month() -> None:
    other = {"material_kind": MaterialKind.CONTRACT_HIRE_FORM, "formed": "1983-10"}

    conflict = found(claim(Fact.FIRST_WORK, "另表", since="1982-09", **other))[0]
    assert (conflict.code, conflict.claims, conflict.weighs) == ("C07", ("起始", "另表"), True)
    assert "相差 1年" in conflict.sentence
    assert codes(claim(Fact.FIRST_WORK, "另表", since="1983-10", **other)) == []
    assert codes(claim(Fact.FIRST_WORK, "另表", since="1983", **other)) == []
    (copied,) = found(claim(Fact.FIRST_WORK, "另表", since="1982-09", copy=True, **other))
    assert not copied.weighs


def test_c07_a_weaker_material_against_a_deciding_one_is_shown_and_does_not_weigh() -> None:
    wage = {"material_kind": MaterialKind.WAGE_FORM}
    resume = claim(Fact.FIRST_WORK, "履历", since="1981-05", material_kind=MaterialKind.RESUME)

    (conflict,) = found(claim(Fact.FIRST_WORK, "工资表", since="1982-09", **wage))
    assert (conflict.code, conflict.claims, conflict.weighs) == ("C07", ("起始", "工资表"), False)
    both = found(claim(Fact.FIRST_WORK, "工资表", since="1982-09", **wage), resume)
    assert [one.claims for one in both] == [("起始", "工资表"), ("起始", "履历")]


def test_c08_deemed_and_paid_time_overlap() -> None:
    (conflict,) = found(paid_from=Month(1990, 1))

    assert (conflict.code, conflict.claims) == ("C08", ("在厂",))
    assert "1990-01至1992-09" in conflict.sentence


def test_c09_a_gap_without_a_decision() -> None:
    again = worked("再就业", "2000-03", "2003-01")

    (conflict,) = found(again)
    assert (conflict.code, conflict.claims) == ("C09", ("在厂", "再就业"))
    assert "1999-07至2000-02中断 8个月" in conflict.sentence
    decided = claim(
        Fact.BREAK,
        "合同",
        since="1999-06-30",
        kind=Leaving.CONTRACT_ENDED.value,
        material_kind=MaterialKind.CONTRACT_END,
    )
    assert codes(again, decided) == []


def test_c09_is_silent_while_a_soldier_waits_for_a_placement() -> None:
    army = worked("服役", "1981-10", "1983-05", fact=Fact.ARMY, unit="某部")
    kinds = (MaterialKind.ARMY_ENTRY, MaterialKind.ARMY_EXIT)
    papers = tuple(material(kind.value, kind) for kind in kinds)

    assert codes(army, materials=(*CLEAN_MATERIALS, *papers)) == []


@pytest.mark.parametrize(
    ("since", "until", "unit", "conflict"),
    [
        ("1995-01-01", "1997-01-01", "长城公司", True),
        ("1999-06-30", "2003-01-01", "长城公司", False),
        ("1999-06", "2003-01-01", "长城公司", False),
        ("1995-01-01", "1997-01-01", "兰台市曙光印刷厂", False),
        ("1995-01-01", "1997-01-01", "", False),
        ("1995-01-01", "", "长城公司", False),
    ],
)
def test_c10_two_units_at_one_time(since: str, until: str, unit: str, *, conflict: bool) -> None:
    assert ("C10" in codes(worked("另处", since, until, unit=unit))) is conflict


@pytest.mark.parametrize("kind", [Leaving.EXPELLED, Leaving.SENTENCED])
def test_c11_expulsion_and_sentence(kind: Leaving) -> None:
    assert "C11" in codes(claim(Fact.BREAK, "决定", since="1999-06-30", kind=kind.value))


@pytest.mark.parametrize("kind", [Stretch.SENTENCE, Stretch.LABOUR_CAMP])
def test_c11_time_served(kind: Stretch) -> None:
    conflicts = found(worked("服刑", "1999-07", "2001-06", kind=kind.value, unit=""))

    assert [(one.code, one.claims) for one in conflicts] == [("C11", ("服刑",))]


@pytest.mark.parametrize(
    ("kind", "when", "conflict"),
    [
        (Leaving.STRUCK_OFF, "1990-01", True),
        (Leaving.WALKED_OUT, "1990-01", True),
        (Leaving.STRUCK_OFF, "", True),
        (Leaving.STRUCK_OFF, "1992-10", False),
        (Leaving.RESIGNED, "1990-01", False),
    ],
)
def test_c12_struck_off_or_walked_out_before_the_cut_over(
    kind: Leaving, when: str, *, conflict: bool
) -> None:
    assert ("C12" in codes(claim(Fact.BREAK, "决定", since=when, kind=kind.value))) is conflict


@pytest.mark.parametrize(
    ("unit", "phrase"),
    [
        (UnitFact(name="曙光印刷厂", founded=on("1985")), "成立于 1985"),
        (UnitFact(name="曙光印刷厂", ended=on("1980-05")), "终止于 1980-05"),
        (UnitFact(name="曙光印刷厂", founded=on("1983"), ended=on("1990")), ""),
        (UnitFact(name="长城公司", founded=on("1999")), ""),
    ],
    ids=["too early", "too late", "in time", "another unit"],
)
def test_c13_a_paper_of_a_unit_that_did_not_exist(unit: UnitFact, phrase: str) -> None:
    wage = material("在厂", MaterialKind.WAGE_FORM, formed=on("1983-09"))
    undated = material("工资", MaterialKind.WAGE_FORM)

    conflicts = found(units=(unit,), materials=(*CLEAN_MATERIALS, wage, undated))

    assert [one.code for one in conflicts] == (["C13"] if phrase else [])
    assert all(phrase in one.sentence for one in conflicts)


@pytest.mark.parametrize(
    ("rest", "changes", "expected"),
    [
        ({"formed": on("2026-12"), "scanned_on": date(2026, 3, 2), "filed_here": True}, {}, ["C14"]),
        ({"formed": on("2004-01")}, {}, ["C14"]),
        ({"formed": on("2004-01"), "filed_here": True}, {}, []),
        ({"formed": on("2003")}, {}, []),
        ({"formed": on("2004-01")}, {"arrived_on": None}, []),
        (
            {"formed": on("2002-01")},
            {"transferred_on": date(2001, 1, 1)},
            ["C15"],
        ),
        (
            {"formed": on("2002-01"), "filed_here": True},
            {"transferred_on": date(2001, 1, 1)},
            [],
        ),
    ],
    ids=range(7),
)  # fmt: skip
def test_c14_c15_papers_newer_than_they_can_be(
    rest: dict[str, Any], changes: dict[str, Any], expected: list[str]
) -> None:
    new = material("新材料", MaterialKind.AWARD, **rest)

    assert codes(materials=(*CLEAN_MATERIALS, new), **changes) == expected


def test_c16_special_work_shown_by_letters_only() -> None:
    letter = claim(
        Fact.SPECIAL_WORK,
        "证明",
        since="1984",
        until="1992",
        kind="harmful",
        material_kind=MaterialKind.WITNESS_LETTER,
    )
    form = claim(Fact.SPECIAL_WORK, "表", material_kind=MaterialKind.SPECIAL_WORK_FORM)
    copied = claim(Fact.SPECIAL_WORK, "表", material_kind=MaterialKind.SKILL_FORM, copy=True)

    assert codes(letter) == ["C16"]
    assert codes(letter, claims=CLEAN_CLAIMS[:3]) == ["C16", "C19"]
    assert codes(letter, form) == []
    assert "C16" in codes(letter, copied)


@pytest.mark.parametrize(
    ("until", "conflict"), [("1984-01-10", True), ("1983-09-05", False), ("1983-09", False)]
)
def test_c17_army_and_work_cross(until: str, *, conflict: bool) -> None:
    army = claim(
        Fact.ARMY,
        "入伍",
        since="1981-10-20",
        until=until,
        unit="某部",
        material_kind=MaterialKind.ARMY_ENTRY,
    )

    assert ("C17" in codes(army)) is conflict


def test_c18_pages_and_images_differ() -> None:
    short = material("工资表", MaterialKind.WAGE_FORM, page_count=3, images=2)

    (conflict,) = found(materials=(*CLEAN_MATERIALS, short))

    assert (conflict.code, conflict.materials) == ("C18", ("m-工资表",))


def test_c19_a_deciding_material_is_missing() -> None:
    claims = (born("履历表", "1965-03", "1990", material_kind=MaterialKind.RESUME),)

    assessment = assess(case(claims=claims, materials=()), policy=POLICY)

    assert [one.fact for one in assessment.missing] == [Fact.BIRTH, Fact.FIRST_WORK]
    assert [one.code for one in assessment.conflicts] == ["C19", "C19"]
    assert "招工登记表" in assessment.missing[0].sentence
    assert "报到证（派遣证）和转正定级审批表" in assessment.missing[1].wanted


def test_c19_a_copy_alone_is_missing_too() -> None:
    claims = [born("学籍卡", "1965-03", "1977", material_kind=MaterialKind.SCHOOL_CARD, copy=True)]
    kept = (material("招工登记表", MaterialKind.HIRE_FORM, copy=True),)

    (first, second) = assess(case(claims=tuple(claims), materials=kept), policy=POLICY).missing

    assert first.copies == ("hire_form", "school_card")
    assert "只有复印件" in first.sentence
    assert second.copies == ("hire_form",)
    assert first.as_json()["copies"] == ["hire_form", "school_card"]


def test_c19_what_proves_only_together_must_be_there_together() -> None:
    one = (*CLEAN_MATERIALS, material("入伍", MaterialKind.ARMY_ENTRY))
    both = (*one, material("退伍", MaterialKind.ARMY_EXIT))
    army = claim(Fact.ARMY, "服役", since="1981-10", until="1983-08", unit="某部")

    assert codes(army, materials=one) == ["C19"]
    assert codes(army, materials=both) == []


def test_c19_an_apprenticeship_needs_its_regularisation() -> None:
    apprentice = worked("学徒", "1983-09-05", "1986-09-04", kind=Stretch.APPRENTICE.value)
    regular = material("转正定级审批表", MaterialKind.REGULAR_FORM)

    (conflict,) = found(apprentice)

    assert conflict.code == "C19"
    assert conflict.sentence == "学徒：缺少转正定级审批表，请补充或调阅实体档案"
    assert codes(apprentice, materials=(*CLEAN_MATERIALS, regular)) == []


def test_c19_a_woman_needs_proof_of_her_post() -> None:
    woman = {"group": Group.F50, "sex": "2", "id_number": WOMAN}
    claims = (born("学籍卡", "1975-03-12", "1987", material_kind=MaterialKind.SCHOOL_CARD),)

    assert codes(claims=claims, **woman) == ["C19"]
    assert codes(claims=claims, materials=(*CLEAN_MATERIALS, POST), **woman) == []


def test_c20_a_deciding_page_with_a_fault() -> None:
    blurred = material("工资表", MaterialKind.WAGE_FORM, faults=("Q01",))
    medal = material("奖状", MaterialKind.AWARD, faults=("Q01",))

    (conflict,) = found(materials=(*CLEAN_MATERIALS, blurred, medal))

    assert (conflict.code, conflict.materials) == ("C20", ("m-工资表",))
    assert "Q01" in conflict.sentence


def test_c21_images_changed_after_they_were_opened() -> None:
    first, second = found(changed_pages=("p-学籍卡", "p-别处"))

    assert (first.code, first.pages) == ("C21", ("p-学籍卡",))
    assert (second.code, second.pages) == ("C21", ("p-别处",))


def test_c22_a_material_under_dispute() -> None:
    doubted = material("工资表", MaterialKind.WAGE_FORM, disputed=True)

    assert codes(materials=(*CLEAN_MATERIALS, doubted)) == ["C22"]


def test_c23_a_secret_dossier() -> None:
    assert codes(secret=True) == ["C23"]


def test_a_conflict_has_a_title_and_plain_values() -> None:
    (conflict,) = found(secret=True)

    assert conflict.title == "涉密档案"
    assert conflict.as_json() == {
        "code": "C23",
        "title": "涉密档案",
        "sentence": "档案含涉密材料，须经专门批准后核对实体",
        "claims": [],
        "materials": [],
        "pages": [],
        "weighs": True,
    }


def test_the_card_of_the_clean_case_is_that_of_its_claims() -> None:
    assert ID_NUMBER[6:14] == "19650312"
