"""Ask the witnesses to cosign the newest head, and face what they answer.

Never inside the transaction of an act, and never while somebody waits for a page: the worker
does it after signing. A witness that contradicts us and shows our own signature for it stops the
signing of the stream: the database was put back or rewritten. A witness that contradicts us and
shows nothing may itself be wrong; that is kept and shown, and the others decide.
"""

import hashlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.db import transaction

from lantai.ledger import files, finality, incidents, keys, queries, quorum, services
from lantai.ledger.incidents import Incident
from lantai.ledger.models import Cosigned, Head
from lantai.ledger.witnessing import last_said, note_said
from lantai.lib.refusals import Conflict, NotFound, Unacceptable
from lantai.lib.tlog import cosignature, note, tiles, witness
from lantai.lib.tlog import leaf as leaves
from lantai.lib.tlog.checkpoint import Checkpoint, CheckpointFault
from lantai.lib.tlog.cosignature import Cosignature
from lantai.lib.tlog.merkle import consistency_proof
from lantai.lib.tlog.note import NoteFault, VerifierKey
from lantai.lib.tlog.policy import Policy

LONGEST_WAIT: Final = 5.0  # seconds for one request, from first to last byte
MAX_ANSWER: Final = 64 * 1024
_TRIES: Final = 3  # a witness may be further than we knew, and further still the next time
_LOOKED_AT: Final = 8  # rows, for the last size a witness cosigned
_LARGEST_SIZE: Final = 2**53 - 1
ACTOR: Final = "ops"


@dataclass(frozen=True)
class Answer:
    """What came back over the wire."""

    status: int
    type: str
    body: bytes


# method, address, body → the answer. Raises OSError or http.client.HTTPException.
Send = Callable[[str, str, bytes], Answer]
# from a size, to the size of the head → the hashes between
Proof = Callable[[int], Sequence[bytes]]


@dataclass(frozen=True)
class Word:
    """What one witness said of one head: its line, or why there is none.

    ``contradicts`` says that it refused the head as not following from what it had seen; ``shown``
    is the note it shows for it, empty if it shows none.
    """

    name: str
    size: int = 0
    line: str = ""
    time: int = 0
    error: str = ""
    status: int = 0
    contradicts: bool = False
    shown: str = ""


@dataclass(frozen=True)
class Round:
    """One round of asking about one head: its size and what everybody said."""

    stream: str
    size: int
    words: tuple[Word, ...]

    @property
    def cosigned(self) -> tuple[str, ...]:
        return tuple(word.name for word in self.words if word.line)


def send(method: str, address: str, body: bytes) -> Answer:
    """Speak HTTP once. The whole exchange is cut off after LONGEST_WAIT, however it dribbles."""
    parts = urlsplit(address)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    name = parts.hostname or ""
    ended = threading.Event()
    plain = socket.create_connection((name, port), timeout=LONGEST_WAIT)
    with plain, plain.dup() as guard:  # the guard stays when TLS takes the socket over
        late = threading.Timer(LONGEST_WAIT, _cut, [guard, ended])
        late.daemon = True
        late.start()
        try:
            content = _exchange(plain, parts, method, body, secure=secure)
        except (http.client.HTTPException, OSError):
            if ended.is_set():
                raise TimeoutError from None
            raise
        finally:
            late.cancel()
    if ended.is_set():  # what came until then may be cut short
        raise TimeoutError
    return content


def collect(*, stream: str, at: datetime, everyone: bool = False, send: Send = send) -> Round:
    """Ask those due about the newest head of a stream, keep their words, publish them with it.

    Due is who has not cosigned this head, or not within WITNESS_MINUTES; a witness that
    failed is left alone for a while, unless ``everyone`` is asked. Cheap when nobody is due.

    Raises RolledBack if a witness showed a head signed by us that the database does not lead to:
    then nothing more is signed in the stream, and the refusal is kept; nobody is asked again
    before ``resume``. Must not be called inside a transaction.
    """
    queries.refuse_if_stopped(stream=stream)
    heard, _ = _round(stream, at=at, everyone=everyone, send=send)
    queries.refuse_if_stopped(stream=stream)
    return heard


