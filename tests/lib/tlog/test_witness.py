"""What a witness must answer to whatever it is sent."""

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from witness_factories import GrowingLog

from lantai.lib.tlog import cosignature, merkle, note, witness
from lantai.lib.tlog.checkpoint import Checkpoint
from lantai.lib.tlog.merkle import SM3
from lantai.lib.tlog.note import FileSigner, NoteFault, Signature
from lantai.lib.tlog.sm2 import SM2Signer
from lantai.lib.tlog.witness import (
    Accept,
    Contradiction,
    Head,
    Refuse,
    Request,
    RequestFault,
    judge,
)

LOG = GrowingLog()
OTHER = GrowingLog("lantai.example/other/records", bytes([7] * 32))
KNOWN = {LOG.origin: [LOG.signer.key]}
SIZES = st.integers(0, 64)
# The example body of C2SP tlog-witness.
PUBLISHED = (
    "old 20852014\n"
    "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
    "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
    "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n"
    "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n"
    "\n"
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n"
).encode()


def head(size: int, log: GrowingLog = LOG) -> Head:
    return Head(size, log.root(size))


def asked(old: int, size: int, log: GrowingLog = LOG) -> Request:
    return Request.parse(log.request(old=old, size=size))


def refused(request: Request, stored: Head | None, **more: bytes) -> Refuse:
    verdict = judge(request, known_logs=KNOWN, stored=stored, **more)
    assert isinstance(verdict, Refuse)
    return verdict


def resigned(request: Request, signed: note.Note) -> Request:
    return Request.parse(witness.add_checkpoint(request.old, request.proof, signed))


def test_the_published_request_is_read_and_written_back() -> None:
    request = Request.parse(PUBLISHED)

    assert request.old == 20852014
    assert len(request.proof) == 4
    assert request.checkpoint.origin == "example.com/behind-the-sofa"
    assert request.checkpoint.size == 20852163
    assert bytes(request) == PUBLISHED


@given(SIZES, SIZES)
def test_every_growth_of_a_true_log_is_accepted(one: int, other: int) -> None:
    old, size = sorted((one, other))
    request = asked(old, size)

    verdict = judge(request, known_logs=KNOWN, stored=head(old) if old else None)

    assert verdict == Accept(Checkpoint(LOG.origin, size, LOG.root(size)), LOG.head(size))


@given(SIZES, SIZES)
def test_another_old_size_than_the_stored_one_is_a_conflict_that_tells_it(
    stored: int, old: int
) -> None:
    request = asked(min(old, 64), 64)

    verdict = judge(request, known_logs=KNOWN, stored=head(stored))

    if old == stored:
        assert isinstance(verdict, Accept)
    else:
        assert isinstance(verdict, Refuse)
        assert (verdict.status, verdict.size) == (409, stored)
        assert verdict.contradiction is None


@given(st.integers(1, 64), st.data())
def test_a_log_rewritten_behind_the_stored_head_is_refused_and_kept(
    old: int, data: st.DataObject
) -> None:
    size = data.draw(st.integers(old, 64))
    index = data.draw(st.integers(0, old - 1))
    request = asked(old, size, LOG.change(index))

    verdict = refused(request, head(old))

    assert verdict.status == 422
    assert verdict.kept == request
    expected = Contradiction.FORK if size == old else Contradiction.INCONSISTENT
    assert verdict.contradiction == expected


@given(st.integers(1, 64), st.data())
def test_a_log_grown_otherwise_after_the_stored_head_is_accepted(
    old: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(old, 64))
    changed = LOG.change(index) if index < 64 else LOG

    assert isinstance(judge(asked(old, 64, changed), known_logs=KNOWN, stored=head(old)), Accept)


def test_a_proof_of_the_wrong_length_is_refused() -> None:
    good = asked(5, 13)

    for proof in ((), good.proof[:-1], (*good.proof, bytes(32))):
        verdict = refused(Request(5, tuple(proof), good.note, good.checkpoint), head(5))
        assert (verdict.status, verdict.contradiction) == (422, Contradiction.INCONSISTENT)


def test_a_proof_from_nothing_or_to_the_same_size_must_be_empty() -> None:
    for old, stored in ((0, None), (13, head(13))):
        good = asked(old, 13)
        verdict = refused(Request(old, (bytes(32),), good.note, good.checkpoint), stored)
        assert (verdict.status, verdict.contradiction) == (422, Contradiction.INCONSISTENT)


