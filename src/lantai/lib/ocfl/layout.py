"""Where an object stands: the registered layout 0003, hash and id in tuples.

``<root>/<3 hex>/<3 hex>/<3 hex>/<id, percent-encoded>``; the hex digits begin the SHA-256 of the
id. https://ocfl.github.io/extensions/0003-hash-and-id-n-tuple-storage-layout.html
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from lantai.lib import canonical

EXTENSION: Final = "0003-hash-and-id-n-tuple-storage-layout"
TUPLES: Final = 3
TUPLE_SIZE: Final = 3
_LONGEST: Final = 100
_PLAIN: Final = re.compile(rb"[A-Za-z0-9_-]")

ROOT_DECLARATION: Final = "0=ocfl_1.1"
OBJECT_DECLARATION: Final = "0=ocfl_object_1.1"
LAYOUT_FILE: Final = "ocfl_layout.json"
EXTENSIONS: Final = "extensions"


@dataclass(frozen=True)
class Store:
    """A storage root, and beside it on the same file system the place where versions are made.

    The root holds nothing that is not whole: what is being written stands in ``stage``.
    """

    home: Path

    @property
    def root(self) -> Path:
        return self.home / "root"

    @property
    def stage(self) -> Path:
        return self.home / "stage"

    def folder_of(self, object_id: str) -> Path:
        """Where an object stands. Raises ValueError for an id that is none."""
        return self.root / place_of(object_id)


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


def is_path(text: str) -> bool:
    """Tell whether a logical or content path stays where it is put.

    Parts joined by ``/``, none empty, ``.`` or ``..``; no control characters, no backslash.
    """
    return bool(text) and all(
        part not in {"", ".", ".."} and not re.search(r"[\x00-\x1f\x7f\\]", part)
        for part in text.split("/")
    )


def below(folder: Path, path: str) -> Path:
    """Return a path in a folder. Raises ValueError if it would lead out of it."""
    if not is_path(path):
        raise ValueError(f"not a path inside an object: {path!r}")
    return folder.joinpath(*path.split("/"))
