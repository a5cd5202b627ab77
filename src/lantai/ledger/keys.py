"""The keys a log signs with, one a stream and suite, in ``keys/``: for the program's eyes alone.

``log-<stream>.key`` is a key; ``log-<stream>.pkcs11`` says in which token it is (``tokens``).
"""

import secrets
from datetime import date, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from lantai.ledger import files, tokens
from lantai.ledger.tokens import Place, TokenSigner
from lantai.lib.tlog import sm2
from lantai.lib.tlog.note import FileSigner, NoteFault, Signer, VerifierKey
from lantai.lib.tlog.sm2 import SM2Signer
from lantai.lib.tlog.suite import INTL, LogSuite

_OFFICE: Final = ZoneInfo("Asia/Shanghai")
_UNTIL: Final = "until-"  # log-records.until-2026-12-25.key signs beside its follower to that day
_WAS: Final = "was-"  # log-records.was-0a1b2c3d.vkey: a public key of before, by its id
_ELSEWHERE: Final = ".pkcs11"  # log-records.pkcs11 says in which token the key is
KeyFault = tokens.KeyFault
Held = FileSigner | SM2Signer | TokenSigner


def signer_of(
    home: Path, stream: str, origin: str, *, may_make: bool, suite: LogSuite = INTL
) -> Signer:
    """Return the signer of a stream; make its key if none was ever used. Raises KeyFault.

    ``origin`` is the name of the log in that suite.
    """
    path = _in_force(home, stream, suite)
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
    signer: Held = _read(path, suite)
    if signer.name != origin:
        raise KeyFault(
            f"签名私钥 keys/{path.name} 属于 {signer.name}，而本系统的日志名为 {origin}；"
            "请检查 LANTAI_ORG 的设置"
        )
    return signer


def verifier_of(home: Path, stream: str, origin: str, suite: LogSuite = INTL) -> VerifierKey | None:
    """Return the public key of a stream, or None before the first signature."""
    if not _in_force(home, stream, suite).exists():
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
    _drop_what_went_over(path, suite)
    both = [signer]
    for retiring, last_day in _retiring(path):
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
        before = _public(held)
        found[str(before)] = before
    return tuple(found.values())


def hold_in_token(home: Path, stream: str, origin: str, place: Place) -> Signer:
    """Let a stream that never signed begin with a key in a token. Raises KeyFault.

    The caller holds the publisher's place and knows that nothing was signed.
    """
    path = _path(home, stream, INTL)
    if _in_force(home, stream, INTL).exists():
        raise KeyFault(f"日志 {origin} 已有签名密钥；请用换钥的办法改用令牌")
    files.make_directories(path.parent, mode=0o700)
    path.with_suffix(".vkey").unlink(missing_ok=True)  # of a call that was stopped
    signer = _made_in_token(path, origin, place)
    _write(path.with_suffix(".vkey"), signer.vkey, mode=0o644)
    _write(path.with_suffix(_ELSEWHERE), signer.written)
    files.sync_directory(path.parent)
    return signer


def next_of(
    home: Path, stream: str, origin: str, suite: LogSuite = INTL, *, into: Place | None = None
) -> Signer:
    """Return the key that is to follow, made durable if there is none yet. Raises KeyFault.

    It is made in the token ``into``; without one, where the key in force is.
    """
    path = _path(home, stream, suite)
    if (begun := _next(path)) is not None:
        return _read(begun, suite)
    now = _in_force(home, stream, suite)
    if into is None and now.suffix == _ELSEWHERE:
        held = TokenSigner.read(now).place
        into = Place(held.module, held.token, f"{stream}-{secrets.token_hex(4)}")
    fresh: Held
    if into is not None:
        fresh = _made_in_token(path, origin, into)
        _write(path.with_suffix(f".next{_ELSEWHERE}"), fresh.written)
    else:
        fresh = SM2Signer.make(origin) if suite is not INTL else _fresh_ed25519(origin)
        _write(path.with_suffix(".next.key"), fresh.skey)
    files.sync_directory(path.parent)
    return fresh


