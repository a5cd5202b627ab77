"""The ledger's promises: entered with the change, in order, signed, proven, told again."""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from ledger_factories import NOON, differences, publish, record

from lantai.db import Rewritten
from lantai.ledger import queries, services
from lantai.ledger.audit import Difference
from lantai.ledger.models import Disclosure, Entry, Head, OpeningDestroyed
from lantai.ledger.queries import NotYetSealed
from lantai.lib import bundle, verify
from lantai.lib.refusals import Conflict
from lantai.lib.tlog import note, tiles
from lantai.lib.tlog.checkpoint import Checkpoint
from lantai.lib.tlog.merkle import SHA256, root_of
from lantai.lib.tlog.note import VerifierKey
from lantai.lib.tlog.proof import TlogProof

pytestmark = pytest.mark.django_db


@pytest.fixture
def outside_transaction() -> Iterator[None]:
    """Take the test's own transaction out of sight."""
    connection.in_atomic_block = False
    yield
    connection.in_atomic_block = True


def test_an_entry_says_what_was_done() -> None:
    entry = record(reason="因工")

    assert (entry.stream, entry.index, entry.at) == ("records", 0, NOON)
    assert (entry.action, entry.actor, entry.subject) == ("cases.case.opened", "wang", "case:0000")
    assert Entry.objects.get().facts == {"group": "M60", "number": 0, "reason": "因工"}


def test_the_leaf_says_nothing_of_a_person() -> None:
    entry = record(name="张三", id_number="990101195001010042")

    leaf = bytes(entry.leaf).decode()
    assert json.loads(leaf)["type"] == "cases.case.opened"
    for word in ("张三", "990101195001010042", "wang", "case:"):
        assert word not in leaf


def test_entries_of_a_stream_follow_one_another() -> None:
    record(3)
    record(2, stream="access")
    record()

    assert list(
        Entry.objects.filter(stream="records").order_by("index").values_list("index", flat=True)
    ) == [0, 1, 2, 3]
    assert queries.size_of(stream="access") == 2


@pytest.mark.usefixtures("outside_transaction")
def test_an_entry_outside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError, match="in the transaction of the change"):
        services.record(at=NOON, action="a.b.c", actor="wang", subject="case:1", facts={})


def test_an_entry_goes_when_its_change_goes() -> None:
    record()

    with pytest.raises(Conflict):
        change_that_fails()

    assert queries.size_of(stream="records") == 1
    assert record().index == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"stream": "other"},
        {"action": "opened"},
        {"action": "Cases.case.opened"},
        {"actor": ""},
        {"subject": "case"},
        {"subject": "case:"},
        {"subject": ":1"},
        {"at": datetime(2026, 11, 25, 4, 0)},  # noqa: DTZ001 -- the fault itself
        {"facts": {"ratio": 0.5}},
        {"facts": {"at": NOON}},
        {"facts": {1: "one"}},
    ],
    ids=range(11),
)
def test_what_cannot_be_entered_is_refused_and_leaves_nothing(wrong: dict[str, Any]) -> None:
    words: dict[str, Any] = {
        "at": NOON,
        "action": "cases.case.opened",
        "actor": "wang",
        "subject": "case:1",
        "facts": {},
        **wrong,
    }

    with pytest.raises((ValueError, TypeError)):
        services.record(**words)

    assert not Entry.objects.exists()
    assert not Disclosure.objects.exists()


@transaction.atomic
def change_that_fails() -> None:
    record()
    raise Conflict("状态已变，请刷新后重试")


def test_entries_are_never_rewritten_by_the_program() -> None:
    entry = record()
    entry.actor = "li"

    with pytest.raises(Rewritten):
        entry.save()
    with pytest.raises(Rewritten):
        entry.delete()
    with pytest.raises(Rewritten):
        Entry.objects.update(actor="li")
    with pytest.raises(Rewritten):
        Entry.objects.all().delete()

    assert Entry.objects.get().actor == "wang"


def test_entries_are_found_newest_first() -> None:
    record(3)
    record(stream="access")

    assert [entry.index for entry in queries.entries(stream="records")] == [2, 1, 0]
    assert [entry.index for entry in queries.entries(subject="case:0001")] == [1]
    assert queries.entries(action="cases.case.opened").count() == 4


