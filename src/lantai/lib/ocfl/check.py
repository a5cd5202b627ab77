"""Every fault of a store, named by the code of OCFL 1.1; every byte is read.

Two things the specification only advises against are faults here, because nothing of ours makes
them: a version without an inventory of its own (W010) and a foreign folder in a version (W002).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lantai.lib.ocfl import inventory, layout, reader
from lantai.lib.ocfl.faults import Fault, Unsound
from lantai.lib.ocfl.inventory import Inventory
from lantai.lib.ocfl.layout import Store

_MISPLACED: Final = "0003"  # the layout's own number; the specification has no code for it


@dataclass(frozen=True)
class Examined:
    """An object that was looked at, with everything wrong in it."""

    path: str
    faults: tuple[Fault, ...]


def check_store(store: Store) -> Iterator[Examined]:
    """Examine every object in the order of their places, and at last the root (path "")."""
    if not store.root.is_dir():
        yield Examined("", (Fault("", "E069", "存储根不存在"),))
        return
    faults = [*_root_faults(store.root)]
    for found in _walk(store.root, "", depth=0):
        if isinstance(found, Fault):
            faults.append(found)
            continue
        yield Examined(found, tuple(_placed_faults(store.root, found)))
    yield Examined("", tuple(faults))


def check_object(folder: Path, *, where: str = "") -> list[Fault]:
    """Every fault of an object; ``where`` is its path as it shall be named."""
    entries = {entry.name: entry for entry in os.scandir(folder)}
    faults = [*_links(folder, where), *_declaration(folder, entries, where)]
    try:
        found = reader.inventory_in(folder, where=where)
    except Unsound as unsound:
        return [*faults, *unsound.faults]
    faults += _foreign(entries, found.inventory, where)
    inventories = {found.inventory.head: found.inventory}
    for name in found.inventory.versions:
        if name not in entries or not entries[name].is_dir(follow_symlinks=False):
            faults.append(Fault(_in(where, name), "E046", "清单所列的版本没有目录"))
            continue
        faults += _version_folder(folder / name, found.inventory, _in(where, name))
        faults += _version_inventory(folder, name, found, inventories, where)
    faults += _contents(folder, found.inventory, inventories, where)
    return faults


def _root_faults(root: Path) -> Iterator[Fault]:
    declared = [path.name for path in root.iterdir() if path.name.startswith("0=")]
    if declared != [layout.ROOT_DECLARATION]:
        yield Fault("", "E069", "存储根没有唯一的 OCFL 1.1 声明")
    elif not _holds(root / declared[0], layout.declaration(declared[0])):
        yield Fault(declared[0], "E080", "存储根声明的内容不对")
    for name, held in layout.root_files().items():
        if name != layout.ROOT_DECLARATION and not _holds(root / name, held):
            yield Fault(name, "E070", "存储根的布局说明缺失或被改动")
    known = {layout.ROOT_DECLARATION, layout.LAYOUT_FILE, *declared}
    for path in sorted(root.iterdir()):
        if not path.is_dir() and path.name not in known:
            yield Fault(path.name, "E088", "存储根里有外来的文件")
    extensions = root / layout.EXTENSIONS
    if extensions.is_dir():
        for path in sorted(extensions.iterdir()):
            if not path.is_dir():
                yield Fault(f"{layout.EXTENSIONS}/{path.name}", "E086", "扩展目录里有外来的文件")


def _walk(folder: Path, where: str, *, depth: int) -> Iterator[str | Fault]:
    """Yield the path of every object, and every fault of the folders between."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = _in(where, entry.name)
        if entry.is_symlink():
            yield Fault(path, "E090", "存储里有链接")
        elif not entry.is_dir(follow_symlinks=False):
            if depth > 0:
                yield Fault(path, "E072", "存储的中间目录里有文件")
        elif depth == 0 and entry.name == layout.EXTENSIONS:
            continue
        elif any(inside.name.startswith("0=") for inside in Path(entry.path).iterdir()):
            yield path
        elif not any(Path(entry.path).iterdir()):
            yield Fault(path, "E073", "存储里有空目录")
        elif depth >= layout.TUPLES:
            yield Fault(path, "E003", "应是对象的目录没有对象声明")
        else:
            yield from _walk(Path(entry.path), path, depth=depth + 1)


def _placed_faults(root: Path, path: str) -> Iterator[Fault]:
    yield from check_object(root / path, where=path)
    try:
        object_id = reader.standing(root / path).inventory.object_id
    except Unsound:
        return
    if str(layout.place_of(object_id)) != path:
        yield Fault(path, _MISPLACED, "对象不在布局为其编号规定的位置")


def _declaration(
    folder: Path, entries: dict[str, "os.DirEntry[str]"], where: str
) -> Iterator[Fault]:
    declared = [name for name in entries if name.startswith("0=")]
    if not declared:
        yield Fault(where, "E003", "没有对象声明")
    for name in declared:
        if name != layout.OBJECT_DECLARATION:
            yield Fault(_in(where, name), "E006", "对象声明不是 OCFL 1.1")
        elif not _holds(folder / name, layout.declaration(name)):
            yield Fault(_in(where, name), "E007", "对象声明的内容不对")


