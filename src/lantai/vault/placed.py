"""Where a master is: in a file of its own, or else in a package."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from lantai.lib import sealing
from lantai.lib.ocfl.faults import Unreachable, Unsound
from lantai.lib.ocfl.layout import Store
from lantai.lib.refusals import Refusal
from lantai.lib.sealing import NotOpened, Place
from lantai.vault import files, keys, packages
from lantai.vault.keys import KeyMissing, Ring
from lantai.vault.models import Blob, Movement, Placement

# Why something stored is not read, beside OSError; each says so in a sentence.
CLOSED: Final = (NotOpened, KeyMissing, Unsound, Unreachable, Refusal)
GONE: Final = frozenset({Movement.Way.RELEASED, Movement.Way.SHREDDED})


def with_ways() -> "QuerySet[Any]":
    """Every master with ``way``: how its own file last left or came back; empty if it never did."""
    last = Movement.objects.filter(blob=OuterRef("pk")).order_by("-pk").values("way")[:1]
    return Blob.objects.annotate(way=Coalesce(Subquery(last), Value("")))


def pieces(sha256: str) -> Iterator[bytes]:
    """Yield what stands for a master, piece by piece; its digest is for the caller to compare.

    A file of its own that cannot be opened is passed over where a package has the master.
    Raises FileNotFoundError where it is nowhere, OSError, and what CLOSED names.
    """
    begun = False
    try:
        for piece in files.pieces(settings.LANTAI_HOME, sha256):
            begun = True
            yield piece
    except (OSError, *CLOSED):
        places = [] if begun else _places(sha256)
        if not places:
            raise
        yield from _first_that_opens(places)


def whole_in_packages(sha256: str) -> bytes | None:
    """A master's bytes as a package has them, in whichever copy they are whole; None if in none."""
    for reading in _readings(_places(sha256)):
        try:
            content = b"".join(reading)
        except (OSError, *CLOSED):
            continue
        if hashlib.sha256(content).hexdigest() == sha256:
            return content
    return None


def is_given(sha256: str) -> bool:
    """Does the key of any package that holds a master still exist?"""
    home = settings.LANTAI_HOME
    return any(
        keys.has_key(home, packages.uid_of(place.object_id), Ring(place.ring))
        for place in _places(sha256)
    )


def releasable() -> Iterator[str]:
    """Masters that stand in a package and still have a file of their own, oldest first."""
    rows = with_ways().filter(Exists(Placement.objects.filter(blob=OuterRef("pk"))))
    yield from rows.exclude(way__in=GONE).order_by("pk").values_list("sha256", flat=True)


def digest_in(place: Placement, store: Store) -> str:
    """The SHA-256 of the plain text at a place in one store. Raises OSError, and as CLOSED."""
    running = hashlib.sha256()
    for piece in _pieces_in(place, store):
        running.update(piece)
    return running.hexdigest()


def digest_in_packages(sha256: str) -> str:
    """The SHA-256 of what the packages hold for a master. Raises OSError, and as CLOSED."""
    running = hashlib.sha256()
    for piece in _first_that_opens(_places(sha256)):
        running.update(piece)
    return running.hexdigest()


def ring_of(sha256: str) -> Ring:
    """The ring a master is sealed under, by which what is made from it is sealed too."""
    try:
        own = files.ring_of(settings.LANTAI_HOME, sha256)
    except (OSError, *CLOSED):
        own = None
    last = (
        Placement.objects.filter(blob__sha256=sha256).order_by("-pk").first() if not own else None
    )
    return own or (Ring(last.ring) if last else Ring.PRESERVATION)


def store_of(ring: str) -> Store:
    """The store of the packages whose keys are in a ring."""
    return _STORES[Ring(ring)]()


def copy_of(ring: str) -> Store | None:
    """The second copy of that store, if one is configured."""
    return _COPIES[Ring(ring)]()


def _places(sha256: str) -> list[Placement]:
    return list(Placement.objects.filter(blob__sha256=sha256).order_by("-pk"))


def _readings(places: list[Placement]) -> Iterator[Iterator[bytes]]:
    """Every place in the stores themselves, then in the second copies where there are any."""
    for find in (store_of, copy_of):
        for place in places:
            yield _pieces_found(place, find)


def _pieces_found(place: Placement, find: Callable[[str], Store | None]) -> Iterator[bytes]:
    store = find(place.ring)
    if store is None:
        raise FileNotFoundError("there is no second copy")
    yield from _pieces_in(place, store)


def _first_that_opens(places: list[Placement]) -> Iterator[bytes]:
    refused: Exception | None = None
    for reading in _readings(places):
        begun = False
        try:
            for piece in reading:
                begun = True
                yield piece
        except (OSError, *CLOSED) as closed:
            if begun:
                raise  # what was handed out cannot be taken back
            refused = refused or closed
        else:
            return
    raise refused or FileNotFoundError("no place in the packages")


def _pieces_in(place: Placement, store: Store) -> Iterator[bytes]:
    uid = packages.uid_of(place.object_id)
    # The suite is that of the key; nothing is made here.
    key = keys.dossier_key(
        settings.LANTAI_HOME,
        uid,
        may_make=False,
        suite=settings.LANTAI_SEALING,
        ring=Ring(place.ring),
    )
    _, _, inside = place.content_path.split("/", 2)
    with store.at(place.object_id).open(place.content_path) as stream:
        bound = Place(uid, place.version, inside)
        yield from sealing.opened(stream, under=key, place=bound)


def _ordinary() -> Store:
    return packages.store_in(settings.LANTAI_HOME)


def _secret() -> Store:
    return packages.secret_store_in(settings.LANTAI_HOME)


_STORES: Final[Mapping[Ring, Callable[[], Store]]] = {
    Ring.PRESERVATION: _ordinary,
    Ring.SECRET: _secret,
}
_COPIES: Final[Mapping[Ring, Callable[[], Store | None]]] = {
    Ring.PRESERVATION: packages.copy_store,
    Ring.SECRET: packages.secret_copy_store,
}
