"""A small signed log in memory, for the tests of bundles."""

import hashlib
from datetime import UTC, datetime
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

AT: Final = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
LOG: Final = FileSigner.from_seed("lantai.example/yuntai/records", bytes(range(32)))
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


def sealed(
    frozen: dict[str, Any], *, growth: int = 0, witnesses: tuple[int, ...] = (), withhold: str = ""
) -> list[Sealed]:
    """Entries 4 (opened case) and 6 (frozen evidence) of a log of nine, proven against one head."""
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
        made.append(Sealed(index, rows[index], salts[index], content, str(proof)))
    return made
