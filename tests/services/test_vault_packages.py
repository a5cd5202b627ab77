"""A master has one lasting place: it leaves the vault for its package, and never before."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import vault_factories as make
from vault_factories import NOON

from lantai.ledger.models import Entry
from lantai.lib.ocfl import writer
from lantai.lib.ocfl.layout import Store
from lantai.vault import files, keys, packages, queries, services
from lantai.vault.keys import Ring
from lantai.vault.models import Blob, Movement, Placement
from lantai.vault.queries import Damaged

pytestmark = pytest.mark.django_db
UID = "0123456789abcdef"
OTHER = "fedcba9876543210"
PAGE = b"\xff\xd8 a scanned page"

Committing = Callable[..., Any]


@pytest.fixture
def blob() -> Blob:
    return make.stored(PAGE)


@pytest.fixture
def copy(settings: Any, tmp_path: Path) -> Store:
    """A second copy is configured; it holds nothing yet."""
    settings.LANTAI_COPY = str(tmp_path / "copy")
    found = packages.copy_store()
    assert found is not None
    return found


def let_go(*sha256s: str, commits: Committing, single_copy: bool = False) -> services.Released:
    with commits(execute=True):
        return services.release(sha256s=sha256s, by="worker", at=NOON, single_copy=single_copy)


def shred(*sha256s: str, commits: Committing) -> tuple[str, ...]:
    with commits(execute=True):
        return services.shred(sha256s=sha256s, by="ops", at=NOON)


def faults() -> list[str]:
    return [fault.what.split("：")[0] for fault in queries.store_faults()]


def brought(copy: Store, uid: str = UID) -> None:
    writer.adopt(copy, packages.object_id(uid), packages.store_in(files_home()))


def files_home() -> Path:
    from django.conf import settings  # noqa: PLC0415 -- the fixture's, at this moment

    return Path(settings.LANTAI_HOME)


def package_file(home: Path, uid: str = UID) -> Path:
    at = packages.store_in(home).at(packages.object_id(uid))
    return at.folder / "v1/content/images/1-1-1.jpg"


def test_a_released_master_is_read_from_its_package(
    home: Path, blob: Blob, copy: Store, django_capture_on_commit_callbacks: Committing
) -> None:
    make.placed(UID, PAGE)
    brought(copy)

    done = let_go(blob.sha256, commits=django_capture_on_commit_callbacks)

    assert done == services.Released((blob.sha256,), {})
    assert not files.stands(home, blob.sha256)
    assert queries.read(blob.sha256) == PAGE
    assert list(queries.pieces(blob.sha256)) == [PAGE]
    assert faults() == []
    assert list(queries.check_rows()) == []
    assert list(queries.releasable()) == []


def test_a_release_is_recorded_once_however_often_it_is_asked(
    blob: Blob, copy: Store, django_capture_on_commit_callbacks: Committing
) -> None:
    make.placed(UID, PAGE)
    brought(copy)

    for _ in range(2):
        let_go(blob.sha256, blob.sha256, commits=django_capture_on_commit_callbacks)

    entry = Entry.objects.get()
    assert (entry.action, entry.actor) == ("vault.masters.released", "worker")
    assert entry.facts == {"masters": [blob.sha256]}
    moved = Movement.objects.get()
    assert (moved.blob, moved.way, moved.by, moved.at) == (blob, "released", "worker", NOON)


def _lose_package(home: Path) -> None:
    shutil.rmtree(home / "preserved")


def _spoil_package(home: Path) -> None:
    path = package_file(home)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)


def _lose_key(home: Path) -> None:
    keys.destroy(home, UID)


def _exchange(home: Path) -> None:
    """Another page's file stands where the master should."""
    path = package_file(home)
    path.chmod(0o600)
    shutil.copy(path.with_name("1-1-2.jpg"), path)


