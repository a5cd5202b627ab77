"""A small signed log in memory, for the tests of bundles."""

import hashlib
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lantai.lib import bundle
from lantai.lib.bundle import Sealed
from lantai.lib.tlog import cosignature, merkle, note
from lantai.lib.tlog import leaf as leaves
from lantai.lib.tlog.checkpoint import Checkpoint
from lantai.lib.tlog.merkle import SHA256
from lantai.lib.tlog.note import FileSigner, VerifierKey
from lantai.lib.tlog.proof import prove
from lantai.lib.tlog.sm2 import SM2Signer
from lantai.lib.tlog.suite import SM

AT: Final = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
LOG: Final = FileSigner.from_seed("lantai.example/yuntai/records", bytes(range(32)))
# The key pair of GB/T 32918.5-2017, appendix A.2.
TWIN: Final = SM2Signer(
    "lantai.example/yuntai/records/sm",
    bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"),
    bytes.fromhex(
        "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
        "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
    ),
)
FILES: Final = {"p001.jpg": b"\xff\xd8 a page", "审批表.pdf": b"%PDF a form"}
STATEMENT: Final = {
    "case": "case:0123",
    "files": {"审批表.pdf": hashlib.sha256(FILES["审批表.pdf"]).hexdigest()},
    "pages": 1,
}


def facts(**more: Any) -> dict[str, Any]:
    """The facts of a freezing that names the statement and the page."""
    return {
        "statement_sha256": bundle.digest(STATEMENT),
        "pages": [{"page": "0a", "sha256": hashlib.sha256(FILES["p001.jpg"]).hexdigest()}],
        **more,
    }


def witness(number: int) -> tuple[VerifierKey, Ed25519PrivateKey]:
    private = Ed25519PrivateKey.from_private_bytes(bytes([number] * 32))
    return cosignature.cosigner_key(f"w{number}.example", private), private


@cache
def _signed_twin(text: str) -> str:
    """Once for a text: SM2 signs differently each time."""
    return str(note.sign(text, [TWIN]))


def sealed(
    frozen: dict[str, Any],
    *,
    growth: int = 0,
    witnesses: tuple[int, ...] = (),
    withhold: str = "",
    twin: bool = False,
) -> list[Sealed]:
    """Entries 4 (opened case) and 6 (frozen evidence) of a log of nine, proven against one head.

    With ``twin``, also against the head of the twin.
    """
    told = {4: ("cases.case.opened", {"group": "M60"}), 6: ("cases.evidence.frozen", frozen)}
    salts = {index: bytes([index] * 32) for index in told}
    rows = [b"other %d" % index for index in range(9 + growth)]
    for index, (action, said) in told.items():
        rows[index] = leaves.build(
            action=action,
            org="yuntai",
            at=AT,
            actor="wang",
            subject="case:0123",
            body=leaves.body_of(at=AT, facts=said),
            salt=salts[index],
        )
    nodes = merkle.nodes_over([SHA256.leaf(row) for row in rows])
    head = Checkpoint(LOG.name, len(rows), merkle.range_root(0, len(rows), nodes))
    lines = [
        cosignature.cosign(head.text, name=key.name, private=private, time=1795579260 + place)
        for place, (key, private) in enumerate(map(witness, witnesses))
    ]
    signed = str(note.Note(head.text, (LOG.sign(head.text), *lines)))
    twins = merkle.nodes_over([SM.tree.leaf(row) for row in rows], suite=SM.tree)
    twin_root = merkle.range_root(0, len(rows), twins, suite=SM.tree)
    made = []
    for index, (_, said) in told.items():
        content = {
            "actor": "wang",
            "obj": "case:0123",
            "body": {"at": leaves.moment(AT), "facts": said},
        }
        content.pop(withhold, None)
        proof = prove(
            index=index,
            hashes=merkle.inclusion_proof(index, len(rows), nodes),
            checkpoint=signed,
        )
        proof_sm = ""
        if twin:
            path = merkle.inclusion_proof(index, len(rows), twins, suite=SM.tree)
            head_sm = Checkpoint(TWIN.name, len(rows), twin_root)
            proof_sm = str(prove(index=index, hashes=path, checkpoint=_signed_twin(head_sm.text)))
        made.append(Sealed(index, rows[index], salts[index], content, str(proof), proof_sm))
    return made
