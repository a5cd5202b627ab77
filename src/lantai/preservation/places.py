"""The places packages stand in: the store, the twin, and what was acknowledged of each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from django.conf import settings

from lantai.lib.ocfl.layout import Store
from lantai.preservation.models import Copied, Kept, Watched
from lantai.vault import packages

# Where the same bytes stand once more: what one has lost the other gives back.
TWIN: Final[Mapping[Watched, Watched]] = {
    Watched.STORE: Watched.COPY,
    Watched.COPY: Watched.STORE,
    Watched.SECRET: Watched.SECRET_COPY,
    Watched.SECRET_COPY: Watched.SECRET,
}
FIRST: Final = (Watched.STORE, Watched.SECRET)
SECOND: Final = (Watched.COPY, Watched.SECRET_COPY)


def store_at(place: Watched) -> Store | None:
    """The store of a place; None where no second copy is set, and for the vault.

    Raises Unacceptable for a bucket that was not proved.
    """
    home: Path = settings.LANTAI_HOME
    if place is Watched.STORE:
        return packages.store_in(home)
    if place is Watched.SECRET:
        return packages.secret_store_in(home)
    if place is Watched.VAULT:
        return None
    return packages.copy_store() if place is Watched.COPY else packages.secret_copy_store()


def is_set(place: Watched) -> bool:
    """Tell whether there is such a place; nothing is opened for it."""
    return place in {*FIRST, Watched.VAULT} or bool(address_of(place))


def address_of(place: Watched) -> str:
    """Where a second copy stands, as the settings name it; empty if none is set."""
    named = {Watched.COPY: settings.LANTAI_COPY, Watched.SECRET_COPY: settings.LANTAI_SECRET_COPY}
    return str(named.get(place) or "")


def acknowledged(place: Watched, uid: str) -> dict[int, str]:
    """The versions of a dossier's package that a place must have, by the SHA-512 of inventories."""
    if place in FIRST:
        rows = Kept.objects.filter(store=place, dossier__uid=uid)
        return dict(rows.values_list("version", "inventory_sha512"))
    copied = Copied.objects.filter(
        address=address_of(place), kept__store=TWIN[place], kept__dossier__uid=uid
    )
    return dict(copied.values_list("kept__version", "inventory_sha512"))
