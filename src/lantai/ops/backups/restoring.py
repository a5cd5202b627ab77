"""A backup becomes an installation again: whole in its place, or not there.

All is brought into a folder beside the new home, every digest checked on the way, and the folder
gets the name of the home in one step at the end. Stopped before, the next call begins anew. The
settings are read only when the keys are in that folder, so that none are made there.
"""

import os
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha512
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lantai.lib import canonical
from lantai.lib.ocfl import disk, inventory, reader, writer
from lantai.lib.ocfl.faults import Unsound
from lantai.lib.ocfl.layout import At
from lantai.lib.refusals import Conflict, Unacceptable
from lantai.lib.sealing import Key, NotOpened
from lantai.lib.tlog.suite import SUITES
from lantai.ops.backups import manifest, parts, sealed
from lantai.ops.backups.manifest import Manifest, Unfit
from lantai.ops.backups.names import DATABASE, INCOMING, KEYS, LOG, OTHERS, POSITION, RESTORED
from lantai.ops.backups.sealed import WrongPassphrase
from lantai.ops.backups.target import Target
from lantai.ops.command import WrongUse

if TYPE_CHECKING:
    from lantai.ops.backups.proving import Known

_SAID: Final = 20  # faults told one by one
_MOVE_AWAY: Final = (
    "密钥和日志总取自最新的备份，而它已损坏，未恢复任何内容；"
    "请换用备份的副本，或把它移出 backups/ 之后再恢复较早的一份"
)
_UNDER_WAY: Final = ".restoring"
Told = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """How much is read once more at the end: packages (None for all) and pages."""

    packages: int | None
    pages: int


@dataclass(frozen=True)
class Restored:
    """What was restored, and what the checks at the end found."""

    manifest: Manifest
    newest: str  # name of the newest backup, which keys and log are of
    newer: "tuple[Known, ...]"  # logs that were signed farther than the database goes
    differences: tuple[str, ...]  # of the log with itself, as it was when it was backed up
    rows: int
    packages: int
    opened: int
    not_opened: tuple[str, ...]
    destroyed: int

    @property
    def is_whole(self) -> bool:
        return not (self.differences or self.not_opened or self.manifest.lacking)

    def as_json(self) -> dict[str, Any]:
        return {
            "backup": self.manifest.name,
            "moment": self.manifest.moment.isoformat(),
            "newest": self.newest,
            "whole": self.is_whole,
            "newer": [asdict(known) for known in self.newer],
            "differences": list(self.differences),
            "lacking": list(self.manifest.lacking),
            "rows": self.rows,
            "packages": self.packages,
            "opened": self.opened,
            "not_opened": list(self.not_opened),
            "destroyed": self.destroyed,
        }


def restore(
    *,
    source: Target,
    moment: str | None,
    home: Path,
    passphrases: Sequence[str],
    asked: Asked,
    told: Told,
) -> Restored:
    """Restore a backup as the data directory ``home``, which is not there yet or is empty.

    The database is SQLite in the home, or the empty PostgreSQL database of DATABASE_URL, as in
    the backup. Only for a process whose settings were not read yet. Raises Refusal and Unfit:
    then nothing is in place.
    """
    home = home.absolute()
    chosen = source.chosen(moment)
    newest = _newest(source)
    _refuse_taken(home)
    _refuse_damaged(source, chosen, newest)
    key = _opened(chosen, passphrases)
    newest_key = key if newest.lock == chosen.lock else _opened(newest, passphrases)
    told(f"备份 {chosen.name}：各文件与清单相符，口令正确")
    home.parent.mkdir(parents=True, exist_ok=True)
    building = home.parent / f".{home.name}.restoring"
    try:
        with disk.alone(home.parent / f".{home.name}.restore-lock"):
            token = _cleared(building)
            try:
                held = _bring_keys(source, newest, newest_key, building)
                database = _settled(building, chosen, token)
                _put_back(building, held, key=newest_key)
            except BaseException:
                disk.remove(building)
                raise
            try:
                restored = _brought(
                    building, source, chosen, newest, key=key, asked=asked, told=told
                )
            except BaseException:
                database.withdraw(token)
                database.close()
                disk.remove(building)
                raise
            _put_in_place(building, home)
            database.finish()
            database.close()
            return restored
    except disk.Busy as busy:
        raise Conflict(f"{home} 正由另一次恢复写入；请等它结束") from busy
    except NotOpened as closed:
        raise Unfit(f"备份 {chosen.name} 中有打不开的内容：{closed}") from closed


