"""A new version of an object, whole or not at all.

Everything is made in the stage and forced to disk at one stroke; then

- a first version enters by one rename, together with the folders above it that are missing,
  so that the store never has an empty folder;
- a later version enters as ``vN`` by one rename, forced to disk; then the inventory of the root
  and its sidecar take the place of the old ones.

What was acknowledged is on disk. Whoever is stopped leaves the object at the old or the new
version: between the renames the reader takes the version's own inventory, and the next writer
(``settle``) carries to its end what was begun. Content is never replaced.
"""

import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from lantai.lib.ocfl import disk, inventory, layout, reader
from lantai.lib.ocfl.faults import Fault, Unsound
from lantai.lib.ocfl.inventory import Inventory, Measured
from lantai.lib.ocfl.layout import Store

_OCCUPIED: Final = frozenset({errno.ENOTEMPTY, errno.EEXIST})


class Measuring:
    """A stream that takes the digests of what is written through it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._sha512, self._sha256 = hashlib.sha512(), hashlib.sha256()

    def write(self, piece: bytes) -> int:
        self._sha512.update(piece)
        self._sha256.update(piece)
        return self._stream.write(piece)

    @property
    def measured(self) -> Measured:
        return Measured(self._sha512.hexdigest(), self._sha256.hexdigest())


@dataclass
class Draft:
    """A version being made. Nothing of it is in the store before ``commit``."""

    store: Store
    object_id: str
    before: Inventory | None
    work: Path
    fresh: dict[str, Measured] = field(default_factory=dict)
    carried: dict[str, str] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """The number this version takes."""
        return self.before.number + 1 if self.before else 1

    @contextmanager
    def file(self, path: str) -> Iterator[Measuring]:
        """Write the bytes of a logical path. Raises ValueError for a path that is none."""
        if path in self.fresh or path in self.carried:
            raise ValueError(f"{path} is in this version already")
        target = layout.below(self._version / inventory.CONTENT, path)
        disk.make_folder(target.parent)
        with disk.create(target) as stream:
            through = Measuring(stream)
            yield through
        self.fresh[path] = through.measured

    def carry(self, path: str, digest: str) -> None:
        """Take over bytes the object has, by their digest. ``commit`` refuses others."""
        if path in self.fresh or path in self.carried:
            raise ValueError(f"{path} is in this version already")
        self.carried[path] = digest

    def commit(self, *, at: datetime, message: str, user: str, address: str) -> Inventory:
        """Put the version into the store; it is on disk when this returns.

        ``address`` is a URI (OCFL 1.1 §3.5.3). Raises ValueError, OSError.
        """
        made = inventory.following(
            self.before,
            object_id=self.object_id,
            at=at,
            message=message,
            user=user,
            address=address,
            fresh=self.fresh,
            carried=self.carried,
        )
        self._drop_doubles(made)
        raw = made.dumps()
        disk.make_folder(self._version)
        _write_inventory(self._version, raw)
        _write_inventory(self._object, raw)
        folder = self.store.folder_of(self.object_id)
        if self.before is None:
            _write(self._object / layout.OBJECT_DECLARATION, _DECLARED)
            _enter(self.store, self._object, folder, self.work / "way")
        else:
            disk.force_all(self.store.stage)
            disk.move(self._version, folder / made.head)
            disk.force_folder(folder)
            _publish_inventory(self._object, folder)
        return made

    @property
    def _object(self) -> Path:
        return self.work / "object"

    @property
    def _version(self) -> Path:
        return self._object / f"v{self.number}"

    def _drop_doubles(self, made: Inventory) -> None:
        """Take away staged files whose bytes the object has in another place."""
        kept = made.content_paths()
        content = self._version / inventory.CONTENT
        for path in self.fresh:
            if f"{made.head}/{inventory.CONTENT}/{path}" not in kept:
                staged = layout.below(content, path)
                staged.unlink()
                _remove_empty(staged.parent, below=self._version)


@contextmanager
def writing(store: Store, object_id: str) -> Iterator[Draft]:
    """Hold an object for writing and begin its next version.

    What an earlier writer left is settled first. Raises disk.Busy if another writer holds the
    object, Unsound if what stands in its place cannot be told, ValueError for an id that is none.
    """
    folder = store.folder_of(object_id)
    found(store)
    with _held(store, object_id) as work:
        before = _settled(folder, object_id, work)
        yield Draft(store=store, object_id=object_id, before=before, work=work)


def settle(store: Store, object_id: str) -> Inventory | None:
    """Carry to its end what a stopped writer began; return what the object holds, if it is there.

    Raises as ``writing``.
    """
    found(store)
    with _held(store, object_id) as work:
        return _settled(store.folder_of(object_id), object_id, work)


def sweep(store: Store) -> list[str]:
    """Remove what stopped writers left in the stage; nothing of it was ever acknowledged.

    What a writer holds at this moment stays. Returns the names that were removed.
    """
    swept = []
    for path in sorted(store.stage.glob("*")):
        key = path.name.removesuffix(".lock")
        try:
            with disk.alone(store.stage / f"{key}.lock"):
                if path.suffix != ".lock":
                    disk.remove(path)
                    swept.append(path.name)
        except disk.Busy:
            continue
    return swept


def found(store: Store) -> None:
    """Make an empty store, if there is none. Raises Unsound if something else is in its place."""
    declaration = store.root / layout.ROOT_DECLARATION
    if declaration.is_file():
        return
    if store.root.exists():
        raise Unsound(Fault("", "E069", "目录存在但没有存储根声明，未在其中写入"))
    disk.make_folder(store.stage)
    with disk.alone(store.stage / "root.lock"):
        if declaration.is_file():
            return
        work = store.stage / "root"
        disk.remove(work)
        for path, held in layout.root_files().items():
            disk.make_folder((work / path).parent)
            _write(work / path, held)
        disk.force_all(store.stage)
        disk.move(work, store.root)
        disk.force_folder(store.home)


_DECLARED: Final = layout.declaration(layout.OBJECT_DECLARATION)


@contextmanager
def _held(store: Store, object_id: str) -> Iterator[Path]:
    """Hold an object's place in the stage, empty at the beginning and at the end."""
    key = hashlib.sha256(object_id.encode()).hexdigest()
    disk.make_folder(store.stage)
    with disk.alone(store.stage / f"{key}.lock"):
        work = store.stage / key
        disk.remove(work)
        disk.make_folder(work / "object")
        try:
            yield work
        finally:
            disk.remove(work)


