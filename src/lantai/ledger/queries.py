"""What the log says, and whether it still says what it said."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from lantai.ledger import files, finality, incidents, keys
from lantai.ledger.audit import MISSING, Audit, Difference
from lantai.ledger.heads import check_heads
from lantai.ledger.models import STREAMS, Entry, Head, OpeningDestroyed, SigningIntent
from lantai.lib import canonical
from lantai.lib.bundle import Sealed
from lantai.lib.refusals import Conflict
from lantai.lib.tlog import leaf as leaves
from lantai.lib.tlog import note, tiles
from lantai.lib.tlog.checkpoint import Checkpoint, CheckpointFault
from lantai.lib.tlog.merkle import Nodes, ProofInvalid, inclusion_proof, range_root, root_of
from lantai.lib.tlog.note import NoteFault
from lantai.lib.tlog.proof import prove
from lantai.lib.tlog.suite import INTL, SM, LogSuite

_UNCHECKED: Final = object()


class NotYetSealed(Conflict):
    """No signed head covers the entry yet."""


class LogDamaged(RuntimeError):
    """The log is not what it was: an incident, not a refusal."""


class RolledBack(LogDamaged):
    """The database is older than what was published, or tells another history."""


def origin_of(*, stream: str, suite: LogSuite = INTL) -> str:
    """The name of a stream's log, and of its key."""
    return suite.origin(f"{settings.LANTAI_ORIGIN}/{stream}")


def entries(*, stream: str | None = None, subject: str = "", action: str = "") -> QuerySet[Entry]:
    """Entries, newest first; a subject or action narrows them."""
    found = Entry.objects.select_related("disclosure")
    if stream is not None:
        found = found.filter(stream=stream)
    if subject:
        found = found.filter(subject=subject)
    if action:
        found = found.filter(action=action)
    return found.order_by("-id")


def size_of(*, stream: str) -> int:
    """How many entries a stream has; the index of its next."""
    with connection.cursor() as cursor:  # asked at every entry: a query set takes twice the time
        cursor.execute('SELECT max("index") FROM ledger_entry WHERE stream = %s', [stream])
        (last,) = cursor.fetchone()
    return 0 if last is None else int(last) + 1


def latest_head(*, stream: str) -> Head | None:
    """The newest signed head of a stream."""
    return Head.objects.filter(stream=stream).order_by("-size").first()


def verifier_key(*, stream: str, suite: LogSuite = INTL) -> str:
    """The public key of a stream (vkey), or an empty text before the first signature."""
    origin = origin_of(stream=stream, suite=suite)
    key = keys.verifier_of(settings.LANTAI_HOME, stream, origin, suite)
    return str(key) if key else ""


def sealed(entry: Entry) -> Sealed:
    """An entry with its opening and the proof that it is in the newest head with quorum.

    Where the opening was destroyed, the content is empty: that the entry is there is still proven.
    Raises NotYetSealed before the next ``publish``, or LogDamaged.
    """
    return sealed_together([entry])[0]


def sealed_together(chosen: Iterable[Entry]) -> tuple[Sealed, ...]:
    """Entries of one stream with their proofs, all against one head, as a bundle needs them.

    Against the newest head with quorum if one covers them all, else the newest; the words of the
    witnesses stand under it.
    """
    listed = list(chosen)
    if len({entry.stream for entry in listed}) != 1:
        raise ValueError("entries sealed together are of one stream, and at least one")
    head = finality.head_for(listed)
    if head is None:
        raise NotYetSealed("这条记录尚未进入已签名的日志，请稍候片刻再试")
    proofs = _proofs(listed, finality.noted(head), size=head.size, suite=INTL)
    twins = [""] * len(listed)
    if head.twin_note:
        twins = _proofs(listed, head.twin_note, size=head.size, suite=SM)
    return tuple(
        _sealed(entry, proof, twin)
        for entry, proof, twin in zip(listed, proofs, twins, strict=True)
    )


@dataclass(frozen=True)
class StreamState:
    """How far a stream is, how far it is signed, and the public keys to check it with.

    ``vkey_sm`` is the twin's, empty where none was signed.
    """

    stream: str
    origin: str
    size: int
    signed: int
    root: str
    head_at: str
    vkey: str
    vkey_sm: str

    @property
    def unsigned(self) -> int:
        """Entries that no signed head covers yet."""
        return self.size - self.signed

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "unsigned": self.unsigned}


