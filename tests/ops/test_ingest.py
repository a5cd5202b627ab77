"""A scanner folder taken in from the command line, good files and bad ones."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lantai import sample


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One clean dossier and one with what arrives by mistake."""
    out = tmp_path_factory.mktemp("scans") / "batch"
    plants = ("truncated@2", "text-named-jpg@2", "huge-png@2", "empty-folder@1")
    for _ in sample.generate(out, dossiers=2, seed=3, plant=plants, workers=2):
        pass
    return out


def run(home: Path, *words: str) -> tuple[int, list[dict[str, object]]]:
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    ran = subprocess.run(
        [sys.executable, "-m", "lantai.ops.main", *words, "--json"],
        env={**environment, "LANTAI_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr == ""
    return ran.returncode, [json.loads(line) for line in ran.stdout.splitlines()]


def test_each_file_becomes_a_scan_or_is_quarantined_with_a_sentence(
    folder: Path, tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    code, rows = run(tmp_path / "home", "ingest", str(folder))

    quarantined = [row for row in rows if row["status"] == "quarantined"]
    assert code == 1
    assert len(quarantined) >= 3
    assert all(row["sentence"] for row in quarantined)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    accepted = [row for row in rows if row["status"] == "accepted"]
    assert len(accepted) > 20


def test_what_was_taken_in_stands_in_vault_and_log_and_both_hold(
    folder: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    only = tmp_path / "one"
    first = next(path for path in sorted(folder.iterdir()) if path.name.startswith("001"))
    shutil.copytree(first, only / first.name)

    code, rows = run(home, "ingest", str(only))
    fsck = run(home, "fsck")
    audit = run(home, "audit")

    assert code == 0
    assert fsck[0] == 0
    assert fsck[1][0]["objects"] == len(rows)
    assert audit[0] == 0


def test_a_master_changed_behind_the_programs_back_is_found(folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    only = tmp_path / "one"
    first = next(path for path in sorted(folder.iterdir()) if path.name.startswith("001"))
    shutil.copytree(first, only / first.name)
    run(home, "ingest", str(only))
    master = next(path for path in (home / "vault").rglob("*") if path.is_file())
    master.chmod(0o600)
    content = master.read_bytes()
    master.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    master.chmod(0o400)

    code, rows = run(home, "fsck")

    faults = rows[0]["faults"]
    assert code == 1
    assert isinstance(faults, list)
    assert [fault["path"] for fault in faults] == [str(master.relative_to(home))]