@pytest.mark.parametrize("stored", [None, head(0)])
def test_the_empty_tree_has_one_root(stored: Head | None) -> None:
    false = Checkpoint(LOG.origin, 0, bytes(32))
    request = Request(0, (), note.sign(false.text, [LOG.signer]), false)

    assert isinstance(judge(asked(0, 0), known_logs=KNOWN, stored=stored), Accept)
    verdict = refused(request, stored)
    assert (verdict.status, verdict.contradiction) == (422, Contradiction.FORK)
    late = refused(request, head(3))
    assert (late.status, late.size, late.contradiction) == (409, 3, Contradiction.FORK)


def test_an_old_size_above_the_checkpoint_is_malformed() -> None:
    request = Request(14, (), LOG.head(13), Checkpoint(LOG.origin, 13, LOG.root(13)))

    verdict = refused(request, head(14))

    assert (verdict.status, verdict.contradiction) == (400, None)


def test_a_log_that_went_back_is_told_the_size_and_kept() -> None:
    verdict = refused(asked(3, 5), head(9))

    assert (verdict.status, verdict.size) == (409, 9)
    assert verdict.contradiction == Contradiction.ROLLBACK
    assert verdict.kept == asked(3, 5)


def test_a_late_message_of_a_head_once_cosigned_is_not_worth_keeping() -> None:
    verdict = refused(asked(3, 5), head(9), earlier=LOG.root(5))

    assert (verdict.status, verdict.size, verdict.contradiction) == (409, 9, None)


@pytest.mark.parametrize(("old", "size"), [(3, 5), (3, 9), (0, 9)])
def test_another_root_of_a_size_once_cosigned_is_a_fork_whatever_the_old_size(
    old: int, size: int
) -> None:
    request = asked(old, size, LOG.change(0))

    verdict = refused(request, head(9), earlier=LOG.root(size))

    assert (verdict.status, verdict.size) == (409, 9)
    assert verdict.contradiction == Contradiction.FORK


def test_a_log_nobody_trusts_is_unknown() -> None:
    assert refused(asked(0, 5, OTHER), None).status == 404
    no_keys = judge(asked(0, 5), known_logs={LOG.origin: []}, stored=None)
    assert isinstance(no_keys, Refuse)
    assert no_keys.status == 404


def test_a_signature_of_somebody_else_is_no_signature() -> None:
    stranger = FileSigner.from_seed(LOG.origin, bytes([9] * 32))
    request = resigned(asked(0, 5), note.sign(LOG.text(5), [stranger]))

    verdict = refused(request, None)

    assert (verdict.status, verdict.contradiction) == (403, None)


def test_a_false_line_of_a_known_key_spoils_the_note_even_beside_a_true_one() -> None:
    second = FileSigner.from_seed(LOG.origin, bytes([9] * 32))
    true, false = LOG.signer.sign(LOG.text(5)), second.sign(LOG.text(6))
    request = resigned(asked(0, 5), note.Note(LOG.text(5), (true, false)))

    verdict = judge(request, known_logs={LOG.origin: [LOG.signer.key, second.key]}, stored=None)

    assert isinstance(verdict, Refuse)
    assert verdict.status == 403


def test_while_a_log_changes_its_key_either_or_both_will_do() -> None:
    fresh = FileSigner.from_seed(LOG.origin, bytes([9] * 32))
    known = {LOG.origin: [LOG.signer.key, fresh.key]}

    for signers in ([LOG.signer], [fresh], [LOG.signer, fresh]):
        request = resigned(asked(0, 5), note.sign(LOG.text(5), signers))
        verdict = judge(request, known_logs=known, stored=None)
        assert isinstance(verdict, Accept)
        assert verdict.signed == request.note


def test_lines_of_strangers_are_passed_over_and_not_kept() -> None:
    stranger = FileSigner.from_seed("passer-by.example", bytes([9] * 32))
    signed = note.sign(LOG.text(5), [stranger, LOG.signer])

    verdict = judge(resigned(asked(0, 5), signed), known_logs=KNOWN, stored=None)
    contradiction = refused(resigned(asked(0, 5), signed), head(5, LOG.change(1)))

    assert isinstance(verdict, Accept)
    assert verdict.signed == LOG.head(5)
    assert contradiction.kept is not None
    assert contradiction.kept.note == LOG.head(5)


