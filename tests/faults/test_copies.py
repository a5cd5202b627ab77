"""Copying and mending under kill -9 and on a full disk: what was acknowledged is whole."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from faults.databases import fresh_database

import lantai

pytestmark = pytest.mark.faults
TESTS = Path(__file__).parents[1]
SOURCE = Path(lantai.__file__).parents[1]
START = (
    "import django, runpy; django.setup(); runpy.run_module('faults.copying', run_name='__main__')"
)


def seen(scenario: str, folder: Path) -> dict[str, Any]:
    home = folder / "killed"
    home.mkdir()
    with fresh_database(folder) as database:
        done = subprocess.run(
            [sys.executable, "-c", START, scenario],
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
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_copy_made_by_one_killed_at_any_step_is_whole(tmp_path: Path) -> None:
    found = seen("copy-killed", tmp_path)

    assert found["runs"] >= 30


def test_a_copy_made_without_room_at_any_step_is_whole(tmp_path: Path) -> None:
    found = seen("copy-without-room", tmp_path)

    assert found["runs"] >= 20


@pytest.mark.parametrize("scenario", ["mend-killed", "mend-copy-killed", "bring-back-killed"])
def test_a_repair_killed_at_any_step_is_ended_by_the_next_visit(
    scenario: str, tmp_path: Path
) -> None:
    found = seen(scenario, tmp_path)

    assert found["runs"] >= 20
    assert found["unrepairable"] == 0
