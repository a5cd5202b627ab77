"""A promise: the signed word of a log that an act will stand at a place in it by a deadline.

Given for an act that is entered but under no signed head yet, and kept by whoever did it. Once the
deadline is over, a log without that act at that place has broken its word, and the promise proves
it. The text has five lines under a signed note: ``lantai.example/promise/v1``, the log's origin,
the index, the leaf hash (base64), the deadline (seconds since 1970, UTC). No head begins so, and
no promise can be taken for one.
"""

import base64
import re
from dataclasses import dataclass
from typing import Final

from lantai.lib.tlog.merkle import HASH_BYTES
from lantai.lib.tlog.note import NoteFault, decode64

VERSION: Final = "lantai.example/promise/v1"
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_LINES: Final = 5


class PromiseFault(ValueError):
    """A text is not a promise."""


@dataclass(frozen=True)
class Promise:
    """Which leaf will stand at which place of which log, and by when."""

    origin: str
    index: int
    leaf_hash: bytes
    deadline: int

    @classmethod
    def parse(cls, text: str) -> "Promise":
        """Read the text of a note. Raises PromiseFault."""
        lines = text.split("\n")
        if len(lines) != _LINES + 1 or lines[_LINES] or lines[0] != VERSION:
            raise PromiseFault(f"a promise has {_LINES} lines and begins {VERSION}")
        _, origin, index, leaf_hash, deadline = lines[:_LINES]
        if not origin:
            raise PromiseFault("a promise names the log")
        for number in (index, deadline):
            if not _NUMBER.fullmatch(number) or int(number) >= 2**63:
                raise PromiseFault(f"not a plain decimal number: {number!r}")
        try:
            decoded = decode64(leaf_hash)
        except NoteFault as strange:
            raise PromiseFault(f"the leaf hash is {strange}") from strange
        if len(decoded) != HASH_BYTES:
            raise PromiseFault(f"the leaf hash has {HASH_BYTES} bytes")
        return cls(origin, int(index), decoded, int(deadline))

    @property
    def text(self) -> str:
        leaf_hash = base64.b64encode(self.leaf_hash).decode()
        return f"{VERSION}\n{self.origin}\n{self.index}\n{leaf_hash}\n{self.deadline}\n"
