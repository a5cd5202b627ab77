"""Dossiers as packages: kept, found whole, and never written over."""

import errno
import hashlib
from pathlib import Path
from typing import Any

import desk_factories as desk
import pytest
from django.db.models import QuerySet
from preservation_factories import (
    LATER,
    NOON,
    add_late_material,
    forget,
    inventory_of,
    new_dossier,
    opened,
    preserve,
    said,
    stored,
    told,
)

from lantai.dossiers import services as dossiers
from lantai.dossiers.models import Dossier, Material, Page
from lantai.dossiers.services import Amendment
from lantai.ledger import queries as ledger
from lantai.lib.ocfl import check, reader, writer
from lantai.lib.ocfl.faults import Unsound
from lantai.lib.ocfl.inventory import Inventory
from lantai.lib.refusals import Conflict, Gone, NotFound
from lantai.lib.sealing import Misplaced, NotOpened
from lantai.preservation import queries, services
from lantai.preservation.models import Kept
from lantai.vault import keys, packages
from lantai.vault import queries as vault
from lantai.vault.models import Blob, Placement
from lantai.vault.queries import Damaged

pytestmark = pytest.mark.django_db


@pytest.fixture
def dossier() -> Dossier:
    return new_dossier()


def package(home: Path, dossier: Dossier) -> tuple[Path, Inventory]:
    at = packages.store_in(home).at(packages.object_id(dossier.uid))
    return at.folder, reader.standing(at).inventory


def kept_entries() -> int:
    return ledger.entries(action="preservation.dossier.kept").count()


def test_a_dossier_is_kept_with_masters_catalogue_and_events(home: Path, dossier: Dossier) -> None:
    kept = preserve(dossier)

    assert kept is not None
    assert (kept.version, kept.by, kept.at) == (1, "archivist", NOON)
    page = Page.objects.filter(material__dossier=dossier).order_by("pk").first()
    assert page
    path = f"images/{page.material}-{page.number:03d}.jpg"
    assert opened(home, dossier, path) == vault.read(page.blob.sha256)
    catalogue = said(home, dossier, "catalogue.json")
    assert catalogue["person"]["name"] == "石大川"
    assert len(catalogue["materials"]) == Material.objects.count()
    events = told(home, dossier)
    assert [event["action"] for event in events] == ["dossiers.dossier.entered"]
    _, found = package(home, dossier)
    assert len(found.state) == Page.objects.count() + 4
    assert list(queries.faults()) == []
    assert kept_entries() == 1


def test_nothing_of_the_person_stands_in_the_store_in_plain_text(
    home: Path, dossier: Dossier
) -> None:
    preserve(dossier)

    blob = Blob.objects.first()
    assert blob
    signs = [
        dossier.person.id_number.encode(),
        "石大川".encode(),
        dossier.number.encode(),
        b"\xff\xd8\xff",
        blob.sha256.encode(),
    ]
    for path, held in stored(home).items():
        assert not any(sign in held for sign in signs), path
        assert dossier.person.id_number not in path


def test_keeping_again_what_has_not_changed_writes_nothing(home: Path, dossier: Dossier) -> None:
    preserve(dossier)
    before = stored(home)

    again = preserve(dossier, LATER)

    assert again is None
    assert stored(home) == before
    assert kept_entries() == 1
    assert Kept.objects.count() == 1


def test_a_late_material_makes_a_version_and_writes_no_master_twice(
    home: Path, dossier: Dossier
) -> None:
    preserve(dossier)
    before = stored(home)
    add_late_material(dossier)

    kept = preserve(dossier, LATER)

    assert kept is not None
    assert kept.version == 2
    fresh = [path for path in stored(home).keys() - before.keys() if "/v2/content/" in path]
    assert sorted(path.split("/v2/content/")[1] for path in fresh) == [
        "catalogue.json",
        "derivatives.json",
        "events.json",
        "images/10-1-001.jpg",
    ]
    _, found = package(home, dossier)
    assert "images/10-1-001.jpg" not in found.versions["v1"].state
    assert list(queries.faults()) == []


def test_a_corrected_catalogue_makes_a_version(home: Path, dossier: Dossier) -> None:
    preserve(dossier)
    material = Material.objects.first()
    assert material
    office_archivist = desk.User.objects.get(username="archivist")

    dossiers.amend_material(
        material_uid=material.uid,
        amendment=Amendment("更正的名称", "", "", "原题名有误"),
        by=office_archivist,
        at=LATER,
    )
    kept = preserve(dossier, LATER)

    assert kept is not None
    catalogue = said(home, dossier, "catalogue.json")
    assert "更正的名称" in {line["title"] for line in catalogue["materials"]}


def test_a_dossier_that_is_not_there_is_refused(home: Path) -> None:
    with pytest.raises(NotFound):
        services.preserve(dossier_uid="0" * 16, by="archivist", at=NOON)

    assert not (home / "preserved").exists()


