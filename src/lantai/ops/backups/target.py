"""The place where backups stand: each whole under its name, or not there."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lantai.lib.ocfl import disk
from lantai.lib.ocfl.layout import Store
from lantai.lib.refusals import Conflict, NotFound, Unacceptable
from lantai.ops.backups import manifest
from lantai.ops.backups.manifest import Manifest, Unfit
from lantai.ops.backups.names import KEYS

_MAKING: Final = ".making-"
_LOCK: Final = ".lock"


class Target:
    """A folder with backups; nothing of it is read or made before it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.backups = self.folder / "backups"
        self.incoming = self.folder / "incoming"

    def store(self, name: str) -> Store:
        """The copy of a store: ``store``, or ``secret``."""
        return Store(self.folder / name)

    def names(self) -> list[str]:
        """The backups that stand, oldest first."""
        if not self.backups.is_dir():
            return []
        return sorted(each.name for each in self.backups.iterdir() if each.name[0] != ".")

    def newest(self) -> Manifest | None:
        """The account of the newest backup. Raises Unfit."""
        names = self.names()
        return manifest.read(self.backups / names[-1]) if names else None

    def has_keys(self, name: str) -> bool:
        return (self.backups / name / KEYS).is_dir()

    def refuse_unless_apart(self, *taken: Path) -> None:
        """Raise Unacceptable if the target is in a place that is backed up, or holds it."""
        here = self.folder.resolve()
        for place in taken:
            there = place.resolve()
            if here == there or there in here.parents or here in there.parents:
                raise Unacceptable(
                    f"备份目标 {self.folder} 与数据所在的 {place} 互相包含，未备份；"
                    "请把备份放在另一块盘上的目录中"
                )

    def prepare(self) -> None:
        """Make the folders of a target. Raises Unacceptable for a folder with other things."""
        if self.folder.is_dir() and not self.backups.is_dir() and any(self.folder.iterdir()):
            raise Unacceptable(
                f"{self.folder} 中有别的文件，也不是以前的备份目标，未备份；请换用空的目录"
            )
        for folder in (self.backups, self.incoming):
            disk.make_folder(folder)
        disk.force_folder(self.folder)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one who makes a backup here. Raises Conflict."""
        try:
            with disk.alone(self.folder / _LOCK):
                yield
        except disk.Busy as busy:
            raise Conflict(f"{self.folder} 中正在做另一次备份；请等它结束后再试") from busy

    def leftovers(self) -> list[str]:
        """Names of backups that were begun and never came to their end; only under ``alone``."""
        found = (each.name for each in self.backups.glob(f"{_MAKING}*"))
        return sorted(name.removeprefix(_MAKING) for name in found)

    def sweep(self, name: str) -> None:
        disk.remove(self.backups / f"{_MAKING}{name}")

    def name_for(self, at: datetime) -> str:
        """The name of a backup of a moment; names follow one another as the moments do."""
        name = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        taken = set(self.names())
        if taken and max(taken) > name:
            raise Conflict(
                f"目标中已有更晚的备份 {max(taken)}，而现在的时间是 {name}；请核对本机时间后再备份"
            )
        return name if name not in taken else f"{name}-{sum(one[:16] == name for one in taken) + 1}"

    def begin(self, name: str) -> Path:
        """The folder in which a backup is made."""
        folder = self.backups / f"{_MAKING}{name}"
        folder.mkdir(disk.FOLDER_MODE)
        return folder

    def give_name(self, name: str) -> Path:
        """Let a backup that is all there stand under its name: from here on it is a backup."""
        disk.force_all(self.folder)
        whole = self.backups / name
        disk.move(self.backups / f"{_MAKING}{name}", whole)
        disk.force_folder(self.backups)
        return whole

    def drop_keys(self, name: str) -> None:
        """Let a backup be without its keys."""
        folder = self.backups / name / KEYS
        shutil.rmtree(folder)
        disk.force_folder(folder.parent)

    def chosen(self, moment: str | None) -> Manifest:
        """The newest backup, or the newest that is not after a moment. Raises NotFound, Unfit.

        ``moment`` is the name of a backup, or the beginning of one: a day, an hour.
        """
        names = self.names()
        if not names:
            raise NotFound(f"{self.folder} 中没有备份；请核对目录")
        if moment is None:
            return manifest.read(self.backups / names[-1])
        wanted = moment.replace("-", "").replace(":", "").replace(" ", "T")
        fitting = [name for name in names if name == moment or name.startswith(wanted)]
        if not fitting:
            raise NotFound(
                f"{self.folder} 中没有 {moment} 的备份；以 lantai backups --of 列出已有的备份"
            )
        return manifest.read(self.backups / fitting[-1])

    def accounts(self) -> Iterator[tuple[str, Manifest | None, str]]:
        """Every backup, oldest first: its name, its account, or why there is none."""
        for name in self.names():
            try:
                yield name, manifest.read(self.backups / name), ""
            except Unfit as unfit:
                yield name, None, str(unfit)


def is_same_disk(one: Path, other: Path) -> bool:
    """Whether two folders stand on one file system, and so are lost together."""
    return os.stat(one).st_dev == os.stat(other).st_dev  # noqa: PTH116 -- of two paths alike
