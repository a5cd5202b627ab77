"""Dossiers kept as packages, opened again, and taken out of the database."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import desk_factories as desk
from django.db import connection
from django.db.models import Model

from lantai.dossiers import services as dossiers
from lantai.dossiers.models import (
    Custody,
    Dossier,
    Material,
    Page,
    Person,
    SearchToken,
    Secrecy,
)
from lantai.dossiers.services import NewMaterial
from lantai.imaging import models as imaging
from lantai.lib import canonical
from lantai.lib.dates import PartialDate
from lantai.lib.ocfl import reader
from lantai.lib.ocfl.inventory import Inventory
from lantai.lib.ocfl.layout import At
from lantai.lib.sealing import Suite
from lantai.preservation import packing, services
from lantai.preservation.models import Kept, Watched
from lantai.vault import keys, packages
from lantai.vault.models import Blob, Movement, Placement

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
LATER = NOON + timedelta(days=1)

# What packages hold and a rebuild gives back.
KEPT_IN_PACKAGES: tuple[type[Model], ...] = (
    Person,
    Dossier,
    Material,
    Page,
    Secrecy,
    Blob,
    Custody,
    SearchToken,
    Placement,
    Kept,
)
# Rows before those they point to.
_GOING: tuple[type[Model], ...] = (
    Placement,
    Movement,
    Kept,
    Secrecy,
    SearchToken,
    Custody,
    Page,
    Material,
    Dossier,
    Person,
    Blob,
)


def new_dossier(*, number: int = 0) -> Dossier:
    """A dossier of five pages in an office of its own; ``number`` tells several apart."""
    office = desk.office(at=NOON) if not number else None
    if office is not None:
        return desk.dossier(office=office, at=NOON)
    first = Dossier.objects.earliest("pk")
    return dossiers.enter_dossier(
        person=dossiers.NewPerson(name=f"石大{number}", sex="1", ethnic="汉", id_number=""),
        body=first.body,
        employer="云台机械厂",
        paper_sides=2,
        materials=[material("1", 1, pages=2, name=f"{number}")],
        by="archivist",
        at=NOON,
    )


def material(class_code: str, sequence: int, *, pages: int, name: str = "late") -> NewMaterial:
    one = desk._page(name, NOON)
    return NewMaterial(
        class_code=class_code,
        sequence=sequence,
        title=f"补充证明{name}",
        formed=PartialDate.parse("2026-11"),
        formed_text="2026-11",
        remark="",
        pages=[
            one if not place else dataclasses.replace(desk._page(f"{name}-{place}", NOON))
            for place in range(pages)
        ],
    )


def add_late_material(dossier: Dossier, *, name: str = "late", pages: int = 1) -> Material:
    sequence = dossiers.next_sequence(dossier=dossier, class_code="10")
    return dossiers.add_material(
        dossier=dossier,
        material=material("10", sequence, pages=pages, name=name),
        by="archivist",
        at=LATER,
    )


def preserve(dossier: Dossier, at: datetime = NOON) -> Kept | None:
    return services.preserve(dossier_uid=dossier.uid, by="archivist", at=at)


def at_of(dossier: Dossier, place: Watched = Watched.STORE) -> At:
    return packing.store_of(place).at(packages.object_id(dossier.uid))


def inventory_of(dossier: Dossier, place: Watched = Watched.STORE) -> Inventory:
    return reader.standing(at_of(dossier, place)).inventory


def opened(home: Path, dossier: Dossier, path: str, place: Watched = Watched.STORE) -> bytes:
    """A file of the package as it is now, in plain text."""
    key = keys.dossier_key(
        home, dossier.uid, may_make=False, suite=Suite.AES, ring=packing.RINGS[place]
    )
    return packages.read(at_of(dossier, place), inventory_of(dossier, place), path, under=key)


def said(home: Path, dossier: Dossier, path: str, place: Watched = Watched.STORE) -> Any:
    """What a JSON file of the package says."""
    return canonical.loads(opened(home, dossier, path, place))


def told(home: Path, dossier: Dossier, place: Watched = Watched.STORE) -> list[dict[str, Any]]:
    """The events of the package."""
    events: list[dict[str, Any]] = said(home, dossier, "events.json", place)["events"]
    return events


def stored(home: Path) -> dict[str, bytes]:
    """Every file of the stores."""
    return {
        str(path.relative_to(home)): path.read_bytes()
        for folder in ("preserved", "secret")
        for path in (home / folder).rglob("*")
        if path.is_file()
    }


def rows(*left_out: type[Model]) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table that is rebuilt, by what it says and not by its number."""
    return {
        model.__name__: sorted(_said(model), key=repr)
        for model in KEPT_IN_PACKAGES
        if model not in left_out
    }


def forget_everything() -> None:
    """Take the rows of dossiers away, as another database would have none."""
    for model in _GOING:
        forget(model)


def forget_production() -> None:
    """Take the rows of batches away: no package gives them back."""
    for model in (
        imaging.ScanLook,
        imaging.Finding,
        imaging.Handover,
        imaging.Quarantined,
        imaging.Incoming,
        imaging.Scan,
        imaging.Line,
        imaging.Item,
        imaging.Batch,
    ):
        forget(model)


def forget(model: type[Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {model._meta.db_table}")  # noqa: S608 -- a table of ours


def _said(model: type[Model]) -> Iterator[dict[str, Any]]:
    parents = {
        "person": "uid",
        "body": "code",
        "dossier": "uid",
        "material": "uid",
        "blob": "sha256",
    }
    passed = {"id"}
    if model in (Kept, Placement):
        passed.add("at")  # a row says when it was entered
    for row in model._default_manager.all():
        yield {
            field.name: getattr(getattr(row, field.name), parents[field.name])
            if field.name in parents
            else getattr(row, field.name)
            for field in model._meta.concrete_fields
            if field.name not in passed
        }
