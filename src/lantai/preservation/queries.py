"""Is every package still there, whole, and able to be read?"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db.models import F, Max, QuerySet

from lantai.dossiers import queries as dossiers
from lantai.dossiers.models import Dossier
from lantai.identity.models import User
from lantai.lib import sealing
from lantai.lib.ocfl import check, inventory, reader
from lantai.lib.ocfl.faults import Fault, Unsound
from lantai.lib.ocfl.layout import At, Store
from lantai.lib.ocfl.paths import joined
from lantai.preservation import content, packing, places
from lantai.preservation.models import Copied, Kept, KeyDestruction, Watched
from lantai.vault import keys, packages

# Beside OCFL's codes: the rows and the store, and the keys.
LOST: Final = "kept"
UNKNOWN: Final = "unkept"
KEYLESS: Final = "key"


def _readable() -> QuerySet[Dossier]:
    return Dossier.objects.exclude(key_destructions__outcome=KeyDestruction.Outcome.CONFIRMED)


def unpreserved() -> list[str]:
    """The dossiers that have no package yet, oldest first."""
    return list(_readable().filter(kept=None).order_by("pk").values_list("uid", flat=True))


def all_dossiers() -> list[str]:
    """Every dossier whose key was not destroyed, oldest first."""
    return list(_readable().order_by("pk").values_list("uid", flat=True))


def destructions(*, user: User, on: date) -> QuerySet[KeyDestruction]:
    """What was asked for of dossiers a person's posts reach, what waits first."""
    reach = dossiers.in_scope(user=user, on=on)
    return (
        KeyDestruction.objects.filter(dossier__in=reach)
        .select_related("dossier__person", "dossier__body", "asked_by", "settled_by")
        .order_by(F("settled_at").desc(nulls_first=True), "-asked_at", "-pk")
    )


def destruction_of(*, dossier: Dossier) -> KeyDestruction | None:
    """The destruction of a dossier's key that was confirmed or waits to be."""
    open_ones = dossier.key_destructions.filter(outcome__in=["", KeyDestruction.Outcome.CONFIRMED])
    return open_ones.select_related("asked_by", "settled_by").first()


def count(place: Watched = Watched.STORE) -> int:
    """How many packages of a place are acknowledged."""
    return len(acknowledged(place))


def faults(place: Watched = Watched.STORE) -> Iterator[Fault]:
    """Read every byte of a place, then hold it against the rows and the keys.

    Raises Unreachable.
    """
    store = places.store_at(place)
    last = acknowledged(place)
    if store is None or (store.is_empty() and not last):
        return
    for examined in check.check_store(store):
        yield from examined.faults
    yield from _lost(store, place, last)
    if not store.is_empty():
        yield from _unknown_or_keyless(store, place, last)


def acknowledged(place: Watched) -> dict[str, int]:
    """The last version a place must have, of each dossier it has a package of."""
    if place in places.FIRST:
        rows = Kept.objects.filter(store=place).values_list("dossier__uid")
        return dict(rows.annotate(last=Max("version")).values_list("dossier__uid", "last"))
    copied = Copied.objects.filter(
        address=places.address_of(place), kept__store=places.TWIN[place]
    ).values_list("kept__dossier__uid")
    last = copied.annotate(last=Max("kept__version"))
    return dict(last.values_list("kept__dossier__uid", "last"))


def _lost(store: Store, place: Watched, last: Mapping[str, int]) -> Iterator[Fault]:
    """Versions that were acknowledged and are not there, or are not what they were."""
    for uid in sorted(last):
        at = store.at(packages.object_id(uid))
        for number, digest in sorted(places.acknowledged(place, uid).items()):
            where = f"{at.place}/v{number}"
            try:
                stands = reader.inventory_in(at, f"v{number}")
            except Unsound:
                yield Fault(where, LOST, "登记为已归档的版本缺失或读不出来，请从副本中恢复")
                continue
            if hashlib.sha512(stands.raw).hexdigest() != digest:
                yield Fault(where, LOST, "版本的清单与归档时登记的摘要不符，请从副本中恢复")
        yield from _sidecars(at, last[uid])


def _sidecars(at: At, last: int) -> Iterator[Fault]:
    """Sidecars that OCFL lets pass, and that are not as they were written: letters, blanks."""
    for version in ("", *(f"v{number}" for number in range(1, last + 1))):
        try:
            stands = reader.inventory_in(at, version)
        except Unsound:
            continue  # named by the check
        path = joined(version, inventory.sidecar_name(stands.inventory.algorithm))
        if reader.small_file(at, path) != inventory.sidecar(stands.raw, stands.inventory.algorithm):
            yield Fault(f"{at.place}/{path}", "E061", "摘要文件不是当初写下的字节")


def _unknown_or_keyless(store: Store, place: Watched, last: Mapping[str, int]) -> Iterator[Fault]:
    home: Path = settings.LANTAI_HOME
    ring = packing.RINGS[place if place in places.FIRST else places.TWIN[place]]
    for at in reader.objects(store):
        where = at.place
        try:
            found = reader.standing(at).inventory
        except Unsound:
            continue  # named above
        uid = packages.uid_of(found.object_id)
        if found.number > last.get(uid, 0):
            yield Fault(where, UNKNOWN, "没有登记的版本：归档中断所留，再次归档即可登记")
        try:
            suite = settings.LANTAI_SEALING
            key = keys.dossier_key(home, uid, may_make=False, suite=suite, ring=ring)
            packages.read(at, found, content.CATALOGUE, under=key)
        except keys.KeyDestroyed:
            continue  # on purpose
        except (keys.KeyMissing, sealing.NotOpened, ValueError) as closed:
            yield Fault(where, KEYLESS, str(closed))
        except (KeyError, Unsound):
            yield Fault(where, KEYLESS, "没有可读的目录")
