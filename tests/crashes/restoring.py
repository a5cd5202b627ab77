"""A restore watched call by call: ``restoring.py SOURCE HOME``, the passphrase on standard input.

A process of its own, since a restore reads the settings when it has the keys.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import crashing
import power
import pytest

from lantai.ops.backups import restoring
from lantai.ops.backups.target import Target


def states_of_a_restore(source: Path, home: Path, passphrase: str) -> dict[str, int]:
    """In each state the data directory is there with everything, or not there at all."""
    with (
        pytest.MonkeyPatch.context() as patch,
        power.watched(home.parent, patch, durable=lambda path: ".sqlite3" in path) as watch,
    ):
        restoring.restore(
            source=Target(source),
            moment=None,
            home=home,
            passphrases=[passphrase],
            asked=restoring.Asked(packages=None, pages=1),
            told=lambda sentence: None,
        )
        watch.acknowledge()
    final = below(home.name, crashing.tree_of(home.parent).items())
    found = {"examined": 0, "absent": 0, "there": 0}
    for acts, state in watch.states(most=32, regards=lambda path: path.startswith(home.name)):
        found["examined"] += 1
        here = below(home.name, state.items())
        assert acts == 0 or here
        found["there" if here else "absent"] += 1
        assert not here or here == final, sorted(here.items() ^ final.items())[:3]
    return found


def below(name: str, held: Iterable[tuple[str, bytes | None]]) -> dict[str, bytes | None]:
    return {
        path: content
        for path, content in held
        if path.startswith(f"{name}/") and path != f"{name}/{restoring._UNDER_WAY}"
    }


if __name__ == "__main__":
    told = states_of_a_restore(Path(sys.argv[1]), Path(sys.argv[2]), sys.stdin.read().strip())
    sys.stdout.write(json.dumps(told))
