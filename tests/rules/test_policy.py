"""Policy files: whole, sourced, dated; a faulty one is refused with every fault."""

from dataclasses import replace
from datetime import date
from importlib.resources import files

import pytest
from rules_factories import POLICY

from lantai.cases.rules import policy as policies
from lantai.cases.rules.facts import Cohort, Fact, Leaving, Stretch, Trade
from lantai.cases.rules.policy import (
    CONFIDENCE_LABELS,
    BadPolicy,
    Confidence,
    Counting,
    Effect,
    MinimumOf,
)
from lantai.cases.rules.workflow import State
from lantai.lib.catalogue import MaterialKind
from lantai.lib.dates import Month

NAME = "beijing-2025.1"
TEXT = files("lantai.cases.rules").joinpath(f"policies/{NAME}.toml").read_text(encoding="utf-8")


def faults(text: str, *, name: str = NAME) -> str:
    with pytest.raises(BadPolicy) as refused:
        policies.read(text, name=name)
    assert refused.value.faults
    return "；".join(refused.value.faults)


def test_the_policy_of_a_version_and_of_a_day() -> None:
    assert policies.load(NAME) is policies.latest(date(2026, 11, 25)) is POLICY
    assert POLICY.version == NAME


def test_a_version_that_does_not_exist_is_named() -> None:
    with pytest.raises(LookupError, match="lhasa-1"):
        policies.load("lhasa-1")


def test_before_the_first_policy_there_is_none() -> None:
    with pytest.raises(LookupError, match="2024-12-31"):
        policies.latest(date(2024, 12, 31))


def test_the_last_policy_begun_is_in_force() -> None:
    next_one = replace(POLICY, version="next", valid_from=date(2027, 1, 1))

    for on, version in ((date(2026, 12, 31), NAME), (date(2027, 1, 1), "next")):
        assert policies.choose([next_one, POLICY], on=on).version == version


def test_two_policies_of_one_day_are_refused() -> None:
    twin = replace(POLICY, version="twin")

    with pytest.raises(BadPolicy, match=r"beijing-2025\.1、twin"):
        policies.choose([POLICY, twin], on=date(2026, 1, 1))


def test_the_values_of_the_digest() -> None:
    assert POLICY.cutover == {
        Cohort.ENTERPRISE: Month(1992, 10),
        Cohort.CONTRACT: Month(1986, 10),
        Cohort.INSTITUTION: Month(2014, 10),
        Cohort.FREELANCE: Month(1992, 10),
    }
    assert (POLICY.early_notice_months, POLICY.late_notice_months) == (3, 1)
    assert (POLICY.early_minimum_of, POLICY.late_minimum_of) == (
        MinimumOf.CHOSEN,
        MinimumOf.STATUTORY,
    )
    assert (POLICY.work_age, POLICY.young_work_age) == (16, 14)
    assert POLICY.lunar_days == (15, 50)
    assert POLICY.trade_years == {
        Trade.UNDERGROUND_HEAT: 9,
        Trade.HEIGHTS_HEAVY: 10,
        Trade.HARMFUL: 8,
    }
    assert POLICY.special_ages == {"men": 55, "women": 45}
    assert POLICY.days[State.IN_REVIEW] == 5
    assert POLICY.kin_barred
    assert POLICY.proofs[Stretch.APPRENTICE] == {MaterialKind.REGULAR_FORM}


def test_only_expulsion_and_sentence_take_earlier_service_away() -> None:
    losing = {kind for kind, effect in POLICY.effects.items() if effect is Effect.LOSES}

    assert losing == {Leaving.EXPELLED, Leaving.SENTENCED}
    assert set(POLICY.effects) == set(Leaving)


def test_every_kind_of_time_is_judged() -> None:
    counted = {kind for kind, counting in POLICY.counting.items() if counting is Counting.COUNTS}

    assert counted == {
        Stretch.WORK,
        Stretch.APPRENTICE,
        Stretch.PROBATION,
        Stretch.ARMY,
        Stretch.PLACEMENT,
        Stretch.COUNTRYSIDE,
        Stretch.PAID_STUDY,
        Stretch.SICK,
    }
    assert set(POLICY.counting) == set(Stretch)


