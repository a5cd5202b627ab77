"""Backups and restores under kill -9, on a full disk and on a broken one."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from backed_up import PASSPHRASE, SERVER, Place, database, installation, programs
from faults.databases import fresh_database

import lantai

pytestmark = pytest.mark.faults
TESTS = Path(__file__).parents[1]
SOURCE = Path(lantai.__file__).parents[1]
START = "import django, runpy; django.setup(); runpy.run_module('faults.backing_up', run_name='__main__')"
QUICKLY = "import sys; from lantai.ops.backups import sealed; sealed._N = 2"
STRIDE = 6


def seen(scenario: str, folder: Path) -> dict[str, Any]:
    home = folder / "killed"
    home.mkdir()
    with fresh_database(folder) as settings:
        done = subprocess.run(
            [sys.executable, "-c", START, scenario],
            env={
                **os.environ,
                "PYTHONPATH": f"{SOURCE}{os.pathsep}{TESTS}",
                "DJANGO_SETTINGS_MODULE": "faults.whole_settings",
                "KILLED_HOME": str(home),
                "KILLED_DATABASE": json.dumps(settings),
                **({"LANTAI_PG_BIN": programs()} if SERVER else {}),
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_backup_killed_at_any_step_is_whole_or_not_there(tmp_path: Path) -> None:
    found = seen("killed", tmp_path)

    assert found["runs"] >= 60
    assert 0 < found["stood"] < found["runs"]
    assert found["failed"] == found["swept"] > 0


@pytest.mark.parametrize("scenario", ["without-room", "on-a-broken-disk"])
def test_a_backup_that_cannot_write_is_whole_or_not_there(tmp_path: Path, scenario: str) -> None:
    found = seen(scenario, tmp_path)

    assert found["runs"] >= 40
    assert found["stood"] < found["runs"]
    assert found["failed"] > 0


def test_a_restore_killed_at_any_step_is_started_again_and_comes_through(tmp_path: Path) -> None:
    target = tmp_path / "target"
    with installation(tmp_path / "office") as office:
        before = office.told()
        words = ["backup", "--to", str(target), "--passphrase-file", "-"]
        quick = f"{QUICKLY}; from lantai.ops.main import main; sys.exit(main({words}))"
        assert office.run("-c", quick, given=PASSPHRASE).returncode == 0
    shutil.rmtree(office.home)
    with database() as address:
        elsewhere = Place(tmp_path / "new" / "home", address)
        elsewhere.home.parent.mkdir()

        for step in itertools.count(1, STRIDE):
            ran = elsewhere.run(
                *("-m", "faults.restoring", str(step), str(target), str(elsewhere.home)),
                given=PASSPHRASE,
            )
            assert ran.returncode in {0, -signal.SIGKILL}, (step, ran.stderr)
            if elsewhere.home.exists():
                break
            assert ran.returncode != 0

        assert step > 10 * STRIDE
        assert elsewhere.told() == before
        assert elsewhere.answer("audit")["differences"] == []
        assert elsewhere.answer("fsck")["faults"] == []
        assert elsewhere.answer("fsck", "--store")["faults"] == []