def test_two_that_keep_the_same_dossier_do_not_meet(home: Path, dossier: Dossier) -> None:
    store = packages.store_in(home)

    with writer.writing(store, packages.object_id(dossier.uid)), pytest.raises(Conflict):
        preserve(dossier)

    assert not Kept.objects.exists()
    assert kept_entries() == 0


def test_what_was_written_and_not_acknowledged_is_acknowledged_next_time(
    home: Path, dossier: Dossier
) -> None:
    preserve(dossier)
    forget(Kept)
    assert [fault.code for fault in queries.faults()] == [queries.UNKNOWN]
    before = stored(home)

    kept = preserve(dossier, LATER)

    assert kept is not None
    assert kept.version == 1
    assert stored(home) == before
    assert list(queries.faults()) == []


def test_a_store_that_lost_versions_is_an_incident_and_not_begun_anew(
    home: Path, dossier: Dossier
) -> None:
    preserve(dossier)
    folder, _ = package(home, dossier)
    folder.rename(home / "away")

    with pytest.raises(services.VersionsLost):
        preserve(dossier, LATER)

    assert [fault.code for fault in queries.faults()] == ["E073", queries.LOST]
    assert not folder.exists()


def test_where_the_medium_is_not_mounted_no_store_is_begun(home: Path, dossier: Dossier) -> None:
    preserve(dossier)
    (home / "preserved").rename(home / "away")

    with pytest.raises(services.VersionsLost, match="介质是否已挂载"):
        preserve(new_dossier(number=1), LATER)
    with pytest.raises(services.VersionsLost, match="介质是否已挂载"):
        services.explain_stores()

    assert not (home / "preserved").exists()
    assert Kept.objects.count() == 1


def test_a_version_changed_together_with_its_sidecar_is_found_by_the_row(
    home: Path, dossier: Dossier
) -> None:
    preserve(dossier)
    folder, found = package(home, dossier)
    raw = found.dumps().replace(b"archivist", b"somebody!")
    for place in (folder, folder / "v1"):
        _overwrite(place / "inventory.json", raw)
        _overwrite(place / "inventory.json.sha256", _sidecar(raw))
    assert all(not one.faults for one in check.check_store(packages.store_in(home)))

    assert [fault.code for fault in queries.faults()] == [queries.LOST]


def test_a_bit_in_any_kept_file_is_found(home: Path, dossier: Dossier) -> None:
    preserve(dossier)
    folder, found = package(home, dossier)

    for path in found.content_paths():
        held = (folder / path).read_bytes()
        _overwrite(folder / path, bytes([held[0] ^ 1]) + held[1:])
        assert "E092" in {fault.code for fault in queries.faults()}
        _overwrite(folder / path, held)

    assert list(queries.faults()) == []


def test_sealed_files_cannot_be_exchanged_inside_a_package(home: Path, dossier: Dossier) -> None:
    preserve(dossier)
    folder, found = package(home, dossier)
    images = sorted(path for path in found.state if path.startswith("images/"))
    first, second = (folder / found.content_path(path) for path in images[:2])
    one, other = first.read_bytes(), second.read_bytes()
    _overwrite(first, other)
    _overwrite(second, one)

    with pytest.raises(Misplaced):
        opened(home, dossier, images[0])


def test_a_new_key_above_wraps_keys_and_touches_no_package(home: Path, dossier: Dossier) -> None:
    preserve(dossier)
    before = stored(home)
    old = (home / "keys" / "preservation.key").read_text()

    count = services.change_key(by="archivist", at=LATER)

    assert count == 2  # the dossier's, and that of the vault's own files
    new = (home / "keys" / "preservation.key").read_text()
    assert old != new
    assert len(new.splitlines()) == 1
    assert stored(home) == before
    assert list(queries.faults()) == []
    assert ledger.entries(action="preservation.key.changed").count() == 1


def test_a_change_of_the_key_that_was_stopped_is_carried_on(home: Path, dossier: Dossier) -> None:
    preserve(dossier)
    above = home / "keys" / "preservation.key"
    old = above.read_text()
    services.change_key(by="archivist", at=LATER)
    _overwrite(above, (above.read_text() + old).encode())  # as before the last step

    assert opened(home, dossier, "catalogue.json")
    services.change_key(by="archivist", at=LATER)

    assert len(above.read_text().splitlines()) == 1
    assert old not in above.read_text()
    assert list(queries.faults()) == []


def test_a_lost_key_above_is_not_made_anew(home: Path, dossier: Dossier) -> None:
    preserve(dossier)
    add_late_material(dossier)
    (home / "keys" / "preservation.key").unlink()

    with pytest.raises(keys.KeyMissing):
        preserve(dossier, LATER)

    assert not (home / "keys" / "preservation.key").exists()
    assert [fault.code for fault in queries.faults()] == [queries.KEYLESS]


def test_a_damaged_master_stops_its_dossier_and_nothing_is_acknowledged(
    home: Path, dossier: Dossier
) -> None:
    blob = Blob.objects.latest("pk")
    master = home / "vault" / blob.sha256[:2] / blob.sha256[2:4] / blob.sha256
    held = master.read_bytes()
    _overwrite(master, held[:-1] + bytes([held[-1] ^ 1]))

    with pytest.raises(Damaged):
        preserve(dossier)

    assert not Kept.objects.exists()
    assert not Placement.objects.exists()
    assert kept_entries() == 0
    assert list(reader.objects(packages.store_in(home))) == []
    _overwrite(master, held)
    assert preserve(dossier) is not None


