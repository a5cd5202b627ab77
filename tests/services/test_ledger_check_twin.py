"""The audit holds the twin under SM3 and SM2 to the same rows as the log itself."""

from pathlib import Path
from typing import Any

import pytest
from ledger_factories import differences, publish, record, rewrite
from lib.tlog.wrong_proofs import flipped

from lantai.ledger.models import Entry, Head, SigningIntent
from lantai.lib.tlog.merkle import SHA256

pytestmark = pytest.mark.django_db


def test_a_log_and_its_twin_of_several_tiles_have_no_differences(home: Path) -> None:
    record(5)
    publish()
    record(600)
    publish()
    record(3)

    assert differences() == []
    assert (home / "log/records/checkpoint-sm").exists()
    assert (home / "log/records/tile-sm3/1/000.p/2").exists()


def test_entries_that_fill_a_tile_beyond_the_signed_head_are_no_difference() -> None:
    record(250)
    publish()
    record(10)

    assert differences() == []


def test_a_root_of_the_twin_changed_in_a_head_is_named() -> None:
    record(5)
    publish()

    rewrite(Head, {"stream": "records"}, twin_root=bytes(32))

    found = differences()
    assert {(one.table, one.key, one.field) for one in found} == {
        ("ledger_head", "records/5", "twin_root"),
        ("ledger_head", "records/5", "twin_note"),
    }


def test_a_root_of_the_twin_changed_in_what_was_to_be_signed_is_named() -> None:
    record(5)
    publish()

    rewrite(SigningIntent, {"stream": "records"}, twin_root=bytes(32))

    assert {(one.table, one.key, one.field) for one in differences()} >= {
        ("ledger_head", "records/5", "twin_root"),
        ("ledger_signingintent", "records/5", "twin_root"),
    }


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        ({"twin_note": "lantai.example\n5\n\n— x AAAA\n"}, {"twin_note"}),
        ({"twin_root": None}, {"twin_root"}),
    ],
    ids=["a note of nobody", "a note without its root"],
)
def test_a_note_of_the_twin_that_does_not_stand_is_named(
    columns: dict[str, Any], fields: set[str]
) -> None:
    record(5)
    publish()

    rewrite(Head, {"stream": "records"}, **columns)

    found = [one for one in differences() if one.table == "ledger_head"]
    assert {one.field for one in found} == fields


@pytest.mark.parametrize(
    "path",
    ["tile-sm3/0/000", "tile-sm3/0/001.p/44", "tile-sm3/1/000.p/1"],
)
def test_a_tile_of_the_twin_changed_on_disk_is_named(home: Path, path: str) -> None:
    record(300)
    publish()
    file = home / "log/records" / path

    file.write_bytes(flipped(file.read_bytes(), 5))

    (found,) = differences()
    assert (found.table, found.key) == ("log", f"records/{path}")


def test_a_checkpoint_of_the_twin_that_is_gone_is_named(home: Path) -> None:
    record(5)
    publish()

    (home / "log/records/checkpoint-sm").unlink()

    (found,) = differences()
    assert (found.table, found.key, found.found) == ("log", "records/checkpoint-sm", "（无）")


def test_words_of_witnesses_below_a_checkpoint_are_no_difference_but_other_words_are(
    home: Path,
) -> None:
    record(5)
    publish()
    checkpoint = home / "log/records/checkpoint"
    signed = checkpoint.read_text()

    checkpoint.write_text(f"{signed}— witness.example AAAAAAAA\n")
    assert differences() == []

    checkpoint.write_text(f"{signed}something else\n")
    (found,) = differences()
    assert (found.key, found.field) == ("records/checkpoint", "content")


def test_an_entry_rewritten_with_its_hash_is_named_once_for_both_trees() -> None:
    record(5)
    publish()
    entry = Entry.objects.get(index=2)

    other = bytes(entry.leaf).replace(b'"t":', b'"t":1')

    rewrite(Entry, {"index": 2}, leaf=other, leaf_hash=SHA256.leaf(other))

    found = [one for one in differences() if one.field == "leaf"]
    assert [(one.table, one.key) for one in found] == [("ledger_entry", "records/2")]
