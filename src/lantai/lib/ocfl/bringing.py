"""Bytes of another store brought into the stage, held against what they must be on the way."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from lantai.lib.ocfl import disk, inventory, paths, reader
from lantai.lib.ocfl.backend import Kind
from lantai.lib.ocfl.faults import Fault, Unsound
from lantai.lib.ocfl.holding import write_inventory
from lantai.lib.ocfl.inventory import Inventory
from lantai.lib.ocfl.layout import At
from lantai.lib.ocfl.measuring import Measuring
from lantai.lib.ocfl.reader import Standing

_PIECE: Final = 1 << 20


def origin(origin: At, object_id: str, upto: int | None) -> Standing:
    """What another store has of an object, up to a version. Raises Unsound."""
    newest = reader.standing(origin)
    if newest.inventory.object_id != object_id:
        raise Unsound(Fault(origin.place, "E037", "此处是另一个对象"))
    if upto is None or upto == newest.inventory.number:
        return newest
    name = f"v{upto}"
    found = reader.inventory_in(origin, name, where=origin.place)
    if found.inventory.head != name or not inventory.continues(newest.inventory, found.inventory):
        raise Unsound(Fault(f"{origin.place}/{name}", "E066", "版本清单与对象的清单不一致"))
    return found


def bring_version(origin: At, whole: Inventory, name: str, folder: Path) -> None:
    """Copy a version of another store into the stage, held against the whole inventory."""
    stands = reader.inventory_in(origin, name, where=origin.place)
    if stands.inventory.head != name or not inventory.continues(whole, stands.inventory):
        raise Unsound(Fault(f"{origin.place}/{name}", "E066", "版本清单与对象的清单不一致"))
    disk.make_folder(folder)
    for path in stands.inventory.content_paths():
        if path.startswith(f"{name}/"):
            bring(origin, path, digests(whole, path), paths.below(folder.parent, path))
    write_inventory(folder, stands.raw, stands.inventory.algorithm)


def bring(origin: At, path: str, wanted: Mapping[str, str], target: Path) -> None:
    """Copy a file into the stage, held against its digests. Raises Unsound, OSError."""
    disk.make_folder(target.parent)
    with disk.create(target) as staged:
        through = Measuring(staged, wanted)
        for piece in _pieces(origin, path):
            through.write(piece)
    if through.digests != wanted:
        fault = Fault(f"{origin.place}/{path}", "E092", "来源与清单的摘要不符，没有复制")
        raise Unsound(fault)


def _pieces(origin: At, path: str) -> Iterator[bytes]:
    """Read a file of another store; what is wrong with it there is no fault of this one."""
    try:
        with reader.open_file(origin, path) as stream:
            while piece := stream.read(_PIECE):
                yield piece
    except OSError as unreadable:
        fault = Fault(f"{origin.place}/{path}", "E092", f"来源读不出来（{unreadable.strerror}）")
        raise Unsound(fault) from unreadable


def digests(found: Inventory, path: str) -> dict[str, str]:
    """The digests a content file must have, by algorithm. Raises KeyError."""
    wanted = {found.algorithm: found.content_paths()[path].lower()}
    for digest, listed in found.fixity.get(inventory.FIXITY, {}).items():
        if path in listed:
            wanted[inventory.FIXITY] = digest.lower()
    return wanted


def good_inventory(at: At, path: str, source: At) -> bytes:
    """What an inventory or sidecar of an object must be, by what of it is whole, or by a copy."""
    version, _, name = path.rpartition("/")
    good = _good_standing(at, version, source)
    algorithm = good.inventory.algorithm
    held = {
        inventory.FILE: good.raw,
        inventory.sidecar_name(algorithm): inventory.sidecar(good.raw, algorithm),
    }
    return held[name]


def _good_standing(at: At, version: str, source: At) -> Standing:
    stands = whole(at)
    if stands and version in {"", stands.inventory.head}:
        return stands
    good = reader.inventory_in(source, version, where=source.place)
    expected = version or "".join(reader.version_folders(at)[-1:])
    known = stands or reader.standing(source)
    fits = good.inventory.head == expected
    fits = fits and inventory.continues(known.inventory, good.inventory)
    # Where nothing here tells what the version holds, its files must at least have the names.
    if not fits or (stands is None and _content(at, good) != _listed(good)):
        raise Unsound(Fault(f"{source.place}/{version}", "E066", "副本的版本不同，不能用来修复"))
    return good


def _listed(version: Standing) -> set[str]:
    start = f"{version.inventory.head}/"
    return {path for path in version.inventory.content_paths() if path.startswith(start)}


def _content(at: At, version: Standing) -> set[str]:
    """The files in the content of a version that are there."""
    folders = [f"{version.inventory.head}/{version.inventory.content}"]
    found = set()
    while folders:
        folder = folders.pop()
        for entry in at.entries(folder):
            path = f"{folder}/{entry.name}"
            if entry.kind is Kind.FOLDER:
                folders.append(path)
            else:
                found.add(path)
    return found


def whole(at: At) -> Standing | None:
    try:
        return reader.standing(at)
    except Unsound:
        return None
