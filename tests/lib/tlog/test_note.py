"""Signed notes, keys, checkpoints and cosignatures: what is read, and what is refused."""

import base64
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib.tlog import cosignature, note
from lantai.lib.tlog.checkpoint import Checkpoint, CheckpointFault
from lantai.lib.tlog.note import FileSigner, NoteFault, VerifierKey

# The example of C2SP signed-note v1.0.0.
PUBLISHED_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
PUBLISHED_NOTE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncA"
    "lTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
LOG = FileSigner.from_seed("lantai.example/yuntai/records", bytes(range(32)))
HEAD = Checkpoint("lantai.example/yuntai/records", 42, bytes(range(32)))
NOTE = note.sign(HEAD.text, [LOG])
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
PQ_WITNESS = MLDSA44PrivateKey.from_seed_bytes(bytes(32))


def test_the_published_note_is_verified_with_the_published_key() -> None:
    key = VerifierKey.parse(PUBLISHED_KEY)

    assert note.verified(note.parse(PUBLISHED_NOTE), [key]) == (key,)
    assert str(key) == PUBLISHED_KEY
    assert str(note.parse(PUBLISHED_NOTE)) == PUBLISHED_NOTE


def test_a_note_signed_here_is_verified_here() -> None:
    assert note.verified(note.parse(str(NOTE)), [LOG.key]) == (LOG.key,)


def test_signing_twice_gives_the_same_bytes() -> None:
    assert str(note.sign(HEAD.text, [LOG])) == str(NOTE)


def test_a_signing_key_is_read_back_and_never_shown() -> None:
    again = FileSigner.parse(LOG.skey + "\n")

    assert again.vkey == LOG.vkey
    assert again.sign("text\n") == LOG.sign("text\n")
    assert repr(again) == "FileSigner('lantai.example/yuntai/records')"


@given(st.integers(0, len(str(NOTE).encode()) * 8 - 1))
def test_no_changed_bit_of_a_note_passes(bit: int) -> None:
    changed = bytearray(str(NOTE).encode())
    changed[bit // 8] ^= 1 << bit % 8

    try:
        signers = note.verified(note.parse(bytes(changed)), [LOG.key])
    except NoteFault:
        signers = ()

    assert signers == ()


def test_the_line_of_an_unknown_key_is_passed_over() -> None:
    stranger = FileSigner.from_seed("stranger.example", bytes(32))
    both = note.sign(HEAD.text, [stranger, LOG])

    assert note.verified(both, [LOG.key]) == (LOG.key,)
    assert note.verified(both, []) == ()


def test_a_false_line_of_a_known_key_spoils_the_note() -> None:
    stranger = FileSigner.from_seed("stranger.example", bytes(32))
    false = note.Signature("stranger.example", stranger.key.id, bytes(64))
    both = note.Note(HEAD.text, (LOG.sign(HEAD.text), false))

    with pytest.raises(NoteFault, match="does not fit"):
        note.verified(both, [LOG.key, stranger.key])


def test_one_key_signs_once() -> None:
    twice = note.Note(HEAD.text, (LOG.sign(HEAD.text), LOG.sign(HEAD.text)))

    with pytest.raises(NoteFault, match="more than one"):
        note.verified(twice, [LOG.key])


def test_sixteen_signatures_and_more_are_read() -> None:
    signers = [
        FileSigner.from_seed(f"s{place}.example", bytes([place] * 32)) for place in range(40)
    ]
    signed = note.parse(str(note.sign("text\n", signers)))

    assert len(note.verified(signed, [signer.key for signer in signers])) == 40


def test_the_last_empty_line_parts_text_and_signatures() -> None:
    text = "first\n\nsecond\n"
    signed = note.parse(str(note.sign(text, [LOG])))

    assert signed.text == text
    assert note.verified(signed, [LOG.key]) == (LOG.key,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\nno dash\n",
        str(NOTE)[:-1],
        str(NOTE).replace("\n\n", "\n\t\n\n"),
        str(NOTE).replace("42", "42\r"),
        str(NOTE) + "\n",
        str(NOTE).replace("— ", "- "),
        str(NOTE).replace("— ", "—  "),
        "text\n\n— name \n",
        "text\n\n— na+me AAAAAAAA\n",
        "text\n\n— name AAAA\n",
        "text\n\n— name AAAAAAB=\n",
        "text\n\n— name AAAA AAAA\n",
        "text\ud800\n\n— name AAAAAAAA\n",
        "text\n\n" + "— name AAAAAAAA\n" * 65,
    ],
    ids=range(17),
)
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(NoteFault):
        note.parse(text)


def test_bytes_that_are_not_utf8_are_no_note() -> None:
    with pytest.raises(NoteFault, match="UTF-8"):
        note.parse(b"\xff\n\n")


def test_a_note_without_end_is_not_read() -> None:
    with pytest.raises(NoteFault, match="too long"):
        note.parse("x" * 1_000_001)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        PUBLISHED_KEY.replace("530d903a", "530d903b"),
        PUBLISHED_KEY.replace("530d903a", "530D903A"),
        PUBLISHED_KEY.replace("foo", "bar"),
        PUBLISHED_KEY.replace("Aeky", "Aekz"),
        PUBLISHED_KEY + "=",
        "two words" + PUBLISHED_KEY,
    ],
)
def test_what_is_no_verifier_key_is_refused(vkey: str) -> None:
    with pytest.raises(NoteFault):
        VerifierKey.parse(vkey)


