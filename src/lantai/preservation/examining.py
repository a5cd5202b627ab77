"""One package in one store, held against what was acknowledged of it, file by file.

The rows hold the digest of each version's inventory; an inventory with that digest is proven, and
says of every other file what it must be. Nothing that is not proven is believed.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NamedTuple

from lantai.lib.ocfl import inventory, layout
from lantai.lib.ocfl.backend import Kind
from lantai.lib.ocfl.faults import Fault, Unsound
from lantai.lib.ocfl.inventory import Inventory
from lantai.lib.ocfl.layout import At

UNPROVEN: Final = "各副本中都没有与登记摘要相符的清单"
GONE: Final = "gone"  # the whole object; beside OCFL's codes
_FOREIGN: Final = frozenset({"E001", "E015", "E023"})
_PIECE: Final = 1 << 20
_LARGEST_INVENTORY: Final = 64 << 20
_LONGEST_NAME: Final = 400  # as a row has room for


class Digest(NamedTuple):
    """What the bytes of a file must come to."""

    algorithm: str
    value: str


@dataclass(frozen=True)
class Finding:
    """One file that is not as it was acknowledged; ``before`` is the SHA-256 of what is there."""

    path: str
    code: str
    what: str
    before: str

    @property
    def is_foreign(self) -> bool:
        return self.code in _FOREIGN

    @property
    def named(self) -> str:
        """The path in words: a foreign name may be no text, and longer than any of ours."""
        text = self.path.encode(errors="backslashreplace").decode()
        if len(text) <= _LONGEST_NAME:
            return text
        mark = hashlib.sha256(text.encode()).hexdigest()[:16]
        return f"{text[: _LONGEST_NAME - len(mark) - 1]}…{mark}"


@dataclass(frozen=True)
class Examined:
    """A package that was read: what is wrong, and how many bytes were read."""

    findings: tuple[Finding, ...]
    size: int


@dataclass(frozen=True)
class Proven:
    """What a package must be: every file with its digest, from inventories that are proven.

    ``unjudged`` are sidecars of inventories no copy has any more: what they must say is not known.
    """

    inventory: Inventory
    files: Mapping[str, Digest]
    unjudged: frozenset[str]

    @property
    def published(self) -> frozenset[str]:
        """The files at the object's root that follow its newest version."""
        return frozenset({inventory.FILE, inventory.sidecar_name(self.inventory.algorithm)})

    def code(self, path: str, *, missing: bool = False) -> str:
        """OCFL's code for a file that is missing, or has other bytes."""
        name = path.rpartition("/")[2]
        if path == layout.OBJECT_DECLARATION:
            return "E003" if missing else "E007"
        if path.count("/") <= 1 and name == inventory.FILE:
            return "E063" if missing else "E060"
        if path.count("/") <= 1 and name.startswith(f"{inventory.FILE}."):
            return "E058" if missing else "E061"
        by_manifest = self.files[path].algorithm == self.inventory.algorithm
        return "E092" if missing or by_manifest else "E093"


def prove(kept: Mapping[int, str], among: Sequence[At]) -> Proven:
    """What was acknowledged as ``kept`` (version → SHA-512 of its inventory).

    Any of the places may have the proof. Raises Unsound if none has an inventory with the digest
    on record; ValueError if nothing was kept; Unreachable.
    """
    newest = max(kept)
    raw = _proof(newest, kept[newest], among, beside=True)
    if raw is None:
        where = f"v{newest}/{inventory.FILE}"
        raise Unsound(Fault(where, "E060", UNPROVEN))
    found = inventory.parse(raw)
    held, unjudged = _content_of(found), set()
    sidecar = inventory.sidecar_name(found.algorithm)
    for number, digest in kept.items():
        older = raw if number == newest else _proof(number, digest, among)
        held[f"v{number}/{inventory.FILE}"] = Digest("sha512", digest)
        if older is None:
            unjudged.add(f"v{number}/{sidecar}")
            continue
        algorithm = found.algorithm if number == newest else inventory.parse(older).algorithm
        held[f"v{number}/{inventory.sidecar_name(algorithm)}"] = _of(
            inventory.sidecar(older, algorithm)
        )
    held[inventory.FILE] = Digest("sha512", kept[newest])
    held[sidecar] = held[f"v{newest}/{sidecar}"]
    return Proven(found, held, frozenset(unjudged))


def provable(kept: Mapping[int, str], among: Sequence[At]) -> Proven | None:
    """What was acknowledged, up to the newest version any place can prove; None for none at all.

    Raises Unreachable.
    """
    for newest in sorted(kept, reverse=True):
        with suppress(Unsound):
            return prove({number: kept[number] for number in kept if number <= newest}, among)
    return None


