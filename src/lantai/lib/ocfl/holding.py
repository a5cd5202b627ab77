"""An object held for writing: one writer of this machine, and what others left is settled."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lantai.lib.ocfl import disk, inventory, layout, reader
from lantai.lib.ocfl.faults import Fault, Unreachable, Unsound
from lantai.lib.ocfl.layout import At, Store
from lantai.lib.ocfl.reader import Standing

DECLARED: Final = layout.declaration(layout.OBJECT_DECLARATION)


@contextmanager
def held(at: At) -> Iterator[Path]:
    """Hold an object's place in the stage, empty at the beginning and at the end.

    Where the store did not answer the place stays as it is: the next writer has to know what was
    on the way.
    """
    store, key = at.store, hashlib.sha256(at.place.encode()).hexdigest()
    disk.make_folder(store.stage)
    with disk.alone(store.stage / f"{key}.lock"):
        work = store.stage / key
        withdraw(store, work)
        disk.remove(work)
        disk.make_folder(work / "object")
        try:
            yield work
        except Unreachable:
            raise
        except BaseException:
            withdraw(store, work)
            disk.remove(work)
            raise
        disk.remove(work)


def withdraw(store: Store, work: Path) -> None:
    """Take out of the store what a stopped writer put there of an unfinished version."""
    made = work / "object"
    try:
        said = inventory.parse((made / inventory.FILE).read_bytes())
    except (OSError, Unsound):
        return  # nothing leaves the stage before this file is in it
    store.backend.withdraw(made, store.at(said.object_id).place)


def settled(at: At, object_id: str, work: Path) -> Standing | None:
    if not at.exists():
        return None
    refuse_unfinished(at)
    stands = reader.standing(at)
    if stands.inventory.object_id != object_id:
        raise Unsound(Fault(inventory.FILE, "E037", "此处是另一个对象"))
    newest = reader.newest_version(at)
    if newest is None or newest.inventory.number < stands.inventory.number:
        return stands
    if not inventory.continues(newest.inventory, stands.inventory):
        raise Unsound(Fault(newest.inventory.head, "E066", "最新版本与此前的版本不一致"))
    if not _is_published(at, newest.raw):
        write_inventory(work, newest.raw, newest.inventory.algorithm)
        write(work / layout.OBJECT_DECLARATION, DECLARED)
        at.store.backend.publish(work, at.place, was=reader.small_file(at, inventory.FILE))
    return newest


def refuse_unfinished(at: At) -> None:
    if left := at.store.backend.unfinished(at.place):
        what = (
            "有没写完的版本：另一台机器正在写入，或曾在此中断；确认没有别处在写这个存储后，"
            "请运行 lantai fsck --store --repair"
        )
        raise Unsound(*(Fault(f"{at.place}/{name}", "E046", what) for name in left))


def clear_unfinished(at: At) -> list[str]:
    """Remove the versions nobody finished; return the paths. Only for who knows to be alone."""
    backend = at.store.backend
    return [path for name in backend.unfinished(at.place) for path in backend.clear(at.place, name)]


def _is_published(at: At, raw: bytes) -> bool:
    try:
        return reader.inventory_in(at).raw == raw
    except Unsound:
        return False


def write_inventory(folder: Path, raw: bytes, algorithm: str) -> None:
    write(folder / inventory.FILE, raw)
    write(folder / inventory.sidecar_name(algorithm), inventory.sidecar(raw, algorithm))


def write(path: Path, held: bytes) -> None:
    with disk.create(path) as stream:
        stream.write(held)
