"""After a power cut at any moment of a backup: it is whole or not there, and the next one is."""

import json
import os
import subprocess
import sys
from pathlib import Path

from backed_up import PASSPHRASE, PRESERVED, Place

import lantai

TESTS = Path(__file__).parents[1]
SOURCE = Path(lantai.__file__).parents[1]
START = (
    "import django, runpy; django.setup(); "
    "runpy.run_module('crashes.backing_up', run_name='__main__')"
)


def test_no_power_cut_leaves_half_a_backup_or_takes_a_whole_one(tmp_path: Path) -> None:
    home = tmp_path / "office"
    home.mkdir()
    database = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(tmp_path / "watched.db"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA foreign_keys=ON;"},
    }

    done = subprocess.run(
        [sys.executable, "-c", START],
        env={
            **os.environ,
            "PYTHONPATH": f"{SOURCE}{os.pathsep}{TESTS}",
            "DJANGO_SETTINGS_MODULE": "faults.whole_settings",
            "KILLED_HOME": str(home),
            "KILLED_DATABASE": json.dumps(database),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["examined"] > 100
    assert found["went_on"] > 5
    assert found["stood"] == [0, 1, 2]


def test_no_power_cut_leaves_half_a_restored_installation(tmp_path: Path) -> None:
    target, office = tmp_path / "target", Place(tmp_path / "office")
    office.home.mkdir()
    office.script(PRESERVED)
    assert office.lantai("backup", "--to", str(target)).returncode == 0
    elsewhere = Place(tmp_path / "new" / "home")
    elsewhere.home.parent.mkdir()

    ran = elsewhere.run(
        "-m", "crashes.restoring", str(target), str(elsewhere.home), given=PASSPHRASE
    )

    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["there"] > 0
    assert found["absent"] > 0
    assert elsewhere.answer("fsck", "--store")["faults"] == []
