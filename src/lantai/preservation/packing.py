"""A dossier's packages, made and acknowledged. ``services.preserve`` is the door."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from lantai.dossiers.models import Dossier
from lantai.ledger import services as ledger
from lantai.lib import sealing
from lantai.lib.ocfl import reader, writer
from lantai.lib.ocfl.disk import Busy
from lantai.lib.ocfl.inventory import Inventory
from lantai.lib.ocfl.layout import Store
from lantai.lib.ocfl.writer import Draft
from lantai.lib.sealing import Key, Place
from lantai.preservation import content, derivatives, events, explained, production
from lantai.preservation.content import CATALOGUE, IMAGES, Described
from lantai.preservation.models import Kept, Watched
from lantai.vault import keys, packages
from lantai.vault import queries as vault
from lantai.vault import services as masters
from lantai.vault.keys import Ring

RINGS: Final = {Watched.STORE: Ring.PRESERVATION, Watched.SECRET: Ring.SECRET}
# What is told anew makes a version; how it is proven, and how views are made, goes with it.
_TOLD: Final = (CATALOGUE, production.FILE, events.FILE)


class VersionsLost(RuntimeError):
    """The store has less than was acknowledged: an incident, and nothing is written over it."""


@dataclass(frozen=True)
class Written:
    """A package as it stands now, in one of the two stores."""

    place: Watched
    store: Store
    inventory: Inventory
    images: Mapping[str, str]  # path in the package → sha256 of the master

    def masters(self, *, after: int) -> dict[str, str]:
        """Where the masters stand that versions after one brought: content path → sha256."""
        places = {self.inventory.content_path(path): held for path, held in self.images.items()}
        return {
            path: held
            for path, held in places.items()
            if int(path.partition("/")[0].removeprefix("v")) > after
        }

    def inventory_sha512(self, version: int) -> str:
        """The digest of a version's own inventory. Raises Unsound, Unreachable."""
        at = self.store.at(self.inventory.object_id)
        return hashlib.sha512(reader.inventory_in(at, f"v{version}").raw).hexdigest()


def store_of(place: Watched) -> Store:
    """The store of a place."""
    home = settings.LANTAI_HOME
    if place is Watched.SECRET:
        return packages.secret_store_in(home)
    return packages.store_in(home)


def write(
    dossier: Dossier, described: Described, *, place: Watched, by: str, at: datetime
) -> Written:
    """Make the next version of a package, if it has anything else to say than the last.

    It is in the store when this returns, and acknowledged by nothing yet. Raises disk.Busy, and
    as incidents what ``services.preserve`` names.
    """
    home, suite = settings.LANTAI_HOME, settings.LANTAI_SEALING
    store = store_of(place)
    refuse_if_away(place, store)
    with writer.writing(store, packages.object_id(dossier.uid)) as draft:
        kept = last_kept(dossier, place)
        standing = draft.before.number if draft.before else 0
        if kept > standing:
            raise VersionsLost(
                f"档案 {dossier.number} 登记到第 {kept} 版，库中只有第 {standing} 版；"
                "请从副本中恢复，不要另行归档"
            )
        may_make = draft.before is None
        if may_make:
            _explain(store)
        key = keys.dossier_key(home, dossier.uid, may_make=may_make, suite=suite, ring=RINGS[place])
        changed = _fill(draft, described, uid=dossier.uid, key=key)
        if draft.before and not changed:
            return Written(place, store, draft.before, described.images)
        address = f"urn:lantai:user:{by.encode().hex()}"
        made = draft.commit(at=at, message="归档", user=by, address=address)
        return Written(place, store, made, described.images)


def refuse_if_away(place: Watched, store: Store) -> None:
    """Raise VersionsLost where packages were acknowledged and there is no root: none is begun.

    In the place of a medium that is not mounted a new store would be taken for the old one, with
    all its objects lost.
    """
    if not store.is_founded() and Kept.objects.filter(store=place).exists():
        raise VersionsLost(
            f"{place.label}的存储根不在：请检查介质是否已挂载；确已丢失的，"
            "请把第二副本的存储根整个拷回，不要另建"
        )


def explain(store: Store) -> None:
    """Let a store say in its root what it is; nothing is written where it says so already."""
    with suppress(Busy):  # another process writes the same words
        writer.note(store, explained.NAME, explained.README)


