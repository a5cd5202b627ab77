"""A worker killed again and again brings every page of a batch once."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import imaging_factories as factories
import psycopg
import pytest

TESTS = Path(__file__).resolve().parents[1]

# Works through a batch in child processes. Each child dies by SIGKILL at its n-th step, a step
# being a statement to the database or an operation on a file, and n grows from child to child.
WORKER = """
import json, os, signal, sys
from datetime import datetime
from pathlib import Path

folder = Path(sys.argv[1])
import django
from django.conf import settings
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
settings.MIGRATION_MODULES = {app.rsplit(".", 1)[-1]: None for app in settings.INSTALLED_APPS}
django.setup()
from django.core.management import call_command
from django.db import connection
import imaging_factories as factories
from lantai.imaging import services
from lantai.imaging.models import Batch, Finding, Incoming, Scan
from lantai.ledger import queries as ledger
from lantai.vault import queries as vault

call_command("migrate", run_syncdb=True, verbosity=0)
shop = factories.shop()
batch = factories.receive(shop, folder)
connection.close()

def work(last_step):
    step = 0

    def count(*_):
        nonlocal step
        step += 1
        if step == last_step:
            os.kill(os.getpid(), signal.SIGKILL)

    def statement(execute, sql, params, many, context):
        count()
        return execute(sql, params, many, context)

    home = str(settings.LANTAI_HOME)
    watched = {"open", "os.rename", "os.mkdir", "os.remove"}
    sys.addaudithook(
        lambda event, args: count() if event in watched and home in str(args[0]) else None
    )
    with connection.execute_wrapper(statement):
        for _ in services.process(batch=Batch.objects.get(), at=factories.NOON):
            pass

kills, last_step, rounds = 0, 2, 0
while rounds < 400:
    rounds += 1
    child = os.fork()
    if child == 0:
        work(last_step)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        kills += 1
        last_step += 3
        continue
    if os.WEXITSTATUS(status):
        sys.exit("the worker failed")
    break

entries = list(ledger.entries(subject=f"batch:{batch.uid}").order_by("index"))
batch.refresh_from_db()
print(json.dumps({
    "kills": kills,
    "state": batch.state,
    "done": [batch.files_done, batch.files_total],
    "waiting": Incoming.objects.filter(done_at=None).count(),
    "pages": sorted(Scan.objects.values_list("file_name", flat=True)),
    "findings": sorted(Finding.objects.values_list("code", flat=True)),
    "apart": sorted(batch.quarantined.values_list("code", flat=True)),
    "actions": [entry.action for entry in entries],
    "pictures": [
        vault.derivative(sha256, "tiles.pack") is not None
        for sha256 in Scan.objects.values_list("blob__sha256", flat=True)
    ],
    "store": sorted({fault.what for fault in vault.store_faults()}),
    "log": [str(difference) for difference in ledger.check_log()],
}))
"""


@pytest.fixture
def database() -> Iterator[str]:
    """An address of a database of its own; empty for SQLite in the home."""
    server = os.environ.get("DATABASE_URL", "")
    if not server:
        yield ""
        return
    name = f"faults_{secrets.token_hex(4)}"
    parts = urlsplit(server)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield urlunsplit(parts._replace(path=f"/{name}"))
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.mark.faults
def test_a_worker_killed_again_and_again_brings_every_page_once(
    tmp_path: Path, database: str
) -> None:
    folder = tmp_path / "批次"
    factories.dossier_folder(
        folder / "陈大文", factories.entry("1", 1, 3), factories.entry("9-2", 1, 2)
    )
    (folder / "陈大文" / "坏.jpg").write_bytes(factories.page(1)[:9000])
    environment = {
        **os.environ,
        "LANTAI_HOME": str(tmp_path / "home"),
        "DJANGO_SETTINGS_MODULE": "lantai.settings",
        "PYTHONPATH": f"{TESTS.parent / 'src'}:{TESTS}",
        "DATABASE_URL": database,
    }
    (tmp_path / "home").mkdir(exist_ok=True)

    ran = subprocess.run(
        [sys.executable, "-c", WORKER, folder],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["kills"] >= 10
    assert told["state"] == "inspection"
    assert (told["done"], told["waiting"]) == ([7, 7], 0)
    assert told["pages"] == [
        "1-1-001.jpg",
        "1-1-002.jpg",
        "1-1-003.jpg",
        "9-2-1-001.jpg",
        "9-2-1-002.jpg",
    ]
    assert (told["apart"], told["findings"]) == (["Q14"], [])
    assert sorted(told["actions"]) == [
        "imaging.batch.processed",
        "imaging.batch.received",
        "imaging.catalogue.kept",
        "imaging.file.quarantined",
        "imaging.item.compared",
        *["imaging.scan.entered"] * 5,
    ]
    assert all(told["pictures"])
    assert all(what.startswith("写入中断留下的文件") for what in told["store"])
    assert told["log"] == []
