"""The check of packages wherever they stand, and what its repair does and leaves."""

import shutil
from pathlib import Path
from typing import Any

import copies_factories as make
import desk_factories as desk
import pytest
from copies_factories import NOON

from lantai.dossiers.models import Dossier
from lantai.ledger import queries as ledger
from lantai.lib.ocfl import inventory
from lantai.lib.refusals import Conflict
from lantai.ops import fsck
from lantai.preservation.models import Damage, Mended, Watched

pytestmark = pytest.mark.django_db
BOTH = (Watched.STORE, Watched.COPY)
GOOD = {"objects": 2, "faults": [], "swept": [], "mended": []}


@pytest.fixture
def dossier(settings: Any, tmp_path: Path) -> Dossier:
    """A dossier kept and copied."""
    make.set_copy(settings, tmp_path / "copy")
    dossier = make.small_dossier(desk.office(at=NOON), order=1)
    make.kept_and_copied(dossier)
    return dossier


def checked(*, repair: bool = False, where: tuple[Watched, ...] = BOTH) -> dict[str, Any]:
    return fsck.fsck(where=where, repair=repair)


def told(rows: list[dict[str, Any]], dossier: Dossier) -> set[tuple[str, str, str]]:
    """Place, path below the object, and code."""
    place = make.at(Watched.STORE, dossier).place
    return {(row["place"], row["path"].removeprefix(f"{place}/"), row["code"]) for row in rows}


def spoil(path: Path, held: bytes = b"rot") -> None:
    path.chmod(0o600)
    path.write_bytes(held)


def page_of(place: Watched, dossier: Dossier) -> Path:
    return next(make.folder(place, dossier).rglob("*.jpg"))


def test_whole_packages_are_good_in_each_place(dossier: Dossier) -> None:
    assert checked() == GOOD
    assert checked(repair=True) == GOOD
    assert Damage.objects.count() == 0


@pytest.mark.parametrize("place", BOTH)
def test_a_damaged_page_is_named_and_put_back_from_the_other_copy(
    dossier: Dossier, place: Watched
) -> None:
    page = page_of(place, dossier)
    before, path = page.read_bytes(), str(page.relative_to(make.folder(place, dossier)))
    spoil(page)

    found = checked()["faults"]
    row = checked(repair=True)

    assert told(found, dossier) == {(place.value, path, "E092")}
    assert told(row["mended"], dossier) == {(place.value, path, "E092")}
    assert row["faults"] == []
    assert page.read_bytes() == before
    assert Mended.objects.get().damage == Damage.objects.get()
    assert ledger.entries(action="preservation.damage.repaired").count() == 1


def test_a_package_that_is_gone_comes_back_whole(dossier: Dossier) -> None:
    before = make.files(Watched.STORE, dossier)
    shutil.rmtree(make.folder(Watched.STORE, dossier))

    assert "kept" in {row["code"] for row in checked()["faults"]}
    assert checked(repair=True)["faults"] == []

    assert make.files(Watched.STORE, dossier) == before


def test_what_both_copies_have_lost_stays_a_fault(dossier: Dossier) -> None:
    for place in BOTH:
        spoil(page_of(place, dossier))

    row = checked(repair=True)

    assert row["mended"] == []
    assert {found["place"] for found in row["faults"]} == {"store", "copy"}
    assert ledger.entries(action="preservation.damage.unrepairable").count() == 2


def test_a_foreign_file_is_named_and_set_aside(dossier: Dossier) -> None:
    (make.folder(Watched.COPY, dossier) / "letter.txt").write_bytes(b"dear")

    found = checked()["faults"]
    row = checked(repair=True)

    assert told(found, dossier) == {("copy", "letter.txt", "E001")}
    assert told(row["mended"], dossier) == {("copy", "letter.txt", "E001")}
    assert row["faults"] == []


def test_without_a_copy_the_inventory_comes_back_from_the_version_itself(
    dossier: Dossier, settings: Any
) -> None:
    settings.LANTAI_COPY = ""
    folder = make.folder(Watched.STORE, dossier)
    spoil(folder / inventory.FILE, b"{}")
    spoil(page_of(Watched.STORE, dossier))

    row = checked(repair=True, where=fsck.STORES)

    assert inventory.FILE in {path for _, path, _ in told(row["mended"], dossier)}
    assert {found["code"] for found in row["faults"]} == {"E092"}  # nobody has the page


def test_without_a_copy_there_is_nothing_to_check_of_it(settings: Any) -> None:
    settings.LANTAI_COPY = settings.LANTAI_SECRET_COPY = ""

    with pytest.raises(Conflict, match="没有设置第二副本"):
        checked(where=fsck.COPIES)


def test_a_copy_that_is_away_is_a_fault_and_nothing_is_begun_in_its_place(
    dossier: Dossier, tmp_path: Path
) -> None:
    shutil.move(tmp_path / "copy", tmp_path / "unplugged")

    row = checked(repair=True)

    assert {found["place"] for found in row["faults"]} == {"copy"}
    assert not (tmp_path / "copy" / "root").exists()
