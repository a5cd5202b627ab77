"""Enter what happened, and put heads of the log under a signature."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from lantai.ledger import files, finality, keys, queries
from lantai.ledger.models import STREAMS, Disclosure, Entry, Head, SigningIntent
from lantai.ledger.queries import LogDamaged
from lantai.lib.tlog import leaf as leaves
from lantai.lib.tlog import note
from lantai.lib.tlog.checkpoint import Checkpoint
from lantai.lib.tlog.merkle import SHA256, SM3, Frontier
from lantai.lib.tlog.note import VerifierKey
from lantai.lib.tlog.suite import INTL, SM, LogSuite

# Advisory locks are numbers for a whole database: this one, and the place of the stream.
_LOCK_CLASS = 0x1A27


def record(
    *,
    at: datetime,
    action: str,
    actor: str,
    subject: str,
    facts: Mapping[str, Any],
    stream: str = "records",
) -> Entry:
    """Enter one act in its stream, in the transaction of the change it speaks of.

    ``action`` reads ``app.noun.past-participle``, ``subject`` ``noun:uid``; both are codes that
    say nothing of a person. ``facts`` hold text, whole numbers, booleans, None, lists and mappings.
    The stream's one place of a writer is held until the transaction ends; who records in both
    streams in one transaction records in ``records`` first.

    Raises RuntimeError outside a transaction, ValueError or TypeError for what cannot be entered.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("an entry is recorded in the transaction of the change it speaks of")
    _check(stream=stream, actor=actor, subject=subject, at=at)
    salt = secrets.token_bytes(leaves.SALT_BYTES)
    body = leaves.body_of(at=at, facts=facts)
    leaf = leaves.build(
        action=action,
        org=settings.LANTAI_ORG,
        at=at,
        actor=actor,
        subject=subject,
        body=body,
        salt=salt,
    )
    _take_writers_place(stream)
    entry = Entry.objects.create(
        stream=stream,
        index=queries.size_of(stream=stream),
        at=at,
        action=action,
        actor=actor,
        subject=subject,
        leaf=leaf,
        leaf_hash=SHA256.leaf(leaf),
    )
    Disclosure.objects.create(entry=entry, salt=salt, content=body.decode())
    return entry


@transaction.atomic
def destroy_opening(*, entry: Entry, reason: str, by: str, at: datetime) -> Entry:
    """Destroy what an entry commits to, and record that it was; leaf and proofs stay good.

    Raises OpeningDestroyed if it is gone already.
    """
    entry.opening.delete()
    return record(
        at=at,
        action="ledger.opening.destroyed",
        actor=by,
        subject=f"entry:{entry.stream}/{entry.index}",
        facts={"stream": entry.stream, "index": entry.index, "reason": reason},
    )


def publish(*, at: datetime, streams: Sequence[str] = STREAMS) -> tuple[Head, ...]:
    """Sign a head over everything committed, stream by stream, and return the newest heads.

    In this order, so that a stop at any point is mended by the next call: the roots to be signed
    (the log's and its twin's) are committed; tiles and entries are on disk; the heads are signed;
    the checkpoints are on disk; the head with both notes is committed. Cheap when nothing is new.
    Must not be called inside a transaction.

    Raises queries.LogDamaged (RolledBack for a database older than the published checkpoint) or
    keys.KeyFault: then nothing is signed.
    """
    heads = (_publish(stream, at=at) for stream in streams)
    return tuple(head for head in heads if head is not None)


