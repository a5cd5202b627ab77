"""The tlog-proof text: one spelling, and no bit of it without weight."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib.tlog import merkle, note
from lantai.lib.tlog.checkpoint import Checkpoint, CheckpointFault
from lantai.lib.tlog.merkle import SHA256, ProofInvalid
from lantai.lib.tlog.note import FileSigner, NoteFault
from lantai.lib.tlog.proof import ProofFault, TlogProof, prove

LOG = FileSigner.from_seed("lantai.example/yuntai/records", bytes(32))
ENTRIES = [b"entry %d" % index for index in range(11)]
NODES = merkle.nodes_over([SHA256.leaf(entry) for entry in ENTRIES])
HEAD = Checkpoint(LOG.name, 11, merkle.range_root(0, 11, NODES))
PROOF = prove(
    index=6,
    hashes=merkle.inclusion_proof(6, 11, NODES),
    checkpoint=str(note.sign(HEAD.text, [LOG])),
)


def test_a_proof_reads_as_the_specification_says() -> None:
    lines = str(PROOF).split("\n")

    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 6"]
    assert [len(line) for line in lines[2:6]] == [44, 44, 44, 44]
    assert lines[6:9] == ["", "lantai.example/yuntai/records", "11"]
    assert TlogProof.parse(str(PROOF)) == PROOF


def test_a_proof_leads_from_the_entry_to_the_head() -> None:
    assert PROOF.verify(ENTRIES[6]) == HEAD


def test_a_proof_serves_no_other_entry() -> None:
    with pytest.raises(ProofInvalid):
        PROOF.verify(ENTRIES[5])


def test_extra_bytes_are_carried() -> None:
    with_extra = prove(index=6, hashes=PROOF.hashes, checkpoint=PROOF.checkpoint, extra=b"more")

    assert str(with_extra).split("\n")[1] == "extra bW9yZQ=="
    assert TlogProof.parse(str(with_extra)).extra == b"more"


def test_the_proof_of_the_only_entry_has_no_hashes() -> None:
    head = Checkpoint(LOG.name, 1, SHA256.leaf(b"only"))
    alone = prove(index=0, hashes=[], checkpoint=str(note.sign(head.text, [LOG])))

    assert TlogProof.parse(str(alone)).verify(b"only") == head


@given(st.integers(0, len(str(PROOF).encode()) * 8 - 1))
def test_no_changed_bit_of_a_proof_passes(bit: int) -> None:
    changed = bytearray(str(PROOF).encode())
    changed[bit // 8] ^= 1 << bit % 8

    with pytest.raises((ProofFault, ProofInvalid, NoteFault, CheckpointFault, UnicodeDecodeError)):
        believe(bytes(changed))


def believe(text: bytes) -> None:
    """What a careful reader does with a proof for the seventh entry."""
    proof = TlogProof.parse(text.decode())
    if proof.index != 6:
        raise ProofFault("another place")
    proof.verify(ENTRIES[6])
    if not note.verified(note.parse(proof.checkpoint), [LOG.key]):
        raise NoteFault("not signed")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v2\nindex 6\n\nx",
        "c2sp.org/tlog-proof@v1\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 06\n\nx",
        "c2sp.org/tlog-proof@v1\nindex -6\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 6\nAAAA\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 6\n!\n\nx",
        "c2sp.org/tlog-proof@v1\nextra !\nindex 6\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 6\n" + f"{'A' * 43}=\n" * 64 + "\nx",
        "c2sp.org/tlog-proof@v1\nindex 6",
    ],
)
def test_what_is_no_proof_is_refused(text: str) -> None:
    with pytest.raises(ProofFault):
        TlogProof.parse(text)
