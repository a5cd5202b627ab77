"""The proof that a backup helps: an installation out of nothing but the backup, looked at, removed.

The restore runs in a process of its own, on a fresh folder and a fresh database, with no setting
of the running installation but the server of DATABASE_URL. What was found is entered in the log of
the running installation, if there is one here.
"""

import fcntl
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from lantai.lib.ocfl import disk
from lantai.lib.refusals import Unacceptable
from lantai.ops.backups.manifest import Manifest
from lantai.ops.backups.names import DRILLED
from lantai.ops.backups.target import Target

_PREFIX: Final = "lantai-drill-"
_DATABASE: Final = "lantai_drill_"
# Of the running installation, and of no use to one that stands on the backup alone.
_LEFT_OUT: Final = ("LANTAI_STORE", "LANTAI_COPY", "LANTAI_SECRET_STORE", "LANTAI_SECRET_COPY")
_NOT_TAKEN: Final = (*_LEFT_OUT, "LANTAI_POLICY", "DATABASE_URL")
Told = Callable[[str], None]


@dataclass(frozen=True)
class Drilled:
    """What a drill came to: how old the backup is, and the newest entry of the log in it."""

    backup: str
    seconds: float
    age_seconds: int
    lost_seconds: int | None
    lost_entries: int | None  # None where no running installation is here to compare with
    found: Mapping[str, Any]
    faults: tuple[str, ...]
    recorded: bool

    @property
    def good(self) -> bool:
        return not self.faults

    def as_json(self) -> dict[str, Any]:
        return {
            "backup": self.backup,
            "good": self.good,
            "seconds": self.seconds,
            "age_seconds": self.age_seconds,
            "lost_seconds": self.lost_seconds,
            "lost_entries": self.lost_entries,
            "rows": self.found.get("rows", 0),
            "packages": self.found.get("packages", 0),
            "opened": self.found.get("opened", 0),
            "faults": list(self.faults),
            "recorded": self.recorded,
        }

    def in_words(self) -> list[str]:
        row = self.as_json()
        said = [f"演练未通过：{fault}" for fault in self.faults]
        if self.good:
            said.append(
                f"演练通过：由备份 {self.backup} 恢复出数据库 {row['rows']} 行、"
                f"归档包 {row['packages']} 个，打开影像 {row['opened']} 页，都与备份清单和日志相符"
            )
        said.append(f"恢复用时 {self.seconds} 秒；备份做于{_spoken(self.age_seconds)}之前")
        if self.lost_seconds is not None:
            said.append(
                f"备份中最新的一条记录在{_spoken(self.lost_seconds)}之前；若此刻出事，此后的会丢失"
            )
        if self.lost_entries is not None:
            said.append(f"此后已有日志 {self.lost_entries} 条")
        if not self.recorded:
            said.append("这里没有运行中的系统，演练未记入日志")
        return said


def _spoken(seconds: int) -> str:
    """A span of time by its two largest units."""
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    units = ((days, "天"), (hours, "小时"), (minutes, "分"), (rest, "秒"))
    first = next((at for at, (count, _) in enumerate(units) if count), len(units) - 1)
    return (
        "".join(f" {count} {unit}" for count, unit in units[first : first + 2] if count) or " 0 秒"
    )


def drill(
    *,
    source: Target,
    passphrases: Sequence[str],
    packages: int | None,
    pages: int,
    scratch: Path | None,
    told: Told,
) -> Drilled:
    """Restore the newest backup into a scratch place and look at it. Raises Refusal, Unfit.

    The scratch place and database are removed at the end, whatever happened; what a killed drill
    left of them is removed by the next.
    """
    chosen = source.chosen(None)
    with _folder(scratch) as folder, _database(chosen) as address:
        began = time.monotonic()
        words = ["--pages", str(pages)]
        if packages is not None:
            words += ["--packages", str(packages)]
        code, said, complaints = _restore(
            source, folder / "home", words, chosen, passphrases, address=address, told=told
        )
        seconds = round(time.monotonic() - began, 3)
    found, faults = _judged(code, said, complaints)
    return _entered(chosen, seconds=seconds, found=found, faults=faults)


