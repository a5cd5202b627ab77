"""Rows out of packages. ``services.rebuild`` is the door."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from lantai.dossiers import services as dossiers
from lantai.dossiers.models import Custody, Dossier, Material, Page, Person
from lantai.identity.models import Body
from lantai.lib import canonical
from lantai.lib.ocfl import reader
from lantai.lib.ocfl.faults import Fault, Unsound
from lantai.lib.ocfl.inventory import Inventory
from lantai.lib.refusals import Conflict, NotFound
from lantai.lib.sealing import Key
from lantai.preservation import content, keys, packages
from lantai.preservation.models import Kept
from lantai.vault import services as vault
from lantai.vault.models import Blob

_TABLES: Final = (Person, Dossier, Material, Page, Custody, Blob, Kept)


@dataclass(frozen=True)
class Rebuilt:
    """What was entered, and the dossiers whose packages have no key any more."""

    dossiers: int
    pages: int
    without_key: tuple[str, ...]


def rebuild(home: Path) -> Rebuilt:
    """Enter every package of the store.

    Raises Conflict if a table holds rows already, NotFound without a store.
    """
    if any(table.objects.exists() for table in _TABLES):
        raise Conflict("数据库中已有档案，重建只能在空的数据库上进行；请换用新的数据目录")
    store = packages.store_in(home)
    if not store.root.is_dir():
        raise NotFound("数据目录里没有长期保存库（preserved/root），请先恢复它的副本")
    dossier_count = page_count = 0
    without_key = []
    for folder in reader.objects(store):
        found = reader.standing(folder).inventory
        uid = packages.uid_of(found.object_id)
        if not uid:
            raise Unsound(Fault(folder.name, "id", "不是本系统的档案"))
        if not keys.has_key(home, uid):
            without_key.append(uid)
            continue
        key = keys.dossier_key(home, uid, may_make=False, suite=settings.LANTAI_SEALING)
        page_count += _enter(folder, found, key)
        dossier_count += 1
    return Rebuilt(dossier_count, page_count, tuple(without_key))


def _enter(folder: Path, found: Inventory, key: Key) -> int:
    """Enter one dossier; return how many pages it has."""
    raw = packages.read(folder, found, content.CATALOGUE, under=key)
    said = canonical.loads(raw)
    if said["format"] != content.FORMAT:
        raise Unsound(Fault(folder.name, "format", f"目录的格式是 {said['format']!r}，读不懂"))
    person, _ = Person.objects.get_or_create(
        uid=said["person"]["uid"], defaults=content.columns(said["person"], content.PERSON)
    )
    dossier = Dossier.objects.create(
        person=person,
        body=_body(said["bodies"]),
        **content.columns(said["dossier"], content.DOSSIER),
    )
    pages = 0
    for line in said["materials"]:
        material = Material.objects.create(
            dossier=dossier, **content.columns(line, content.MATERIAL)
        )
        for page in line["pages"]:
            blob = _master(folder, found, key, page)
            columns = content.columns(page, content.PAGE)
            Page.objects.create(material=material, blob=blob, **columns)
            pages += 1
    for custody in said["custody"]:
        Custody.objects.create(dossier=dossier, **content.columns(custody, content.CUSTODY))
    dossiers.index(dossier=dossier)
    _enter_versions(folder, found, dossier)
    return pages


def _body(said: list[Mapping[str, Any]]) -> Body:
    """The last of the bodies, each entered under the one before it."""
    body = None
    for line in said:
        columns = content.columns(line, content.BODY)
        body, _ = Body.objects.get_or_create(
            code=line["code"], defaults={**columns, "parent": body}
        )
    if body is None:
        raise ValueError("a dossier is held by a body")
    return body


def _master(folder: Path, found: Inventory, key: Key, page: Mapping[str, Any]) -> Blob:
    """Put a master back into the vault, if it is what the catalogue says. Raises Unsound."""
    said = content.columns(page["master"], content.BLOB)
    held = packages.read(folder, found, page["image"], under=key)
    digests = {name: hashlib.new(name, held).hexdigest() for name in ("sha256", "sm3")}
    if any(digests[name] != said[name] for name in digests):
        raise Unsound(Fault(page["image"], "digest", "影像与目录所记的摘要不符"))
    return vault.store(
        content=held,
        media_type=said["media_type"],
        by=said["stored_by"],
        at=said["stored_at"],
    )


def _enter_versions(folder: Path, found: Inventory, dossier: Dossier) -> None:
    for name, version in found.versions.items():
        stands = reader.inventory_in(folder / name)
        Kept.objects.create(
            dossier=dossier,
            version=int(name[1:]),
            inventory_sha512=hashlib.sha512(stands.raw).hexdigest(),
            at=datetime.fromisoformat(version.created),
            by=version.user,
        )
