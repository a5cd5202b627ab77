"""Files that are there whole or not at all.

Masters: ``vault/<ab>/<cd>/<sha256>``, read-only, durable before the row that names them commits,
never replaced by anything.
Derivatives: ``derived/<ab>/<sha256>/<kind>``, whole but not forced to disk, since they can be
made again from the master.
"""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

DERIVATIVES: Final = ("thumbnail.jpg", "tiles.pack")
MASTER_MODE: Final = 0o400
_INCOMING: Final = ".incoming"


class Damaged(RuntimeError):
    """A master is missing or is not what was stored: an incident, not a refusal."""


def master_path(home: Path, sha256: str) -> Path:
    return home / "vault" / sha256[:2] / sha256[2:4] / sha256


def derivative_path(home: Path, sha256: str, kind: str) -> Path:
    if kind not in DERIVATIVES:
        raise ValueError(f"no such derivative: {kind}")
    return home / "derived" / sha256[:2] / sha256 / kind


def write_master(home: Path, sha256: str, content: bytes) -> None:
    """Put a master in its place, on disk when this returns; harmless if it is there already.

    Temporary file, fsync, a second name that takes no place of another, fsync of every directory.
    Raises Damaged if another content stands in its place: that is left as it is.
    """
    target = master_path(home, sha256)
    _make_directories(target.parent)
    incoming = home / "vault" / _INCOMING
    incoming.mkdir(exist_ok=True)
    if not target.exists():
        _write(target, content, incoming / f"{sha256}.{secrets.token_hex(4)}")
    elif digest_of(target) != sha256:
        raise Damaged(f"影像母本的位置上另有内容，未覆盖：{sha256[:12]}")
    _sync(target)
    _sync(target.parent)


def write_derivative(home: Path, sha256: str, kind: str, content: bytes) -> None:
    """Put a derivative in its place, replacing an older one whole."""
    target = derivative_path(home, sha256, kind)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{kind}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            stream.write(content)
            stream.flush()
            fresh.replace(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def masters(home: Path) -> Iterator[Path]:
    """Every file that stands where a master of its name stands, in the order of the names."""
    for path in _files_below(home / "vault"):
        if _is_master(home, path):
            yield path


def strangers(home: Path) -> Iterator[Path]:
    """Files in the vault that stand where nothing of ours stands."""
    for path in _files_below(home / "vault"):
        if path.parent.name != _INCOMING and not _is_master(home, path):
            yield path


def leftovers(home: Path) -> Iterator[Path]:
    """Files that a writer left when it was stopped; no row names them and nobody writes them."""
    incoming = home / "vault" / _INCOMING
    for path in _files_below(incoming):
        if not _is_being_written(path):
            yield path
    for path in _files_below(home / "derived"):
        if path.name.startswith(".") and not _is_being_written(path):
            yield path


def _write(target: Path, content: bytes, fresh: Path) -> None:
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MASTER_MODE)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)  # tells a sweeper that somebody is at work
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
            # A link, not a rename: it fails where a name stands, so that nothing is replaced.
            with suppress(FileExistsError):  # another writer was quicker with the same content
                os.link(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)


def _is_master(home: Path, path: Path) -> bool:
    name = path.name
    return (
        len(name) == 64
        and not set(name) - set("0123456789abcdef")
        and path == master_path(home, name)
    )


def _files_below(folder: Path) -> Iterator[Path]:
    """Every file below a folder, in the order of its paths."""
    if not folder.is_dir():
        return
    for entry in sorted(os.scandir(folder), key=lambda found: found.name):
        if entry.is_dir(follow_symlinks=False):
            yield from _files_below(Path(entry.path))
        else:
            yield Path(entry.path)


def _is_being_written(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return True  # finished since it was listed
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _make_directories(folder: Path) -> None:
    """Make a folder and force the entries that lead to it to disk."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for fresh in reversed(missing):
        fresh.mkdir(exist_ok=True, mode=0o700)
        _sync(fresh.parent)


def _sync(path: Path) -> None:
    """Force a file's content or a directory's entries to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
