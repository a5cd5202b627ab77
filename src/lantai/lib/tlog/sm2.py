"""SM2 with SM3 (GB/T 32918.2) as signed notes carry it.

    key material    ff ‖ ``lantai.example/note/sm2-sm3/v1`` ‖ 04 ‖ x ‖ y
    signature       r ‖ s, 32 bytes each, over the text, identity ``1234567812345678``

The arithmetic is GmSSL's, through ``gmssl_pyx``. Keys and notes are read without it; where it is
not installed, nothing can be signed or checked, and that is said (``Unavailable``).
"""

import importlib
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Final

from lantai.lib.tlog.note import (
    NoteFault,
    Signature,
    VerifierKey,
    check_name,
    check_text,
    read_signing_key,
    write_signing_key,
)

TYPE: Final = 0xFF
IDENTIFIER: Final = b"lantai.example/note/sm2-sm3/v1"
IDENTITY: Final = b"1234567812345678"
SIGNATURE_BYTES: Final = 64
_PREFIX: Final = bytes([TYPE]) + IDENTIFIER
_HALF: Final = 32
_POINT: Final = b"\x04"  # uncompressed: x and y follow
_PUBLIC_BYTES: Final = 1 + 2 * _HALF
# The curve of GB/T 32918.5: y² = x³ - 3x + b over p, of order n.
_P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
_N: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123


class Unavailable(RuntimeError):
    """SM2 cannot be computed here."""


def available() -> bool:
    """Tell whether SM2 can be computed here."""
    return _library() is not None


def is_sm2(key: VerifierKey) -> bool:
    """Tell whether a key is of this kind."""
    return key.material.startswith(_PREFIX)


def verifier_key(name: str, public: bytes) -> VerifierKey:
    """The key of a name, from its point (``04 ‖ x ‖ y``). Raises NoteFault."""
    check_name(name)
    _check_point(name, public)
    return VerifierKey(name, _PREFIX + public)


def point_of(key: VerifierKey) -> bytes:
    """The public point ``04 ‖ x ‖ y``. Raises NoteFault if the key is not of this kind."""
    if not is_sm2(key):
        raise NoteFault(f"{key.name} is not an SM2 key")
    public = key.material[len(_PREFIX) :]
    _check_point(key.name, public)
    return public


def verify(key: VerifierKey, text: str, value: bytes) -> None:
    """Check the signature of a note. Raises NoteFault, or Unavailable."""
    public = point_of(key)
    if len(value) != SIGNATURE_BYTES:
        raise NoteFault(f"the signature of {key.name} has the wrong length")
    if not verify_raw(public, text.encode(), value):
        raise NoteFault(f"the signature of {key.name} does not fit the text")


def verify_raw(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether ``r ‖ s`` is the signature of a message under a point. Raises Unavailable."""
    gmssl = _needed()
    if not all(0 < number < _N for number in _numbers(signature)):
        return False
    try:
        return bool(gmssl.sm2_verify(public[1:], message, to_der(signature), IDENTITY))
    except gmssl.GmsslInnerError:
        return False


@dataclass(frozen=True)
class SM2Signer:
    """An SM2 key held in the clear, written as ``PRIVATE+KEY+name+hash+key``."""

    name: str
    _private: bytes
    _public: bytes

    @classmethod
    def make(cls, name: str) -> "SM2Signer":
        """A new key, out of the operating system's randomness. Raises Unavailable."""
        check_name(name)
        public, private = _needed().sm2_key_generate()
        return cls(name, private, _POINT + public)

    @classmethod
    def parse(cls, skey: str) -> "SM2Signer":
        """Raises NoteFault; never says the key."""
        name, hash_, material = read_signing_key(skey)
        held = material.removeprefix(_PREFIX)
        if not material.startswith(_PREFIX) or len(held) != _HALF + _PUBLIC_BYTES:
            raise NoteFault(f"the signing key {name} is not of type SM2")
        private, public = held[:_HALF], held[_HALF:]
        if verifier_key(name, public).id.hex() != hash_:
            raise NoteFault(f"the signing key {name} and its hash do not belong together")
        if not 0 < int.from_bytes(private, "big") < _N - 1:
            raise NoteFault(f"the signing key {name} is no number of the curve")
        return cls(name, private, public)

    @property
    def key(self) -> VerifierKey:
        return verifier_key(self.name, self._public)

    @property
    def vkey(self) -> str:
        return str(self.key)

    @property
    def skey(self) -> str:
        return write_signing_key(self.key, _PREFIX + self._private + self._public)

    def sign(self, text: str) -> Signature:
        """Sign, and check what was signed: a false signature would give the key away.

        Raises NoteFault if private and public half do not belong together, or Unavailable.
        """
        check_text(text)
        made = _needed().sm2_sign(self._private, self._public[1:], text.encode(), IDENTITY)
        value = from_der(made)
        verify(self.key, text, value)
        return Signature(self.name, self.key.id, value)

    def __repr__(self) -> str:
        return f"SM2Signer({self.name!r})"


def to_der(signature: bytes) -> bytes:
    """``r ‖ s`` as the SEQUENCE of two INTEGERs other programs speak."""
    numbers = b"".join(map(_integer, _numbers(signature)))
    return bytes([0x30, len(numbers)]) + numbers


def from_der(encoded: bytes) -> bytes:
    """Read the one DER spelling of a signature back. Raises NoteFault."""
    halves = []
    at = 2
    for _ in range(2):
        length = encoded[at + 1] if at + 1 < len(encoded) else 0
        number = int.from_bytes(encoded[at + 2 : at + 2 + length], "big")
        if number >> 8 * _HALF:
            raise NoteFault("not a DER signature: a number is too large")
        halves.append(number.to_bytes(_HALF, "big"))
        at += 2 + length
    signature = b"".join(halves)
    if to_der(signature) != encoded:
        raise NoteFault("not a DER signature")
    return signature


def _numbers(signature: bytes) -> tuple[int, int]:
    if len(signature) != SIGNATURE_BYTES:
        raise NoteFault(f"an SM2 signature has {SIGNATURE_BYTES} bytes")
    return int.from_bytes(signature[:_HALF], "big"), int.from_bytes(signature[_HALF:], "big")


def _integer(number: int) -> bytes:
    content = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return bytes([0x02, len(content)]) + content


def _check_point(name: str, public: bytes) -> None:
    x, y = (int.from_bytes(public[at : at + _HALF], "big") for at in (1, 1 + _HALF))
    right_form = len(public) == _PUBLIC_BYTES and public.startswith(_POINT) and max(x, y) < _P
    if not right_form or (y * y - x * x * x + 3 * x - _B) % _P:
        raise NoteFault(f"the SM2 key {name} is no point of the curve")


@cache
def _library() -> ModuleType | None:
    try:
        return importlib.import_module("gmssl_pyx")
    except ImportError:
        return None


def _needed() -> ModuleType:
    found = _library()
    if found is None:
        raise Unavailable("SM2 needs the package gmssl_pyx, which is not installed")
    return found
