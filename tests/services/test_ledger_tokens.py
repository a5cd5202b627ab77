"""Where a log's key is said to be in a token, and the token or what speaks to it is not there."""

import sys
from pathlib import Path
from typing import Any

import pytest
from ledger_factories import publish, record

from lantai.ledger import keys, queries, rotation, tokens
from lantai.ledger.models import Head
from lantai.ledger.tokens import KeyFault, Place, TokenSigner
from lantai.lib.refusals import Conflict
from lantai.lib.tlog.note import FileSigner

pytestmark = pytest.mark.django_db
ORIGIN = "lantai.example/yuntai/records"
KEY = FileSigner.from_seed(ORIGIN, bytes(32)).key
NOWHERE = Place("/nowhere/module.so", "lantai", "records")


@pytest.fixture(autouse=True)
def pin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANTAI_PKCS11_PIN", "1234")


def say_it_is_in_a_token(home: Path, place: Place = NOWHERE) -> Path:
    """Put the file in place that says where the key of ``records`` is."""
    folder = home / "keys"
    folder.mkdir(mode=0o700)
    said = folder / "log-records.pkcs11"
    said.write_text(TokenSigner(place, KEY, folder).written)
    return said


def refused(why: str) -> None:
    """Publishing is refused, and nothing was signed."""
    record(2)

    with pytest.raises(KeyFault, match=why):
        publish()

    assert not Head.objects.exists()


def test_without_the_module_nothing_is_signed(home: Path) -> None:
    say_it_is_in_a_token(home)

    refused("模块 /nowhere/module.so 不在本机，未签名")

    assert not (home / "log/records/checkpoint").exists()
    assert not (home / "keys/log-records.key").exists()


def test_without_the_library_nothing_is_signed(home: Path, monkeypatch: Any) -> None:
    say_it_is_in_a_token(home)
    monkeypatch.setitem(sys.modules, "pkcs11", None)

    refused("没有 python-pkcs11，.*未签名")


def test_a_file_that_is_no_module_signs_nothing(home: Path) -> None:
    module = home / "module.so"
    module.write_bytes(b"no library")
    say_it_is_in_a_token(home, Place(str(module), "lantai", "records"))

    refused("令牌 lantai 不能使用.*未签名")


def test_without_a_pin_nothing_is_signed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    say_it_is_in_a_token(home)
    monkeypatch.delenv("LANTAI_PKCS11_PIN")

    refused("没有令牌口令，未签名")


def test_a_pin_that_others_can_read_is_not_used(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = say_it_is_in_a_token(home)
    monkeypatch.delenv("LANTAI_PKCS11_PIN")
    kept = said.with_name(tokens.PIN_FILE)
    kept.write_text("1234")
    kept.chmod(0o640)

    refused("他人可读，未签名")


@pytest.mark.parametrize(
    ("line", "instead"),
    [("module", "driver"), ("vkey = ", "vkey = 1 #"), (KEY.id.hex(), "00000000"), ('"', "")],
)
def test_a_place_that_cannot_be_read_signs_nothing(home: Path, line: str, instead: str) -> None:
    said = say_it_is_in_a_token(home)
    said.write_text(said.read_text().replace(line, instead))

    refused("log-records.pkcs11 读不懂.*未签名")


def test_whoever_only_verifies_needs_no_token(home: Path) -> None:
    say_it_is_in_a_token(home)

    assert queries.verifier_key(stream="records") == str(KEY)


def test_a_key_of_another_log_is_refused(home: Path) -> None:
    said = say_it_is_in_a_token(home)
    other = FileSigner.from_seed("other.example/records", bytes(32)).key
    said.write_text(TokenSigner(NOWHERE, other, said.parent).written)

    refused("属于 other.example/records")


def test_a_file_and_a_token_at_once_sign_nothing_and_lose_nothing(home: Path) -> None:
    said = say_it_is_in_a_token(home)
    beside = said.with_suffix(".key")
    beside.write_text(FileSigner.from_seed(ORIGIN, bytes([5] * 32)).skey)

    refused("不知以哪一把签名，未签名")

    assert beside.exists()
    assert said.exists()


def test_a_change_into_a_token_that_is_not_there_changes_nothing(home: Path) -> None:
    record(2)
    publish()
    before = queries.verifier_key(stream="records")
    held = sorted(path.name for path in (home / "keys").iterdir())

    with pytest.raises(KeyFault, match="不在本机"):
        rotation.rotate(stream="records", by="ops", at=publish().at, into=NOWHERE)

    assert queries.verifier_key(stream="records") == before
    assert sorted(path.name for path in (home / "keys").iterdir()) == held
    assert queries.size_of(stream="records") == 2


def test_a_log_that_began_with_a_file_does_not_begin_again_in_a_token(home: Path) -> None:
    record(2)
    publish()

    with pytest.raises(Conflict, match="已有签名密钥"):
        rotation.begin_in_token(stream="records", into=NOWHERE)

    assert keys.verifier_of(home, "records", ORIGIN) is not None
    assert not (home / "keys/log-records.pkcs11").exists()
