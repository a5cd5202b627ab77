"""Make a backup: whole under its name, or not there. The order is argued in the package."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha512
from itertools import chain
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from lantai.ledger import files, queries
from lantai.ledger import services as ledger
from lantai.ledger.keys import KeyFault
from lantai.ledger.models import STREAMS, Entry
from lantai.ledger.queries import LogDamaged
from lantai.lib import canonical
from lantai.lib.ocfl import disk, reader, writer
from lantai.lib.ocfl.faults import Unsound
from lantai.lib.ocfl.layout import Store
from lantai.lib.refusals import Conflict, Refusal, Unacceptable
from lantai.lib.sealing import Key, NotOpened
from lantai.ops.backups import asking, database, forgetting, manifest, parts, sealed
from lantai.ops.backups.asking import Package, Said
from lantai.ops.backups.database import Snapshot
from lantai.ops.backups.failures import FAILURES, said_of
from lantai.ops.backups.manifest import Manifest, Unfit
from lantai.ops.backups.names import (
    DATABASE,
    FAILED,
    INCOMING,
    KEYS,
    LOG,
    MADE,
    OTHERS,
    POSITION,
)
from lantai.ops.backups.parts import Changed, Master
from lantai.ops.backups.sealed import Lock, WrongPassphrase
from lantai.ops.backups.target import Target
from lantai.preservation import places
from lantai.vault import keys as ring_keys
from lantai.vault import packages
from lantai.vault.keys import KeyMissing, Ring

_LOCK: Final = ".backup-lock"
_TRIES: Final = 5
_TOLD_EVERY: Final = 1000
# What ends a backup, and is entered as its end.
ENDS: Final = (Refusal, LogDamaged, KeyFault, KeyMissing, NotOpened, *FAILURES)

Told = Callable[[str], None]
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Made:
    """A backup that stands, and what was done for it."""

    manifest: Manifest
    folder: Path
    new_masters: int
    keys_dropped: tuple[str, ...]
    damaged: tuple[str, ...]  # older backups that cannot be read any more, each with why
    seconds: float


def make(
    *, target: Target, passphrase: str, change: bool, by: str, clock: Clock, told: Told
) -> Made:
    """Back up the installation. ``change`` lets the passphrase differ from the backup's before.

    A failure is entered in the log before it is raised. Raises one of ENDS.
    """
    began = time.monotonic()
    home: Path = settings.LANTAI_HOME
    _refuse_unless_ready(home)
    here = (store.home for store in stores().values() if store.elsewhere is None)
    target.refuse_unless_apart(home, *here)
    target.prepare()
    with target.alone(), _alone_in(home):
        disk.remove(home / parts.SCRATCH)  # what a killed backup left: the plain database
        _take_up(target, by=by, at=clock())
        at = clock()
        name = target.name_for(at)
        try:
            before = _before(target)
            lock, key = _locked(before, passphrase, change=change)
            made, new = _whole(target, name, before, lock, key, at=at, told=told)
        except ENDS as failure:
            target.sweep(name)
            why = {"target": str(target.folder), "why": said_of(failure)}
            _enter(FAILED, name, why, by, clock())
            raise
        finally:
            disk.remove(home / parts.SCRATCH)
        _enter(MADE, name, _facts(target, made), by, clock())
        dropped = tuple(forgetting.drop_keys(target, made, at=at))
        unread = forgetting.drop_masters(target, made)
    seconds = time.monotonic() - began
    return Made(made, target.backups / name, new, dropped, unread, seconds)


@contextmanager
def _alone_in(home: Path) -> Iterator[None]:
    """Be the only backup of a home, whatever its target: there is one place for the snapshot."""
    try:
        with disk.alone(home / _LOCK):
            yield
    except disk.Busy as busy:
        raise Conflict(f"{home} 正在备份到另一处；请等它结束后再试") from busy


def _refuse_unless_ready(home: Path) -> None:
    """Raise Unacceptable for a home without tables, or with those of an older program."""
    if "ledger_entry" not in connection.introspection.table_names():
        raise Unacceptable(f"{home} 中还没有系统，没有可备份的；请核对 --home 或 LANTAI_HOME")
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise Unacceptable(
            "数据库还没有升级到这一版程序，未备份；升级之前的备份，请用升级之前的程序来做"
        )


def _whole(
    target: Target,
    name: str,
    before: Manifest | None,
    lock: Lock,
    key: Key,
    *,
    at: datetime,
    told: Told,
) -> tuple[Manifest, int]:
    home: Path = settings.LANTAI_HOME
    known = _known_masters(target, before)
    folder = target.begin(name)
    masters: dict[str, Master] = {}
    new = _take_masters(home, target, known, masters, told)
    told(f"影像库：{len(masters)} 个文件，新复制 {new} 个")
    with _of_one_moment(home, folder / LOG) as held:
        said = asking.ask(held)
        told("日志已复制，数据库已取快照")
        _save_database(held, home, folder / DATABASE, key=key, name=name)
    told(f"数据库：{sum(said.database['rows'].values())} 行，已密封")
    # Soon after the snapshot: what it names may leave the vault for a package it does not name.
    new += _take_masters(home, target, known, masters, told)
    destroyed = _save_keys(home, folder, said, key=key, name=name)
    first = stores()
    others = parts.others(home, list(first.values()))
    sealed.seal_tree(others, folder / OTHERS, under=key, backup=name)
    lacking = _copy_packages(target, before, said, first, told)
    told(f"归档包：{len(said.packages)} 个，已在副本中")
    listed = [one for _, one in sorted(masters.items()) if Path(one.path).name not in said.left]
    parts.write_lines(folder / INCOMING, (master.dumps() for master in listed))
    parts.write_lines(folder / POSITION, (_position(row) for row in said.packages))
    made = Manifest(
        name=name,
        moment=at.astimezone(UTC),
        origin=settings.LANTAI_ORIGIN,
        database=said.database,
        log=said.log,
        files=manifest.measured(folder),
        packages=len(said.packages),
        masters=len(listed),
        lacking=tuple(lacking),
        destroyed=destroyed,
        shredded=said.shredded,
        lock=lock,
    )
    manifest.write(folder, made)
    target.give_name(name)
    told(f"备份 {name} 已完成")
    return made, new


def _take_up(target: Target, *, by: str, at: datetime) -> None:
    """Sweep and enter what was stopped; enter what stands and never was entered."""
    parts.sweep_incoming(target.incoming)
    for name in target.leftovers():
        _enter(FAILED, name, {"target": str(target.folder), "why": "备份中断，没有完成"}, by, at)
        target.sweep(name)
    newest = _readable(target)
    if newest and not Entry.objects.filter(action=MADE, subject=f"backup:{newest.name}").exists():
        _enter(MADE, newest.name, _facts(target, newest), by, at)


def _readable(target: Target) -> Manifest | None:
    """The newest backup of which the manifest is whole; damaged ones are told by ``Made``."""
    found = [made for _, made, _ in target.accounts() if made is not None]
    return found[-1] if found else None


def _before(target: Target) -> Manifest | None:
    """The newest backup that can be read. Raises Unacceptable if it is another installation's."""
    before = _readable(target)
    if before is not None and before.origin != settings.LANTAI_ORIGIN:
        raise Unacceptable(
            f"{target.folder} 中是 {before.origin} 的备份，而本系统是 {settings.LANTAI_ORIGIN}，"
            "未备份；请换用另一个目录"
        )
    return before


