"""An installation in a process of its own, on SQLite, with an act or two in its log."""

import os
import subprocess
import sys
from pathlib import Path

import lantai

TESTS = Path(__file__).parent
SOURCE = Path(lantai.__file__).parents[1]
ENTER = """
import django; django.setup()
from datetime import UTC, datetime
from django.core.management import call_command
from django.db import transaction
from lantai.ledger import services
call_command("migrate", run_syncdb=True, verbosity=0)
at = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
with transaction.atomic():
    services.record(at=at, action="office.act.entered", actor="wang", subject="act:1", facts={})
services.publish(at=at)
"""


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, *words],
        env={
            **environment,
            "LANTAI_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "ops.unmigrated_settings",
            "PYTHONPATH": f"{SOURCE}{os.pathsep}{TESTS}",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def lantai_command(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run(home, "-m", "lantai.ops.main", *words)


def enter_act(home: Path) -> None:
    """Enter an act and sign the log."""
    assert run(home, "-c", ENTER).returncode == 0
