"""Is every package still there, whole, and able to be read?"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db.models import Max

from lantai.dossiers.models import Dossier
from lantai.lib import sealing
from lantai.lib.ocfl import check, reader
from lantai.lib.ocfl.faults import Fault, Unsound
from lantai.preservation import content, keys, packages
from lantai.preservation.models import Kept

# Beside OCFL's codes: the rows and the store, and the keys.
LOST: Final = "kept"
UNKNOWN: Final = "unkept"
KEYLESS: Final = "key"


def unpreserved() -> list[str]:
    """The dossiers that have no package yet, oldest first."""
    return list(Dossier.objects.filter(kept=None).order_by("pk").values_list("uid", flat=True))


def all_dossiers() -> list[str]:
    """Every dossier, oldest first."""
    return list(Dossier.objects.order_by("pk").values_list("uid", flat=True))


def count() -> int:
    """How many packages are acknowledged."""
    return Kept.objects.filter(version=1).count()


def faults() -> Iterator[Fault]:
    """Read every byte of the store, then hold it against the rows and the keys."""
    home: Path = settings.LANTAI_HOME
    store = packages.store_in(home)
    if not store.root.exists() and not Kept.objects.exists():
        return
    for examined in check.check_store(store):
        yield from examined.faults
    yield from _lost(home)
    if store.root.exists():
        yield from _unknown_or_keyless(home)


def _lost(home: Path) -> Iterator[Fault]:
    """Versions that were acknowledged and are not there, or are not what they were."""
    store = packages.store_in(home)
    for kept in Kept.objects.select_related("dossier").order_by("pk").iterator(2000):
        place = store.folder_of(packages.object_id(kept.dossier.uid))
        where = f"{place.relative_to(store.root)}/v{kept.version}"
        try:
            stands = reader.inventory_in(place / f"v{kept.version}")
        except Unsound:
            yield Fault(where, LOST, "登记为已归档的版本缺失或读不出来，请从副本中恢复")
            continue
        if hashlib.sha512(stands.raw).hexdigest() != kept.inventory_sha512:
            yield Fault(where, LOST, "版本的清单与归档时登记的摘要不符，请从副本中恢复")


def _unknown_or_keyless(home: Path) -> Iterator[Fault]:
    store = packages.store_in(home)
    rows = Kept.objects.values_list("dossier__uid").annotate(last=Max("version"))
    last = dict(rows.values_list("dossier__uid", "last"))
    for folder in reader.objects(store):
        where = str(folder.relative_to(store.root))
        try:
            found = reader.standing(folder).inventory
        except Unsound:
            continue  # named above
        uid = packages.uid_of(found.object_id)
        if found.number > last.get(uid, 0):
            yield Fault(where, UNKNOWN, "没有登记的版本：归档中断所留，再次归档即可登记")
        try:
            key = keys.dossier_key(home, uid, may_make=False, suite=settings.LANTAI_SEALING)
            packages.read(folder, found, content.CATALOGUE, under=key)
        except (keys.KeyMissing, sealing.NotOpened, ValueError) as closed:
            yield Fault(where, KEYLESS, str(closed))
        except (KeyError, Unsound):
            yield Fault(where, KEYLESS, "没有可读的目录")
