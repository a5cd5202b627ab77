"""A storage root in a folder of this machine.

What enters was made in the stage, on the same file system, and forced to disk at one stroke; a
rename gives it its place, and the folders above it are forced after that.
"""

import errno
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from lantai.lib.ocfl import disk, inventory
from lantai.lib.ocfl.backend import Entry, Kind
from lantai.lib.ocfl.paths import joined

_OCCUPIED: Final = frozenset({errno.ENOTEMPTY, errno.EEXIST})


@dataclass(frozen=True)
class Local:
    """A root that is a folder; all it promises is in ``Backend``."""

    root: Path

    def entries(self, folder: str) -> list[Entry]:
        try:
            with os.scandir(self._path(folder)) as found:
                return sorted(Entry(entry.name, _kind(entry)) for entry in found)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def places(self, declaration: str, *, depth: int) -> Iterator[tuple[str, bool]]:
        """Nothing without its declaration: an object enters whole."""
        yield from self._places("", self.entries(""), declaration, depth)

    def open(self, path: str) -> BinaryIO:
        # A link is not followed, and a pipe in the place of a file is not waited for.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        return os.fdopen(os.open(self._path(path), flags), "rb")

    def is_free(self, files: Iterable[str]) -> bool:
        return not self.entries("")

    def found(self, files: Mapping[str, bytes], stage: Path) -> None:
        work = stage / "root"
        disk.remove(work)
        for path, held in files.items():
            disk.make_folder((work / path).parent)
            with disk.create(work / path) as stream:
                stream.write(held)
        disk.force_all(stage)
        disk.move(work, self.root)
        disk.force_folder(self.root.parent)

    def enter(self, made: Path, place: str, versions: Sequence[str], *, way: Path) -> None:
        """Move a new object in, with the missing folders above it, in one rename."""
        folder = self._path(place)
        while True:
            top = folder
            while not top.parent.exists():
                top = top.parent
            staged = way.joinpath(*folder.relative_to(top.parent).parts)
            disk.remove(way)
            disk.make_folder(staged.parent)
            disk.move(made, staged)
            disk.force_all(way)
            try:
                disk.move(way / top.name, top)
            except OSError as taken:
                # Another object may have entered under the same folder meanwhile.
                if taken.errno not in _OCCUPIED or top == folder:
                    raise
                disk.move(staged, made)
                continue
            break
        # The folders above may be another writer's, not on disk yet.
        for parent in (top.parent, *top.parent.parents):
            disk.force_folder(parent)
            if parent == self.root:
                return

    def extend(self, made: Path, place: str, versions: Sequence[str], *, was: bytes | None) -> None:
        folder = self._path(place)
        disk.force_all(made)
        for name in versions:
            disk.move(made / name, folder / name)
            disk.force_folder(folder)
        self._publish(made, folder)

    def publish(self, made: Path, place: str, *, was: bytes | None) -> None:
        disk.force_all(made)
        self._publish(made, self._path(place))

    def replace(self, good: Path, path: str, aside: Path) -> None:
        """The damaged bytes are moved, not copied: a bad medium may not give them any more."""
        target = self._path(path)
        disk.make_folder(aside.parent)
        disk.make_folder(target.parent)
        disk.force_all(good.parent)
        if os.path.lexists(target):
            disk.move(target, aside)
            disk.force_folder(aside.parent)
        disk.move(good, target)
        for parent in (target.parent, *target.parent.parents):
            disk.force_folder(parent)
            if parent == self.root:
                return

    def set_aside(self, path: str, aside: Path) -> None:
        target = self._path(path)
        disk.make_folder(aside.parent)
        disk.force_all(aside.parent)
        disk.move(target, aside)
        disk.force_folder(aside.parent)
        disk.force_folder(target.parent)

    def note(self, staged: Path, name: str) -> None:
        disk.force_all(staged.parent)
        disk.move(staged, self.root / name)
        disk.force_folder(self.root)

    def withdraw(self, made: Path, place: str) -> list[str]:
        """Nothing of a version is in the root before all of it is."""
        return []

    def unfinished(self, place: str) -> list[str]:
        return []

    def clear(self, place: str, version: str) -> list[str]:
        return []

    def _places(
        self, folder: str, entries: Sequence[Entry], declaration: str, depth: int
    ) -> Iterator[tuple[str, bool]]:
        for entry in entries:
            if entry.kind is not Kind.FOLDER:
                continue
            place = joined(folder, entry.name)
            inside = self.entries(place)
            if Entry(declaration, Kind.FILE) in inside:
                yield place, True
            elif depth > 1:
                yield from self._places(place, inside, declaration, depth - 1)

    def _publish(self, made: Path, folder: Path) -> None:
        sidecars = sorted(path.name for path in made.glob(f"{inventory.FILE}.*"))
        for name in (inventory.FILE, *sidecars):
            disk.move(made / name, folder / name)
        disk.force_folder(folder)

    def _path(self, path: str) -> Path:
        # Names that were listed come as they are, foreign ones among them; none leads out.
        parts = path.split("/") if path else []
        if not {"", ".", ".."}.isdisjoint(parts):
            raise ValueError(f"not a path below the root: {path!r}")
        return self.root.joinpath(*parts)


def _kind(entry: "os.DirEntry[str]") -> Kind:
    if entry.is_dir(follow_symlinks=False):
        return Kind.FOLDER
    return Kind.FILE if entry.is_file(follow_symlinks=False) else Kind.OTHER