def resume(*, stream: str, reason: str, by: str, at: datetime, send: Send = send) -> None:
    """Let a stopped stream be signed again, once no witness holds anything against it any more.

    Everybody is asked first. Raises NotFound if it is not stopped, Unacceptable without a reason,
    Conflict while the one that stopped it does not cosign, RolledBack if the proof still stands.
    """
    home = settings.LANTAI_HOME
    stopped = incidents.standing(home, stream)
    if stopped is None:
        raise NotFound(f"日志 {stream} 没有停签，不需要恢复")
    if not reason.strip():
        raise Unacceptable("请写明恢复签名的理由")
    heard, against = _round(stream, at=at, everyone=True, send=send)
    policy = quorum.in_force()
    named = policy is not None and stopped.witness in policy.witnesses
    if any(incident.proven for incident in against):
        queries.refuse_if_stopped(stream=stream)
    if named and stopped.witness not in heard.cosigned:
        raise Conflict(
            f"见证方 {stopped.witness} 仍未认可本日志，不能恢复签名；"
            "请先恢复最新的备份，或由机构书面决定将其移出见证策略"
        )
    with transaction.atomic():
        services.record(
            at=at,
            action="ledger.signing.resumed",
            actor=by,
            subject=f"log:{stream}",
            facts={"stream": stream, "reason": reason, "evidence_sha256": stopped.digest},
        )
    incidents.lift(home, stream)


def _round(
    stream: str, *, at: datetime, everyone: bool, send: Send
) -> tuple[Round, tuple[Incident, ...]]:
    """Ask, keep what was said, and return it with whatever speaks against us."""
    policy = quorum.in_force()
    head = queries.latest_head(stream=stream)
    if policy is None or head is None:
        return Round(stream, head.size if head else 0, ()), ()
    asked = list(policy.witnesses) if everyone else _due(policy, head, at=at)
    if not asked:
        return Round(stream, head.size, ()), ()
    words = _ask_all(asked, policy, head=head, send=send)
    _keep_words(head, words, at=at)
    against = []
    answers = {}
    for word in words:
        if word.contradicts and _overtaken(word, head):
            continue
        answers[word.name] = (word.size if word.line else 0, word.error)
        if word.contradicts:
            against.append(_judged(word, head=head, at=at))
    note_said(settings.LANTAI_HOME, stream=stream, answers=answers, at=at)
    for incident in against:
        _keep_incident(incident, at=at)
    return Round(stream, head.size, words), tuple(against)


def _due(policy: Policy, head: Head, *, at: datetime) -> list[str]:
    """The witnesses that should be asked about a head now. A row that does not hold is no word."""
    every = timedelta(minutes=settings.WITNESS_MINUTES)
    said = last_said(settings.LANTAI_HOME)
    have = {word.key.material for word in finality.words_on(head, policy=policy)}
    rows = Cosigned.objects.filter(stream=head.stream, size=head.size)
    last = dict(rows.order_by("at").values_list("witness", "at"))
    due = []
    for name, key in policy.witnesses.items():
        before = said.get((head.stream, name))
        if name not in policy.addresses or (before and not before.may_be_asked(at=at)):
            continue
        fresh = key.material in have and name in last and last[name] <= at < last[name] + every
        if not fresh:
            due.append(name)
    return due


def _ask_all(names: list[str], policy: Policy, *, head: Head, send: Send) -> tuple[Word, ...]:
    """Ask in parallel; the threads touch files and sockets, never the database."""
    folder = files.folder_of(settings.LANTAI_HOME, head.stream)
    nodes = tiles.nodes_in(lambda tile: files.read_tile(folder, tile), head.size)
    last = {name: _last_size(head, name, policy) for name in names}

    def proof(old: int) -> Sequence[bytes]:
        return consistency_proof(old, head.size, nodes) if 0 < old < head.size else ()

    def ask(name: str) -> Word:
        asking = _Asking(
            name,
            policy.witnesses[name],
            policy.addresses.get(name, "").rstrip("/"),
            note=head.note,
            size=head.size,
            proof=proof,
            send=send,
        )
        return asking.word(last[name])

    with ThreadPoolExecutor(max_workers=len(names)) as together:
        return tuple(together.map(ask, names))


