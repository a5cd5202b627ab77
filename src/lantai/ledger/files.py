"""The published log: tiles, bundles of entries and the checkpoint, each whole or not at all.

``log/<stream>/`` is laid out as C2SP tlog-tiles says, so that any static web server can show it.
The twin shares the entries, and has hashes and checkpoint under names of its own (``LogSuite``).
A file is written under ``.incoming``, forced to disk, renamed; its directory is forced to disk
before the checkpoint that needs it appears. Files of one size go each step together.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Final

from lantai.lib.tlog import tiles
from lantai.lib.tlog.merkle import HASH_BYTES, root_of
from lantai.lib.tlog.suite import INTL, LogSuite
from lantai.lib.tlog.tiles import HEIGHT, WIDTH, Tile

CHECKPOINT: Final = INTL.checkpoint
_INCOMING: Final = ".incoming"
_LOCK: Final = ".lock"
# Waiting for a disk is shared: files forced at the same time often go in one stroke of it.
_AT_ONCE: Final = 8
_PLACED_TOGETHER: Final = 64  # files held in memory before they are put in their places

# (first index, count) → leaf bytes and leaf hashes, in order
Rows = Callable[[int, int], Sequence[tuple[bytes, bytes]]]


def folder_of(home: Path, stream: str) -> Path:
    return home / "log" / stream


@contextmanager
def publishing(folder: Path) -> Iterator[None]:
    """Hold the one place of a publisher on this data directory; wait until it is free."""
    make_directories(folder)
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def read_checkpoint(folder: Path, suite: LogSuite = INTL) -> str | None:
    """Return the signed note as published, or None before the first."""
    try:
        return (folder / suite.checkpoint).read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return None


def read_tile(folder: Path, tile: Tile, suite: LogSuite = INTL) -> bytes:
    """Return the hashes of a tile; out of the full tile if the partial one is gone."""
    path = folder / tile.path_in(suite.tiles)
    if tile.width < WIDTH and not path.exists():
        whole = folder / Tile(tile.level, tile.index, WIDTH).path_in(suite.tiles)
        return whole.read_bytes()[: tile.width * HASH_BYTES]
    return path.read_bytes()


def write_checkpoint(folder: Path, note: str, suite: LogSuite = INTL) -> None:
    write_checkpoints(folder, {suite: note})


def write_checkpoints(folder: Path, notes: Mapping[LogSuite, str]) -> None:
    """Publish the signed heads of one signing."""
    _place(folder, {suite.checkpoint: note.encode() for suite, note in notes.items()})


def write_tiles(
    folder: Path, *, old: int, new: int, rows: Rows, suites: Sequence[LogSuite] = (INTL,)
) -> None:
    """Write every tile that the new size has and the old has not; with ``intl``, the bundles too.

    Full tiles replace their partial ones. All is on disk when this returns. Raises
    FileNotFoundError if a tile that the old size must have is not there.
    """
    sweep(folder)
    fresh: dict[str, bytes] = {}
    closed: dict[LogSuite, list[bytes]] = {suite: [] for suite in suites}
    for index in range(old // WIDTH, -(-new // WIDTH)):
        count = min(WIDTH, new - index * WIDTH)
        leaves, leaf_hashes = map(list, zip(*rows(index * WIDTH, count), strict=True))
        if INTL in suites:
            fresh[tiles.bundle_path(index, count)] = tiles.encode_entries(leaves)
        for suite in suites:
            hashes = leaf_hashes if suite is INTL else suite.tree.leaves(leaves)
            fresh[Tile(0, index, count).path_in(suite.tiles)] = tiles.encode_hashes(hashes)
            if count == WIDTH:
                closed[suite].append(root_of(hashes, suite=suite.tree))
        if len(fresh) >= _PLACED_TOGETHER:
            _place(folder, fresh)
            fresh = {}
    for suite in suites:
        level = 1
        while roots := closed[suite]:
            closed[suite] = _grow_level(folder, level, suite, old=old, roots=roots, fresh=fresh)
            level += 1
    _place(folder, fresh)
    _prune(folder, old=old, new=new, suites=suites)


def sweep(folder: Path) -> None:
    """Remove what a killed publisher left; only under ``publishing``."""
    incoming = folder / _INCOMING
    if incoming.is_dir():
        for left in incoming.iterdir():
            left.unlink()


def make_directories(folder: Path, *, mode: int = 0o755) -> None:
    """Make a directory and force the entries that lead to it to disk."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for fresh in reversed(missing):
        fresh.mkdir(exist_ok=True, mode=mode)
        try:
            sync_directory(fresh.parent)
        except OSError:
            fresh.rmdir()  # the next to come makes it again, and forces it then
            raise


def sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(target: Path, content: bytes, *, incoming: Path, mode: int = 0o644) -> None:
    """Put a file in its place by rename, replacing an older one; the directory is left unforced."""
    fresh = _stage(target, content, incoming=incoming, mode=mode)
    try:
        fresh.replace(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _stage(target: Path, content: bytes, *, incoming: Path, mode: int = 0o644) -> Path:
    """Write what shall stand at a place beside it, force it to disk, and return where it is."""
    fresh, descriptor = _open(target, incoming=incoming, mode=mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return fresh


def _open(target: Path, *, incoming: Path, mode: int = 0o644) -> tuple[Path, int]:
    fresh = incoming / f"{target.name}.{secrets.token_hex(4)}"
    return fresh, os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)


def _place(folder: Path, fresh: Mapping[str, bytes]) -> None:
    """Put files in their places: all on disk, then all renamed, then their directories on disk.

    Where one cannot be written, none is renamed; what was staged is swept by the next publisher.
    """
    incoming = folder / _INCOMING
    make_directories(incoming)
    places = {folder / path: content for path, content in fresh.items()}
    for directory in dict.fromkeys(place.parent for place in places):
        make_directories(directory)
    staged: list[Path] = []
    with ThreadPoolExecutor(_AT_ONCE) as hands:
        with ExitStack() as written:
            streams: list[IO[bytes]] = []
            for place, content in places.items():
                left, descriptor = _open(place, incoming=incoming)
                staged.append(left)
                streams.append(written.enter_context(os.fdopen(descriptor, "wb")))
                streams[-1].write(content)
                streams[-1].flush()
            _shared(hands, lambda stream: os.fsync(stream.fileno()), streams)
        for place, left in zip(places, staged, strict=True):
            left.replace(place)
        _shared(hands, sync_directory, sorted({place.parent for place in places}))


def _shared(hands: ThreadPoolExecutor, force: Callable[[Any], None], held: Sequence[Any]) -> None:
    """Have each forced to disk by one of a few hands; raise if one could not be."""

    def force_all(part: Sequence[Any]) -> None:
        for one in part:
            force(one)

    list(hands.map(force_all, (held[at::_AT_ONCE] for at in range(min(_AT_ONCE, len(held))))))


def _grow_level(
    folder: Path,
    level: int,
    suite: LogSuite,
    *,
    old: int,
    roots: list[bytes],
    fresh: dict[str, bytes],
) -> list[bytes]:
    """Add the tiles of a level that take up new roots; return the roots of the full ones."""
    had = old >> HEIGHT * level
    index, place = divmod(had, WIDTH)
    before = tiles.decode_hashes(
        read_tile(folder, Tile(level, index, place), suite) if place else b"", width=place
    )
    hashes = before + roots
    closed = []
    for at in range(0, len(hashes), WIDTH):
        part = hashes[at : at + WIDTH]
        tile = Tile(level, index + at // WIDTH, len(part))
        fresh[tile.path_in(suite.tiles)] = tiles.encode_hashes(part)
        if len(part) == WIDTH:
            closed.append(root_of(part, suite=suite.tree))
    return closed


def _prune(folder: Path, *, old: int, new: int, suites: Sequence[LogSuite]) -> None:
    """Remove partial tiles whose full tile is there now."""
    for tile in tiles.tiles_between(old, new):
        if tile.width < WIDTH:
            continue
        full = [tile.path_in(suite.tiles) for suite in suites]
        if tile.level == 0 and INTL in suites:
            full.append(tiles.bundle_path(tile.index, WIDTH))
        for path in full:
            partial = f"{folder}/{path}.p"
            if os.path.isdir(partial):  # noqa: PTH112 -- asked of every tile, and seldom so
                shutil.rmtree(partial, ignore_errors=True)
