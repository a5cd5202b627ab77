"""Enter what happened, and put heads of the log under a signature."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from lantai.ledger import files, keys, queries
from lantai.ledger.models import STREAMS, Disclosure, Entry, Head, SigningIntent
from lantai.ledger.queries import LogDamaged
from lantai.lib.tlog import leaf as leaves
from lantai.lib.tlog import note
from lantai.lib.tlog.checkpoint import Checkpoint
from lantai.lib.tlog.merkle import SHA256, Frontier

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


def publish(*, at: datetime) -> tuple[Head, ...]:
    """Sign a head over everything committed, stream by stream, and return the newest heads.

    In this order, so that a stop at any point is mended by the next call: the root to be signed is
    committed; tiles and entries are on disk; the head is signed; the checkpoint is on disk; the
    head is committed. Cheap when nothing is new. Must not be called inside a transaction.

    Raises queries.LogDamaged (RolledBack for a database older than the published checkpoint) or
    keys.KeyFault: then nothing is signed.
    """
    heads = (_publish(stream, at=at) for stream in STREAMS)
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
        if head is not None and files.read_checkpoint(folder) != head.note:
            _write_log(stream, old=0, new=head.size, root=bytes(head.root))
            files.write_checkpoint(folder, head.note)
    return head


@transaction.atomic(durable=True)
def _intend(stream: str, *, at: datetime) -> SigningIntent | None:
    """Commit the one root that may be signed next, or return None when nothing is new."""
    last = SigningIntent.objects.filter(stream=stream).order_by("size").last()
    frontier = Frontier()
    if last is not None:
        frontier = Frontier.restore(bytes(last.frontier), size=last.size)
        if frontier.root() != bytes(last.root):
            raise LogDamaged(f"日志 {stream} 在 {last.size} 条处登记的前沿与树根不符")
    known = frontier.size
    rows = Entry.objects.filter(stream=stream, index__gte=known).order_by("index")
    for index, leaf, leaf_hash in rows.values_list("index", "leaf", "leaf_hash").iterator():
        if index != frontier.size:
            raise LogDamaged(f"日志 {stream} 缺第 {frontier.size} 条")
        if SHA256.leaf(bytes(leaf)) != bytes(leaf_hash):
            raise LogDamaged(f"日志 {stream} 第 {index} 条与其摘要不符")
        frontier.append(bytes(leaf_hash))
    if frontier.size == known:
        return None
    return SigningIntent.objects.create(
        stream=stream,
        size=frontier.size,
        root=frontier.root(),
        frontier=frontier.packed,
        at=at,
    )


def _carry_out(intent: SigningIntent, *, at: datetime) -> Head:
    """Write, sign and publish what was intended; repeating it gives the same files and note."""
    home, stream = settings.LANTAI_HOME, intent.stream
    folder = files.folder_of(home, stream)
    published = files.read_checkpoint(folder)
    old = Checkpoint.parse(note.parse(published).text).size if published else 0
    root = bytes(intent.root)
    _write_log(stream, old=old, new=intent.size, root=root)
    signer = keys.signer_of(
        home,
        stream,
        queries.origin_of(stream=stream),
        may_make=published is None and not Head.objects.filter(stream=stream).exists(),
    )
    text = Checkpoint(queries.origin_of(stream=stream), intent.size, root).text
    signed = str(note.sign(text, [signer]))
    files.write_checkpoint(folder, signed)
    with transaction.atomic(durable=True):
        return Head.objects.create(stream=stream, size=intent.size, root=root, note=signed, at=at)


def _write_log(stream: str, *, old: int, new: int, root: bytes) -> None:
    """Bring the files to a size and hold them against the root; from the rows up if need be."""
    folder = files.folder_of(settings.LANTAI_HOME, stream)
    rows = queries.rows_of(stream=stream)
    if old < new:
        try:
            files.write_tiles(folder, old=old, new=new, rows=rows)
            if queries.root_in_files(stream=stream, size=new) == root:
                return
        except (FileNotFoundError, ValueError):
            pass  # a tile of the old size is gone or cut: all are written again from the rows
    files.write_tiles(folder, old=0, new=new, rows=rows)
    if queries.root_in_files(stream=stream, size=new) != root:
        raise LogDamaged(f"日志 {stream} 的条目与登记待签的树根不符（{new} 条处），未签名")


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
