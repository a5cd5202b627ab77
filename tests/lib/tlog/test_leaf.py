"""The leaf: canonical, salted, without a word about a person."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib import canonical
from lantai.lib.tlog import leaf as leaves
from lantai.lib.tlog.leaf import LeafFault

AT = datetime(2026, 11, 25, 4, 0, 0, 123456, tzinfo=UTC)
SALT = bytes(range(32))
BODY = leaves.body_of(at=AT, facts={"name": "张三", "pages": 3})


def build(**changed: object) -> bytes:
    given_words = {
        "action": "cases.case.opened",
        "org": "yuntai",
        "at": AT,
        "actor": "wang",
        "subject": "case:0123",
        "body": BODY,
        "salt": SALT,
    }
    return leaves.build(**{**given_words, **changed})  # type: ignore[arg-type]


def test_a_leaf_is_canonical_json_of_codes_and_commitments() -> None:
    said = json.loads(build())

    assert canonical.dumps(said) == build()
    assert {key: said[key] for key in ("v", "type", "org", "t")} == {
        "v": 1,
        "type": "cases.case.opened",
        "org": "yuntai",
        "t": 1795579200,
    }
    for word in ("张三", "wang", "0123"):
        assert word not in build().decode()


def test_a_commitment_is_the_hash_of_tag_salt_and_content() -> None:
    salt = hmac.new(SALT, b"lantai/salt/v1\0actor", "sha256").digest()
    preimage = b"lantai/commit/v1\0" + salt + b'"wang"'

    assert json.loads(build())["actor"] == {
        "sha256": hashlib.sha256(preimage).hexdigest(),
        "sm3": hashlib.new("sm3", preimage).hexdigest(),
    }


def test_the_body_holds_the_moment_and_the_facts() -> None:
    assert json.loads(BODY) == {
        "at": "2026-11-25T04:00:00.123456+00:00",
        "facts": {"name": "张三", "pages": 3},
    }


def test_each_field_is_opened_without_the_others() -> None:
    said = leaves.read(build())

    for field, content in (
        ("actor", "wang"),
        ("obj", "case:0123"),
        ("body", json.loads(BODY)),
    ):
        salt = leaves.derived_salt(SALT, field)
        leaves.check_opening(said, field=field, field_salt=salt, content=content)
        for other in leaves.FIELDS:
            if other != field:
                with pytest.raises(LeafFault, match="not what the leaf commits to"):
                    leaves.check_opening(said, field=other, field_salt=salt, content=content)


def test_another_content_or_salt_is_refused() -> None:
    said = leaves.read(build())
    salt = leaves.derived_salt(SALT, "actor")

    with pytest.raises(LeafFault):
        leaves.check_opening(said, field="actor", field_salt=salt, content="wan")
    with pytest.raises(LeafFault):
        leaves.check_opening(said, field="actor", field_salt=bytes(32), content="wang")
    with pytest.raises(LeafFault, match="32 bytes"):
        leaves.check_opening(said, field="actor", field_salt=b"", content="wang")
    with pytest.raises(LeafFault, match="no commitment called"):
        leaves.check_opening(said, field="org", field_salt=salt, content="yuntai")


@given(st.integers(0, len(build()) * 8 - 1))
def test_a_changed_bit_makes_another_leaf_or_none(bit: int) -> None:
    changed = bytearray(build())
    changed[bit // 8] ^= 1 << bit % 8

    try:
        said = leaves.read(bytes(changed))
    except LeafFault:
        return

    assert said != leaves.read(build())


@pytest.mark.parametrize(
    "change",
    [
        {"action": "opened"},
        {"action": "cases.case.Opened"},
        {"action": 'cases.case.opened","v":"'},
        {"org": ""},
        {"org": 'a"b'},
        {"salt": b"short"},
    ],
)
def test_what_is_no_code_is_not_entered(change: dict[str, object]) -> None:
    with pytest.raises(LeafFault):
        build(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": True},
        {"t": -1},
        {"t": "1"},
        {"t": True},
        {"type": "opened"},
        {"org": 1},
        {"actor": "wang"},
        {"actor": {"sha256": "0" * 64}},
        {"actor": {"sha256": "0" * 64, "sm3": "x" * 64}},
        {"more": 1},
    ],
)
def test_what_is_no_leaf_is_not_read(change: dict[str, object]) -> None:
    with pytest.raises(LeafFault):
        leaves.read(canonical.dumps({**json.loads(build()), **change}))


def test_a_leaf_in_another_spelling_is_not_read() -> None:
    with pytest.raises(LeafFault, match="canonical"):
        leaves.read(build().replace(b":", b": ", 1))
    with pytest.raises(LeafFault, match="at most"):
        leaves.read(bytes(16_385))


def test_log_time_is_whole_seconds_rounded_down() -> None:
    assert leaves.seconds(datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)) == -1
    assert leaves.seconds(datetime(1970, 1, 1, 0, 0, 1, 999_999, tzinfo=UTC)) == 1
