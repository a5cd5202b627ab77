"""What a witness knows: the logs it trusts, the heads it cosigned, the contradictions it saw.

One SQLite file of its own, written through to disk at each commit. At most one root can stand for
a size of a log: the table says so, not only the code. A witness that lost this file has nothing to
hold a log to, so it is retired with its key and another begins under another name; nothing here
makes the file anew where a key is.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Final

from lantai.lib.refusals import Conflict, Unacceptable
from lantai.lib.tlog import sm2, witness
from lantai.lib.tlog.note import NoteFault, VerifierKey
from lantai.lib.tlog.witness import Accept, Head, Refuse, Request
from lantai.witness import keys
from lantai.witness.keys import Cosigner

FILE: Final = "witness.db"
WAITS: Final = 10.0  # seconds, for another request's commit
VERSION: Final = 1
MAX_KEPT: Final = 10_000  # contradictions of a log: who stole its key cannot fill the disk
_STRANGE: Final = """NOT EXISTS (
    SELECT 1 FROM head WHERE origin = new.origin AND size = new.size AND root = new.root
)"""
_SCHEMA: Final = f"""
PRAGMA user_version = {VERSION};
CREATE TABLE identity (vkey TEXT NOT NULL, made_at INTEGER NOT NULL) STRICT;
CREATE TABLE log_key (
    vkey TEXT PRIMARY KEY, origin TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER
) STRICT;
CREATE TABLE head (
    origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, signed TEXT NOT NULL,
    at INTEGER NOT NULL, PRIMARY KEY (origin, size)
) STRICT, WITHOUT ROWID;
CREATE TABLE latest (
    origin TEXT PRIMARY KEY, address TEXT NOT NULL UNIQUE, size INTEGER NOT NULL,
    root BLOB NOT NULL, cosigned TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE TABLE evidence (
    number INTEGER PRIMARY KEY, origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL,
    kind TEXT NOT NULL, status INTEGER NOT NULL, why TEXT NOT NULL, request TEXT NOT NULL,
    against TEXT NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    times INTEGER NOT NULL, UNIQUE (origin, size, root, kind)
) STRICT;
CREATE TRIGGER head_stays BEFORE UPDATE ON head BEGIN SELECT RAISE(ABORT, 'a head stays'); END;
CREATE TRIGGER head_kept BEFORE DELETE ON head BEGIN SELECT RAISE(ABORT, 'a head stays'); END;
CREATE TRIGGER latest_grows BEFORE UPDATE ON latest WHEN new.size < old.size
    BEGIN SELECT RAISE(ABORT, 'a log grows'); END;
CREATE TRIGGER latest_begins BEFORE INSERT ON latest WHEN {_STRANGE}
    BEGIN SELECT RAISE(ABORT, 'another root'); END;
CREATE TRIGGER latest_agrees BEFORE UPDATE ON latest WHEN {_STRANGE}
    BEGIN SELECT RAISE(ABORT, 'another root'); END;
"""


class Retired(Conflict):
    """This witness has no memory to hold a log to and may not cosign."""


@dataclass(frozen=True)
class Cosigned:
    """The answer 200: the signature lines."""

    lines: str


@dataclass(frozen=True)
class LogState:
    """One trusted log and how far it was cosigned; ``at`` is a POSIX second."""

    origin: str
    keys: tuple[str, ...]
    size: int | None
    root: bytes | None
    at: int | None


@dataclass(frozen=True)
class Evidence:
    """A signed request that was refused; moments are POSIX seconds.

    ``against`` is the head it does not go with, as the log signed it; empty at size zero.
    ``since_cosigned``: the same head was cosigned later, so the trouble was the proof sent along.
    """

    number: int
    origin: str
    size: int
    root: bytes
    kind: str
    status: int
    why: str
    request: str
    against: str
    first_at: int
    last_at: int
    times: int
    since_cosigned: bool


def make(home: Path, cosigner: Cosigner, *, at: int) -> None:
    """Begin a witness: its store first, then its key. Raises Conflict where one has been."""
    keys.make_directory(home)
    store = home / FILE
    if (home / keys.FILE).exists():
        raise Conflict(f"{home} 已有见证私钥；一个见证只有一个私钥，另立见证请换一个目录和名称")
    if store.exists() and _has_cosigned(store):
        raise Conflict(f"{home} 已有见证记录；丢失私钥的见证应当停用，另立见证请换一个目录和名称")
    incoming = home / f".{FILE}.incoming"
    for left in (*home.glob(f"{incoming.name}*"), *home.glob(f"{FILE}*")):
        left.unlink()  # of a beginning that was stopped
    with closing(sqlite3.connect(incoming, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.executescript(f"BEGIN;{_SCHEMA}")
        database.execute("INSERT INTO identity VALUES (?, ?)", (cosigner.vkey, at))
        database.execute("COMMIT")
    incoming.chmod(0o600)
    incoming.rename(store)
    keys.sync_directory(home)
    keys.write(home, cosigner)


@dataclass(frozen=True)
class Store:
    """A witness's memory and key, opened for as long as a call lasts.

    Each call opens the file anew and never makes it: a file that has gone is noticed at once.
    """

    home: Path
    cosigner: Cosigner
    # Threads of one process queue here: SQLite's own wait is a sleep, of a second in some builds.
    _place: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @classmethod
    def open(cls, home: Path) -> "Store":
        """Open what ``make`` made. Raises Retired if key and store do not belong together."""
        cosigner = keys.read(home)
        store = cls(home, cosigner)
        if not (home / FILE).exists():
            raise Retired(
                f"{home} 有见证私钥而没有见证记录：失去记录的见证不能再签。"
                "请停用此私钥，告知各日志单位，并以新名称另立见证"
            )
        try:
            with store._connected() as database:
                version = database.execute("PRAGMA user_version").fetchone()[0]
                sound = database.execute("PRAGMA quick_check").fetchone()[0]
                names = [row[0] for row in database.execute("SELECT vkey FROM identity")]
        except sqlite3.DatabaseError as damage:
            raise Retired(f"见证记录 {home / FILE} 已损坏（{damage}）；{_RETIRE}") from damage
        if version != VERSION or sound != "ok":
            raise Retired(f"见证记录 {home / FILE} 已损坏（{sound}）；{_RETIRE}")
        if names != [cosigner.vkey]:
            raise Retired(f"见证记录 {home / FILE} 属于另一个私钥；{_RETIRE}")
        return store

    def trust(self, vkeys: Sequence[str], *, at: int) -> None:
        """Accept the signatures of these log keys from now on; the key's name is the origin."""
        found = _log_keys(vkeys)
        if self.cosigner.vkey in vkeys:
            raise Unacceptable("这是本见证自己的公钥；见证不为自己作证")
        with self._writing() as database:
            database.executemany(
                "INSERT INTO log_key (vkey, origin, since) VALUES (?, ?, ?)"
                " ON CONFLICT (vkey) DO UPDATE SET until = NULL",
                [(str(key), key.name, at) for key in found],
            )
            for origin in sorted({key.name for key in found}):
                ever = database.execute("SELECT vkey FROM log_key WHERE origin = ?", (origin,))
                if witness.suite_of(VerifierKey.parse(row[0]) for row in ever) is None:
                    raise Unacceptable(f"{origin} 的公钥分属两套算法；两套算法的日志名不同，请核对")

    def distrust(self, vkeys: Sequence[str], *, at: int) -> None:
        """Take log keys out of force; the heads they signed stay."""
        found = [str(key) for key in _log_keys(vkeys)]
        with self._writing() as database:
            trusted = {
                row[0] for row in database.execute("SELECT vkey FROM log_key WHERE until IS NULL")
            }
            if strange := [vkey for vkey in found if vkey not in trusted]:
                raise Unacceptable(*(f"此见证没有信任公钥 {vkey}；请核对" for vkey in strange))
            database.executemany(
                "UPDATE log_key SET until = ? WHERE vkey = ?", [(at, vkey) for vkey in found]
            )

    def add_checkpoint(self, request: Request, *, at: int) -> Cosigned | Refuse:
        """Judge, keep and cosign in one transaction; on disk when this returns.

        ``at`` before the last cosignature of the log is refused with 503: a larger head under an
        earlier time would say that the log was further than it was.
        """
        with self._connected() as database:
            verdict = _judged(database, request)
        if isinstance(verdict, Refuse) and verdict.contradiction is None:
            return verdict  # strangers do not get as far as the one writer's place
        with self._writing() as database:
            verdict = _judged(database, request)
            if isinstance(verdict, Refuse):
                if verdict.contradiction is not None and verdict.kept is not None:
                    _keep(database, verdict, verdict.kept, at=at)
                return verdict
            if at < _last_at(database, request.checkpoint.origin):
                why = "the clock of this witness stands before its last cosignature"
                return Refuse(HTTPStatus.SERVICE_UNAVAILABLE, why)
            line = self.cosigner.cosign(verdict.signed.text, at=at).line
            _advance(database, verdict, cosigned=f"{verdict.signed}{line}", at=at)
        return Cosigned(line)

    def checkpoint_at(self, address: str) -> str | None:
        """Return the last cosigned checkpoint of the log whose origin has this SHA-256 in hex."""
        with self._connected() as database:
            row = database.execute(
                "SELECT cosigned FROM latest WHERE address = ?", (address,)
            ).fetchone()
        return row[0] if row else None

    def logs(self) -> list[LogState]:
        """Every log with a key in force or a cosigned head, by origin."""
        with self._connected() as database:
            trusted: dict[str, list[str]] = {}
            for origin, vkey in database.execute(
                "SELECT origin, vkey FROM log_key WHERE until IS NULL ORDER BY since, vkey"
            ):
                trusted.setdefault(origin, []).append(vkey)
            heads = {
                row[0]: row[1:]
                for row in database.execute("SELECT origin, size, root, at FROM latest")
            }
        return [
            LogState(origin, tuple(trusted.get(origin, ())), *heads.get(origin, (None, None, None)))
            for origin in sorted({*trusted, *heads})
        ]

    def evidence(self, *, limit: int = 1000) -> list[Evidence]:
        """The kept contradictions, the newest first."""
        with self._connected() as database:
            database.row_factory = sqlite3.Row
            rows = database.execute(
                "SELECT *, EXISTS (SELECT 1 FROM head WHERE head.origin = evidence.origin"
                " AND head.size = evidence.size AND head.root = evidence.root) AS since_cosigned"
                " FROM evidence ORDER BY number DESC LIMIT ?",
                (limit,),
            ).fetchall()
        return [
            Evidence(**{**dict(row), "since_cosigned": bool(row["since_cosigned"])}) for row in rows
        ]

    def evidence_count(self) -> int:
        with self._connected() as database:
            count: int = database.execute("SELECT count(*) FROM evidence").fetchone()[0]
        return count

    def hold(self) -> sqlite3.Connection:
        """Open the file for whoever keeps this: while it is open no call's end tidies the journal.

        Calls read and write over connections of their own.
        """
        held = self._connection()
        held.execute("SELECT count(*) FROM identity").fetchone()
        return held

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with closing(self._connection()) as database:
            database.execute("PRAGMA synchronous = FULL")
            yield database

    def _connection(self) -> sqlite3.Connection:
        address = f"{(self.home / FILE).absolute().as_uri()}?mode=rw"
        return sqlite3.connect(address, uri=True, isolation_level=None, timeout=WAITS)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the one place of a writer; commit at the end, or leave no trace."""
        with self._place, self._connected() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")


_RETIRE: Final = "请停用此私钥，告知各日志单位，并以新名称另立见证"


def _has_cosigned(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            return database.execute("SELECT 1 FROM head LIMIT 1").fetchone() is not None
    except sqlite3.DatabaseError:
        return True  # whoever cannot be read may have cosigned


def _log_keys(vkeys: Sequence[str]) -> list[VerifierKey]:
    found, reasons = [], []
    for vkey in vkeys:
        try:
            key = VerifierKey.parse(vkey)
        except NoteFault:
            reasons.append(f"不是公钥（名称+标识+公钥）：{vkey}；请照日志单位书面告知的抄录")
            continue
        if witness.suite_of([key]) is None:
            reasons.append(f"{key.name} 的公钥类型 {key.type:02x} 不是日志签名公钥；请核对")
        elif sm2.is_sm2(key) and not sm2.available():
            reasons.append(f"{key.name} 以 SM2 签名，而此处不能核验；请先安装 gmssl_pyx")
        found.append(key)
    if reasons:
        raise Unacceptable(*reasons)
    return found


def _known(database: sqlite3.Connection, origin: str) -> dict[str, list[VerifierKey]]:
    rows = database.execute(
        "SELECT vkey FROM log_key WHERE origin = ? AND until IS NULL", (origin,)
    ).fetchall()
    return {origin: [VerifierKey.parse(row[0]) for row in rows]}


def _judged(database: sqlite3.Connection, request: Request) -> Accept | Refuse:
    """Judge a request by what the store knows."""
    head = request.checkpoint
    last = database.execute(
        "SELECT size, root FROM latest WHERE origin = ?", (head.origin,)
    ).fetchone()
    earlier = database.execute(
        "SELECT root FROM head WHERE origin = ? AND size = ?", (head.origin, head.size)
    ).fetchone()
    return witness.judge(
        request,
        known_logs=_known(database, head.origin),
        stored=Head(*last) if last else None,
        earlier=earlier[0] if earlier else None,
    )


def _last_at(database: sqlite3.Connection, origin: str) -> int:
    row = database.execute("SELECT at FROM latest WHERE origin = ?", (origin,)).fetchone()
    return row[0] if row else 0


def _advance(database: sqlite3.Connection, verdict: Accept, *, cosigned: str, at: int) -> None:
    head = verdict.checkpoint
    database.execute(
        "INSERT INTO head VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin, size) DO NOTHING",
        (head.origin, head.size, head.root, str(verdict.signed), at),
    )
    database.execute(
        "INSERT INTO latest VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET"
        " size = excluded.size, root = excluded.root, cosigned = excluded.cosigned,"
        " at = excluded.at",
        (head.origin, address_of(head.origin), head.size, head.root, cosigned, at),
    )


def _keep(database: sqlite3.Connection, refused: Refuse, kept: Request, *, at: int) -> None:
    """Write a contradiction down once; the same again only counts. The first MAX_KEPT stay."""
    head = kept.checkpoint
    (held,) = database.execute(
        "SELECT count(*) FROM evidence WHERE origin = ?"
        " AND NOT (size = ? AND root = ? AND kind = ?)",
        (head.origin, head.size, head.root, refused.contradiction),
    ).fetchone()
    if held >= MAX_KEPT:
        return
    against = database.execute(
        "SELECT signed FROM head WHERE origin = ? AND size IN (?, ("
        " SELECT size FROM latest WHERE origin = ?)) ORDER BY size = ? DESC LIMIT 1",
        (head.origin, head.size, head.origin, head.size),
    ).fetchone()
    database.execute(
        "INSERT INTO evidence (origin, size, root, kind, status, why, request, against,"
        " first_at, last_at, times) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)"
        " ON CONFLICT (origin, size, root, kind) DO UPDATE SET"
        " last_at = excluded.last_at, times = times + 1",
        (
            *(head.origin, head.size, head.root, refused.contradiction, refused.status),
            *(refused.why, bytes(kept).decode(), against[0] if against else "", at, at),
        ),
    )


def address_of(origin: str) -> str:
    """The name under which a log's checkpoint is served: SHA-256 of the origin, in hex."""
    return sha256(origin.encode()).hexdigest()
