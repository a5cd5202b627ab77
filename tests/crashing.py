"""Every state a power cut may leave behind a writer of files.

A run of the real writer is recorded call by call (the calls of ``lantai.lib.ocfl.disk``). After
each call the power may go: what was forced to disk is there, and of all else any subset. A file
that was not forced may be empty, cut or whole; a rename happened or did not; a call whose place
is not there because an earlier call was lost has done nothing.
"""

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import pytest

from lantai.lib.ocfl import disk

# A folder is None, a file its bytes; by the path below the store's home.
Tree = dict[str, bytes | None]
MOST_SUBSETS = 256


@dataclass(frozen=True)
class Call:
    """A call that changes names or bytes; ``target`` for a move, ``held`` for a file."""

    kind: str
    path: str
    target: str = ""
    held: bytes = b""


@dataclass(frozen=True)
class Moment:
    """After one call: what is certain, what may or may not be, and what was acknowledged."""

    certain: Tree
    pending: tuple[Call, ...]
    acknowledged: int

    def states(self, chance: random.Random) -> Iterator[Tree]:
        """Every subset of what is pending, or as many by chance if there are too many."""
        choices = [_variants(call) for call in self.pending]
        count = 1
        for choice in choices:
            count *= len(choice)
        if count <= MOST_SUBSETS:
            for chosen in itertools.product(*choices):
                yield applied(self.certain, [call for call in chosen if call])
            return
        for _ in range(MOST_SUBSETS):
            some = [chance.choice(choice) for choice in choices]
            yield applied(self.certain, [call for call in some if call])


@dataclass
class Recorder:
    """Watches the calls of a writer below a home, and what was acknowledged between them."""

    home: Path
    moments: list[Moment] = field(default_factory=list)
    certain: Tree = field(default_factory=dict)
    pending: list[Call] = field(default_factory=list)
    acknowledged: int = 0
    forgets: frozenset[str] = frozenset()

    def acknowledge(self) -> None:
        self.acknowledged += 1
        self._mark()

    def _mark(self) -> None:
        self.moments.append(Moment(dict(self.certain), tuple(self.pending), self.acknowledged))

    def _seen(self, call: Call) -> None:
        self.pending.append(call)
        self._mark()

    def _named(self, path: Path) -> str:
        return str(path.relative_to(self.home))

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Stand between the writer and the calls; each is made as well as recorded."""
        real: dict[str, Callable[..., Any]] = {
            name: getattr(disk, name)
            for name in ("make_folder", "create", "move", "force_all", "force_folder", "remove")
        }

        def make_folder(folder: Path) -> None:
            new = not folder.is_dir()
            real["make_folder"](folder)
            if new:
                self._seen(Call("folder", self._named(folder)))

        @contextmanager
        def create(path: Path) -> Iterator[BinaryIO]:
            with real["create"](path) as stream:
                yield stream
            self._seen(Call("file", self._named(path), held=path.read_bytes()))

        def move(source: Path, target: Path) -> None:
            real["move"](source, target)
            self._seen(Call("move", self._named(source), self._named(target)))

        def remove(folder: Path) -> None:
            there = folder.exists()
            real["remove"](folder)
            if there:
                self._seen(Call("remove", self._named(folder)))

        def force_all(folder: Path) -> None:
            if "force_all" not in self.forgets:
                self.certain, self.pending = tree_of(self.home), []
            self._mark()

        def force_folder(folder: Path) -> None:
            if "force_folder" not in self.forgets:
                self._force_names(self._named(folder))
            self._mark()

        for watching in (make_folder, create, move, remove, force_all, force_folder):
            patch.setattr(disk, watching.__name__, watching)

    def _force_names(self, folder: str) -> None:
        left = []
        for call in self.pending:
            place = str(PurePosixPath(call.target or call.path).parent)
            if place == folder and call.kind != "file" and possible(self.certain, call):
                self.certain = applied(self.certain, [call])
            else:
                left.append(call)
        self.pending = left


def tree_of(home: Path) -> Tree:
    return {
        str(path.relative_to(home)): None if path.is_dir() else path.read_bytes()
        for path in home.rglob("*")
        if path.suffix != ".lock"
    }


def make(tree: Tree, home: Path) -> None:
    home.mkdir()
    for path, held in sorted(tree.items()):
        if held is None:
            (home / path).mkdir()
        else:
            (home / path).write_bytes(held)


def applied(tree: Tree, calls: Sequence[Call]) -> Tree:
    """A tree after some calls; one that is not possible in it changes nothing."""
    after = dict(tree)
    for call in calls:
        if not possible(after, call):
            continue
        if call.kind == "folder":
            after[call.path] = None
        elif call.kind == "file":
            after[call.path] = call.held
        else:
            moved = {path: after.pop(path) for path in list(after) if _is_in(path, call.path)}
            if call.kind == "move":
                for path in [path for path in after if _is_in(path, call.target)]:
                    del after[path]
                for path, held in moved.items():
                    after[call.target + path[len(call.path) :]] = held
    return after


def possible(tree: Tree, call: Call) -> bool:
    if call.kind in {"folder", "file"}:
        return _has_folder(tree, call.path) and call.path not in tree
    if call.path not in tree:
        return False
    return call.kind == "remove" or _has_folder(tree, call.target)


def _has_folder(tree: Tree, path: str) -> bool:
    parent = str(PurePosixPath(path).parent)
    return parent == "." or (parent in tree and tree[parent] is None)


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _variants(call: Call) -> list[Call | None]:
    if call.kind != "file":
        return [None, call]
    cuts = {b"", call.held[: len(call.held) // 2], call.held}
    return [None, *(Call("file", call.path, held=cut) for cut in sorted(cuts))]