def log_state() -> tuple[StreamState, ...]:
    """Sizes, heads and unsigned tails of all streams."""
    found = []
    for stream in STREAMS:
        head = latest_head(stream=stream)
        found.append(
            StreamState(
                stream=stream,
                origin=origin_of(stream=stream),
                size=size_of(stream=stream),
                signed=head.size if head else 0,
                root=bytes(head.root).hex() if head else "",
                head_at=leaves.moment(head.at) if head else "",
                vkey=verifier_key(stream=stream),
                vkey_sm=verifier_key(stream=stream, suite=SM),
            )
        )
    return tuple(found)


def check_log() -> Iterator[Difference]:
    """Recompute the log from its rows and yield whatever does not agree (see ``audit``)."""
    for stream in STREAMS:
        yield from Audit(stream, origin_of(stream=stream)).differences()
    yield from check_heads()


@dataclass(frozen=True)
class Logged:
    """What the log says last of a subject; ``facts`` is None where the opening was destroyed."""

    stream: str
    index: int
    at: datetime
    action: str
    actor: str
    subject: str
    facts: Mapping[str, Any] | None


def last_facts(*, subject: str, action: str | tuple[str, ...]) -> Logged | None:
    """What the newest entry of the actions says of a subject."""
    found = entries(subject=subject).filter(action__in=_actions(action)).first()
    return _logged(found) if found else None


def last_by_subject(*, action: str | tuple[str, ...]) -> dict[str, Logged]:
    """For every subject, what the newest entry of the actions says: one pass, for comparing rows.

    What it says is worth as much as ``check_log`` found it to be.
    """
    found = Entry.objects.select_related("disclosure").filter(action__in=_actions(action))
    return {entry.subject: _logged(entry) for entry in found.order_by("id").iterator(2000)}


def differing(
    *, table: str, key: str, row: Mapping[str, Any], said: Logged | None
) -> Iterator[Difference]:
    """Compare columns of a row with the facts of the same names.

    A row of which the log says nothing is a difference; so is a fact that was not stated. Where
    the opening was destroyed nothing can be compared. Values are compared as canonical text.
    """
    if said is None:
        yield Difference(table, key, "", MISSING, "日志中没有这一行的来历", "")
        return
    if said.facts is None:
        return
    for column, held in row.items():
        stated = said.facts.get(column, _UNCHECKED)
        expected = MISSING if stated is _UNCHECKED else _text(stated)
        if expected != _text(held):
            yield Difference(table, key, column, expected, _text(held), leaves.moment(said.at))


def rows_of(*, stream: str) -> files.Rows:
    """Leaves and leaf hashes of a stretch of a stream, for writing its files."""

    def read(first: int, count: int) -> list[tuple[bytes, bytes]]:
        rows = Entry.objects.filter(stream=stream, index__gte=first, index__lt=first + count)
        found = [
            (bytes(leaf), bytes(leaf_hash))
            for leaf, leaf_hash in rows.order_by("index").values_list("leaf", "leaf_hash")
        ]
        if len(found) != count:
            raise LogDamaged(f"日志 {stream} 在第 {first} 条之后缺条目")
        return found

    return read


def root_in_files(*, stream: str, size: int, suite: LogSuite = INTL) -> bytes:
    """The root at a size, out of the published tiles. Raises OSError or TileFault."""
    return range_root(0, size, _nodes(stream, size, suite), suite=suite.tree)


def refuse_if_rolled_back(*, stream: str) -> None:
    """Compare the published checkpoint with the database before anything is signed.

    Raises RolledBack if the database does not lead to it, or a witness has shown that it does not
    lead to what was signed before; LogDamaged if the checkpoint is not of this log.
    """
    refuse_if_stopped(stream=stream)
    head = latest_head(stream=stream)
    for suite in settings.LANTAI_SUITES:
        published = files.read_checkpoint(files.folder_of(settings.LANTAI_HOME, stream), suite)
        known = (head.note if suite is INTL else head.twin_note) if head else ""
        # What follows a known note are the words of witnesses.
        if published is not None and not (known and published.startswith(known)):
            _refuse_unless_it_leads_to(stream, published, suite)


def _refuse_unless_it_leads_to(stream: str, published: str, suite: LogSuite) -> None:
    shown = _own_checkpoint(stream, published, suite)
    have = size_of(stream=stream)
    if shown.size > have:
        raise RolledBack(
            f"数据库比已公布的日志旧：日志 {shown.origin} 已签到 {shown.size} 条，"
            f"数据库只有 {have} 条。请恢复到最新的备份，不要继续办理；恢复之前不再签名"
        )
    if _root_at(stream, shown.size, suite) != shown.root:
        raise RolledBack(
            f"数据库与已公布的日志不是同一段历史：日志 {shown.origin} 在 {shown.size} 条处的树根"
            "不同。请查明数据库被改动或被旧备份替换的原因；查明之前不再签名"
        )


