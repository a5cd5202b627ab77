"""What became of asking: the last answer of every witness, kept in ``witnesses/asked.json``.

It is not evidence: it tells when to ask again, and the supervision desk what was wrong. Whoever
loses it asks everybody once more.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from lantai.ledger import files
from lantai.ledger.incidents import FOLDER

_NAME: Final = "asked.json"
_FIRST_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(minutes=5)
_DOUBLINGS: Final = 6


@dataclass(frozen=True)
class Said:
    """``size`` is what the witness last cosigned, ``error`` why it did not the last time."""

    at: datetime
    size: int
    error: str
    error_at: datetime | None
    failures: int

    def may_be_asked(self, *, at: datetime) -> bool:
        """A witness that failed is left alone for a while, longer each time."""
        if self.error_at is None or not self.failures:
            return True
        pause = _FIRST_PAUSE * 2 ** min(self.failures - 1, _DOUBLINGS)
        return at >= self.error_at + min(pause, _LONGEST_PAUSE) or at < self.error_at


Asked = dict[tuple[str, str], Said]


def last_said(home: Path) -> Asked:
    """By stream and witness. Unreadable is as good as never asked."""
    try:
        rows = json.loads((home / FOLDER / _NAME).read_text("utf-8"))
        return {
            (row["stream"], row["witness"]): Said(
                at=datetime.fromisoformat(row["at"]),
                size=row["size"],
                error=row["error"],
                error_at=datetime.fromisoformat(row["error_at"]) if row["error_at"] else None,
                failures=row["failures"],
            )
            for row in rows
        }
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}


def note_said(
    home: Path, *, stream: str, answers: dict[str, tuple[int, str]], at: datetime
) -> None:
    """Write down the answers of one round: by witness, the size cosigned and the error."""
    folder = home / FOLDER
    files.make_directories(folder, mode=0o700)
    with files.publishing(folder):
        known = last_said(home)
        for witness, (size, error) in answers.items():
            before = known.get((stream, witness))
            failures = before.failures if before else 0
            known[stream, witness] = Said(
                at=at,
                size=size,
                error=error,
                error_at=at if error else None,
                failures=failures + 1 if error else 0,
            )
        rows = [
            {
                **asdict(said),
                "stream": place[0],
                "witness": place[1],
                "at": said.at.isoformat(),
                "error_at": said.error_at.isoformat() if said.error_at else None,
            }
            for place, said in sorted(known.items())
        ]
        files.write_whole(
            folder / _NAME, json.dumps(rows, ensure_ascii=False).encode(), incoming=folder
        )
