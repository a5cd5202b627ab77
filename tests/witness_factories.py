"""A log in memory that asks to be witnessed, and a real witness process to ask.

log = GrowingLog("lantai.example/yuntai/records")
with running_witness(tmp_path / "w1", name="w1.example", logs=[log.vkey]) as witness:
    answer = witness.ask(log.request(old=0, size=3))
"""

import contextlib
import hashlib
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lantai.lib.tlog import cosignature, merkle, note, witness
from lantai.lib.tlog.checkpoint import Checkpoint
from lantai.lib.tlog.merkle import SHA256
from lantai.lib.tlog.note import FileSigner, Note, VerifierKey

ENDS_WITHIN = 30.0


@dataclass
class GrowingLog:
    """A log of made-up entries; ``change`` rewrites one of them, behind everybody's back."""

    origin: str = "lantai.example/yuntai/records"
    seed: bytes = bytes(range(32))
    entries: list[bytes] = field(default_factory=lambda: [b"entry %d" % at for at in range(64)])

    @property
    def signer(self) -> FileSigner:
        return FileSigner.from_seed(self.origin, self.seed)

    @property
    def vkey(self) -> str:
        return self.signer.vkey

    @property
    def address(self) -> str:
        return f"/{hashlib.sha256(self.origin.encode()).hexdigest()}/checkpoint"

    def change(self, index: int) -> "GrowingLog":
        """The same log as it would be with another entry at the index."""
        rows = list(self.entries)
        rows[index] = b"rewritten"
        return GrowingLog(self.origin, self.seed, rows)

    def root(self, size: int) -> bytes:
        return merkle.root_of(SHA256.leaf(row) for row in self.entries[:size])

    def text(self, size: int) -> str:
        return Checkpoint(self.origin, size, self.root(size)).text

    def head(self, size: int) -> Note:
        return note.sign(self.text(size), [self.signer])

    def proof(self, old: int, size: int) -> list[bytes]:
        nodes = merkle.nodes_over([SHA256.leaf(row) for row in self.entries])
        return merkle.consistency_proof(old, size, nodes)

    def request(self, *, old: int, size: int) -> bytes:
        return witness.add_checkpoint(old, self.proof(old, size), self.head(size))


@dataclass(frozen=True)
class Answered:
    status: int
    type: str
    body: bytes

    @property
    def row(self) -> Any:
        return json.loads(self.body)


@dataclass
class RunningWitness:
    """A witness process; ``address`` has no slash at its end."""

    home: Path
    address: str
    vkey: str
    process: subprocess.Popen[bytes]

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    @property
    def key(self) -> VerifierKey:
        return VerifierKey.parse(self.vkey)

    def call(self, method: str, path: str, body: bytes | None = None) -> Answered:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ENDS_WITHIN)
        with contextlib.closing(connection):
            connection.request(method, path, body)
            answer = connection.getresponse()
            return Answered(answer.status, answer.headers["Content-Type"], answer.read())

    def ask(self, body: bytes) -> Answered:
        return self.call("POST", "/add-checkpoint", body)

    def read(self, path: str) -> Answered:
        return self.call("GET", path)

    def cosigned(self, answer: Answered, text: str) -> bool:
        """Whether the answer is this witness's word on the text."""
        lines = witness.parse_signatures(answer.body, text)
        return len(cosignature.cosignatures(lines, (self.key,))) == 1

    def kill(self) -> None:
        """End all of it at once, as a power cut would end the process."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(ENDS_WITHIN)


def lantai_witness(verb: str, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run ``lantai witness`` to its end, without the application's settings."""
    return subprocess.run(
        [*_command(verb, home), *words],
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=ENDS_WITHIN,
    )


def new_witness(
    home: Path, *, name: str, logs: Sequence[str] = (), algorithm: str = "ed25519"
) -> str:
    """Begin a witness that trusts these log keys; return its public key."""
    made = lantai_witness("init", home, "--name", name, "--algorithm", algorithm, "--json")
    assert made.returncode == 0, made.stderr
    if logs:
        trusted = lantai_witness("trust", home, *logs)
        assert trusted.returncode == 0, trusted.stderr
    vkey: str = json.loads(made.stdout)["vkey"]
    return vkey


@contextmanager
def serving(home: Path, vkey: str) -> Iterator[RunningWitness]:
    """Serve a witness already begun; the process and all it started end with the block."""
    process = subprocess.Popen(
        [*_command("serve", home), "--port", "0", "--json"],
        env=_environment(),
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    running = None
    try:
        line = process.stdout.readline()  # comes when the port listens
        assert line, f"the witness ended with {process.wait(ENDS_WITHIN)}"
        running = RunningWitness(home, json.loads(line)["address"], vkey, process)
        yield running
    finally:
        process.terminate()
        try:
            process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()


@contextmanager
def running_witness(
    home: Path, *, name: str, logs: Sequence[str] = (), algorithm: str = "ed25519"
) -> Iterator[RunningWitness]:
    """Begin a witness and serve it."""
    with serving(home, new_witness(home, name=name, logs=logs, algorithm=algorithm)) as running:
        yield running


def _command(verb: str, home: Path) -> list[str]:
    return [sys.executable, "-m", "lantai.ops.main", "witness", verb, "--home", str(home)]


def _environment() -> dict[str, str]:
    kept = ("PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "LANG", "TMPDIR")
    return {key: os.environ[key] for key in kept if key in os.environ}
