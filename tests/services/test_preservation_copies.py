"""Kept versions brought to a second copy."""

import shutil
from pathlib import Path
from typing import Any

import copies_factories as make
import desk_factories as desk
import pytest
from copies_factories import NOON

from lantai.dossiers.models import Dossier
from lantai.ledger import queries as ledger
from lantai.lib.ocfl import check, writer
from lantai.lib.ocfl.faults import Unsound
from lantai.lib.refusals import Conflict, NotFound
from lantai.preservation import copies, places, watching
from lantai.preservation.models import Copied, Kept, Watched

pytestmark = pytest.mark.django_db
COPIED = "preservation.package.copied"


@pytest.fixture
def dossier() -> Dossier:
    return desk.dossier(office=desk.office(at=NOON), at=NOON)


@pytest.fixture
def second(settings: Any, tmp_path: Path) -> Path:
    return make.set_copy(settings, tmp_path / "copy")


def test_the_copy_has_the_same_bytes_and_is_a_store_of_its_own(
    dossier: Dossier, second: Path
) -> None:
    make.keep(dossier)

    copied = make.copy(dossier)

    assert copied is not None
    assert copied.kept.version == 1
    assert copied.inventory_sha512 == Kept.objects.get().inventory_sha512
    assert make.files(Watched.COPY, dossier) == make.files(Watched.STORE, dossier)
    store = places.store_at(Watched.COPY)
    assert store is not None
    assert [fault for seen in check.check_store(store) for fault in seen.faults] == []
    entry = ledger.entries(action=COPIED).get()
    assert entry.subject == f"package:{dossier.uid}"
    assert entry.facts["versions"] == [{"version": 1, "inventory_sha512": copied.inventory_sha512}]


def test_what_the_copy_has_is_not_copied_again(dossier: Dossier, second: Path) -> None:
    make.kept_and_copied(dossier)

    assert make.copy(dossier) is None

    assert Copied.objects.count() == ledger.entries(action=COPIED).count() == 1


def test_only_the_versions_the_copy_lacks_are_brought_and_one_entry_tells_of_all(
    dossier: Dossier, second: Path
) -> None:
    make.kept_and_copied(dossier)
    for title in ("履历表（一）", "履历表（二）"):
        make.amend(dossier, title)
        make.keep(dossier)

    copied = make.copy(dossier)

    assert copied is not None
    assert copied.kept.version == 3
    assert make.files(Watched.COPY, dossier) == make.files(Watched.STORE, dossier)
    entry = ledger.entries(action=COPIED).first()
    assert entry is not None
    assert [said["version"] for said in entry.facts["versions"]] == [2, 3]


def test_copying_makes_no_new_version_of_the_dossier(dossier: Dossier, second: Path) -> None:
    make.kept_and_copied(dossier)

    assert make.keep(dossier) is None
    assert watching.backlog(after=0, limit=10)[0].changed is False


def test_a_version_no_row_acknowledges_is_not_copied(dossier: Dossier, second: Path) -> None:
    make.keep(dossier)
    first = make.files(Watched.STORE, dossier)
    store = places.store_at(Watched.STORE)
    assert store is not None
    with writer.writing(store, make.packages.object_id(dossier.uid)) as draft:
        assert draft.before is not None
        for path, digest in draft.before.state.items():
            draft.carry(path, digest)
        draft.commit(at=NOON, message="", user="x", address="urn:x:y")

    copied = make.copy(dossier)

    assert copied is not None
    assert make.files(Watched.COPY, dossier) == first


def test_what_was_copied_and_not_acknowledged_is_acknowledged_by_the_next_call(
    dossier: Dossier, second: Path
) -> None:
    make.keep(dossier)
    source, target = places.store_at(Watched.STORE), places.store_at(Watched.COPY)
    assert source is not None
    assert target is not None
    writer.adopt(target, make.packages.object_id(dossier.uid), source)

    copied = make.copy(dossier)

    assert copied is not None
    assert Copied.objects.count() == 1


