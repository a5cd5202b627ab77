"""C2SP tlog-cosignature: a witness says "at this time, this was the largest consistent head".

Type 04, Ed25519:   u64 time ‖ signature over ``cosignature/v1`` LF ``time <t>`` LF checkpoint text
Type 06, ML-DSA-44: u64 time ‖ signature over a ``cosigned_message`` that names the cosigner too
Times are POSIX seconds.
"""

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from lantai.lib.tlog.checkpoint import Checkpoint
from lantai.lib.tlog.note import Note, NoteFault, Signature, VerifierKey

ED25519: Final = 4
ML_DSA_44: Final = 6
_TIME_BYTES: Final = 8
_LATEST: Final = 2**63 - 1
_SIGNATURE_BYTES: Final = {ED25519: 64, ML_DSA_44: 2420}


@dataclass(frozen=True)
class Cosignature:
    """A witness's word, verified: who, and when (POSIX seconds)."""

    key: VerifierKey
    time: int


def cosigner_key(name: str, private: Ed25519PrivateKey | MLDSA44PrivateKey) -> VerifierKey:
    """The public key of a cosigner under its name."""
    kind = ED25519 if isinstance(private, Ed25519PrivateKey) else ML_DSA_44
    return VerifierKey(name, bytes([kind]) + private.public_key().public_bytes_raw())


def cosign(
    text: str, *, name: str, private: Ed25519PrivateKey | MLDSA44PrivateKey, time: int
) -> Signature:
    """Cosign the text of a checkpoint. Whether it is consistent is for the caller to know."""
    if not 0 <= time <= _LATEST:
        raise NoteFault(f"not a time: {time}")
    key = cosigner_key(name, private)
    value = private.sign(_message(key, text, time))
    return Signature(name, key.id, time.to_bytes(_TIME_BYTES, "big") + value)


def verify(key: VerifierKey, text: str, value: bytes) -> Cosignature:
    """Check one cosignature. Raises NoteFault."""
    if key.type not in _SIGNATURE_BYTES:
        raise NoteFault(f"{key.name} is not the key of a cosigner")
    if len(value) != _TIME_BYTES + _SIGNATURE_BYTES[key.type]:
        raise NoteFault(f"the cosignature of {key.name} has the wrong length")
    time = int.from_bytes(value[:_TIME_BYTES], "big")
    if time > _LATEST:
        raise NoteFault(f"the cosignature of {key.name} has no possible time")
    try:
        public: Ed25519PublicKey | MLDSA44PublicKey
        if key.type == ED25519:
            public = Ed25519PublicKey.from_public_bytes(key.public)
        else:
            public = MLDSA44PublicKey.from_public_bytes(key.public)
        public.verify(value[_TIME_BYTES:], _message(key, text, time))
    except (InvalidSignature, ValueError) as wrong:
        raise NoteFault(f"the cosignature of {key.name} does not fit the checkpoint") from wrong
    return Cosignature(key, time)


def cosignatures(note: Note, keys: tuple[VerifierKey, ...]) -> tuple[Cosignature, ...]:
    """Return the verified words of known witnesses. Raises NoteFault if one of them is false."""
    return tuple(
        verify(key, note.text, line.value)
        for key in keys
        for line in note.signatures
        if key.matches(line)
    )


def _message(key: VerifierKey, text: str, time: int) -> bytes:
    if key.type == ED25519:
        return f"cosignature/v1\ntime {time}\n{text}".encode()
    head = Checkpoint.parse(text)
    name, origin = key.name.encode(), head.origin.encode()
    if not (1 <= len(name) <= 255 and 1 <= len(origin) <= 255):
        raise NoteFault("the names of cosigner and log have 1 to 255 bytes")
    return b"".join(
        (
            b"subtree/v1\n\0",
            bytes([len(name)]) + name,
            time.to_bytes(8, "big"),
            bytes([len(origin)]) + origin,
            (0).to_bytes(8, "big"),
            head.size.to_bytes(8, "big"),
            head.root,
        )
    )