def _restore(
    source: Target,
    home: Path,
    words: Sequence[str],
    chosen: Manifest,
    passphrases: Sequence[str],
    *,
    address: str,
    told: Told,
) -> tuple[int, str, list[str]]:
    """Run the restore; tell its progress. Returns its exit code, answer and complaints."""
    environment = {name: held for name, held in os.environ.items() if name not in _NOT_TAKEN}
    environment["LANTAI_ORG"] = chosen.origin.rpartition("/")[2]
    if address:
        environment["DATABASE_URL"] = address
    command = [sys.executable, "-m", "lantai.ops.main", "restore", "--json"]
    command += ["--from", str(source.folder), "--home", str(home), "--passphrase-file", "-"]
    with subprocess.Popen(
        [*command, "--moment", chosen.name, *words],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            said, complaints = child.communicate("\n".join(passphrases))
        finally:
            child.kill()
    for line in complaints.splitlines():
        told(line)
    return child.returncode, said, complaints.splitlines()


def _judged(
    code: int, said: str, complaints: Sequence[str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What the restore answered, and what speaks against the backup."""
    lines = said.splitlines()
    answered: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    if "backup" not in answered:
        reasons = answered.get("refused") or complaints[-1:] or [f"恢复以退出码 {code} 结束"]
        return {}, tuple(reasons)
    faults = [f"备份时已经缺失：{lost}" for lost in answered["lacking"]]
    faults += [f"打不开：{closed}" for closed in answered["not_opened"]]
    faults += [f"日志与数据库不符：{one}" for one in answered["differences"]]
    return answered, tuple(faults)


@contextmanager
def _folder(scratch: Path | None) -> Iterator[Path]:
    """A fresh folder for its owner's eyes only; gone at the end."""
    above = (scratch or Path(tempfile.gettempdir())).absolute()
    above.mkdir(parents=True, exist_ok=True)
    for left in above.glob(f"{_PREFIX}*"):
        if (held := _taken(left)) is not None:
            os.close(held)
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=above))
    held = _taken(folder)
    try:
        yield folder
    finally:
        disk.remove(folder)
        if held is not None:
            os.close(held)


def _taken(folder: Path) -> int | None:
    """Hold a folder, or None if another does or it is not ours."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
    except BlockingIOError:
        pass
    os.close(descriptor)
    return None


@contextmanager
def _database(chosen: Manifest) -> Iterator[str]:
    """The address of an empty database on the server of DATABASE_URL; dropped at the end.

    Empty for a backup of SQLite. Raises Unacceptable.
    """
    if chosen.database["kind"] == "sqlite":
        yield ""
        return
    address = os.environ.get("DATABASE_URL")
    if not address:
        raise Unacceptable(
            "这是 PostgreSQL 的备份：请以 DATABASE_URL 指明一个服务器，演练会在其上另建临时数据库"
        )
    name = f"{_DATABASE}{secrets.token_hex(6)}"
    try:
        server = psycopg.connect(address, autocommit=True)
    except psycopg.OperationalError as away:
        raise Unacceptable(f"连不上 DATABASE_URL 所指的服务器：{away}") from away
    with closing(server):
        _hold(server, name)
        _drop_left(server)
        try:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege as refused:
            raise Unacceptable(
                "DATABASE_URL 所用的账号不能建数据库；请授予 CREATEDB，或换用演练专用的账号"
            ) from refused
        try:
            yield urlsplit(address)._replace(path=f"/{name}").geturl()
        finally:
            _drop(server, name)


def _hold(server: "psycopg.Connection[Any]", name: str) -> bool:
    """Hold the name of a scratch database as long as this connection lives."""
    number = int(name.removeprefix(_DATABASE), 16)
    row = server.execute("SELECT pg_try_advisory_lock(%s)", [number]).fetchone()
    return bool(row and row[0])


def _drop_left(server: "psycopg.Connection[Any]") -> None:
    """Drop what killed drills left."""
    found = server.execute(
        "SELECT datname FROM pg_database WHERE datname ~ %s", [f"^{_DATABASE}[0-9a-f]{{12}}$"]
    ).fetchall()
    for (name,) in found:
        if _hold(server, name):
            _drop(server, name)


def _drop(server: "psycopg.Connection[Any]", name: str) -> None:
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _entered(
    chosen: Manifest, *, seconds: float, found: Mapping[str, Any], faults: tuple[str, ...]
) -> Drilled:
    """Enter the drill in the log of the running installation, if it is here and the same."""
    newest = max((said["newest"] for said in chosen.log.values()), default="")
    at = datetime.fromtimestamp(time.time(), UTC)
    lost = int((at - datetime.fromisoformat(newest)).total_seconds()) if newest else None
    behind = None
    recorded = False
    if _has_installation():
        behind = _entry_behind(chosen, seconds=seconds, lost=lost, faults=faults)
        recorded = behind is not None
    age = int((at - chosen.moment).total_seconds())
    return Drilled(chosen.name, seconds, age, lost, behind, found, faults, recorded)


def _has_installation() -> bool:
    """Whether there is an installation here; asked without making anything of one."""
    default = Path(__file__).resolve().parents[4] / "var" / "home"
    home = Path(os.environ.get("LANTAI_HOME", default))
    address = os.environ.get("DATABASE_URL")
    if not address:
        return (home / "lantai.db").exists()
    try:
        with closing(psycopg.connect(address)) as server:
            row = server.execute("SELECT to_regclass('ledger_entry')").fetchone()
    except psycopg.OperationalError:
        return False
    return home.is_dir() and bool(row and row[0])


def _entry_behind(
    chosen: Manifest, *, seconds: float, lost: int | None, faults: tuple[str, ...]
) -> int | None:
    """Enter the drill; return how many entries the running log has that the backup has not.

    None if the installation here is another one: then nothing is entered.
    """
    from lantai.ops import home  # noqa: PLC0415 -- Django loads when needed

    home.ready(migrate=False)
    from django.conf import settings  # noqa: PLC0415 -- as above
    from django.db import transaction  # noqa: PLC0415 -- as above

    from lantai.ledger import queries  # noqa: PLC0415 -- models load after set-up
    from lantai.ledger import services as ledger  # noqa: PLC0415 -- as above

    if chosen.origin != settings.LANTAI_ORIGIN:
        return None
    behind = sum(
        max(0, queries.size_of(stream=stream) - int(said["entries"]))
        for stream, said in chosen.log.items()
    )
    with transaction.atomic():
        ledger.record(
            at=home.clock(),
            action=DRILLED,
            actor="ops",
            subject=f"backup:{chosen.name}",
            facts={
                "manifest_sha256": chosen.digest,
                "good": not faults,
                "faults": list(faults[:20]),
                "milliseconds": round(seconds * 1000),
                "lost_seconds": lost,
                "lost_entries": behind,
            },
        )
    return behind