@pytest.mark.parametrize("harm", [_lose_package, _spoil_package, _lose_key, _exchange])
def test_a_master_stays_while_its_package_does_not_give_it(
    harm: Callable[[Path], None],
    home: Path,
    blob: Blob,
    django_capture_on_commit_callbacks: Committing,
) -> None:
    make.stored(b"another page")
    make.placed(UID, PAGE, b"another page")
    harm(home)

    done = let_go(blob.sha256, commits=django_capture_on_commit_callbacks, single_copy=True)

    assert done.released == ()
    assert done.stays[blob.sha256].startswith("归档包中读不出来：")
    assert queries.read(blob.sha256) == PAGE
    assert not Movement.objects.exists()
    assert not Entry.objects.exists()


def test_a_master_stays_when_the_row_names_another_page_of_the_package(
    blob: Blob, django_capture_on_commit_callbacks: Committing
) -> None:
    path = next(iter(make.packed(UID, b"another page")))
    services.place(object_id=packages.object_id(UID), images={path: blob.sha256}, at=NOON)

    done = let_go(blob.sha256, commits=django_capture_on_commit_callbacks, single_copy=True)

    assert done.stays == {blob.sha256: "归档包中的内容不是这份母本"}
    assert queries.read(blob.sha256) == PAGE


def test_a_master_in_no_package_stays(
    blob: Blob, django_capture_on_commit_callbacks: Committing
) -> None:
    done = let_go(blob.sha256, commits=django_capture_on_commit_callbacks, single_copy=True)

    assert done.stays == {blob.sha256: "还没有归档，只有影像库中的这一份"}
    assert queries.read(blob.sha256) == PAGE
    assert list(queries.releasable()) == []


def test_a_master_stays_until_the_second_copy_gives_it_too(
    copy: Store, blob: Blob, django_capture_on_commit_callbacks: Committing
) -> None:
    make.placed(UID, PAGE)

    before = let_go(blob.sha256, commits=django_capture_on_commit_callbacks, single_copy=True)
    waiting = list(queries.releasable())
    brought(copy)
    after = let_go(blob.sha256, commits=django_capture_on_commit_callbacks)

    assert before.stays[blob.sha256].startswith("第二份副本中读不出来：")
    assert waiting == [blob.sha256]
    assert after.released == (blob.sha256,)


def test_one_copy_is_enough_only_for_who_says_so(
    blob: Blob, django_capture_on_commit_callbacks: Committing
) -> None:
    make.placed(UID, PAGE)

    silent = let_go(blob.sha256, commits=django_capture_on_commit_callbacks)
    said = let_go(blob.sha256, commits=django_capture_on_commit_callbacks, single_copy=True)

    assert silent.stays == {blob.sha256: "没有配置第二份副本，撤出后归档包就是唯一的一份"}
    assert said.released == (blob.sha256,)


def test_a_release_stopped_before_the_file_went_is_named_and_finished(
    home: Path, blob: Blob, django_capture_on_commit_callbacks: Committing
) -> None:
    make.placed(UID, PAGE)
    with django_capture_on_commit_callbacks(execute=False):  # killed after the commit
        services.release(sha256s=[blob.sha256], by="worker", at=NOON, single_copy=True)

    named = faults()
    with django_capture_on_commit_callbacks(execute=True):
        done = services.repair(by="ops", at=NOON)

    assert named == ["母本已撤出而文件仍在"]
    assert done.taken_away == (blob.sha256,)
    assert not files.stands(home, blob.sha256)
    assert queries.read(blob.sha256) == PAGE
    assert faults() == []


def test_a_stopped_release_is_not_finished_while_the_package_is_gone(
    home: Path, blob: Blob, django_capture_on_commit_callbacks: Committing
) -> None:
    make.placed(UID, PAGE)
    with django_capture_on_commit_callbacks(execute=False):
        services.release(sha256s=[blob.sha256], by="worker", at=NOON, single_copy=True)
    _lose_package(home)

    done = services.repair(by="ops", at=NOON)

    assert done.taken_away == ()
    assert queries.read(blob.sha256) == PAGE


