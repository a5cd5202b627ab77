"""Where objects stand, and paths that stay where they are put."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib.ocfl import layout, paths

IDS = st.text(min_size=1, max_size=200).filter(lambda text: text == text.strip())


@pytest.mark.parametrize(
    ("object_id", "place"),
    [
        ("object-01", "3c0/ff4/240/object-01"),
        ("..hor/rib:le-$id", "487/326/d8c/%2e%2ehor%2frib%3ale-%24id"),
    ],
)
def test_an_object_stands_where_the_registered_layout_says(object_id: str, place: str) -> None:
    assert str(layout.place_of(object_id)) == place


@given(IDS.filter(lambda text: text.isprintable()))
def test_no_id_leads_out_of_the_root_or_to_a_long_name(object_id: str) -> None:
    place = layout.place_of(object_id)

    assert len(place.parts) == 4
    assert not {".", "..", ""} & set(place.parts)
    assert len(place.name) <= 100 + 1 + 64


@pytest.mark.parametrize("object_id", ["", " a", "a\n"])
def test_an_id_that_is_none_has_no_place(object_id: str) -> None:
    with pytest.raises(ValueError):
        layout.place_of(object_id)


@pytest.mark.parametrize(
    "path",
    ["", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\\b", "a\x00", "a\n"],
)
def test_a_path_that_would_lead_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(ValueError):
        paths.below(Path("/store/object"), path)


def test_a_path_stays_below_its_folder() -> None:
    assert paths.below(Path("/store"), "images/4-1-2-003.jpg") == Path(
        "/store/images/4-1-2-003.jpg"
    )
