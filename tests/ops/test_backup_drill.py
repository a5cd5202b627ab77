"""A drill works from nothing but the backup, tells what it found, and leaves nothing behind."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from backed_up import ACT, SERVER, Place, installation, scratch_databases


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Place]:
    with installation(tmp_path / "office") as place:
        yield place


def test_with_the_home_moved_away_a_drill_passes(office: Place, tmp_path: Path) -> None:
    target, scratch = tmp_path / "target", tmp_path / "scratch"
    office.answer("backup", "--to", str(target))
    shutil.rmtree(office.home)

    row = office.answer("drill", "--from", str(target), "--scratch", str(scratch))

    assert (row["good"], row["faults"], row["recorded"]) == (True, [], False)
    assert (row["packages"], row["opened"]) == (1, 5)
    assert row["rows"] > 100
    assert row["seconds"] > 0
    assert row["lost_seconds"] >= 0
    assert row["lost_entries"] is None
    assert list(scratch.iterdir()) == []
    assert scratch_databases() == []
    assert not office.home.exists()


def test_a_drill_beside_the_running_installation_is_entered_there(
    office: Place, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    office.answer("backup", "--to", str(target))
    office.script(ACT)
    before = office.told()

    row = office.answer(
        "drill", "--from", str(target), "--scratch", str(tmp_path / "s"), "--packages", "1"
    )

    assert (row["good"], row["recorded"]) == (True, True)
    assert row["lost_entries"] == 2  # the act, and the entry of the backup itself
    assert office.actions() == ["ops.backup.made", "ops.backup.drilled"]
    assert office.told() == before
    assert office.answer("audit")["differences"] == []


def test_a_wrong_passphrase_fails_the_drill(office: Place, tmp_path: Path) -> None:
    target, scratch = tmp_path / "target", tmp_path / "scratch"
    office.answer("backup", "--to", str(target))

    row = office.answer(
        *("drill", "--from", str(target), "--scratch", str(scratch)),
        code=1,
        given="不是当时的备份口令 2026",
    )

    assert "备份口令打不开备份" in row["faults"][0]
    assert office.actions() == ["ops.backup.made", "ops.backup.drilled"]
    assert list(scratch.iterdir()) == []
    assert scratch_databases() == []


def test_what_a_killed_drill_left_is_removed_by_the_next(office: Place, tmp_path: Path) -> None:
    target, scratch = tmp_path / "target", tmp_path / "scratch"
    office.answer("backup", "--to", str(target))
    (scratch / "lantai-drill-left" / "home").mkdir(parents=True)
    (scratch / "lantai-drill-left" / "home" / "lantai.db").write_bytes(b"somebody's")
    (scratch / "other").mkdir()

    office.answer("drill", "--from", str(target), "--scratch", str(scratch))

    assert os.listdir(scratch) == ["other"]  # noqa: PTH208 -- names alone


def test_a_drill_does_not_touch_the_stores_of_the_running_installation(
    office: Place, tmp_path: Path
) -> None:
    target, store = tmp_path / "target", tmp_path / "running-store"
    office.answer("backup", "--to", str(target))

    row = office.answer(
        "drill", "--from", str(target), LANTAI_STORE=str(store), LANTAI_COPY=str(tmp_path / "copy")
    )

    assert row["good"]
    assert not store.exists()


def test_an_empty_folder_has_no_backup_to_drill(office: Place, tmp_path: Path) -> None:
    ran = office.lantai("drill", "--from", str(tmp_path / "nothing"))

    assert ran.returncode == 1
    assert "中没有备份" in ran.stderr
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(
    ("program", "said"),
    [("", "没有找到 pg_dump"), ("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n", "旧")],
)
def test_programs_of_postgresql_that_are_absent_or_old_are_refused(
    office: Place, tmp_path: Path, program: str, said: str
) -> None:
    """A backup of SQLite needs none of them."""
    programs, target = tmp_path / "programs", tmp_path / "target"
    programs.mkdir()
    if program:
        (programs / "pg_dump").write_text(program)
        (programs / "pg_dump").chmod(0o755)

    ran = office.lantai("backup", "--to", str(target), LANTAI_PG_BIN=str(programs))

    if SERVER:
        assert ran.returncode == 1
        assert said in ran.stderr
        assert "LANTAI_PG_BIN" in ran.stderr
        assert list((target / "backups").iterdir()) == []
    else:
        assert ran.returncode == 0
