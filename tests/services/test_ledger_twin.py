"""The twin (SM3, SM2) is signed with the log, over the same entries, under the same care."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from ledger_factories import NOON, differences, publish, record, remove, rewrite, roll_back_to

from lantai.ledger import files, keys, queries, services
from lantai.ledger.models import Entry, Head, SigningIntent
from lantai.ledger.queries import LogDamaged, RolledBack
from lantai.lib import bundle, verify
from lantai.lib.tlog import merkle, note
from lantai.lib.tlog.checkpoint import Checkpoint
from lantai.lib.tlog.note import VerifierKey
from lantai.lib.tlog.proof import TlogProof
from lantai.lib.tlog.sm2 import SM2Signer
from lantai.lib.tlog.suite import INTL, SM, SUITES
from lantai.lib.tlog.tiles import Tile, decode_entries

pytestmark = pytest.mark.django_db
ORIGIN = "lantai.example/yuntai/records/sm"


def twin_root(size: int) -> bytes:
    rows = Entry.objects.filter(stream="records", index__lt=size).order_by("index")
    return merkle.root_of((SM.tree.leaf(bytes(row.leaf)) for row in rows), suite=merkle.SM3)


def leave_twin_out(settings: Any) -> None:
    settings.LANTAI_SUITES = (INTL,)


def test_a_head_has_a_twin_of_the_same_size_under_its_own_key(home: Path) -> None:
    record(5)

    head = publish()

    key = VerifierKey.parse(queries.verifier_key(stream="records", suite=SM))
    signed = note.parse(head.twin_note)
    assert note.verified(signed, [key], checks=SM.checks) == (key,)
    assert Checkpoint.parse(signed.text) == Checkpoint(ORIGIN, 5, twin_root(5))
    assert bytes(head.twin_root or b"") == twin_root(5)
    assert (home / "log/records/checkpoint-sm").read_text() == head.twin_note
    assert (home / "keys/log-records-sm.vkey").read_text().strip() == str(key)
    assert queries.log_state()[0].vkey_sm == str(key)
    assert (home / "keys/log-records-sm.key").stat().st_mode & 0o077 == 0


def test_the_twin_has_hashes_of_its_own_over_the_entries_of_the_log(home: Path) -> None:
    record(300)
    publish()
    folder = home / "log/records"

    entries = decode_entries((folder / "tile/entries/000").read_bytes(), width=256)

    tile = (folder / "tile-sm3/0/000").read_bytes()
    assert tile == b"".join(map(SM.tree.leaf, entries))
    assert (folder / "tile-sm3/1/000.p/1").read_bytes() == merkle.root_of(
        map(SM.tree.leaf, entries), suite=SM.tree
    )
    assert not (folder / "tile-sm3/entries").exists()


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_partial_tiles_go_when_the_full_one_is_there(home: Path, suite: Any) -> None:
    record(200)
    publish()
    partial = home / "log/records" / Tile(0, 0, 200).path_in(suite.tiles)
    assert partial.exists()
    record(100)

    publish()

    assert not partial.parent.exists()
    assert (home / "log/records" / Tile(0, 0, 256).path_in(suite.tiles)).exists()
    assert queries.root_in_files(stream="records", size=200, suite=suite)


def test_entries_are_sealed_in_both_suites_and_the_bundle_proves_both() -> None:
    entry = record(
        statement_sha256=bundle.digest({"a": 1}),
    )
    publish()

    (sealed,) = queries.sealed_together([entry])

    proof = TlogProof.parse(sealed.proof_sm)
    assert proof.verify(bytes(entry.leaf), suite=SM.tree).origin == ORIGIN
    made = bundle.build(statement={"a": 1}, entries=[sealed], files={})
    report = verify.verify(
        made, keys=[queries.verifier_key(stream="records", suite=suite) for suite in SUITES]
    )
    assert report.faults == ()
    assert f"国密日志 {ORIGIN} 以给定的公钥签署了 1 条时的状态" in report.proven


def test_a_spoilt_tile_of_the_twin_seals_nothing(home: Path) -> None:
    entry = record(3)
    publish()
    (home / "log/records" / Tile(0, 0, 3).path_in(SM.tiles)).write_bytes(bytes(96))

    with pytest.raises(LogDamaged, match="records/sm"):
        queries.sealed(entry)


def test_a_spoilt_tile_of_the_twin_is_written_again_before_anything_is_signed(home: Path) -> None:
    record(520)
    publish()
    (home / "log/records" / Tile(1, 0, 2).path_in(SM.tiles)).write_bytes(bytes(64))
    record(300)

    publish()

    assert differences() == []


def test_lost_files_of_the_twin_are_written_again_with_the_very_signature(home: Path) -> None:
    record(300)
    head = publish()
    (home / "log/records/checkpoint-sm").unlink()
    shutil.rmtree(home / "log/records/tile-sm3")

    publish()

    assert (home / "log/records/checkpoint-sm").read_text() == head.twin_note
    assert differences() == []


def test_a_stop_between_checkpoint_and_head_keeps_the_published_signature(home: Path) -> None:
    record(3)
    published = publish().twin_note
    remove(Head, stream="records")  # files are out, the row was not committed

    head = publish()

    assert head.twin_note == published
    assert (home / "log/records/checkpoint-sm").read_text() == published


def test_lines_put_under_the_published_twin_by_others_do_not_enter_the_head(home: Path) -> None:
    record(3)
    published = publish().twin_note
    remove(Head, stream="records")  # files are out, the row was not committed
    stranger = SM2Signer.make("w.example")
    text = note.parse(published).text
    (home / "log/records/checkpoint-sm").write_text(published + stranger.sign(text).line)

    assert publish().twin_note == published


def test_a_database_older_than_the_published_twin_signs_nothing(home: Path) -> None:
    record(3)
    publish()
    old = (home / "log/records/checkpoint").read_text()
    record(2)
    publish()
    (home / "log/records/checkpoint").write_text(old)
    roll_back_to(3)

    with pytest.raises(RolledBack, match="数据库只有 3 条"):
        publish()


def test_a_database_that_tells_the_twin_another_history_signs_nothing(home: Path) -> None:
    record(3)
    publish()
    old = (home / "log/records/checkpoint").read_text()
    record(2)
    publish()
    (home / "log/records/checkpoint").write_text(old)
    roll_back_to(3)
    record(4, name="another")

    with pytest.raises(RolledBack, match="records/sm"):
        publish()

    assert not SigningIntent.objects.filter(size__gt=3).exists()


@pytest.mark.parametrize("held", ["nothing of ours\n", "stranger"])
def test_a_foreign_twin_stops_the_signing(home: Path, held: str) -> None:
    record(3)
    head = publish()
    record()
    if held == "stranger":
        text = note.parse(head.twin_note).text
        held = str(note.sign(text, [SM2Signer.make(ORIGIN)]))
    (home / "log/records/checkpoint-sm").write_text(held)

    with pytest.raises(LogDamaged, match="checkpoint-sm"):
        publish()

    assert Head.objects.count() == 1


@pytest.mark.parametrize("column", ["twin_frontier", "twin_root"])
def test_a_changed_twin_of_an_intent_is_not_signed_over(column: str) -> None:
    record(3)
    publish()
    record(2)
    rewrite(SigningIntent, {"size": 3}, **{column: bytes(64 if column == "twin_frontier" else 32)})

    with pytest.raises(LogDamaged, match="国密前沿"):
        publish()


def test_a_lost_key_of_the_twin_is_not_replaced_silently(home: Path) -> None:
    record()
    publish()
    record()
    (home / "keys/log-records-sm.key").unlink()

    with pytest.raises(keys.KeyFault, match="从密钥备份中恢复"):
        publish()

    assert Head.objects.count() == 1
    assert not (home / "keys/log-records-sm.key").exists()


def test_a_key_of_the_other_suite_does_not_sign_the_twin(home: Path) -> None:
    record()
    publish()
    record()
    other = (home / "keys/log-records.key").read_text()
    (home / "keys/log-records-sm.key").write_text(other)

    with pytest.raises(keys.KeyFault, match="不可用"):
        publish()


def test_a_log_without_a_twin_is_signed_as_before(home: Path, settings: Any) -> None:
    leave_twin_out(settings)
    entry = record(3)

    head = publish()

    assert (head.twin_root, head.twin_note) == (None, "")
    assert queries.sealed(entry).proof_sm == ""
    assert not (home / "log/records/tile-sm3").exists()
    assert not (home / "keys/log-records-sm.key").exists()
    assert differences() == []


def test_a_twin_taken_up_later_covers_the_log_from_its_beginning(home: Path, settings: Any) -> None:
    leave_twin_out(settings)
    record(300)
    publish()
    settings.LANTAI_SUITES = SUITES
    record(5)

    head = publish()

    assert bytes(head.twin_root or b"") == twin_root(305)
    assert queries.root_in_files(stream="records", size=305, suite=SM) == twin_root(305)
    assert differences() == []


def test_a_twin_left_out_for_a_while_goes_on_from_its_beginning(settings: Any) -> None:
    record(2)
    publish()
    leave_twin_out(settings)
    record(2)
    publish()
    settings.LANTAI_SUITES = SUITES
    record(2)

    head = publish()

    assert bytes(head.twin_root or b"") == twin_root(6)
    assert differences() == []


def test_changed_rows_do_not_get_into_a_twin_taken_up_later(settings: Any) -> None:
    leave_twin_out(settings)
    record(3)
    publish()
    settings.LANTAI_SUITES = SUITES
    record()
    rewrite(Entry, {"index": 1}, leaf=b"{}")

    with pytest.raises(LogDamaged, match="3 条处登记的树根不符"):
        publish()

    assert Head.objects.count() == 1


def test_one_stream_can_be_signed_alone() -> None:
    record(2)
    record(2, stream="access")

    heads = services.publish(at=NOON, streams=("records",))

    assert [head.stream for head in heads] == ["records"]
    assert not Head.objects.filter(stream="access").exists()


def test_the_twin_stands_beside_the_log_in_its_folder(home: Path) -> None:
    record()
    publish()

    names = {path.name for path in (home / "log/records").iterdir()}

    assert names >= {"checkpoint", "checkpoint-sm", "tile", "tile-sm3"}
    assert files.read_checkpoint(home / "log/records", SM) != files.read_checkpoint(
        home / "log/records"
    )
