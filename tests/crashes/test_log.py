"""After a power cut at any moment: the published log is whole at its checkpoint, and goes on."""

from collections.abc import Sequence
from pathlib import Path

import power
import pytest

from lantai.ledger import files
from lantai.lib.tlog import tiles
from lantai.lib.tlog.merkle import root_of
from lantai.lib.tlog.suite import INTL, SM, LogSuite

SUITES = (INTL, SM)
# Tiles of 256: a first one in part, grown, closed with the next begun, two closed at once.
SIZES = (2, 255, 257, 513)
ENTRIES = [b"entry %d" % index for index in range(SIZES[-1])]
HASHES = INTL.tree.leaves(ENTRIES)


def rows(first: int, count: int) -> Sequence[tuple[bytes, bytes]]:
    return list(zip(ENTRIES[first : first + count], HASHES[first : first + count], strict=True))


def publish(folder: Path, old: int, new: int) -> None:
    with files.publishing(folder):
        files.write_tiles(folder, old=old, new=new, rows=rows, suites=SUITES)
        files.write_checkpoints(folder, {suite: note(suite, new) for suite in SUITES})


def note(suite: LogSuite, size: int) -> str:
    return f"{suite.name}\n{size}\n{root(suite, size).hex()}\n"


def root(suite: LogSuite, size: int) -> bytes:
    return root_of(suite.tree.leaves(ENTRIES[:size]), suite=suite.tree)


def whole_at(folder: Path, suite: LogSuite) -> int:
    """The size of the published checkpoint, after all that it needs was read."""
    published = files.read_checkpoint(folder, suite)
    if published is None:
        return 0
    size = int(published.split("\n")[1])
    assert published == note(suite, size)
    read = tiles.nodes_in(lambda tile: files.read_tile(folder, tile, suite), size, suite=suite.tree)
    assert [read(0, index) for index in range(size)] == suite.tree.leaves(ENTRIES[:size])
    return size


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def test_no_power_cut_leaves_a_checkpoint_without_its_tiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = tmp_path / "undisturbed"
    with power.watched(tmp_path / "home", monkeypatch) as watch:
        for old, new in zip((0, *SIZES), SIZES, strict=False):
            publish(tmp_path / "home" / "log", old, new)
            watch.acknowledge()
    publish_all(undisturbed)
    monkeypatch.setattr(files.os, "fsync", lambda descriptor: None)  # a replay need not be forced

    seen = set()
    examined = 0
    for acts, home in watch.remade(tmp_path / "cut", most=8, regards=is_published):
        examined += 1
        old, new = (0, *SIZES)[acts], (*SIZES, SIZES[-1])[acts]
        stands = {whole_at(home / "log", suite) for suite in SUITES}
        assert stands <= {old, new}
        seen |= stands
        if acts == len(SIZES):
            continue
        publish(home / "log", old, new)
        for after in SIZES[acts + 1 :]:
            publish(home / "log", SIZES[SIZES.index(after) - 1], after)
        assert tree(home / "log").items() >= tree(undisturbed).items()
        left = tree(home / "log").keys() - tree(undisturbed).keys()
        assert all(".p/" in path for path in left)  # parts of tiles that are full by now

    assert seen == {0, *SIZES}
    assert examined > 200


def is_published(path: str) -> bool:
    return ".incoming" not in path


def publish_all(folder: Path) -> None:
    for old, new in zip((0, *SIZES), SIZES, strict=False):
        publish(folder, old, new)


@pytest.mark.parametrize("forgotten", ["files", "folders"])
def test_a_publisher_that_forgets_to_force_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forgotten: str
) -> None:
    with power.watched(tmp_path / "home", monkeypatch, forgets=frozenset({forgotten})) as watch:
        for old, new in ((0, 2), (2, 255)):
            publish(tmp_path / "home" / "log", old, new)
            watch.acknowledge()

    broken = None
    for acts, home in watch.remade(tmp_path / "cut", regards=is_published):
        try:
            if whole_at(home / "log", INTL) not in {(0, 2, 255)[acts], (2, 255, 255)[acts]}:
                broken = "lost"
        except (AssertionError, ValueError, OSError) as wrong:
            broken = repr(wrong)
        if broken:
            break

    assert broken