def _locked(before: Manifest | None, passphrase: str, *, change: bool) -> tuple[Lock, Key]:
    """The lock of the backup before, or a new one. Raises WrongPassphrase, Unacceptable."""
    if before is None or change:
        return Lock.of(passphrase, settings.LANTAI_SEALING)
    try:
        return before.lock, before.lock.opened_by(passphrase)
    except WrongPassphrase as other:
        raise WrongPassphrase(
            f"备份口令与上一份备份 {before.name} 的不同，未备份；"
            "若确要换用新口令，请加 --new-passphrase"
        ) from other


@contextmanager
def _of_one_moment(home: Path, log: Path) -> Iterator[Snapshot]:
    """Save the log and pin the database while nobody publishes: both are as far as each other."""
    with ExitStack() as held:
        with ExitStack() as publishers:
            for stream in STREAMS:
                publishers.enter_context(files.publishing(files.folder_of(home, stream)))
                queries.refuse_if_rolled_back(stream=stream)
            pinned = held.enter_context(database.snapshot())
            parts.save_log(home, log)
        yield pinned


def _save_database(held: Snapshot, home: Path, path: Path, *, key: Key, name: str) -> None:
    """Seal the snapshot; its plain text stands in the home meanwhile, where the database is."""
    scratch = home / parts.SCRATCH
    disk.remove(scratch)
    scratch.mkdir(0o700)
    plain = scratch / "database"
    held.save(plain)
    sealed.seal_file(plain, path, under=key, backup=name, name=path.name)
    disk.remove(scratch)