def _settled(folder: Path, object_id: str, work: Path) -> Inventory | None:
    if not folder.exists():
        return None
    stands = reader.standing(folder)
    if stands.inventory.object_id != object_id:
        raise Unsound(Fault(inventory.FILE, "E037", "此处是另一个对象"))
    newest = reader.newest_version(folder)
    if newest is None or newest.inventory.number < stands.inventory.number:
        return stands.inventory
    if not inventory.continues(newest.inventory, stands.inventory):
        raise Unsound(Fault(newest.inventory.head, "E066", "最新版本与此前的版本不一致"))
    if not _is_published(folder, newest.raw):
        _write_inventory(work, newest.raw)
        disk.force_all(work)
        _publish_inventory(work, folder)
    return newest.inventory


def _is_published(folder: Path, raw: bytes) -> bool:
    try:
        return reader.inventory_in(folder).raw == raw
    except Unsound:
        return False


def _enter(store: Store, made: Path, folder: Path, way: Path) -> None:
    """Move a new object to its place, with the missing folders above it, in one rename."""
    while True:
        top = folder
        while not top.parent.exists():
            top = top.parent
        staged = way.joinpath(*folder.relative_to(top.parent).parts)
        disk.remove(way)
        disk.make_folder(staged.parent)
        disk.move(made, staged)
        disk.force_all(store.stage)
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
        if parent == store.root:
            return


def _publish_inventory(made: Path, folder: Path) -> None:
    for name in (inventory.FILE, inventory.sidecar_name()):
        disk.move(made / name, folder / name)
    disk.force_folder(folder)


def _write_inventory(folder: Path, raw: bytes) -> None:
    _write(folder / inventory.FILE, raw)
    _write(folder / inventory.sidecar_name(), inventory.sidecar(raw))


def _write(path: Path, held: bytes) -> None:
    with disk.create(path) as stream:
        stream.write(held)


def _remove_empty(folder: Path, *, below: Path) -> None:
    while folder != below and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
