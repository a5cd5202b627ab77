"""Every fault of a store, named by the code of OCFL 1.1; every byte is read.

Two things the specification only advises against are faults here, because nothing of ours makes
them: a version without an inventory of its own (W010) and a foreign folder in a version (W002).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lantai.lib.ocfl import inventory, layout, reader, shape
from lantai.lib.ocfl.backend import UNREADABLE, Entry, Kind
from lantai.lib.ocfl.faults import Fault, Unsound
from lantai.lib.ocfl.inventory import Inventory
from lantai.lib.ocfl.layout import At, Store
from lantai.lib.ocfl.paths import is_path, joined

_MISPLACED: Final = "0003"  # the layout's own number; the specification has no code for it


@dataclass(frozen=True)
class Examined:
    """An object that was looked at, with everything wrong in it."""

    path: str
    faults: tuple[Fault, ...]


def check_store(store: Store) -> Iterator[Examined]:
    """Examine every object in the order of their places, and at last the root (path "").

    Raises Unreachable.
    """
    faults: list[Fault] = []
    try:
        if store.is_empty():
            yield Examined("", (Fault("", "E069", "存储根不存在"),))
            return
        faults += _root_faults(store)
        for found in _walk(store, "", depth=0):
            if isinstance(found, Fault):
                faults.append(found)
            else:
                yield Examined(found.place, tuple(_placed_faults(found)))
    except Unsound as unlisted:
        faults += unlisted.faults  # a name no path can have: what stands beside it is not seen
    yield Examined("", tuple(faults))


def check_object(at: At, *, where: str = "") -> list[Fault]:
    """Every fault of an object; ``where`` is its path as it shall be named. Raises Unreachable."""
    entries = {entry.name: entry for entry in at.entries()}
    faults = [*_others(at, "", where), *_declaration(at, entries, where)]
    found: reader.Standing | None
    try:
        found = reader.inventory_in(at, where=where)
    except Unsound as unsound:
        faults += unsound.faults
        found = reader.newest_version(at)
    if found is None:
        return [*faults, *_without_inventory(at, entries, where)]
    faults += _foreign(at, entries, found.inventory, where)
    inventories = {found.inventory.head: found.inventory}
    for name in found.inventory.versions:
        if name not in entries or entries[name].kind is not Kind.FOLDER:
            faults.append(Fault(joined(where, name), "E046", "清单所列的版本没有目录"))
            if name != found.inventory.head:
                faults.append(Fault(joined(where, name), "E010", "版本目录没有逐一递增"))
            continue
        faults += _version_inventory(at, name, found, inventories, where)
        faults += _version_folder(at, name, inventories.get(name), found.inventory.content, where)
    faults += _contents(at, found.inventory, inventories, where)
    return faults


def fixity(at: At) -> Iterator[Fault]:
    """The fast pass over an object: its inventory, and one digest of each content file.

    SHA-256 of the fixity block where it has the file, else the digest of the manifest. Faults are
    named below the root of the store. Raises Unreachable.
    """
    try:
        found = reader.inventory_in(at, where=at.place).inventory
    except Unsound as unsound:
        yield from unsound.faults
        return
    block = found.fixity.get(inventory.FIXITY, {})
    quick = {path: digest for digest, paths in block.items() for path in paths}
    for path, digest in found.content_paths().items():
        if path in quick:
            stated = ("E093", inventory.FIXITY, quick[path].lower())
        else:
            stated = ("E092", found.algorithm, digest.lower())
        yield from _measure(at, path, {stated}, at.place)


def _root_faults(store: Store) -> Iterator[Fault]:
    entries = store.backend.entries("")
    declared = [entry.name for entry in entries if entry.name.startswith("0=")]
    if declared != [layout.ROOT_DECLARATION]:
        yield Fault("", "E069", "存储根没有唯一的 OCFL 1.1 声明")
    elif not store.holds(declared[0], layout.declaration(declared[0])):
        yield Fault(declared[0], "E080", "存储根声明的内容不对")
    for name, held in layout.root_files().items():
        if name != layout.ROOT_DECLARATION and not store.holds(name, held):
            yield Fault(name, "E070", "存储根的布局说明缺失或被改动")
    known = {layout.ROOT_DECLARATION, layout.LAYOUT_FILE, layout.READ_ME, *declared}
    for entry in entries:
        if entry.kind is not Kind.FOLDER and entry.name not in known:
            yield Fault(entry.name, "E088", "存储根里有外来的文件")
    for entry in store.backend.entries(layout.EXTENSIONS):
        if entry.kind is not Kind.FOLDER:
            yield Fault(f"{layout.EXTENSIONS}/{entry.name}", "E086", "扩展目录里有外来的文件")


def _walk(store: Store, folder: str, *, depth: int) -> Iterator[At | Fault]:
    """Yield every object, and every fault of the folders between."""
    for entry in store.backend.entries(folder):
        at = At(store, joined(folder, entry.name))
        if entry.kind is Kind.OTHER:
            yield Fault(at.place, "E090", "存储里有链接")
        elif entry.kind is Kind.FILE:
            if depth > 0:
                yield Fault(at.place, "E072", "存储的中间目录里有文件")
        elif depth == 0 and entry.name == layout.EXTENSIONS:
            continue
        elif not (inside := at.entries()):
            yield Fault(at.place, "E073", "存储里有空目录")
        elif any(held.name.startswith("0=") for held in inside):
            yield at
        elif depth >= layout.TUPLES:
            yield Fault(at.place, "E003", "应是对象的目录没有对象声明")
        else:
            yield from _walk(store, at.place, depth=depth + 1)


def _placed_faults(at: At) -> Iterator[Fault]:
    try:
        yield from check_object(at, where=at.place)
        object_id = reader.standing(at).inventory.object_id
    except Unsound as unlisted:
        # Either a name no path can have; or no inventory to ask, which was told above.
        yield from (fault for fault in unlisted.faults if fault.code == UNREADABLE)
        return
    if str(layout.place_of(object_id)) != at.place:
        yield Fault(at.place, _MISPLACED, "对象不在布局为其编号规定的位置")


def _declaration(at: At, entries: dict[str, Entry], where: str) -> Iterator[Fault]:
    declared = [name for name in entries if name.startswith("0=")]
    if not declared:
        yield Fault(where, "E003", "没有对象声明")
    for name in declared:
        if name != layout.OBJECT_DECLARATION:
            yield Fault(joined(where, name), "E006", "对象声明不是 OCFL 1.1")
        elif not at.store.holds(joined(at.place, name), layout.declaration(name)):
            yield Fault(joined(where, name), "E007", "对象声明的内容不对")


def _foreign(at: At, entries: dict[str, Entry], found: Inventory, where: str) -> Iterator[Fault]:
    files = {inventory.FILE, inventory.sidecar_name(found.algorithm)}
    for name, entry in sorted(entries.items()):
        if entry.kind is Kind.FOLDER:
            if name in found.versions or name == "logs":
                continue
            if name == layout.EXTENSIONS:
                for inside in at.entries(name):
                    if inside.kind is not Kind.FOLDER:
                        path = joined(where, f"{name}/{inside.name}")
                        yield Fault(path, "E067", "扩展目录里有文件")
            elif reader.VERSION_FOLDER.fullmatch(name):
                yield Fault(joined(where, name), "E046", "版本目录不在清单里：写入中断，或外来")
            else:
                yield Fault(joined(where, name), "E001", "对象里有外来的目录")
        elif name not in files and not name.startswith("0="):
            yield Fault(joined(where, name), "E001", "对象里有外来的文件")


def _version_folder(
    at: At, name: str, held: Inventory | None, content: str, where: str
) -> Iterator[Fault]:
    """Every stranger in a version; ``held`` is its own inventory, if that can be read."""
    algorithms = (held.algorithm,) if held else shape.ADDRESSING
    files = {inventory.FILE, *map(inventory.sidecar_name, algorithms)}
    for entry in at.entries(name):
        path = joined(where, f"{name}/{entry.name}")
        if entry.kind is Kind.FOLDER:
            if entry.name != content:
                yield Fault(path, "W002", "版本里有外来的目录")
        elif entry.name not in files:
            yield Fault(path, "E015", "版本里有外来的文件")


def _version_inventory(
    at: At,
    name: str,
    root: reader.Standing,
    inventories: dict[str, Inventory],
    where: str,
) -> Iterator[Fault]:
    """Hold a version's own inventory against the root's; enter it into ``inventories``."""
    named = joined(where, f"{name}/{inventory.FILE}")
    if all(entry.name != inventory.FILE for entry in at.entries(name)):
        yield Fault(named, "W010", "版本没有自己的清单")
        return
    try:
        found = reader.inventory_in(at, name, where=where)
    except Unsound as unsound:
        yield from unsound.faults
        if inventories.keys() - {root.inventory.head} and _stated(at, name, "type") == shape.OLDER:
            yield Fault(named, "E103", "版本所依的规范早于此前的版本")
        if (_stated(at, name, "contentDirectory") or inventory.CONTENT) != root.inventory.content:
            yield Fault(named, "E019", "版本清单的内容目录与对象不同")
        return
    held, newest = found.inventory, root.inventory
    inventories[name] = held
    if name == newest.head:
        if found.raw != root.raw:
            yield Fault(named, "E064", "最新版本的清单与对象的清单不同")
        return
    if held.object_id != newest.object_id:
        yield Fault(named, "E037", "版本清单的编号与对象不同")
    if held.head != name:
        yield Fault(named, "E040", "版本清单的 head 不是这一版本")
    if held.content != newest.content:
        yield Fault(named, "E019", "版本清单的内容目录与对象不同")
    if held.object_id == newest.object_id and not inventory.continues(newest, held):
        yield Fault(named, "E066", "此前版本的内容在对象的清单里被改动")


def _without_inventory(at: At, entries: dict[str, Entry], where: str) -> Iterator[Fault]:
    """What can be said of an object of which no inventory tells what it holds now."""
    older: dict[str, Inventory] = {}
    content = _stated(at, "", "contentDirectory") or inventory.CONTENT
    for name, entry in sorted(entries.items()):
        if entry.kind is not Kind.FOLDER:
            if name.split(".")[0] != "inventory" and not name.startswith("0="):
                yield Fault(joined(where, name), "E001", "对象里有外来的文件")
        elif reader.VERSION_FOLDER.fullmatch(name):
            own = _stated(at, name, "contentDirectory") or inventory.CONTENT
            if own != content:
                yield Fault(joined(where, name), "E019", "版本清单的内容目录与对象不同")
            yield from _version_folder(at, name, None, own, where)
            try:
                older[name] = reader.inventory_in(at, name, where=where).inventory
            except Unsound as unsound:
                yield from unsound.faults
        elif name not in {"logs", layout.EXTENSIONS}:
            yield Fault(joined(where, name), "E001", "对象里有外来的目录")
    for path, wanted in sorted(_digests(older).items()):
        yield from _measure(at, path, wanted, where)


def _stated(at: At, version: str, name: str) -> str:
    """The text an inventory that may be unsound states under a name; "" if there is none."""
    raw = reader.small_file(at, joined(version, inventory.FILE))
    stated = shape.examine(raw)[0].get(name) if raw else None
    return stated if isinstance(stated, str) else ""


def _contents(
    at: At, root: Inventory, inventories: dict[str, Inventory], where: str
) -> Iterator[Fault]:
    """Name every content file that is foreign, missing, or not what an inventory states."""
    there = {}
    for name in root.versions:
        for path in _files_below(at, f"{name}/{root.content}"):
            if path.endswith("/"):
                yield Fault(joined(where, path), "E024", "内容目录里有空目录")
            else:
                there[path] = frozenset[tuple[str, str, str]]()
    for name, held in inventories.items():
        listed = held.content_paths()
        for path in there:
            if path not in listed and _number(path) <= int(name[1:]):
                yield Fault(joined(where, path), "E023", f"内容文件不在 {name} 的清单里")
    for path, wanted in sorted(_digests(inventories).items()):
        if path not in there:
            yield Fault(joined(where, path), "E092", "内容文件缺失")
            continue
        yield from _measure(at, path, wanted, where)


def _digests(inventories: Mapping[str, Inventory]) -> dict[str, set[tuple[str, str, str]]]:
    """Every digest any of the inventories states of a content file: code, algorithm, digest."""
    stated: dict[str, set[tuple[str, str, str]]] = {}
    for held in inventories.values():
        for path, digest in held.content_paths().items():
            stated.setdefault(path, set()).add(("E092", held.algorithm, digest.lower()))
        for algorithm, block in held.fixity.items():
            for digest, paths in block.items():
                for path in paths:
                    stated.setdefault(path, set()).add(("E093", algorithm, digest.lower()))
    return stated


def _measure(at: At, path: str, wanted: set[tuple[str, str, str]], where: str) -> Iterator[Fault]:
    if not is_path(path):
        yield Fault(joined(where, path), "E092", "内容路径含有控制字符或反斜线，没有读")
        return
    algorithms = frozenset(algorithm for _, algorithm, _ in wanted)
    try:
        found = reader.measured(at, path, algorithms)
    except OSError as unreadable:
        yield Fault(joined(where, path), "E092", f"内容文件读不出来（{unreadable.strerror}）")
        return
    for code in sorted({code for code, name, digest in wanted if found[name] != digest}):
        yield Fault(joined(where, path), code, "内容文件与清单的摘要不符")


def _files_below(at: At, folder: str) -> Iterator[str]:
    """Every file below, and with a ``/`` behind it every folder that holds nothing."""
    entries = at.entries(folder)
    parent, _, name = folder.rpartition("/")
    if not entries and Entry(name, Kind.FOLDER) in at.entries(parent):
        yield f"{folder}/"
    for entry in entries:
        if entry.kind is Kind.FOLDER:
            yield from _files_below(at, f"{folder}/{entry.name}")
        else:
            yield f"{folder}/{entry.name}"


def _others(at: At, folder: str, where: str) -> Iterator[Fault]:
    for entry in at.entries(folder):
        path = joined(folder, entry.name)
        if entry.kind is Kind.OTHER:
            yield Fault(joined(where, path), "E090", "对象里有链接或特殊文件")
        elif entry.kind is Kind.FOLDER:
            yield from _others(at, path, where)


def _number(path: str) -> int:
    return int(path.partition("/")[0][1:])
