"""After a power cut at any moment: no key is lost, and none that was destroyed comes back."""

import secrets
from pathlib import Path

import power
import pytest

from lantai.lib.ocfl import disk
from lantai.lib.sealing import Key, NotOpened, Suite
from lantai.vault import keys
from lantai.vault.keys import KeyDestroyed, KeyMissing, Ring

UIDS = ("aa00000000000001", "aa00000000000002", "bb00000000000003")


def key_of(home: Path, uid: str, *, may_make: bool = False, ring: Ring = Ring.PRESERVATION) -> Key:
    return keys.dossier_key(home, uid, may_make=may_make, suite=Suite.AES, ring=ring)


def opened(home: Path) -> dict[str, Key]:
    """Every key of a home, by its name."""
    found = {uid: key_of(home, uid) for uid in UIDS if keys.has_key(home, uid)}
    store = home / "keys" / "preservation" / "store.key"
    if store.exists():
        found["store"] = keys.store_key(home, may_make=False, suite=Suite.AES)
    return found


def fill(home: Path) -> dict[str, Key]:
    home.mkdir()
    for uid in UIDS:
        key_of(home, uid, may_make=True)
    keys.store_key(home, may_make=True, suite=Suite.AES)
    return opened(home)


def quick(patch: pytest.MonkeyPatch) -> None:
    """A replay need not be forced."""
    patch.setattr(keys.os, "fsync", lambda descriptor: None)
    patch.setattr(disk, "force_all", lambda folder: None)


def test_a_key_that_was_given_out_is_there_after_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []
    with power.watched(tmp_path / "office", monkeypatch) as watch:
        for uid in UIDS:
            given.append(key_of(tmp_path / "office", uid, may_make=True))
            watch.acknowledge()
    quick(monkeypatch)

    examined = 0
    for acts, home in watch.remade(tmp_path / "cut", most=48):
        examined += 1
        for uid, key in zip(UIDS[:acts], given, strict=False):
            assert key_of(home, uid) == key
        for uid in UIDS:
            assert key_of(home, uid, may_make=True) == key_of(home, uid)

    assert examined > 30


def test_no_power_cut_during_a_change_loses_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = fill(tmp_path / "office")
    before = keys.state(tmp_path / "office", Ring.PRESERVATION).mark
    with power.watched(tmp_path / "office", monkeypatch) as watch:
        assert keys.change(tmp_path / "office", suite=Suite.AES) == len(UIDS) + 1
        watch.acknowledge()
    quick(monkeypatch)

    marks = set()
    for acts, home in watch.remade(tmp_path / "cut", most=48):
        assert opened(home) == held
        mark = keys.state(home, Ring.PRESERVATION).mark
        assert acts == 0 or mark != before
        marks.add(mark)
        keys.change(home, suite=Suite.AES)
        assert opened(home) == held
        after = keys.state(home, Ring.PRESERVATION)
        assert not after.changing
        assert after.mark != before
        assert leftovers(home) == []

    assert len(marks) == 2


def test_a_destroyed_key_is_gone_from_every_file_after_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid, *others = UIDS
    held = fill(tmp_path / "office")
    key_of(tmp_path / "office", uid, may_make=True, ring=Ring.SECRET)
    rings = (Ring.PRESERVATION, Ring.SECRET)
    texts = [
        (tmp_path / "office/keys" / ring / uid[:2] / f"{uid}.key").read_bytes() for ring in rings
    ]
    with power.watched(tmp_path / "office", monkeypatch) as watch:
        keys.destroy(tmp_path / "office", uid)
        watch.acknowledge()
    quick(monkeypatch)

    seen = set()
    for acts, home in watch.remade(tmp_path / "cut", most=48):
        destroyed = keys.is_destroyed(home, uid)
        seen.add(destroyed)
        if not destroyed:
            assert acts == 0
            assert key_of(home, uid) == held[uid]
        for _ in range(2):
            keys.destroy(home, uid)
        with pytest.raises(KeyDestroyed):
            key_of(home, uid, may_make=True)
        left = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
        assert not any(text in each for each in left for text in texts)
        assert opened(home) == {name: held[name] for name in (*others, "store")}

    assert seen == {True, False}


def test_what_a_stopped_change_left_of_a_destroyed_key_goes_too(tmp_path: Path) -> None:
    home = tmp_path / "office"
    fill(home)
    path = home / "keys/preservation/aa" / f"{UIDS[0]}.key"
    left = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    left.write_bytes(path.read_bytes())

    keys.destroy(home, UIDS[0])

    assert leftovers(home) == []


def test_a_writer_of_keys_that_forgets_to_force_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with power.watched(tmp_path / "office", monkeypatch) as watch:
        monkeypatch.setattr(disk, "force_all", lambda folder: None)
        given = key_of(tmp_path / "office", UIDS[0], may_make=True)
        watch.acknowledge()
    quick(monkeypatch)

    lost = 0
    for acts, home in watch.remade(tmp_path / "cut"):
        try:
            lost += acts == 1 and key_of(home, UIDS[0]) != given
        except (KeyMissing, NotOpened):
            lost += 1

    assert lost


def leftovers(home: Path) -> list[Path]:
    return sorted(path for path in (home / "keys").rglob(".*") if path.is_file())
