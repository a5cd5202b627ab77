"""A dossier's package in the store: where it stands, and what its sealed files say."""

from collections.abc import Iterator
from pathlib import Path

from lantai.lib import sealing
from lantai.lib.ocfl import reader
from lantai.lib.ocfl.inventory import Inventory
from lantai.lib.ocfl.layout import Store
from lantai.lib.sealing import Key, Place

_ID = "urn:lantai:dossier:"


def store_in(home: Path) -> Store:
    return Store(home / "preserved")


def object_id(uid: str) -> str:
    return f"{_ID}{uid}"


def uid_of(object_id: str) -> str:
    """The dossier of an object; an empty text for an object that is none of ours."""
    return object_id.removeprefix(_ID) if object_id.startswith(_ID) else ""


def pieces(folder: Path, found: Inventory, path: str, *, under: Key) -> Iterator[bytes]:
    """Yield a file of the head in plain text, piece by piece.

    Raises KeyError for a path that is not there, ocfl.faults.Unsound, sealing.NotOpened.
    """
    content = found.content_path(path)
    version, _, inside = content.split("/", 2)
    place = Place(uid_of(found.object_id), int(version[1:]), inside)
    with reader.open_content(folder, path) as stream:
        yield from sealing.opened(stream, under=under, place=place)


def read(folder: Path, found: Inventory, path: str, *, under: Key) -> bytes:
    """A file of the head in plain text, whole. Raises as ``pieces``."""
    return b"".join(pieces(folder, found, path, under=under))
