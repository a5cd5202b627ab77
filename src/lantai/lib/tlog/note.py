"""C2SP signed-note: text under signatures, and the keys that make and check them.

    text LF LF (— <key name> <base64(4-byte key ID ‖ signature)> LF)+

Signature types are a first byte of the key material: 01 Ed25519 over the text; 04 and 06 are
cosignatures (``cosignature``); ff with an identifier is SM2 (``sm2``). A line of an unknown key is
passed over; a line of a known key that does not verify spoils the note. Base64 is taken in its one
canonical spelling only, so that no bit of a note can be changed unseen.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519: Final = 1
MAX_SIGNATURES: Final = 64
MAX_BYTES: Final = 1_000_000
_ID_BYTES: Final = 4
_KEY_BYTES: Final = 32
_DASH: Final = "— "
_VKEY: Final = re.compile(r"([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")
_SKEY: Final = re.compile(r"PRIVATE\+KEY\+([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")


class NoteFault(ValueError):
    """A note, key or signature is not what it should be."""


@dataclass(frozen=True)
class Signature:
    """One line below a note: whose it says it is, and the bytes."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"


@dataclass(frozen=True)
class Note:
    """A text, ending in a line feed, and its signatures; nothing is verified yet."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n" + "".join(signature.line for signature in self.signatures)


class Signer(Protocol):
    """Whatever holds a private key: a file today, a card tomorrow."""

    @property
    def vkey(self) -> str: ...

    def sign(self, text: str) -> Signature: ...


def key_id(name: str, material: bytes) -> bytes:
    """The four bytes that with the name point to a key; material begins with the type byte."""
    return hashlib.sha256(name.encode() + b"\n" + material).digest()[:_ID_BYTES]


@dataclass(frozen=True)
class VerifierKey:
    """A public key under its name; ``material`` is the type byte and the key."""

    name: str
    material: bytes

    @classmethod
    def parse(cls, vkey: str) -> "VerifierKey":
        """Read ``name+hash+key``. Raises NoteFault."""
        found = _VKEY.fullmatch(vkey)
        if found is None:
            raise NoteFault("not a verifier key (name+hash+key)")
        key = cls(found[1], decode64(found[3]))
        if key.id.hex() != found[2]:
            raise NoteFault(f"the verifier key {found[1]} and its hash do not belong together")
        return key

    @property
    def type(self) -> int:
        return self.material[0] if self.material else 0

    @property
    def public(self) -> bytes:
        return self.material[1:]

    @property
    def id(self) -> bytes:
        return key_id(self.name, self.material)

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(self.material).decode()}"

    def matches(self, signature: Signature) -> bool:
        return signature.name == self.name and signature.key_id == self.id


@dataclass(frozen=True)
class FileSigner:
    """An Ed25519 key held in the clear: ``PRIVATE+KEY+name+hash+key``, as Go's note writes it."""

    name: str
    _seed: bytes

    @classmethod
    def parse(cls, skey: str) -> "FileSigner":
        """Raises NoteFault; never says the key."""
        name, hash_, material = read_signing_key(skey)
        if len(material) != 1 + _KEY_BYTES or material[0] != ED25519:
            raise NoteFault(f"the signing key {name} is not of type Ed25519")
        signer = cls(name, material[1:])
        if signer.key.id.hex() != hash_:
            raise NoteFault(f"the signing key {name} and its hash do not belong together")
        return signer

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> "FileSigner":
        check_name(name)
        if len(seed) != _KEY_BYTES:
            raise NoteFault(f"a seed has {_KEY_BYTES} bytes")
        return cls(name, seed)

    @property
    def key(self) -> VerifierKey:
        public = Ed25519PrivateKey.from_private_bytes(self._seed).public_key().public_bytes_raw()
        return VerifierKey(self.name, bytes([ED25519]) + public)

    @property
    def vkey(self) -> str:
        return str(self.key)

    @property
    def skey(self) -> str:
        return write_signing_key(self.key, bytes([ED25519]) + self._seed)

    def sign(self, text: str) -> Signature:
        check_text(text)
        value = Ed25519PrivateKey.from_private_bytes(self._seed).sign(text.encode())
        return Signature(self.name, self.key.id, value)

    def __repr__(self) -> str:
        return f"FileSigner({self.name!r})"


