"""Hints that a page lies in the wrong dossier: only when it is sure."""

import pytest

from lantai.lib import idnumber
from lantai.lib.reading import Field, stranger

OURS = "990101196502168654"
THEIRS = "990101" + "197811035" + "27"
THEIRS = THEIRS[:17] + idnumber.check_digit(THEIRS[:17])


def number(value: str, *, confidence: float = 0.99) -> Field:
    found = idnumber.faults(value)
    return Field("id_number", value, value, "身份证号码", (1, 2, 3, 4), confidence, found)


def name(value: str, *, confidence: float = 0.99, label: str = "姓名") -> Field:
    return Field("name", value, value, label, (5, 6, 7, 8), confidence)


def test_a_whole_number_of_another_person_is_told_masked() -> None:
    found = stranger([number(THEIRS)], names=["姚国强"], id_numbers=[OURS])

    assert found is not None
    assert (found.by, found.region) == ("id_number", (1, 2, 3, 4))
    assert THEIRS not in found.sentence
    assert idnumber.mask(THEIRS) in found.sentence


def test_a_name_that_shares_nothing_is_told() -> None:
    found = stranger([name("余芬")], names=["姚国强"])

    assert found is not None
    assert found.by == "name"


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [number(OURS)],
        [number("990101650216865")],  # the old form of the same number
        [name("姚国强"), number(THEIRS)],  # a spouse's number on the person's own form
        [name("姚囯强")],  # one character misread
        [name("余芬", confidence=0.8)],
        [name("余芬", label="")],
        [number(THEIRS, confidence=0.6)],
        [number(THEIRS[:17] + ("0" if THEIRS[17] != "0" else "1"))],  # no whole number
    ],
)
def test_where_it_is_not_sure_nothing_is_told(fields: list[Field]) -> None:
    assert stranger(fields, names=["姚国强"], id_numbers=[OURS]) is None


def test_an_altered_birth_is_no_other_person() -> None:
    altered = OURS[:6] + "1967" + OURS[10:17]
    altered += idnumber.check_digit(altered)

    assert stranger([number(altered)], names=[], id_numbers=[OURS]) is None


def test_without_anyone_expected_nothing_is_told() -> None:
    assert stranger([name("余芬"), number(THEIRS)], names=[]) is None


def test_a_former_name_is_the_person() -> None:
    assert stranger([name("余芬")], names=["姚国强", "余芬"]) is None


def test_the_same_name_in_traditional_characters_is_the_person() -> None:
    assert stranger([name("陈国强")], names=["陳國強"]) is None
