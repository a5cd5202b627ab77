"""Dossiers as packages: kept, found whole, and made into rows again."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import desk_factories as desk
import pytest
from django.conf import LazySettings
from django.db import connection
from django.db.models import Model

from lantai.dossiers import services as dossiers
from lantai.dossiers.models import Custody, Dossier, Material, Page, Person, SearchToken
from lantai.dossiers.services import Amendment, NewMaterial
from lantai.ledger import queries as ledger
from lantai.ledger.models import Disclosure, Entry
from lantai.ledger.services import destroy_opening
from lantai.lib import canonical
from lantai.lib.dates import PartialDate
from lantai.lib.ocfl import check, reader, writer
from lantai.lib.ocfl.faults import Unsound
from lantai.lib.ocfl.inventory import Inventory
from lantai.lib.refusals import Conflict, NotFound, Unacceptable
from lantai.lib.sealing import Misplaced, Suite
from lantai.preservation import keys, packages, queries, services
from lantai.preservation.models import Kept
from lantai.vault.models import Blob

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
LATER = NOON + timedelta(days=1)


@pytest.fixture
def dossier() -> Dossier:
    return desk.dossier(office=desk.office(at=NOON), at=NOON)


def preserve(dossier: Dossier, at: datetime = NOON) -> Kept | None:
    return services.preserve(dossier_uid=dossier.uid, by="archivist", at=at)


def package(home: Path, dossier: Dossier) -> tuple[Path, Inventory]:
    folder = packages.store_in(home).folder_of(packages.object_id(dossier.uid))
    return folder, reader.standing(folder).inventory


def opened(home: Path, dossier: Dossier, path: str) -> bytes:
    folder, found = package(home, dossier)
    key = keys.dossier_key(home, dossier.uid, may_make=False, suite=Suite.AES)
    return packages.read(folder, found, path, under=key)


def add_late_material(dossier: Dossier) -> Material:
    return dossiers.add_material(
        dossier=dossier,
        material=NewMaterial(
            class_code="10",
            sequence=dossiers.next_sequence(dossier=dossier, class_code="10"),
            title="补充证明",
            formed=PartialDate.parse("2026-11"),
            formed_text="2026-11",
            remark="",
            pages=[desk._page("late", NOON)],
        ),
        by="archivist",
        at=LATER,
    )


def stored(home: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in (home / "preserved").rglob("*")
        if path.is_file()
    }


def kept_entries() -> int:
    return ledger.entries(action="preservation.dossier.kept").count()


def test_a_dossier_is_kept_with_masters_catalogue_and_events(home: Path, dossier: Dossier) -> None:
    kept = preserve(dossier)

    assert kept is not None
    assert (kept.version, kept.by, kept.at) == (1, "archivist", NOON)
    page = Page.objects.filter(material__dossier=dossier).order_by("pk").first()
    assert page
    master = home / "vault" / page.blob.sha256[:2] / page.blob.sha256[2:4] / page.blob.sha256
    path = f"images/{page.material}-{page.number:03d}.jpg"
    assert opened(home, dossier, path) == master.read_bytes()
    said = canonical.loads(opened(home, dossier, "catalogue.json"))
    assert said["person"]["name"] == "石大川"
    assert len(said["materials"]) == Material.objects.count()
    events = canonical.loads(opened(home, dossier, "events.json"))
    assert [event["action"] for event in events] == ["dossiers.dossier.entered"]
    _, found = package(home, dossier)
    assert len(found.state) == Page.objects.count() + 2
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
    said = canonical.loads(opened(home, dossier, "catalogue.json"))
    assert "更正的名称" in {line["title"] for line in said["materials"]}


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
    _forget(Kept)
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


def test_a_version_changed_together_with_its_sidecar_is_found_by_the_row(
    home: Path, dossier: Dossier
) -> None:
    preserve(dossier)
    folder, found = package(home, dossier)
    raw = found.dumps().replace(b"archivist", b"somebody!")
    for place in (folder, folder / "v1"):
        _overwrite(place / "inventory.json", raw)
        _overwrite(place / "inventory.json.sha512", _sidecar(raw))
    assert all(not one.faults for one in check.check_store(packages.store_in(home)))

    assert [fault.code for fault in queries.faults()] == [queries.LOST]


def test_a_bit_in_any_kept_file_is_found(home: Path, dossier: Dossier) -> None:
    preserve(dossier)
    folder, found = package(home, dossier)

    for path in found.content_paths():
        held = (folder / path).read_bytes()
        _overwrite(folder / path, bytes([held[0] ^ 1]) + held[1:])
        assert {fault.code for fault in queries.faults()} >= {"E092", "E093"}
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

    assert count == 1
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
    (home / "keys" / "preservation.key").unlink()
    add_late_material(dossier)

    with pytest.raises(keys.KeyMissing):
        preserve(dossier, LATER)

    assert not (home / "keys" / "preservation.key").exists()
    assert [fault.code for fault in queries.faults()] == [queries.KEYLESS]


def test_a_destroyed_key_closes_the_package_for_good(
    home: Path, dossier: Dossier, django_capture_on_commit_callbacks: Any
) -> None:
    preserve(dossier)
    before = stored(home)

    with django_capture_on_commit_callbacks(execute=True):
        services.destroy_key(
            dossier_uid=dossier.uid, reason="保管期限届满，经批准销毁", by="archivist", at=LATER
        )

    assert stored(home) == before
    assert [fault.code for fault in queries.faults()] == [queries.KEYLESS]
    add_late_material(dossier)
    with pytest.raises(keys.KeyMissing):
        preserve(dossier, LATER)
    assert not keys.has_key(home, dossier.uid)


def test_a_key_is_not_destroyed_without_a_reason_or_twice(home: Path, dossier: Dossier) -> None:
    with pytest.raises(NotFound):
        services.destroy_key(dossier_uid=dossier.uid, reason="依据", by="archivist", at=NOON)
    preserve(dossier)

    with pytest.raises(Unacceptable):
        services.destroy_key(dossier_uid=dossier.uid, reason=" ", by="archivist", at=NOON)

    assert keys.has_key(home, dossier.uid)
    assert not ledger.entries(action="preservation.key.destroyed").exists()


@pytest.mark.parametrize("suite", Suite)
def test_an_empty_database_is_rebuilt_with_the_same_rows(
    home: Path, dossier: Dossier, settings: LazySettings, suite: Suite
) -> None:
    settings.LANTAI_SEALING = suite
    archivist = desk.User.objects.get(username="archivist")
    for way in (Custody.Way.OUT, Custody.Way.BACK):
        dossiers.hand_paper(
            dossier=dossier,
            way=way,
            purpose="复核",
            sides=dossier.paper_sides,
            to="李",
            by=archivist,
            at=LATER,
        )
    preserve(dossier)
    add_late_material(dossier)
    dossiers.index(dossier=dossier)
    preserve(dossier, LATER)
    before = rows()
    for model in (Kept, SearchToken, Custody, Page, Material, Dossier, Person, Blob):
        _forget(model)
    (home / "vault").rename(home / "vault-away")

    rebuilt = services.rebuild(by="ops", at=LATER)

    assert rows() == before
    assert (rebuilt.dossiers, rebuilt.pages) == (1, len(before["Page"]))
    assert rebuilt.without_key == ()
    assert _files(home / "vault") == _files(home / "vault-away")
    assert list(queries.faults()) == []
    assert preserve(Dossier.objects.get(), LATER) is None


def test_events_the_log_has_lost_stay_in_the_package(home: Path, dossier: Dossier) -> None:
    preserve(dossier)
    first = canonical.loads(opened(home, dossier, "events.json"))
    for model in (Disclosure, Entry):
        _forget(model)
    add_late_material(dossier)

    preserve(dossier, LATER)

    events = canonical.loads(opened(home, dossier, "events.json"))
    assert events[:1] == first
    assert [event["action"] for event in events[1:]] == ["dossiers.material.added"]


def test_an_opening_destroyed_since_is_not_carried_into_the_next_version(
    home: Path, dossier: Dossier
) -> None:
    preserve(dossier)
    entry = ledger.entries(subject=f"dossier:{dossier.uid}", action="dossiers.dossier.entered")[0]
    destroy_opening(entry=entry, reason="依法删除", by="archivist", at=LATER)

    preserve(dossier, LATER)

    (event, *_) = canonical.loads(opened(home, dossier, "events.json"))
    assert (event["salt"], event["content"]) == (None, None)
    assert event["leaf"]


def test_a_database_that_holds_dossiers_is_not_rebuilt(home: Path, dossier: Dossier) -> None:
    preserve(dossier)
    before = rows()

    with pytest.raises(Conflict):
        services.rebuild(by="ops", at=LATER)

    assert rows() == before
    assert not ledger.entries(action="preservation.database.rebuilt").exists()


def test_a_package_without_key_is_passed_over_and_named(home: Path, dossier: Dossier) -> None:
    preserve(dossier)
    keys.destroy(home, dossier.uid)
    for model in (Kept, SearchToken, Page, Material, Dossier, Person, Blob):
        _forget(model)

    rebuilt = services.rebuild(by="ops", at=LATER)

    assert rebuilt == services.Rebuilt(0, 0, (dossier.uid,))
    assert not Dossier.objects.exists()


def test_a_damaged_package_rebuilds_nothing(home: Path, dossier: Dossier) -> None:
    preserve(dossier)
    folder, found = package(home, dossier)
    (folder / found.content_path("images/1-1-001.jpg")).unlink()
    for model in (Kept, SearchToken, Page, Material, Dossier, Person, Blob):
        _forget(model)

    with pytest.raises(Unsound):
        services.rebuild(by="ops", at=LATER)

    assert not Dossier.objects.exists()


def rows() -> dict[str, list[dict[str, Any]]]:
    """Every row of every table that is rebuilt, by what it says and not by its number."""
    return {
        model.__name__: sorted(_said(model), key=repr)
        for model in (Person, Dossier, Material, Page, Blob, Custody, SearchToken)
    }


def _said(model: type[Model]) -> Iterator[dict[str, Any]]:
    parents = {
        "person": "uid",
        "body": "code",
        "dossier": "uid",
        "material": "uid",
        "blob": "sha256",
    }
    for row in model._default_manager.all():
        yield {
            field.name: getattr(getattr(row, field.name), parents[field.name])
            if field.name in parents
            else getattr(row, field.name)
            for field in model._meta.concrete_fields
            if field.name != "id"
        }


def _forget(model: type[Model]) -> None:
    """Take every row away, as another database would have none."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {model._meta.db_table}")  # noqa: S608 -- a table of ours


def _overwrite(path: Path, held: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(held)


def _sidecar(raw: bytes) -> bytes:
    return f"{hashlib.sha512(raw).hexdigest()} inventory.json\n".encode()


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
