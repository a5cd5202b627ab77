"""The published log: tiles, bundles of entries and the checkpoint, each whole or not at all.

``log/<stream>/`` is laid out as C2SP tlog-tiles says, so that any static web server can show it.
A file is written under ``.incoming``, forced to disk, renamed; its directory is forced to disk
before the checkpoint that needs it appears.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lantai.lib.tlog import tiles
from lantai.lib.tlog.merkle import HASH_BYTES, root_of
from lantai.lib.tlog.tiles import HEIGHT, WIDTH, Tile

CHECKPOINT: Final = "checkpoint"
_INCOMING: Final = ".incoming"
_LOCK: Final = ".lock"

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


def read_checkpoint(folder: Path) -> str | None:
    """Return the signed note as published, or None before the first."""
    try:
        return (folder / CHECKPOINT).read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return None


def read_tile(folder: Path, tile: Tile) -> bytes:
    """Return the hashes of a tile; out of the full tile if the partial one is gone."""
    path = folder / tile.path
    if tile.width < WIDTH and not path.exists():
        whole = folder / Tile(tile.level, tile.index, WIDTH).path
        return whole.read_bytes()[: tile.width * HASH_BYTES]
    return path.read_bytes()


def write_checkpoint(folder: Path, note: str) -> None:
    _write(folder, CHECKPOINT, note.encode())
    sync_directory(folder)


def write_tiles(folder: Path, *, old: int, new: int, rows: Rows) -> None:
    """Write every tile and bundle that the new size has and the old size has not.

    Full tiles replace their partial ones. All is on disk when this returns. Raises
    FileNotFoundError if a tile that the old size must have is not there.
    """
    sweep(folder)
    touched: set[Path] = set()
    closed: list[bytes] = []
    for index in range(old // WIDTH, -(-new // WIDTH)):
        count = min(WIDTH, new - index * WIDTH)
        read = rows(index * WIDTH, count)
        hashes = [leaf_hash for _, leaf_hash in read]
        touched.add(
            _write(
                folder,
                tiles.bundle_path(index, count),
                tiles.encode_entries([leaf for leaf, _ in read]),
            )
        )
        touched.add(_write(folder, Tile(0, index, count).path, tiles.encode_hashes(hashes)))
        if count == WIDTH:
            closed.append(root_of(hashes))
    level = 1
    while closed:
        closed = _write_level(folder, level, old=old, fresh=closed, touched=touched)
        level += 1
    for directory in sorted(touched):
        sync_directory(directory)
    _prune(folder, old=old, new=new)


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
        sync_directory(fresh.parent)


def sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(target: Path, content: bytes, *, incoming: Path, mode: int = 0o644) -> None:
    """Put a file in its place by rename, replacing an older one; the directory is left unforced."""
    fresh = incoming / f"{target.name}.{secrets.token_hex(4)}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _write(folder: Path, path: str, content: bytes) -> Path:
    """Write one file of the log and return the directory to force to disk."""
    target = folder / path
    make_directories(target.parent)
    make_directories(folder / _INCOMING)
    write_whole(target, content, incoming=folder / _INCOMING)
    return target.parent


def _write_level(
    folder: Path, level: int, *, old: int, fresh: list[bytes], touched: set[Path]
) -> list[bytes]:
    """Write the tiles of a level that take up fresh hashes; return the roots of the full ones."""
    had = old >> HEIGHT * level
    index, place = divmod(had, WIDTH)
    before = tiles.decode_hashes(
        read_tile(folder, Tile(level, index, place)) if place else b"", width=place
    )
    hashes = before + fresh
    closed = []
    for at in range(0, len(hashes), WIDTH):
        part = hashes[at : at + WIDTH]
        tile = Tile(level, index + at // WIDTH, len(part))
        touched.add(_write(folder, tile.path, tiles.encode_hashes(part)))
        if len(part) == WIDTH:
            closed.append(root_of(part))
    return closed


def _prune(folder: Path, *, old: int, new: int) -> None:
    """Remove partial tiles whose full tile is there now."""
    for tile in tiles.tiles_between(old, new):
        if tile.width == WIDTH:
            for path in (tile.path, tiles.bundle_path(tile.index, WIDTH)):
                if path == tile.path or tile.level == 0:
                    shutil.rmtree(folder / f"{path}.p", ignore_errors=True)