@dataclass(frozen=True)
class _Asking:
    """One witness asked about one head."""

    name: str
    key: VerifierKey
    address: str
    note: str
    size: int
    proof: Proof
    send: Send

    def word(self, last: int) -> Word:
        """Ask from the size the witness cosigned last, as far as is known here."""
        if not self.address:
            return self._failed("见证策略未给出地址，无法请求见证")
        try:
            return self._asked(last)
        except (OSError, http.client.HTTPException) as failure:
            return self._failed(f"见证方没有应答：{_in_words(failure)}")
        except tiles.TileFault:
            return self._failed("本机公布的日志文件有损，未能作出一致性证明；请运行 lantai audit")

    def _asked(self, last: int) -> Word:
        old = last
        for _ in range(_TRIES):
            body = witness.add_checkpoint(old, self.proof(old), self.note)
            answer = self.send("POST", f"{self.address}/add-checkpoint", body)
            if answer.status == HTTPStatus.OK:
                return self._cosigned(answer)
            theirs = _size_in(answer)
            if theirs is None or theirs > self.size:
                return self._refused(answer)
            if theirs < last:
                return self._failed(
                    f"见证方曾见证到 {last} 条，现称只到 {theirs} 条：它丢失了自己的记录，"
                    "应停用并以新名称重新设立",
                    answer,
                )
            old = theirs
        return self._failed("见证方每次所称的条数都不同")

    def _cosigned(self, answer: Answer) -> Word:
        text = note.parse(self.note).text
        try:
            lines = witness.parse_signatures(answer.body, text)
            words = cosignature.cosignatures(lines, (self.key,))
        except NoteFault as false:
            return self._failed(f"见证签名不实，未采用：{false}", answer)
        if len(words) != 1:
            return self._failed("见证方的应答中没有（或不止一个）策略所列公钥的签名", answer)
        return _worded(self.name, self.size, lines, words[0])

    def _refused(self, answer: Answer) -> Word:
        """A refusal; one that contradicts us is asked to show what it rests on."""
        theirs = _size_in(answer)
        if theirs is None and answer.status != HTTPStatus.UNPROCESSABLE_ENTITY:
            return self._failed(_refusal_in_words(answer.status), answer)
        why = (
            f"见证方称已见证到 {theirs} 条，而本日志只有 {self.size} 条"
            if theirs is not None
            else f"见证方不认可本日志 {self.size} 条处的树根是其所见历史的延续"
        )
        return Word(
            self.name,
            size=theirs if theirs is not None else self.size,
            error=why,
            status=answer.status,
            contradicts=True,
            shown=self._shown(),
        )

    def _shown(self) -> str:
        """The note that the witness publishes of our log, or an empty text."""
        origin = Checkpoint.parse(note.parse(self.note).text).origin
        place = hashlib.sha256(origin.encode()).hexdigest()
        with suppress(OSError, http.client.HTTPException, UnicodeDecodeError):
            answer = self.send("GET", f"{self.address}/{place}/checkpoint", b"")
            if answer.status == HTTPStatus.OK:
                return answer.body.decode()
        return ""

    def _failed(self, error: str, answer: Answer | None = None) -> Word:
        return Word(self.name, error=error, status=answer.status if answer else 0)


def _worded(name: str, size: int, lines: note.Note, word: Cosignature) -> Word:
    (line,) = (each.line for each in lines.signatures if word.key.matches(each))
    return Word(name, size=size, line=line.rstrip("\n"), time=word.time, status=HTTPStatus.OK)


def _last_size(head: Head, name: str, policy: Policy) -> int:
    """The largest size this witness truly cosigned, of the newest few there are rows of; else 0."""
    rows = Cosigned.objects.filter(stream=head.stream, witness=name, size__lte=head.size)
    sizes = rows.order_by("-size").values_list("size", flat=True)[:_LOOKED_AT]
    key = policy.witnesses[name]
    for signed in Head.objects.filter(stream=head.stream, size__in=list(sizes)).order_by("-size"):
        if any(word.key == key for word in finality.words_on(signed, policy=policy)):
            return int(signed.size)
    return 0


def _keep_words(head: Head, words: tuple[Word, ...], *, at: datetime) -> None:
    """Store the lines, then put the checkpoint with all its words in its place.

    A stop between the two leaves a checkpoint without the newest lines, which the next ``publish``
    or round mends from the rows.
    """
    said = [word for word in words if word.line]
    if not said:
        return
    with transaction.atomic():
        for word in said:
            Cosigned.objects.get_or_create(
                stream=head.stream,
                size=head.size,
                witness=word.name,
                time=word.time,
                defaults={"line": word.line, "at": at},
            )
    folder = files.folder_of(settings.LANTAI_HOME, head.stream)
    with files.publishing(folder):
        newest = queries.latest_head(stream=head.stream)
        if newest == head:
            text = finality.noted(head)
            if files.read_checkpoint(folder) != text:
                files.write_checkpoint(folder, text)


