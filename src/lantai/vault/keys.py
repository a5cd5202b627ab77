"""The keys of what is kept, in ``keys/``: one key-encryption key, and under it all others.

``preservation.key`` or ``preservation.pkcs11`` is the key-encryption key (``vault.above``);
``preservation/<ab>/<dossier>.key`` holds a dossier's key, wrapped; ``preservation/store.key`` that
of files in the vault which are in no package. Losing either loses what is sealed: they belong into
the backup of keys, not into the backup of the store. ``<dossier>.destroyed`` says that a key was
destroyed on purpose: it is neither made again nor put back.

A ring is such a set of keys; secret material has one of its own, under ``secret`` in place of
``preservation``.
"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from lantai.ledger.tokens import Place
from lantai.lib import sealing
from lantai.lib.ocfl import disk
from lantai.lib.refusals import Conflict, Unacceptable
from lantai.lib.sealing import Key, Suite
from lantai.vault import above as heads
from lantai.vault.above import Above, InFile, InToken, KeyMissing

__all__ = [
    "KeyDestroyed",
    "KeyMissing",
    "PutBack",
    "Ring",
    "State",
    "change",
    "destroy",
    "dossier_key",
    "has_key",
    "is_destroyed",
    "put_back",
    "state",
    "store_key",
    "taken_out",
]

_STORE: Final = "store"
_AT_ONCE: Final = 256
_Each = TypeVar("_Each")


class Ring(StrEnum):
    """A set of keys under one key-encryption key."""

    PRESERVATION = "preservation"
    SECRET = "secret"  # noqa: S105 -- a name, no password


class KeyDestroyed(KeyMissing):
    """The key was destroyed on purpose: nobody opens what was sealed under it."""


@dataclass(frozen=True)
class State:
    """What a ring is; ``mark`` is empty before its first key."""

    ring: Ring
    held_in: str  # "file", "token", or empty
    place: Place | None
    mark: str
    dossiers: int
    destroyed: int
    changing: bool


@dataclass(frozen=True)
class PutBack:
    """Keys that came back from a backup, and dossiers whose key had been destroyed since."""

    count: int
    destroyed: tuple[str, ...]


def dossier_key(
    home: Path, uid: str, *, may_make: bool, suite: Suite, ring: Ring = Ring.PRESERVATION
) -> Key:
    """Return the key of a dossier; make it, on disk when this returns, if none was ever used.

    Raises KeyDestroyed, KeyMissing, sealing.WrongKey, sealing.Tampered.
    """
    path = _path_of(home, uid, ring)
    _refuse_destroyed(home, path)
    if not (may_make or path.exists()):
        raise KeyMissing(f"档案 {uid} 的密钥不在，而它曾经用过；请从密钥备份中恢复，不要另造")
    return _key(home, path, suite=suite, ring=ring)


def store_key(home: Path, *, may_make: bool, suite: Suite, ring: Ring = Ring.PRESERVATION) -> Key:
    """Return the key of the vault's files that are in no package; made as ``dossier_key``.

    Raises KeyMissing, sealing.WrongKey, sealing.Tampered.
    """
    path = _folder(home, ring) / f"{_STORE}.key"
    if not (may_make or path.exists()):
        raise KeyMissing(f"影像库的密钥 keys/{ring}/{path.name} 不在，请从密钥备份中恢复，不要另造")
    return _key(home, path, suite=suite, ring=ring)


def has_key(home: Path, uid: str, ring: Ring = Ring.PRESERVATION) -> bool:
    return _path_of(home, uid, ring).exists() and not is_destroyed(home, uid)


def is_destroyed(home: Path, uid: str) -> bool:
    """Tell whether the keys of a dossier were destroyed on purpose."""
    return _grave_of(home, uid).exists()


def state(home: Path, ring: Ring) -> State:
    """What a ring is; asks no token. Raises KeyMissing."""
    above = _above(home, ring, may_make=False, suite=None) if _has_above(home, ring) else ()
    newest = above[0] if above else None
    return State(
        ring=ring,
        held_in="" if newest is None else "token" if isinstance(newest, InToken) else "file",
        place=newest.place if isinstance(newest, InToken) else None,
        mark=newest.mark.hex() if newest else "",
        dossiers=sum(1 for path in _paths(home, ring) if path.stem != _STORE),
        destroyed=sum(1 for _ in _folder(home, ring).glob("??/*.destroyed")),
        changing=len(above) > 1,
    )


def change(
    home: Path, *, suite: Suite, ring: Ring = Ring.PRESERVATION, into: Place | None = None
) -> int:
    """Put a new key-encryption key above all others; return how many are under it.

    ``into`` is the token it is made in; without it the new one is held where the old one is. May
    be stopped at any moment and run again: both keys stay until the last key is wrapped under the
    new one. No sealed file is touched.

    Raises Unacceptable for a suite no token has, Conflict while a change to another key is under
    way, KeyMissing, sealing.NotOpened.
    """
    if into is not None and suite is not Suite.AES:
        raise Unacceptable(heads.NO_SM4)
    _above(home, ring, may_make=True, suite=suite)
    with _held(home, ring):
        _sweep(home, ring)
        above = _above(home, ring, may_make=False, suite=suite)
        if len(above) == 1:
            _refuse_unfit(home, ring, above[0], into=into)
            above = (_begun(home, ring, above[0], suite=suite, into=into), *above)
        elif into is not None and not (isinstance(above[0], InToken) and above[0].place == into):
            raise Conflict("上次更换主密钥还没有完成；请先不带令牌参数运行一次，把那次换完")
        count = _wrap_again(home, ring, above)
        _end(home, ring, above[0])
    return count


def destroy(home: Path, uid: str) -> None:
    """Destroy the keys of a dossier in every ring: what is sealed under them is lost.

    Stopped on the way, it is carried on by the next call.
    """
    grave = _grave_of(home, uid)
    with ExitStack() as held:
        for ring in Ring:
            held.enter_context(_held(home, ring))
        paths = [_path_of(home, uid, ring) for ring in Ring]
        if not grave.exists():
            _put([(grave, "")])
        for path in paths:
            if path.exists():
                _erase(path)
            # A call that was stopped may have left the same key under another name.
            for left in sorted(path.parent.glob(f".{path.name}.*")):
                _erase(left)


def taken_out(home: Path, *, under: Key) -> dict[str, str]:
    """Every key of every ring wrapped under another, whatever key-encryption key there is.

    By names such as ``preservation/store`` or ``secret/<dossier>``; an empty text says that the
    key was destroyed. Raises KeyMissing, sealing.NotOpened.
    """
    found: dict[str, str] = {}
    for ring in Ring:
        if not _has_above(home, ring) and not any(_paths(home, ring)):
            continue
        with _held(home, ring):
            above = _above(home, ring, may_make=False, suite=None)
            for paths in _batches(_paths(home, ring)):
                for path, key in zip(paths, _opened(paths, above), strict=True):
                    name = f"{ring}/{path.stem}"
                    found[name] = sealing.wrap(key, under=under, purpose=_escrow(name))
    for grave in _folder(home, Ring.PRESERVATION).glob("??/*.destroyed"):
        for ring in Ring:
            found.pop(f"{ring}/{grave.stem}", None)
        found[f"{Ring.PRESERVATION}/{grave.stem}"] = ""
    return found


def put_back(home: Path, held: Mapping[str, str], *, under: Key, suite: Suite) -> PutBack:
    """Bring keys back from ``taken_out``, under this home's own key-encryption key.

    It is made if there is none. A key that is there stays; one that was destroyed, here or in the
    backup, stays destroyed. Raises ValueError for a name that is none, KeyMissing,
    sealing.NotOpened: then nothing was brought back.
    """
    places = {name: _place_of(home, name) for name in held}
    keys = {
        name: sealing.unwrap(text, under=under, purpose=_escrow(name))
        for name, text in held.items()
        if text
    }
    _put([(_grave_of(home, places[name][1].stem), "") for name, text in held.items() if not text])
    count = 0
    for ring in Ring:
        names = [name for name in keys if places[name][0] is ring]
        if not names:
            continue
        above = _above(home, ring, may_make=True, suite=suite)
        with _held(home, ring):
            for some in _batches(iter(names)):
                wanted = [name for name in some if _may_come_back(home, places[name][1])]
                texts = above[0].wrapped(
                    [(keys[name], _purpose(places[name][1])) for name in wanted]
                )
                _put([(places[name][1], text) for name, text in zip(wanted, texts, strict=True)])
                count += len(wanted)
    stems = {places[name][1].stem for name in held} - {_STORE}
    return PutBack(count, tuple(sorted(stem for stem in stems if is_destroyed(home, stem))))


def _key(home: Path, path: Path, *, suite: Suite, ring: Ring) -> Key:
    if not path.exists():
        _above(home, ring, may_make=True, suite=suite)
        with _held(home, ring):
            _refuse_destroyed(home, path)  # since the look before the ring was held
            if not path.exists():
                newest = _above(home, ring, may_make=False, suite=suite)[0]
                made = newest.wrapped([(sealing.new_key(suite), _purpose(path))])
                _put([(path, made[0])])
    try:
        return _opened([path], _above(home, ring, may_make=False, suite=suite))[0]
    except (KeyMissing, sealing.WrongKey):
        # The key above may have been changed between the two looks; then it stands still here.
        with _held(home, ring):
            return _opened([path], _above(home, ring, may_make=False, suite=suite))[0]


def _refuse_destroyed(home: Path, path: Path) -> None:
    if path.stem != _STORE and is_destroyed(home, path.stem):
        raise KeyDestroyed(f"档案 {path.stem} 的密钥已按规定销毁，任何人不能再读")


def _begun(home: Path, ring: Ring, before: Above, *, suite: Suite, into: Place | None) -> Above:
    """Make the next key-encryption key, on disk beside the one before it."""
    if into is None and isinstance(before, InToken):
        old = before.place
        into = Place(old.module, old.token, f"{ring}-{secrets.token_hex(4)}")
    if into is None:
        fresh = InFile(sealing.new_key(suite))
        older = before.key.dumps() if isinstance(before, InFile) else ""
        _put([(_file_of(home, ring), fresh.key.dumps() + older)])
        return fresh
    for told in _all_places(home):
        used = heads.read_places(told)
        if told != _places_of(home, ring) and any(key.place == into for key in used):
            raise KeyMissing(
                f"令牌 {into.token} 中的密钥 {into.label} 已由 keys/{told.name} 使用；"
                "每一套密钥各用自己的主密钥，请另取名称"
            )
    made = heads.make(into, home / "keys")
    if made.mark == before.mark:
        raise Conflict(f"主密钥已经是令牌 {into.token} 中的 {into.label}，不必更换；请另取名称")
    said = heads.written(made, before if isinstance(before, InToken) else None)
    _put([(_places_of(home, ring), said)])
    return made


def _refuse_unfit(home: Path, ring: Ring, above: Above, *, into: Place | None) -> None:
    """Say what is wrong with a key that cannot be wrapped again, before a next one is made."""
    above.look()
    for path in _paths(home, ring):
        text = _text(path)
        if _mark_in(text) != above.mark:
            above.opened([(text, _purpose(path))])
        if into is not None and json.loads(text).get("suite") != Suite.AES:
            raise Unacceptable(heads.NO_SM4)


def _wrap_again(home: Path, ring: Ring, above: Sequence[Above]) -> int:
    count = 0
    newest = above[0]
    for paths in _batches(_paths(home, ring)):
        older = [path for path in paths if _mark_of(path) != newest.mark]
        keys = _opened(older, above)
        texts = newest.wrapped(
            [(key, _purpose(path)) for path, key in zip(older, keys, strict=True)]
        )
        _put(list(zip(older, texts, strict=True)))
        count += len(paths)
    return count


def _end(home: Path, ring: Ring, newest: Above) -> None:
    """Leave the new key-encryption key alone."""
    if isinstance(newest, InFile):
        _put([(_file_of(home, ring), newest.key.dumps())])
        return
    _put([(_places_of(home, ring), heads.written(newest))])
    if _file_of(home, ring).exists():
        _erase(_file_of(home, ring))


def _has_above(home: Path, ring: Ring) -> bool:
    return _file_of(home, ring).exists() or _places_of(home, ring).exists()


def _above(home: Path, ring: Ring, *, may_make: bool, suite: Suite | None) -> tuple[Above, ...]:
    """The key-encryption keys, the newest first; more than one while they are changed."""
    path = _file_of(home, ring)
    if not _has_above(home, ring):
        if not may_make or suite is None or any(_paths(home, ring)):
            raise KeyMissing(
                f"主密钥 keys/{path.name} 不在，而其他密钥由它保护；请从密钥备份中恢复，不要另造"
            )
        with _held(home, ring):
            if not _has_above(home, ring):
                _put([(path, sealing.new_key(suite).dumps())])
    places, files = _places_of(home, ring), path
    found: tuple[Above, ...] = (
        *(heads.read_places(places) if places.exists() else ()),
        *(heads.read_file(files) if files.exists() else ()),
    )
    if not found:  # it went between two looks
        raise KeyMissing(f"主密钥 keys/{path.name} 不在；请从密钥备份中恢复，不要另造")
    return found


def _opened(paths: Sequence[Path], above: Sequence[Above]) -> list[Key]:
    """Open wrapped keys, each under the key-encryption key it names."""
    texts = {path: _text(path) for path in paths}
    keys: dict[Path, Key] = {}
    for each in above:
        mine = [path for path in paths if path not in keys and _mark_in(texts[path]) == each.mark]
        if mine:
            opened = each.opened([(texts[path], _purpose(path)) for path in mine])
            keys |= dict(zip(mine, opened, strict=True))
    for path in paths:
        if path not in keys:  # says itself what is wrong with it
            keys[path] = above[0].opened([(texts[path], _purpose(path))])[0]
    return [keys[path] for path in paths]


def _mark_of(path: Path) -> bytes:
    return _mark_in(_text(path))


def _text(path: Path) -> str:
    """What a key file says; a damaged one says something that opens nothing."""
    try:
        return path.read_bytes().decode(errors="replace")
    except FileNotFoundError as gone:
        raise KeyMissing(f"密钥文件 {path.name} 不在，请从密钥备份中恢复，不要另造") from gone


def _mark_in(text: str) -> bytes:
    """The mark of the key a text is wrapped under; empty for a text that says none."""
    try:
        return bytes.fromhex(json.loads(text)["under"])
    except (ValueError, KeyError, TypeError):
        return b""


@contextmanager
def _held(home: Path, ring: Ring) -> Iterator[None]:
    """Hold a ring: a key made or destroyed while others are wrapped again would be lost."""
    folder = _folder(home, ring)
    disk.make_folder(folder)
    with disk.alone(folder / "keys.lock", wait=True):
        yield


def _paths(home: Path, ring: Ring) -> Iterator[Path]:
    """Every wrapped key of a ring."""
    folder = _folder(home, ring)
    yield from sorted(folder.glob(f"{_STORE}.key"))
    yield from sorted(folder.glob("??/*.key"))


def _batches(of: Iterator[_Each]) -> Iterator[list[_Each]]:
    while some := list(islice(of, _AT_ONCE)):
        yield some


def _purpose(path: Path) -> str:
    return _STORE if path.stem == _STORE else f"dossier:{path.stem}"


def _escrow(name: str) -> str:
    return f"backup:{name}"


def _folder(home: Path, ring: Ring) -> Path:
    return home / "keys" / ring


def _file_of(home: Path, ring: Ring) -> Path:
    return home / "keys" / f"{ring}.key"


def _places_of(home: Path, ring: Ring) -> Path:
    return home / "keys" / f"{ring}.pkcs11"


def _all_places(home: Path) -> list[Path]:
    return [path for path in (_places_of(home, ring) for ring in Ring) if path.exists()]


def _path_of(home: Path, uid: str, ring: Ring) -> Path:
    if not (uid.isascii() and uid.isalnum()):
        raise ValueError(f"not the uid of a dossier: {uid!r}")
    return _folder(home, ring) / uid[:2] / f"{uid}.key"


def _grave_of(home: Path, uid: str) -> Path:
    return _path_of(home, uid, Ring.PRESERVATION).with_suffix(".destroyed")


def _place_of(home: Path, name: str) -> tuple[Ring, Path]:
    """Where a key of ``taken_out`` belongs. Raises ValueError."""
    ring, _, stem = name.partition("/")
    if stem == _STORE:
        return Ring(ring), _folder(home, Ring(ring)) / f"{_STORE}.key"
    return Ring(ring), _path_of(home, stem, Ring(ring))


def _may_come_back(home: Path, path: Path) -> bool:
    return not path.exists() and (path.stem == _STORE or not is_destroyed(home, path.stem))


def _sweep(home: Path, ring: Ring) -> None:
    """Remove what a stopped call left; each may hold a key."""
    for path in (_file_of(home, ring), _places_of(home, ring)):
        for left in sorted(path.parent.glob(f".{path.name}.*")):
            _erase(left)
    for left in sorted(_folder(home, ring).glob(f".{_STORE}.key.*")):
        _erase(left)
    for left in sorted(_folder(home, ring).glob("??/.*.key.*")):
        _erase(left)


def _erase(path: Path) -> None:
    """Remove a file, written over on the same blocks where the file system allows it.

    It loses its name first: a power cut leaves no half of it where a key is looked for.
    """
    if not path.name.startswith("."):
        path = path.rename(_beside(path))
        disk.force_folder(path.parent)
    path.chmod(0o600)
    with path.open("r+b") as stream:
        stream.write(secrets.token_bytes(path.stat().st_size))
        stream.flush()
        os.fsync(stream.fileno())
    path.unlink()
    disk.force_folder(path.parent)


def _beside(path: Path) -> Path:
    """A name that ``_sweep`` knows for what a stopped call left."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")


def _put(texts: Sequence[tuple[Path, str]]) -> None:
    """Write small files, each whole and in the place of an older one, on disk when this returns."""
    if not texts:
        return
    fresh: dict[Path, Path] = {}
    try:
        for path, text in texts:
            disk.make_folder(path.parent)
            fresh[path] = beside = _beside(path)
            with disk.create(beside) as stream:
                stream.write(text.encode())
        disk.force_all(texts[0][0].parent)
        for path, beside in fresh.items():
            disk.move(beside, path)
    except BaseException:
        for beside in fresh.values():
            beside.unlink(missing_ok=True)
        raise
    disk.force_all(texts[0][0].parent)
