"""The calls that change files, one step each; everything durable is built of these.

After a power cut any subset of what was not yet forced to disk may be there: ``force_all`` and
``force_folder`` are the only points from which on something is certain.
"""

import ctypes
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

FILE_MODE: Final = 0o400
FOLDER_MODE: Final = 0o700
_C_LIBRARY: Final = ctypes.CDLL(None, use_errno=True)


class Busy(RuntimeError):
    """Another writer is at work in this place."""


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(FOLDER_MODE, exist_ok=True)


@contextmanager
def create(path: Path) -> Iterator[BinaryIO]:
    """Write a file that is not there yet; it is read-only from the start."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(descriptor, "wb") as stream:
        yield stream


def move(source: Path, target: Path) -> None:
    """Give a file or folder its place in one step; a file takes the place of an older one."""
    source.rename(target)


def overwrite(path: Path, held: bytes) -> None:
    """Write over the bytes of a file that is there, forced to disk before this returns."""
    descriptor = os.open(path, os.O_WRONLY)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(held)
        stream.flush()
        os.fsync(descriptor)


def unlink(path: Path) -> None:
    """Remove a file."""
    path.unlink()


def force_all(folder: Path) -> None:
    """Force everything written to the file system of a folder to disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if not hasattr(_C_LIBRARY, "syncfs"):
            os.sync()
        elif _C_LIBRARY.syncfs(descriptor) != 0:
            failed = ctypes.get_errno()
            raise OSError(failed, os.strerror(failed), str(folder))
    finally:
        os.close(descriptor)


def force_folder(folder: Path) -> None:
    """Force the names in a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(folder: Path) -> None:
    """Remove a folder with all below it, if it is there."""
    if folder.exists():
        shutil.rmtree(folder)


@contextmanager
def alone(lock: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold a lock; it ends with the process at the latest.

    If another holds it: wait for its end, or raise Busy.
    """
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError as held:
            os.close(descriptor)
            if held.errno in {errno.EWOULDBLOCK, errno.EACCES}:
                raise Busy(str(lock.name)) from held
            raise
        # The one before may have taken the file away between the two calls.
        if _is_still(lock, descriptor):
            break
        os.close(descriptor)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
