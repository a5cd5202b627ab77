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
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, CipherAlgorithm
from cryptography.hazmat.primitives.ciphers.algorithms import AES256, SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM

from lantai.lib import canonical

CHUNK: Final = 1 << 20
_MAGIC: Final = b"LTSEAL1\n"
_HEAD: Final = struct.Struct(">8sBIQ16s32s")
_NONCE: Final = 12
_TAG: Final = 16
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

    def dumps(self) -> str:
        """The key as one line of a key file."""
        return f"{self.suite} {base64.b64encode(self.secret).decode()}\n"


class Writable(Protocol):
    def write(self, piece: bytes, /) -> int: ...


def new_key(suite: Suite) -> Key:
    return Key(suite, secrets.token_bytes(suite.key_bytes))


def parse_key(line: str) -> Key:
    """Read a key file. Raises ValueError."""
    suite, _, secret = line.strip().partition(" ")
    return Key(Suite(suite), base64.b64decode(secret, validate=True))


def wrap(key: Key, *, under: Key, purpose: str) -> str:
    """Wrap a key under another, for one purpose (such as the dossier it belongs to)."""
    nonce = secrets.token_bytes(_NONCE)
    wrapped = nonce + _encrypt(under, nonce, key.secret, purpose.encode())
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
    secret = _decrypt(under, wrapped[:_NONCE], wrapped[_NONCE:], purpose.encode())
    if secret is None or len(secret) != suite.key_bytes:
        raise Tampered("密钥文件被改动，或属于另一份档案，请从密钥备份中恢复")
    return Key(suite, secret)


def seal(source: BinaryIO, target: Writable, *, size: int, under: Key, place: Place) -> None:
    """Seal ``size`` bytes of a stream into another. Raises ValueError for any other size."""
    bound = place.dumps()
    data_key = new_key(under.suite)
    nonce = secrets.token_bytes(_NONCE)
    fixed = _HEAD.pack(
        _MAGIC,
        _NUMBERS[under.suite],
        CHUNK,
        size,
        under.mark,
        hashlib.sha256(bound).digest(),
    )
    header = fixed + nonce + _encrypt(under, nonce, data_key.secret, fixed + bound)
    target.write(header)
    tied = hashlib.sha256(header).digest()
    for number, length in enumerate(_lengths(size, CHUNK)):
        piece = source.read(length)
        if len(piece) != length:
            raise ValueError("the source is shorter than was said")
        target.write(_encrypt(data_key, number.to_bytes(_NONCE, "big"), piece, tied))
    if source.read(1):
        raise ValueError("the source is longer than was said")


def opened(source: BinaryIO, *, under: Key, place: Place) -> Iterator[bytes]:
    """Yield the plain text of a sealed file, piece by piece, each authenticated before it comes.

    Raises WrongKey, Misplaced, Truncated, Tampered. Who takes the pieces one by one must not rely
    on their end before the last has come.
    """
    fixed = source.read(_HEAD.size)
    if not _MAGIC.startswith(fixed[: len(_MAGIC)]):
        raise Tampered("这不是密封的文件")
    if len(fixed) < _HEAD.size:
        raise Truncated("密封文件的文件头不完整，请从副本中恢复")
    _, number, chunk, size, mark, where = _HEAD.unpack(fixed)
    bound = place.dumps()
    if number not in _SUITES or not 0 < chunk <= _LARGEST_CHUNK:
        raise Tampered("密封文件的文件头被改动，请从副本中恢复")
    if mark != under.mark or _SUITES[number] is not under.suite:
        raise WrongKey("文件由另一把密钥密封，请核对档案密钥")
    if where != hashlib.sha256(bound).digest():
        raise Misplaced("密封文件属于另一份档案、版本或路径，请查明为何被换到此处")
    wrapped = source.read(_NONCE + under.suite.key_bytes + _TAG)
    if len(wrapped) < _NONCE + under.suite.key_bytes + _TAG:
        raise Truncated("密封文件的文件头不完整，请从副本中恢复")
    secret = _decrypt(under, wrapped[:_NONCE], wrapped[_NONCE:], fixed + bound)
    if secret is None:
        raise Tampered("密封文件的文件头被改动，请从副本中恢复")
    data_key, tied = Key(under.suite, secret), hashlib.sha256(fixed + wrapped).digest()
    for index, length in enumerate(_lengths(size, chunk)):
        held = source.read(length + _TAG)
        if len(held) < length + _TAG:
            raise Truncated("密封文件不完整，请从副本中恢复")
        piece = _decrypt(data_key, index.to_bytes(_NONCE, "big"), held, tied)
        if piece is None:
            raise Tampered("密封文件的内容被改动，请从副本中恢复")
        yield piece
    if source.read(1):
        raise Tampered("密封文件的末尾多出内容，请从副本中恢复")


def _lengths(size: int, chunk: int) -> Iterator[int]:
    """The lengths of the chunks; an empty file has one empty chunk, so that its key is proven."""
    for start in range(0, max(size, 1), chunk):
        yield min(chunk, size - start)


def _cipher(key: Key) -> CipherAlgorithm:
    return AES256(key.secret) if key.suite is Suite.AES else SM4(key.secret)


def _encrypt(key: Key, nonce: bytes, plain: bytes, tied: bytes) -> bytes:
    running = Cipher(_cipher(key), GCM(nonce)).encryptor()
    running.authenticate_additional_data(tied)
    return running.update(plain) + running.finalize() + running.tag


def _decrypt(key: Key, nonce: bytes, held: bytes, tied: bytes) -> bytes | None:
    """The plain text, or None if it is not authentic."""
    if len(nonce) != _NONCE or len(held) < _TAG:
        return None
    running = Cipher(_cipher(key), GCM(nonce, held[-_TAG:])).decryptor()
    running.authenticate_additional_data(tied)
    try:
        return running.update(held[:-_TAG]) + running.finalize()
    except InvalidTag:
        return None