def test_a_released_master_whose_package_is_damaged_is_an_incident(
    home: Path, blob: Blob, django_capture_on_commit_callbacks: Committing
) -> None:
    make.placed(UID, PAGE)
    let_go(blob.sha256, commits=django_capture_on_commit_callbacks, single_copy=True)
    _spoil_package(home)

    with pytest.raises(Damaged, match="打不开"):
        queries.read(blob.sha256)

    assert faults() == ["母本只在归档包中，而读不出来（密封文件的内容被改动，请从副本中恢复）"]
    assert {found.field for found in queries.check_rows()} == {"sha256", "sm3", "size"}


def test_a_released_master_that_is_scanned_again_stays_where_it_is(
    home: Path, blob: Blob, django_capture_on_commit_callbacks: Committing
) -> None:
    make.placed(UID, PAGE)
    let_go(blob.sha256, commits=django_capture_on_commit_callbacks, single_copy=True)

    assert make.stored(PAGE) == blob

    assert not files.stands(home, blob.sha256)
    assert queries.read(blob.sha256) == PAGE


def test_a_master_comes_back_when_its_package_gives_it_no_more(
    home: Path, blob: Blob, django_capture_on_commit_callbacks: Committing
) -> None:
    make.placed(UID, PAGE)
    let_go(blob.sha256, commits=django_capture_on_commit_callbacks, single_copy=True)
    _lose_key(home)

    assert make.stored(PAGE) == blob

    assert queries.read(blob.sha256) == PAGE
    assert [moved.way for moved in Movement.objects.order_by("pk")] == ["released", "returned"]
    assert Entry.objects.filter(action="vault.master.returned").count() == 1
    assert faults() == []
    assert list(queries.check_rows()) == []


def test_a_master_that_came_back_before_its_file_went_is_not_taken_away(
    home: Path, blob: Blob, django_capture_on_commit_callbacks: Committing
) -> None:
    with django_capture_on_commit_callbacks(execute=False) as going:
        services.shred(sha256s=[blob.sha256], by="ops", at=NOON)
    make.stored(PAGE)

    for take_away in going:
        take_away()

    assert files.stands(home, blob.sha256)
    assert queries.read(blob.sha256) == PAGE


def test_shredding_leaves_nothing_of_a_master_and_is_no_fault(
    home: Path, blob: Blob, django_capture_on_commit_callbacks: Committing
) -> None:
    make.placed(UID, PAGE)
    for kind in files.DERIVATIVES:
        services.keep_derivative(sha256=blob.sha256, kind=kind, content=PAGE)
    _lose_key(home)

    gone = shred(blob.sha256, commits=django_capture_on_commit_callbacks)

    assert gone == (blob.sha256,)
    left = [path for path in home.rglob(f"*{blob.sha256}*") if path.is_file()]
    assert left == []
    with pytest.raises(Damaged):
        queries.read(blob.sha256)
    assert faults() == []
    assert list(queries.check_rows()) == []
    entry = Entry.objects.get()
    assert (entry.action, entry.facts) == ("vault.masters.shredded", {"masters": [blob.sha256]})


def test_a_master_that_another_dossier_still_gives_is_not_shredded(
    home: Path, blob: Blob, django_capture_on_commit_callbacks: Committing
) -> None:
    make.placed(UID, PAGE)
    make.placed(OTHER, PAGE)
    _lose_key(home)

    gone = shred(blob.sha256, commits=django_capture_on_commit_callbacks)

    assert gone == ()
    assert queries.read(blob.sha256) == PAGE
    assert not Entry.objects.exists()


def test_a_master_is_read_from_whichever_package_gives_it(
    home: Path, blob: Blob, django_capture_on_commit_callbacks: Committing
) -> None:
    make.placed(UID, PAGE)
    make.placed(OTHER, PAGE)
    let_go(blob.sha256, commits=django_capture_on_commit_callbacks, single_copy=True)
    keys.destroy(home, OTHER)

    assert queries.read(blob.sha256) == PAGE


def test_placing_the_same_again_is_harmless(blob: Blob) -> None:
    images = make.packed(UID, PAGE)
    named = packages.object_id(UID)

    made = [services.place(object_id=named, images=images, at=NOON) for _ in range(2)]

    assert made == [1, 0]
    found = Placement.objects.get()
    assert (found.blob, found.object_id, found.version) == (blob, named, 1)
    assert found.content_path == "v1/content/images/1-1-1.jpg"


