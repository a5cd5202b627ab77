"""C2SP tlog-witness: what a log asks of a witness, and what the witness must answer.

    old <size> LF (<base64 hash> LF)* LF <checkpoint note>

The text followed is that of the specification's main branch (2026-07): another root at the same
size is 422, and so is a checkpoint of size zero with a root other than the empty tree's. A note
with a false line of a known key is malformed, hence 403. Nothing is stored or signed here; whoever
calls ``judge`` must keep what it accepts before anyone is told.
"""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from lantai.lib.tlog import merkle, note
from lantai.lib.tlog.checkpoint import Checkpoint, CheckpointFault
from lantai.lib.tlog.merkle import HASH_BYTES, ProofInvalid
from lantai.lib.tlog.note import Note, NoteFault, VerifierKey
from lantai.lib.tlog.suite import SUITES, LogSuite

MAX_PROOF: Final = 63
SIZE_TYPE: Final = "text/x.tlog.size"
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})")


class RequestFault(ValueError):
    """A body is not an add-checkpoint request; answered with 400."""


@dataclass(frozen=True)
class Request:
    """An add-checkpoint request, read and not believed."""

    old: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint

    @classmethod
    def parse(cls, body: bytes) -> "Request":
        """Read the body of a request. Raises RequestFault."""
        try:
            text = body.decode()
        except UnicodeDecodeError as strange:
            raise RequestFault("a request is UTF-8") from strange
        head, gap, signed = text.partition("\n\n")
        if not gap:
            raise RequestFault("a request is an old size, a proof, an empty line and a checkpoint")
        size, *lines = head.split("\n")
        found = _OLD.fullmatch(size)
        if found is None or int(found[1]) >= 2**63:
            raise RequestFault("the first line is not an old size")
        if len(lines) > MAX_PROOF:
            raise RequestFault(f"a proof has at most {MAX_PROOF} hashes")
        try:
            read = note.parse(signed)
            return cls(int(found[1]), tuple(map(_hash, lines)), read, Checkpoint.parse(read.text))
        except (NoteFault, CheckpointFault) as strange:
            raise RequestFault(str(strange)) from strange

    def __bytes__(self) -> bytes:
        return add_checkpoint(self.old, self.proof, self.note)


def add_checkpoint(old: int, proof: Sequence[bytes], signed: Note | str) -> bytes:
    """Write the body of a request: from the size the witness last cosigned to a signed head."""
    lines = "".join(f"{base64.b64encode(step).decode()}\n" for step in proof)
    return f"old {old}\n{lines}\n{signed}".encode()


def parse_signatures(body: bytes, text: str) -> Note:
    """Read a witness's answer as lines under the text it was asked about. Raises NoteFault."""
    read = note.parse(text.encode() + b"\n" + body)
    if read.text != text:
        raise NoteFault("a witness answers with signature lines only")
    return read


@dataclass(frozen=True)
class Head:
    """What a witness last cosigned of a log."""

    size: int
    root: bytes


class Contradiction(StrEnum):
    """Why a signed request is worth keeping.

    FORK proves misconduct by itself: the log signed a root, and another root of that size is
    known, signed by it too or, at size zero, the empty tree's. The others show that somebody
    tried: the log's key signed an older head than it had shown, or the proof sent along does not
    lead from the head it had shown to the new one.
    """

    FORK = "fork"
    ROLLBACK = "rollback"
    INCONSISTENT = "inconsistent"


@dataclass(frozen=True)
class Accept:
    """The checkpoint follows from what was cosigned; ``signed`` keeps the log's own lines only."""

    checkpoint: Checkpoint
    signed: Note


@dataclass(frozen=True)
class Refuse:
    """The status to answer with and why; ``size`` goes with 409, ``contradiction`` is to be kept.

    ``kept`` is the request cut to what was verified: the log's own lines, nobody else's.
    """

    status: HTTPStatus
    why: str
    size: int | None = None
    contradiction: Contradiction | None = None
    kept: Request | None = None


def suite_of(keys: Iterable[VerifierKey]) -> LogSuite | None:
    """The one suite these log keys belong to; None for kinds unknown, or for a mixture."""
    found = list(keys)
    for suite in SUITES:
        if all(suite.speaks(key) and key.type in suite.checks for key in found):
            return suite
    return None


def judge(
    request: Request,
    *,
    known_logs: Mapping[str, Sequence[VerifierKey]],
    stored: Head | None,
    earlier: bytes | None = None,
) -> Accept | Refuse:
    """Say what to answer.

    ``known_logs`` gives the keys in force for each origin, all of one suite: several while a log
    changes its key. The suite says which hash the tree is under. Raises ``sm2.Unavailable`` where
    a signature cannot be checked.
    ``stored`` is the largest head cosigned for the request's origin, ``earlier`` the root once
    cosigned at the request's own size, where the witness still knows it.
    """
    head = request.checkpoint
    keys = known_logs.get(head.origin)
    if not keys or (suite := suite_of(keys)) is None:
        return Refuse(HTTPStatus.NOT_FOUND, "the log is not known here")
    tree = suite.tree
    try:
        signers = note.verified(request.note, keys, checks=suite.checks)
    except NoteFault as false:
        return Refuse(HTTPStatus.FORBIDDEN, str(false))
    if not signers:
        return Refuse(HTTPStatus.FORBIDDEN, "no signature of a key known for the log")
    if request.old > head.size:
        return Refuse(HTTPStatus.BAD_REQUEST, "the old size is larger than the checkpoint's")
    last = stored or Head(0, tree.empty_root)
    lines = tuple(
        line for line in request.note.signatures if any(key.matches(line) for key in signers)
    )
    signed = Note(request.note.text, lines)
    kept = Request(request.old, request.proof, signed, head)
    known = {last.size: last.root, 0: tree.empty_root}
    before = known.get(head.size, earlier if head.size < last.size else None)
    forked = before is not None and head.root != before
    if request.old != last.size:
        return _conflict(kept, last=last, forked=forked, known=earlier == head.root)
    try:
        merkle.verify_consistency(
            old=request.old,
            new=head.size,
            old_root=last.root,
            new_root=head.root,
            proof=request.proof,
            suite=tree,
        )
    except ProofInvalid as wrong:
        kind = Contradiction.FORK if forked else Contradiction.INCONSISTENT
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return Refuse(status, str(wrong), contradiction=kind, kept=kept)
    return Accept(head, signed)


def _conflict(kept: Request, *, last: Head, forked: bool, known: bool) -> Refuse:
    """Another size was expected: a late or forgetful client, or a log that went back."""
    contradiction = None
    if forked:
        contradiction = Contradiction.FORK
    elif kept.checkpoint.size < last.size and not known:
        contradiction = Contradiction.ROLLBACK
    return Refuse(
        HTTPStatus.CONFLICT,
        f"the last head cosigned here has the size {last.size}",
        size=last.size,
        contradiction=contradiction,
        kept=kept if contradiction else None,
    )


def _hash(line: str) -> bytes:
    step = note.decode64(line)
    if len(step) != HASH_BYTES:
        raise RequestFault(f"a hash of a proof has {HASH_BYTES} bytes")
    return step