def test_the_twin_under_sm2_and_sm3_is_judged_by_its_own_hash() -> None:
    signer = SM2Signer.make("lantai.example/yuntai/records/sm")
    nodes = merkle.nodes_over([SM3.leaf(row) for row in LOG.entries], suite=SM3)
    root = merkle.range_root(0, 13, nodes, suite=SM3)
    grown = Checkpoint(signer.name, 13, root)
    proof = merkle.consistency_proof(5, 13, nodes, suite=SM3)
    request = Request(5, tuple(proof), note.sign(grown.text, [signer]), grown)
    stored = Head(5, merkle.range_root(0, 5, nodes, suite=SM3))
    known = {signer.name: [signer.key]}

    assert isinstance(judge(request, known_logs=known, stored=stored), Accept)
    rewritten = judge(request, known_logs=known, stored=Head(5, bytes(32)))
    assert isinstance(rewritten, Refuse)
    assert (rewritten.status, rewritten.contradiction) == (422, Contradiction.INCONSISTENT)
    empty = Checkpoint(signer.name, 0, SM3.empty_root)
    first = Request(0, (), note.sign(empty.text, [signer]), empty)
    assert isinstance(judge(first, known_logs=known, stored=None), Accept)


def test_keys_of_two_suites_under_one_name_are_no_log() -> None:
    signer = SM2Signer.make(LOG.origin)

    verdict = judge(asked(0, 5), known_logs={LOG.origin: [LOG.signer.key, signer.key]}, stored=None)

    assert isinstance(verdict, Refuse)
    assert verdict.status == 404


BODY = LOG.request(old=5, size=13)


@given(st.integers(0, len(BODY) * 8 - 1))
def test_no_changed_bit_of_a_request_is_accepted_as_another(bit: int) -> None:
    changed = bytearray(BODY)
    changed[bit // 8] ^= 1 << bit % 8

    try:
        request = Request.parse(bytes(changed))
    except RequestFault:
        return
    assert isinstance(judge(request, known_logs=KNOWN, stored=head(5)), Refuse)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b"old 5",
        b"\xff\xfe",
        BODY[:-1],
        BODY + b"\n",
        BODY.replace(b"old 5", b"old 05"),
        BODY.replace(b"old 5", b"old -5"),
        BODY.replace(b"old 5", b"old  5"),
        BODY.replace(b"old 5", b"old 5 "),
        BODY.replace(b"old 5", "old ٥".encode()),
        BODY.replace(b"old 5", b"new 5"),
        BODY.replace(b"old 5", b"old 9223372036854775808"),
        BODY.replace(b"\n", b"\r\n"),
        BODY.replace(b"old 5\n", b"old 5\nAAAA\n"),
        BODY.replace(b"old 5\n", b"old 5\nnot base64\n"),
        BODY.replace(b"\n13\n", b"\n013\n"),
        BODY.replace(b"\n13\n", b"\n13\nextension\n"),
        BODY.replace(b"\n13\n", b"\n"),
        BODY.partition(b"\n\n")[0] + b"\n\n" + LOG.text(13).encode(),
    ],
)
def test_what_is_no_request_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(RequestFault):
        Request.parse(body)


def test_a_proof_has_at_most_63_hashes() -> None:
    most = witness.add_checkpoint(5, [bytes(32)] * 63, LOG.head(13))
    more = witness.add_checkpoint(5, [bytes(32)] * 64, LOG.head(13))

    assert len(Request.parse(most).proof) == 63
    with pytest.raises(RequestFault, match="at most 63"):
        Request.parse(more)


@given(st.binary(max_size=400))
def test_garbage_is_refused_in_words(body: bytes) -> None:
    with pytest.raises(RequestFault):
        Request.parse(body)


@given(st.integers(0, 64), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_a_request_is_read_as_it_was_written(old: int, proof: list[bytes]) -> None:
    body = witness.add_checkpoint(old, proof, LOG.head(64))

    request = Request.parse(body)

    assert (request.old, request.proof, request.note) == (old, tuple(proof), LOG.head(64))
    assert bytes(request) == body


def test_an_answer_is_read_as_lines_under_the_text_that_was_asked_about() -> None:
    line = Signature("w1.example", b"abcd", b"ef")

    read = witness.parse_signatures(line.line.encode() * 2, LOG.text(5))

    assert read == note.Note(LOG.text(5), (line, line))
    for answer in (b"", b"ok\n", b"\n" + line.line.encode(), LOG.text(5).encode()):
        with pytest.raises(NoteFault):
            witness.parse_signatures(answer, LOG.text(5))


def test_a_log_may_sign_with_ml_dsa() -> None:
    private = MLDSA44PrivateKey.from_seed_bytes(bytes(32))
    key = cosignature.cosigner_key(LOG.origin, private)
    line = cosignature.cosign(LOG.text(5), name=LOG.origin, private=private, time=1)
    request = resigned(asked(0, 5), note.Note(LOG.text(5), (line,)))

    verdict = judge(request, known_logs={LOG.origin: [key]}, stored=None)

    assert verdict == Accept(Checkpoint(LOG.origin, 5, LOG.root(5)), request.note)
