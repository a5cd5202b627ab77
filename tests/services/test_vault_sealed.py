"""Sealed masters in bad hands and bad luck: each a clear sentence, nothing lost, nothing shown."""

import errno
import fcntl
import hashlib
import os
import shutil
import stat
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import vault_factories as make
from vault_factories import NOON

from lantai.ledger.models import Entry
from lantai.lib.sealing import Suite
from lantai.vault import files, queries, services
from lantai.vault.keys import KeyMissing, Ring
from lantai.vault.models import Blob
from lantai.vault.queries import Damaged

pytestmark = pytest.mark.django_db
PAGE = b"\xff\xd8 a scanned page"
SHA256 = hashlib.sha256(PAGE).hexdigest()
OTHER = b"\xff\xd8 another page "


@pytest.fixture
def path(home: Path) -> Path:
    """Where the page is kept."""
    make.stored(PAGE)
    return files.master_path(home, SHA256)


def write(path: Path, content: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(content)
    path.chmod(files.MASTER_MODE)


def faults() -> list[str]:
    return [fault.what.split("：")[0] for fault in queries.store_faults()]


def test_a_master_cut_anywhere_is_an_incident(path: Path) -> None:
    whole = path.read_bytes()
    for length in range(len(whole)):
        write(path, whole[:length])

        with pytest.raises(Damaged, match="影像母本"):
            queries.read(SHA256)


def test_every_flipped_bit_is_an_incident(path: Path) -> None:
    whole = path.read_bytes()
    for place in range(len(whole)):
        content = bytearray(whole)
        content[place] ^= 1 << place % 8
        write(path, bytes(content))

        with pytest.raises(Damaged, match="影像母本"):
            queries.read(SHA256)


def test_bytes_after_the_end_are_an_incident(path: Path) -> None:
    write(path, path.read_bytes() + b"x")

    with pytest.raises(Damaged, match="末尾多出内容"):
        queries.read(SHA256)


def test_the_sealed_file_of_another_master_is_not_taken_for_this_one(
    home: Path, path: Path
) -> None:
    other = make.stored(OTHER)
    shutil.copy(files.master_path(home, other.sha256), path.with_name("moved"))
    path.with_name("moved").replace(path)

    with pytest.raises(Damaged, match="被换到此处"):
        queries.read(SHA256)
    assert faults() == ["母本打不开"]
    with pytest.raises(Damaged, match="未覆盖"):
        files.write_master(home, SHA256, PAGE, suite=Suite.AES)


def test_the_plain_file_of_another_master_is_not_taken_for_this_one(path: Path) -> None:
    write(path, OTHER)

    with pytest.raises(Damaged, match="不一致"):
        queries.read(SHA256)
    assert faults() == ["母本内容与登记的摘要或字节数不符"]


def test_without_the_key_nothing_is_read_and_no_key_is_made_in_its_place(
    home: Path, path: Path
) -> None:
    (home / "keys" / "preservation" / "store.key").rename(home / "away")

    with pytest.raises(Damaged, match="密钥备份"):
        queries.read(SHA256)
    with pytest.raises(KeyMissing):
        make.stored(OTHER)
    with pytest.raises(KeyMissing):
        services.keep_derivative(sha256=SHA256, kind="thumbnail.jpg", content=b"small")

    assert not (home / "keys" / "preservation" / "store.key").exists()
    assert Blob.objects.count() == 1
    (home / "away").rename(home / "keys" / "preservation" / "store.key")
    assert queries.read(SHA256) == PAGE


def test_under_another_key_nothing_is_read_and_nothing_is_overwritten(
    home: Path, path: Path
) -> None:
    (home / "keys").rename(home / "keys-away")
    before = path.read_bytes()
    files.master_path(home, SHA256).rename(home / "away")
    make.stored(OTHER)  # a home with no sealed master makes keys of its own
    (home / "away").rename(path)

    with pytest.raises(Damaged, match="另一把密钥"):
        queries.read(SHA256)
    with pytest.raises(Damaged, match="未覆盖"):
        files.write_master(home, SHA256, PAGE, suite=Suite.AES)

    assert path.read_bytes() == before


def test_a_home_sealed_with_the_other_cipher_is_read_after_the_setting_changed(
    settings: Any,
) -> None:
    settings.LANTAI_SEALING = Suite.SM4
    first = make.stored(PAGE)
    settings.LANTAI_SEALING = Suite.AES
    second = make.stored(OTHER)

    assert queries.read(first.sha256) == PAGE
    assert queries.read(second.sha256) == OTHER


def test_many_writers_of_the_same_bytes_leave_one_whole_master(home: Path) -> None:
    files.write_master(home, hashlib.sha256(OTHER).hexdigest(), OTHER, suite=Suite.AES)

    def write_it(_: int) -> None:
        files.write_master(home, SHA256, PAGE, suite=Suite.AES)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write_it, range(24)))

    assert files.digest_of(home, SHA256) == SHA256
    assert list((home / "vault" / ".incoming").iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("step", [1, 2, 3, 4, 5])
def test_a_disk_that_fails_at_a_step_leaves_no_row_and_the_next_try_succeeds(
    number: int, step: int, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.stored(OTHER)
    plain, calls = os.fsync, []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == step:
            raise OSError(number, os.strerror(number))
        plain(descriptor)

    with monkeypatch.context() as failing:
        failing.setattr(files.os, "fsync", fsync)
        with pytest.raises(OSError, match=os.strerror(number)):
            make.stored(PAGE)
    assert not Blob.objects.filter(sha256=SHA256).exists()
    make.stored(PAGE)

    assert queries.read(SHA256) == PAGE
    assert faults() == []
    assert list((home / "vault" / ".incoming").iterdir()) == []


def test_a_plain_master_of_an_older_home_is_read_named_and_sealed_once(home: Path) -> None:
    make.stored(PAGE)
    path = files.master_path(home, SHA256)
    write(path, PAGE)
    services.keep_derivative(sha256=SHA256, kind="thumbnail.jpg", content=PAGE)
    thumbnail = files.derivative_path(home, SHA256, "thumbnail.jpg")
    thumbnail.write_bytes(PAGE)

    read = queries.read(SHA256)
    named = faults()
    done = [services.repair(by="ops", at=NOON) for _ in range(2)]

    assert read == PAGE
    assert named == ["母本没有密封", "浏览影像没有密封"]
    assert [one.sealed for one in done] == [(SHA256,), ()]
    assert [one.swept for one in done] == [(str(thumbnail.relative_to(home)),), ()]
    assert faults() == []
    assert queries.read(SHA256) == PAGE
    assert stat.S_IMODE(path.stat().st_mode) == files.MASTER_MODE
    assert Entry.objects.get().facts["sealed"] == [SHA256]


def test_a_damaged_plain_master_is_left_for_a_person(home: Path) -> None:
    make.stored(PAGE)
    path = files.master_path(home, SHA256)
    write(path, PAGE[:-1] + b"?")

    done = services.repair(by="ops", at=NOON)

    assert done.sealed == ()
    assert path.read_bytes() == PAGE[:-1] + b"?"
    with pytest.raises(Damaged, match="未密封"):
        files.seal_master(home, SHA256, suite=Suite.AES)


def test_the_blocks_of_a_plain_master_are_overwritten_unless_a_link_keeps_them(
    home: Path,
) -> None:
    for content in (PAGE, OTHER):
        make.stored(content)
        write(files.master_path(home, hashlib.sha256(content).hexdigest()), content)
    linked = home / "copy-of-links"
    os.link(files.master_path(home, SHA256), linked)
    other = files.master_path(home, hashlib.sha256(OTHER).hexdigest())
    with other.open("rb") as still_open:
        services.repair(by="ops", at=NOON)

        assert still_open.read() == bytes(len(OTHER))
    assert linked.read_bytes() == PAGE


def test_who_opens_a_master_just_before_its_blocks_are_overwritten_reads_the_new_file(
    path: Path,
) -> None:
    fresh = path.with_name("fresh")
    shutil.copy(path, fresh)
    waiting = f":{path.stat().st_ino} "

    with ThreadPoolExecutor(1) as pool:
        path.chmod(0o600)
        with path.open("r+b", buffering=0) as old:
            fcntl.flock(old, fcntl.LOCK_EX)
            reading = pool.submit(queries.read, SHA256)
            while not any(
                "->" in lock and waiting in lock
                for lock in Path("/proc/locks").read_text().splitlines()
            ):
                assert not reading.done()
            fresh.rename(path)
            old.write(bytes(os.fstat(old.fileno()).st_size))

        assert reading.result(timeout=60) == PAGE


def test_only_a_master_takes_the_place_of_a_master(home: Path, path: Path) -> None:
    before = path.read_bytes()

    with pytest.raises(ValueError, match="only a master"):
        files.replace_master(home, SHA256, OTHER, suite=Suite.AES)

    assert path.read_bytes() == before


def test_reading_a_large_master_in_pieces_takes_no_more_room_than_a_few_pieces() -> None:
    large = os.urandom(1 << 20) * 24
    blob = make.stored(large)
    running = hashlib.sha256()
    tracemalloc.start()
    for piece in queries.pieces(blob.sha256):
        running.update(piece)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert running.hexdigest() == blob.sha256
    assert most < 8 << 20


def test_storing_a_master_asks_the_database_a_few_times(
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    make.stored(OTHER)

    with django_assert_max_num_queries(8):
        make.stored(PAGE)


def test_a_master_stored_for_the_secret_ring_is_under_its_key(home: Path) -> None:
    services.store(content=PAGE, media_type="image/jpeg", by="scanner", at=NOON, ring=Ring.SECRET)

    assert queries.ring_of(SHA256) is Ring.SECRET
    assert queries.read(SHA256) == PAGE
    assert (home / "keys" / "secret" / "store.key").exists()
