"""The key above all dossier keys in a token: made in SoftHSM, used through it, never out of it."""

import json
import os
import shutil
from pathlib import Path

import power
import pytest
from installation import enter_act, lantai_command
from judges.test_token import PIN, judges, module, new_token
from judges.test_token import softhsm as softhsm  # noqa: PLC0414 -- a fixture that is used

from lantai.ledger.tokens import PIN_FILE, Place
from lantai.lib import sealing
from lantai.lib.ocfl import disk
from lantai.lib.refusals import Conflict
from lantai.lib.sealing import Key, NotOpened, Suite
from lantai.vault import above, keys
from lantai.vault.keys import KeyMissing, Ring

UIDS = ("aa00000000000001", "aa00000000000002", "bb00000000000003")


def place(label: str = "preservation") -> Place:
    return Place(module(), "lantai", label)


def fill(home: Path) -> dict[str, Key]:
    """Give three dossiers and the vault their keys."""
    for uid in UIDS:
        keys.dossier_key(home, uid, may_make=True, suite=Suite.AES)
    keys.store_key(home, may_make=True, suite=Suite.AES)
    return opened(home)


def opened(home: Path) -> dict[str, Key]:
    found = {uid: keys.dossier_key(home, uid, may_make=False, suite=Suite.AES) for uid in UIDS}
    return found | {"store": keys.store_key(home, may_make=False, suite=Suite.AES)}


def into_token(home: Path, label: str = "preservation") -> int:
    return keys.change(home, suite=Suite.AES, into=place(label))


def forget() -> None:
    """As a process that has just begun: nothing of a token is known yet."""
    above._KEPT.clear()


