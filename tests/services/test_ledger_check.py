"""The log audits itself: whatever was changed behind the program's back is named."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ledger_factories import NOON, differences, publish, record, remove, rewrite

from lantai.ledger import services
from lantai.ledger.models import Disclosure, Entry, Head, SigningIntent

pytestmark = pytest.mark.django_db


def test_a_good_log_has_no_differences() -> None:
    record(7)
    record(2, stream="access")
    publish()
    record(2)

    assert differences() == []


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("actor", "li", "actor"),
        ("subject", "case:ffff", "subject"),
        ("action", "cases.case.closed", "action"),
        ("at", NOON + timedelta(days=1), "at"),
        ("at", NOON + timedelta(seconds=2, microseconds=1), "at"),
    ],
)
def test_a_column_changed_behind_the_programs_back_is_named(
    column: str, value: Any, expected: str
) -> None:
    record(5)
    publish()

    rewrite(Entry, {"index": 2}, **{column: value})

    found = differences()
    assert {(one.table, one.key) for one in found} == {("ledger_entry", "records/2")}
    assert expected in {one.field for one in found}


def test_changed_facts_are_named() -> None:
    record(5)
    publish()
    opening = Disclosure.objects.get(entry__index=2)

    rewrite(Disclosure, {"pk": opening.pk}, content=opening.content.replace("M60", "F50"))

    (found,) = differences()
    assert (found.table, found.key, found.field) == ("ledger_disclosure", "records/2", "content")
    assert "F50" in found.found
    assert found.since == "2026-11-25T04:00:02.123456+00:00"


def test_a_changed_salt_is_named() -> None:
    record(2)
    publish()

    rewrite(Disclosure, {"entry__index": 1}, salt=bytes(32))

    assert {(one.table, one.key) for one in differences()} >= {("ledger_disclosure", "records/1")}


def test_a_removed_opening_is_named() -> None:
    record(3)
    publish()

    remove(Disclosure, entry__index=1)

    (found,) = differences()
    assert (found.table, found.key, found.found) == ("ledger_disclosure", "records/1", "（无）")


def test_an_opening_put_back_after_its_destruction_is_named() -> None:
    record(2)
    entry = Entry.objects.get(index=0)
    kept = (bytes(entry.opening.salt), entry.opening.content)
    services.destroy_opening(entry=entry, reason="误扫", by="zhao", at=NOON)
    publish()

    Disclosure.objects.create(entry=entry, salt=kept[0], content=kept[1])

    (found,) = differences()
    assert (found.key, found.expected, found.found) == ("records/0", "（无）", "有")


def test_an_entry_rewritten_whole_is_named_by_the_tile_that_remembers_it() -> None:
    """The administrator knows the format and makes leaf, hash and opening fit."""
    record(300)
    publish()
    forged = record(name="forged")
    rewrite(
        Disclosure,
        {"entry__index": 17},
        salt=bytes(forged.opening.salt),
        content=forged.opening.content,
    )
    rewrite(
        Entry,
        {"index": 17},
        leaf=bytes(forged.leaf),
        leaf_hash=bytes(forged.leaf_hash),
        at=forged.at,
        subject=forged.subject,
    )

    found = differences()

    assert ("ledger_entry", "records/17", "leaf") in {
        (one.table, one.key, one.field) for one in found
    }
    assert ("ledger_head", "records/300", "root") in {
        (one.table, one.key, one.field) for one in found
    }
    assert {one.key for one in found if one.table == "ledger_entry"} == {"records/17"}


def test_a_removed_entry_is_named() -> None:
    record(5)
    publish()

    remove(Disclosure, entry__index=2)
    remove(Entry, index=2)

    found = differences()[0]
    assert (found.table, found.key, found.field) == ("ledger_entry", "records/2", "index")


def test_a_removed_tail_is_named() -> None:
    record(5)
    publish()

    remove(Disclosure, entry__index__gte=3)
    remove(Entry, index__gte=3)

    assert ("ledger_entry", "records", "count", "5", "3") in {
        (one.table, one.key, one.field, one.expected, one.found) for one in differences()
    }


def test_a_changed_head_is_named() -> None:
    record(3)
    publish()

    rewrite(Head, {"size": 3}, root=bytes(32))

    assert {(one.table, one.field) for one in differences()} == {
        ("ledger_head", "root"),
        ("ledger_head", "note"),
    }


def test_a_changed_intent_is_named() -> None:
    record(3)
    publish()

    rewrite(SigningIntent, {"size": 3}, root=bytes(32))

    assert {one.table for one in differences()} == {"ledger_head", "ledger_signingintent"}


@pytest.mark.parametrize(
    "path", ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "checkpoint"]
)
def test_a_changed_file_of_the_log_is_named(home: Path, path: str) -> None:
    record(300)
    publish()
    target = home / "log" / "records" / path
    content = bytearray(target.read_bytes())
    content[7] ^= 1

    target.write_bytes(content)
    changed = differences()
    target.unlink()
    missing = differences()

    for found in (changed, missing):
        assert any(one.table == "log" and one.key.startswith("records/") for one in found)
    assert any(path in one.key for one in missing)