def test_a_master_resealed_for_the_secret_ring_is_read_and_its_derivatives_go(
    home: Path, blob: Blob
) -> None:
    services.keep_derivative(sha256=blob.sha256, kind="thumbnail.jpg", content=PAGE)
    before = files.master_path(home, blob.sha256).read_bytes()

    services.reseal(sha256s=[blob.sha256], ring=Ring.SECRET)

    assert files.master_path(home, blob.sha256).read_bytes() != before
    assert queries.ring_of(blob.sha256) is Ring.SECRET
    assert queries.read(blob.sha256) == PAGE
    assert queries.derivative(blob.sha256, "thumbnail.jpg") is None
    assert faults() == []


@pytest.mark.parametrize("place", [0, 100, -1])
def test_a_damaged_file_whose_package_is_whole_is_passed_over_named_and_mended(
    place: int, home: Path, blob: Blob
) -> None:
    make.placed(UID, PAGE)
    path = files.master_path(home, blob.sha256)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
    path.chmod(0o400)

    read = queries.read(blob.sha256)
    named = faults()
    done = services.repair(by="ops", at=NOON)

    assert read == PAGE
    assert len(named) == 1
    assert done.mended == (blob.sha256,)
    assert faults() == []
    assert b"".join(files.pieces(home, blob.sha256)) == PAGE
    assert Entry.objects.get().facts["mended"] == [blob.sha256]


def test_one_master_is_examined_and_mended_by_itself(
    home: Path, blob: Blob, django_capture_on_commit_callbacks: Committing
) -> None:
    make.placed(UID, PAGE)
    other = make.stored(b"another page")
    for sha256 in (blob.sha256, other.sha256):
        path = files.master_path(home, sha256)
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-1])
        path.chmod(0o400)
    listed = queries.own(after=0, limit=10)

    named = [list(queries.faults_of(sha256)) for _, sha256, _ in listed]
    mended = [services.mend(sha256=sha256, by="worker", at=NOON) for _, sha256, _ in listed]

    assert [(sha256, at) for _, sha256, at in listed] == [
        (blob.sha256, NOON),
        (other.sha256, NOON),
    ]
    assert queries.own(after=listed[0][0], limit=1) == listed[1:]
    assert [len(found) for found in named] == [1, 1]
    assert mended == [True, False]
    assert list(queries.faults_of(blob.sha256)) == []
    assert Entry.objects.get().facts["mended"] == [blob.sha256]
    let_go(blob.sha256, commits=django_capture_on_commit_callbacks, single_copy=True)
    assert queries.own(after=0, limit=10) == listed[1:]
    assert list(queries.faults_of(blob.sha256)) == []
    with pytest.raises(KeyError):
        list(queries.faults_of("0" * 64))


def test_a_master_is_read_from_the_second_copy_when_the_first_is_damaged(
    home: Path, blob: Blob, copy: Store, django_capture_on_commit_callbacks: Committing
) -> None:
    make.placed(UID, PAGE)
    brought(copy)
    let_go(blob.sha256, commits=django_capture_on_commit_callbacks)
    _spoil_package(home)

    assert queries.read(blob.sha256) == PAGE


def test_a_damaged_file_that_no_package_has_whole_stays_as_it_is(home: Path, blob: Blob) -> None:
    make.placed(UID, PAGE)
    _spoil_package(home)
    path = files.master_path(home, blob.sha256)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1])
    path.chmod(0o400)
    before = path.read_bytes()

    done = services.repair(by="ops", at=NOON)

    assert done.mended == ()
    assert path.read_bytes() == before
    with pytest.raises(Damaged):
        queries.read(blob.sha256)


def test_a_movement_the_log_does_not_know_is_named(blob: Blob) -> None:
    Movement.objects.create(blob=blob, way=Movement.Way.SHREDDED, by="hand", at=NOON)

    found = list(queries.check_rows())

    assert [(one.table, one.key, one.field) for one in found] == [
        ("vault_movement", blob.sha256, "")
    ]
