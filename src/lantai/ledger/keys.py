"""The keys a log signs with, one a stream and suite, in ``keys/``: for the program's eyes alone."""

import secrets
from datetime import date, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from lantai.ledger import files
from lantai.lib.tlog import sm2
from lantai.lib.tlog.note import FileSigner, NoteFault, Signer, VerifierKey
from lantai.lib.tlog.sm2 import SM2Signer
from lantai.lib.tlog.suite import INTL, LogSuite

_OFFICE: Final = ZoneInfo("Asia/Shanghai")
_UNTIL: Final = "until-"  # log-records.until-2026-12-25.key signs beside its follower to that day
_WAS: Final = "was-"  # log-records.was-0a1b2c3d.vkey: a public key of before, by its id


class KeyFault(RuntimeError):
    """A signing key is missing or foreign: nothing is signed until a person has looked."""


def signer_of(
    home: Path, stream: str, origin: str, *, may_make: bool, suite: LogSuite = INTL
) -> Signer:
    """Return the signer of a stream; make its key if none was ever used. Raises KeyFault.

    ``origin`` is the name of the log in that suite.
    """
    path = _path(home, stream, suite)
    if suite is not INTL and not sm2.available():
        raise KeyFault("本机没有 SM2 算法（gmssl_pyx），不能签署国密日志；请重新安装本系统的依赖")
    if not path.exists():
        if not may_make:
            raise KeyFault(
                f"日志 {origin} 已有签名，但签名私钥 keys/{path.name} 不在；"
                "请从密钥备份中恢复，不要另造新钥"
            )
        fresh = SM2Signer.make(origin) if suite is not INTL else _fresh_ed25519(origin)
        _make(path, fresh)
    signer = _read(path, suite)
    if signer.name != origin:
        raise KeyFault(
            f"签名私钥 keys/{path.name} 属于 {signer.name}，而本系统的日志名为 {origin}；"
            "请检查 LANTAI_ORG 的设置"
        )
    return signer


def verifier_of(home: Path, stream: str, origin: str, suite: LogSuite = INTL) -> VerifierKey | None:
    """Return the public key of a stream, or None before the first signature."""
    if not _path(home, stream, suite).exists():
        return None
    return VerifierKey.parse(signer_of(home, stream, origin, may_make=False, suite=suite).vkey)


def signers_of(
    home: Path, stream: str, origin: str, *, at: datetime, may_make: bool, suite: LogSuite = INTL
) -> tuple[Signer, ...]:
    """Return the key in force, and after a change the one before it to the last day of both.

    A key whose last day is over is removed; its public half stays. Raises KeyFault.
    """
    signer = signer_of(home, stream, origin, may_make=may_make, suite=suite)
    path = _path(home, stream, suite)
    both = [signer]
    for retiring in sorted(path.parent.glob(f"{path.stem}.{_UNTIL}*.key")):
        last_day = date.fromisoformat(retiring.stem.rpartition(_UNTIL)[2])
        if at.astimezone(_OFFICE).date() > last_day:
            retiring.unlink()
            files.sync_directory(path.parent)
        elif (before := _read(retiring, suite)).vkey != signer.vkey:
            both.append(before)
    return tuple(both)


def verifiers_of(
    home: Path, stream: str, origin: str, suite: LogSuite = INTL
) -> tuple[VerifierKey, ...]:
    """Return every public key of a stream: the one in force, then those of before."""
    key = verifier_of(home, stream, origin, suite)
    if key is None:
        return ()
    path = _path(home, stream, suite)
    found = {str(key): key}
    for held in sorted(path.parent.glob(f"{path.stem}.{_WAS}*.vkey")):
        try:
            before = VerifierKey.parse(held.read_text().strip())
        except (NoteFault, UnicodeDecodeError) as strange:
            raise KeyFault(f"旧公钥 keys/{held.name} 不可用，请从密钥备份中恢复") from strange
        found[str(before)] = before
    return tuple(found.values())


def next_of(home: Path, stream: str, origin: str, suite: LogSuite = INTL) -> Signer:
    """Return the key that is to follow, made durable if there is none yet. Raises KeyFault."""
    path = _path(home, stream, suite).with_suffix(".next.key")
    if not path.exists():
        fresh = SM2Signer.make(origin) if suite is not INTL else _fresh_ed25519(origin)
        content = f"{fresh.skey}\n".encode()
        files.write_whole(path, content, incoming=path.parent, mode=0o600)
        files.sync_directory(path.parent)
    return _read(path, suite)


def put_next_in_force(home: Path, stream: str, suite: LogSuite, *, until: date) -> None:
    """Let the next key take over; the one before signs beside it to the end of a day.

    Harmless where it was done, and mends itself where it was stopped half-way. The caller holds
    the publisher's place.
    """
    path = _path(home, stream, suite)
    fresh = path.with_suffix(".next.key")
    if not fresh.exists():
        return
    before, new = _read(path, suite), _read(fresh, suite)
    if before.vkey != new.vkey:
        name = VerifierKey.parse(before.vkey).id.hex()
        for target, text, mode in (
            (path.with_suffix(f".{_WAS}{name}.vkey"), before.vkey, 0o644),
            (path.with_suffix(f".{_UNTIL}{until.isoformat()}.key"), before.skey, 0o600),
            (path.with_suffix(".vkey"), new.vkey, 0o644),
        ):
            files.write_whole(target, f"{text}\n".encode(), incoming=path.parent, mode=mode)
        files.sync_directory(path.parent)
    fresh.replace(path)
    files.sync_directory(path.parent)


def is_changing(home: Path, stream: str, suite: LogSuite, *, at: datetime) -> bool:
    """Whether the key before this one still signs beside it."""
    path = _path(home, stream, suite)
    if not path.exists():
        return False
    now = _read(path, suite).vkey
    return any(
        date.fromisoformat(retiring.stem.rpartition(_UNTIL)[2]) >= at.astimezone(_OFFICE).date()
        and _read(retiring, suite).vkey != now
        for retiring in path.parent.glob(f"{path.stem}.{_UNTIL}*.key")
    )


def _path(home: Path, stream: str, suite: LogSuite) -> Path:
    return home / "keys" / f"log-{stream}{suite.suffix.replace('/', '-')}.key"


def _fresh_ed25519(origin: str) -> FileSigner:
    return FileSigner.from_seed(origin, secrets.token_bytes(32))


def _read(path: Path, suite: LogSuite) -> FileSigner | SM2Signer:
    try:
        text = path.read_text()
        return FileSigner.parse(text) if suite is INTL else SM2Signer.parse(text)
    except (NoteFault, UnicodeDecodeError) as strange:
        raise KeyFault(f"签名私钥 keys/{path.name} 不可用，请从密钥备份中恢复") from strange


def _make(path: Path, signer: FileSigner | SM2Signer) -> None:
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
