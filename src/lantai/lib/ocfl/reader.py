"""An object at any of its versions.

A writer that was stopped leaves the inventory of the root behind its newest version, or a sidecar
that does not fit: the newest version's own inventory then says what the object holds.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from lantai.lib.ocfl import inventory, layout
from lantai.lib.ocfl.faults import Fault, Unsound
from lantai.lib.ocfl.inventory import Inventory

VERSION_FOLDER: Final = re.compile(r"v[0-9]+")
_LARGEST_INVENTORY: Final = 64 << 20
_PIECE: Final = 1 << 20


@dataclass(frozen=True)
class Standing:
    """What an object holds, and the bytes of the inventory that says so."""

    inventory: Inventory
    raw: bytes


def standing(folder: Path) -> Standing:
    """Return what an object holds. Raises Unsound if neither its root nor a version can tell."""
    try:
        return inventory_in(folder)
    except Unsound:
        newest = newest_version(folder)
        if newest is None:
            raise
        return newest


def newest_version(folder: Path) -> Standing | None:
    """The own inventory of the newest version folder; None if it is not whole.

    No older one is taken in its place: what the object held last would silently be gone.
    """
    for name in version_folders(folder)[-1:]:
        try:
            found = inventory_in(folder / name)
        except Unsound:
            return None
        return found if found.inventory.head == name else None
    return None


def version_folders(folder: Path) -> list[str]:
    """The names of the version folders that are there, oldest first."""
    try:
        names = [path.name for path in folder.iterdir() if VERSION_FOLDER.fullmatch(path.name)]
    except FileNotFoundError:
        return []
    return sorted(names, key=lambda name: int(name[1:]))


def inventory_in(folder: Path, *, where: str = "") -> Standing:
    """Read the inventory of a folder against its sidecar. Raises Unsound.

    ``where`` is the folder's path as it shall be named in faults.
    """
    named = f"{where}/{inventory.FILE}" if where else inventory.FILE
    raw = _small_file(folder / inventory.FILE)
    if raw is None:
        raise Unsound(Fault(named, "E063", "没有清单，或读不出来"))
    found = inventory.parse(raw, where=named)
    sidecar = inventory.sidecar_name(found.algorithm)
    beside = f"{where}/{sidecar}" if where else sidecar
    said = _small_file(folder / sidecar)
    if said is None:
        raise Unsound(Fault(beside, "E058", "清单没有摘要文件"))
    shape = re.fullmatch(rb"([0-9a-fA-F]+)[ \t]+inventory\.json\s*", said)
    if shape is None:
        raise Unsound(Fault(beside, "E061", "摘要文件的写法不对"))
    if shape[1].decode().lower() != hashlib.new(found.algorithm, raw).hexdigest():
        raise Unsound(Fault(named, "E060", "清单与摘要文件不符"))
    return Standing(found, raw)


def open_content(folder: Path, path: str, *, version: str | None = None) -> BinaryIO:
    """Open the bytes of a logical path at a version (the head, if none is named).

    Raises KeyError if that version has no such path, Unsound if the file is not there. The bytes
    are not compared with their digest: ``read`` does that.
    """
    return _open(folder, standing(folder).inventory.content_path(path, version=version))


def read(folder: Path, path: str, *, version: str | None = None) -> bytes:
    """The bytes of a logical path at a version, compared with their digest.

    Raises KeyError and Unsound.
    """
    found = standing(folder).inventory
    content = found.content_path(path, version=version)
    digest = found.versions[version or found.head].state[path]
    with _open(folder, content) as stream:
        held = stream.read()
    if hashlib.new(found.algorithm, held).hexdigest() != digest.lower():
        raise Unsound(Fault(content, "E092", "内容与清单的摘要不符"))
    return held


def objects(store: layout.Store) -> Iterator[Path]:
    """Every object of a store, in the order of the places."""
    yield from _objects_below(store.root, depth=0)


def measured(path: Path, algorithms: frozenset[str]) -> dict[str, str]:
    """The digests of a file, read once in pieces. Raises OSError."""
    hashes = {name: _hash(name) for name in algorithms}
    with _open_plain(path) as stream:
        while piece := stream.read(_PIECE):
            for running in hashes.values():
                running.update(piece)
    return {name: running.hexdigest() for name, running in hashes.items()}


def _objects_below(folder: Path, *, depth: int) -> Iterator[Path]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if not entry.is_dir(follow_symlinks=False):
            continue
        if depth == 0 and entry.name == layout.EXTENSIONS:
            continue
        path = Path(entry.path)
        if (path / layout.OBJECT_DECLARATION).is_file():
            yield path
        elif depth < layout.TUPLES:
            yield from _objects_below(path, depth=depth + 1)


def _open(folder: Path, content: str) -> BinaryIO:
    try:
        return _open_plain(layout.below(folder, content))
    except OSError as missing:
        fault = Fault(content, "E092", f"内容文件读不出来（{missing.strerror}）")
        raise Unsound(fault) from missing


def _open_plain(path: Path) -> BinaryIO:
    # A link is not followed, and a pipe in the place of a file is not waited for.
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def _small_file(path: Path) -> bytes | None:
    try:
        with _open_plain(path) as stream:
            held = stream.read(_LARGEST_INVENTORY + 1)
    except OSError:
        return None
    return held if len(held) <= _LARGEST_INVENTORY else None


def _hash(name: str) -> "hashlib._Hash | hashlib.blake2b":
    if name.startswith("blake2b-"):
        return hashlib.blake2b(digest_size=int(name.removeprefix("blake2b-")) // 8)
    return hashlib.new(name.replace("/", "_"))
