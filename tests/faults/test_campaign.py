"""Kill -9 at moments of chance over store, replicate and backup: nothing acknowledged is lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from backed_up import SERVER, programs
from faults.databases import fresh_database

import lantai

pytestmark = pytest.mark.faults
TESTS = Path(__file__).parents[1]
SOURCE = Path(lantai.__file__).parents[1]
START = (
    "import django, runpy; django.setup(); runpy.run_module('faults.campaign', run_name='__main__')"
)
RUNS = int(os.environ.get("LANTAI_KILLS", "12"))
SEED = int(os.environ.get("LANTAI_KILLS_SEED", "20261125"))


def test_nothing_acknowledged_is_lost_to_a_kill(tmp_path: Path) -> None:
    home = tmp_path / "killed"
    home.mkdir()
    with fresh_database(tmp_path) as database:
        done = subprocess.run(
            [sys.executable, "-c", START, str(RUNS), str(SEED)],
            env={
                **os.environ,
                "PYTHONPATH": f"{SOURCE}{os.pathsep}{TESTS}",
                "DJANGO_SETTINGS_MODULE": "faults.whole_settings",
                "KILLED_HOME": str(home),
                "KILLED_DATABASE": json.dumps(database),
                **({"LANTAI_PG_BIN": programs()} if SERVER else {}),
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, f"seed {SEED}: {done.stderr}"
    found = json.loads(done.stdout)
    print(f"seed {SEED}: {json.dumps(found, ensure_ascii=False)}")

    assert sum(found["runs"].values()) == RUNS
    assert found["seen"].get("killed", 0) >= RUNS // 4
    assert not found["leftovers"]
    assert found["restored"]["packages"] == 4
    assert found["restored"]["opened"] >= 4 + found["acknowledged"].get("page", 0)