def test_a_head_is_signed_over_everything_committed(home: Path) -> None:
    record(3)

    head = publish()

    leaves = [
        bytes(leaf) for leaf in Entry.objects.order_by("index").values_list("leaf", flat=True)
    ]
    signed = note.parse(head.note)
    key = VerifierKey.parse(queries.verifier_key(stream="records"))
    assert note.verified(signed, [key]) == (key,)
    assert Checkpoint.parse(signed.text) == Checkpoint(
        "lantai.example/yuntai/records", 3, root_of(map(SHA256.leaf, leaves))
    )
    folder = home / "log" / "records"
    assert (folder / "checkpoint").read_text() == head.note
    assert (folder / "tile/entries/000.p/3").read_bytes() == tiles.encode_entries(leaves)
    assert not (home / "log" / "access" / "checkpoint").exists()


def test_nothing_new_is_not_signed_again(home: Path) -> None:
    record()
    first = publish()
    before = {path: path.stat().st_mtime_ns for path in (home / "log").rglob("*")}

    second = publish()

    assert second == first
    assert Head.objects.count() == 1
    assert {path: path.stat().st_mtime_ns for path in (home / "log").rglob("*")} == before


def test_each_stream_has_its_own_log_and_key(home: Path) -> None:
    record()
    record(2, stream="access")

    heads = services.publish(at=NOON)

    assert [(head.stream, head.size) for head in heads] == [("records", 1), ("access", 2)]
    assert queries.verifier_key(stream="records") != queries.verifier_key(stream="access")
    for path in (home / "keys").glob("*.key"):
        assert path.stat().st_mode & 0o777 == 0o600
    assert (home / "keys").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("steps", [[1, 1, 1], [255, 1, 1], [256, 256], [100, 300, 200], [513]])
def test_files_grown_step_by_step_are_those_written_at_once(home: Path, steps: list[int]) -> None:
    for step in steps:
        record(step)
        head = publish()

    size = sum(steps)
    hashes = [
        bytes(held) for held in Entry.objects.order_by("index").values_list("leaf_hash", flat=True)
    ]
    folder = home / "log" / "records"
    for tile in tiles.tiles_between(0, size):
        if tile.level == 0:
            expected = hashes[tile.index * 256 : tile.index * 256 + tile.width]
        else:
            expected = [root_of(hashes[at : at + 256]) for at in range(0, tile.width * 256, 256)]
        assert (folder / tile.path).read_bytes() == b"".join(expected)
    assert bytes(head.root) == root_of(hashes)
    assert differences() == []


def test_partial_tiles_go_when_the_full_one_is_there(home: Path) -> None:
    record(255)
    publish()
    record()
    publish()

    folder = home / "log" / "records"
    assert (folder / "tile/0/000").is_file()
    assert (folder / "tile/entries/000").is_file()
    assert not (folder / "tile/0/000.p").exists()
    assert not (folder / "tile/entries/000.p").exists()


def test_a_published_partial_tile_stays_until_the_full_one_is_there(home: Path) -> None:
    record(2)
    publish()
    record()
    publish()

    assert (home / "log/records/tile/0/000.p/2").stat().st_size == 64


def test_a_sealed_entry_is_proven_to_whoever_has_the_key() -> None:
    record(5)
    publish()
    entry = Entry.objects.get(index=3)

    sealed = queries.sealed(entry)

    proof = TlogProof.parse(sealed.proof)
    assert proof.verify(sealed.leaf).size == 5
    assert sealed.index == 3
    assert sealed.content == {
        "actor": "wang",
        "obj": "case:0003",
        "body": {
            "at": "2026-11-25T04:00:03.123456+00:00",
            "facts": {"group": "M60", "number": 3},
        },
    }


def test_a_bundle_of_sealed_entries_passes_the_verifier() -> None:
    statement = {"case": "case:0001"}
    content = b"a page"
    record()
    record(
        statement_sha256=bundle.digest(statement),
        pages=[{"sha256": hashlib.sha256(content).hexdigest()}],
    )
    record(3)
    publish()

    made = bundle.build(
        statement=statement,
        entries=queries.sealed_together(Entry.objects.filter(index__lte=1)),
        files={"p001.jpg": content},
    )

    report = verify.verify(made, keys=[queries.verifier_key(stream="records")])
    assert report.faults == ()
    assert report.head is not None
    assert report.head["size"] == 5