def _publish(stream: str, *, at: datetime) -> Head | None:
    folder = files.folder_of(settings.LANTAI_HOME, stream)
    with files.publishing(folder):
        queries.refuse_if_rolled_back(stream=stream)
        head = queries.latest_head(stream=stream)
        signed = head.size if head else 0
        for left in SigningIntent.objects.filter(stream=stream, size__gt=signed).order_by("size"):
            head = _carry_out(left, at=at)
        while (intent := _intend(stream, at=at)) is not None:
            head = _carry_out(intent, at=at)
        if head is not None and (published := files.read_checkpoint(folder)) != (
            noted := finality.noted(head)
        ):
            if published is None or not published.startswith(head.note):
                _write_log(stream, {INTL: bytes(head.root)}, old=0, new=head.size)
            files.write_checkpoint(folder, noted)
        twin = _roots(head).get(SM) if head else None
        if head and twin and files.read_checkpoint(folder, SM) != head.twin_note:
            _write_log(stream, {SM: twin}, old=0, new=head.size)
            files.write_checkpoint(folder, head.twin_note, SM)
    return head


@transaction.atomic(durable=True)
def _intend(stream: str, *, at: datetime) -> SigningIntent | None:
    """Commit the roots that may be signed next, or return None when nothing is new."""
    last = SigningIntent.objects.filter(stream=stream).order_by("size").last()
    frontier = Frontier()
    if last is not None:
        frontier = Frontier.restore(bytes(last.frontier), size=last.size)
        if frontier.root() != bytes(last.root):
            raise LogDamaged(f"日志 {stream} 在 {last.size} 条处登记的前沿与树根不符")
    twin = _twin_frontier(stream, last) if SM in settings.LANTAI_SUITES else None
    known = frontier.size
    rows = Entry.objects.filter(stream=stream, index__gte=known).order_by("index")
    for index, leaf, leaf_hash in rows.values_list("index", "leaf", "leaf_hash").iterator():
        if index != frontier.size:
            raise LogDamaged(f"日志 {stream} 缺第 {frontier.size} 条")
        if SHA256.leaf(bytes(leaf)) != bytes(leaf_hash):
            raise LogDamaged(f"日志 {stream} 第 {index} 条与其摘要不符")
        frontier.append(bytes(leaf_hash))
        if twin is not None:
            twin.append(SM3.leaf(bytes(leaf)))
    if frontier.size == known:
        return None
    return SigningIntent.objects.create(
        stream=stream,
        size=frontier.size,
        root=frontier.root(),
        frontier=frontier.packed,
        twin_root=twin.root() if twin else None,
        twin_frontier=twin.packed if twin else None,
        at=at,
    )


def _twin_frontier(stream: str, last: SigningIntent | None) -> Frontier:
    """The twin's tree as it was intended last; over all rows if it had none then."""
    if last is None:
        return Frontier(SM3)
    if last.twin_root is not None and last.twin_frontier is not None:
        twin = Frontier.restore(bytes(last.twin_frontier), size=last.size, suite=SM3)
        if twin.root() != bytes(last.twin_root):
            raise LogDamaged(f"日志 {stream} 在 {last.size} 条处登记的国密前沿与树根不符")
        return twin
    frontier, twin = Frontier(), Frontier(SM3)
    rows = Entry.objects.filter(stream=stream, index__lt=last.size).order_by("index")
    for leaf in rows.values_list("leaf", flat=True).iterator():
        frontier.append(SHA256.leaf(bytes(leaf)))
        twin.append(SM3.leaf(bytes(leaf)))
    if frontier.size != last.size or frontier.root() != bytes(last.root):
        raise LogDamaged(f"日志 {stream} 的条目与 {last.size} 条处登记的树根不符，未签名")
    return twin


def _carry_out(intent: SigningIntent, *, at: datetime) -> Head:
    """Write, sign and publish what was intended; repeating it gives the same files and notes."""
    stream, roots = intent.stream, _roots(intent)
    folder = files.folder_of(settings.LANTAI_HOME, stream)
    from_size: dict[int, dict[LogSuite, bytes]] = {}
    for suite, root in roots.items():
        from_size.setdefault(_published_size(folder, suite), {})[suite] = root
    for old, together in from_size.items():
        _write_log(stream, together, old=old, new=intent.size)
    notes = {suite: _signed(intent, suite, root) for suite, root in roots.items()}
    files.write_checkpoints(folder, notes)
    with transaction.atomic(durable=True):
        return Head.objects.create(
            stream=stream,
            size=intent.size,
            root=roots[INTL],
            note=notes[INTL],
            twin_root=roots.get(SM),
            twin_note=notes.get(SM, ""),
            at=at,
        )


