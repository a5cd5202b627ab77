"""Keys changed and destroyed under kill -9 and on a full disk: none is lost, none comes back."""

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
START = "import django, runpy; django.setup(); runpy.run_module('faults.keeping_keys', run_name='__main__')"


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


@pytest.mark.parametrize("how", ["killed", "without-room"])
def test_a_change_stopped_at_any_step_loses_no_key(tmp_path: Path, how: str) -> None:
    found = seen(f"change-{how}", tmp_path)

    assert found["runs"] >= 20
    assert found["half"] >= 5


def test_a_destruction_killed_at_any_step_is_not_confirmed_or_carried_on(tmp_path: Path) -> None:
    found = seen("destroy-killed", tmp_path)

    assert found["runs"] >= 20
    assert found["carried"] >= 5
    assert found["open"] >= 5