def _foreign(
    entries: dict[str, "os.DirEntry[str]"], found: Inventory, where: str
) -> Iterator[Fault]:
    files = {inventory.FILE, inventory.sidecar_name(found.algorithm)}
    for name, entry in sorted(entries.items()):
        if entry.is_dir(follow_symlinks=False):
            if name in found.versions or name == "logs":
                continue
            if name == layout.EXTENSIONS:
                for path in sorted(Path(entry.path).iterdir()):
                    if not path.is_dir():
                        yield Fault(_in(where, f"{name}/{path.name}"), "E067", "扩展目录里有文件")
            elif reader.VERSION_FOLDER.fullmatch(name):
                yield Fault(_in(where, name), "E046", "版本目录不在清单里：写入中断，或外来")
            else:
                yield Fault(_in(where, name), "E001", "对象里有外来的目录")
        elif name not in files and not name.startswith("0="):
            yield Fault(_in(where, name), "E001", "对象里有外来的文件")


def _version_folder(folder: Path, found: Inventory, where: str) -> Iterator[Fault]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_dir(follow_symlinks=False):
            if entry.name != found.content:
                yield Fault(_in(where, entry.name), "W002", "版本里有外来的目录")
        elif entry.name.split(".sha")[0] != inventory.FILE:
            yield Fault(_in(where, entry.name), "E015", "版本里有外来的文件")


def _version_inventory(
    folder: Path,
    name: str,
    root: reader.Standing,
    inventories: dict[str, Inventory],
    where: str,
) -> Iterator[Fault]:
    """Hold a version's own inventory against the root's; enter it into ``inventories``."""
    at = _in(where, f"{name}/{inventory.FILE}")
    if not (folder / name / inventory.FILE).exists():
        yield Fault(at, "W010", "版本没有自己的清单")
        return
    try:
        found = reader.inventory_in(folder / name, where=_in(where, name))
    except Unsound as unsound:
        yield from unsound.faults
        return
    held, newest = found.inventory, root.inventory
    inventories[name] = held
    if name == newest.head:
        if found.raw != root.raw:
            yield Fault(at, "E064", "最新版本的清单与对象的清单不同")
        return
    if held.object_id != newest.object_id:
        yield Fault(at, "E037", "版本清单的编号与对象不同")
    if held.head != name:
        yield Fault(at, "E040", "版本清单的 head 不是这一版本")
    if held.content != newest.content:
        yield Fault(at, "E019", "版本清单的内容目录与对象不同")
    if held.object_id == newest.object_id and not inventory.continues(newest, held):
        yield Fault(at, "E066", "此前版本的内容在对象的清单里被改动")


def _contents(
    folder: Path, root: Inventory, inventories: dict[str, Inventory], where: str
) -> Iterator[Fault]:
    """Hold every content file against every digest any of the inventories states of it."""
    there = {}
    for name in root.versions:
        for path in _files_below(folder, f"{name}/{root.content}"):
            if path.endswith("/"):
                yield Fault(_in(where, path), "E024", "内容目录里有空目录")
            else:
                there[path] = frozenset[tuple[str, str, str]]()
    stated: dict[str, set[tuple[str, str, str]]] = {}
    for name, held in inventories.items():
        listed = held.content_paths()
        for path, digest in listed.items():
            stated.setdefault(path, set()).add(("E092", held.algorithm, digest.lower()))
        for algorithm, block in held.fixity.items():
            for digest, paths in block.items():
                for path in paths:
                    stated.setdefault(path, set()).add(("E093", algorithm, digest.lower()))
        for path in there:
            if path not in listed and _number(path) <= int(name[1:]):
                yield Fault(_in(where, path), "E023", f"内容文件不在 {name} 的清单里")
    for path, wanted in sorted(stated.items()):
        if path not in there:
            yield Fault(_in(where, path), "E092", "内容文件缺失")
            continue
        yield from _measure(folder, path, wanted, where)


def _measure(
    folder: Path, path: str, wanted: set[tuple[str, str, str]], where: str
) -> Iterator[Fault]:
    algorithms = frozenset(algorithm for _, algorithm, _ in wanted)
    try:
        found = reader.measured(layout.below(folder, path), algorithms)
    except OSError as unreadable:
        yield Fault(_in(where, path), "E092", f"内容文件读不出来（{unreadable.strerror}）")
        return
    for code in sorted({code for code, name, digest in wanted if found[name] != digest}):
        yield Fault(_in(where, path), code, "内容文件与清单的摘要不符")


def _files_below(folder: Path, where: str) -> Iterator[str]:
    """Every file below, and with a ``/`` behind it every folder that holds nothing."""
    try:
        entries = sorted(os.scandir(folder / where), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    if not entries:
        yield f"{where}/"
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files_below(folder, f"{where}/{entry.name}")
        else:
            yield f"{where}/{entry.name}"


def _links(folder: Path, where: str) -> Iterator[Fault]:
    for parent, folders, files in os.walk(folder):
        for name in sorted([*folders, *files]):
            path = Path(parent, name)
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                found = _in(where, str(path.relative_to(folder)))
                yield Fault(found, "E090", "对象里有链接或特殊文件")


def _holds(path: Path, held: bytes) -> bool:
    try:
        return not path.is_symlink() and path.read_bytes() == held
    except OSError:
        return False


def _number(path: str) -> int:
    return int(path.partition("/")[0][1:])


def _in(where: str, name: str) -> str:
    return f"{where}/{name}" if where else name
