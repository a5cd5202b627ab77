"""Dossiers become packages, and packages become dossiers again."""

import hashlib
import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction

from lantai.dossiers.models import Dossier
from lantai.ledger import services as ledger
from lantai.lib import sealing
from lantai.lib.ocfl import disk, reader, writer
from lantai.lib.ocfl.inventory import Inventory
from lantai.lib.ocfl.writer import Draft
from lantai.lib.refusals import Conflict, NotFound, Unacceptable
from lantai.lib.sealing import Key, Place
from lantai.preservation import content, keys, packages, rebuilding
from lantai.preservation.content import CATALOGUE, EVENTS, Described
from lantai.preservation.models import Kept
from lantai.preservation.rebuilding import Rebuilt
from lantai.vault import queries as vault


class VersionsLost(RuntimeError):
    """The store has less than was acknowledged: an incident, and nothing is written over it."""


@dataclass(frozen=True)
class _Written:
    inventory: Inventory
    folder: Path


def preserve(*, dossier_uid: str, by: str, at: datetime) -> Kept | None:
    """Keep a dossier as it is now as the next version of its package; None if nothing changed.

    The package is on disk before the row and the entry that acknowledge it. Stopped between the
    two, the next call acknowledges what stands. Masters kept before are not written again.

    Raises NotFound; Conflict while another is writing the same package; and, as incidents,
    vault.Damaged, ocfl.faults.Unsound, keys.KeyMissing, sealing.NotOpened, VersionsLost.
    """
    with transaction.atomic():  # all that is said of the dossier is of one moment
        dossier = (
            Dossier.objects.select_for_update(of=("self",))
            .select_related("person", "body")
            .filter(uid=dossier_uid)
            .first()
        )
        if dossier is None:
            raise NotFound("没有这份档案")
        described = content.describe(dossier)
    written = _write(dossier, described, by=by, at=at)
    return _acknowledge(dossier=dossier, written=written, by=by, at=at)


@transaction.atomic
def rebuild(*, by: str, at: datetime) -> Rebuilt:
    """Enter every dossier of the store into an empty database, and its masters into the vault.

    All or nothing. Packages whose key is not there are passed over and named. The log is not
    rebuilt: it comes from its own backup.

    Raises Conflict if the database holds anything of dossiers, NotFound if there is no store,
    and the incidents as ``preserve``.
    """
    rebuilt = rebuilding.rebuild(settings.LANTAI_HOME)
    ledger.record(
        at=at,
        action="preservation.database.rebuilt",
        actor=by,
        subject="store:preserved",
        facts={
            "dossiers": rebuilt.dossiers,
            "pages": rebuilt.pages,
            "without_key": list(rebuilt.without_key),
        },
    )
    return rebuilt


@transaction.atomic
def change_key(*, by: str, at: datetime) -> int:
    """Put a new key-encryption key above all dossier keys; return how many were wrapped again.

    Sealed files stay as they are. Stopped on the way, it is carried on by the next call.
    """
    count = keys.change(settings.LANTAI_HOME, suite=settings.LANTAI_SEALING)
    ledger.record(
        at=at,
        action="preservation.key.changed",
        actor=by,
        subject="store:preserved",
        facts={"dossier_keys": count, "suite": str(settings.LANTAI_SEALING)},
    )
    return count


@transaction.atomic
def destroy_key(*, dossier_uid: str, reason: str, by: str, at: datetime) -> None:
    """Destroy the key of a package: nobody reads it any more, here or in a copy of the store.

    Copies of the key file in a backup of keys must be destroyed as well. Raises Unacceptable
    without a reason, NotFound without a key.
    """
    if not reason.strip():
        raise Unacceptable("请填写销毁密钥的依据")
    if not keys.has_key(settings.LANTAI_HOME, dossier_uid):
        raise NotFound("这份档案没有密钥，或已经销毁")
    ledger.record(
        at=at,
        action="preservation.key.destroyed",
        actor=by,
        subject=f"dossier:{dossier_uid}",
        facts={"reason": reason.strip()},
    )
    # Not to be taken back, so not before the entry is certain; stopped between, it is done again.
    transaction.on_commit(lambda: keys.destroy(settings.LANTAI_HOME, dossier_uid))


