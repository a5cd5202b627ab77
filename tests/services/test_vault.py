"""The vault's promises: byte for byte, never overwritten, and what is wrong is named."""

import fcntl
import hashlib
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import models

from lantai.ledger.models import Entry
from lantai.lib.sealing import Suite
from lantai.vault import files, queries, services
from lantai.vault.models import Blob
from lantai.vault.queries import Damaged, StoreFault, Torn

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
PAGE = b"\xff\xd8 a scanned page"
SHA256 = hashlib.sha256(PAGE).hexdigest()


def store(content: bytes = PAGE) -> Blob:
    return services.store(content=content, media_type="image/jpeg", by="scanner", at=NOON)


def faults() -> list[StoreFault]:
    return list(queries.store_faults())


@pytest.fixture
def path(home: Path) -> Path:
    """Where the page is kept."""
    return home / "vault" / SHA256[:2] / SHA256[2:4] / SHA256


def test_what_is_stored_is_read_back_byte_for_byte(path: Path) -> None:
    blob = store()

    assert (blob.sha256, blob.size, blob.media_type) == (SHA256, len(PAGE), "image/jpeg")
    assert blob.sm3 == hashlib.new("sm3", PAGE).hexdigest()
    assert queries.read(SHA256) == PAGE
    assert list(queries.pieces(SHA256)) == [PAGE]
    assert queries.count() == 1


def test_nothing_of_a_page_can_be_read_on_the_disk(home: Path, path: Path) -> None:
    store()
    services.keep_derivative(sha256=SHA256, kind="thumbnail.jpg", content=PAGE)
    services.keep_derivative(sha256=SHA256, kind="tiles.pack", content=PAGE)

    assert path.read_bytes().startswith(b"LTSEAL1\n")
    assert [found for found in home.rglob("*") if found.is_file() and PAGE[4:] in held(found)] == []


def test_a_master_is_for_reading_only_and_for_the_program_alone(home: Path, path: Path) -> None:
    store()

    assert path.stat().st_mode & 0o777 == 0o400
    assert (home / "vault").stat().st_mode & 0o777 == 0o700


def test_storing_the_same_bytes_again_is_harmless(path: Path) -> None:
    first = store()
    before = path.stat().st_ino

    assert store() == first

    assert path.stat().st_ino == before
    assert Blob.objects.count() == 1


def test_an_empty_file_is_kept_like_any_other() -> None:
    assert queries.read(store(b"").sha256) == b""