def _newest(source: Target) -> Manifest:
    """The backup that keys and log are taken from. Raises NotFound, Unfit."""
    try:
        return source.chosen(None)
    except Unfit as unfit:
        raise Unfit(f"{unfit}。{_MOVE_AWAY}") from unfit


def _brought(
    building: Path,
    source: Target,
    chosen: Manifest,
    newest: Manifest,
    *,
    key: Key,
    asked: Asked,
    told: Told,
) -> Restored:
    """Bring everything into the folder, each digest checked on the way, and look at it."""
    folder = source.backups / chosen.name
    for path, content, mode in sealed.opened_tree(folder / OTHERS, under=key, backup=chosen.name):
        parts.bring_small(building, path, content, mode)
    parts.bring_log(source.backups / newest.name / LOG, building)
    if chosen.name != newest.name:
        # As far as the database for the checks, so that they hold one against the other.
        parts.bring_log(folder / LOG, building, only=_checkpoints())
    _bring_masters(source, chosen, newest, building)
    told(f"影像库：{chosen.masters} 个文件，摘要相符")
    placed = _bring_packages(source, chosen)
    told(f"归档包：{len(placed)} 个，摘要相符")
    _bring_database(folder / DATABASE, building, chosen, key=key)
    told(f"数据库：{sum(chosen.database['rows'].values())} 行，与清单相符")
    restored = _checked(source, chosen, newest, placed, asked=asked)
    if chosen.name != newest.name:
        parts.bring_log(source.backups / newest.name / LOG, building, only=_checkpoints())
    if not restored.newer:
        _enter(chosen)
    return restored


def _cleared(building: Path) -> str:
    """An empty folder to restore into, and the token by which a stopped restore knows itself.

    The token stays as long as the folder does, and the folder until it becomes the home: so a
    database that was filled before a stop is known as this restore's own, and no other ever is.
    """
    disk.make_folder(building)
    path = building / _UNDER_WAY
    if not path.exists() or not path.read_bytes():
        path.unlink(missing_ok=True)
        with disk.create(path) as stream:
            stream.write(secrets.token_hex(16).encode())
        disk.force_all(building)
    for left in building.iterdir():
        if left.name != _UNDER_WAY:
            disk.remove(left) if left.is_dir() else left.unlink()
    return path.read_text()


def _put_in_place(building: Path, home: Path) -> None:
    from lantai.ops.backups import database  # noqa: PLC0415 -- Django loads when needed

    database.close()
    disk.force_all(building)
    if home.exists():
        home.rmdir()  # it is empty, or this fails
    disk.move(building, home)
    disk.force_folder(home.parent)
    (home / _UNDER_WAY).unlink()


def _refuse_taken(home: Path) -> None:
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise Conflict(f"{home} 不是空的，未恢复任何内容；请以 --home 指明一个新的目录")
    if home.is_mount():
        raise Conflict(f"{home} 是挂载点，不能整体换上；请恢复到其下的一个新目录")


