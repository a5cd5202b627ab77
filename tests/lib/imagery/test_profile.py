import pytest

from lantai.lib.imagery import profile

TEXT = (
    profile.resources.files("lantai.lib.imagery") / "profiles" / "gbt33870-2017.toml"
).read_text(encoding="utf-8")


def test_the_norm_asks_for_300_dpi_colour_and_at_most_one_degree() -> None:
    norm = profile.load()

    assert (norm.name, norm.version) == ("gbt33870-2017", "1")
    assert (norm.dpi_min.value, norm.colour.value, norm.skew_max.value) == (300.0, "colour", 1.0)


def test_every_limit_names_its_source_and_says_whether_it_is_our_own() -> None:
    norm = profile.load()
    limits = [value for value in vars(norm).values() if isinstance(value, profile.Limit)]

    assert len(limits) == 14
    assert all(limit.source for limit in limits)
    assert not norm.dpi_min.own
    assert norm.edge_width_max.own


def test_an_unknown_norm_is_refused_with_the_names_of_those_there_are() -> None:
    with pytest.raises(ValueError, match="gbt33870-2017"):
        profile.load("../../secrets")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("[dpi_min]", "[dpi_least]", "dpi_min"),
        ("value = 300", 'value = "many"', "dpi_min"),
        ("value = 1.0", "", "skew_max"),
    ],
)
def test_a_faulty_norm_is_refused_and_the_fault_named(old: str, new: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        profile.parse(TEXT.replace(old, new, 1))


def test_a_changed_norm_is_read_with_its_changed_value() -> None:
    norm = profile.parse(TEXT.replace("value = 300", "value = 200", 1))

    assert norm.dpi_min.value == 200
    assert str(norm.dpi_min) == "200 dpi"
