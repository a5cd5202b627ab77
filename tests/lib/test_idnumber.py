"""Citizen numbers: the examples of the domain digest §6.1, and what must hold for every number."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib import idnumber

BIRTHS = st.dates(min_value=dt.date(1900, 1, 1), max_value=dt.date(1999, 12, 31))
DIVISIONS = st.sampled_from(["110101", "110103", "110104", "110224", "990101", "440524", "810000"])
ORDERS = st.integers(min_value=1, max_value=999).map("{:03d}".format)


def number_of(division: str, born: dt.date, order: str) -> str:
    first17 = f"{division}{born:%Y%m%d}{order}"
    return first17 + idnumber.check_digit(first17)


@pytest.mark.parametrize(
    "number",
    [
        "11010519491231002X",
        "440524188001010014",
        "110105491231002",
        "110103640229301",
        "110224581001221",
        "11010119650101123X",
        "11010219700115004X",
        "110228197503020121",
        "110103196402293019",
        "110224195810012215",
    ],
)
def test_good_numbers_have_no_faults_even_of_divisions_long_abolished(number: str) -> None:
    assert idnumber.faults(number) == ()


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        ("110105491231002", "11010519491231002X"),
        ("110103640229301", "110103196402293019"),
        ("110224581001221", "110224195810012215"),
    ],
)
def test_fifteen_characters_become_eighteen(short: str, whole: str) -> None:
    assert idnumber.to18(short) == whole
    assert idnumber.to18(whole) == whole


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("", "为空"),
        ("11010519491231002 X", "空格"),
        ("11010519491231002x", "大写 X"),
        ("1101051949123100", "现为 16 位"),
        ("1101051949123100A1", "只能由数字组成"),
        ("１１０１０５４９１２３１００２", "只能由数字组成"),
        ("000105491231002", "省级行政区划"),
        ("110105491331002", "出生日期"),
        ("110105194912310021", "校验码"),
    ],
)
def test_each_fault_is_named(number: str, words: str) -> None:
    (sentence,) = idnumber.faults(number)

    assert words in sentence


def test_all_faults_of_a_number_are_named_at_once() -> None:
    faults = idnumber.faults("000105194913310021")

    assert len(faults) == 3


def test_a_birth_before_anybody_could_live_is_no_birth() -> None:
    assert idnumber.birth("110105" + "17001231" + "0021") is None


@pytest.mark.parametrize("number", ["", "110105194913310021", "ABC", "110105491331002"])
def test_what_carries_no_birth_gives_none(number: str) -> None:
    assert idnumber.birth(number) is None


def test_a_number_of_another_shape_gives_no_sex() -> None:
    assert idnumber.sex("12345") is None


def test_the_check_needs_seventeen_digits() -> None:
    with pytest.raises(ValueError, match="17"):
        idnumber.check_digit("1234")


def test_another_shape_cannot_be_brought_to_eighteen() -> None:
    with pytest.raises(ValueError, match="现为 3 位"):
        idnumber.to18("123")


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("990101196503120042", "990101********0042"),
        ("110105491231002", "110105*****1002"),
        ("1234567", "*******"),
        ("", ""),
    ],
)
def test_masking_hides_the_birth(number: str, masked: str) -> None:
    assert idnumber.mask(number) == masked


@given(division=DIVISIONS, born=BIRTHS, order=ORDERS)
def test_a_made_number_is_good_and_says_its_birth_and_sex(
    division: str, born: dt.date, order: str
) -> None:
    number = number_of(division, born, order)

    assert idnumber.faults(number) == ()
    assert idnumber.birth(number) == born
    assert idnumber.sex(number) == ("1" if int(order) % 2 else "2")
    assert born.strftime("%m%d") not in idnumber.mask(number)[6:14]


@given(division=DIVISIONS, born=BIRTHS, order=ORDERS)
def test_both_forms_of_a_number_say_the_same(division: str, born: dt.date, order: str) -> None:
    whole = number_of(division, born, order)
    short = whole[:6] + whole[8:17]

    assert idnumber.to18(short) == whole
    assert idnumber.birth(short) == idnumber.birth(whole)
    assert idnumber.sex(short) == idnumber.sex(whole)


@given(
    division=DIVISIONS,
    born=BIRTHS,
    order=ORDERS,
    place=st.integers(min_value=0, max_value=16),
    shift=st.integers(min_value=1, max_value=9),
)
def test_one_wrong_digit_is_always_found(
    division: str, born: dt.date, order: str, place: int, shift: int
) -> None:
    good = number_of(division, born, order)
    wrong = good[:place] + str((int(good[place]) + shift) % 10) + good[place + 1 :]

    assert idnumber.faults(wrong)


@given(st.text(max_size=24))
def test_no_text_whatever_breaks_the_reader(text: str) -> None:
    faults = idnumber.faults(text)

    assert all(faults)
    assert len(idnumber.mask(text)) == len(text)
    if not faults:
        assert idnumber.birth(text) is not None