def put_next_in_force(home: Path, stream: str, suite: LogSuite, *, until: date) -> None:
    """Let the next key take over; the one before signs beside it to the end of a day.

    Harmless where it was done, and mends itself where it was stopped half-way. The caller holds
    the publisher's place.
    """
    path = _path(home, stream, suite)
    fresh = _next(path)
    if fresh is None:
        return
    held = _in_force(home, stream, suite)
    before, new = _read(held, suite), _read(fresh, suite)
    if before.vkey != new.vkey:
        name = VerifierKey.parse(before.vkey).id.hex()
        _write(path.with_suffix(f".{_WAS}{name}.vkey"), before.vkey, mode=0o644)
        _write(path.with_suffix(f".{_UNTIL}{until.isoformat()}{held.suffix}"), _kept(before))
        _write(path.with_suffix(".vkey"), new.vkey, mode=0o644)
        files.sync_directory(path.parent)
    fresh.replace(path.with_suffix(fresh.suffix))
    files.sync_directory(path.parent)
    _drop_what_went_over(path, suite)


def is_changing(home: Path, stream: str, suite: LogSuite, *, at: datetime) -> bool:
    """Whether the key before this one still signs beside it."""
    held = _in_force(home, stream, suite)
    if not held.exists():
        return False
    now = _read(held, suite).vkey
    return any(
        last_day >= at.astimezone(_OFFICE).date() and _read(retiring, suite).vkey != now
        for retiring, last_day in _retiring(_path(home, stream, suite))
    )


def _in_force(home: Path, stream: str, suite: LogSuite) -> Path:
    """The file that says the key in force: the token's, once there is one."""
    path = _path(home, stream, suite)
    in_token = path.with_suffix(_ELSEWHERE)
    return in_token if suite is INTL and in_token.exists() else path


def _next(path: Path) -> Path | None:
    both = (path.with_suffix(f".next{_ELSEWHERE}"), path.with_suffix(".next.key"))
    return next((begun for begun in both if begun.exists()), None)


def _retiring(path: Path) -> list[tuple[Path, date]]:
    """The keys of before that still sign, each with its last day."""
    return [
        (held, date.fromisoformat(held.stem.rpartition(_UNTIL)[2]))
        for held in sorted(path.parent.glob(f"{path.stem}.{_UNTIL}*"))
        if held.suffix in {".key", _ELSEWHERE}
    ]


def _drop_what_went_over(path: Path, suite: LogSuite) -> None:
    """Remove the file of a key that a token has followed; raise KeyFault if it is no such key."""
    if not (suite is INTL and path.exists() and path.with_suffix(_ELSEWHERE).exists()):
        return
    name = VerifierKey.parse(_read(path, suite).vkey).id.hex()
    if not path.with_suffix(f".{_WAS}{name}.vkey").exists():
        raise KeyFault(
            f"keys/ 中既有 {path.name} 又有 {path.stem}{_ELSEWHERE}，不知以哪一把签名，未签名；"
            "请移走不该有的一个"
        )
    path.unlink()
    files.sync_directory(path.parent)


def _made_in_token(path: Path, origin: str, place: Place) -> TokenSigner:
    """Make a key in a token; a key signs for one log only."""
    signer = tokens.make(origin, place, path.parent)
    for told in sorted(path.parent.glob("*.vkey")):
        if _public(told).material == signer.key.material:
            raise KeyFault(
                f"令牌 {place.token} 中的密钥 {place.label} 已由 keys/{told.name} 使用；"
                "一把密钥只签一个日志，请另取名称"
            )
    return signer


def _path(home: Path, stream: str, suite: LogSuite) -> Path:
    return home / "keys" / f"log-{stream}{suite.suffix.replace('/', '-')}.key"


def _fresh_ed25519(origin: str) -> FileSigner:
    return FileSigner.from_seed(origin, secrets.token_bytes(32))


def _read(path: Path, suite: LogSuite) -> Held:
    if path.suffix == _ELSEWHERE:
        return TokenSigner.read(path)
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
    _write(path.with_suffix(".vkey"), signer.vkey, mode=0o644)
    files.sync_directory(path.parent)
    _write(path, signer.skey)
    files.sync_directory(path.parent)


def _public(path: Path) -> VerifierKey:
    try:
        return VerifierKey.parse(path.read_text().strip())
    except (NoteFault, UnicodeDecodeError) as strange:
        raise KeyFault(f"公钥 keys/{path.name} 不可用，请从密钥备份中恢复") from strange


def _kept(signer: Held) -> str:
    """What the file of a key holds."""
    return signer.written if isinstance(signer, TokenSigner) else signer.skey


def _write(target: Path, text: str, *, mode: int = 0o600) -> None:
    files.write_whole(target, f"{text}\n".encode(), incoming=target.parent, mode=mode)
