"""Heads kept where this program cannot rewrite them: a file of daily heads, and time stamps.

Anchors are no part of signing: they are made from the newest signed head, later, and their absence
stops nothing. They stand in ``<anchors>/<stream>/``: ``heads``, a line a day, only added to
(``moment origin size root``), and ``<size>.tsr``, an RFC 3161 answer over the head's text. Whoever
rewrites history with a stolen key has to change these too, and a copy elsewhere tells.
"""

import base64
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from cryptography.x509 import Certificate
from django.conf import settings

from lantai.ledger import files
from lantai.ledger.audit import MISSING, Difference
from lantai.ledger.models import STREAMS, Head
from lantai.lib import timestamp
from lantai.lib.timestamp import TimestampFault
from lantai.lib.tlog.checkpoint import Checkpoint
from lantai.lib.tlog.leaf import moment
from lantai.lib.tlog.merkle import HASH_BYTES

HEADS: Final = "heads"
_OFFICE: Final = ZoneInfo("Asia/Shanghai")
_WAITS: Final = 20.0  # seconds for an authority's answer
Ask = Callable[[bytes], bytes]  # a question to a time-stamping authority → its answer


class AnchorFault(RuntimeError):
    """A head could not be anchored; the head itself is as good as before."""


@dataclass(frozen=True)
class Anchored:
    """A head that was anchored: by what, and whether just now or before."""

    stream: str
    size: int
    by: str
    fresh: bool


class Anchor(Protocol):
    """Something that keeps a head outside this program's reach."""

    @property
    def name(self) -> str: ...

    def keep(self, *, stream: str, head: Checkpoint, at: datetime) -> bool:
        """Keep a head; tell whether anything was to be done. Raises AnchorFault."""


class DailyHeads:
    """One line a day and stream in a file that is only added to."""

    name = "heads"

    def keep(self, *, stream: str, head: Checkpoint, at: datetime) -> bool:
        path = folder_of(stream) / HEADS
        held = path.read_bytes() if path.exists() else b""
        day = at.astimezone(_OFFICE).date()
        for line in held.decode("utf-8", "replace").splitlines():
            with suppress(ValueError):  # a line that a power cut left half is none
                if _parsed(line)[0].astimezone(_OFFICE).date() == day:
                    return False
        root = base64.b64encode(head.root).decode()
        torn = b"\n" if held and not held.endswith(b"\n") else b""
        _append(path, torn + f"{moment(at)} {head.origin} {head.size} {root}\n".encode())
        return True


@dataclass(frozen=True)
class TimeStamps:
    """RFC 3161 stamps over heads, checked against trusted roots before they are kept."""

    ask: Ask
    roots: Sequence[Certificate]
    name: str = "rfc3161"

    def keep(self, *, stream: str, head: Checkpoint, at: datetime) -> bool:
        path = _token_path(stream, head.size)
        if path.exists():
            return False
        message = head.text.encode()
        question = timestamp.query(message)
        try:
            answer = self.ask(question.content)
            timestamp.verify_token(answer, message, self.roots, nonce=question.nonce)
        except (OSError, TimestampFault) as refused:
            raise AnchorFault(f"时间戳没有取得：{refused}；请检查时间戳服务后重试") from refused
        files.make_directories(path.parent)
        files.write_whole(path, answer, incoming=path.parent)
        files.sync_directory(path.parent)
        return True


def anchor(*, anchors: Sequence[Anchor], at: datetime) -> Iterator[Anchored]:
    """Anchor the newest signed head of each stream. Raises AnchorFault."""
    for stream in STREAMS:
        newest = Head.objects.filter(stream=stream).order_by("-size").first()
        if newest is None:
            continue
        head = Checkpoint(_origin_of(stream), newest.size, bytes(newest.root))
        for kept_by in anchors:
            fresh = kept_by.keep(stream=stream, head=head, at=at)
            yield Anchored(stream, newest.size, kept_by.name, fresh)


def configured() -> tuple[Anchor, ...]:
    """The anchors of this installation. Raises AnchorFault for settings that cannot be used."""
    if not settings.LANTAI_TSA:
        return (DailyHeads(),)
    roots = trusted_roots()
    if not roots:
        raise AnchorFault("设置了 LANTAI_TSA，还须以 LANTAI_TSA_ROOTS 指明所信任的根证书文件")
    return DailyHeads(), TimeStamps(over_http(settings.LANTAI_TSA), roots)


def trusted_roots() -> tuple[Certificate, ...]:
    """Certificates of the authorities whose stamps count. Raises AnchorFault."""
    if settings.LANTAI_TSA_ROOTS is None:
        return ()
    try:
        return timestamp.read_roots(settings.LANTAI_TSA_ROOTS.read_bytes())
    except (OSError, TimestampFault) as unusable:
        raise AnchorFault(f"LANTAI_TSA_ROOTS 所指的根证书不可用：{unusable}") from unusable


