"""A snapshot of the database while others write, and a database out of a snapshot.

SQLite by its own online backup; PostgreSQL by its own ``pg_dump`` and ``pg_restore``, which must
be found (LANTAI_PG_BIN, else PATH) and be no older than the server.
"""

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import psycopg
from django.conf import settings
from django.db import connection, connections
from psycopg import sql
from psycopg.conninfo import make_conninfo

from lantai.lib.refusals import Conflict, Unacceptable
from lantai.ops.backups.manifest import Unfit

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"
_PAGES: Final = 4096  # copied between two looks at the progress
_UNDER_WAY: Final = "lantai restore under way: "


class Snapshot(Protocol):
    """The database as it was at one moment, whatever is written since."""

    kind: str
    engine: str

    def query(self, words: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Ask the snapshot; ``?`` stands for a value."""

    def tables(self) -> list[str]: ...

    def save(self, path: Path) -> None:
        """Write the snapshot to a file. Raises Unfit, OSError."""


def kind() -> str:
    """Which database this installation has."""
    return POSTGRESQL if connection.vendor == "postgresql" else SQLITE


@contextmanager
def snapshot() -> Iterator[Snapshot]:
    """Pin the database of the installation as it is now. Raises Unacceptable."""
    if kind() == SQLITE:
        path = _chosen()["NAME"]
        with closing(sqlite3.connect(path, isolation_level=None, timeout=20)) as held:
            held.execute("PRAGMA query_only=ON")
            held.execute("BEGIN")
            held.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on it is held
            yield _SQLite(held)
        return
    with _server() as server:
        found = _found("pg_dump", server)
        server.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        server.read_only = True
        (name,) = server.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        yield _PostgreSQL(server, found, str(name))


def rows(held: Snapshot) -> dict[str, int]:
    """How many rows each table has."""
    return {name: held.query(f'SELECT count(*) FROM "{name}"')[0][0] for name in held.tables()}  # noqa: S608 -- names of tables, from the database itself


def sqlite_faults(path: Path) -> list[str]:
    """What SQLite itself finds wrong in a file."""
    try:
        with closing(sqlite3.connect(path)) as held:
            told = [row[0] for row in held.execute("PRAGMA integrity_check(20)")]
    except sqlite3.DatabaseError as broken:
        return [str(broken)]
    return [] if told == ["ok"] else told


def refuse_unless_empty(token: str) -> None:
    """Raise Conflict if the database to be restored into holds anything.

    What the restore with this token left there when it was stopped is dropped. Raises
    Unacceptable where the account does not own the database.
    """
    if kind() == SQLITE:
        return
    with _server(autocommit=True) as server:
        held = _tables(server)
        if held and _comment(server) != _UNDER_WAY + token:
            raise Conflict(
                f"DATABASE_URL 所指的数据库不是空的（已有 {len(held)} 张表），未恢复任何内容；"
                "请新建一个空的数据库，让 DATABASE_URL 指向它"
            )
        _set_comment(server, _UNDER_WAY + token)
        _drop(server, held)


def withdraw(token: str) -> None:
    """Leave the database as empty as the restore with this token, which failed, found it."""
    if kind() == POSTGRESQL:
        with _server(autocommit=True) as server:
            if _comment(server) == _UNDER_WAY + token:
                _drop(server, _tables(server))
                _set_comment(server, None)


def load(path: Path) -> None:
    """Fill the empty PostgreSQL database from a saved snapshot: all or nothing. Raises Unfit."""
    with _server() as server:
        program = _found("pg_restore", server)
    words = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    _run([str(program), *words, f"--dbname={_conninfo()}", str(path)], doing="恢复")


def finish() -> None:
    """The restore into this database has come to its end."""
    if kind() == POSTGRESQL:
        with _server(autocommit=True) as server:
            _set_comment(server, None)


def restored_rows() -> dict[str, int]:
    """How many rows each table of the database has now."""
    with snapshot() as held:
        return rows(held)


def close() -> None:
    connections.close_all()


class _SQLite:
    kind = SQLITE
    engine = sqlite3.sqlite_version

    def __init__(self, held: sqlite3.Connection) -> None:
        self._held = held

    def query(self, words: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._held.execute(words, values).fetchall()

    def tables(self) -> list[str]:
        found = self.query(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        return sorted(str(row[0]) for row in found)

    def save(self, path: Path) -> None:
        with closing(sqlite3.connect(path)) as target:
            self._held.backup(target, pages=_PAGES)
            target.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
        if found := sqlite_faults(path):
            raise Unfit(f"数据库已损坏（{found[0]}），未备份；请先由最近的备份恢复，或请人修复")


class _PostgreSQL:
    kind = POSTGRESQL

    def __init__(
        self, server: "psycopg.Connection[tuple[Any, ...]]", dump: Path, name: str
    ) -> None:
        self._server, self._dump, self._name = server, dump, name
        self.engine = str(server.info.server_version // 10_000)

    def query(self, words: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        asked = words.replace("%", "%%").replace("?", "%s")
        return self._server.execute(asked.encode(), values).fetchall()

    def tables(self) -> list[str]:
        return _tables(self._server)

    def save(self, path: Path) -> None:
        words = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={self._name}"]
        _run(
            [str(self._dump), *words, f"--file={path}", f"--dbname={_conninfo()}"],
            doing="备份",
        )


def _server(*, autocommit: bool = False) -> "closing[psycopg.Connection[tuple[Any, ...]]]":
    address = make_conninfo(_conninfo(), password=_chosen()["PASSWORD"] or None)
    return closing(psycopg.connect(address, autocommit=autocommit))


def _drop(server: "psycopg.Connection[Any]", tables: Sequence[str]) -> None:
    for name in tables:
        server.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(sql.Identifier(name)))


def _tables(server: "psycopg.Connection[Any]") -> list[str]:
    found = server.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
    )
    return [str(row[0]) for row in found.fetchall()]


def _comment(server: "psycopg.Connection[Any]") -> str | None:
    row = server.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
        " WHERE datname = current_database()"
    ).fetchone()
    return row[0] if row else None


def _set_comment(server: "psycopg.Connection[Any]", text: str | None) -> None:
    """A restore that is under way is told by a comment on the database: no dump takes it along."""
    name = sql.Identifier(server.info.dbname)
    try:
        server.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, sql.Literal(text)))
    except psycopg.errors.InsufficientPrivilege as refused:
        raise Unacceptable(
            "DATABASE_URL 所用的账号不是这个数据库的所有者，未恢复任何内容；"
            "请用数据库的所有者恢复（CREATE DATABASE … OWNER …）"
        ) from refused


def _conninfo() -> str:
    """The address of the database without its password, which never stands in a command line."""
    chosen = _chosen()
    return make_conninfo(
        "",
        dbname=chosen["NAME"],
        user=chosen["USER"] or None,
        host=chosen["HOST"] or None,
        port=chosen["PORT"] or None,
        **{name: value for name, value in chosen.get("OPTIONS", {}).items() if _is_libpq(value)},
    )


def _is_libpq(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _chosen() -> Mapping[str, Any]:
    """The settings of the database."""
    chosen: Mapping[str, Any] = settings.DATABASES["default"]
    return chosen


def _found(program: str, server: "psycopg.Connection[Any]") -> Path:
    """A program of PostgreSQL that can speak with this server. Raises Unacceptable."""
    folder = settings.LANTAI_PG_BIN
    place = shutil.which(program, path=str(folder) if folder else None)
    wanted = server.info.server_version // 10_000
    advice = f"请安装 PostgreSQL {wanted} 的客户端程序，并以 LANTAI_PG_BIN 指明其目录"
    if place is None:
        raise Unacceptable(f"没有找到 {program}，不能备份或恢复 PostgreSQL 数据库；{advice}")
    told = subprocess.run([place, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"(\d+)(?:\.\d+)*", told)
    if version is None or int(version.group(1)) < wanted:
        said = told.strip() or "未知版本"
        raise Unacceptable(f"{place} 是 {said}，比数据库服务器（PostgreSQL {wanted}）旧；{advice}")
    return Path(place)


def _run(words: list[str], *, doing: str) -> None:
    environment = {**os.environ, "LC_ALL": "C"}
    if password := _chosen()["PASSWORD"]:
        environment["PGPASSWORD"] = password
    ran = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        said = ran.stderr.strip().splitlines()
        why = said[0] if said else f"退出码 {ran.returncode}"
        raise Unfit(f"PostgreSQL 数据库没有{doing}成：{why}")
