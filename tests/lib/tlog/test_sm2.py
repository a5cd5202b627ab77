"""SM2 under signed notes: the signature of the standard, and that no bit of ours can change."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib.tlog import note, policy, sm2
from lantai.lib.tlog import suite as suites
from lantai.lib.tlog.note import FileSigner, NoteFault, VerifierKey
from lantai.lib.tlog.sm2 import SM2Signer
from lantai.lib.tlog.suite import INTL, SM

# GB/T 32918.5-2017, appendix A.2: key pair, message, signature.
PRIVATE = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
PUBLIC = bytes.fromhex(
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
SIGNATURE = bytes.fromhex(
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)
ORDER = int("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123", 16)
NAME = "lantai.example/yuntai/records/sm"
SIGNER = SM2Signer(NAME, PRIVATE, PUBLIC)
TEXT = f"{NAME}\n9\n{'A' * 43}=\n"
SIGNED = note.sign(TEXT, [SIGNER])


def verified(signed: note.Note) -> tuple[VerifierKey, ...]:
    return note.verified(signed, [SIGNER.key], checks=SM.checks)


def test_the_signature_of_the_standard_is_good() -> None:
    assert sm2.verify_raw(PUBLIC, b"message digest", SIGNATURE)
    assert not sm2.verify_raw(PUBLIC, b"message digesu", SIGNATURE)


def test_a_note_signed_here_is_verified_here() -> None:
    assert verified(note.parse(str(SIGNED))) == (SIGNER.key,)


def test_the_key_is_written_as_the_reference_says() -> None:
    identifier = b"lantai.example/note/sm2-sm3/v1"

    assert SIGNER.key.material == b"\xff" + identifier + PUBLIC
    assert SIGNER.key.id == note.key_id(NAME, SIGNER.key.material)
    assert sm2.point_of(VerifierKey.parse(SIGNER.vkey)) == PUBLIC
    assert len(SIGNED.signatures[0].value) == 64


def test_a_signing_key_is_read_back_and_never_shown() -> None:
    fresh = SM2Signer.make(NAME)

    assert SM2Signer.parse(f"{fresh.skey}\n") == fresh
    assert repr(fresh) == f"SM2Signer({NAME!r})"


@pytest.mark.parametrize("bit", range(0, 512, 7))
def test_no_changed_bit_of_a_signature_passes(bit: int) -> None:
    (line,) = SIGNED.signatures
    value = bytearray(line.value)
    value[bit // 8] ^= 1 << bit % 8
    forged = note.Note(TEXT, (note.Signature(line.name, line.key_id, bytes(value)),))

    with pytest.raises(NoteFault, match="does not fit"):
        verified(forged)


@pytest.mark.parametrize("at", range(len(TEXT) - 1))
def test_no_changed_letter_of_the_text_passes(at: int) -> None:
    text = f"{TEXT[:at]}{chr(ord(TEXT[at]) ^ 1)}{TEXT[at + 1 :]}"

    with pytest.raises(NoteFault):
        verified(note.Note(text, SIGNED.signatures))


@pytest.mark.parametrize("length", [0, 1, 63, 65])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(NoteFault, match="length"):
        sm2.verify(SIGNER.key, TEXT, bytes(length))


@pytest.mark.parametrize(
    "signature",
    [
        bytes(64),
        SIGNATURE[:32] + bytes(32),
        bytes(32) + SIGNATURE[32:],
        ORDER.to_bytes(32, "big") + SIGNATURE[32:],
        SIGNATURE[:32] + ORDER.to_bytes(32, "big"),
        b"\xff" * 64,
    ],
)
def test_numbers_outside_the_group_are_no_signature(signature: bytes) -> None:
    assert not sm2.verify_raw(PUBLIC, b"message digest", signature)


@pytest.mark.parametrize(
    "public",
    [
        b"",
        PUBLIC[1:],
        b"\x02" + PUBLIC[1:33],
        b"\x03" + PUBLIC[1:],
        PUBLIC[:-1] + bytes([PUBLIC[-1] ^ 1]),
        b"\x04" + bytes(64),
        b"\x04" + b"\xff" * 64,
    ],
)
def test_what_is_no_point_of_the_curve_is_no_key(public: bytes) -> None:
    with pytest.raises(NoteFault, match="no point"):
        sm2.verifier_key(NAME, public)


@pytest.mark.parametrize("kept", [0, 31, 96, 98])
def test_a_signing_key_of_another_length_is_refused(kept: int) -> None:
    key = SIGNER.key
    skey = note.write_signing_key(key, key.material[:31] + (PRIVATE + PUBLIC + PUBLIC)[:kept])

    with pytest.raises(NoteFault, match="not of type SM2"):
        SM2Signer.parse(skey)


def test_an_ed25519_key_is_no_sm2_key_and_the_other_way_round() -> None:
    other = FileSigner.from_seed(NAME, bytes(32))

    with pytest.raises(NoteFault, match="not of type SM2"):
        SM2Signer.parse(other.skey)
    with pytest.raises(NoteFault, match="not of type Ed25519"):
        FileSigner.parse(SIGNER.skey)
    with pytest.raises(NoteFault, match="not an SM2 key"):
        sm2.verify(other.key, TEXT, SIGNATURE)


def test_a_signing_key_under_another_hash_is_refused() -> None:
    skey = SIGNER.skey.replace(SIGNER.key.id.hex(), "00000000")

    with pytest.raises(NoteFault, match="do not belong together"):
        SM2Signer.parse(skey)


@pytest.mark.parametrize("private", [bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32])
def test_a_number_outside_the_group_is_no_signing_key(private: bytes) -> None:
    with pytest.raises(NoteFault, match="no number of the curve"):
        SM2Signer.parse(SM2Signer(NAME, private, PUBLIC).skey)


def test_halves_of_two_keys_sign_nothing() -> None:
    stranger = SM2Signer.make(NAME)
    mixed = SM2Signer.parse(
        note.write_signing_key(SIGNER.key, SIGNER.key.material[:31] + stranger._private + PUBLIC)
    )

    with pytest.raises(NoteFault, match="does not fit"):
        mixed.sign(TEXT)


@given(st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1))
def test_der_and_raw_say_the_same(r: int, s: int) -> None:
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")

    assert sm2.from_der(sm2.to_der(raw)) == raw


@given(st.binary(max_size=80))
def test_any_bytes_are_der_or_refused(content: bytes) -> None:
    try:
        raw = sm2.from_der(content)
    except NoteFault:
        return
    assert sm2.to_der(raw) == content


@pytest.mark.parametrize(
    "change",
    [
        lambda der: der + b"\0",
        lambda der: der[:-1],
        lambda der: b"\x31" + der[1:],
        lambda der: der[:2] + b"\x02\x22\0" + der[4:],
        lambda der: der[:3] + b"\x7f" + der[4:],
    ],
    ids=["longer", "shorter", "a set", "padded", "too long a number"],
)
def test_another_spelling_of_der_is_refused(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(NoteFault, match="DER"):
        sm2.from_der(change(sm2.to_der(SIGNATURE)))


def test_a_policy_may_believe_an_sm2_log() -> None:
    read = policy.parse(f"log {SIGNER.vkey}\nquorum none\n".encode())

    assert read.logs == (SIGNER.key,)


def test_a_policy_believes_no_key_of_an_unknown_kind() -> None:
    stranger = VerifierKey(NAME, b"\xffsomebody.example/other/v1" + PUBLIC)

    with pytest.raises(policy.PolicyFault, match="1"):
        policy.parse(f"log {stranger}\nquorum none\n".encode())


def test_suites_are_named_and_the_first_is_not_optional() -> None:
    assert suites.named("intl") == (INTL,)
    assert suites.named("intl, sm") == (INTL, SM)
    for wrong in ("", "sm", "sm,intl", "intl,sm,sm", "intl,rsa"):
        with pytest.raises(ValueError, match="suites are"):
            suites.named(wrong)


def test_without_the_library_keys_are_read_and_nothing_is_believed(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['gmssl_pyx'] = None\n"
        "from lantai.lib.tlog import note, sm2\n"
        "key = note.VerifierKey.parse(sys.argv[1])\n"
        "assert sm2.is_sm2(key) and not sm2.available()\n"
        "try: sm2.verify(key, 'a\\n', bytes(64))\n"
        "except sm2.Unavailable: print('said so')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, SIGNER.vkey],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert (done.stdout, done.returncode) == ("said so\n", 0), done.stderr
