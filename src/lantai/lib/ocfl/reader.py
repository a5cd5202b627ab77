"""An object at any of its versions.

A writer that was stopped leaves the inventory of the root behind its newest version, or a sidecar
that does not fit: the newest version's own inventory then says what the object holds.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from lantai.lib.ocfl import inventory, layout, measuring
from lantai.lib.ocfl.faults import Fault, Unsound
from lantai.lib.ocfl.inventory import Inventory
from lantai.lib.ocfl.layout import At, Store
from lantai.lib.ocfl.paths import joined

VERSION_FOLDER: Final = re.compile(r"v[0-9]+")
_LARGEST_INVENTORY: Final = 64 << 20
_DEPTH: Final = layout.TUPLES + 1


@dataclass(frozen=True)
class Standing:
    """What an object holds, and the bytes of the inventory that says so."""

    inventory: Inventory
    raw: bytes


def standing(at: At) -> Standing:
    """Return what an object holds. Raises Unsound if neither its root nor a version can tell."""
    try:
        return inventory_in(at)
    except Unsound:
        newest = newest_version(at)
        if newest is None:
            raise
        return newest


def newest_version(at: At) -> Standing | None:
    """The own inventory of the newest version folder; None if it is not whole.

    No older one is taken in its place: what the object held last would silently be gone.
    """
    for name in version_folders(at)[-1:]:
        try:
            found = inventory_in(at, name)
        except Unsound:
            return None
        return found if found.inventory.head == name else None
    return None


def version_folders(at: At) -> list[str]:
    """The names of the version folders that are there, oldest first."""
    names = [entry.name for entry in at.entries() if VERSION_FOLDER.fullmatch(entry.name)]
    return sorted(names, key=lambda name: int(name[1:]))


def inventory_in(at: At, version: str = "", *, where: str = "") -> Standing:
    """Read the inventory of an object, or of one of its versions, against its sidecar.

    ``where`` is the object's path as it shall be named in faults. Raises Unsound.
    """
    folder = joined(where, version) if version else where
    named = joined(folder, inventory.FILE)
    raw = small_file(at, joined(version, inventory.FILE))
    if raw is None:
        raise Unsound(Fault(named, "E063", "没有清单，或读不出来"))
    found = inventory.parse(raw, where=named)
    sidecar = inventory.sidecar_name(found.algorithm)
    said = small_file(at, joined(version, sidecar))
    if said is None:
        raise Unsound(Fault(joined(folder, sidecar), "E058", "清单没有摘要文件"))
    shape = re.fullmatch(rb"([0-9a-fA-F]+)[ \t]+inventory\.json\s*", said)
    if shape is None:
        raise Unsound(Fault(joined(folder, sidecar), "E061", "摘要文件的写法不对"))
    if shape[1].decode().lower() != hashlib.new(found.algorithm, raw).hexdigest():
        raise Unsound(Fault(named, "E060", "清单与摘要文件不符"))
    return Standing(found, raw)


def open_content(at: At, path: str, *, version: str | None = None) -> BinaryIO:
    """Open the bytes of a logical path at a version (the head, if none is named).

    Raises KeyError if that version has no such path, Unsound if the file is not there. The bytes
    are not compared with their digest: ``read`` does that.
    """
    return open_file(at, standing(at).inventory.content_path(path, version=version))


def open_file(at: At, content: str) -> BinaryIO:
    """Open a content path of an object. Raises Unsound if the file is not there."""
    try:
        return at.open(content)
    except OSError as missing:
        fault = Fault(content, "E092", f"内容文件读不出来（{missing.strerror}）")
        raise Unsound(fault) from missing


def read(at: At, path: str, *, version: str | None = None) -> bytes:
    """The bytes of a logical path at a version, compared with their digest.

    Raises KeyError and Unsound.
    """
    found = standing(at).inventory
    content = found.content_path(path, version=version)
    digest = found.versions[version or found.head].state[path]
    with open_file(at, content) as stream:
        held = stream.read()
    if hashlib.new(found.algorithm, held).hexdigest() != digest.lower():
        raise Unsound(Fault(content, "E092", "内容与清单的摘要不符"))
    return held


def objects(store: Store) -> Iterator[At]:
    """Every object of a store, in the order of the places. Raises Unreachable."""
    for place, declared in store.backend.places(layout.OBJECT_DECLARATION, depth=_DEPTH):
        if declared and not place.startswith(f"{layout.EXTENSIONS}/"):
            yield At(store, place)


def measured(at: At, content: str, algorithms: frozenset[str]) -> dict[str, str]:
    """The digests of a file, read once in pieces. Raises OSError, Unreachable."""
    with at.open(content) as stream:
        return measuring.digests(stream, algorithms)


def small_file(at: At, path: str) -> bytes | None:
    """A file of an object as it is; None if there is none, or it is larger than any inventory."""
    try:
        with at.open(path) as stream:
            held = stream.read(_LARGEST_INVENTORY + 1)
    except OSError:
        return None
    return held if len(held) <= _LARGEST_INVENTORY else None
