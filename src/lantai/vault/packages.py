"""A dossier's package in the store: where it stands, and what its sealed files say."""

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from lantai.lib import sealing
from lantai.lib.ocfl import reader
from lantai.lib.ocfl.inventory import Inventory
from lantai.lib.ocfl.layout import At, Store
from lantai.lib.sealing import Key, Place
from lantai.vault import stores

_ID = "urn:lantai:dossier:"


def store_in(home: Path) -> Store:
    """The store of packages. Raises Unacceptable for a bucket that was not proved."""
    return stores.opened(stores.primary(home))


def copy_store() -> Store | None:
    """Its second copy, None where none is set. Raises as ``store_in``."""
    place = stores.copy(settings.LANTAI_HOME)
    return stores.opened(place) if place else None


def secret_store_in(home: Path) -> Store:
    """The store of secret packages. Raises as ``store_in``."""
    return stores.opened(stores.secret(home))


def secret_copy_store() -> Store | None:
    """Its second copy, None where none is set. Raises as ``store_in``."""
    place = stores.secret_copy(settings.LANTAI_HOME)
    return stores.opened(place) if place else None


def object_id(uid: str) -> str:
    return f"{_ID}{uid}"


def uid_of(object_id: str) -> str:
    """The dossier of an object; an empty text for an object that is none of ours."""
    return object_id.removeprefix(_ID) if object_id.startswith(_ID) else ""


def pieces(at: At, found: Inventory, path: str, *, under: Key) -> Iterator[bytes]:
    """Yield a file of the head in plain text, piece by piece.

    Raises KeyError for a path that is not there, ocfl.faults.Unsound, sealing.NotOpened.
    """
    content = found.content_path(path)
    version, _, inside = content.split("/", 2)
    place = Place(uid_of(found.object_id), int(version[1:]), inside)
    with reader.open_content(at, path) as stream:
        yield from sealing.opened(stream, under=under, place=place)


def read(at: At, found: Inventory, path: str, *, under: Key) -> bytes:
    """A file of the head in plain text, whole. Raises as ``pieces``."""
    return b"".join(pieces(at, found, path, under=under))
