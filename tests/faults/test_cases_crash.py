"""A writer stopped in the middle of a step leaves the case as it was before."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cases_factories as make
import pytest
from cases_factories import District, minutes
from django.db import connection, transaction

from lantai.cases import queries, services
from lantai.cases.models import Case

TESTS = Path(__file__).resolve().parents[1]


class Stopped(Exception):
    pass


@contextmanager
def stopping_at(write: int) -> Iterator[list[str]]:
    """Stop at the nth statement that writes; the statements written so far are told."""
    written: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        if sql.startswith(("INSERT", "UPDATE", "DELETE")):
            written.append(sql)
            if len(written) == write:
                raise Stopped
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield written


def confirm(people: District, case: Case) -> object:
    return services.confirm(case_uid=case.uid, opinion="复核无误", by=people.second, at=minutes(1))


def decide(people: District, case: Case) -> object:
    return services.decide(
        case_uid=case.uid, outcome="approve", reason="同意", by=people.approver, at=minutes(1)
    )


def file_case(people: District, case: Case) -> object:
    return services.file_case(case_uid=case.uid, by=people.archivist, at=minutes(1))


# How to come to a step, the step, and at every how many writes it is stopped.
STEPS: dict[str, tuple[Callable[[District], Case], Callable[[District, Case], object], int]] = {
    "confirm": (make.in_confirmation, confirm, 1),
    "decide": (lambda people: make.in_approval(people)[0], decide, 1),
    "file": (lambda people: make.decided(people)[0], file_case, 4),  # each draws the form anew
}


@pytest.mark.faults
@pytest.mark.django_db
@pytest.mark.parametrize("name", STEPS)
def test_a_step_stopped_at_any_of_its_writes_leaves_nothing(name: str) -> None:
    people = make.district()
    arrive, act, stride = STEPS[name]
    case = arrive(people)
    before = make.everything()
    with stopping_at(0) as written, transaction.atomic():
        act(people, case)
        transaction.set_rollback(True)
    assert len(written) >= 5

    for write in range(1, len(written) + 1, stride):
        with stopping_at(write), pytest.raises(Stopped):
            act(people, case)
        assert make.everything() == before, f"stopped at write {write}: {written[write - 1][:60]}"

    act(people, case)
    assert list(queries.check_rows()) == []


PROGRAM = """
import os, signal, sys, json
import django
from django.conf import settings
django.setup()
settings.MIGRATION_MODULES = {app.rsplit(".", 1)[-1]: None for app in settings.INSTALLED_APPS}
from django.core.management import call_command
from django.db import connection
import cases_factories as make
from lantai.cases import queries, services
from lantai.cases.models import Case, Evidence, Step
from lantai.access.models import Grant
from lantai.identity.models import User
from lantai.ledger.models import Entry

def told():
    print(json.dumps({
        "state": Case.objects.get().state,
        "evidence": Evidence.objects.count(),
        "steps": Step.objects.count(),
        "entries": Entry.objects.count(),
        "grants": Grant.objects.filter(revoked_at=None).count(),
        "differences": [str(one) for one in queries.check_rows()],
    }), flush=True)

def killed_at(write):
    seen = 0
    def watch(execute, sql, params, many, context):
        nonlocal seen
        answer = execute(sql, params, many, context)
        if sql.startswith(("INSERT", "UPDATE", "DELETE")):
            seen += 1
            if seen == write:
                os.kill(os.getpid(), signal.SIGKILL)
        return answer
    return connection.execute_wrapper(watch)

match sys.argv[1:]:
    case ["build"]:
        call_command("migrate", run_syncdb=True, verbosity=0)
        make.in_confirmation(make.district())
    case ["confirm", write]:
        told()
        with killed_at(int(write)):
            services.confirm(
                case_uid=Case.objects.get().uid,
                opinion="复核无误",
                by=User.objects.get(username="d1-second"),
                at=make.minutes(1),
            )
told()
"""


@pytest.mark.faults
def test_a_process_killed_while_freezing_leaves_the_case_waiting(tmp_path: Path) -> None:
    surroundings = {
        **os.environ,
        "LANTAI_HOME": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "lantai.settings",
        "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent / "src")]),
    }
    surroundings.pop("DATABASE_URL", None)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, *words],
            env=surroundings,
            capture_output=True,
            text=True,
            check=False,
        )

    built = run("build")
    assert built.returncode == 0, built.stderr
    before = json.loads(built.stdout)
    assert before["state"] == "in_confirmation"
    assert before["differences"] == []

    for write in ("1", "4", "9"):
        killed = run("confirm", write)
        assert killed.returncode == -signal.SIGKILL
        assert json.loads(killed.stdout) == before

    again, after = map(json.loads, run("confirm", "0").stdout.splitlines())
    assert again == before
    assert (after["state"], after["evidence"], after["grants"]) == ("frozen", 1, 0)
    assert after["differences"] == []