def test_a_master_is_never_overwritten_even_by_what_should_stand_there(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else")

    with pytest.raises(Damaged, match="未覆盖"):
        store()

    assert path.read_bytes() == b"something else"
    assert not Blob.objects.exists()


def test_a_file_left_by_a_stopped_writer_is_taken_up(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(PAGE)
    before = path.stat().st_ino

    store()

    assert path.stat().st_ino == before
    assert queries.read(SHA256) == PAGE


def test_storing_again_brings_a_lost_master_back(path: Path) -> None:
    store()
    path.unlink()

    store()

    assert queries.read(SHA256) == PAGE
    assert faults() == []


def test_storing_again_does_not_take_a_damaged_master_for_a_good_one(path: Path) -> None:
    store()
    path.chmod(0o600)
    path.write_bytes(b"something else")

    with pytest.raises(Damaged, match="未覆盖"):
        store()

    assert path.read_bytes() == b"something else"
    assert Blob.objects.count() == 1


def test_a_missing_master_is_an_incident(path: Path) -> None:
    store()
    path.unlink()

    with pytest.raises(Damaged, match="缺失"):
        queries.read(SHA256)


@pytest.mark.parametrize("place", [0, 8, 12, 20, 24, 50, 70, 100, 130, 160, -1])
def test_a_changed_bit_is_an_incident_and_never_shown(path: Path, place: int) -> None:
    store()
    spoil(path, place)

    with pytest.raises(Damaged, match="影像母本"):
        queries.read(SHA256)


def test_a_master_that_cannot_be_read_is_an_incident(path: Path) -> None:
    store()
    path.unlink()
    path.mkdir()

    with pytest.raises(Damaged, match="读不出来"):
        queries.read(SHA256)


def test_a_derivative_is_kept_replaced_and_made_again(home: Path) -> None:
    store()
    services.keep_derivative(sha256=SHA256, kind="thumbnail.jpg", content=b"first")
    services.keep_derivative(sha256=SHA256, kind="thumbnail.jpg", content=b"second")

    kept = queries.derivative(SHA256, "thumbnail.jpg")

    assert kept is not None
    assert kept.whole() == b"second"
    assert queries.derivative(SHA256, "tiles.pack") is None
    folder = home / "derived" / SHA256[:2] / SHA256
    assert [found.name for found in folder.iterdir()] == ["thumbnail.jpg"]


def test_a_derivative_is_read_in_ranges() -> None:
    content = bytes(range(256)) * 1000
    services.keep_derivative(sha256=SHA256, kind="tiles.pack", content=content)

    kept = queries.derivative(SHA256, "tiles.pack")

    assert kept is not None
    assert kept.size == 256_000
    assert kept.read(65_530, 20) == content[65_530:65_550]
    assert kept.read(255_990, 20) == content[-10:]
    assert kept.read(256_000, 20) == b""


def test_a_derivative_of_which_only_the_name_survived_counts_as_none(home: Path) -> None:
    services.keep_derivative(sha256=SHA256, kind="thumbnail.jpg", content=b"small")
    thumbnail(home, SHA256).write_bytes(b"")

    assert queries.derivative(SHA256, "thumbnail.jpg") is None


@pytest.mark.parametrize("harm", ["cut", "spoilt", "plain", "of another", "gone"])
def test_a_derivative_that_is_not_what_was_kept_is_torn(harm: str, home: Path) -> None:
    services.keep_derivative(sha256=SHA256, kind="thumbnail.jpg", content=b"small")
    services.keep_derivative(sha256="0" * 64, kind="thumbnail.jpg", content=b"another")
    path = thumbnail(home, SHA256)
    kept = queries.derivative(SHA256, "thumbnail.jpg")
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-3])
    elif harm == "spoilt":
        spoil(path, -1)
    elif harm == "plain":
        path.write_bytes(b"\xff\xd8 small")
    elif harm == "of another":
        shutil.copy(thumbnail(home, "0" * 64), path)
    else:
        path.unlink()

    assert kept is not None
    with pytest.raises(Torn, match="需要重做"):
        kept.whole()


def test_there_are_no_other_derivatives() -> None:
    with pytest.raises(ValueError, match="no such derivative"):
        services.keep_derivative(sha256=SHA256, kind="../../vault", content=b"")


def test_a_good_store_has_no_faults() -> None:
    for number in range(20):
        store(b"page %d" % number)

    assert faults() == []
    assert list(queries.check_rows()) == []


def test_each_fault_of_the_store_is_named(home: Path, path: Path) -> None:
    store()
    lost, spoilt, writable = (store(b"page %d" % number).sha256 for number in range(3))
    files.master_path(home, lost).unlink()
    spoil(files.master_path(home, spoilt), -1)
    files.master_path(home, writable).chmod(0o600)
    orphan = hashlib.sha256(b"orphan").hexdigest()
    files.write_master(home, orphan, b"orphan", suite=Suite.AES)
    plain = store(b"plain").sha256
    put_plain(home, plain, b"plain")
    thumbnail(home, plain).parent.mkdir(parents=True)
    thumbnail(home, plain).write_bytes(b"plain")
    (home / "vault/notes.txt").write_text("foreign")
    shutil.copy(path, home / "vault" / SHA256)
    (home / "vault/.incoming/half").write_bytes(b"ha")
    (home / "derived/ab").mkdir(parents=True)
    (home / "derived/ab/.thumbnail.jpg.0123").write_bytes(b"ha")

    found = {(fault.path, fault.what.split("：")[0], fault.sha256) for fault in faults()}

    def where(sha256: str) -> str:
        return f"vault/{sha256[:2]}/{sha256[2:4]}/{sha256}"

    assert found == {
        (where(lost), "母本缺失", lost),
        (where(spoilt), "母本打不开", spoilt),
        (where(plain), "母本没有密封", plain),
        (str(thumbnail(home, plain).relative_to(home)), "浏览影像没有密封", None),
        (where(writable), "母本不是只读", writable),
        (where(orphan), "没有登记的文件", None),
        ("vault/notes.txt", "不属于影像库的文件", None),
        (f"vault/{SHA256}", "不属于影像库的文件", None),
        ("vault/.incoming/half", "写入中断留下的文件", None),
        ("derived/ab/.thumbnail.jpg.0123", "写入中断留下的文件", None),
    }