def test_a_full_disk_stops_a_version_and_the_one_before_stands(
    home: Path, dossier: Dossier, monkeypatch: pytest.MonkeyPatch
) -> None:
    preserve(dossier)
    before = stored(home)
    add_late_material(dossier)

    def full(*given: Any, **named: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            preserve(dossier, LATER)

    assert stored(home).items() >= before.items()
    assert Kept.objects.count() == 1
    kept = preserve(dossier, LATER)
    assert kept is not None
    assert kept.version == 2
    assert list(queries.faults()) == []


@pytest.mark.parametrize("name", ["catalogue.json", "production.json", "events.json"])
def test_an_older_version_that_is_not_read_is_an_incident_and_no_next_is_made(
    home: Path, dossier: Dossier, name: str
) -> None:
    preserve(dossier)
    folder, found = package(home, dossier)
    path = folder / found.content_path(name)
    held = path.read_bytes()
    _overwrite(path, held[: len(held) // 2])
    add_late_material(dossier)

    with pytest.raises((Unsound, NotOpened)):
        preserve(dossier, LATER)

    assert Kept.objects.count() == 1
    assert kept_entries() == 1
    assert not (folder / "v2").exists()


def test_what_is_carried_is_not_read_again(home: Path, dossier: Dossier) -> None:
    preserve(dossier)
    folder, found = package(home, dossier)
    image = folder / found.content_path("images/1-1-001.jpg")
    held = image.read_bytes()
    image.unlink()
    add_late_material(dossier)

    kept = preserve(dossier, LATER)

    assert kept is not None
    assert [fault.code for fault in queries.faults()] == ["E092"]
    image.write_bytes(held)
    assert "images/1-1-001.jpg" in inventory_of(dossier).state


def test_a_page_taken_out_of_a_dossier_stays_in_its_older_versions(
    home: Path, dossier: Dossier
) -> None:
    preserve(dossier)
    page = Page.objects.filter(material__class_code="1").latest("number")
    Page.objects.filter(pk=page.pk)._raw_delete("default")  # by a hand in the database

    preserve(dossier, LATER)

    found = inventory_of(dossier)
    assert found.number == 2
    assert "images/1-1-002.jpg" in found.versions["v1"].state
    assert "images/1-1-002.jpg" not in found.versions["v2"].state
    assert vault.read(page.blob.sha256)


def test_a_page_with_another_image_brings_the_new_one_and_keeps_the_old(
    home: Path, dossier: Dossier
) -> None:
    preserve(dossier)
    page = Page.objects.filter(material__class_code="1").earliest("number")
    fresh = desk._page("rescanned", LATER).blob
    QuerySet(Page).filter(pk=page.pk).update(blob=fresh)

    preserve(dossier, LATER)

    assert opened(home, dossier, "images/1-1-001.jpg") == vault.read(fresh.sha256)
    found = inventory_of(dossier)
    old, new = (found.versions[name].state["images/1-1-001.jpg"] for name in ("v1", "v2"))
    assert old != new
    assert len(found.content_paths()) == len(found.versions["v1"].state) + 4


def test_every_master_is_entered_with_its_place_in_the_package(
    home: Path, dossier: Dossier
) -> None:
    preserve(dossier)
    add_late_material(dossier)
    preserve(dossier, LATER)

    found = inventory_of(dossier)
    pages = Page.objects.select_related("blob", "material")
    expected = {
        found.content_path(f"images/{page.material}-{page.number:03d}.jpg"): page.blob.sha256
        for page in pages
    }
    placed = Placement.objects.values_list("content_path", "blob__sha256")
    assert dict(placed) == expected
    assert sum(path.startswith("v2/") for path in expected) == 1


def test_a_store_says_in_its_root_what_it_is_and_how_it_is_opened(
    home: Path, dossier: Dossier
) -> None:
    preserve(dossier)
    read_me = (home / "preserved" / "root" / "README.txt").read_text()
    before = stored(home)

    services.explain_stores()

    assert "urn:lantai:dossier:" in read_me
    assert all(name in read_me for name in ("LTSEAL1", "AES-256-GCM", "catalogue.json", "密钥"))
    assert stored(home) == before
    assert list(queries.faults()) == []
    assert not (home / "secret").exists()


def test_a_dossier_whose_key_was_destroyed_is_not_kept_again(home: Path, dossier: Dossier) -> None:
    preserve(dossier)
    keys.destroy(home, dossier.uid)
    before = stored(home)

    with pytest.raises(Gone):
        preserve(dossier, LATER)

    assert stored(home) == before
    assert Kept.objects.count() == 1


def _overwrite(path: Path, held: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(held)


def _sidecar(raw: bytes) -> bytes:
    return f"{hashlib.sha256(raw).hexdigest()} inventory.json\n".encode()
