"""Where an object stands: the registered layout 0003, hash and id in tuples.

``<root>/<3 hex>/<3 hex>/<3 hex>/<id, percent-encoded>``; the hex digits begin the SHA-256 of the
id. https://ocfl.github.io/extensions/0003-hash-and-id-n-tuple-storage-layout.html
"""

import errno
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from lantai.lib import canonical
from lantai.lib.ocfl.backend import Backend, Entry
from lantai.lib.ocfl.local import Local
from lantai.lib.ocfl.paths import is_path, joined

EXTENSION: Final = "0003-hash-and-id-n-tuple-storage-layout"
TUPLES: Final = 3
TUPLE_SIZE: Final = 3
_LONGEST: Final = 100
_PLAIN: Final = re.compile(rb"[A-Za-z0-9_-]")

_NO_FILE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP})

ROOT_DECLARATION: Final = "0=ocfl_1.1"
OBJECT_DECLARATION: Final = "0=ocfl_object_1.1"
LAYOUT_FILE: Final = "ocfl_layout.json"
EXTENSIONS: Final = "extensions"
READ_ME: Final = "README.txt"  # the one other file a root may have of its own


@dataclass(frozen=True)
class Store:
    """A storage root, and on this machine the place where its versions are made.

    Without a back end the root is a folder in ``home``, beside the stage and on the same file
    system. The root holds nothing that is not whole: what is being written stands in ``stage``.
    """

    home: Path
    elsewhere: Backend | None = None

    @property
    def backend(self) -> Backend:
        return self.elsewhere or Local(self.root)

    @property
    def root(self) -> Path:
        """The root as a folder. Raises ValueError for a store that is none of this machine."""
        if self.elsewhere:
            raise ValueError("this store is not a folder of this machine")
        return self.home / "root"

    @property
    def stage(self) -> Path:
        return self.home / "stage"

    def at(self, object_id: str) -> "At":
        """The place of an object. Raises ValueError for an id that is none."""
        return At(self, str(place_of(object_id)))

    def folder_of(self, object_id: str) -> Path:
        """Where an object of a local store stands. Raises ValueError."""
        return self.at(object_id).folder

    def is_founded(self) -> bool:
        """Tell whether the root is there, by its declaration. Raises OSError, Unreachable."""
        # Not by listing the root: it has thousands of folders, and every writer asks.
        try:
            with self.backend.open(ROOT_DECLARATION):
                return True
        except OSError as missing:
            if missing.errno in _NO_FILE:
                return False
            raise  # there, but not read: no reason to take the store for none

    def holds(self, path: str, held: bytes) -> bool:
        """Tell whether a file below the root has just these bytes. Raises Unreachable."""
        try:
            with self.backend.open(path) as stream:
                return stream.read(len(held) + 1) == held
        except OSError:
            return False

    def is_empty(self) -> bool:
        """Tell whether there is nothing at all in the place of the root. Raises Unreachable."""
        return not self.backend.entries("")


@dataclass(frozen=True)
class At:
    """An object's place in a store: ``place`` is the path of the object below the root."""

    store: Store
    place: str

    def __str__(self) -> str:
        return self.place

    @property
    def folder(self) -> Path:
        """The object as a folder. Raises ValueError for a store that is none of this machine."""
        return self.store.root / self.place

    def exists(self) -> bool:
        """Tell whether anything stands here. Raises Unreachable."""
        return bool(self.entries())

    def entries(self, folder: str = "") -> list[Entry]:
        """What stands in a folder of the object, by name. Raises Unreachable."""
        return self.store.backend.entries(joined(self.place, folder) if folder else self.place)

    def open(self, path: str) -> BinaryIO:
        """Open a file of the object. Raises OSError, Unreachable; ValueError for no path."""
        if not is_path(path):
            raise ValueError(f"not a path inside an object: {path!r}")
        return self.store.backend.open(f"{self.place}/{path}")


def root_files() -> dict[str, bytes]:
    """The files of an empty storage root, by their paths below it."""
    config = {
        "extensionName": EXTENSION,
        "digestAlgorithm": "sha256",
        "tupleSize": TUPLE_SIZE,
        "numberOfTuples": TUPLES,
    }
    stated = {"extension": EXTENSION, "description": "SHA-256 of the object id in tuples, then id"}
    return {
        ROOT_DECLARATION: declaration(ROOT_DECLARATION),
        LAYOUT_FILE: canonical.dumps(stated),
        f"{EXTENSIONS}/{EXTENSION}/config.json": canonical.dumps(config),
    }


def declaration(name: str) -> bytes:
    """What stands in a declaration: its own name without ``0=``, and a line end."""
    return name.removeprefix("0=").encode() + b"\n"


def place_of(object_id: str) -> PurePosixPath:
    """Where an object stands below the root. Raises ValueError for an id that is none."""
    if not object_id or object_id != object_id.strip():
        raise ValueError("an object id is a text without blanks at its ends")
    named = object_id.encode()
    digest = hashlib.sha256(named).hexdigest()
    tuples = [digest[at * TUPLE_SIZE : (at + 1) * TUPLE_SIZE] for at in range(TUPLES)]
    folder = "".join(chr(byte) if _PLAIN.match(bytes([byte])) else f"%{byte:02x}" for byte in named)
    if len(folder) > _LONGEST:
        folder = f"{folder[:_LONGEST]}-{digest}"
    return PurePosixPath(*tuples, folder)
