"""C2SP tlog-checkpoint: origin, size and root of a log, three lines under a signed note."""

import base64
import re
from dataclasses import dataclass
from typing import Final

from lantai.lib.tlog.merkle import HASH_BYTES
from lantai.lib.tlog.note import NoteFault, decode64

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class CheckpointFault(ValueError):
    """A text is not a checkpoint."""


@dataclass(frozen=True)
class Checkpoint:
    """A log as it was at a size. Extension lines are refused: not every cosignature covers them."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read the text of a note. Raises CheckpointFault."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise CheckpointFault("a checkpoint has three lines: origin, size, root")
        origin, size, root = lines[:3]
        if not origin:
            raise CheckpointFault("a checkpoint names its origin")
        if not _SIZE.fullmatch(size) or int(size) >= 2**63:
            raise CheckpointFault("the size is not a plain decimal number")
        try:
            decoded = decode64(root)
        except NoteFault as strange:
            raise CheckpointFault(f"the root is {strange}") from strange
        if len(decoded) != HASH_BYTES:
            raise CheckpointFault(f"the root has {HASH_BYTES} bytes")
        return cls(origin, int(size), decoded)

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"