def _overtaken(word: Word, head: Head) -> bool:
    """Whether the witness was only further than this round: another head of ours came first."""
    newest = queries.latest_head(stream=head.stream)
    return newest is not None and head.size < word.size <= newest.size


def _judged(word: Word, *, head: Head, at: datetime) -> Incident:
    """A contradiction, and whether the witness shows our own signature for it."""
    return Incident(
        stream=head.stream,
        witness=word.name,
        status=word.status,
        size=word.size,
        why=word.error,
        proven=_is_proven(word, stream=head.stream),
        asked=head.note,
        shown=word.shown,
        at=leaves.moment(at),
    )


def _is_proven(word: Word, *, stream: str) -> bool:
    """Whether what is shown was signed by this log, and the database does not lead to it."""
    origin = queries.origin_of(stream=stream)
    known = keys.verifiers_of(settings.LANTAI_HOME, stream, origin)
    try:
        signed = note.parse(word.shown)
        theirs = Checkpoint.parse(signed.text)
        ours = note.verified(signed, known)
    except (NoteFault, CheckpointFault):
        return False
    return bool(
        ours
        and theirs.origin == origin
        and not queries.leads_to(stream=stream, size=theirs.size, root=theirs.root)
    )


def _keep_incident(incident: Incident, *, at: datetime) -> None:
    """Keep a refusal where it outlives the database, stop on proof, and enter it in the log."""
    home = settings.LANTAI_HOME
    if incident.proven:
        incidents.stop(home, incident)
    if not incidents.keep(home, incident):
        return
    with transaction.atomic():
        services.record(
            at=at,
            action="ledger.witness.refused",
            actor=ACTOR,
            subject=f"log:{incident.stream}",
            facts={
                "stream": incident.stream,
                "witness": incident.witness,
                "size": incident.size,
                "status": incident.status,
                "proven": incident.proven,
                "evidence_sha256": incident.digest,
            },
        )


def _size_in(answer: Answer) -> int | None:
    """The size a witness says it last cosigned, where it answers with one."""
    if answer.status != HTTPStatus.CONFLICT:
        return None
    if answer.type != witness.SIZE_TYPE or not answer.body.endswith(b"\n"):
        return None
    digits = answer.body[:-1]
    if not digits.isdigit() or len(digits) > len(str(_LARGEST_SIZE)):
        return None
    size = int(digits)
    return size if size <= _LARGEST_SIZE else None


def _refusal_in_words(status: int) -> str:
    match status:
        case HTTPStatus.NOT_FOUND:
            return "见证方尚未登记本日志；请将本日志的公钥以书面形式告知对方"
        case HTTPStatus.FORBIDDEN:
            return "见证方不认本日志的签名；请核对对方登记的公钥"
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return "见证方暂时不能保存，稍后再请求"
        case _:
            return f"见证方拒绝了请求（{status}）"


def _in_words(failure: Exception) -> str:
    match failure:
        case TimeoutError():
            return f"{LONGEST_WAIT:.0f} 秒内未答复"
        case ConnectionRefusedError():
            return "连接被拒绝"
        case socket.gaierror():
            return "找不到这个地址"
        case OSError() if failure.strerror:
            return failure.strerror
        case _:
            return str(failure) or type(failure).__name__


def _exchange(
    plain: socket.socket, parts: SplitResult, method: str, body: bytes, *, secure: bool
) -> Answer:
    """One request over a connected socket."""
    name = parts.hostname or ""
    with closing(http.client.HTTPConnection(name, parts.port)) as connection:
        connection.sock = (
            ssl.create_default_context().wrap_socket(plain, server_hostname=name)
            if secure
            else plain
        )
        connection.request(method, parts.path or "/", body or None)
        answer = connection.getresponse()
        content = answer.read(MAX_ANSWER + 1)
        if len(content) > MAX_ANSWER:
            raise http.client.HTTPException("the answer is too long")
        return Answer(answer.status, answer.headers.get_content_type(), content)


def _cut(guard: socket.socket, ended: threading.Event) -> None:
    """End an exchange that takes too long."""
    ended.set()
    with suppress(OSError):
        guard.shutdown(socket.SHUT_RDWR)
