"""What an object holds at each version: ``inventory.json`` of OCFL 1.1, read and written strictly.

Written in canonical JSON (RFC 8785) with sha256 as the digest of content: OCFL advises sha512
(W004), which costs twice as much here (docs/explanation/vault-measured.md). An object that was
begun with sha512 goes on with it, and with sha256 as fixity. SM3 is not in OCFL's vocabulary of
fixity algorithms (E056), so an SM3 digest has to stand in the content. Read: whatever OCFL 1.1
allows; everything it forbids is named by its code.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from lantai.lib import canonical
from lantai.lib.ocfl import shape
from lantai.lib.ocfl.faults import Fault, Unsound
from lantai.lib.ocfl.paths import is_path

FILE: Final = "inventory.json"
TYPE: Final = shape.TYPE
ALGORITHM: Final = "sha256"
ALGORITHMS: Final = frozenset({"sha256", "sha512"})
FIXITY: Final = "sha256"
CONTENT: Final = "content"


@dataclass(frozen=True)
class Version:
    """One version: when, why, by whom, and the digest of each logical path."""

    created: str
    message: str
    user: str
    address: str
    state: Mapping[str, str]


@dataclass(frozen=True)
class Inventory:
    """An object up to its head. ``manifest`` and ``fixity`` go from digests to content paths."""

    object_id: str
    algorithm: str
    head: str
    content: str
    versions: Mapping[str, Version]
    manifest: Mapping[str, tuple[str, ...]]
    fixity: Mapping[str, Mapping[str, tuple[str, ...]]]

    @property
    def number(self) -> int:
        """The number of the head, from 1."""
        return int(self.head[1:])

    @property
    def state(self) -> Mapping[str, str]:
        """The digest of each logical path at the head."""
        return self.versions[self.head].state

    def content_path(self, path: str, *, version: str | None = None) -> str:
        """Where the bytes of a logical path stand, below the object. Raises KeyError."""
        return self.manifest[self.versions[version or self.head].state[path]][0]

    def content_paths(self) -> dict[str, str]:
        """The digest each content path must have."""
        return {path: digest for digest, paths in self.manifest.items() for path in paths}

    def dumps(self) -> bytes:
        """The canonical form. Raises ValueError for an inventory that was not ours to write."""
        if self.algorithm not in ALGORITHMS or self.content != CONTENT:
            raise ValueError("only inventories with sha256 or sha512, and content/, are written")
        fixity = {
            algorithm: {digest: list(paths) for digest, paths in block.items()}
            for algorithm, block in self.fixity.items()
        }
        return canonical.dumps(
            {
                "id": self.object_id,
                "type": TYPE,
                "digestAlgorithm": self.algorithm,
                "head": self.head,
                "manifest": {digest: list(paths) for digest, paths in self.manifest.items()},
                "versions": {
                    name: {
                        "created": version.created,
                        "message": version.message,
                        "user": {"name": version.user, "address": version.address},
                        "state": _by_digest(version.state),
                    }
                    for name, version in self.versions.items()
                },
            }
            | ({"fixity": fixity} if fixity else {})
        )


def algorithms(before: Inventory | None) -> tuple[str, ...]:
    """The digests a new file of the next version needs, that of the manifest first."""
    begun = before.algorithm if before else ALGORITHM
    return (begun,) if begun == FIXITY else (begun, FIXITY)


def following(
    before: Inventory | None,
    *,
    object_id: str,
    at: datetime,
    message: str,
    user: str,
    address: str,
    fresh: Mapping[str, Mapping[str, str]],
    carried: Mapping[str, str],
) -> Inventory:
    """Return the inventory of the next version (the first, if there is none before).

    ``fresh`` are the logical paths that were written anew, with the digests by ``algorithms``: at
    ``vN/content/<path>``, unless the object has the same bytes already. ``carried`` name what it
    has, by digest. Raises ValueError for paths that are none, and for digests the object does not
    hold.
    """
    if before and before.object_id != object_id:
        raise ValueError("the version belongs to another object")
    number = before.number + 1 if before else 1
    held = dict(before.manifest) if before else {}
    algorithm, *others = algorithms(before)
    known = {name: dict(before.fixity.get(name, {})) if before else {} for name in others}
    _refuse_paths([*fresh, *carried])
    for path, digest in carried.items():
        if digest not in held:
            raise ValueError(f"the object does not hold what {path} should be")
    for path, digests in sorted(fresh.items()):
        if digests[algorithm] in held:
            continue
        held[digests[algorithm]] = (f"v{number}/{CONTENT}/{path}",)
        for name, block in known.items():
            block[digests[name]] = held[digests[algorithm]]
    state = {**carried, **{path: digests[algorithm] for path, digests in fresh.items()}}
    version = Version(
        created=at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z"),
        message=message,
        user=user,
        address=address,
        state=state,
    )
    return Inventory(
        object_id=object_id,
        algorithm=algorithm,
        head=f"v{number}",
        content=CONTENT,
        versions={**(before.versions if before else {}), f"v{number}": version},
        manifest=held,
        fixity=known,
    )


def parse(raw: bytes, *, where: str = FILE) -> Inventory:
    """Read an inventory. Raises Unsound with every breach found; ``where`` names it in them."""
    stated, faults = shape.examine(raw)
    if faults:
        raise Unsound(*(Fault(where, code, what) for code, what in faults))
    return Inventory(
        object_id=stated["id"],
        algorithm=stated["digestAlgorithm"],
        head=stated["head"],
        content=stated.get("contentDirectory", CONTENT),
        versions={name: _version(version) for name, version in stated["versions"].items()},
        manifest={digest: tuple(paths) for digest, paths in stated["manifest"].items()},
        fixity={
            algorithm: {digest: tuple(paths) for digest, paths in block.items()}
            for algorithm, block in stated.get("fixity", {}).items()
        },
    )


def sidecar_name(algorithm: str = ALGORITHM) -> str:
    return f"{FILE}.{algorithm}"


def sidecar(raw: bytes, algorithm: str = ALGORITHM) -> bytes:
    """What stands in the sidecar of an inventory."""
    return f"{hashlib.new(algorithm, raw).hexdigest()} {FILE}\n".encode()


def continues(later: Inventory, earlier: Inventory) -> bool:
    """Tell whether each version of the earlier inventory has the same content in the later.

    E066: same logical paths, and each leads to the same content paths; digests may be of another
    algorithm, and letters of another case.
    """
    if later.object_id != earlier.object_id or not earlier.versions.keys() <= later.versions.keys():
        return False
    return all(_same_version(later, earlier, name) for name in earlier.versions)


def _same_version(later: Inventory, earlier: Inventory, name: str) -> bool:
    old, new = earlier.versions[name].state, later.versions[name].state
    if old.keys() != new.keys() or not _state_in(earlier, name) <= _state_in(later, name):
        return False
    return later.algorithm != earlier.algorithm or all(
        old[path].lower() == new[path].lower() for path in old
    )


def _state_in(inventory: Inventory, version: str) -> frozenset[tuple[str, str]]:
    """Each logical path with each content path that has its bytes and is not younger."""
    manifest = {digest.lower(): paths for digest, paths in inventory.manifest.items()}
    limit = int(version[1:])
    return frozenset(
        (path, content)
        for path, digest in inventory.versions[version].state.items()
        for content in manifest[digest.lower()]
        if int(content.partition("/")[0][1:]) <= limit
    )


def _version(stated: Mapping[str, Any]) -> Version:
    user = stated.get("user", {})
    return Version(
        created=stated["created"],
        message=stated.get("message", ""),
        user=user.get("name", ""),
        address=user.get("address", ""),
        state={path: digest for digest, paths in stated["state"].items() for path in paths},
    )


def _by_digest(state: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted(state):
        found.setdefault(state[path], []).append(path)
    return found


def _refuse_paths(paths: list[str]) -> None:
    for path in paths:
        if not is_path(path):
            raise ValueError(f"not a path inside an object: {path!r}")
    if clash := shape.clash_among(paths):
        raise ValueError(f"{clash} stands twice, or is a file and a folder at once")
