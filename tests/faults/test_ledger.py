"""The log under kill -9, a full disk, and many writers at once; on both databases."""

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
    "import django, runpy; django.setup(); runpy.run_module('faults.killing', run_name='__main__')"
)


def seen(scenario: str, folder: Path) -> dict[str, Any]:
    """Run a scenario in a process and a database of its own; return what it saw."""
    home = folder / "killed"
    home.mkdir()
    with fresh_database(folder) as database:
        done = subprocess.run(
            [sys.executable, "-c", START, scenario],
            env={
                **os.environ,
                "PYTHONPATH": f"{SOURCE}{os.pathsep}{TESTS}",
                "DJANGO_SETTINGS_MODULE": "faults.small_settings",
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


def test_a_publisher_killed_at_any_step_is_mended_by_the_next(tmp_path: Path) -> None:
    found = seen("publish-killed", tmp_path)

    assert found["runs"] >= 30
    assert found["size"] == found["runs"]


def test_a_publisher_killed_while_tiles_become_full_is_mended_by_the_next(tmp_path: Path) -> None:
    found = seen("publish-killed-at-full-tiles", tmp_path)

    assert found["runs"] >= 12
    assert found["size"] == found["runs"] * 256


@pytest.mark.parametrize("fault", ["without-room", "on-a-broken-disk"])
def test_a_publisher_whose_every_call_fails_once_is_mended_by_the_next(
    fault: str, tmp_path: Path
) -> None:
    assert seen(f"publish-{fault}", tmp_path)["runs"] >= 25


@pytest.mark.parametrize("fault", ["without-room", "on-a-broken-disk"])
def test_a_publisher_whose_every_call_fails_once_goes_on_by_itself(
    fault: str, tmp_path: Path
) -> None:
    assert seen(f"publish-{fault}-goes-on", tmp_path)["runs"] >= 25


def test_a_publisher_whose_every_call_fails_once_while_tiles_become_full_goes_on(
    tmp_path: Path,
) -> None:
    found = seen("publish-without-room-at-full-tiles", tmp_path)

    assert found["runs"] >= 30
    assert found["size"] == found["runs"] * 256


def test_an_act_is_entered_whole_or_not_at_all(tmp_path: Path) -> None:
    assert seen("record-killed", tmp_path)["runs"] >= 5


def test_the_very_first_publication_can_be_killed_at_any_step(tmp_path: Path) -> None:
    assert seen("first-publish-killed", tmp_path)["runs"] >= 40


def test_a_change_of_keys_can_be_killed_at_any_step(tmp_path: Path) -> None:
    assert seen("rotate-killed", tmp_path)["runs"] >= 40


def test_writers_of_two_processes_leave_no_gap_and_no_double(tmp_path: Path) -> None:
    found = seen("together", tmp_path)

    assert found == {"records": list(range(60)), "access": list(range(120))}
