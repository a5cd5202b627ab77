"""The keys a log signs with, one a stream, in ``keys/``: readable by the program alone."""

import secrets
from pathlib import Path

from lantai.ledger import files
from lantai.lib.tlog.note import FileSigner, NoteFault, Signer, VerifierKey


class KeyFault(RuntimeError):
    """A signing key is missing or foreign: nothing is signed until a person has looked."""


def signer_of(home: Path, stream: str, origin: str, *, may_make: bool) -> Signer:
    """Return the signer of a stream; make its key if none was ever used. Raises KeyFault."""
    path = _path(home, stream)
    if not path.exists():
        if not may_make:
            raise KeyFault(
                f"日志 {origin} 已有签名，但签名私钥 keys/{path.name} 不在；"
                "请从密钥备份中恢复，不要另造新钥"
            )
        _make(path, FileSigner.from_seed(origin, secrets.token_bytes(32)))
    try:
        signer = FileSigner.parse(path.read_text())
    except (NoteFault, UnicodeDecodeError) as strange:
        raise KeyFault(f"签名私钥 keys/{path.name} 不可用，请从密钥备份中恢复") from strange
    if signer.name != origin:
        raise KeyFault(
            f"签名私钥 keys/{path.name} 属于 {signer.name}，而本系统的日志名为 {origin}；"
            "请检查 LANTAI_ORG 的设置"
        )
    return signer


def verifier_of(home: Path, stream: str, origin: str) -> VerifierKey | None:
    """Return the public key of a stream, or None before the first signature."""
    if not _path(home, stream).exists():
        return None
    return VerifierKey.parse(signer_of(home, stream, origin, may_make=False).vkey)


def _path(home: Path, stream: str) -> Path:
    return home / "keys" / f"log-{stream}.key"


def _make(path: Path, signer: FileSigner) -> None:
    """Put a new key in its place, durable before its first use; the public half stands first."""
    files.make_directories(path.parent, mode=0o700)
    for left in path.parent.glob(f"{path.stem}.*key.*"):  # of a maker that was stopped
        left.unlink()
    for target, text, mode in (
        (path.with_suffix(".vkey"), signer.vkey, 0o644),
        (path, signer.skey, 0o600),
    ):
        files.write_whole(target, f"{text}\n".encode(), incoming=path.parent, mode=mode)
    files.sync_directory(path.parent)