def test_every_one_of_many_flipped_bits_is_found(home: Path) -> None:
    digests = [store(b"page %d" % number).sha256 for number in range(40)]
    spoilt = digests[::3]
    for place, sha256 in enumerate(spoilt):
        spoil(files.master_path(home, sha256), place * 11)

    assert {fault.sha256 for fault in faults()} == set(spoilt)


def test_a_master_that_is_a_directory_is_a_fault(path: Path) -> None:
    store()
    path.unlink()
    path.mkdir()

    assert [fault.what.split("：")[0] for fault in faults()] == ["母本缺失"]


@pytest.mark.parametrize(
    ("column", "value", "fields"),
    [
        ("sm3", "0" * 64, {"sm3"}),
        ("size", 3, {"size"}),
        ("sha256", "0" * 64, {"sha256", "sm3", "size"}),
    ],
)
def test_a_row_changed_behind_the_programs_back_is_named(
    column: str, value: Any, fields: set[str]
) -> None:
    store()
    store(b"another")

    models.QuerySet(Blob).filter(sha256=SHA256).update(**{column: value})

    found = list(queries.check_rows())
    assert {one.field for one in found} == fields
    assert {one.key for one in found} == {value if column == "sha256" else SHA256}


def test_repair_sweeps_leftovers_and_makes_masters_read_only(home: Path, path: Path) -> None:
    store()
    path.chmod(0o644)
    (home / "vault/.incoming/half").write_bytes(b"ha")
    (home / "vault/notes.txt").write_text("foreign")

    done = services.repair(by="system", at=NOON)

    assert done.swept == ("vault/.incoming/half",)
    assert done.made_read_only == (str(path.relative_to(home)),)
    assert [fault.path for fault in faults()] == ["vault/notes.txt"]
    entry = Entry.objects.get()
    assert (entry.action, entry.actor) == ("vault.store.repaired", "system")
    assert entry.facts == {
        "swept": ["vault/.incoming/half"],
        "made_read_only": [str(path.relative_to(home))],
        "sealed": [],
        "taken_away": [],
        "mended": [],
    }


def test_repair_of_a_good_store_does_and_records_nothing() -> None:
    store()

    done = services.repair(by="system", at=NOON)

    assert (done.swept, done.made_read_only) == ((), ())
    assert not Entry.objects.exists()


def test_repair_leaves_alone_what_is_being_written(home: Path) -> None:
    store()
    busy = home / "vault/.incoming/busy"
    with busy.open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)

        assert faults() == []
        services.repair(by="system", at=NOON)

        assert busy.exists()


def test_repair_mends_no_content(path: Path) -> None:
    store()
    spoil(path, 3)
    before = path.read_bytes()

    services.repair(by="system", at=NOON)

    assert path.read_bytes() == before
    assert len(faults()) == 1


def thumbnail(home: Path, sha256: str) -> Path:
    return files.derivative_path(home, sha256, "thumbnail.jpg")


def held(path: Path) -> bytes:
    return path.read_bytes()


def put_plain(home: Path, sha256: str, content: bytes) -> Path:
    """A master as an older home has it."""
    path = files.master_path(home, sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    path.chmod(files.MASTER_MODE)
    return path


def spoil(path: Path, place: int) -> None:
    """Flip a bit, as a disk would."""
    mode = path.stat().st_mode
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
    path.chmod(mode)