def _roots(signed: SigningIntent | Head) -> dict[LogSuite, bytes]:
    """The roots of the suites that are in force and were intended."""
    roots = {INTL: bytes(signed.root)}
    if SM in settings.LANTAI_SUITES and signed.twin_root is not None:
        roots[SM] = bytes(signed.twin_root)
    return roots


def _published_size(folder: Path, suite: LogSuite) -> int:
    published = files.read_checkpoint(folder, suite)
    return Checkpoint.parse(note.parse(published).text).size if published else 0


def _signed(intent: SigningIntent, suite: LogSuite, root: bytes) -> str:
    """The signed head; where it was published before a stop, under that very signature.

    SM2 signs differently each time, and what is out must not change. What stands published was
    held against key and database before anything here.
    """
    stream = intent.stream
    origin = queries.origin_of(stream=stream, suite=suite)
    text = Checkpoint(origin, intent.size, root).text
    published = files.read_checkpoint(files.folder_of(settings.LANTAI_HOME, stream), suite)
    heads = Head.objects.filter(stream=stream)
    if suite is SM:
        heads = heads.exclude(twin_note="")
    signers = keys.signers_of(
        settings.LANTAI_HOME,
        stream,
        origin,
        at=intent.at,
        may_make=published is None and not heads.exists(),
        suite=suite,
    )
    shown = note.parse(published) if published else None
    if shown is not None and shown.text == text:
        own = [VerifierKey.parse(signer.vkey) for signer in signers]
        lines = (line for line in shown.signatures if any(key.matches(line) for key in own))
        return str(note.Note(text, tuple(lines)))
    return str(note.sign(text, signers))


def _write_log(stream: str, roots: Mapping[LogSuite, bytes], *, old: int, new: int) -> None:
    """Bring the files to a size and hold them against the roots; from the rows up if need be."""
    folder = files.folder_of(settings.LANTAI_HOME, stream)
    rows = queries.rows_of(stream=stream)
    if old < new:
        try:
            files.write_tiles(folder, old=old, new=new, rows=rows, suites=tuple(roots))
            if not _strange(stream, roots, size=new):
                return
        except (FileNotFoundError, ValueError):
            pass  # a tile of the old size is gone or cut: all are written again from the rows
    files.write_tiles(folder, old=0, new=new, rows=rows, suites=tuple(roots))
    for suite in _strange(stream, roots, size=new):
        raise LogDamaged(
            f"日志 {queries.origin_of(stream=stream, suite=suite)} 的条目与登记待签的树根不符"
            f"（{new} 条处），未签名"
        )


def _strange(stream: str, roots: Mapping[LogSuite, bytes], *, size: int) -> list[LogSuite]:
    """The suites whose files do not lead to the root."""
    return [
        suite
        for suite, root in roots.items()
        if queries.root_in_files(stream=stream, size=size, suite=suite) != root
    ]


def _check(*, stream: str, actor: str, subject: str, at: datetime) -> None:
    if stream not in STREAMS:
        raise ValueError(f"no such stream: {stream}")
    if at.tzinfo is None:
        raise ValueError("the moment of an entry has a time zone")
    if not actor:
        raise ValueError("somebody acted: an entry needs an actor")
    noun, colon, uid = subject.partition(":")
    if not (noun.isidentifier() and colon and uid):
        raise ValueError(f"a subject reads noun:uid, not {subject!r}")


def _take_writers_place(stream: str) -> None:
    """Let one writer at a time assign places. SQLite's transactions have but one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, STREAMS.index(stream)]
            )
