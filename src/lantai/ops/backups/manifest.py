"""What a backup holds: ``backup.json``, canonical JSON; its digest stands beside it and in the log.

- ``version``: 1
- ``name``: the backup's folder
- ``moment``: when the snapshot was taken (ISO 8601, UTC)
- ``origin``: name of the installation's log: a target is of one installation
- ``database``: kind (sqlite, postgresql), engine, rows of each table, newest migration of each app
- ``log``: for each stream: entries, moment of the newest, and for each suite the signed head
- ``files``: path → sha256, size, of every file of the backup beside this one
- ``packages``: how many packages; masters: how many files of the vault
- ``lacking``: what was lost before: it could not be copied, so it cannot be restored
- ``destroyed``: uids of dossiers whose keys were destroyed up to this moment
- ``shredded``: digests of masters whose own files were destroyed with them
- ``lock``: how the passphrase opens what is sealed
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from lantai.lib import canonical
from lantai.lib.ocfl import disk
from lantai.lib.ocfl.paths import is_path
from lantai.ops.backups.sealed import Lock

NAME: Final = "backup.json"
SIDECAR: Final = "backup.json.sha256"
VERSION: Final = 1
_MOST_BYTES: Final = 1 << 28
_HEX: Final = 64  # digits of a SHA-256


class Unfit(RuntimeError):
    """A backup, or a part of one, is not what was made: it is named, and nothing is restored."""


@dataclass(frozen=True)
class Manifest:
    """A backup's own account of itself; the fields are those of the file."""

    name: str
    moment: datetime
    origin: str
    database: Mapping[str, Any]
    log: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]
    packages: int
    masters: int
    lacking: tuple[str, ...]
    destroyed: tuple[str, ...]
    shredded: tuple[str, ...]
    lock: Lock

    def dumps(self) -> bytes:
        return canonical.dumps(
            {
                "version": VERSION,
                "name": self.name,
                "moment": self.moment.isoformat(),
                "origin": self.origin,
                "database": self.database,
                "log": self.log,
                "files": self.files,
                "packages": self.packages,
                "masters": self.masters,
                "lacking": self.lacking,
                "destroyed": self.destroyed,
                "shredded": self.shredded,
                "lock": self.lock.as_json(),
            }
        )

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.dumps()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of the backup's own files."""
        return sum(int(stated["size"]) for stated in self.files.values())


def write(folder: Path, made: Manifest) -> None:
    """Put the manifest and its digest into a backup that is being made."""
    with disk.create(folder / NAME) as stream:
        stream.write(made.dumps())
    with disk.create(folder / SIDECAR) as stream:
        stream.write(f"{made.digest}  {NAME}\n".encode())


def read(folder: Path) -> Manifest:
    """Read the manifest of a backup, held against its digest. Raises Unfit."""
    where = f"backups/{folder.name}/{NAME}"
    try:
        if (folder / NAME).stat().st_size > _MOST_BYTES:
            raise Unfit(f"{where} 大得不像备份的清单；请查明来历，或换用另一份备份")
        raw = (folder / NAME).read_bytes()
        said = (folder / SIDECAR).read_bytes()
    except OSError as failure:
        missing = Path(failure.filename or where).name
        raise Unfit(f"backups/{folder.name}/{missing} 读不出来：{failure.strerror}") from failure
    if said != f"{hashlib.sha256(raw).hexdigest()}  {NAME}\n".encode():
        raise Unfit(f"{where} 与旁边的摘要 {SIDECAR} 不符：其中一个已损坏；请换用另一份备份")
    try:
        return _parsed(raw, folder.name)
    except (ValueError, KeyError, TypeError, AttributeError) as strange:
        raise Unfit(f"{where} 不是本系统所写的清单（{strange}）") from strange


def _parsed(raw: bytes, name: str) -> Manifest:
    stated = canonical.loads(raw)
    if stated["version"] != VERSION:
        raise ValueError(f"版本 {stated['version']} 是更新的程序所写，请用那个程序恢复")
    if stated["name"] != name:
        raise ValueError(f"名称是 {stated['name']}，文件夹被改过名")
    moment = datetime.fromisoformat(stated["moment"])
    if moment.tzinfo is None:
        raise ValueError("没有时区")
    for path, said in stated["files"].items():
        if not (is_path(path) and len(said["sha256"]) == _HEX and said["size"] >= 0):
            raise ValueError(f"文件 {path} 的写法不对")
    for said in stated["log"].values():
        bytes.fromhex(said["root"])
        if not 0 <= said["signed"] <= said["entries"] or not isinstance(said["newest"], str):
            raise ValueError("日志的写法不对")
    if sum(stated["database"]["rows"].values()) < 0 or not stated["database"]["kind"]:
        raise ValueError("数据库的写法不对")
    return Manifest(
        name=stated["name"],
        moment=moment,
        origin=stated["origin"],
        database=stated["database"],
        log=stated["log"],
        files=stated["files"],
        packages=stated["packages"],
        masters=stated["masters"],
        lacking=tuple(stated["lacking"]),
        destroyed=tuple(stated["destroyed"]),
        shredded=tuple(stated["shredded"]),
        lock=Lock.read(stated["lock"]),
    )


def measured(folder: Path) -> dict[str, dict[str, Any]]:
    """The digest and size of every file of a backup that is being made, by its path."""
    return {
        str(path.relative_to(folder)): {"sha256": digest_of(path), "size": path.stat().st_size}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def faults(folder: Path, made: Manifest, *, only: Collection[str] | None = None) -> Iterator[str]:
    """Read the files of a backup, or ``only`` some; yield a sentence for each that is amiss."""
    for path, stated in sorted(made.files.items()):
        if only is not None and path not in only:
            continue
        where = f"backups/{folder.name}/{path}"
        try:
            size = (folder / path).stat().st_size
            if size != stated["size"]:
                yield f"{where} 应有 {stated['size']} 字节，现有 {size} 字节：被截断或改动"
            elif digest_of(folder / path) != stated["sha256"]:
                yield f"{where} 与清单中的摘要不符：已损坏"
        except FileNotFoundError:
            yield f"{where} 不在了"
        except OSError as failure:
            yield f"{where} 读不出来：{failure.strerror}"


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
