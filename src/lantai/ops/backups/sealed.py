"""What only the passphrase of the backup opens.

The passphrase gives a key by scrypt; under that key each file is sealed for its place in its
backup, so that files of two backups cannot be exchanged.
"""

import io
import os
import secrets
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from lantai.lib import sealing
from lantai.lib.refusals import Unacceptable
from lantai.lib.sealing import Key, NotOpened, Place, Suite

SHORTEST: Final = 12  # characters of a passphrase
_N: Final = 1 << 17  # 128 MiB and some tenths of a second a guess
_MOST_N: Final = 1 << 21
_R, _P = 8, 1
_SALT_BYTES: Final = 16
_PIECE: Final = 32 << 20  # of plain text held in memory at once
_MODE: Final = 0o400


class WrongPassphrase(Unacceptable):
    """The passphrase is not the one this was sealed with."""


@dataclass(frozen=True)
class Lock:
    """How the key comes out of the passphrase, and the mark by which the right one is known."""

    suite: Suite
    salt: bytes
    n: int
    mark: bytes

    @classmethod
    def of(cls, passphrase: str, suite: Suite) -> "tuple[Lock, Key]":
        """A new lock. Raises Unacceptable for a passphrase that is easily guessed."""
        if len(passphrase) < SHORTEST:
            raise Unacceptable(
                f"备份口令太短：至少 {SHORTEST} 个字符。请换一个更长的，妥善另存，"
                "没有它任何人都打不开备份"
            )
        salt = secrets.token_bytes(_SALT_BYTES)
        key = _derived(passphrase, suite, salt=salt, n=_N)
        return cls(suite, salt, _N, key.mark), key

    def opened_by(self, passphrase: str) -> Key:
        """Raises WrongPassphrase."""
        key = _derived(passphrase, self.suite, salt=self.salt, n=self.n)
        if key.mark != self.mark:
            raise WrongPassphrase("备份口令不对，没有打开任何内容；请核对口令后重试")
        return key

    def as_json(self) -> dict[str, Any]:
        return {
            "kdf": "scrypt",
            "n": self.n,
            "r": _R,
            "p": _P,
            "salt": self.salt.hex(),
            "suite": str(self.suite),
            "mark": self.mark.hex(),
        }

    @classmethod
    def read(cls, stated: dict[str, Any]) -> "Lock":
        """Raises ValueError, KeyError, TypeError for what was not written by ``as_json``."""
        if (stated["kdf"], stated["r"], stated["p"]) != ("scrypt", _R, _P):
            raise ValueError("not a way of ours from passphrase to key")
        n = int(stated["n"])
        if not 1 < n <= _MOST_N or n & (n - 1):
            raise ValueError("not a cost of scrypt that is taken")
        salt, mark = bytes.fromhex(stated["salt"]), bytes.fromhex(stated["mark"])
        return cls(Suite(stated["suite"]), salt, n, mark)


def seal_file(source: Path, target: Path, *, under: Key, backup: str, name: str) -> None:
    """Seal a file for its place in a backup."""
    with source.open("rb") as plain, _created(target) as held:
        size = source.stat().st_size
        sealing.seal(plain, held, size=size, under=under, place=_place(backup, name))


def unseal_file(source: Path, target: Path, *, under: Key, backup: str, name: str) -> None:
    """Write the plain text of a sealed file, for its owner's eyes only. Raises NotOpened."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source.open("rb") as held, os.fdopen(descriptor, "wb") as plain:
        for piece in sealing.opened(held, under=under, place=_place(backup, name)):
            plain.write(piece)


def seal_tree(
    files: Iterable[tuple[str, bytes, int]], folder: Path, *, under: Key, backup: str
) -> None:
    """Seal small files (path, content, mode) in pieces of their own names.

    No plain text touches a disk. An empty tree is one empty piece.
    """
    folder.mkdir(mode=0o700)
    piece, number = _Piece(), 0
    for path, content, mode in files:
        if piece.size + len(content) > _PIECE and piece.size:
            number += 1
            _seal_piece(piece.closed(), folder, number, under=under, backup=backup)
            piece = _Piece()
        piece.add(path, content, mode)
    _seal_piece(piece.closed(), folder, number + 1, under=under, backup=backup)


def opened_tree(folder: Path, *, under: Key, backup: str) -> Iterator[tuple[str, bytes, int]]:
    """Yield the files of a sealed tree: path, content, mode. Raises NotOpened."""
    for path in sorted(folder.glob("*.sealed")):
        place = _place(backup, f"{folder.name}/{path.name}")
        with path.open("rb") as held:
            plain = b"".join(sealing.opened(held, under=under, place=place))
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:gz") as tar:
            for member in tar:
                stream = tar.extractfile(member)
                if stream is None:
                    raise NotOpened(f"{folder.name}/{path.name} 中有不是文件的内容：{member.name}")
                yield member.name, stream.read(), member.mode


class _Piece:
    """A tar in memory; what is in it is small, and mostly padding that packs well."""

    def __init__(self) -> None:
        self.size = 0
        self._held = io.BytesIO()
        self._tar = tarfile.open(  # noqa: SIM115 -- closed by ``closed``
            fileobj=self._held, mode="w:gz", compresslevel=1
        )

    def add(self, path: str, content: bytes, mode: int) -> None:
        member = tarfile.TarInfo(path)
        member.size, member.mode = len(content), mode & 0o777
        self._tar.addfile(member, io.BytesIO(content))
        self.size += len(content) + 1024

    def closed(self) -> bytes:
        self._tar.close()
        return self._held.getvalue()


def _seal_piece(plain: bytes, folder: Path, number: int, *, under: Key, backup: str) -> None:
    name = f"{number:04}.sealed"
    place = _place(backup, f"{folder.name}/{name}")
    with _created(folder / name) as held:
        sealing.seal(io.BytesIO(plain), held, size=len(plain), under=under, place=place)


def _created(path: Path) -> io.BufferedWriter:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    return os.fdopen(descriptor, "wb")


def _place(backup: str, name: str) -> Place:
    return Place(f"backup:{backup}", 0, name)


def _derived(passphrase: str, suite: Suite, *, salt: bytes, n: int) -> Key:
    maker = Scrypt(salt=salt, length=suite.key_bytes, n=n, r=_R, p=_P)
    return Key(suite, maker.derive(passphrase.encode()))
