"""A new version of an object, whole or not at all.

Everything is made in the stage of this machine; how it enters is the back end's (``local``:
renames of what was forced to disk at one stroke; ``bucket``: keys that were not there, the
inventory last).

What was acknowledged is there for good. Whoever is stopped leaves the object at the old or the
new version: until the root's inventory is the new one the reader takes the version's own where it
must, and the next writer (``settle``) carries to its end what was begun. Content is never
replaced, but a damaged file by its good copy (``mend``).
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from lantai.lib.ocfl import bringing, disk, holding, inventory, layout, paths, reader
from lantai.lib.ocfl.faults import Fault, Unsound
from lantai.lib.ocfl.inventory import Inventory
from lantai.lib.ocfl.layout import At, Store
from lantai.lib.ocfl.measuring import Measuring

ASIDE: Final = "damaged"
_ROOT: Final = "root"  # what is made for the root itself, and under this name its lock: see sweep
_DEPTH: Final = layout.TUPLES + 1


@dataclass
class Draft:
    """A version being made. Nothing of it is in the store before ``commit``."""

    store: Store
    object_id: str
    before: Inventory | None
    work: Path
    was: bytes | None = None
    fresh: dict[str, dict[str, str]] = field(default_factory=dict)
    carried: dict[str, str] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """The number this version takes."""
        return self.before.number + 1 if self.before else 1

    @contextlib.contextmanager
    def file(self, path: str) -> Iterator[Measuring]:
        """Write the bytes of a logical path. Raises ValueError for a path that is none."""
        if path in self.fresh or path in self.carried:
            raise ValueError(f"{path} is in this version already")
        target = paths.below(self._version / inventory.CONTENT, path)
        disk.make_folder(target.parent)
        with disk.create(target) as stream:
            through = Measuring(stream, inventory.algorithms(self.before))
            yield through
        self.fresh[path] = through.digests

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
        holding.write_inventory(self._version, raw, made.algorithm)
        holding.write_inventory(self._object, raw, made.algorithm)
        place = self.store.at(self.object_id).place
        if self.before is None:
            holding.write(self._object / layout.OBJECT_DECLARATION, holding.DECLARED)
            way = self.work / "way"
            self.store.backend.enter(self._object, place, [made.head], way=way)
        else:
            self.store.backend.extend(self._object, place, [made.head], was=self.was)
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
                staged = paths.below(content, path)
                staged.unlink()
                _remove_empty(staged.parent, below=self._version)


@contextlib.contextmanager
def writing(store: Store, object_id: str) -> Iterator[Draft]:
    """Hold an object for writing and begin its next version.

    What an earlier writer left is settled first. Raises Busy if another writer holds the object,
    Unsound if what stands in its place cannot be told, Unreachable, ValueError for an id that is
    none.
    """
    at = store.at(object_id)
    found(store)
    with holding.held(at) as work:
        stands = holding.settled(at, object_id, work)
        before, was = (stands.inventory, stands.raw) if stands else (None, None)
        yield Draft(store=store, object_id=object_id, before=before, work=work, was=was)


def settle(store: Store, object_id: str, *, alone: bool = False) -> Inventory | None:
    """Carry to its end what a stopped writer began; return what the object holds, if it is there.

    ``alone`` says that nobody else writes to this store, on any machine: then what a writer of
    another machine left unfinished is removed. Raises as ``writing``.
    """
    at = store.at(object_id)
    found(store)
    with holding.held(at) as work:
        if alone:
            holding.clear_unfinished(at)
        stands = holding.settled(at, object_id, work)
        return stands.inventory if stands else None


def sweep(store: Store, *, alone: bool = False) -> list[str]:
    """Remove what stopped writers left in the stage; nothing of it was ever acknowledged.

    What a writer holds at this moment stays, and so do damaged files that were kept aside.
    ``alone`` is as in ``settle``: then also what writers of other machines left of objects that
    never came to a first version. Returns the names that were removed. Raises Unreachable.
    """
    swept = _unfinished_firsts(store) if alone else []
    for path in sorted(store.stage.glob("*")):
        if path.name == ASIDE:
            continue
        key = path.name.removesuffix(".lock")
        try:
            with disk.alone(store.stage / f"{key}.lock"):
                if path.suffix != ".lock":
                    holding.withdraw(store, path)
                    disk.remove(path)
                    swept.append(path.name)
        except disk.Busy:
            continue
    return swept


def _unfinished_firsts(store: Store) -> list[str]:
    removed = []
    for place, declared in store.backend.places(layout.OBJECT_DECLARATION, depth=_DEPTH):
        if not declared:
            with contextlib.suppress(disk.Busy), holding.held(At(store, place)):
                removed += holding.clear_unfinished(At(store, place))
    return removed


def found(store: Store) -> None:
    """Make an empty store, if there is none. Raises Unsound if something else is in its place."""
    if store.is_founded():
        return
    if not store.backend.is_free(layout.root_files()):
        raise Unsound(Fault("", "E069", "目录存在但没有存储根声明，未在其中写入"))
    disk.make_folder(store.stage)
    with disk.alone(store.stage / f"{_ROOT}.lock"):
        if not store.is_founded():
            store.backend.found(layout.root_files(), store.stage)


def adopt(store: Store, object_id: str, source: Store, *, upto: int | None = None) -> Inventory:
    """Bring the versions another store has of an object and this one has not.

    ``upto`` is the last version to bring (without it the newest). Each version enters whole or
    not at all, in their order, a new object with all of them at once; every digest is held
    against the inventory on the way. Returns what the object holds here. Raises as ``writing``,
    and Unsound if the source is not whole or the two have parted.
    """
    at, origin = store.at(object_id), source.at(object_id)
    found(store)
    with holding.held(at) as work:
        here, there = holding.settled(at, object_id, work), bringing.origin(origin, object_id, upto)
        if here and inventory.continues(here.inventory, there.inventory):
            return here.inventory
        if here and not inventory.continues(there.inventory, here.inventory):
            raise Unsound(Fault(at.place, "E066", "两处所存的版本不一致，没有复制"))
        first = here.inventory.number + 1 if here else 1
        versions = [f"v{number}" for number in range(first, there.inventory.number + 1)]
        made = work / "object"
        for name in versions:
            bringing.bring_version(origin, there.inventory, name, made / name)
        holding.write_inventory(made, there.raw, there.inventory.algorithm)
        if here:
            store.backend.extend(made, at.place, versions, was=here.raw)
        else:
            holding.write(made / layout.OBJECT_DECLARATION, holding.DECLARED)
            store.backend.enter(made, at.place, versions, way=work / "way")
        return there.inventory


def mend(
    at: At,
    content_path: str,
    source: At,
    *,
    digest: tuple[str, str] | None = None,
    source_path: str = "",
) -> None:
    """Put back one damaged or missing file of an object from a good copy.

    Any file of the object: content, the inventories, the declaration. The copy's bytes are held
    against what this object, or else its whole copy, says of them; or against ``digest``
    (algorithm and hex) where the caller has proof of its own: then no inventory is asked, and the
    bytes may come from another path of the copy (``source_path``). The damaged bytes are kept in
    the stage (``damaged/``), not destroyed. Raises Unsound if the copy is not good either, Busy,
    Unreachable; KeyError for a path the object has not.
    """
    with holding.held(at) as work:
        good = work / "object" / "good"
        if digest:
            bringing.bring(
                source, source_path or content_path, {digest[0]: digest[1].lower()}, good
            )
        elif content_path == layout.OBJECT_DECLARATION:
            holding.write(good, holding.DECLARED)
        elif content_path.rpartition("/")[2].startswith(f"{inventory.FILE}"):
            holding.write(good, bringing.good_inventory(at, content_path, source))
        else:
            stands = reader.standing(at).inventory
            bringing.bring(source, content_path, bringing.digests(stands, content_path), good)
        at.store.backend.replace(good, f"{at.place}/{content_path}", _aside(at, content_path))


def set_aside(at: At, path: str) -> None:
    """Take a foreign file or folder out of an object; it is kept in the stage (``damaged/``).

    Raises Busy, Unreachable, OSError; Unsound for a path that is the object's own, or for an
    object of which nothing tells what is its own.
    """
    with holding.held(at):
        if any(path == name or name.startswith(f"{path}/") for name in _own_names(at)):
            raise Unsound(Fault(f"{at.place}/{path}", "E092", "是对象自己的文件，没有移走"))
        at.store.backend.set_aside(f"{at.place}/{path}", _aside(at, path))


def note(store: Store, name: str, held: bytes) -> None:
    """Let a file of the storage root itself hold some bytes, as OCFL 1.1 allows (a read-me).

    Nothing is written if it holds them. Raises as ``found``, ValueError for a name that is a path.
    """
    if "/" in name or not paths.is_path(name):
        raise ValueError(f"not a plain name: {name!r}")
    found(store)
    disk.make_folder(store.stage)
    with disk.alone(store.stage / f"{_ROOT}.lock"):
        if store.holds(name, held):
            return
        staged = store.stage / _ROOT
        disk.remove(staged)
        disk.make_folder(staged)
        holding.write(staged / name, held)
        store.backend.note(staged / name, name)
        disk.remove(staged)


def refound(store: Store) -> list[str]:
    """Put back what is missing or damaged of the root's own files; return their paths.

    They are the same in every store. Where none of them stands there is no root of ours, and
    nothing is written. The damaged bytes are kept in the stage. Raises Busy, Unreachable, OSError.
    """
    wanted = layout.root_files()
    broken = [path for path, held in wanted.items() if not store.holds(path, held)]
    if len(broken) == len(wanted):
        return []
    disk.make_folder(store.stage)
    with disk.alone(store.stage / f"{_ROOT}.lock"):
        for path in broken:
            staged = store.stage / _ROOT
            disk.remove(staged)
            disk.make_folder(staged)
            holding.write(staged / "good", wanted[path])
            store.backend.replace(staged / "good", path, _aside(At(store, ""), path))
            disk.remove(staged)
    return broken


def _own_names(at: At) -> Iterator[str]:
    """Every file of an object, and its versions. Raises Unsound."""
    stands = reader.standing(at).inventory
    yield from (layout.OBJECT_DECLARATION, *stands.content_paths(), *stands.versions)
    for folder in ("", *stands.versions):
        for name in (inventory.FILE, inventory.sidecar_name(stands.algorithm)):
            yield paths.joined(folder, name)


def _aside(at: At, path: str) -> Path:
    """A place in the stage for damaged bytes, not taken yet."""
    folder = at.store.stage / ASIDE / at.place
    number = 1
    while (taken := folder / f"{path}.{number}").exists():
        number += 1
    return taken


def _remove_empty(folder: Path, *, below: Path) -> None:
    while folder != below and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