def refuse_if_stopped(*, stream: str) -> None:
    """Raise RolledBack while the proven refusal of a witness stops the signing of a stream."""
    stopped = incidents.standing(settings.LANTAI_HOME, stream)
    if stopped is not None:
        raise RolledBack(
            f"日志 {stream} 已停签：{stopped.why}，并出示了本系统此前的签名（见证方 "
            f"{stopped.witness}，{stopped.at[:19]} UTC）。数据库可能被旧备份替换或被改写；"
            "请恢复最新的备份，再以 lantai witnesses --resume 恢复签名"
        )


def leads_to(*, stream: str, size: int, root: bytes) -> bool:
    """Tell whether the database has this root at this size."""
    return size <= size_of(stream=stream) and _root_at(stream, size) == root


def _own_checkpoint(stream: str, published: str, suite: LogSuite) -> Checkpoint:
    origin = origin_of(stream=stream, suite=suite)
    known = keys.verifiers_of(settings.LANTAI_HOME, stream, origin, suite)
    try:
        signed = note.parse(published)
        signers = note.verified(signed, known, checks=suite.checks)
        shown = Checkpoint.parse(signed.text)
    except (NoteFault, CheckpointFault) as wrong:
        raise LogDamaged(
            f"已公布的检查点 log/{stream}/{suite.checkpoint} 已损坏，未签名；请查明原因"
        ) from wrong
    if not signers or shown.origin != origin:
        raise LogDamaged(
            f"已公布的检查点 log/{stream}/{suite.checkpoint} 不是本系统签署的，未签名；请查明原因"
        )
    return shown


def _root_at(stream: str, size: int, suite: LogSuite = INTL) -> bytes:
    """The root at a size as the database has it: as intended then, else over its rows."""
    intent = SigningIntent.objects.filter(stream=stream, size=size).first()
    intended = intent and (intent.root if suite is INTL else intent.twin_root)
    if intended is not None:
        return bytes(intended)
    rows = Entry.objects.filter(stream=stream, index__lt=size).order_by("index")
    if suite is INTL:
        held = rows.values_list("leaf_hash", flat=True).iterator()
        hashes = (bytes(leaf_hash) for leaf_hash in held)
    else:
        leaves_held = rows.values_list("leaf", flat=True).iterator()
        hashes = (suite.tree.leaf(bytes(leaf)) for leaf in leaves_held)
    return root_of(hashes, suite=suite.tree)


def _nodes(stream: str, size: int, suite: LogSuite) -> Nodes:
    folder = files.folder_of(settings.LANTAI_HOME, stream)
    return tiles.nodes_in(lambda tile: files.read_tile(folder, tile, suite), size, suite=suite.tree)


def _proofs(listed: list[Entry], checkpoint: str, *, size: int, suite: LogSuite) -> list[str]:
    """A proof for each entry against one head, out of the published tiles. Raises LogDamaged."""
    nodes = _nodes(listed[0].stream, size, suite)
    made = []
    for entry in listed:
        try:
            hashes = inclusion_proof(entry.index, size, nodes, suite=suite.tree)
            proof = prove(index=entry.index, hashes=hashes, checkpoint=checkpoint)
            proof.verify(bytes(entry.leaf), suite=suite.tree)
        except (OSError, tiles.TileFault, ProofInvalid, CheckpointFault, NoteFault) as wrong:
            raise LogDamaged(
                f"日志 {origin_of(stream=entry.stream, suite=suite)} 的公布文件与数据库不符"
                f"（第 {entry.index} 条），请运行 lantai audit"
            ) from wrong
        made.append(str(proof))
    return made


def _sealed(entry: Entry, proof: str, proof_sm: str) -> Sealed:
    said: dict[str, Any] = {}
    salt = b""
    with suppress(OpeningDestroyed):
        salt = bytes(entry.opening.salt)
        said = {"actor": entry.actor, "body": entry.opening.body, "obj": entry.subject}
    return Sealed(
        index=entry.index,
        leaf=bytes(entry.leaf),
        salt=salt,
        content=said,
        proof=proof,
        proof_sm=proof_sm,
    )


def _actions(action: str | tuple[str, ...]) -> tuple[str, ...]:
    return (action,) if isinstance(action, str) else action


def _logged(entry: Entry) -> Logged:
    try:
        facts = entry.facts
    except OpeningDestroyed:
        facts = None
    return Logged(
        stream=entry.stream,
        index=entry.index,
        at=entry.at,
        action=entry.action,
        actor=entry.actor,
        subject=entry.subject,
        facts=facts,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else canonical.dumps(value).decode()