def over_http(address: str) -> Ask:
    """Ask an authority at an http or https address. Raises AnchorFault for another address."""
    if not address.startswith(("http://", "https://")):
        raise AnchorFault(f"时间戳服务地址须以 http:// 或 https:// 开头，不是 {address}")

    def ask(question: bytes) -> bytes:
        request = urllib.request.Request(  # noqa: S310 -- the scheme is checked above
            address, data=question, headers={"Content-Type": timestamp.QUERY_TYPE}
        )
        with urllib.request.urlopen(request, timeout=_WAITS) as answer:  # noqa: S310 -- as above
            return bytes(answer.read(timestamp.MOST_BYTES + 1))

    return ask


def token_for(*, stream: str, size: int) -> bytes | None:
    """The time stamp over the head of exactly that size, if there is one."""
    try:
        return _token_path(stream, size).read_bytes()
    except FileNotFoundError:
        return None


def check_anchors() -> Iterator[Difference]:
    """Hold every anchor against the signed heads: what was kept elsewhere is still the history.

    Time stamps are checked where roots are set; without roots only that they are there is known.
    """
    try:
        roots = trusted_roots()
    except AnchorFault as unusable:
        roots = ()
        yield Difference("anchor", "roots", "file", "可用的根证书", str(unusable), "")
    for stream in STREAMS:
        heads = {head.size: head for head in Head.objects.filter(stream=stream)}
        path = folder_of(stream) / HEADS
        lines = path.read_text("utf-8", "replace").splitlines() if path.exists() else []
        for number, line in enumerate(lines, start=1):
            yield from _line_differences(stream, number, line, heads)
        for token in sorted(folder_of(stream).glob("*.tsr")) if roots else ():
            yield from _token_differences(stream, token, heads, roots)


def folder_of(stream: str) -> Path:
    """Where the anchors of a stream stand."""
    if settings.LANTAI_ANCHORS is not None:
        return Path(settings.LANTAI_ANCHORS) / stream
    return files.folder_of(settings.LANTAI_HOME, stream) / "anchors"


def _line_differences(
    stream: str, number: int, line: str, heads: dict[int, Head]
) -> Iterator[Difference]:
    key = f"{stream}/{HEADS}:{number}"
    try:
        at, kept = _parsed(line)
    except ValueError:
        yield Difference("anchor", key, "line", "时间、日志名、条数、树根", line, "")
        return
    since = moment(at)
    head = heads.get(kept.size)
    signed = Checkpoint(_origin_of(stream), head.size, bytes(head.root)).text if head else MISSING
    if kept.text != signed:
        yield Difference("anchor", key, "head", kept.text, signed, since)


def _token_differences(
    stream: str, token: Path, heads: dict[int, Head], roots: Sequence[Certificate]
) -> Iterator[Difference]:
    key = f"{stream}/{token.name}"
    head = heads.get(int(token.stem)) if token.stem.isdecimal() else None
    if head is None:
        yield Difference("anchor", key, "head", "有这一条数的签名", MISSING, "")
        return
    text = Checkpoint(_origin_of(stream), head.size, bytes(head.root)).text
    try:
        timestamp.verify_token(token.read_bytes(), text.encode(), roots)
    except (OSError, TimestampFault) as wrong:
        yield Difference("anchor", key, "token", text, str(wrong), moment(head.at))


def _parsed(line: str) -> tuple[datetime, Checkpoint]:
    """Read a line of heads. Raises ValueError for one that is cut or was never such a line."""
    at, origin, size, root = line.split(" ")
    digest = base64.b64decode(root, validate=True)
    if len(digest) != HASH_BYTES:
        raise ValueError("the root is cut")
    return datetime.fromisoformat(at), Checkpoint(origin, int(size), digest)


def _append(path: Path, line: bytes) -> None:
    """Add a line and force it to disk; what a full disk left of it is taken back."""
    files.make_directories(path.parent)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        try:
            written = os.write(descriptor, line)
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
        if written != len(line):
            os.ftruncate(descriptor, size)
            raise AnchorFault(f"{path.name} 没有写完，磁盘可能已满；请清理后重试")
    finally:
        os.close(descriptor)
    files.sync_directory(path.parent)  # whoever made the file may have been stopped before


def _token_path(stream: str, size: int) -> Path:
    return folder_of(stream) / f"{size}.tsr"


def _origin_of(stream: str) -> str:
    return f"{settings.LANTAI_ORIGIN}/{stream}"
