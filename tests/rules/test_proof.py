"""Which months of service deciding materials vouch for."""

from typing import Any

import pytest
from rules_factories import POLICY, case, material, worked

from lantai.cases.rules import service
from lantai.cases.rules.facts import ClaimFact, Fact
from lantai.cases.rules.service import ServiceFinding
from lantai.lib.catalogue import MaterialKind


def reckon(*claims: ClaimFact, **changes: Any) -> ServiceFinding:
    return service.establish(case(claims=claims, **changes), POLICY)


def test_no_material_vouches_for_the_time_after_it_was_made() -> None:
    def attested(**rest: Any) -> str:
        return str(reckon(worked("在厂", "1983-09", **rest)).served[0].attested)

    assert attested(until="", formed="1983-09-05") == "1983-09至1983-09"
    assert attested(until="", formed="1985") == "1983-09至1985-12"
    assert attested(until="", formed="1983-01") == "1983-09至1983-09"
    assert attested(until="1990-05", formed="1985-03") == "1983-09至1985-03"
    assert attested(until="1990-05", formed="2003") == "1983-09至1990-05"
    assert attested(until="1990-05") == "1983-09至1990-05"
    assert attested(until="") == "1983-09至1983-09"
    assert attested(until="1983") == "None"


def test_two_deciding_materials_of_a_unit_vouch_for_the_time_between() -> None:
    resume = worked("履历", "1983-09", "1990-05", material_kind=MaterialKind.RESUME)
    hired = worked("招工", "1983-09", "", formed="1983-09")
    released = worked("解除", "", "1990-05-31", formed="1990-06")

    assert reckon(resume, hired, released).unproven_months == 0
    assert reckon(resume, hired).unproven_months == 80
    assert reckon(resume, released).unproven_months == 80


def test_the_materials_of_one_unit_do_not_vouch_for_another() -> None:
    finding = reckon(
        worked("招工", "1983-09", "1984-08", unit="甲厂"),
        worked("自述", "1984-09", "1986-08", unit="乙厂", material_kind=MaterialKind.RESUME),
        worked("工资", "1986-09", "1988-08", unit="甲厂"),
    )

    assert finding.unproven_months == 24


@pytest.mark.parametrize(
    ("kinds", "unproven"),
    [
        ((MaterialKind.ARMY_ENTRY,), 36),
        ((MaterialKind.ARMY_ENTRY, MaterialKind.ARMY_EXIT), 0),
    ],
)
def test_what_is_proved_only_together_is_proved_whole(
    kinds: tuple[MaterialKind, ...], unproven: int
) -> None:
    army = worked(
        "自传", "1984-01", "1986-12", fact=Fact.ARMY, material_kind=MaterialKind.AUTOBIOGRAPHY
    )

    finding = reckon(army, materials=tuple(material(kind.value, kind) for kind in kinds))

    assert finding.unproven_months == unproven


def test_deemed_months_without_a_deciding_material_are_unproven() -> None:
    finding = reckon(
        worked("履历", "1983-09", "1986-08", material_kind=MaterialKind.RESUME),
        worked("工资", "1985-09", "1988-08"),
        worked("复印", "1988-09", "1989-08", copy=True),
    )

    assert finding.deemed_months == 72
    assert finding.unproven_months == 24 + 12