def test_a_damaged_package_is_not_copied(dossier: Dossier, second: Path) -> None:
    make.keep(dossier)
    image = make.an_image(Watched.STORE, dossier)
    make.flip(Watched.STORE, dossier, image)

    with pytest.raises(Unsound, match="与清单的摘要不符"):
        make.copy(dossier)

    assert not Copied.objects.exists()
    assert not make.at(Watched.COPY, dossier).exists()
    assert not ledger.entries(action=COPIED).exists()


def test_a_package_whose_inventory_is_not_the_one_on_record_is_not_copied(
    dossier: Dossier, second: Path
) -> None:
    make.keep(dossier)
    for path in list(make.files(Watched.STORE, dossier)):
        if path.rpartition("/")[2].startswith("inventory.json"):
            (make.folder(Watched.STORE, dossier) / path).unlink()

    with pytest.raises(Unsound, match="与登记摘要相符的清单"):
        make.copy(dossier)

    assert not Copied.objects.exists()
    assert not make.at(Watched.COPY, dossier).exists()


def test_without_a_second_copy_it_is_said_who_has_to_set_it(dossier: Dossier) -> None:
    make.keep(dossier)

    with pytest.raises(Conflict, match="LANTAI_COPY"):
        make.copy(dossier)

    assert not Copied.objects.exists()


def test_a_dossier_that_was_not_kept_is_not_copied(dossier: Dossier, second: Path) -> None:
    with pytest.raises(NotFound, match="还没有归档"):
        make.copy(dossier)

    assert not second.exists()
    assert not Copied.objects.exists()


def test_a_medium_that_is_not_mounted_gets_no_new_copy_in_its_place(
    dossier: Dossier, second: Path
) -> None:
    make.kept_and_copied(dossier)
    shutil.rmtree(second)
    make.amend(dossier, "履历表（一）")
    make.keep(dossier)

    with pytest.raises(copies.CopyAway, match="介质是否已挂载"):
        make.copy(dossier)

    assert not second.exists()
    assert Copied.objects.count() == 1


def test_another_address_begins_another_copy(
    dossier: Dossier, second: Path, settings: Any, tmp_path: Path
) -> None:
    make.kept_and_copied(dossier)
    make.set_copy(settings, tmp_path / "another")

    assert watching.copied_version(dossier) == 0
    copied = make.copy(dossier)

    assert copied is not None
    assert copied.address == str(tmp_path / "another")
    assert watching.copied_version(dossier) == 1
    assert make.files(Watched.COPY, dossier) == make.files(Watched.STORE, dossier)


def test_what_no_second_copy_is_set_for_is_not_behind(
    dossier: Dossier, second: Path, settings: Any
) -> None:
    kept = make.keep(dossier)
    assert kept is not None
    Kept.objects.create(
        store=Watched.SECRET, dossier=dossier, version=1, inventory_sha512="00", at=NOON, by="x"
    )

    before = watching.state(at=NOON).behind
    make.copy(dossier)
    copied = watching.state(at=NOON).behind
    settings.LANTAI_SECRET_COPY = str(second.with_name("secret-copy"))

    assert (before, copied, watching.state(at=NOON).behind) == (1, 0, 1)


def test_the_backlog_names_what_changed_and_what_the_copy_lacks(
    dossier: Dossier, second: Path
) -> None:
    def now() -> tuple[bool, tuple[str, ...]]:
        (row,) = watching.backlog(after=0, limit=10)
        return row.changed, row.uncopied

    fresh = now()
    make.keep(dossier)
    kept = now()
    make.copy(dossier)
    copied = now()
    make.amend(dossier, "履历表（一）")
    amended = now()

    assert fresh == (True, ())
    assert kept == (False, (Watched.STORE,))
    assert copied == (False, ())
    assert amended == (True, ())
    assert watching.backlog(after=dossier.pk, limit=10) == []


def test_a_dossier_at_work_is_left_until_it_has_come_to_rest(dossier: Dossier) -> None:
    (at_work,) = watching.backlog(after=0, limit=10, quiet_since=NOON.replace(hour=3))
    (at_rest,) = watching.backlog(after=0, limit=10, quiet_since=NOON)

    assert (at_work.changed, at_rest.changed) == (False, True)
