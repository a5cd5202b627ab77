"""Nothing is signed that would tell another history than what was signed before."""

from pathlib import Path
from typing import Any

import pytest
from ledger_factories import differences, publish, record, rewrite, roll_back_to

from lantai.ledger import files, keys
from lantai.ledger.models import Entry, Head, SigningIntent
from lantai.ledger.queries import LogDamaged, RolledBack
from lantai.lib.tlog import note
from lantai.lib.tlog.tiles import Tile

pytestmark = pytest.mark.django_db


def test_a_database_older_than_what_was_published_signs_nothing(home: Path) -> None:
    record(3)
    publish()
    record(2)
    later = publish()
    roll_back_to(3)

    with pytest.raises(RolledBack, match="数据库只有 3 条"):
        publish()

    assert (home / "log/records/checkpoint").read_text() == later.note
    assert Head.objects.count() == 1


def test_a_database_that_tells_another_history_signs_nothing(home: Path) -> None:
    record(3)
    publish()
    record(2)
    later = publish()
    roll_back_to(3)
    record(4, name="another")

    with pytest.raises(RolledBack, match="不是同一段历史"):
        publish()

    assert (home / "log/records/checkpoint").read_text() == later.note
    assert not SigningIntent.objects.filter(size__gt=3).exists()


def test_a_foreign_checkpoint_stops_the_signing(home: Path) -> None:
    record(3)
    publish()
    record()
    (home / "log/records/checkpoint").write_text("nothing of ours\n")

    with pytest.raises(LogDamaged, match="已损坏"):
        publish()

    assert Head.objects.count() == 1


def test_a_checkpoint_under_another_key_stops_the_signing(home: Path) -> None:
    record(3)
    head = publish()
    record()
    stranger = note.FileSigner.from_seed("lantai.example/yuntai/records", bytes(32))
    text = note.parse(head.note).text
    (home / "log/records/checkpoint").write_text(str(note.sign(text, [stranger])))

    with pytest.raises(LogDamaged, match="不是本系统签署的"):
        publish()


def test_lost_files_are_written_again_from_the_rows(home: Path) -> None:
    record(300)
    head = publish()
    before = {
        path.relative_to(home): path.read_bytes()
        for path in (home / "log").rglob("*")
        if path.is_file()
    }
    for path in sorted((home / "log" / "records").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()

    assert publish() == head

    assert {path: (home / path).read_bytes() for path in before} == before


def test_a_spoilt_tile_is_written_again_before_anything_is_signed_over_it(home: Path) -> None:
    record(520)
    publish()
    (home / "log/records" / Tile(1, 0, 2).path).write_bytes(bytes(64))
    record(300)

    publish()

    assert differences() == []


def test_changed_rows_are_not_signed_over() -> None:
    record(3)
    publish()
    record(2)
    rewrite(Entry, {"index": 4}, leaf=b"{}")

    with pytest.raises(LogDamaged, match="第 4 条与其摘要不符"):
        publish()

    assert Head.objects.get().size == 3


def test_a_changed_frontier_is_not_signed_over() -> None:
    record(3)
    publish()
    record(2)
    rewrite(SigningIntent, {"size": 3}, frontier=bytes(64))

    with pytest.raises(LogDamaged, match="前沿"):
        publish()


def test_a_lost_key_is_not_replaced_silently(home: Path) -> None:
    record()
    publish()
    record()
    (home / "keys/log-records.key").unlink()

    with pytest.raises(keys.KeyFault, match="从密钥备份中恢复"):
        publish()

    assert Head.objects.count() == 1
    assert not (home / "keys/log-records.key").exists()


def test_the_key_of_another_body_does_not_sign(home: Path, settings: Any) -> None:
    record()
    publish()
    record()
    settings.LANTAI_ORIGIN = "lantai.example/other"

    with pytest.raises(keys.KeyFault, match="LANTAI_ORG"):
        publish()


def test_leftovers_of_a_killed_publisher_are_swept(home: Path) -> None:
    record()
    publish()
    left = home / "log/records/.incoming/checkpoint.0123"
    left.write_text("half")
    record()

    publish()

    assert not left.exists()
    assert files.read_checkpoint(home / "log/records") is not None
