r"""Files that nobody reads without their key: a data key for each, wrapped by the dossier's key.

    key-encryption key (one, in a file) ─wraps→ dossier key ─wraps→ data key (one a file)

A sealed file is a header and chunks. The header: ``LTSEAL1\\n``, one byte for the suite, the
length of a chunk (u32), the length of the plain text (u64), the mark of the dossier key (16), the
SHA-256 of the place (32), the wrapped data key. Each chunk is encrypted under the data key with
its number as nonce and the SHA-256 of the header as additional data; so chunks can be neither
exchanged nor left out, and the length is bound. The data key is wrapped with the place as
additional data: dossier, version and path; so a sealed file is opened only where it was put.

Changing the key-encryption key wraps the dossier keys again and touches no sealed file.
Destroying a dossier key destroys what is sealed under it.
"""

import base64
import hashlib
import hmac
import secrets
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, Final, Protocol

from lantai.lib import canonical, gcm
from lantai.lib.gcm import NONCE, TAG, Gcm

CHUNK: Final = 1 << 20
_MAGIC: Final = b"LTSEAL1\n"
_HEAD: Final = struct.Struct(">8sBIQ16s32s")
_LARGEST_CHUNK: Final = 1 << 24


class Suite(StrEnum):
    """Which cipher: the international one, or the one of GM/T 0002 (SM4)."""

    AES = "aes-256-gcm"
    SM4 = "sm4-gcm"

    @property
    def key_bytes(self) -> int:
        return 32 if self is Suite.AES else 16


_SUITES: Final = {1: Suite.AES, 2: Suite.SM4}
_NUMBERS: Final = {suite: number for number, suite in _SUITES.items()}


class NotOpened(RuntimeError):
    """A sealed file or key was not opened; the kinds below say why."""


class WrongKey(NotOpened):
    """It was sealed under another key."""


class Truncated(NotOpened):
    """Its end is missing."""


class Misplaced(NotOpened):
    """It was sealed for another dossier, version or path."""


class Tampered(NotOpened):
    """Its bytes are not those that were sealed."""


@dataclass(frozen=True)
class Place:
    """Where a sealed file belongs."""

    dossier: str
    version: int
    path: str

    def dumps(self) -> bytes:
        return canonical.dumps(
            {"dossier": self.dossier, "version": self.version, "path": self.path}
        )


@dataclass(frozen=True)
class Key:
    """A key of a suite; it does not show itself."""

    suite: Suite
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != self.suite.key_bytes:
            raise ValueError(f"a key of {self.suite} has {self.suite.key_bytes} bytes")

    @property
    def mark(self) -> bytes:
        """Sixteen bytes by which the key is known, and which do not tell it."""
        return hmac.digest(self.secret, b"lantai key mark", "sha256")[:16]

    def used(self) -> Gcm:
        """The key at work."""
        return gcm.aes(self.secret) if self.suite is Suite.AES else gcm.sm4(self.secret)

    def dumps(self) -> str:
        """The key as one line of a key file."""
        return f"{self.suite} {base64.b64encode(self.secret).decode()}\n"


class Writable(Protocol):
    def write(self, piece: bytes | memoryview, /) -> int:
        """Take all of a piece, and at once: its memory is used for the next."""


def new_key(suite: Suite) -> Key:
    return Key(suite, secrets.token_bytes(suite.key_bytes))


def parse_key(line: str) -> Key:
    """Read a key file. Raises ValueError."""
    suite, _, secret = line.strip().partition(" ")
    return Key(Suite(suite), base64.b64decode(secret, validate=True))


def wrap(key: Key, *, under: Key, purpose: str) -> str:
    """Wrap a key under another, for one purpose (such as the dossier it belongs to)."""
    nonce = secrets.token_bytes(NONCE)
    wrapped = nonce + under.used().encrypt(nonce, key.secret, purpose.encode())
    stated = {
        "under": under.mark.hex(),
        "suite": str(key.suite),
        "wrapped": base64.b64encode(wrapped).decode(),
    }
    return canonical.dumps(stated).decode()


