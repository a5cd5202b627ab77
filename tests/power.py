"""Every state a power cut may leave behind any writer of files, whatever calls it is made of.

The tree is looked at before and after each call that changes files; what differs is what the call
did. Names are certain once their folder was forced to disk, bytes once their file was; of all else
any subset may be there. Bytes not forced may be missing, cut, or zeros in their whole length; a
rename happened or did not; a call whose place is not there because an earlier one was lost has
done nothing.
"""

import itertools
import os
import random
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from crashing import Tree, make

from lantai.lib.ocfl import disk

# What Python tells of calls that change names; renames come as os.rename whichever was called.
_CHANGES = frozenset(
    {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT

FOLDER = 0
Names = dict[str, int]  # the number of the file that stands under a name, or FOLDER


@dataclass(frozen=True)
class Change:
    """A name that came, went or moved; ``file`` is its number, ``target`` is for a move."""

    kind: str
    path: str
    target: str = ""
    file: int = FOLDER

    @property
    def folder(self) -> str:
        return str(PurePosixPath(self.target or self.path).parent)


@dataclass(frozen=True)
class Moment:
    """After one call: what is certain, what may or may not be, and what was acknowledged."""

    names: Names
    pending: tuple[Change, ...]
    certain: dict[int, bytes]
    current: dict[int, bytes]
    acknowledged: int

    def states(self, chance: random.Random, most: int) -> Iterator[Tree]:
        """Every subset of what is pending, or as many by chance if there are too many."""
        dirty = [file for file in self.current if self.current[file] != self.certain[file]]
        held = [_variants(self.certain[file], self.current[file]) for file in dirty]
        choices: list[list[Any]] = [[None, change] for change in self.pending]
        count = 1
        for choice in (*choices, *held):
            count *= len(choice)
        picked: Iterator[tuple[Any, ...]]
        if count <= most:
            picked = itertools.product(*choices, *held)
        else:
            everything = tuple(choice[-1] for choice in (*choices, *held))
            some = (
                tuple(chance.choice(choice) for choice in (*choices, *held)) for _ in range(most)
            )
            picked = itertools.chain((everything,), some)
        for chosen in picked:
            changes = [change for change in chosen[: len(choices)] if change]
            written = dict(zip(dirty, chosen[len(choices) :], strict=True))
            names = _reached(_applied(self.names, changes))
            contents = {**self.certain, **written}
            yield {path: None if file == FOLDER else contents[file] for path, file in names.items()}


@dataclass
class Watch:
    """Looks at a home at every call; ``durable`` names files that see to their bytes themselves."""

    home: Path
    durable: Callable[[str], bool]
    moments: list[Moment] = field(default_factory=list)
    acknowledged: int = 0
    forgets: frozenset[str] = frozenset()
    on: bool = True
    _names: Names = field(default_factory=dict)  # as they are
    _certain_names: Names = field(default_factory=dict)
    _pending: list[Change] = field(default_factory=list)
    _certain: dict[int, bytes] = field(default_factory=dict)
    _current: dict[int, bytes] = field(default_factory=dict)
    _numbers: dict[int, int] = field(default_factory=dict)  # of the files that are there, by inode
    _one_at_a_time: Any = field(default_factory=threading.RLock)
    _looking: bool = False

    def acknowledge(self) -> None:
        """Say that the caller was told: from here on it must stand."""
        with self._one_at_a_time:
            self.look()
            self.acknowledged += 1
            self._mark()

    def states(
        self,
        *,
        most: int = 64,
        seed: int = 20261125,
        regards: Callable[[str], bool] = lambda path: True,
    ) -> Iterator[tuple[int, Tree]]:
        """Every state once for each number of acknowledged acts; at most so many a moment.

        Two that differ only in names that are not regarded are one.
        """
        chance = random.Random(seed)
        seen = set()
        for moment in self.moments:
            for tree in moment.states(chance, most):
                shown = frozenset(item for item in tree.items() if regards(item[0]))
                if (moment.acknowledged, shown) not in seen:
                    seen.add((moment.acknowledged, shown))
                    yield moment.acknowledged, tree

    def remade(
        self,
        scratch: Path,
        *,
        most: int = 64,
        seed: int = 20261125,
        regards: Callable[[str], bool] = lambda path: True,
    ) -> Iterator[tuple[int, Path]]:
        """Every state in a folder of its own, one after another, with the number of acts."""
        scratch.mkdir()
        found = self.states(most=most, seed=seed, regards=regards)
        for number, (acts, state) in enumerate(found):
            home = scratch / str(number)
            make(state, home)
            yield acts, home
            shutil.rmtree(home)

    def look(self) -> None:
        """Enter what changed since the last look."""
        with self._one_at_a_time:
            if not self.on or self._looking:
                return
            self._looking = True
            try:
                names, contents = self._seen()
                changes = list(_changes(self._names, names))
                dirty = any(
                    self._current.get(file) != content for file, content in contents.items()
                )
                self._names, self._pending = names, [*self._pending, *changes]
                for file, content in contents.items():
                    if self._current.get(file) != content:  # the same bytes are held once
                        self._current[file] = content
                    self._certain.setdefault(file, b"")
                for path, file in names.items():
                    if file != FOLDER and self.durable(path):
                        self._certain[file] = self._current[file]
                if changes or dirty:
                    self._mark()
            finally:
                self._looking = False

    def forced(self, descriptor: int) -> None:
        """Enter that a file's bytes, or a folder's names, are on disk."""
        with self._one_at_a_time:
            where = Path(f"/proc/self/fd/{descriptor}").readlink()
            if where.is_dir() and where.is_relative_to(self.home):
                self._force_names(str(where.relative_to(self.home)))
            elif (file := self._numbers.get(os.fstat(descriptor).st_ino)) is not None:
                self._certain[file] = self._current[file]
            self._mark()

    def forced_all(self) -> None:
        """Enter that everything is on disk."""
        with self._one_at_a_time:
            self._certain_names, self._pending = dict(self._names), []
            self._certain.update(self._current)
            self._mark()

    def begin(self) -> None:
        """Take what is there now as certain."""
        self._names, contents = self._seen()
        self._current, self._certain = dict(contents), dict(contents)
        self._certain_names = dict(self._names)
        self._mark()

    def _mark(self) -> None:
        self.moments.append(
            Moment(
                dict(self._certain_names),
                tuple(self._pending),
                dict(self._certain),
                dict(self._current),
                self.acknowledged,
            )
        )

    def _force_names(self, folder: str) -> None:
        left: list[Change] = []
        for change in self._pending:
            if change.folder != folder:
                left.append(change)
            elif change.kind in {"folder", "name"}:
                # On disk in its folder, which may itself have no name there yet.
                self._certain_names.setdefault(change.path, change.file)
            elif _possible(self._certain_names, change):
                self._certain_names = _applied(self._certain_names, [change])
            elif change.kind == "move" and change.file != FOLDER:
                # The name is on disk though that of its source never was.
                self._certain_names[change.target] = change.file
                left = [one for one in left if (one.path, one.file) != (change.path, change.file)]
            else:
                left.append(change)
        self._pending = left

    def _seen(self) -> tuple[Names, dict[int, bytes]]:
        names: Names = {}
        contents: dict[int, bytes] = {}
        numbers: dict[int, int] = {}
        for path in sorted(self.home.rglob("*")):
            named = str(path.relative_to(self.home))
            if path.is_dir():
                names[named] = FOLDER
            elif path.suffix != ".lock" and path.name != ".lock":
                inode = path.stat().st_ino
                number = self._numbers.get(inode) or numbers.get(inode)
                if number is None:
                    number = max([*self._certain, *self._current, *numbers.values(), 0]) + 1
                numbers[inode] = names[named] = number
                contents[number] = path.read_bytes()
        self._numbers = numbers
        return names, contents


@contextmanager
def watched(
    home: Path,
    patch: pytest.MonkeyPatch,
    *,
    durable: Callable[[str], bool] = lambda path: False,
    forgets: frozenset[str] = frozenset(),
) -> Iterator[Watch]:
    """Watch all that changes below a home; ``forgets`` fsync of "files", of "folders"."""
    home.mkdir(parents=True, exist_ok=True)
    watch = Watch(home.resolve(), durable, forgets=forgets)
    watch.begin()
    plain, all_forced = {name: getattr(os, name) for name in ("fsync", "fdatasync")}, disk.force_all

    def forcing(name: str) -> Callable[[Any], None]:
        def stand_in(descriptor: Any) -> None:
            number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
            watch.look()
            plain[name](number)
            kind = "folders" if Path(f"/proc/self/fd/{number}").is_dir() else "files"
            if kind not in forgets:
                watch.forced(number)

        return stand_in

    def force_all(folder: Path) -> None:
        watch.look()
        all_forced(folder)
        watch.forced_all()

    def heard(event: str, words: tuple[Any, ...]) -> None:
        if not watch.on:
            return
        if event in _CHANGES or (event == "open" and words[2] & _WRITING):
            watch.look()

    sys.addaudithook(heard)
    with patch.context() as patching:
        patching.setattr(os, "fsync", forcing("fsync"))
        patching.setattr(os, "fdatasync", forcing("fdatasync"))
        patching.setattr(disk, "force_all", force_all)
        try:
            yield watch
            watch.look()
        finally:
            watch.on = False


def _changes(before: Names, after: Names) -> Iterator[Change]:
    """What one call did, as the fewest changes that explain it."""
    gone = {path: file for path, file in before.items() if path not in after}
    fresh = {path: file for path, file in after.items() if before.get(path) != file}
    tops = [path for path in gone if str(PurePosixPath(path).parent) not in gone]
    for source in tops:
        target = _moved_to(source, before, after, fresh)
        if target is None:
            for path in sorted((path for path in gone if _is_in(path, source)), reverse=True):
                yield Change("remove", path, file=gone[path])
        else:
            yield Change("move", source, target, file=before[source])
            for path in [path for path in fresh if _is_in(path, target)]:
                del fresh[path]
    for path in sorted(fresh):
        if path in before and before[path] != FOLDER:
            yield Change("remove", path, file=before[path])
        yield Change("folder" if fresh[path] == FOLDER else "name", path, file=fresh[path])


def _moved_to(source: str, before: Names, after: Names, fresh: Names) -> str | None:
    """Where what stood under a name stands now, if it was moved."""
    if before[source] != FOLDER:
        return next((path for path, file in fresh.items() if file == before[source]), None)
    inside = {path[len(source) :]: file for path, file in before.items() if _is_in(path, source)}
    for path in fresh:
        if fresh[path] != FOLDER or len(inside) == 1:
            continue
        if all(after.get(path + rest) == file for rest, file in inside.items()):
            return path
    return None


def _applied(names: Names, changes: list[Change]) -> Names:
    after = dict(names)
    for change in changes:
        if not _possible(after, change):
            continue
        if change.kind in {"folder", "name"}:
            after[change.path] = change.file
            continue
        moved = {path: after.pop(path) for path in list(after) if _is_in(path, change.path)}
        if change.kind == "move":
            for path in [path for path in after if _is_in(path, change.target)]:
                del after[path]
            for path, file in moved.items():
                after[change.target + path[len(change.path) :]] = file
    return after


def _reached(names: Names) -> Names:
    """What the names from the top lead to."""
    found: Names = {}
    for path in sorted(names):
        if _has_folder(found, path):
            found[path] = names[path]
    return found


def _possible(names: Names, change: Change) -> bool:
    if change.kind in {"folder", "name"}:
        return _has_folder(names, change.path) and change.path not in names
    if names.get(change.path) != change.file:
        return False
    return change.kind == "remove" or _has_folder(names, change.target)


def _has_folder(names: Names, path: str) -> bool:
    parent = str(PurePosixPath(path).parent)
    return parent == "." or names.get(parent) == FOLDER


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _variants(certain: bytes, current: bytes) -> list[bytes]:
    """What may stand of bytes not forced: the old, a part, zeros, the new (which comes last)."""
    kept = len(certain) if current.startswith(certain) else 0
    grown = len(current) - kept
    cut = current[: kept + grown // 2]
    zeros = current[:kept] + b"\0" * grown
    return list(dict.fromkeys((certain, cut, zeros, current)))