def _refuse_damaged(source: Target, chosen: Manifest, newest: Manifest) -> None:
    """Read the backup's own files, all of them, before anything is made. Raises Unacceptable."""
    own = [path for path in chosen.files if not _is_of_newest(path)]
    found = list(manifest.faults(source.backups / chosen.name, chosen, only=own))
    if chosen.name != newest.name:
        found += manifest.faults(source.backups / chosen.name, chosen, only=[LOG])
    advice = "备份已损坏，未恢复任何内容；请以 --moment 改用另一份，或换用备份的副本"
    taken = [path for path in newest.files if _is_of_newest(path)]
    if lost := list(manifest.faults(source.backups / newest.name, newest, only=taken)):
        found += lost
        advice = _MOVE_AWAY
    if found:
        raise Unacceptable(*found[:_SAID], advice)


def _is_of_newest(path: str) -> bool:
    """Whether a part is taken from the newest backup, whichever moment is restored."""
    return path == LOG or path.startswith(f"{KEYS}/")


def _opened(chosen: Manifest, passphrases: Sequence[str]) -> Key:
    for passphrase in passphrases:
        try:
            return chosen.lock.opened_by(passphrase)
        except WrongPassphrase:
            continue
    raise WrongPassphrase(f"备份口令打不开备份 {chosen.name}，未恢复任何内容；请核对口令后重试")


def _bring_keys(source: Target, newest: Manifest, key: Key, building: Path) -> dict[str, str]:
    """Bring the keys of the newest backup; return those of the rings, still wrapped."""
    destroyed, held = set(newest.destroyed), dict[str, str]()
    folder = source.backups / newest.name / KEYS
    for path, content, mode in sealed.opened_tree(folder, under=key, backup=newest.name):
        if path.startswith(f"{parts.ESCROW}/"):
            held.update(canonical.loads(content))
        else:
            parts.bring_small(building / KEYS, path, content, mode)
    return {
        place: "" if place.rpartition("/")[2] in destroyed else text for place, text in held.items()
    }


def _put_back(building: Path, held: dict[str, str], *, key: Key) -> None:
    """Wrap the keys of the rings under a key-encryption key of the new home's own."""
    from django.conf import settings  # noqa: PLC0415 -- Django loads when needed

    from lantai.vault import keys  # noqa: PLC0415 -- models load after set-up

    keys.put_back(building, held, under=key, suite=settings.LANTAI_SEALING)


def _settled(building: Path, chosen: Manifest, token: str) -> Any:
    """Read the settings for the new home; refuse if they are not those of the backup."""
    os.environ["LANTAI_HOME"] = str(building)
    from lantai.ops import home as place  # noqa: PLC0415 -- Django loads when needed

    place.ready(migrate=False)
    from django.conf import settings  # noqa: PLC0415 -- as above

    from lantai.ops.backups import database  # noqa: PLC0415 -- as above

    if chosen.origin != settings.LANTAI_ORIGIN:
        raise WrongUse(
            f"这是 {chosen.origin} 的备份，而设置的是 {settings.LANTAI_ORIGIN}；"
            "请把 LANTAI_ORG 设为备份时的值"
        )
    kind = chosen.database["kind"]
    if kind != database.kind():
        advice = (
            "请去掉 DATABASE_URL" if kind == database.SQLITE else "请以 DATABASE_URL 指明空的数据库"
        )
        raise WrongUse(f"备份的数据库是 {kind}，与设置的不同；{advice}")
    database.refuse_unless_empty(token)
    return database


def _bring_masters(source: Target, chosen: Manifest, newest: Manifest, building: Path) -> None:
    listed = parts.masters_in(source.backups / chosen.name / INCOMING)
    shredded = set(newest.shredded)
    found = []
    for master in listed.values():
        if Path(master.path).name in shredded:
            continue
        try:
            parts.bring_master(source.incoming, master, building)
        except Unfit as lost:
            found.append(str(lost))
    if found:
        raise Unacceptable(*found[:_SAID], f"影像有 {len(found)} 个文件不能恢复，未恢复任何内容")


