"""Promises to those who act, and whether they were kept (``lib.tlog.promise``)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings

from lantai.ledger import keys, queries
from lantai.ledger.audit import MISSING, Difference
from lantai.ledger.models import STREAMS, Entry, Head
from lantai.lib.tlog import note
from lantai.lib.tlog.leaf import moment
from lantai.lib.tlog.note import NoteFault
from lantai.lib.tlog.promise import Promise, PromiseFault

WITHIN: Final = timedelta(hours=1)
SUFFIX: Final = ".promise"
MOST_BYTES: Final = 16_384


def promise(*, entry: Entry, at: datetime) -> str:
    """Return the log's signed word that an entry will be under a signed head within the hour.

    The entry is committed. Raises keys.KeyFault before the log has a key.
    """
    origin = queries.origin_of(stream=entry.stream)
    signer = keys.signer_of(settings.LANTAI_HOME, entry.stream, origin, may_make=False)
    deadline = int((at + WITHIN).timestamp())
    text = Promise(origin, entry.index, bytes(entry.leaf_hash), deadline).text
    return str(note.sign(text, [signer]))


def check_promises(*, folder: Path, at: datetime) -> Iterator[Difference]:
    """Hold every promise in a folder (``*.promise``) against the log as it is now.

    A difference is a text this log did not sign, another leaf at the promised place, and after the
    deadline a place that does not exist or is under no signed head.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        yield from _differences(path, at)


def _differences(path: Path, at: datetime) -> Iterator[Difference]:
    try:
        stream, said = _read(path)
    except (OSError, NoteFault, PromiseFault) as strange:
        yield Difference("promise", path.name, "text", "本系统日志签署的承诺", str(strange), "")
        return
    deadline = datetime.fromtimestamp(said.deadline, UTC)
    since, place = moment(deadline), f"{stream}/{said.index}"
    entry = Entry.objects.filter(stream=stream, index=said.index).first()
    if entry is not None and bytes(entry.leaf_hash) != said.leaf_hash:
        found = bytes(entry.leaf_hash).hex()
        yield Difference("promise", path.name, place, said.leaf_hash.hex(), found, since)
    elif at <= deadline:
        return
    elif entry is None:
        yield Difference("promise", path.name, place, said.leaf_hash.hex(), MISSING, since)
    elif not Head.objects.filter(stream=stream, size__gt=said.index).exists():
        yield Difference("promise", path.name, place, "在签名的树头之下", "没有签名", since)


def _read(path: Path) -> tuple[str, Promise]:
    """The stream and the content of a promise this log signed."""
    content = path.read_bytes()
    if len(content) > MOST_BYTES:
        raise PromiseFault(f"a promise has at most {MOST_BYTES} bytes")
    signed = note.parse(content)
    said = Promise.parse(signed.text)
    origins = {queries.origin_of(stream=stream): stream for stream in STREAMS}
    stream = origins.get(said.origin)
    if stream is None:
        raise PromiseFault(f"a promise of another log: {said.origin}")
    known = keys.verifiers_of(settings.LANTAI_HOME, stream, said.origin)
    if not note.verified(signed, known):
        raise PromiseFault("no key of this log signed it")
    return stream, said