def test_every_parameter_has_a_label_a_source_and_a_confidence() -> None:
    for parameter in POLICY.parameters:
        assert parameter.label, parameter.key
        assert parameter.value, parameter.key
        assert parameter.source, parameter.key
        assert parameter.confidence in CONFIDENCE_LABELS
    assert POLICY.source("cutover.enterprise") == "京劳社养发〔2007〕31号第二条第（二）项"
    assert set(CONFIDENCE_LABELS) == set(Confidence)


@pytest.mark.parametrize(
    ("fact", "kind", "weight"),
    [
        (Fact.BIRTH, MaterialKind.SCHOOL_CARD, "A"),
        (Fact.BIRTH, MaterialKind.PARTY_FORM, "B"),
        (Fact.BIRTH, MaterialKind.RESUME, "C"),
        (Fact.BIRTH, MaterialKind.AWARD, ""),
        (Fact.FIRST_WORK, MaterialKind.ASSIGNMENT, "A"),
        (Fact.FIRST_WORK, MaterialKind.AUTOBIOGRAPHY, "C"),
        (Fact.SPECIAL_WORK, MaterialKind.WITNESS_LETTER, "C"),
    ],
)
def test_the_weight_of_a_material_for_a_fact(fact: Fact, kind: MaterialKind, weight: str) -> None:
    assert POLICY.weight(fact, kind) == weight


def test_kinds_that_decide_a_fact_are_key_materials() -> None:
    assert POLICY.is_key(MaterialKind.HIRE_FORM)
    assert not POLICY.is_key(MaterialKind.AWARD)


def test_only_birth_and_first_work_are_wanted_in_every_case() -> None:
    required = {fact for fact, evidence in POLICY.evidence.items() if evidence.required}

    assert required == {Fact.BIRTH, Fact.FIRST_WORK}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('value = "1992-10"', 'value = "1992"', "cutover.enterprise 的值“1992”不合要求"),
        ("[cutover.contract]", "[cutover.nobody]", "缺少参数 cutover.contract"),
        ("[cutover.contract]", "[cutover.nobody]", "多出无法识别的参数 cutover.nobody"),
        ('version = "beijing-2025.1"', 'version = "other"', "与版本 other 不一致"),
        ('version = "beijing-2025.1"', "", "缺少 version"),
        ("valid_from = 2025-01-01", 'valid_from = "soon"', "缺少 valid_from"),
        ("value = 16", "value = -1", "first_work.age 的值“-1”不合要求"),
        ("value = [15, 50]", "value = [50, 15]", "tolerance.lunar_days"),
        ('value = ["regular_form"]', 'value = ["medal"]', "proof.apprentice 的值“medal”不合要求"),
        ("value = true", "value = 3", "kin.barred 的值“3”不合要求"),
        ('value = "chosen"', 'value = "whim"', "elastic.early_minimum_of"),
        ('value = "loses"', 'value = "eats"', "leaving.expelled 的值“eats”不合要求"),
        ('confidence = "document"', "", "cutover.enterprise 没有注明可信程度"),
        ('source = "国发〔2015〕2号"', "", "cutover.institution 没有注明来源"),
        ('a = ["name_change", "household_paper"]', 'a = "name_change"', "evidence.name：应为清单"),
        ('b = ["diploma"', 'b = ["diplomacy"', "evidence.name"),
        ("required = true", "required = 1", "evidence.birth"),
        ("[evidence.deposit]", "[evidence.elsewhere]", "缺少参数 evidence.deposit"),
        ('title = "', 'note = "x"\ntitle = "', "多出无法识别的参数 note"),
        ("[kin.barred]", "[kin]\nbarred = 1\n[extra]", "缺少参数 kin.barred"),
    ],
)
def test_each_fault_of_a_file_is_named(old: str, new: str, words: str) -> None:
    assert old in TEXT

    assert words in faults(TEXT.replace(old, new, 1))


def test_a_file_that_is_no_toml_is_refused() -> None:
    assert "TOML" in faults("= nonsense")


def test_an_empty_file_is_told_everything_it_lacks() -> None:
    with pytest.raises(BadPolicy) as refused:
        policies.read("", name="empty")

    assert len(refused.value.faults) > 60