def examine(at: At, wanted: Proven, *, kept: Mapping[int, str]) -> Examined:
    """Read every byte of a package and name what is not as it must be. Raises Unreachable.

    Versions that were ``kept`` and are not proven have lost their inventory everywhere.

    Files of versions that follow without a gap are passed over: a writer is at work, or was
    stopped, and nothing of it was acknowledged.
    """
    there = set(files(at))
    lost = [
        _lost(at, f"v{number}/{inventory.FILE}", there)
        for number in sorted(kept)
        if number > wanted.inventory.number
    ]
    if not there:
        return Examined((Finding("", GONE, "整个对象缺失", ""), *lost), 0)
    ahead = _versions_after(wanted.inventory.number, there)
    passed = wanted.unjudged | (wanted.published if ahead else frozenset())
    findings, size = lost, 0
    for path, digest in wanted.files.items():
        if path in passed:
            continue
        if path not in there:
            findings.append(Finding(path, wanted.code(path, missing=True), "文件缺失", ""))
            continue
        found = measured(at, path, {digest.algorithm, "sha256"})
        size += found.size
        if not found.digests:
            findings.append(Finding(path, wanted.code(path, missing=True), "文件读不出来", ""))
        elif found.digests[digest.algorithm] != digest.value:
            before = found.digests["sha256"]
            findings.append(Finding(path, wanted.code(path), "文件内容与归档时的登记不符", before))
    for path in sorted(there - wanted.files.keys() - passed):
        if path.partition("/")[0] not in ahead:
            before = measured(at, path, {"sha256"}).digests.get("sha256", "")
            findings.append(Finding(path, _foreign(path, wanted), "外来的文件", before))
    return Examined(tuple(findings), size)


class Measured(NamedTuple):
    """The digests of a file by their algorithms, none if it cannot be read; and its size."""

    digests: Mapping[str, str]
    size: int


def measured(at: At, path: str, algorithms: set[str]) -> Measured:
    """Read a file once, in pieces. Raises Unreachable."""
    hashes = {name: hashlib.new(name) for name in algorithms}
    size = 0
    try:
        with at.open(path) as stream:
            while piece := stream.read(_PIECE):
                size += len(piece)
                for running in hashes.values():
                    running.update(piece)
    except (OSError, ValueError):
        return Measured({}, size)
    return Measured({name: running.hexdigest() for name, running in hashes.items()}, size)


def small(at: At, path: str) -> bytes | None:
    """The bytes of an inventory or sidecar; None if it is missing, unreadable or far too large."""
    try:
        with at.open(path) as stream:
            held = stream.read(_LARGEST_INVENTORY + 1)
    except OSError:
        return None
    return held if len(held) <= _LARGEST_INVENTORY else None


def files(at: At, folder: str = "") -> Iterator[str]:
    """Every file below an object, links and specials as well. Raises Unreachable.

    Those of a folder that cannot be read are not among them: as good as missing.
    """
    try:
        entries = at.entries(folder)
    except OSError:
        return
    for entry in entries:
        path = f"{folder}/{entry.name}" if folder else entry.name
        if entry.kind is Kind.FOLDER:
            yield from files(at, path)
        else:
            yield path


def _versions_after(number: int, there: set[str]) -> set[str]:
    """The version folders that follow a version one after another."""
    folders = {path.partition("/")[0] for path in there if "/" in path}
    ahead: set[str] = set()
    while (name := f"v{number + 1 + len(ahead)}") in folders:
        ahead.add(name)
    return ahead


def _lost(at: At, path: str, there: set[str]) -> Finding:
    before = measured(at, path, {"sha256"}).digests.get("sha256", "") if path in there else ""
    return Finding(path, "E060" if path in there else "E063", UNPROVEN, before)


def stands_as(path: str, wanted: Proven) -> Sequence[str]:
    """Where in a good copy the same bytes may stand: a root inventory also in its version."""
    if path in wanted.published:
        return (path, f"{wanted.inventory.head}/{path}")
    return (path,)


def _proof(number: int, digest: str, among: Sequence[At], *, beside: bool = False) -> bytes | None:
    """The inventory of a version with the digest on record, from whichever place has it."""
    paths = (f"v{number}/{inventory.FILE}", *((inventory.FILE,) if beside else ()))
    for at in among:
        for path in paths:
            raw = small(at, path)
            if raw is not None and hashlib.sha512(raw).hexdigest() == digest:
                return raw
    return None


def _content_of(found: Inventory) -> dict[str, Digest]:
    """The declaration and all content, by the fastest digest the inventory has of each."""
    fast = {
        path: digest for digest, paths in found.fixity.get("sha256", {}).items() for path in paths
    }
    content = {
        path: Digest("sha256", fast[path]) if path in fast else Digest(found.algorithm, digest)
        for path, digest in found.content_paths().items()
    }
    declaration = layout.declaration(layout.OBJECT_DECLARATION)
    return {layout.OBJECT_DECLARATION: _of(declaration), **content}


def _of(held: bytes) -> Digest:
    return Digest("sha256", hashlib.sha256(held).hexdigest())


def _foreign(path: str, wanted: Proven) -> str:
    version, _, inside = path.partition("/")
    if version not in wanted.inventory.versions:
        return "E001"
    return "E023" if inside.startswith(f"{wanted.inventory.content}/") else "E015"