def unwrap(text: str, *, under: Key, purpose: str) -> Key:
    """Open a wrapped key. Raises WrongKey, Tampered (also for another purpose)."""
    try:
        stated = canonical.loads(text.encode())
        suite, mark = Suite(stated["suite"]), bytes.fromhex(stated["under"])
        wrapped = base64.b64decode(stated["wrapped"], validate=True)
    except (ValueError, KeyError, TypeError) as strange:
        raise Tampered("密钥文件的写法不对，请从密钥备份中恢复") from strange
    if mark != under.mark:
        raise WrongKey("密钥文件由另一把主密钥保护，请换用当时的主密钥")
    if len(wrapped) < NONCE:
        raise Tampered("密钥文件的写法不对，请从密钥备份中恢复")
    secret = under.used().decrypt(wrapped[:NONCE], wrapped[NONCE:], purpose.encode())
    if secret is None or len(secret) != suite.key_bytes:
        raise Tampered("密钥文件被改动，或属于另一份档案，请从密钥备份中恢复")
    return Key(suite, secret)


def seal(
    source: BinaryIO,
    target: Writable,
    *,
    size: int,
    under: Key,
    place: Place,
    chunk: int = CHUNK,
) -> None:
    """Seal ``size`` bytes of a stream into another. Raises ValueError for any other size.

    ``chunk`` is what is decrypted at least when a range is read; at most 16 MiB, else ValueError.
    """
    if not 0 < chunk <= _LARGEST_CHUNK:
        raise ValueError(f"a chunk has from 1 to {_LARGEST_CHUNK} bytes")
    bound = place.dumps()
    data_key = new_key(under.suite)
    nonce = secrets.token_bytes(NONCE)
    fixed = _HEAD.pack(
        _MAGIC,
        _NUMBERS[under.suite],
        chunk,
        size,
        under.mark,
        hashlib.sha256(bound).digest(),
    )
    wrapped = under.used().encrypt(nonce, data_key.secret, fixed + bound)
    header = b"".join((fixed, nonce, wrapped))
    cipher, tied = data_key.used(), hashlib.sha256(header).digest()
    with _room(len(header) + min(chunk, size) + TAG) as room:
        # The header goes out with the first chunk.
        room[: len(header)] = header
        begin = len(header)
        for number, length in enumerate(_lengths(size, chunk)):
            piece = source.read(length)
            if len(piece) != length:
                raise ValueError("the source is shorter than was said")
            end = begin + length + TAG
            cipher.encrypt_into(number.to_bytes(NONCE, "big"), piece, tied, room[begin:end])
            target.write(room[:end])
            begin = 0
    if source.read(1):
        raise ValueError("the source is longer than was said")


