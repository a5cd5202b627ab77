"""C2SP tlog-proof: that an entry stands in a log, in one text that needs nothing else.

c2sp.org/tlog-proof@v1 LF [extra <base64> LF] index <n> LF (<base64 hash> LF)* LF checkpoint
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lantai.lib.tlog import note as notes
from lantai.lib.tlog.checkpoint import Checkpoint
from lantai.lib.tlog.merkle import HASH_BYTES, SHA256, Suite, verify_inclusion
from lantai.lib.tlog.note import NoteFault, decode64

HEADER: Final = "c2sp.org/tlog-proof@v1"
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")
_MAX_HASHES: Final = 63


class ProofFault(ValueError):
    """A text is not a tlog-proof."""


@dataclass(frozen=True)
class TlogProof:
    """An entry's place and path in a signed head; ``checkpoint`` is the note, word for word."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    @classmethod
    def parse(cls, text: str) -> "TlogProof":
        """Read a proof without believing it. Raises ProofFault."""
        path, gap, checkpoint = text.partition("\n\n")
        lines = path.split("\n")
        if not gap or lines[0] != HEADER:
            raise ProofFault(f"a proof begins with {HEADER}")
        try:
            extra = None
            if len(lines) > 1 and lines[1].startswith("extra "):
                extra = decode64(lines.pop(1).removeprefix("extra "))
            found = _INDEX.fullmatch(lines[1]) if len(lines) > 1 else None
            if found is None:
                raise ProofFault("a proof names the index of its entry")
            hashes = tuple(map(decode64, lines[2:]))
        except NoteFault as strange:
            raise ProofFault(f"a line of the proof is {strange}") from strange
        if len(hashes) > _MAX_HASHES or any(len(held) != HASH_BYTES for held in hashes):
            raise ProofFault(f"a proof has at most {_MAX_HASHES} hashes of {HASH_BYTES} bytes")
        return cls(int(found[1]), hashes, checkpoint, extra)

    def __str__(self) -> str:
        extra = "" if self.extra is None else f"extra {base64.b64encode(self.extra).decode()}\n"
        path = "".join(f"{base64.b64encode(held).decode()}\n" for held in self.hashes)
        return f"{HEADER}\n{extra}index {self.index}\n{path}\n{self.checkpoint}"

    def head(self) -> Checkpoint:
        """The head it leads to. Raises NoteFault or CheckpointFault; verifies no signature."""
        return Checkpoint.parse(notes.parse(self.checkpoint).text)

    def verify(self, leaf: bytes, *, suite: Suite = SHA256) -> Checkpoint:
        """Check that the leaf is in the head, and return the head, whose signature is not checked.

        Raises ProofInvalid, NoteFault or CheckpointFault.
        """
        head = self.head()
        verify_inclusion(
            index=self.index,
            size=head.size,
            leaf_hash=suite.leaf(leaf),
            proof=self.hashes,
            root=head.root,
            suite=suite,
        )
        return head


def prove(
    *, index: int, hashes: Sequence[bytes], checkpoint: str, extra: bytes | None = None
) -> TlogProof:
    """Put a proof together; the checkpoint must be the signed note that it leads to."""
    return TlogProof(index, tuple(hashes), checkpoint, extra)
