"""What is done with the second copy: it is given each version that was kept."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from lantai.dossiers.models import Dossier
from lantai.ledger import services as ledger
from lantai.lib.ocfl import disk, inventory, writer
from lantai.lib.ocfl.faults import Fault, Unsound
from lantai.lib.ocfl.layout import Store
from lantai.lib.refusals import Conflict, NotFound
from lantai.preservation import examining, places, stated
from lantai.preservation.models import Copied, Kept, Watched
from lantai.vault import packages


class CopyAway(RuntimeError):
    """The second copy was there once and is not now: an incident, and no other is begun."""


def replicate(
    *, dossier_uid: str, by: str, at: datetime, store: Watched = Watched.STORE
) -> Copied | None:
    """Bring the kept versions of a package to the second copy; None if it has them all.

    They are on the copy's disk, compared with the digests on record, before the rows and the
    entry that acknowledge them. Stopped between the two, the next call acknowledges what stands.

    Raises NotFound for a dossier without a package; Conflict if no copy is set or another writes
    the same package; and, as incidents, Unsound, CopyAway, backend.Unreachable, OSError.
    """
    place = places.TWIN[store]
    source, copy = places.store_at(store), places.store_at(place)
    if copy is None or source is None:
        raise Conflict("没有设置第二副本：请由运维人员设置 LANTAI_COPY 后再复制")
    kept = places.acknowledged(store, dossier_uid)
    if not kept:
        raise NotFound("这份档案还没有归档，请先归档")
    if kept.keys() == places.acknowledged(place, dossier_uid).keys():
        return None
    refuse_if_away(place, copy)
    object_id = packages.object_id(dossier_uid)
    try:
        examining.prove(kept, [source.at(object_id)])
        writer.adopt(copy, object_id, source, upto=max(kept))
    except disk.Busy as busy:
        raise Conflict("这份档案正在归档或复制，请稍候再试") from busy
    held = _held(copy, object_id, kept)
    return _acknowledge(dossier_uid=dossier_uid, store=store, held=held, by=by, at=at)


def refuse_if_away(place: Watched, copy: Store) -> None:
    """Raise CopyAway where the copy was acknowledged to have something and has no root."""
    if not copy.is_founded() and Copied.objects.filter(address=places.address_of(place)).exists():
        raise CopyAway(
            "第二副本的存储根不在：请检查介质是否已挂载；确已换成空介质的，"
            "请把 LANTAI_COPY 改为新的地址，再全部复制"
        )


def _held(copy: Store, object_id: str, kept: Mapping[int, str]) -> dict[int, str]:
    """The digests of the inventories the copy has, each as it was kept. Raises Unsound."""
    held = {}
    for number, digest in kept.items():
        path = f"v{number}/{inventory.FILE}"
        raw = examining.small(copy.at(object_id), path)
        held[number] = hashlib.sha512(raw or b"").hexdigest()
        if held[number] != digest:
            raise Unsound(Fault(path, "E060", "第二副本的清单与归档时登记的摘要不符"))
    return held


@transaction.atomic
def _acknowledge(
    *, dossier_uid: str, store: Watched, held: Mapping[int, str], by: str, at: datetime
) -> Copied | None:
    """Enter every version the copy has that no row speaks of yet; one entry for all."""
    place = places.TWIN[store]
    address = places.address_of(place)
    dossier = Dossier.objects.select_for_update().get(uid=dossier_uid)
    known = places.acknowledged(place, dossier_uid)
    copied, versions, made = None, [], []
    for kept in Kept.objects.filter(dossier=dossier, store=store).order_by("version"):
        if kept.version in known or kept.version not in held:
            continue
        digest = held[kept.version]
        copied = Copied.objects.create(
            kept=kept, address=address, inventory_sha512=digest, at=at, by=by
        )
        versions.append({"version": kept.version, "inventory_sha512": digest})
        made.append(copied.pk)
    if copied is not None:
        ledger.record(
            at=at,
            action=stated.COPIED_ACTION,
            actor=by,
            subject=f"package:{dossier_uid}",
            facts={
                "store": store.value,
                "address": address,
                "versions": versions,
                "rows": stated.COPIED.stated(pk__in=made),
            },
        )
    return copied
