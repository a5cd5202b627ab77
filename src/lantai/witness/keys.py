"""The key a witness cosigns with: one file of its home, readable by the program alone.

LANTAI WITNESS KEY <name> <04 or 06> <base64 seed>
"""

import base64
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from lantai.lib.refusals import Conflict
from lantai.lib.tlog import cosignature, note
from lantai.lib.tlog.note import NoteFault, Signature

ALGORITHMS: Final = {"ed25519": cosignature.ED25519, "ml-dsa-44": cosignature.ML_DSA_44}
FILE: Final = "witness.key"
_SEED_BYTES: Final = 32
_TEXT: Final = re.compile(r"LANTAI WITNESS KEY (\S+) (0[46]) ([A-Za-z0-9+/=]+)\n")
_MODE: Final = 0o600


@dataclass(frozen=True)
class Cosigner:
    """A witness's name and private key; never says the key."""

    name: str
    kind: int
    _seed: bytes

    @classmethod
    def new(cls, name: str, algorithm: str) -> "Cosigner":
        """Make a key. Raises NoteFault if nothing may bear the name."""
        note.check_name(name)
        return cls(name, ALGORITHMS[algorithm], secrets.token_bytes(_SEED_BYTES))

    @property
    def private(self) -> Ed25519PrivateKey | MLDSA44PrivateKey:
        if self.kind == cosignature.ED25519:
            return Ed25519PrivateKey.from_private_bytes(self._seed)
        return MLDSA44PrivateKey.from_seed_bytes(self._seed)

    @property
    def vkey(self) -> str:
        return str(cosignature.cosigner_key(self.name, self.private))

    def cosign(self, text: str, *, at: int) -> Signature:
        """Cosign a checkpoint at a POSIX second; zero would mean "no time" and is refused."""
        if at <= 0:
            raise NoteFault("a witness tells the time")
        return cosignature.cosign(text, name=self.name, private=self.private, time=at)

    def __repr__(self) -> str:
        return f"Cosigner({self.name!r})"


def write(home: Path, cosigner: Cosigner) -> None:
    """Put the key in its place, whole and durable; an old one is never written over."""
    incoming = home / f".{FILE}.incoming"
    incoming.unlink(missing_ok=True)  # of a maker that was stopped
    descriptor = os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    with os.fdopen(descriptor, "w") as file:
        seed = base64.b64encode(cosigner._seed).decode()  # noqa: SLF001 -- its own file
        file.write(f"LANTAI WITNESS KEY {cosigner.name} {cosigner.kind:02x} {seed}\n")
        file.flush()
        os.fsync(file.fileno())
    (home / FILE).hardlink_to(incoming)
    incoming.unlink()
    sync_directory(home)


def read(home: Path) -> Cosigner:
    """Read the key. Raises Conflict if it is not there, not a key, or open to others."""
    path = home / FILE
    try:
        found = _TEXT.fullmatch(path.read_bytes().decode())
        mode = path.stat().st_mode
    except FileNotFoundError as absent:
        raise Conflict(f"见证私钥 {path} 不在；请先执行 lantai witness init") from absent
    except (OSError, UnicodeDecodeError) as failure:
        raise Conflict(f"见证私钥 {path} 无法读取；请检查文件和权限") from failure
    if mode & 0o077:
        raise Conflict(f"见证私钥 {path} 可被他人读取；请执行 chmod 600，并考虑更换见证名和私钥")
    try:
        seed = note.decode64(found[3]) if found else b""
    except NoteFault:
        seed = b""
    if found is None or len(seed) != _SEED_BYTES:
        raise Conflict(f"见证私钥 {path} 已损坏；请从密钥备份中恢复")
    return Cosigner(found[1], int(found[2], 16), seed)


def make_directory(home: Path) -> None:
    """Make a witness's directory, and force the names that lead to it to disk."""
    fresh = [folder for folder in (home, *home.parents) if not folder.exists()]
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in fresh or [home]:
        sync_directory(folder.parent)


def sync_directory(folder: Path) -> None:
    """Force a directory's names to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
