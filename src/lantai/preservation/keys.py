"""The keys of the packages, in ``keys/``: one key-encryption key, and under it one key a dossier.

``preservation.key`` holds a key a line, the newest first; a second line is there only while the
dossier keys are being wrapped again. ``preservation/<ab>/<dossier>.key`` holds a dossier's key,
wrapped. Losing either loses the packages: they belong into the backup of keys, not into the
backup of the store.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lantai.lib import sealing
from lantai.lib.ocfl import disk
from lantai.lib.sealing import Key, Suite

_MODE: Final = 0o600


class KeyMissing(RuntimeError):
    """A key that was used is not there: nothing is made in its place until a person has looked."""


def dossier_key(home: Path, uid: str, *, may_make: bool, suite: Suite) -> Key:
    """Return the key of a dossier; make it, on disk when this returns, if none was ever used.

    Raises KeyMissing, sealing.WrongKey, sealing.Tampered.
    """
    path = _path_of(home, uid)
    if not path.exists():
        if not may_make:
            raise KeyMissing(
                f"档案 {uid} 的密钥不在：或已按规定销毁，或已遗失；遗失的请从密钥备份中恢复"
            )
        _above(home, may_make=True, suite=suite)
        with _held(home):
            if not path.exists():
                above = _above(home, may_make=False, suite=suite)[0]
                wrapped = sealing.wrap(sealing.new_key(suite), under=above, purpose=_purpose(uid))
                _put(path, wrapped)
    return _unwrapped(path, uid, _above(home, may_make=False, suite=suite))


def has_key(home: Path, uid: str) -> bool:
    return _path_of(home, uid).exists()


def change(home: Path, *, suite: Suite) -> int:
    """Put a new key-encryption key above all dossier keys; return how many were wrapped again.

    May be stopped at any moment and run again: both keys stay until the last dossier key is
    wrapped under the new one. No sealed file is touched.
    """
    _above(home, may_make=True, suite=suite)
    with _held(home):
        above = _above(home, may_make=False, suite=suite)
        if len(above) == 1:
            above = (sealing.new_key(suite), *above)
            _put(_above_path(home), "".join(key.dumps() for key in above))
        count = 0
        for path in _paths(home):
            uid = path.stem
            wrapped = sealing.wrap(
                _unwrapped(path, uid, above), under=above[0], purpose=_purpose(uid)
            )
            _put(path, wrapped)
            count += 1
        _put(_above_path(home), above[0].dumps())
    return count


def destroy(home: Path, uid: str) -> None:
    """Destroy the key of a dossier: what is sealed under it is lost. Raises KeyMissing."""
    path = _path_of(home, uid)
    with _held(home):
        if not path.exists():
            raise KeyMissing(f"档案 {uid} 的密钥不在，没有可销毁的")
        with path.open("r+b") as stream:  # the same blocks where the file system allows it
            stream.write(secrets.token_bytes(path.stat().st_size))
            stream.flush()
            os.fsync(stream.fileno())
        path.unlink()
        disk.force_folder(path.parent)


def _above(home: Path, *, may_make: bool, suite: Suite) -> tuple[Key, ...]:
    path = _above_path(home)
    if not path.exists():
        if not may_make or any(_paths(home)):
            raise KeyMissing(
                f"主密钥 keys/{path.name} 不在，而档案密钥由它保护；请从密钥备份中恢复，不要另造"
            )
        with _held(home):
            if not path.exists():
                _put(path, sealing.new_key(suite).dumps())
    try:
        return tuple(sealing.parse_key(line) for line in path.read_text().splitlines())
    except ValueError as strange:
        raise KeyMissing(f"主密钥 keys/{path.name} 读不懂，请从密钥备份中恢复") from strange


def _unwrapped(path: Path, uid: str, above: tuple[Key, ...]) -> Key:
    wrapped = path.read_text()
    for older in above[1:]:
        try:
            return sealing.unwrap(wrapped, under=older, purpose=_purpose(uid))
        except sealing.WrongKey:
            continue
    return sealing.unwrap(wrapped, under=above[0], purpose=_purpose(uid))


@contextmanager
def _held(home: Path) -> Iterator[None]:
    """Hold all keys: a key made or destroyed while others are wrapped again would be lost."""
    disk.make_folder(_folder(home))
    with disk.alone(_folder(home) / "keys.lock", wait=True):
        yield


def _paths(home: Path) -> Iterator[Path]:
    yield from sorted(_folder(home).glob("??/*.key"))


def _purpose(uid: str) -> str:
    return f"dossier:{uid}"


def _folder(home: Path) -> Path:
    return home / "keys" / "preservation"


def _above_path(home: Path) -> Path:
    return home / "keys" / "preservation.key"


def _path_of(home: Path, uid: str) -> Path:
    if not (uid.isascii() and uid.isalnum()):
        raise ValueError(f"not the uid of a dossier: {uid!r}")
    return _folder(home) / uid[:2] / f"{uid}.key"


def _put(path: Path, text: str) -> None:
    """Write a small file whole, in the place of an older one, on disk when this returns."""
    disk.make_folder(path.parent)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        disk.move(fresh, path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
        disk.force_folder(folder)