@pytest.mark.parametrize(
    "skey",
    [
        "",
        LOG.vkey,
        LOG.skey.replace("yuntai", "other"),
        LOG.skey[:-4],
        "PRIVATE+KEY+name+00000000+BAAA",
    ],
)
def test_what_is_no_signing_key_is_refused_without_being_repeated(skey: str) -> None:
    with pytest.raises(NoteFault) as refused:
        FileSigner.parse(skey)

    assert LOG.skey.rsplit("+", 1)[1][:20] not in str(refused.value)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u3000b", "a\x7f"])
def test_what_cannot_name_a_key_is_refused(name: str) -> None:
    with pytest.raises(NoteFault):
        FileSigner.from_seed(name, bytes(32))


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(NoteFault, match="32 bytes"):
        FileSigner.from_seed("name", bytes(31))


def test_a_checkpoint_is_three_lines() -> None:
    assert HEAD.text == (
        "lantai.example/yuntai/records\n42\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    )
    assert Checkpoint.parse(HEAD.text) == HEAD


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: text + "extension\n",
        lambda text: text.replace("42", "042"),
        lambda text: text.replace("42", "+42"),
        lambda text: text.replace("42", "４２"),
        lambda text: text.replace("42", str(2**63)),
        lambda text: text.replace("lantai.example/yuntai/records", ""),
        lambda text: text.replace("Hh8=", "Hh9="),
        lambda text: text.replace("Hh8=", "Hg=="),
        lambda text: text.replace("Hh8=", "****"),
    ],
    ids=range(10),
)
def test_what_is_no_checkpoint_is_refused(change: Callable[[str], str]) -> None:
    with pytest.raises(CheckpointFault):
        Checkpoint.parse(change(HEAD.text))


@pytest.mark.parametrize("private", [WITNESS, PQ_WITNESS], ids=["ed25519", "ml-dsa-44"])
def test_a_cosignature_says_who_and_when(private: Ed25519PrivateKey | MLDSA44PrivateKey) -> None:
    key = cosignature.cosigner_key("witness.example/w1", private)
    line = cosignature.cosign(
        HEAD.text, name="witness.example/w1", private=private, time=1795579200
    )
    signed = note.parse(str(note.Note(HEAD.text, (*NOTE.signatures, line))))

    words = cosignature.cosignatures(signed, (VerifierKey.parse(str(key)),))

    assert [(word.key, word.time) for word in words] == [(key, 1795579200)]
    assert note.verified(signed, [LOG.key]) == (LOG.key,)


@pytest.mark.parametrize("private", [WITNESS, PQ_WITNESS], ids=["ed25519", "ml-dsa-44"])
@given(data=st.data())
def test_no_changed_bit_of_a_cosignature_passes(
    private: Ed25519PrivateKey | MLDSA44PrivateKey, data: st.DataObject
) -> None:
    key = cosignature.cosigner_key("w", private)
    value = bytearray(cosignature.cosign(HEAD.text, name="w", private=private, time=5).value)
    bit = data.draw(st.integers(0, len(value) * 8 - 1))
    value[bit // 8] ^= 1 << bit % 8

    with pytest.raises(NoteFault):
        cosignature.verify(key, HEAD.text, bytes(value))


@pytest.mark.parametrize("private", [WITNESS, PQ_WITNESS], ids=["ed25519", "ml-dsa-44"])
def test_a_cosignature_serves_no_other_head(
    private: Ed25519PrivateKey | MLDSA44PrivateKey,
) -> None:
    key = cosignature.cosigner_key("w", private)
    value = cosignature.cosign(HEAD.text, name="w", private=private, time=5).value

    with pytest.raises(NoteFault, match="does not fit"):
        cosignature.verify(key, Checkpoint(HEAD.origin, 43, HEAD.root).text, value)


def test_an_ml_dsa_cosignature_serves_no_other_name() -> None:
    value = cosignature.cosign(HEAD.text, name="w", private=PQ_WITNESS, time=5).value

    with pytest.raises(NoteFault, match="does not fit"):
        cosignature.verify(cosignature.cosigner_key("v", PQ_WITNESS), HEAD.text, value)


def test_a_cosignature_is_made_over_the_lines_of_the_specification() -> None:
    line = cosignature.cosign(HEAD.text, name="w", private=WITNESS, time=1679315147)
    said = b"cosignature/v1\ntime 1679315147\n" + HEAD.text.encode()

    WITNESS.public_key().verify(line.value[8:], said)
    assert int.from_bytes(line.value[:8], "big") == 1679315147


def test_an_ml_dsa_cosignature_is_made_over_the_structure_of_the_specification() -> None:
    line = cosignature.cosign(HEAD.text, name="w", private=PQ_WITNESS, time=7)
    said = (
        b"subtree/v1\n\0\x01w"
        + (7).to_bytes(8, "big")
        + bytes([len(HEAD.origin)])
        + HEAD.origin.encode()
        + bytes(8)
        + (42).to_bytes(8, "big")
        + HEAD.root
    )

    PQ_WITNESS.public_key().verify(line.value[8:], said)
    assert len(base64.b64encode(line.key_id + line.value)) == 3244


@pytest.mark.parametrize("time", [-1, 2**63])
def test_an_impossible_time_is_not_cosigned(time: int) -> None:
    with pytest.raises(NoteFault, match="not a time"):
        cosignature.cosign(HEAD.text, name="w", private=WITNESS, time=time)


def test_a_cosignature_of_an_impossible_time_is_refused() -> None:
    key = cosignature.cosigner_key("w", WITNESS)

    with pytest.raises(NoteFault, match="no possible time"):
        cosignature.verify(key, HEAD.text, (2**63).to_bytes(8, "big") + bytes(64))


def test_a_log_key_is_no_cosigner() -> None:
    with pytest.raises(NoteFault, match="not the key of a cosigner"):
        cosignature.verify(LOG.key, HEAD.text, bytes(72))