def _save_keys(home: Path, folder: Path, said: Said, *, key: Key, name: str) -> tuple[str, ...]:
    """Seal every key; return the dossiers whose keys were destroyed.

    Those of the rings are wrapped under the key of the backup: what a token holds is not needed
    to read them.
    """
    held = ring_keys.taken_out(home, under=key)
    gone = {stem for stem, text in held.items() if not text}
    destroyed = {*said.destroyed, *(stem.rpartition("/")[2] for stem in gone)}
    held.update({place: "" for place in held if place.rpartition("/")[2] in destroyed})
    for _ in range(_TRIES):
        try:
            files_held = parts.keys(home, rings=[str(ring) for ring in Ring])
            held_too = chain(files_held, parts.escrowed(held))
            sealed.seal_tree(held_too, folder / KEYS, under=key, backup=name)
        except Changed:
            disk.remove(folder / KEYS)
        else:
            return tuple(sorted(destroyed))
    raise Conflict("日志的密钥正在更换，没有备份成；请等更换完成后再备份")


def _take_masters(
    home: Path, target: Target, known: Mapping[str, Master], into: dict[str, Master], told: Told
) -> int:
    new = 0
    with closing(parts.copy_masters(home, target.incoming, {**known, **into})) as copied:
        for master, fresh in copied:
            into[master.path] = master
            new += fresh
            if fresh and new % _TOLD_EVERY == 0:
                told(f"影像库：已复制 {new} 个文件")
    return new


def _copy_packages(
    target: Target, before: Manifest | None, said: Said, first: Mapping[str, Store], told: Told
) -> list[str]:
    """Bring every package into the target; return what could not be, since it was lost before."""
    known = set[bytes]()
    if before is not None:
        folder = target.backups / before.name
        if not list(manifest.faults(folder, before, only=[POSITION])):
            known = set(parts.lines(folder / POSITION))
    lacking = []
    for number, row in enumerate(said.packages):
        if number and number % _TOLD_EVERY == 0:
            told(f"归档包：已看过 {number} / {len(said.packages)} 个")
        store, uid, version, digest = row
        object_id = packages.object_id(uid)
        copy = target.store(store).at(object_id)
        if _position(row) in known and copy.entries(f"v{version}"):
            continue
        try:
            writer.adopt(target.store(store), object_id, first[store], upto=version)
            stands = reader.inventory_in(copy, f"v{version}")
        except Unsound as lost:
            lacking.append(f"{store}/{uid}/v{version}: {lost}")
            continue
        except disk.Busy as busy:
            raise Conflict("副本正被另一程序写入，没有备份成；请稍候再试") from busy
        if sha512(stands.raw).hexdigest() != digest:
            lacking.append(f"{store}/{uid}/v{version}: 清单与归档时登记的摘要不符")
    return lacking


def _known_masters(target: Target, before: Manifest | None) -> Mapping[str, Master]:
    """What the backup before lists; nothing if the list was damaged, so that all is read again."""
    if before is None:
        return {}
    try:
        return forgetting.masters_of(target, before)
    except Unfit:
        return {}


def _position(row: Package) -> bytes:
    store, uid, version, digest = row
    stated = {"store": store, "dossier": uid, "version": version, "inventory_sha512": digest}
    return canonical.dumps(stated) + b"\n"


def _facts(target: Target, made: Manifest) -> dict[str, Any]:
    return {
        "target": str(target.folder),
        "manifest_sha256": made.digest,
        "moment": made.moment.isoformat(),
        "bytes": made.size,
        "packages": made.packages,
        "masters": made.masters,
        "lacking": len(made.lacking),
    }


def _enter(action: str, name: str, facts: Mapping[str, Any], by: str, at: datetime) -> None:
    with transaction.atomic():
        ledger.record(at=at, action=action, actor=by, subject=f"backup:{name}", facts=facts)


def stores() -> dict[str, Store]:
    """The stores of the installation, by the names their copies have in a target."""
    found = {place.value: places.store_at(place) for place in places.FIRST}
    return {name: store for name, store in found.items() if store is not None}