def _write(dossier: Dossier, described: Described, *, by: str, at: datetime) -> _Written:
    home = settings.LANTAI_HOME
    store = packages.store_in(home)
    object_id = packages.object_id(dossier.uid)
    folder = store.folder_of(object_id)
    try:
        with writer.writing(store, object_id) as draft:
            kept = _last_kept(dossier)
            standing = draft.before.number if draft.before else 0
            if kept > standing:
                raise VersionsLost(
                    f"档案 {dossier.number} 登记到第 {kept} 版，库中只有第 {standing} 版；"
                    "请从副本中恢复，不要另行归档"
                )
            may_make, suite = draft.before is None, settings.LANTAI_SEALING
            key = keys.dossier_key(home, dossier.uid, may_make=may_make, suite=suite)
            changed = _fill(draft, described, dossier=dossier, key=key)
            if draft.before and not changed:
                return _Written(draft.before, folder)
            address = f"urn:lantai:user:{by.encode().hex()}"
            made = draft.commit(at=at, message="归档", user=by, address=address)
            return _Written(made, folder)
    except disk.Busy as busy:
        raise Conflict("这份档案正在归档，请稍候再试") from busy


def _fill(draft: Draft, described: Described, *, dossier: Dossier, key: Key) -> bool:
    """Put into a draft what the dossier is now; False if the package says the same already."""
    fresh = {CATALOGUE: described.catalogue, EVENTS: described.events}
    images: dict[str, str] = {}
    if before := draft.before:
        folder = draft.store.folder_of(draft.object_id)
        old = {name: packages.read(folder, before, name, under=key) for name in fresh}
        fresh[EVENTS] = content.merged(old[EVENTS], fresh[EVENTS])
        if old == fresh:
            return False
        for name in [name for name in fresh if fresh[name] == old[name]]:
            draft.carry(name, before.state[name])
            del fresh[name]
        images = content.images_of(old[CATALOGUE])
        for path in [path for path, sha256 in images.items() if path in before.state]:
            if described.images.get(path) == images[path]:
                draft.carry(path, before.state[path])
    for path, held in fresh.items():
        _seal(draft, path, held, uid=dossier.uid, key=key)
    for path, sha256 in described.images.items():
        if path not in draft.carried:
            _seal(draft, path, vault.read(sha256), uid=dossier.uid, key=key)
    return True


def _seal(draft: Draft, path: str, held: bytes, *, uid: str, key: Key) -> None:
    place = Place(uid, draft.number, path)
    with draft.file(path) as stream:
        sealing.seal(io.BytesIO(held), stream, size=len(held), under=key, place=place)


@transaction.atomic
def _acknowledge(*, dossier: Dossier, written: _Written, by: str, at: datetime) -> Kept | None:
    """Enter every version of the package that no row speaks of yet; one entry for all."""
    held = Dossier.objects.select_for_update().get(pk=dossier.pk)
    kept = None
    versions = []
    for number in range(_last_kept(held) + 1, written.inventory.number + 1):
        stands = reader.inventory_in(written.folder / f"v{number}")
        digest = hashlib.sha512(stands.raw).hexdigest()
        kept = Kept.objects.create(
            dossier=held, version=number, inventory_sha512=digest, at=at, by=by
        )
        versions.append({"version": number, "inventory_sha512": digest})
    if kept is not None:
        ledger.record(
            at=at,
            action=content.OWN_ACTION,
            actor=by,
            subject=f"dossier:{held.uid}",
            facts={
                "versions": versions,
                "images": sum(path.startswith("images/") for path in written.inventory.state),
            },
        )
    return kept


def _last_kept(dossier: Dossier) -> int:
    last = Kept.objects.filter(dossier=dossier).order_by("-version").values_list("version").first()
    return last[0] if last else 0
