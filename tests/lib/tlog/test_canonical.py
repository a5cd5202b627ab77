"""Canonical JSON: one form for a value, no form for what programs write differently."""

import enum
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib import canonical

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda held: st.lists(held) | st.dictionaries(st.text(), held),
    max_leaves=20,
)


class Colour(enum.StrEnum):
    RED = "red"


@given(VALUES)
def test_what_is_written_is_read_back(value: object) -> None:
    assert canonical.loads(canonical.dumps(value)) == value


def test_keys_are_ordered_and_nothing_is_spaced() -> None:
    assert (
        canonical.dumps({"b": [1, True, None], "a": "兰台"})
        == '{"a":"兰台","b":[1,true,null]}'.encode()
    )


def test_members_of_enumerations_and_tuples_become_what_they_stand_for() -> None:
    plain = canonical.plain({Colour.RED: (Colour.RED,)})

    assert plain == {"red": ["red"]}
    assert type(plain["red"][0]) is str


@pytest.mark.parametrize(
    "value",
    [1.0, datetime(2026, 1, 1, tzinfo=UTC), b"", {1: 2}, {1, 2}, object()],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_one_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical.dumps({"held": [value]})


@pytest.mark.parametrize("value", [2**53, -(2**53), "\ud800"])
def test_what_other_programs_would_read_differently_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        canonical.dumps(value)


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"{",
        b"1.0",
        b"1e3",
        b"NaN",
        b" 1",
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b'"\\u0061"',
        b"\xff",
        b"[" * 100_000,
        b"9007199254740992",
    ],
    ids=range(12),
)
def test_another_spelling_is_not_read(form: bytes) -> None:
    with pytest.raises(ValueError):
        canonical.loads(form)