def _bring_packages(source: Target, chosen: Manifest) -> list[At]:
    """Bring every package, at the version of the moment, into the store of the installation."""
    from lantai.ops.backups.making import stores  # noqa: PLC0415 -- models load after set-up
    from lantai.vault import packages  # noqa: PLC0415 -- as above

    first, placed, found = stores(), [], []
    lacking = {said.partition(":")[0] for said in chosen.lacking}
    for line in parts.lines(source.backups / chosen.name / POSITION):
        row = canonical.loads(line.removesuffix(b"\n"))
        name, uid, version = row["store"], row["dossier"], row["version"]
        if f"{name}/{uid}/v{version}" in lacking:
            continue
        object_id = packages.object_id(uid)
        at = first[name].at(object_id)
        try:
            writer.adopt(first[name], object_id, source.store(name), upto=version)
            raw = reader.inventory_in(at, f"v{version}").raw
        except Unsound as unsound:
            found.append(f"{name}/{source.store(name).at(object_id)}：{unsound}")
            continue
        if sha512(raw).hexdigest() != row["inventory_sha512"]:
            where = f"{name}/{source.store(name).at(object_id)}/v{version}/{inventory.FILE}"
            found.append(f"{where} 与备份时登记的摘要不符")
        placed.append(at)
    if found:
        raise Unacceptable(*found[:_SAID], f"归档包有 {len(found)} 个不能恢复，未恢复任何内容")
    return placed


def _bring_database(path: Path, building: Path, chosen: Manifest, *, key: Key) -> None:
    from django.core.management import call_command  # noqa: PLC0415 -- Django loads when needed

    from lantai.ops.backups import database  # noqa: PLC0415 -- as above

    in_home = chosen.database["kind"] == database.SQLITE
    plain = building / ("lantai.db" if in_home else "database.dump")
    sealed.unseal_file(path, plain, under=key, backup=chosen.name, name=DATABASE)
    if in_home:
        if broken := database.sqlite_faults(plain):
            raise Unfit(f"恢复出的数据库不完整：{broken[0]}")
    else:
        database.load(plain)
        plain.unlink()
    said, have = chosen.database["rows"], database.restored_rows()
    if said != have:
        tables = sorted(name for name in said.keys() | have if said.get(name) != have.get(name))
        raise Unfit(f"恢复出的数据库行数与清单不符：{'、'.join(tables)}")
    call_command("migrate", verbosity=0, interactive=False)


def _checked(
    source: Target, chosen: Manifest, newest: Manifest, placed: Collection[At], *, asked: Asked
) -> Restored:
    from lantai.ops.backups import proving  # noqa: PLC0415 -- models load after set-up

    seed = secrets.randbits(32)
    others = [each for _, each, _ in source.accounts() if each and each.name > chosen.name]
    faults = proving.check_packages(placed, asked.packages, seed=seed)
    if faults:
        raise Unacceptable(*faults[:_SAID], "恢复出的归档包不完整，未恢复任何内容")
    pages = proving.open_pages(asked.pages, destroyed=newest.destroyed, seed=seed)
    return Restored(
        manifest=chosen,
        newest=newest.name,
        newer=tuple(proving.newer_heads(chosen, others)),
        differences=tuple(proving.log_differences(chosen)),
        rows=sum(chosen.database["rows"].values()),
        packages=len(placed),
        opened=pages.opened,
        not_opened=pages.failed,
        destroyed=pages.destroyed,
    )


def _enter(chosen: Manifest) -> None:
    from django.db import transaction  # noqa: PLC0415 -- Django loads when needed

    from lantai.ledger import services as ledger  # noqa: PLC0415 -- models load after set-up
    from lantai.ops.home import clock  # noqa: PLC0415 -- as above

    with transaction.atomic():
        ledger.record(
            at=clock(),
            action=RESTORED,
            actor="ops",
            subject=f"backup:{chosen.name}",
            facts={"manifest_sha256": chosen.digest, "moment": chosen.moment.isoformat()},
        )


def _checkpoints() -> tuple[str, ...]:
    return tuple(suite.checkpoint for suite in SUITES)
