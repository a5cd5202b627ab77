"""A restore killed at one of its steps: ``restoring.py STEP SOURCE HOME``.

A process of its own for each, since a restore reads the settings when it has the keys. A step is
every call that changes or forces files, opens a database, or starts a program.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from lantai.ops.backups import restoring
from lantai.ops.backups.target import Target

EVENTS = frozenset(
    {
        *("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.truncate", "os.chmod"),
        *("sqlite3.connect", "subprocess.Popen"),
    }
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Killer:
    def __init__(self, at: int, below: str) -> None:
        self.at, self.below, self.count = at, below, 0

    def step(self) -> None:
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def arm(self) -> None:
        sys.addaudithook(self._heard)
        plain = os.fsync

        def fsync(descriptor: int) -> None:
            self.step()
            plain(descriptor)

        os.fsync = fsync  # type: ignore[assignment]

    def _heard(self, event: str, words: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = words
            inside = not isinstance(path, int) and os.fspath(path).startswith(self.below)
            if inside and flags & WRITING:
                self.step()
        elif event in EVENTS:
            self.step()


def main(step: int, source: Path, home: Path, passphrase: str) -> None:
    killer = Killer(step, str(home.parent))
    killer.arm()
    restoring.restore(
        source=Target(source),
        moment=None,
        home=home,
        passphrases=[passphrase],
        asked=restoring.Asked(None, 20),
        told=lambda sentence: None,
    )
    print(killer.count)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.stdin.read())