def read_signing_key(skey: str) -> tuple[str, str, bytes]:
    """Take name, hash and key material out of ``PRIVATE+KEY+name+hash+key``. Raises NoteFault."""
    found = _SKEY.fullmatch(skey.strip())
    if found is None:
        raise NoteFault("not a signing key (PRIVATE+KEY+name+hash+key)")
    return found[1], found[2], decode64(found[3])


def write_signing_key(key: VerifierKey, material: bytes) -> str:
    """Write a signing key under the name and hash of its public half."""
    return f"PRIVATE+KEY+{key.name}+{key.id.hex()}+{base64.b64encode(material).decode()}"


def parse(note: str | bytes) -> Note:
    """Read a note without believing it. Raises NoteFault."""
    if isinstance(note, bytes):
        try:
            note = note.decode()
        except UnicodeDecodeError as strange:
            raise NoteFault("a note is UTF-8") from strange
    if len(note) > MAX_BYTES:
        raise NoteFault("the note is too long")
    _check_characters(note)
    head, gap, tail = note.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise NoteFault("a note is a text, an empty line and signature lines")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteFault(f"the note has more than {MAX_SIGNATURES} signatures")
    text = head + "\n"
    check_text(text)
    return Note(text, tuple(map(_signature, lines)))


def sign(text: str, signers: Sequence[Signer]) -> Note:
    """Put a text under signatures."""
    check_text(text)
    return Note(text, tuple(signer.sign(text) for signer in signers))


def verify_ed25519(key: VerifierKey, text: str, value: bytes) -> None:
    """Check a signature of type 01. Raises NoteFault."""
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(value, text.encode())
    except (InvalidSignature, ValueError) as wrong:
        raise NoteFault(f"the signature of {key.name} does not fit the text") from wrong


Check = Callable[[VerifierKey, str, bytes], object]


def verified(
    note: Note, keys: Iterable[VerifierKey], *, checks: Mapping[int, Check] | None = None
) -> tuple[VerifierKey, ...]:
    """Return the keys that truly signed. Raises NoteFault if the line of a known key fails.

    No key at all may have signed: whether that is enough is the caller's to say.
    """
    by_type: Mapping[int, Check] = checks or {ED25519: verify_ed25519}
    found = []
    for key in keys:
        lines = [line for line in note.signatures if key.matches(line)]
        if not lines:
            continue
        if len(lines) > 1:
            raise NoteFault(f"the note carries more than one signature of {key.name}")
        if key.type not in by_type:
            raise NoteFault(f"a key of type {key.type:02x} cannot be checked here: {key.name}")
        by_type[key.type](key, note.text, lines[0].value)
        found.append(key)
    return tuple(found)


def check_name(name: str) -> None:
    """Raise NoteFault unless it may name a key."""
    if not name or "+" in name or any(mark.isspace() for mark in name) or not name.isprintable():
        raise NoteFault(f"not the name of a key: {name!r}")


def check_text(text: str) -> None:
    """Raise NoteFault unless it may be signed as a note."""
    if not text.endswith("\n"):
        raise NoteFault("the text of a note ends in a line feed")
    _check_characters(text)


def decode64(text: str) -> bytes:
    """Read base64 in its one canonical spelling. Raises NoteFault."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as strange:
        raise NoteFault("not base64") from strange
    if base64.b64encode(value).decode() != text:
        raise NoteFault("not base64 in its canonical spelling")
    return value


def _signature(line: str) -> Signature:
    if not line.startswith(_DASH):
        raise NoteFault("a signature line begins with a dash")
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    check_name(name)
    value = decode64(encoded)
    if not space or len(value) <= _ID_BYTES:
        raise NoteFault(f"the signature line of {name} is too short")
    return Signature(name, value[:_ID_BYTES], value[_ID_BYTES:])


def _check_characters(text: str) -> None:
    if any(mark < " " and mark != "\n" for mark in text):
        raise NoteFault("a note has no control characters")
    try:
        text.encode()
    except UnicodeEncodeError as strange:
        raise NoteFault("a note is UTF-8") from strange
