"""Witnesses in memory, speaking the protocol's own judgement, and policies that name them."""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ledger_factories import NOON, record, remove

from lantai.ledger import queries, witnesses
from lantai.ledger.models import Disclosure, Entry, Head, SigningIntent
from lantai.ledger.witnesses import Answer
from lantai.lib.tlog import cosignature, note, witness
from lantai.lib.tlog.note import Note, VerifierKey
from lantai.lib.tlog.witness import Accept, Request

SPOKEN_AT = 1_795_579_200  # 2026-11-25 04:00 UTC


@dataclass
class MemoryWitness:
    """A witness without a process; ``time`` is what its clock says."""

    name: str
    time: int = SPOKEN_AT
    down: bool = False
    heads: dict[str, tuple[witness.Head, Note]] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def address(self) -> str:
        return f"http://{self.name}"

    @property
    def key(self) -> VerifierKey:
        return cosignature.cosigner_key(self.name, self.private)

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        if self.down:
            raise ConnectionRefusedError
        if method == "GET":
            return self._shown(path)
        request = Request.parse(body)
        self.asked.append(request)
        origin = request.checkpoint.origin
        known = self.heads.get(origin)
        said = witness.judge(
            request, known_logs={origin: log_keys(origin)}, stored=known[0] if known else None
        )
        if isinstance(said, Accept):
            line = cosignature.cosign(
                said.signed.text, name=self.name, private=self.private, time=self.time
            )
            signed = Note(said.signed.text, (*said.signed.signatures, line))
            self.heads[origin] = (witness.Head(said.checkpoint.size, said.checkpoint.root), signed)
            return Answer(200, "text/plain", line.line.encode())
        if said.size is not None:
            return Answer(said.status, witness.SIZE_TYPE, f"{said.size}\n".encode())
        return Answer(said.status, "text/plain", said.why.encode())

    def _shown(self, path: str) -> Answer:
        for origin, (_, signed) in self.heads.items():
            if path == f"/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint":
                return Answer(HTTPStatus.OK, "text/plain", str(signed).encode())
        return Answer(HTTPStatus.NOT_FOUND, "text/plain", b"")


def log_keys(origin: str) -> list[VerifierKey]:
    """The key of our own log, as a witness would have it on paper."""
    key = VerifierKey.parse(queries.verifier_key(stream=origin.rpartition("/")[2]))
    return [key] if key.name == origin else []


def wire(*there: Any) -> Callable[[str, str, bytes], Answer]:
    """A network on which these answer at their addresses."""
    by_host = {each.name: each for each in there}

    def send(method: str, address: str, body: bytes) -> Answer:
        parts = urlsplit(address)
        return by_host[parts.hostname or ""].answer(method, parts.path, body)

    return send


def three() -> list[MemoryWitness]:
    return [MemoryWitness(f"w{number}.example") for number in (1, 2, 3)]


def policy_text(there: Sequence[Any], *, least: str = "all") -> str:
    """A policy of one group of these; each has ``key``, ``address`` and a name."""
    names = [each.key.name.partition(".")[0] for each in there]
    lines = [
        f"witness {name} {each.key} {each.address}" for name, each in zip(names, there, strict=True)
    ]
    return "\n".join([*lines, f"group peers {least} {' '.join(names)}", "quorum peers", ""])


def set_policy(settings: Any, text: str) -> Path:
    """Put a policy in force; each in a file of its own, as a process reads one file once."""
    path = Path(settings.LANTAI_HOME) / f"{secrets.token_hex(4)}.policy"
    path.write_text(text)
    settings.LANTAI_POLICY = path
    return path


def key_of(name: str) -> VerifierKey:
    return cosignature.cosigner_key(name, Ed25519PrivateKey.generate())


def lines_under(text: str) -> int:
    return len(note.parse(text).signatures)


class Liar(MemoryWitness):
    """A witness that answers what it likes."""

    says: Answer = Answer(HTTPStatus.OK, "text/plain", b"")
    shows: bytes = b""

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        if method == "GET":
            return Answer(200 if self.shows else 404, "text/plain", self.shows)
        return self.says


def ask(
    peers: list[MemoryWitness], *, after: timedelta = timedelta(0), everyone: bool = False
) -> witnesses.Round:
    return witnesses.collect(
        stream="records", at=NOON + after, everyone=everyone, send=wire(*peers)
    )


def checkpoint(home: Path) -> str:
    return (home / "log/records/checkpoint").read_text()


def rewrite_history(size: int) -> None:
    """Put another first entry in place, with all that hangs on it, and forget it was signed."""
    remove(Disclosure)
    remove(Entry)
    remove(Head)
    remove(SigningIntent)
    record(size, changed=True)


def forget_the_files(home: Path) -> None:
    for path in sorted((home / "log/records").rglob("*"), reverse=True):
        if path.is_file() and not path.name.startswith("."):
            path.unlink()
