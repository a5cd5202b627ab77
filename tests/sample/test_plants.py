"""What may be planted, and how wishes are dealt out."""

import pytest

from lantai.sample import PLANTS
from lantai.sample.lives import lives
from lantai.sample.names import FEMALE_NAMES, MALE_NAMES
from lantai.sample.plants import Planted, assign
from lantai.sample.script import name_variant, of

NO_PAGE = {"bad-id-check-digit", "empty-folder"}  # they change the catalogue and the batch


def test_wishes_without_a_number_are_dealt_out_one_by_one() -> None:
    planted = assign(["blurred", "grey@2", "blank", "turned"], dossiers=2)

    assert planted == (
        Planted("blurred", 1),
        Planted("grey", 2),
        Planted("blank", 2),
        Planted("turned", 1),
    )


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        (["smudged"], "没有名为“smudged”的植入项"),
        (["blurred@0"], "卷号应在 1 至 3 之间"),
        (["blurred@4"], "卷号应在 1 至 3 之间"),
        (["blurred@x"], "卷号应在 1 至 3 之间"),
        (["blurred@2", "blurred@2"], "“blurred”在第 2 卷中重复"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_with_a_sentence(wishes: list[str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        assign(wishes, dossiers=3)


def test_every_plant_has_a_chinese_and_an_english_sentence() -> None:
    for sentence in PLANTS.values():
        chinese, english = sentence.split(" · ")

        assert not chinese.isascii()
        assert english.isascii()


def test_every_name_of_the_stock_has_a_variant_of_the_same_length() -> None:
    for given in (*MALE_NAMES, *FEMALE_NAMES, "㛃兰", "䶮国"):
        name = f"王{given}"

        assert name_variant(name) != name
        assert len(name_variant(name)) == len(name)
        assert name_variant(name)[0] == "王"


def test_no_page_bears_two_faults_and_half_of_all_plants_fit_into_any_dossier() -> None:
    for life in lives(seed=3, count=12):
        for half in (tuple(PLANTS)[::2], tuple(PLANTS)[1::2]):
            script = of(life, frozenset(half))

            told = {name for side in script.sides for name in side.planted}
            assert told | {"service-gap", "missing-material", "count-differs"} | NO_PAGE >= set(
                half
            )
            assert all(len(side.planted) < 2 for side in script.sides)
