"""Rows out of packages, one dossier after the other. ``services.rebuild`` is the door.

A dossier enters in a transaction of its own, whole; whoever is stopped goes on from there. Images
are not copied: a row says where in its package each master stands.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Sum

from lantai.dossiers import services as dossiers
from lantai.dossiers.models import Custody, Dossier, Material, Page, Person, Secrecy
from lantai.identity.models import Body
from lantai.lib import canonical
from lantai.lib.ocfl import reader
from lantai.lib.ocfl.faults import Fault, Unsound
from lantai.lib.ocfl.inventory import Inventory
from lantai.lib.ocfl.layout import At
from lantai.lib.refusals import Conflict, NotFound
from lantai.lib.sealing import NotOpened
from lantai.preservation import content, examining, packing
from lantai.preservation.models import Kept, Watched
from lantai.preservation.wording import columns
from lantai.vault import keys, packages
from lantai.vault import services as vault
from lantai.vault.keys import KeyMissing
from lantai.vault.models import Blob

_ROWS: Final = (
    Person.objects,
    Dossier.objects,
    Material.objects,
    Page.objects,
    Custody.objects,
    Blob.objects,
    Kept.objects,
)
# What is wrong with one package and says nothing of the others.
_BROKEN: Final = (Unsound, NotOpened, KeyMissing, IntegrityError, KeyError, TypeError, ValueError)


@dataclass(frozen=True)
class Step:
    """One package that was looked at: what came of it.

    ``pages`` is None for one that was entered before; ``why`` says why one was passed over.
    """

    dossier: str
    pages: int | None = None
    keyless: bool = False
    why: str = ""


@dataclass
class Rebuilt:
    """What stands in the database, and what does not.

    ``without_key`` are dossiers whose key is not there; ``damaged`` names packages with a sentence
    each, and is empty when all others are entered.
    """

    dossiers: int = 0
    pages: int = 0
    without_key: list[str] = field(default_factory=list)
    damaged: list[tuple[str, str]] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return not self.damaged


def refuse_other_content(*, going_on: bool) -> None:
    """Raise Conflict unless the database is empty, or holds only what a rebuild entered."""
    if going_on:
        other = Dossier.objects.filter(kept=None).first()
        if other is not None:
            raise Conflict(
                f"档案 {other.number} 不是由重建写入的，重建不能续做；请换用新的数据目录重新开始"
            )
    elif any(rows.exists() for rows in _ROWS):
        raise Conflict("数据库中已有档案，重建只能在空的数据库上进行；请换用新的数据目录")


def enter_all(*, at: datetime, told: Callable[[Step], None]) -> Rebuilt:
    """Enter every package that is not yet entered. Raises NotFound without a store, Unreachable."""
    if not packing.store_of(Watched.STORE).is_founded():
        raise NotFound("没有长期保存库，请先恢复它的副本，再重建数据库")
    rebuilt, expected = Rebuilt(), 0
    for place in (Watched.STORE, Watched.SECRET):
        for step in _enter_store(place, at=at):
            told(step)
            expected += place is Watched.STORE and not step.keyless
            if step.keyless:
                rebuilt.without_key.append(step.dossier)
            elif step.why:
                rebuilt.damaged.append((step.dossier, step.why))
    rebuilt.dossiers, rebuilt.pages = Dossier.objects.count(), Page.objects.count()
    _compare(rebuilt, expected=expected)
    return rebuilt


def _compare(rebuilt: Rebuilt, *, expected: int) -> None:
    """Hold the numbers of rows against those of packages and of their catalogues."""
    if rebuilt.damaged:
        return
    if rebuilt.dossiers != expected:
        rebuilt.damaged.append(("", f"应有档案 {expected} 份，数据库中有 {rebuilt.dossiers} 份"))
    listed = Material.objects.aggregate(all=Sum("page_count"))["all"] or 0
    if rebuilt.pages != listed:
        rebuilt.damaged.append(("", f"目录共 {listed} 页，数据库中有 {rebuilt.pages} 页"))


def _enter_store(place: Watched, *, at: datetime) -> Iterator[Step]:
    store = packing.store_of(place)
    if not store.is_founded():
        return
    for where in reader.objects(store):
        try:
            found = reader.standing(where).inventory
            uid = packages.uid_of(found.object_id)
            if not uid:
                raise Unsound(Fault(str(where), "id", "不是本系统的档案"))
            yield _entered(where, found, uid, place=place, at=at)
        except _BROKEN as broken:
            yield Step(str(where), why=_sentence(broken))


def _entered(where: At, found: Inventory, uid: str, *, place: Watched, at: datetime) -> Step:
    if Kept.objects.filter(store=place, dossier__uid=uid).exists():
        return Step(uid)
    home, ring = settings.LANTAI_HOME, packing.RINGS[place]
    if keys.is_destroyed(home, uid):
        return Step(uid, keyless=True, why="密钥已按规定销毁，不重建")
    if not keys.has_key(home, uid, ring=ring):
        return Step(uid, keyless=True, why="密钥不在，未重建")
    key = keys.dossier_key(home, uid, may_make=False, suite=settings.LANTAI_SEALING, ring=ring)
    said = canonical.loads(packages.read(where, found, content.CATALOGUE, under=key))
    if said["format"] != content.FORMAT:
        raise Unsound(Fault(str(where), "format", f"目录的格式是 {said['format']!r}，读不懂"))
    images = _images(where, found, said)
    with transaction.atomic():
        if place is Watched.STORE:
            dossier = _enter_dossier(said)
        else:
            dossier = Dossier.objects.select_for_update().get(uid=uid)
        pages = _enter_materials(dossier, said["materials"])
        dossiers.index(dossier=dossier)
        _enter_versions(where, found, dossier, place)
        vault.place(object_id=found.object_id, images=images, at=at, ring=ring)
    return Step(uid, pages)


def _images(where: At, found: Inventory, said: Mapping[str, Any]) -> dict[str, str]:
    """Where each master stands, by its digest. Raises Unsound for one that is not there."""
    there = frozenset(examining.files(where))
    images = {}
    for line in said["materials"]:
        for page in line.get("pages", ()):
            path = found.content_path(page["image"])
            if path not in there:
                raise Unsound(Fault(f"{where}/{path}", "E092", "影像缺失，请从副本中恢复"))
            images[path] = page["master"]["sha256"]
    return images


def _enter_dossier(said: Mapping[str, Any]) -> Dossier:
    person, _ = Person.objects.get_or_create(
        uid=said["person"]["uid"], defaults=columns(said["person"], content.PERSON)
    )
    dossier = Dossier.objects.create(
        person=person, body=_body(said["bodies"]), **columns(said["dossier"], content.DOSSIER)
    )
    Custody.objects.bulk_create(
        Custody(dossier=dossier, **columns(line, content.CUSTODY)) for line in said["custody"]
    )
    return dossier


def _body(said: list[Mapping[str, Any]]) -> Body:
    """The last of the bodies, each entered under the one before it."""
    body = None
    for line in said:
        held = columns(line, content.BODY)
        body, _ = Body.objects.get_or_create(code=line["code"], defaults={**held, "parent": body})
    if body is None:
        raise ValueError("a dossier is held by a body")
    return body


def _enter_materials(dossier: Dossier, said: list[Mapping[str, Any]]) -> int:
    """Enter the materials a catalogue has in full and the database has not; return their pages."""
    known = set(dossier.materials.values_list("uid", flat=True))
    lines = [line for line in said if "secret" not in line and line["uid"] not in known]
    materials = {
        line["uid"]: Material(dossier=dossier, **columns(line, content.MATERIAL)) for line in lines
    }
    Material.objects.bulk_create(materials.values())
    told = [(line["uid"], page) for line in lines for page in line["pages"]]
    blobs = _masters([page["master"] for _, page in told])
    Page.objects.bulk_create(
        Page(
            material=materials[uid],
            blob=blobs[page["master"]["sha256"]],
            **columns(page, content.PAGE),
        )
        for uid, page in told
    )
    Secrecy.objects.bulk_create(
        Secrecy(material=materials[line["uid"]], **columns(mark, content.SECRECY))
        for line in lines
        for mark in line["secrecy"]
    )
    return len(told)


def _masters(said: list[Mapping[str, Any]]) -> dict[str, Blob]:
    rows = {line["sha256"]: Blob(**columns(line, content.BLOB)) for line in said}
    Blob.objects.bulk_create(rows.values(), ignore_conflicts=True)
    return Blob.objects.in_bulk(list(rows), field_name="sha256")


def _enter_versions(where: At, found: Inventory, dossier: Dossier, place: Watched) -> None:
    Kept.objects.bulk_create(
        Kept(
            store=place,
            dossier=dossier,
            version=int(name[1:]),
            inventory_sha512=hashlib.sha512(reader.inventory_in(where, name).raw).hexdigest(),
            at=datetime.fromisoformat(version.created),
            by=version.user,
        )
        for name, version in found.versions.items()
    )


def _sentence(broken: Exception) -> str:
    match broken:
        case IntegrityError():
            return f"与已重建的档案冲突（{broken}）"
        case KeyError() | TypeError():
            return f"目录读不懂（缺少或不是应有的内容：{broken}）"
        case _:
            return str(broken)
