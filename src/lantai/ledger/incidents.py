"""What witnesses refused, kept; and the stop it puts on signing until a person has looked.

Plain files in ``witnesses/`` of the data directory: they outlive a database that is put back to an
old backup, which is one of the things they speak of.

    evidence/<stream>-<digest>.json   one refusal: what was asked, what was answered and shown
    <stream>.stop                     the refusal that stopped the signing of a stream
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from lantai.ledger import files
from lantai.lib import canonical

FOLDER: Final = "witnesses"
_EVIDENCE: Final = "evidence"


@dataclass(frozen=True)
class Incident:
    """A refusal. ``proven`` tells that the witness showed our own signature against us.

    ``asked`` is the signed head it was asked to cosign, ``shown`` the note it holds against it;
    ``at`` is an ISO 8601 moment in UTC.
    """

    stream: str
    witness: str
    status: int
    size: int
    why: str
    proven: bool
    asked: str
    shown: str
    at: str

    @property
    def digest(self) -> str:
        """The same for the same refusal, whenever it is met again."""
        return hashlib.sha256(canonical.dumps(asdict(replace(self, at="")))).hexdigest()

    @property
    def name(self) -> str:
        return f"{self.stream}-{self.digest[:16]}"


def keep(home: Path, incident: Incident) -> bool:
    """Keep a refusal as evidence; tell whether it is a new one."""
    folder = home / FOLDER / _EVIDENCE
    if (folder / f"{incident.name}.json").exists():
        return False
    _write(folder / f"{incident.name}.json", asdict(incident))
    return True


def kept(home: Path) -> tuple[Incident, ...]:
    """Every refusal kept, newest first."""
    found = (home / FOLDER / _EVIDENCE).glob("*.json")
    read = [Incident(**json.loads(path.read_text("utf-8"))) for path in found]
    return tuple(sorted(read, key=lambda each: (each.at, each.name), reverse=True))


def stop(home: Path, incident: Incident) -> None:
    """Let nothing more be signed in the stream; the first reason stays."""
    path = _stop_of(home, incident.stream)
    if not path.exists():
        _write(path, asdict(incident))


def standing(home: Path, stream: str) -> Incident | None:
    """Why a stream is not signed any more, or None."""
    try:
        return Incident(**json.loads(_stop_of(home, stream).read_text("utf-8")))
    except FileNotFoundError:
        return None


def lift(home: Path, stream: str) -> None:
    """Let the stream be signed again; what was kept as evidence stays."""
    path = _stop_of(home, stream)
    path.unlink(missing_ok=True)
    files.sync_directory(path.parent)


def _stop_of(home: Path, stream: str) -> Path:
    return home / FOLDER / f"{stream}.stop"


def _write(path: Path, row: dict[str, Any]) -> None:
    files.make_directories(path.parent, mode=0o700)
    text = json.dumps(row, ensure_ascii=False, indent=1)
    files.write_whole(path, text.encode(), incoming=path.parent, mode=0o600)
    files.sync_directory(path.parent)
