"""What writers in processes of their own do to a bucket, until they are killed.

Run as a program this file is where they come from: it has everything loaded and nothing begun,
and for each line it reads it forks a process that does what the line says.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import ocfl_factories as factories
import seaweed
from between import Asked, Cut, relay

from lantai.lib.ocfl import writer
from lantai.lib.ocfl.layout import Store

A = "urn:test:a"


def growth(store: Store, number: int) -> None:
    """Write version after version, up to this one."""
    for wanted in range(1, number + 1):
        with writer.writing(store, A) as draft:
            if draft.number != wanted:
                continue
            with draft.file(f"1-1-{wanted:03d}.jpg") as stream:
                stream.write(b"page %d" % wanted)
            for path, digest in (draft.before.state if draft.before else {}).items():
                draft.carry(path, digest)
            draft.commit(at=factories.NOON, message="", user="tester", address="urn:x:y")


def adoption(store: Store, home: str) -> None:
    """Bring all versions of a local store over."""
    writer.adopt(store, A, Store(Path(home)))


def mending(store: Store, home: str, path: str) -> None:
    """Put one file back from a local store."""
    writer.mend(store.at(A), path, Store(Path(home)).at(A))


def bulk(store: Store, size: int) -> None:
    """Write one large file and read it again, with little memory to do it in."""
    piece = bytes(range(256)) * 4096
    with writer.writing(store, A) as draft:
        with draft.file("large") as stream:
            for _ in range(size // len(piece)):
                stream.write(piece)
        draft.commit(at=factories.NOON, message="", user="tester", address="urn:x:y")
    with store.at(A).open("v1/content/large") as held:
        while read := held.read(len(piece)):
            assert read == piece


ACTS = {act.__name__: act for act in (growth, adoption, mending, bulk)}


def killed_after(
    number: int, act: Callable[..., None], place: tuple[Path, str, str], *words: Any
) -> bool:
    """Let a process act on a bucket, killed when its n-th PUT was done but not answered.

    ``place`` is the stage, the bucket and the prefix. Returns whether it came to that.
    """
    put = 0
    victim: list[int] = []
    known = threading.Event()

    def rule(asked: Asked) -> Cut | None:
        nonlocal put
        put += asked.method == "PUT"
        if asked.method == "PUT" and put == number:
            return Cut(before_status=True, then=kill)
        return None

    def kill() -> None:
        known.wait()
        os.kill(victim[0], signal.SIGKILL)

    with relay(seaweed.server().address, rule) as between:
        victim.append(_begin(act, place, between.address, words))
        known.set()
        code = _ended()
    assert code in {0, -signal.SIGKILL}
    return code != 0


def done(act: Callable[..., None], place: tuple[Path, str, str], *words: Any, room: int) -> int:
    """Let a process act with so many bytes of memory more than it has; return its exit code."""
    _begin(act, place, seaweed.server().address, words, room=room)
    return _ended()


@cache
def _origin() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def _begin(
    act: Callable[..., None],
    place: tuple[Path, str, str],
    address: str,
    words: tuple[Any, ...],
    *,
    room: int = 0,
) -> int:
    asked = {
        "act": act.__name__,
        "place": [str(part) for part in place],
        "address": address,
        "words": [str(word) if isinstance(word, Path) else word for word in words],
        "room": room,
    }
    return int(_say(json.dumps(asked)))


def _ended() -> int:
    return int(_say(""))


def _say(line: str) -> str:
    origin = _origin()
    assert origin.stdin
    assert origin.stdout
    if line:
        print(line, file=origin.stdin, flush=True)
    return origin.stdout.readline()


def _serve() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                _limit(asked["room"])
                stage, bucket, prefix = asked["place"]
                store = seaweed.store(Path(stage), bucket, prefix, address=asked["address"])
                ACTS[asked["act"]](store, *asked["words"])
                code = 0
            finally:
                os._exit(code)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _limit(room: int) -> None:
    """Let this process take so many bytes more than it has (0: as many as it likes)."""
    if room:
        import resource  # noqa: PLC0415 -- only where it is used

        status = Path("/proc/self/status").read_text()
        has = int(status.split("VmData:")[1].split()[0]) * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (has + room, has + room))


if __name__ == "__main__":
    _serve()