def tree(home: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def closed(home: Path, why: str) -> None:
    """Nothing opens, nothing is made, and the sentence says why."""
    forget()
    before = tree(home)

    for attempt in (
        lambda: keys.dossier_key(home, UIDS[0], may_make=False, suite=Suite.AES),
        lambda: keys.dossier_key(home, "cc00000000000009", may_make=True, suite=Suite.AES),
        lambda: keys.store_key(home, may_make=True, suite=Suite.AES),
        lambda: keys.change(home, suite=Suite.AES),
    ):
        with pytest.raises(KeyMissing, match=why):
            attempt()

    assert tree(home) == before


def test_the_key_above_moves_into_a_token_and_opens_all(home: Path) -> None:
    for judge in judges():
        held = fill(home)
        old = (home / "keys/preservation.key").read_text()

        count = into_token(home)

        forget()
        assert count == 4
        assert opened(home) == held
        assert not (home / "keys/preservation.key").exists()
        state = keys.state(home, Ring.PRESERVATION)
        assert (state.held_in, state.place, state.changing) == ("token", place(), False)
        assert not any(old.encode().strip() in each for each in tree(home).values())
        said = {"token": "lantai", "pin": PIN, "label": "preservation", "class": "SECRET_KEY"}
        (answer,) = judge.ask([said | {"kind": "token gives out"}])
        assert not answer["accepted"]
        assert answer["why"].startswith("AttributeSensitive")


def test_new_keys_are_made_under_the_key_in_the_token(home: Path) -> None:
    for _ in judges():
        fill(home)
        into_token(home)

        made = keys.dossier_key(home, "cc00000000000009", may_make=True, suite=Suite.AES)

        forget()
        again = keys.dossier_key(home, "cc00000000000009", may_make=False, suite=Suite.AES)
        assert again == made


def test_the_next_key_above_is_made_in_the_same_token(home: Path) -> None:
    for _ in judges():
        held = fill(home)
        into_token(home)
        before = keys.state(home, Ring.PRESERVATION)

        count = keys.change(home, suite=Suite.AES)

        forget()
        after = keys.state(home, Ring.PRESERVATION)
        assert count == 4
        assert opened(home) == held
        assert after.held_in == "token"
        assert after.mark != before.mark
        assert after.place is not None
        assert after.place.label != "preservation"


def test_the_secret_ring_has_a_key_of_its_own_in_the_token(home: Path) -> None:
    for _ in judges():
        fill(home)
        into_token(home)
        secret = keys.dossier_key(home, UIDS[0], may_make=True, suite=Suite.AES, ring=Ring.SECRET)

        with pytest.raises(KeyMissing, match=r"已由 keys/preservation.pkcs11 使用"):
            keys.change(home, suite=Suite.AES, ring=Ring.SECRET, into=place())
        keys.change(home, suite=Suite.AES, ring=Ring.SECRET, into=place("secret"))

        forget()
        again = keys.dossier_key(home, UIDS[0], may_make=False, suite=Suite.AES, ring=Ring.SECRET)
        assert again == secret
        assert len({keys.state(home, ring).mark for ring in Ring}) == 2


def test_the_key_that_is_there_is_no_new_one(home: Path) -> None:
    for _ in judges():
        fill(home)
        into_token(home)
        before = tree(home)

        with pytest.raises(Conflict, match="主密钥已经是令牌 lantai 中的 preservation"):
            into_token(home)

        assert tree(home) == before


def test_without_the_token_nothing_opens_and_with_it_again_all_does(
    home: Path, tmp_path: Path
) -> None:
    for _ in judges():
        held = fill(home)
        into_token(home)
        shutil.move(tmp_path / "tokens", tmp_path / "drawer")
        (tmp_path / "tokens").mkdir()

        closed(home, "找不到令牌 lantai，未取得密钥；请检查令牌是否插好")

        shutil.rmtree(tmp_path / "tokens")
        shutil.move(tmp_path / "drawer", tmp_path / "tokens")
        assert opened(home) == held


def test_another_token_of_the_same_name_opens_nothing(home: Path, tmp_path: Path) -> None:
    for _ in judges():
        fill(home)
        into_token(home)
        shutil.rmtree(tmp_path / "tokens")
        (tmp_path / "tokens").mkdir()
        new_token("lantai")

        closed(home, "没有主密钥 preservation，未取得密钥")
        above.make(place(), tmp_path)
        closed(home, "与登记的不符，未取得密钥；请核对令牌是否被更换")


def test_a_wrong_pin_opens_nothing_and_the_right_one_all(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in judges():
        held = fill(home)
        into_token(home)
        monkeypatch.setenv("LANTAI_PKCS11_PIN", "902188")
        closed(home, "口令不对，未取得密钥，也不再用它重试")

        monkeypatch.delenv("LANTAI_PKCS11_PIN")
        closed(home, "没有令牌口令，未取得密钥")

        kept = home / "keys" / PIN_FILE
        kept.write_text(f"{PIN}\n")
        kept.chmod(0o600)
        assert opened(home) == held


def test_a_key_that_can_come_out_is_not_taken(home: Path) -> None:
    for _ in judges():
        fill(home)
        import_loose_key()
        before = tree(home)

        with pytest.raises(KeyMissing, match="可以导出，不能作主密钥"):
            into_token(home)

        assert tree(home) == before


def test_a_wrapped_key_that_was_edited_or_exchanged_opens_nothing(home: Path) -> None:
    for _ in judges():
        fill(home)
        into_token(home)
        first, second = (home / "keys/preservation/aa" / f"{uid}.key" for uid in UIDS[:2])
        mine, other = first.read_text(), second.read_text()
        forget()

        first.chmod(0o600)
        for spoilt in (other, mine.replace('"wrapped":"', '"wrapped":"AA'), mine[:50], ""):
            first.write_text(spoilt)
            with pytest.raises(NotOpened):
                keys.dossier_key(home, UIDS[0], may_make=False, suite=Suite.AES)


def test_a_change_to_another_token_key_is_finished_first(home: Path) -> None:
    for _ in judges():
        held = fill(home)
        file = (home / "keys/preservation.key").read_text()
        into_token(home)
        (home / "keys/preservation.key").write_text(file)  # as before the last step

        with pytest.raises(Conflict, match="上次更换主密钥还没有完成"):
            into_token(home, "other")
        keys.change(home, suite=Suite.AES)

        assert not (home / "keys/preservation.key").exists()
        state = keys.state(home, Ring.PRESERVATION)
        assert (state.place, state.changing) == (place(), False)
        assert opened(home) == held


@pytest.mark.parametrize("of", ["file", "token"])
def test_no_power_cut_on_the_way_into_a_token_loses_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    for _ in judges():
        home = tmp_path / "office"
        held = fill(home)
        if of == "token":
            into_token(home, "first")
        before = keys.state(home, Ring.PRESERVATION).mark
        with power.watched(home, monkeypatch) as watch:
            into_token(home)
            watch.acknowledge()
        monkeypatch.setattr(keys.os, "fsync", lambda descriptor: None)  # a replay is not forced
        monkeypatch.setattr(disk, "force_all", lambda folder: None)

        examined = 0
        for acts, cut in watch.remade(tmp_path / "cut", most=12):
            examined += 1
            assert opened(cut) == held
            state = keys.state(cut, Ring.PRESERVATION)
            assert acts == 0 or (state.place, state.changing) == (place(), False)
            if state.place != place():
                assert (state.mark, state.changing) == (before, False)
                into_token(cut)
            else:
                keys.change(cut, suite=Suite.AES)
            after = keys.state(cut, Ring.PRESERVATION)
            assert (after.held_in, after.changing) == ("token", False)
            assert not (cut / "keys/preservation.key").exists()
            assert opened(cut) == held

        assert examined > 20


def test_keys_in_a_token_come_back_without_it_from_a_backup(home: Path, tmp_path: Path) -> None:
    for _ in judges():
        held = fill(home)
        into_token(home)
        backup = sealing.new_key(Suite.AES)
        taken = keys.taken_out(home, under=backup)
        shutil.rmtree(tmp_path / "tokens")
        forget()
        fresh = tmp_path / "fresh"
        fresh.mkdir()

        keys.put_back(fresh, taken, under=backup, suite=Suite.AES)

        assert opened(fresh) == held


def test_a_forked_process_opens_too(home: Path) -> None:
    for _ in judges():
        held = fill(home)
        into_token(home)
        forget()
        assert opened(home) == held
        forget()

        child = os.fork()
        if child == 0:
            os._exit(0 if opened(home) == held else 1)

        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert opened(home) == held


def test_the_command_moves_the_key_into_the_token_and_says_so(home: Path) -> None:
    for _ in judges():
        enter_act(home)
        fill(home)
        words = ("change-key", "--module", module(), "--token", "lantai", "--label", "kek")

        told = lantai_command(home, "keys", "--json")
        moved = lantai_command(home, *words, "--json")
        half = lantai_command(home, "change-key", "--token", "lantai")
        missing = lantai_command(home, *words[:-1], "x", "--token", "none")
        listed = lantai_command(home, "keys")

        row = json.loads(told.stdout.splitlines()[0])
        assert (row["ring"], row["held_in"], row["dossiers"]) == ("preservation", "file", 3)
        answer = json.loads(moved.stdout)
        assert (answer["keys"], answer["held_in"], answer["label"]) == (4, "token", "kek")
        assert half.returncode == 2
        assert missing.returncode == 1
        assert "找不到令牌 none" in missing.stderr
        assert "主密钥在令牌 lantai 中，名为 kek" in listed.stdout
        assert "还没有主密钥" in listed.stdout
        audited = lantai_command(home, "audit", "--json")
        assert json.loads(audited.stdout)["differences"] == []


def import_loose_key() -> None:
    """Bring an AES key that can be read again into the token."""
    import pkcs11  # noqa: PLC0415 -- where SoftHSM is absent this may be as well

    lib = pkcs11.lib(module())
    with lib.get_token(token_label="lantai").open(rw=True, user_pin=PIN) as session:
        session.generate_key(
            pkcs11.KeyType.AES,
            256,
            store=True,
            label="preservation",
            template={
                pkcs11.Attribute.SENSITIVE: False,
                pkcs11.Attribute.EXTRACTABLE: True,
            },
        )
    lib.finalize()
