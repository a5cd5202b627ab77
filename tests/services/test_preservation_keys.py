"""The keys of a ring: what is given, what is refused, and what comes back from a backup."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lantai.ledger.tokens import Place
from lantai.lib import sealing
from lantai.lib.ocfl import disk
from lantai.lib.refusals import Unacceptable
from lantai.lib.sealing import Key, NotOpened, Suite, Tampered, WrongKey
from lantai.vault import keys
from lantai.vault.keys import KeyDestroyed, KeyMissing, Ring

UID, OTHER = "aa00000000000001", "bb00000000000002"
SECRET = Ring.SECRET


def dossier_key(
    home: Path, uid: str = UID, *, may_make: bool = False, ring: Ring = Ring.PRESERVATION
) -> Key:
    return keys.dossier_key(home, uid, may_make=may_make, suite=Suite.AES, ring=ring)


def store_key(home: Path, *, may_make: bool = False, ring: Ring = Ring.PRESERVATION) -> Key:
    return keys.store_key(home, may_make=may_make, suite=Suite.AES, ring=ring)


def tree(home: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def test_each_ring_has_keys_of_its_own_under_a_key_of_its_own(home: Path) -> None:
    plain, secret = (dossier_key(home, may_make=True, ring=ring) for ring in Ring)
    stores = [store_key(home, may_make=True, ring=ring) for ring in Ring]

    assert len({key.secret for key in (plain, secret, *stores)}) == 4
    assert dossier_key(home, ring=SECRET) == secret
    marks = {keys.state(home, ring).mark for ring in Ring}
    assert len(marks) == 2
    assert (home / "keys/secret.key").stat().st_mode & 0o077 == 0


def test_nobody_but_the_owner_reads_a_key_file(home: Path) -> None:
    dossier_key(home, may_make=True)

    assert all(path.stat().st_mode & 0o077 == 0 for path in (home / "keys").rglob("*"))


def test_a_key_that_was_used_is_not_made_anew(home: Path) -> None:
    dossier_key(home, OTHER, may_make=True)
    before = tree(home)

    with pytest.raises(KeyMissing, match="请从密钥备份中恢复，不要另造"):
        dossier_key(home)
    with pytest.raises(KeyMissing, match=r"影像库的密钥 keys/preservation/store.key 不在"):
        store_key(home)

    assert tree(home) == before


@pytest.mark.parametrize("spoilt", ["", "aes-256-gcm AAAA\n", "nonsense", "aes-256-gcm"])
def test_a_key_above_that_was_cut_or_edited_opens_nothing_and_stays(
    home: Path, spoilt: str
) -> None:
    dossier_key(home, may_make=True)
    rewrite(home / "keys/preservation.key", spoilt)
    before = tree(home)

    for attempt in (
        lambda: dossier_key(home),
        lambda: dossier_key(home, OTHER, may_make=True),
        lambda: keys.change(home, suite=Suite.AES),
        lambda: keys.state(home, Ring.PRESERVATION),
    ):
        with pytest.raises(KeyMissing, match=r"主密钥 keys/preservation.key 读不懂"):
            attempt()

    assert tree(home) == before


def test_a_foreign_key_above_opens_nothing(home: Path) -> None:
    dossier_key(home, may_make=True)
    rewrite(home / "keys/preservation.key", sealing.new_key(Suite.AES).dumps())
    before = tree(home)

    with pytest.raises(WrongKey, match="由另一把主密钥保护，请换用当时的主密钥"):
        dossier_key(home)
    with pytest.raises(WrongKey):
        keys.change(home, suite=Suite.AES)

    assert tree(home) == before


def test_a_key_above_that_is_gone_is_not_made_anew(home: Path) -> None:
    dossier_key(home, may_make=True)
    (home / "keys/preservation.key").unlink()
    before = tree(home)

    for attempt in (
        lambda: dossier_key(home),
        lambda: dossier_key(home, OTHER, may_make=True),
        lambda: store_key(home, may_make=True),
        lambda: keys.change(home, suite=Suite.AES),
    ):
        with pytest.raises(KeyMissing, match=r"主密钥 keys/preservation.key 不在"):
            attempt()

    assert tree(home) == before


def test_a_dossier_key_that_was_cut_or_exchanged_opens_nothing(home: Path) -> None:
    dossier_key(home, may_make=True)
    dossier_key(home, OTHER, may_make=True)
    mine, other = (home / "keys/preservation" / uid[:2] / f"{uid}.key" for uid in (UID, OTHER))
    held = mine.read_text()

    rewrite(mine, held[:40])
    with pytest.raises(Tampered, match="写法不对"):
        dossier_key(home)
    mine.write_bytes(b"\xff\x00" * 40)
    with pytest.raises(Tampered, match="写法不对"):
        dossier_key(home)
    rewrite(mine, other.read_text())
    with pytest.raises(Tampered, match="属于另一份档案"):
        dossier_key(home)


def test_the_key_above_changes_and_all_keys_stay(home: Path) -> None:
    held = [dossier_key(home, uid, may_make=True) for uid in (UID, OTHER)]
    held.append(store_key(home, may_make=True))
    above = (home / "keys/preservation.key").read_text()
    before = keys.state(home, Ring.PRESERVATION)

    count = keys.change(home, suite=Suite.AES)

    after = keys.state(home, Ring.PRESERVATION)
    assert count == 3
    assert [dossier_key(home), dossier_key(home, OTHER), store_key(home)] == held
    assert (before.dossiers, after.dossiers, after.changing) == (2, 2, False)
    assert before.mark != after.mark
    assert above not in (home / "keys/preservation.key").read_text()


def test_who_reads_while_the_key_above_changes_always_gets_his_key(home: Path) -> None:
    held = [dossier_key(home, uid, may_make=True) for uid in (UID, OTHER)]
    stop = threading.Event()

    def read() -> int:
        count = 0
        while not stop.is_set():
            assert [dossier_key(home), dossier_key(home, OTHER)] == held
            count += 1
        return count

    with ThreadPoolExecutor(2) as threads:
        readers = [threads.submit(read) for _ in range(2)]
        try:
            for _ in range(40):
                keys.change(home, suite=Suite.AES)
        finally:
            stop.set()

    assert all(reader.result() for reader in readers)


def test_the_key_of_one_ring_changes_alone(home: Path) -> None:
    for ring in Ring:
        dossier_key(home, may_make=True, ring=ring)
    before = keys.state(home, Ring.PRESERVATION)

    keys.change(home, suite=Suite.AES, ring=SECRET)

    assert keys.state(home, Ring.PRESERVATION) == before
    assert dossier_key(home, ring=SECRET)


def test_a_suite_no_token_has_is_refused_before_anything_is_made(home: Path) -> None:
    place = Place("/nowhere/module.so", "lantai", "preservation")

    with pytest.raises(Unacceptable, match="PKCS#11 令牌接口没有 SM4 的标准机制"):
        keys.change(home, suite=Suite.SM4, into=place)

    assert tree(home) == {}
    keys.dossier_key(home, UID, may_make=True, suite=Suite.SM4)
    before = tree(home)
    with pytest.raises(Unacceptable, match="没有 SM4 的标准机制"):
        keys.change(home, suite=Suite.AES, into=place)
    assert tree(home) == before
    assert keys.change(home, suite=Suite.SM4) == 1


@pytest.mark.parametrize(
    "spoilt",
    [
        "",
        "module = 1",
        'module = "/m"\ntoken = "t"\nlabel = "l"\nmark = "00"\n',
        'module = "/m"\ntoken = "t"\nlabel = "l"\nmark = "zz"\n',
    ],
)
def test_a_token_that_is_named_unreadably_is_said_so(home: Path, spoilt: str) -> None:
    (home / "keys").mkdir()
    (home / "keys/preservation.pkcs11").write_text(spoilt)

    with pytest.raises(KeyMissing, match=r"主密钥 keys/preservation.pkcs11 读不懂"):
        dossier_key(home, may_make=True)

    assert set(tree(home)) == {"keys/preservation.pkcs11"}


def test_without_the_driver_no_key_is_made_in_place_of_the_token_s(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANTAI_PKCS11_PIN", "1234")
    (home / "keys").mkdir()
    (home / "keys/preservation.pkcs11").write_text(
        f'module = "/nowhere/m.so"\ntoken = "t"\nlabel = "l"\nmark = "{"0" * 32}"\n'
    )
    before = tree(home)

    with pytest.raises(KeyMissing, match=r"/nowhere/m.so 不在本机，未取得密钥"):
        dossier_key(home, may_make=True)
    with pytest.raises(KeyMissing, match="未取得密钥"):
        store_key(home, may_make=True)

    assert tree(home) == before


def test_a_destroyed_key_is_gone_from_both_rings_and_is_not_made_again(home: Path) -> None:
    for ring in Ring:
        dossier_key(home, may_make=True, ring=ring)
    stays = dossier_key(home, OTHER, may_make=True)

    keys.destroy(home, UID)

    for ring in Ring:
        for may_make in (False, True):
            with pytest.raises(KeyDestroyed, match="已按规定销毁"):
                dossier_key(home, may_make=may_make, ring=ring)
    assert not keys.has_key(home, UID)
    assert keys.is_destroyed(home, UID)
    assert dossier_key(home, OTHER) == stays
    assert keys.state(home, Ring.PRESERVATION).destroyed == 1


def test_keys_come_back_from_a_backup_under_the_new_home_s_own_key(
    home: Path, tmp_path: Path
) -> None:
    held = {ring: dossier_key(home, may_make=True, ring=ring) for ring in Ring}
    store = store_key(home, may_make=True)
    backup = sealing.new_key(Suite.AES)

    taken = keys.taken_out(home, under=backup)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    back = keys.put_back(fresh, taken, under=backup, suite=Suite.AES)

    assert set(taken) == {f"preservation/{UID}", f"secret/{UID}", "preservation/store"}
    assert (back.count, back.destroyed) == (3, ())
    assert {ring: dossier_key(fresh, ring=ring) for ring in Ring} == held
    assert store_key(fresh) == store
    assert not any(key.secret in each for key in held.values() for each in tree(fresh).values())


def test_a_key_destroyed_while_somebody_waits_to_make_it_is_not_made(home: Path) -> None:
    dossier_key(home, OTHER, may_make=True)
    ring = home / "keys" / Ring.PRESERVATION

    with ThreadPoolExecutor(1) as pool:
        with disk.alone(ring / "keys.lock"):
            waiting = f":{(ring / 'keys.lock').stat().st_ino} "
            making = pool.submit(dossier_key, home, may_make=True)
            while not any(
                "->" in lock and waiting in lock
                for lock in Path("/proc/locks").read_text().splitlines()
            ):
                assert not making.done()
            (ring / UID[:2]).mkdir(exist_ok=True)
            (ring / UID[:2] / f"{UID}.destroyed").touch()

        with pytest.raises(KeyDestroyed):
            making.result(timeout=60)
    assert not (ring / UID[:2] / f"{UID}.key").exists()


def test_a_key_destroyed_since_the_backup_does_not_come_back(home: Path, tmp_path: Path) -> None:
    for uid in (UID, OTHER):
        dossier_key(home, uid, may_make=True)
    backup = sealing.new_key(Suite.AES)
    older = keys.taken_out(home, under=backup)
    keys.destroy(home, UID)
    newer = keys.taken_out(home, under=backup)

    back = keys.put_back(home, older, under=backup, suite=Suite.AES)

    assert (back.count, back.destroyed) == (0, (UID,))
    assert keys.is_destroyed(home, UID)
    assert newer[f"preservation/{UID}"] == ""
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    keys.put_back(fresh, newer, under=backup, suite=Suite.AES)
    assert keys.put_back(fresh, older, under=backup, suite=Suite.AES).count == 0
    with pytest.raises(KeyDestroyed):
        dossier_key(fresh, may_make=True)


def test_a_backup_of_keys_opens_under_its_own_key_only_and_whole(home: Path) -> None:
    dossier_key(home, may_make=True)
    dossier_key(home, OTHER, may_make=True)
    backup = sealing.new_key(Suite.AES)
    taken = keys.taken_out(home, under=backup)
    before = tree(home)
    exchanged = dict(zip(taken, reversed(taken.values()), strict=True))

    for held, under, why in (
        (taken, sealing.new_key(Suite.AES), NotOpened),
        (exchanged, backup, NotOpened),
        ({"elsewhere/x": next(iter(taken.values()))}, backup, ValueError),
        ({"preservation/../x": next(iter(taken.values()))}, backup, ValueError),
    ):
        with pytest.raises(why):
            keys.put_back(home, held, under=under, suite=Suite.AES)

    assert tree(home) == before


def rewrite(path: Path, text: str) -> None:
    path.chmod(0o600)
    path.write_text(text)