def last_kept(dossier: Dossier, place: Watched) -> int:
    """The last version that was acknowledged; 0 for none."""
    rows = Kept.objects.filter(dossier=dossier, store=place)
    return rows.aggregate(last=Max("version"))["last"] or 0


def acknowledge(
    dossier: Dossier, written: Sequence[Written], *, upto: int, by: str, at: datetime
) -> Kept | None:
    """Enter every version of the packages that no row speaks of yet; one entry for all.

    ``upto`` is the index of the last entry of the log when the dossier was put into words. The
    store is read before the database is held: it may be slow.
    """
    digests = [
        {
            number: one.inventory_sha512(number)
            for number in range(last_kept(dossier, one.place) + 1, one.inventory.number + 1)
        }
        for one in written
    ]
    return _enter(dossier, list(zip(written, digests, strict=True)), upto=upto, by=by, at=at)


@transaction.atomic
def _enter(
    dossier: Dossier,
    written: Sequence[tuple[Written, Mapping[int, str]]],
    *,
    upto: int,
    by: str,
    at: datetime,
) -> Kept | None:
    held = Dossier.objects.select_for_update().get(pk=dossier.pk)
    rows: list[Kept] = []
    for one, digests in written:
        before = last_kept(held, one.place)  # another may have entered some meanwhile
        for number in range(before + 1, one.inventory.number + 1):
            row = Kept(
                store=one.place,
                dossier=held,
                version=number,
                inventory_sha512=digests[number],
                at=at,
                by=by,
            )
            row.save(force_insert=True)
            rows.append(row)
        masters.place(
            object_id=one.inventory.object_id,
            images=one.masters(after=before),
            at=at,
            ring=RINGS[one.place],
        )
    if not rows:
        return None
    ledger.record(
        at=at,
        action=content.OWN_ACTION,
        actor=by,
        subject=f"dossier:{held.uid}",
        facts={
            "versions": [
                {
                    "store": str(row.store),
                    "version": row.version,
                    "inventory_sha512": row.inventory_sha512,
                }
                for row in rows
            ],
            "images": sum(
                path.startswith(IMAGES) for one, _ in written for path in one.inventory.state
            ),
            "upto": upto,
        },
    )
    return rows[-1]


def _explain(store: Store) -> None:
    """``explain`` for every new object: one look, unless the words are missing."""
    try:
        with store.backend.open(explained.NAME):
            return
    except FileNotFoundError:
        explain(store)


def _fill(draft: Draft, described: Described, *, uid: str, key: Key) -> bool:
    """Put into a draft what the dossier is now; False if the package says the same already."""
    before, at = draft.before, draft.store.at(draft.object_id)
    old = {name: packages.read(at, before, name, under=key) for name in _TOLD} if before else {}
    now = events.merged(old.get(events.FILE), described.entries, withheld=described.withheld)
    fresh = {
        CATALOGUE: described.catalogue,
        production.FILE: production.merged(
            old.get(production.FILE),
            described.production,
            withheld=frozenset(described.withheld),
        ),
    }
    unchanged = before and fresh == {name: old[name] for name in fresh}
    if unchanged and events.same(old[events.FILE], now):
        return False
    fresh[events.FILE] = events.proven(old.get(events.FILE), now, described.entries)
    fresh[derivatives.FILE] = described.derivatives
    if before:
        old[derivatives.FILE] = packages.read(at, before, derivatives.FILE, under=key)
        for name in [name for name in fresh if fresh[name] == old[name]]:
            draft.carry(name, before.state[name])
            del fresh[name]
        images = content.images_of(old[CATALOGUE])
        for path in [path for path in images if path in before.state]:
            if described.images.get(path) == images[path]:
                draft.carry(path, before.state[path])
    for path, held in fresh.items():
        _seal(draft, path, held, uid=uid, key=key)
    for path, sha256 in described.images.items():
        if path not in draft.carried:
            _seal(draft, path, vault.read(sha256), uid=uid, key=key)
    return True


def _seal(draft: Draft, path: str, held: bytes, *, uid: str, key: Key) -> None:
    place = Place(uid, draft.number, path)
    with draft.file(path) as stream:
        sealing.seal(io.BytesIO(held), stream, size=len(held), under=key, place=place)
