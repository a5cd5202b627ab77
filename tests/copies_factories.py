"""Dossiers kept and copied, and what a medium may do to their files."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import desk_factories as desk

from lantai.dossiers import services as dossiers
from lantai.dossiers.models import Dossier, Material
from lantai.dossiers.services import Amendment, NewMaterial, NewPerson
from lantai.identity.models import User
from lantai.lib import idnumber
from lantai.lib.dates import PartialDate
from lantai.lib.ocfl.layout import At
from lantai.preservation import copies, patrol, places, services, watching
from lantai.preservation.models import Copied, Kept, Watched
from lantai.preservation.patrol import Visited
from lantai.vault import packages

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)


def set_copy(settings: Any, folder: Path) -> Path:
    """Let the second copy be a folder."""
    settings.LANTAI_COPY = str(folder)
    return folder


def small_dossier(office: desk.Office, *, order: int) -> Dossier:
    """A dossier of one page; orders differ in person and page."""
    number = f"9901011966031{order:04d}"
    return dossiers.enter_dossier(
        person=NewPerson(
            name="石小川", sex="1", ethnic="汉", id_number=number + idnumber.check_digit(number)
        ),
        body=office.centre,
        employer="云台市第二棉纺织厂",
        paper_sides=1,
        materials=[
            NewMaterial(
                class_code="1",
                sequence=1,
                title="职工履历表",
                formed=PartialDate.parse("1996-05"),
                formed_text="1996-05",
                remark="",
                pages=[desk._page(f"order-{order}", NOON)],
            )
        ],
        by="archivist",
        at=NOON,
    )


def keep(dossier: Dossier, *, at: datetime = NOON) -> Kept | None:
    return services.preserve(dossier_uid=dossier.uid, by="archivist", at=at)


def copy(dossier: Dossier, *, at: datetime = NOON) -> Copied | None:
    return copies.replicate(dossier_uid=dossier.uid, by="archivist", at=at)


def kept_and_copied(dossier: Dossier) -> None:
    keep(dossier)
    copy(dossier)
    patrol.enrol(rows=watching.unpatrolled(after=0, limit=1000))


def amend(dossier: Dossier, title: str) -> None:
    """Change a title, so that the dossier is to be kept again."""
    material = Material.objects.filter(dossier=dossier).order_by("pk").first()
    assert material is not None
    dossiers.amend_material(
        material_uid=material.uid,
        amendment=Amendment(title, "", "", "核对原件"),
        by=User.objects.get(username="archivist"),
        at=NOON,
    )


def at(place: Watched, dossier: Dossier) -> At:
    store = places.store_at(place)
    assert store is not None
    return store.at(packages.object_id(dossier.uid))


def folder(place: Watched, dossier: Dossier) -> Path:
    return at(place, dossier).folder


def files(place: Watched, dossier: Dossier) -> dict[str, bytes]:
    """Every file of a package by its path in it."""
    top = folder(place, dossier)
    return {
        path.relative_to(top).as_posix(): path.read_bytes()
        for path in sorted(top.rglob("*"))
        if path.is_file()
    }


def an_image(place: Watched, dossier: Dossier) -> str:
    return next(path for path in files(place, dossier) if "/images/" in path)


def write(path: Path, held: bytes) -> None:
    """Write as a medium does: the mode of a file keeps nothing from it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.chmod(0o600)
    path.write_bytes(held)


def flip(place: Watched, dossier: Dossier, path: str, *, bit: int = 0) -> None:
    """Turn over one bit of a file."""
    target = folder(place, dossier) / path
    held = bytearray(target.read_bytes())
    held[bit // 8 % len(held)] ^= 1 << bit % 8
    write(target, bytes(held))


def visit(place: Watched, dossier: Dossier, *, at: datetime = NOON) -> Visited:
    return patrol.visit(place=place, name=dossier.uid, by="patrol", at=at)
