"""After a power cut at any moment: an acknowledged master is whole, and the writer goes on."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import power
import pytest

from lantai.lib.sealing import NotOpened, Suite
from lantai.vault import files, keys

PAGES = [b"page %d " % number * 40 for number in range(3)]
DIGESTS = [hashlib.sha256(page).hexdigest() for page in PAGES]


def write(home: Path, number: int) -> None:
    files.write_master(home, DIGESTS[number], PAGES[number], suite=Suite.AES)


def put_plain(home: Path, number: int) -> None:
    """A master as an older home has it, on disk."""
    path = files.master_path(home, DIGESTS[number])
    path.parent.mkdir(parents=True)
    path.write_bytes(PAGES[number])
    path.chmod(files.MASTER_MODE)


def read(home: Path, number: int) -> bytes:
    return b"".join(files.pieces(home, DIGESTS[number]))


def is_regarded(path: str) -> bool:
    """What a reader may come to see; leftovers of a writer are swept, not read."""
    return "/.incoming" not in path


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on nothing is forced to disk: a replay need not be."""
    return lambda: monkeypatch.setattr(files.os, "fsync", lambda descriptor: None)


def test_no_power_cut_takes_an_acknowledged_master_or_leaves_half_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: Callable[[], None]
) -> None:
    with power.watched(tmp_path / "home", monkeypatch) as watch:
        for number in range(3):
            write(tmp_path / "home", number)
            watch.acknowledge()
    free()

    examined = 0
    for acts, home in watch.remade(tmp_path / "cut", regards=is_regarded):
        examined += 1
        for number in range(3):
            if number < acts or files.stands(home, DIGESTS[number]):
                assert read(home, number) == PAGES[number]
        if acts < 3:
            write(home, acts)
            assert read(home, acts) == PAGES[acts]
    assert examined >= 20


def test_folders_another_writer_did_not_force_to_disk_take_no_acknowledged_master(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: Callable[[], None]
) -> None:
    home = tmp_path / "home"
    write(home, 0)  # there are keys
    folder = files.master_path(home, DIGESTS[1]).parent
    with power.watched(home, monkeypatch) as watch:
        folder.mkdir(parents=True)
        write(home, 1)
        watch.acknowledge()
    free()

    examined = 0
    for acts, cut in watch.remade(tmp_path / "cut"):
        if acts:
            examined += 1
            assert read(cut, 1) == PAGES[1]
    assert examined


def test_no_power_cut_while_a_plain_master_is_sealed_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: Callable[[], None]
) -> None:
    home = tmp_path / "home"
    write(home, 0)  # there are keys
    put_plain(home, 1)
    with power.watched(home, monkeypatch) as watch:
        files.seal_master(home, DIGESTS[1], suite=Suite.AES)
        watch.acknowledge()
    free()

    kinds = set()
    for acts, cut in watch.remade(tmp_path / "cut", regards=is_regarded):
        assert read(cut, 1) == PAGES[1]
        kinds.add((acts, files.is_sealed(cut, DIGESTS[1])))
        files.seal_master(cut, DIGESTS[1], suite=Suite.AES)
        assert read(cut, 1) == PAGES[1]
        assert files.is_sealed(cut, DIGESTS[1])
    assert kinds == {(0, False), (0, True), (1, True)}


def test_a_removed_master_is_there_whole_or_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: Callable[[], None]
) -> None:
    home = tmp_path / "home"
    write(home, 0)
    with power.watched(home, monkeypatch) as watch:
        files.remove_master(home, DIGESTS[0])
        watch.acknowledge()
    free()

    found = set()
    for acts, cut in watch.remade(tmp_path / "cut", regards=is_regarded):
        there = files.stands(cut, DIGESTS[0])
        if there:
            assert read(cut, 0) == PAGES[0]
        found.add((acts, there))
    assert found == {(0, True), (0, False), (1, False)}


@pytest.mark.parametrize("forgets", ["files", "folders"])
def test_a_writer_that_forgets_to_force_is_found_out(
    forgets: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: Callable[[], None]
) -> None:
    home = tmp_path / "home"
    write(home, 0)  # the keys are on disk
    with power.watched(home, monkeypatch, forgets=frozenset({forgets})) as watch:
        write(home, 1)
        watch.acknowledge()
    free()

    lost = 0
    for acts, cut in watch.remade(tmp_path / "cut", regards=is_regarded):
        try:
            lost += acts > 0 and read(cut, 1) != PAGES[1]
        except (OSError, NotOpened, keys.KeyMissing):
            lost += acts > 0
    assert lost > 0