def sealed_size(size: int, *, suite: Suite, chunk: int = CHUNK) -> int:
    """How many bytes a sealed file of ``size`` bytes has."""
    chunks = -(-size // chunk) or 1
    return _HEAD.size + NONCE + suite.key_bytes + TAG + size + chunks * TAG


def opened(source: BinaryIO, *, under: Key, place: Place) -> Iterator[bytes]:
    """Yield the plain text of a sealed file, piece by piece, each authenticated before it comes.

    Raises WrongKey, Misplaced, Truncated, Tampered. Who takes the pieces one by one must not rely
    on their end before the last has come.
    """
    head = _Head.read(source, under=under, place=place)
    for index, length in enumerate(_lengths(head.size, head.chunk)):
        yield head.piece(source, index, length)
    if source.read(1):
        raise Tampered("密封文件的末尾多出内容，请从副本中恢复")


class Ranged:
    """A sealed file of which parts are read; the stream can be sought and begins with the file.

    Only the chunks touched are decrypted, and each is authenticated. The last one is kept, so that
    neighbours cost one decryption. Raises WrongKey, Misplaced, Truncated, Tampered.
    """

    def __init__(self, stream: BinaryIO, *, under: Key, place: Place) -> None:
        stream.seek(0)
        self._stream = stream
        self._head = _Head.read(stream, under=under, place=place)
        self._first = stream.tell()
        self._kept: tuple[int, bytes] = (-1, b"")
        wanted = sealed_size(self._head.size, suite=under.suite, chunk=self._head.chunk)
        there = stream.seek(0, 2)
        if there < wanted:
            raise Truncated(_CUT)
        if there > wanted:
            raise Tampered("密封文件的末尾多出内容，请从副本中恢复")

    @property
    def size(self) -> int:
        """The length of the plain text."""
        return self._head.size

    def read(self, start: int, length: int) -> bytes:
        """``length`` bytes of the plain text from ``start``; fewer where it ends before.

        Raises ValueError for numbers below 0, Truncated, Tampered.
        """
        if start < 0 or length < 0:
            raise ValueError("a range begins at 0 or later and has no length below 0")
        end = min(start + length, self.size)
        if start >= end:
            return b""
        chunk = self._head.chunk
        pieces = []
        for index in range(start // chunk, (end - 1) // chunk + 1):
            first = index * chunk
            pieces.append(self._chunk(index)[max(start - first, 0) : end - first])
        return b"".join(pieces)

    def _chunk(self, index: int) -> bytes:
        if self._kept[0] != index:
            chunk = self._head.chunk
            self._stream.seek(self._first + index * (chunk + TAG))
            length = min(chunk, self.size - index * chunk)
            self._kept = (index, self._head.piece(self._stream, index, length))
        return self._kept[1]


_CUT: Final = "密封文件不完整，请从副本中恢复"
_CUT_HEAD: Final = "密封文件的文件头不完整，请从副本中恢复"
_CHANGED_HEAD: Final = "密封文件的文件头被改动，请从副本中恢复"


@dataclass(frozen=True)
class _Head:
    """What the head of a sealed file says, after it has been authenticated."""

    size: int
    chunk: int
    cipher: Gcm
    tied: bytes

    @classmethod
    def read(cls, source: BinaryIO, *, under: Key, place: Place) -> "_Head":
        """Raises WrongKey, Misplaced, Truncated, Tampered."""
        fixed = source.read(_HEAD.size)
        if not _MAGIC.startswith(fixed[: len(_MAGIC)]):
            raise Tampered("这不是密封的文件")
        if len(fixed) < _HEAD.size:
            raise Truncated(_CUT_HEAD)
        _, number, chunk, size, mark, where = _HEAD.unpack(fixed)
        bound = place.dumps()
        if number not in _SUITES or not 0 < chunk <= _LARGEST_CHUNK:
            raise Tampered(_CHANGED_HEAD)
        if mark != under.mark or _SUITES[number] is not under.suite:
            raise WrongKey("文件由另一把密钥密封，请核对档案密钥")
        if where != hashlib.sha256(bound).digest():
            raise Misplaced("密封文件属于另一份档案、版本或路径，请查明为何被换到此处")
        length = NONCE + under.suite.key_bytes + TAG
        wrapped = source.read(length)
        if len(wrapped) < length:
            raise Truncated(_CUT_HEAD)
        secret = under.used().decrypt(wrapped[:NONCE], wrapped[NONCE:], fixed + bound)
        if secret is None:
            raise Tampered(_CHANGED_HEAD)
        cipher = Key(under.suite, secret).used()
        return cls(size, chunk, cipher, hashlib.sha256(fixed + wrapped).digest())

    def piece(self, source: BinaryIO, index: int, length: int) -> bytes:
        """The plain text of a chunk, from a stream that stands at it."""
        with _room(length + TAG) as room:
            if _filled(source, room) < length + TAG:
                raise Truncated(_CUT)
            piece = self.cipher.decrypt(index.to_bytes(NONCE, "big"), room, self.tied)
        if piece is None:
            raise Tampered("密封文件的内容被改动，请从副本中恢复")
        return piece


def _lengths(size: int, chunk: int) -> Iterator[int]:
    """The lengths of the chunks; an empty file has one empty chunk, so that its key is proven."""
    for start in range(0, max(size, 1), chunk):
        yield min(chunk, size - start)


_THREAD: Final = threading.local()
_KEPT_ROOM: Final = 2 << 20


@contextmanager
def _room(length: int) -> Iterator[memoryview]:
    """Memory for sealed bytes, used again by the same thread: fresh it costs more than AES."""
    kept: bytearray | None = getattr(_THREAD, "room", None)
    _THREAD.room = None
    if kept is None or len(kept) < length:
        kept = bytearray(length)
    yield memoryview(kept)[:length]
    if length <= _KEPT_ROOM:
        _THREAD.room = kept


def _filled(source: BinaryIO, room: memoryview) -> int:
    """Read until the room is full or the stream at its end; how much was read."""
    into = getattr(source, "readinto", None)
    if into is None:
        piece = source.read(len(room))
        room[: len(piece)] = piece
        return len(piece)
    filled = 0
    while filled < len(room) and (more := into(room[filled:])):
        filled += more
    return filled
