"""A witness killed at any moment, or with a full disk: what it said is what it remembers."""

import contextlib
import random
import resource
import select
import signal
import socket
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from witness_factories import GrowingLog, RunningWitness, new_witness, running_witness, serving

from lantai.lib.refusals import Conflict
from lantai.lib.tlog import cosignature, witness
from lantai.lib.tlog.note import VerifierKey
from lantai.witness import store
from lantai.witness.keys import Cosigner
from lantai.witness.store import Store

pytestmark = pytest.mark.faults
LIVES = 12  # of one witness, each ended by kill -9
MOMENT = 0.02  # seconds within which a kill strikes, from the sending on: about one request
EMPTY = GrowingLog(entries=[])


@dataclass
class Stream:
    """Histories told to one witness, several at once from each head, and what it was heard to say."""

    vkey: str
    chance: random.Random
    told: dict[bytes, GrowingLog] = field(default_factory=lambda: {EMPTY.root(0): EMPTY})
    heard: dict[int, set[bytes]] = field(default_factory=dict)

    def other_growths(self, root: bytes, *, count: int) -> list[GrowingLog]:
        """Logs that agree with the witness's head and differ after it."""
        grown = self.chance.randint(1, 3)
        logs = [
            GrowingLog(entries=[*self.told[root].entries, *(b"%d" % way for _ in range(grown))])
            for way in range(count)
        ]
        self.told.update({log.root(len(log.entries)): log for log in logs})
        return logs

    def hear(self, log: GrowingLog, answer: bytes) -> bool:
        """Take down an answer that came whole; tell whether it was a cosignature."""
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200") or f"Length: {len(body)}" not in head.decode():
            return False
        size = len(log.entries)
        read = witness.parse_signatures(body, log.text(size))
        assert len(cosignature.cosignatures(read, (VerifierKey.parse(self.vkey),))) == 1
        self.heard.setdefault(size, set()).add(log.root(size))
        return True

    def check(self, home: Path) -> None:
        with contextlib.closing(sqlite3.connect(home / store.FILE)) as database:
            kept = {(size, root) for size, root in database.execute("SELECT size, root FROM head")}
        assert [size for size, roots in self.heard.items() if len(roots) > 1] == []
        assert {(size, *roots) for size, roots in self.heard.items()} <= kept


def head_of(process: RunningWitness) -> tuple[int, bytes]:
    (log,) = process.read("/state").row["logs"]
    return (log["size"], bytes.fromhex(log["root"])) if log["root"] else (0, EMPTY.root(0))


def sent(process: RunningWitness, body: bytes) -> socket.socket:
    """Send a request and do not wait."""
    caller = socket.create_connection(("127.0.0.1", process.port), timeout=30)
    head = f"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    caller.sendall(head.encode() + body)
    return caller


def answer_of(caller: socket.socket) -> bytes:
    """All that ever came, even from one who died meanwhile."""
    with caller:
        whole = b""
        with contextlib.suppress(ConnectionError):
            while part := caller.recv(65536):
                whole += part
        return whole


def live(process: RunningWitness, stream: Stream) -> int:
    """One life: requests until a kill in the middle of one; how many cosignatures were heard."""
    words = 0
    requests = stream.chance.randint(1, 12)
    for number in range(requests):
        size, root = head_of(process)
        logs = stream.other_growths(root, count=2)
        callers = [sent(process, log.request(old=size, size=len(log.entries))) for log in logs]
        if number == requests - 1:
            select.select(callers, [], [], stream.chance.random() * MOMENT)
            process.kill()
        words += sum(
            stream.hear(log, answer_of(caller)) for log, caller in zip(logs, callers, strict=True)
        )
    return words


def test_a_witness_killed_at_random_moments_never_cosigns_two_histories(tmp_path: Path) -> None:
    home = tmp_path / "w"
    stream = Stream(new_witness(home, name="w", logs=[EMPTY.vkey]), random.Random(20261125))
    words = 0

    for _ in range(LIVES):
        with serving(home, stream.vkey) as process:
            words += live(process, stream)
        stream.check(home)

    assert words >= LIVES
    with serving(home, stream.vkey) as process:
        size, root = head_of(process)
        assert size >= max(stream.heard)
        (log,) = stream.other_growths(root, count=1)
        assert process.ask(log.request(old=size, size=len(log.entries))).status == 200


def test_a_full_disk_is_no_cosignature_and_passes(tmp_path: Path) -> None:
    home = tmp_path / "w"
    with running_witness(home, name="w", logs=[EMPTY.vkey]) as process:
        stream = Stream(process.vkey, random.Random(1))
        assert process.ask(EMPTY.request(old=0, size=0)).status == 200
        (server,) = map(int, _children(process.process.pid))
        written = (home / f"{store.FILE}-wal").stat().st_size
        unlimited = resource.prlimit(server, resource.RLIMIT_FSIZE)
        resource.prlimit(server, resource.RLIMIT_FSIZE, (written + 100_000, unlimited[1]))

        said = []
        while 503 not in said:
            size, root = head_of(process)
            (log,) = stream.other_growths(root, count=1)
            answer = process.ask(log.request(old=size, size=len(log.entries)))
            said.append(answer.status)
            assert head_of(process)[0] == (len(log.entries) if answer.status == 200 else size)
        resource.prlimit(server, resource.RLIMIT_FSIZE, unlimited)

        assert len(said) > 2
        assert set(said) == {200, 503}
        assert process.ask(log.request(old=size, size=len(log.entries))).status == 200


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


BEGIN = """
import os, signal, sys
from pathlib import Path
from lantai.witness import store
from lantai.witness.keys import Cosigner

home, at = Path(sys.argv[1]), int(sys.argv[2])
cosigner, count = Cosigner.new("w", "ed25519"), 0

def counted(call):
    def step(*words, **more):
        global count
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*words, **more)
    return step

for name in ("open", "mkdir", "chmod", "fsync", "rename", "link", "unlink"):
    setattr(os, name, counted(getattr(os, name)))
store.make(home, cosigner, at=1)
"""


def test_a_beginning_killed_at_each_step_is_whole_or_made_again(tmp_path: Path) -> None:
    whole = []
    for step in range(1, 40):
        home = tmp_path / str(step)
        ended = subprocess.run([sys.executable, "-c", BEGIN, str(home), str(step)], check=False)
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL
        with contextlib.suppress(Conflict):
            store.make(home, Cosigner.new("w", "ed25519"), at=2)
        whole.append(Store.open(home).logs() == [])
    else:
        pytest.fail("there is no end to the steps")

    assert len(whole) > 8
    assert all(whole)
    assert sorted(path.name for path in home.iterdir()) == ["witness.db", "witness.key"]
