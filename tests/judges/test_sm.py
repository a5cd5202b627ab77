"""SM2 signatures and SM3 trees before programs that nobody here wrote."""

from pathlib import Path
from typing import Any, Final

import pytest
from judges import panel
from ledger_factories import publish, record
from lib.tlog import wrong_proofs
from lib.tlog.wrong_proofs import Inclusion, flipped

from lantai.ledger import queries
from lantai.ledger.models import Entry
from lantai.lib.tlog import merkle, note, sm2
from lantai.lib.tlog.checkpoint import Checkpoint
from lantai.lib.tlog.merkle import SM3
from lantai.lib.tlog.note import VerifierKey
from lantai.lib.tlog.proof import TlogProof
from lantai.lib.tlog.sm2 import SM2Signer
from lantai.lib.tlog.suite import SM

IDENTITY: Final = "1234567812345678"
# The signature of GB/T 32918.5-2017, appendix A.2: the key, the message and what comes out.
PUBLIC: Final = bytes.fromhex(
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
SIGNATURE: Final = bytes.fromhex(
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)


def test_the_judges_know_the_signature_of_the_standard() -> None:
    good = _signed(PUBLIC, b"message digest", SIGNATURE)
    bad = [
        _signed(PUBLIC, b"message digesu", SIGNATURE),
        {**good, "identity": "1234567812345679"},
        *(_signed(PUBLIC, b"message digest", flipped(SIGNATURE, bit)) for bit in (0, 255, 511)),
    ]

    for judge in panel.here("sm2"):
        assert _verdicts(judge, [good]) == [True], judge.name
        assert _verdicts(judge, bad) == [False] * len(bad), judge.name


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 255, 256, 257, 600])
def test_a_tree_under_sm3_has_the_root_that_others_compute(size: int) -> None:
    entries = [b"entry %d" % index for index in range(size)]
    root = merkle.root_of(map(SM3.leaf, entries), suite=SM3)
    good = {"kind": "sm3-tree", "entries": entries, "root": root}
    bad = [
        {**good, "root": flipped(root, 0)},
        {**good, "entries": [*entries, b""]},
        *({**good, "entries": [*entries[:-1], entry + b"."]} for entry in entries[-1:]),
    ]

    for judge in panel.here("sm3-tree"):
        assert _verdicts(judge, [good]) == [True], judge.name
        assert _verdicts(judge, bad) == [False] * len(bad), judge.name


def test_a_head_signed_under_sm2_is_accepted_and_an_altered_one_is_not() -> None:
    for number in range(4):
        signer = SM2Signer.make(f"lantai.example/judged{number}/sm")
        text = Checkpoint(signer.name, 600 + number, SM3.leaf(b"a root")).text
        signature = signer.sign(text).value
        public = sm2.point_of(signer.key)[-64:]
        other = sm2.point_of(SM2Signer.make(signer.name).key)[-64:]
        good = _signed(public, text.encode(), signature)
        bad = [
            *(_signed(public, flipped(text.encode(), bit), signature) for bit in (0, 99, 300)),
            *(
                _signed(public, text.encode(), flipped(signature, bit))
                for bit in (0, 255, 256, 511)
            ),
            _signed(other, text.encode(), signature),
            _signed(public, text.encode(), signature[32:] + signature[:32]),
            _signed(public, text.encode(), bytes(64)),
        ]

        for judge in panel.here("sm2"):
            assert _verdicts(judge, [good]) == [True], judge.name
            assert _verdicts(judge, bad) == [False] * len(bad), judge.name


@pytest.mark.django_db
def test_the_published_twin_is_the_same_log_under_sm3_and_sm2(home: Path) -> None:
    record(300)
    publish()
    signed = note.parse((home / "log/records/checkpoint-sm").read_text())
    key = VerifierKey.parse(queries.verifier_key(stream="records", suite=SM))
    (line,) = (line for line in signed.signatures if key.matches(line))
    leaves = Entry.objects.filter(stream="records").order_by("index")
    entries = [bytes(leaf) for leaf in leaves.values_list("leaf", flat=True)]
    root = Checkpoint.parse(signed.text).root

    for judge in panel.here("sm2"):
        point = sm2.point_of(key)[-64:]
        assert _verdicts(judge, [_signed(point, signed.text.encode(), line.value)]) == [True]
    for judge in panel.here("sm3-tree"):
        asked = {"kind": "sm3-tree", "entries": entries, "root": root}
        assert _verdicts(judge, [asked]) == [True]
        assert _verdicts(judge, [{**asked, "root": flipped(root, 9)}]) == [False]


def test_of_every_family_of_proofs_under_sm3_the_judges_believe_the_good_one_alone() -> None:
    entries = [b"entry %d" % index for index in range(300)]
    good, wrong = [], []
    for size in (2, 3, 7, 8, 33, 256, 257, 300):
        for place in sorted({1, size // 2, size - 1}):
            true, false = wrong_proofs.inclusions(place, entries[:size], suite=SM3)
            good.append(_under_sm3(true))
            wrong += map(_under_sm3, false)

    for judge in panel.here("sm3-inclusion"):
        assert _verdicts(judge, good) == [True] * len(good)
        assert _verdicts(judge, wrong) == [False] * len(wrong)


@pytest.mark.django_db
def test_the_proof_of_an_entry_in_the_twin_is_accepted() -> None:
    record(300)
    publish()

    for index in (0, 255, 256, 299):
        entry = Entry.objects.get(stream="records", index=index)
        proof = TlogProof.parse(queries.sealed(entry).proof_sm)
        asked = {
            "kind": "sm3-inclusion",
            "index": proof.index,
            "size": proof.head().size,
            "leaf": bytes(entry.leaf),
            "proof": list(proof.hashes),
            "root": proof.head().root,
        }
        for judge in panel.here("sm3-inclusion"):
            assert _verdicts(judge, [asked, {**asked, "index": index ^ 1}]) == [True, False]


def _under_sm3(claim: Inclusion) -> dict[str, Any]:
    return {**claim.asked(), "kind": "sm3-inclusion"}


def _verdicts(judge: panel.Judge, questions: list[dict[str, Any]]) -> list[bool]:
    return [told["accepted"] for told in judge.ask(questions)]


def _signed(public: bytes, message: bytes, signature: bytes) -> dict[str, Any]:
    return {
        "kind": "sm2",
        "public": public,
        "identity": IDENTITY,
        "message": message,
        "signature": signature,
    }