def test_an_entry_before_the_next_head_is_not_sealed_yet() -> None:
    record()
    publish()
    entry = record()

    with pytest.raises(NotYetSealed):
        queries.sealed(entry)


def test_entries_sealed_together_are_of_one_stream() -> None:
    one, other = record(), record(stream="access")
    publish()

    with pytest.raises(ValueError, match="one stream"):
        queries.sealed_together([one, other])
    with pytest.raises(ValueError, match="at least one"):
        queries.sealed_together([])


def test_an_opening_can_be_destroyed_and_the_proofs_stay_good() -> None:
    record(3)
    entry = Entry.objects.get(index=1)

    services.destroy_opening(entry=entry, reason="误扫他人材料", by="zhao", at=NOON)

    entry = Entry.objects.get(index=1)
    with pytest.raises(OpeningDestroyed):
        _ = entry.facts
    last = queries.entries().first()
    assert last is not None
    assert (last.action, last.actor, last.subject) == (
        "ledger.opening.destroyed",
        "zhao",
        "entry:records/1",
    )
    assert last.facts == {"stream": "records", "index": 1, "reason": "误扫他人材料"}
    assert publish().size == 4
    assert differences() == []
    sealed = queries.sealed(entry)
    assert (sealed.salt, sealed.content) == (b"", {})
    assert TlogProof.parse(sealed.proof).verify(sealed.leaf).size == 4


def test_an_opening_is_destroyed_once() -> None:
    services.destroy_opening(entry=record(), reason="误扫", by="zhao", at=NOON)

    with pytest.raises(OpeningDestroyed):
        services.destroy_opening(
            entry=Entry.objects.get(index=0), reason="误扫", by="zhao", at=NOON
        )

    assert queries.size_of(stream="records") == 2


def test_the_state_of_the_log_says_what_is_not_signed_yet() -> None:
    record(2)
    head = publish()
    record(3)

    records, access = queries.log_state()

    assert (records.size, records.signed, records.unsigned) == (5, 2, 3)
    assert records.root == bytes(head.root).hex()
    assert records.as_json()["unsigned"] == 3
    assert (access.size, access.signed, access.root, access.vkey) == (0, 0, "", "")


def test_the_newest_facts_of_a_subject_are_told() -> None:
    record(2)
    for group in ("F55", "F50"):
        services.record(
            at=NOON,
            action="cases.case.corrected",
            actor="li",
            subject="case:0001",
            facts={"group": group},
        )

    either = ("cases.case.opened", "cases.case.corrected")
    last = queries.last_facts(subject="case:0001", action=either)
    assert last is not None
    assert (last.index, last.actor, last.facts) == (3, "li", {"group": "F50"})
    assert queries.last_facts(subject="case:0009", action=either) is None
    assert {
        subject: said.index for subject, said in queries.last_by_subject(action=either).items()
    } == {"case:0000": 0, "case:0001": 3}


def test_a_row_is_compared_with_what_the_log_says_of_it() -> None:
    entry = record()
    said = queries.last_facts(subject=entry.subject, action=entry.action)
    words = {"table": "cases_case", "key": "0000", "said": said}

    assert list(queries.differing(**words, row={"group": "M60", "number": 0})) == []
    assert list(queries.differing(**words, row={"group": "F50", "number": 0, "more": None})) == [
        Difference("cases_case", "0000", "group", "M60", "F50", "2026-11-25T04:00:00.123456+00:00"),
        Difference(
            "cases_case", "0000", "more", "（无）", "null", "2026-11-25T04:00:00.123456+00:00"
        ),
    ]


def test_a_row_without_an_entry_is_a_difference_and_a_destroyed_one_is_none() -> None:
    entry = record()
    services.destroy_opening(entry=entry, reason="误扫", by="zhao", at=NOON)
    destroyed = queries.last_facts(subject=entry.subject, action=entry.action)

    (found,) = queries.differing(table="cases_case", key="x", row={"group": "M60"}, said=None)

    assert found.expected == "（无）"
    assert list(queries.differing(table="t", key="x", row={"group": "F"}, said=destroyed)) == []
