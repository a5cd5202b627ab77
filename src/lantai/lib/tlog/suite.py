"""The suites a log is signed in, over the same entries: what differs between them, and only that.

``intl`` is C2SP to the letter, so that programs nobody here wrote can check it; ``sm`` is its twin
under the Chinese commercial algorithms. Both heads of one signing have the same size.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lantai.lib.tlog import cosignature, merkle, note, sm2
from lantai.lib.tlog.note import Check, VerifierKey


@dataclass(frozen=True)
class LogSuite:
    """Hash of the tree, how its heads may be signed, and the names of the log and of its files."""

    name: str
    tree: merkle.Suite
    suffix: str  # of the origin
    tiles: str  # folder of the hashes
    checkpoint: str  # file of the signed head; also its name in a bundle
    proofs: str  # folder of the proofs in a bundle
    checks: Mapping[int, Check] = field(repr=False, compare=False)

    def speaks(self, key: VerifierKey) -> bool:
        """Tell whether a key is of this suite; which kinds it can check, ``checks`` says."""
        return sm2.is_sm2(key) == (self.name == "sm")

    def origin(self, log: str) -> str:
        """The origin in this suite of a log, named as in ``intl``."""
        return log + self.suffix


INTL: Final = LogSuite(
    "intl",
    merkle.SHA256,
    suffix="",
    tiles="tile",
    checkpoint="checkpoint",
    proofs="proofs",
    checks={note.ED25519: note.verify_ed25519, cosignature.ML_DSA_44: cosignature.verify},
)
SM: Final = LogSuite(
    "sm",
    merkle.SM3,
    suffix="/sm",
    tiles="tile-sm3",
    checkpoint="checkpoint-sm",
    proofs="proofs-sm",
    checks={sm2.TYPE: sm2.verify},
)
SUITES: Final = (INTL, SM)


def named(names: str) -> tuple[LogSuite, ...]:
    """Read suites named with commas between, the first always ``intl``. Raises ValueError."""
    chosen = tuple(name.strip() for name in names.split(","))
    if chosen not in (("intl",), ("intl", "sm")):
        raise ValueError(f'suites are "intl" or "intl,sm", not {names!r}')
    return SUITES[: len(chosen)]
