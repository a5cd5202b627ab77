"""A log whose key is in a token: made in SoftHSM, used through it, and never out of it."""

import json
import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from installation import enter_act, lantai_command
from judges import panel
from ledger_factories import NOON, differences, record

from lantai.ledger import keys, queries, rotation, services, tokens
from lantai.ledger.keys import KeyFault
from lantai.ledger.models import Head
from lantai.ledger.tokens import Place, TokenSigner
from lantai.lib import bundle, verify
from lantai.lib.refusals import Conflict
from lantai.lib.tlog import note
from lantai.lib.tlog.note import VerifierKey

pytestmark = pytest.mark.django_db
ORIGIN = "lantai.example/yuntai/records"
PIN = "246810"
ADMIN = ("--so-pin", "97531")


@pytest.fixture(autouse=True)
def softhsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let SoftHSM keep its tokens with the test."""
    store = tmp_path / "tokens"
    store.mkdir()
    settings = tmp_path / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {store}\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(settings))
    monkeypatch.setenv("LANTAI_PKCS11_PIN", PIN)


def judges() -> list[panel.Judge]:
    """SoftHSM with an empty token, where it is here."""
    found = panel.here("token signature")
    if found:
        new_token("lantai")
    return found


def new_token(label: str) -> None:
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, *ADMIN],
        check=True,
        capture_output=True,
    )


def place(label: str = "records") -> Place:
    return Place(module(), "lantai", label)


def module() -> str:
    return next(
        str(path)
        for folder in (
            "lib/softhsm",
            "lib/x86_64-linux-gnu/softhsm",
            "lib/aarch64-linux-gnu/softhsm",
        )
        if (path := Path("/usr") / folder / "libsofthsm2.so").is_file()
    )


def publish(days: int = 0) -> Head:
    return services.publish(at=NOON + timedelta(days=days))[0]


def signers(head: Head, *vkeys: str) -> list[str]:
    known = [VerifierKey.parse(vkey) for vkey in vkeys]
    return [str(key) for key in note.verified(note.parse(head.note), known)]


def asked(kind: str, head: Head | None = None, label: str = "records") -> dict[str, object]:
    said: dict[str, object] = {"kind": kind, "token": "lantai", "pin": PIN, "label": label}
    if head is not None:
        signed = note.parse(head.note)
        said |= {"message": signed.text.encode(), "signature": signed.signatures[0].value}
    return said


def refused(why: str) -> None:
    """Publishing is refused, and nothing was signed."""
    before = Head.objects.count()
    record()

    with pytest.raises(KeyFault, match=why):
        publish()

    assert Head.objects.count() == before


def test_a_log_is_signed_in_the_token_and_verifies(home: Path) -> None:
    for judge in judges():
        vkey = rotation.begin_in_token(stream="records", into=place())
        statement = {"a": 1}
        entry = record(3, statement_sha256=bundle.digest(statement))

        head = publish()

        assert signers(head, vkey) == [vkey]
        assert queries.verifier_key(stream="records") == vkey
        assert (home / "keys/log-records.vkey").read_text().strip() == vkey
        assert not (home / "keys/log-records.key").exists()
        assert differences() == []
        made = bundle.build(statement=statement, entries=[queries.sealed(entry)], files={})
        assert verify.verify(made, keys=[vkey]).faults == ()
        changed = asked("token signature", head) | {"message": b"another head\n"}
        answers = judge.ask([asked("token signature", head), changed])
        assert [answer["accepted"] for answer in answers] == [True, False]


def test_the_private_key_does_not_come_out() -> None:
    for judge in judges():
        rotation.begin_in_token(stream="records", into=place())

        (answer,) = judge.ask([asked("token gives out")])

        assert not answer["accepted"]
        assert answer["why"].startswith("AttributeSensitive")


def test_a_wrong_pin_signs_nothing_and_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in judges():
        rotation.begin_in_token(stream="records", into=place())
        monkeypatch.setenv("LANTAI_PKCS11_PIN", "135790")

        refused("口令不对，未签名")
        subprocess.run(
            [
                "softhsm2-util",
                "--init-token",
                "--token",
                "lantai",
                "--label",
                "lantai",
                "--pin",
                "135790",
                *ADMIN,
            ],
            check=True,
            capture_output=True,
        )
        refused("口令不对，未签名")


def test_with_the_right_pin_after_a_wrong_one_all_is_signed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in judges():
        vkey = rotation.begin_in_token(stream="records", into=place())
        monkeypatch.setenv("LANTAI_PKCS11_PIN", "112233")
        refused("口令不对，未签名")
        monkeypatch.setenv("LANTAI_PKCS11_PIN", PIN)

        head = publish()

        assert (head.size, signers(head, vkey)) == (1, [vkey])


def test_the_pin_may_be_in_a_file_of_its_owner(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in judges():
        vkey = rotation.begin_in_token(stream="records", into=place())
        monkeypatch.delenv("LANTAI_PKCS11_PIN")
        kept = home / "keys" / tokens.PIN_FILE
        kept.write_text(f"{PIN}\n")
        kept.chmod(0o600)
        record()

        head = publish()

        assert signers(head, vkey) == [vkey]


def test_without_the_token_nothing_is_signed_and_with_it_again_all_is(tmp_path: Path) -> None:
    for _ in judges():
        vkey = rotation.begin_in_token(stream="records", into=place())
        record(2)
        publish()
        shutil.move(tmp_path / "tokens", tmp_path / "drawer")
        (tmp_path / "tokens").mkdir()

        refused("找不到令牌 lantai，未签名")
        shutil.rmtree(tmp_path / "tokens")
        shutil.move(tmp_path / "drawer", tmp_path / "tokens")

        head = publish()
        assert (head.size, signers(head, vkey)) == (3, [vkey])
        assert differences() == []


def test_another_token_of_the_same_name_signs_nothing(tmp_path: Path) -> None:
    for _ in judges():
        rotation.begin_in_token(stream="records", into=place())
        shutil.rmtree(tmp_path / "tokens")
        (tmp_path / "tokens").mkdir()
        new_token("lantai")

        refused("没有密钥 records，未签名")
        tokens.make("stranger.example/records", place(), tmp_path)

        refused("与登记的公钥不符，未签名")


def test_two_tokens_of_one_name_sign_nothing() -> None:
    for _ in judges():
        rotation.begin_in_token(stream="records", into=place())
        new_token("lantai")

        refused("不止一个，未签名")


def test_a_key_that_can_come_out_is_not_taken(home: Path) -> None:
    for _ in judges():
        import_loose_key()

        with pytest.raises(KeyFault, match="可以导出"):
            rotation.begin_in_token(stream="records", into=place())

        assert not list((home / "keys").iterdir())


def test_a_key_made_by_a_call_that_was_stopped_is_taken(home: Path) -> None:
    for _ in judges():
        (home / "keys").mkdir()
        made = tokens.make(ORIGIN, place(), home / "keys")

        vkey = rotation.begin_in_token(stream="records", into=place())

        record()
        assert vkey == made.vkey
        assert signers(publish(), vkey) == [vkey]


def test_a_key_signs_for_one_log_only(home: Path) -> None:
    for _ in judges():
        rotation.begin_in_token(stream="records", into=place())

        with pytest.raises(KeyFault, match="一把密钥只签一个日志"):
            rotation.begin_in_token(stream="access", into=place())
        with pytest.raises(Conflict, match="已有签名密钥"):
            rotation.begin_in_token(stream="records", into=place("other"))

        held = sorted(path.name for path in (home / "keys").iterdir())
        assert held == ["log-records.pkcs11", "log-records.vkey"]


def test_a_log_moves_into_a_token_and_both_sign_for_thirty_days(home: Path) -> None:
    for judge in judges():
        record(2)
        publish()

        changed = rotation.rotate(stream="records", by="ops", at=NOON, into=place())

        before, now = changed.before[0], changed.now[0]
        told = Head.objects.get(stream="records", size=3)
        record()
        between = publish(days=30)
        record()
        after = publish(days=31)
        assert signers(told, before, now) == [before]
        assert signers(between, before, now) == [before, now]
        assert signers(after, before, now) == [now]
        assert differences() == []
        held = sorted(path.name for path in (home / "keys").glob("log-records.*"))
        was = f"log-records.was-{VerifierKey.parse(before).id.hex()}.vkey"
        assert held == ["log-records.pkcs11", "log-records.vkey", was]
        assert judge.ask([asked("token signature", after)])[0]["accepted"]


def test_the_next_key_after_one_in_a_token_is_in_the_token_too(home: Path) -> None:
    for judge in judges():
        first = rotation.begin_in_token(stream="records", into=place())
        record(2)
        publish()

        changed = rotation.rotate(stream="records", by="ops", at=NOON)

        now = changed.now[0]
        record()
        between = publish(days=1)
        record()
        after = publish(days=31)
        assert changed.before[0] == first
        assert signers(between, first, now) == [first, now]
        assert signers(after, first, now) == [now]
        assert differences() == []
        was = f"log-records.was-{VerifierKey.parse(first).id.hex()}.vkey"
        held = sorted(path.name for path in (home / "keys").glob("log-records.*"))
        assert held == ["log-records.pkcs11", "log-records.vkey", was]
        label = TokenSigner.read(home / "keys/log-records.pkcs11").place.label
        assert judge.ask([asked("token signature", after, label)])[0]["accepted"]


def test_a_move_into_a_token_stopped_before_the_old_file_went_is_finished(home: Path) -> None:
    for _ in judges():
        record(2)
        publish()
        old = (home / "keys/log-records.key").read_text()
        changed = rotation.rotate(stream="records", by="ops", at=NOON, into=place())
        (home / "keys/log-records.key").write_text(old)
        record()

        head = publish(days=1)

        assert signers(head, changed.before[0], changed.now[0]) == [
            changed.before[0],
            changed.now[0],
        ]
        assert not (home / "keys/log-records.key").exists()


def test_a_change_begun_to_another_key_is_finished_first(home: Path) -> None:
    for _ in judges():
        record(2)
        publish()
        before = queries.verifier_key(stream="records")
        keys.next_of(home, "records", ORIGIN)

        with pytest.raises(Conflict, match="请先用 lantai rotate-key"):
            rotation.rotate(stream="records", by="ops", at=NOON, into=place())

        assert queries.verifier_key(stream="records") == before
        assert queries.size_of(stream="records") == 2


def test_a_forked_process_signs_too(home: Path) -> None:
    for _ in judges():
        rotation.begin_in_token(stream="records", into=place())
        signer = TokenSigner.read(home / "keys/log-records.pkcs11")
        signature = signer.sign("before\n")

        child = os.fork()
        if child == 0:
            os._exit(0 if signer.sign("before\n") == signature else 1)

        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert signer.sign("before\n") == signature


def test_the_command_makes_the_key_and_moves_a_log(home: Path) -> None:
    for _ in judges():
        words = ("token-key", "--module", module(), "--token", "lantai", "--json")
        enter_act(home)

        made = lantai_command(home, *words, "--stream", "access", "--label", "access")
        moved = lantai_command(home, *words, "--stream", "records", "--label", "records")
        again = lantai_command(home, *words, "--stream", "records", "--label", "third")
        missing = lantai_command(
            home, *words, "--stream", "access", "--label", "x", "--token", "none"
        )

        assert (made.returncode, moved.returncode) == (0, 0)
        assert set(json.loads(made.stdout)) == {"stream", "before", "now", "until"}
        assert json.loads(made.stdout)["before"] == []
        assert len(json.loads(moved.stdout)["now"]) == 2
        assert "并签期还没有结束" in json.loads(again.stdout)["refused"][0]
        assert "找不到令牌 none" in missing.stderr
        assert (again.returncode, missing.returncode) == (1, 1)
        audited = lantai_command(home, "audit", "--json")
        assert json.loads(audited.stdout)["differences"] == []


def import_loose_key() -> None:
    """Bring an Ed25519 key that can be read again into the token."""
    import pkcs11  # noqa: PLC0415 -- where SoftHSM is absent this may be as well

    lib = pkcs11.lib(module())
    with lib.get_token(token_label="lantai").open(rw=True, user_pin=PIN) as session:
        curve = session.create_domain_parameters(
            pkcs11.KeyType.EC_EDWARDS,
            {pkcs11.Attribute.EC_PARAMS: b"\x13\x0cedwards25519"},
            local=True,
        )
        curve.generate_keypair(
            store=True,
            label="records",
            private_template={
                pkcs11.Attribute.SENSITIVE: False,
                pkcs11.Attribute.EXTRACTABLE: True,
            },
        )
    lib.finalize()
