"""Is an entry final? Sealed by our own head is one thing, cosigned by a quorum another.

A line of a witness counts only if its signature holds here and now, under a key of the policy in
force: rows are no evidence of themselves.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Final

from django.conf import settings
from django.db.models import Count

from lantai.ledger import incidents, quorum
from lantai.ledger.incidents import Incident
from lantai.ledger.models import STREAMS, Cosigned, Entry, Head
from lantai.ledger.witnessing import Said, last_said
from lantai.lib.tlog import cosignature, note
from lantai.lib.tlog.cosignature import Cosignature
from lantai.lib.tlog.note import NoteFault
from lantai.lib.tlog.policy import Policy

_TRIED: Final = 64
_CHUNK: Final = 500


@dataclass(frozen=True)
class Standing:
    """How firmly an entry stands in the log.

    ``sealed``: a head of ours covers it. ``final``: a head with quorum does, or none is needed
    (``required`` is False). ``witnesses`` are the names and times (UTC) of those whose word is on
    that head, ``missing`` those of the policy whose word is not. ``size`` and ``head_at`` are of
    that head; 0 and None where no head covers the entry.
    """

    sealed: bool
    final: bool
    required: bool
    witnesses: tuple[tuple[str, datetime], ...]
    missing: tuple[str, ...]
    size: int
    head_at: datetime | None

    @property
    def of(self) -> int:
        """How many witnesses the policy names."""
        return len(self.witnesses) + len(self.missing)

    @property
    def said(self) -> str:
        """The standing in one sentence, for paper and plain text."""
        if not self.sealed:
            return "暂定（尚未进入已签名的日志）"
        if not self.required:
            return "仅本机构签名，未设见证"
        if not self.final:
            return f"暂定（见证 {len(self.witnesses)}/{self.of}，待法定数）"
        return f"已见证（{len(self.witnesses)}/{self.of}）"


def standing_of(entry: Entry) -> Standing:
    """How firmly an entry stands."""
    return standing_at(stream=entry.stream, index=entry.index)


def standing_at(*, stream: str, index: int) -> Standing:
    """How firmly the entry at a place stands: by the first head with quorum that covers it."""
    policy = quorum.in_force()
    if policy is None or policy.quorum is None:
        return _alone(stream, index, policy)
    for head, words in _with_quorum(policy, stream, index, order="size"):
        return _standing(head, words, policy=policy, final=True)
    return _provisional(stream, index, policy)


def standing_of_act(*, subject: str, action: str, stream: str = "records") -> Standing:
    """How firmly the newest act of a kind on a subject stands; not at all if the log has none."""
    found = Entry.objects.filter(stream=stream, subject=subject, action=action)
    index = found.order_by("-index").values_list("index", flat=True).first()
    return standing_at(stream=stream, index=2**62 if index is None else index)


def head_for(entries: Iterable[Entry]) -> Head | None:
    """The head that proofs of entries of one stream should lead to; None if none covers them all.

    The newest with quorum, else the newest of all.
    """
    listed = list(entries)
    stream, index = listed[0].stream, max(entry.index for entry in listed)
    policy = quorum.in_force()
    if policy is not None and policy.quorum is not None:
        for head, _ in _with_quorum(policy, stream, index, order="-size"):
            return head
    return Head.objects.filter(stream=stream, size__gt=index).order_by("-size").first()


def noted(head: Head) -> str:
    """The head's signed note with the newest word of every witness under it."""
    policy = quorum.in_force()
    if policy is None:
        return head.note
    lines = (f"{line}\n" for _, line in _newest_lines(head, policy).values())
    return head.note + "".join(lines)


def words_on(head: Head, *, policy: Policy) -> tuple[Cosignature, ...]:
    """The first word of each witness of the policy on a head, verified; in the policy's order."""
    first: dict[str, Cosignature] = {}
    for name, word, _ in _verified(head, policy):
        if name not in first or word.time < first[name].time:
            first[name] = word
    return tuple(first[name] for name in policy.witnesses if name in first)


@dataclass(frozen=True)
class WitnessState:
    """One witness and one stream, as the supervision desk sees them.

    ``time`` is the witness's own last word (UTC), ``behind`` how many entries it has not seen
    under a head yet, ``error`` what went wrong when it was asked last, empty if nothing.
    """

    witness: str
    key_name: str
    address: str
    stream: str
    size: int
    time: datetime | None
    behind: int
    error: str
    error_at: datetime | None


def witness_state() -> tuple[WitnessState, ...]:
    """What is known of every witness of the policy, by stream; empty without witnesses."""
    policy = quorum.in_force()
    if policy is None:
        return ()
    said = last_said(settings.LANTAI_HOME)
    return tuple(
        _state(policy, name, stream, said.get((stream, name)))
        for name in policy.witnesses
        for stream in STREAMS
    )


def final_up_to(*, stream: str) -> int:
    """The largest size under a head with quorum; where none is needed, of the newest head."""
    policy = quorum.in_force()
    if policy is None or policy.quorum is None:
        newest = Head.objects.filter(stream=stream).order_by("-size").first()
        return newest.size if newest else 0
    return next(
        (head.size for head, _ in _with_quorum(policy, stream, -1, order="-size")),
        0,
    )


def provisional_since() -> datetime | None:
    """Since when the oldest entry without quorum waits for it, over all streams; None if none."""
    policy = quorum.in_force()
    if policy is None or policy.quorum is None:
        return None
    waiting = []
    for stream in STREAMS:
        oldest = Entry.objects.filter(stream=stream, index__gte=final_up_to(stream=stream))
        waiting += list(oldest.order_by("index").values_list("at", flat=True)[:1])
    return min(waiting, default=None)


def stops() -> tuple[tuple[str, Incident], ...]:
    """The streams that are not signed any more, each with the refusal that stopped it."""
    found = ((stream, incidents.standing(settings.LANTAI_HOME, stream)) for stream in STREAMS)
    return tuple((stream, stopped) for stream, stopped in found if stopped is not None)


def refusals() -> tuple[Incident, ...]:
    """Every refusal of a witness that was kept, newest first."""
    return incidents.kept(settings.LANTAI_HOME)


def _with_quorum(
    policy: Policy, stream: str, index: int, *, order: str
) -> Iterator[tuple[Head, tuple[Cosignature, ...]]]:
    """Heads with quorum that cover an entry, and the words on them, in the order of size.

    Rows are read along the index until one is found; only where the names would make the quorum
    are signatures verified, and of rows that do not hold no more than _TRIED heads are looked at.
    """
    rows = Cosigned.objects.filter(stream=stream, size__gt=index).order_by(order)
    named = groupby(rows.values_list("size", "witness").iterator(_CHUNK), key=itemgetter(0))
    false = 0
    for size, group in named:
        names = {name for _, name in group}
        if not policy.satisfied_by(key for name, key in policy.witnesses.items() if name in names):
            continue
        head = Head.objects.filter(stream=stream, size=size).first()
        words = words_on(head, policy=policy) if head else ()
        if head and policy.satisfied_by(word.key for word in words):
            yield head, words
        elif (false := false + 1) == _TRIED:
            return


def _verified(head: Head, policy: Policy) -> list[tuple[str, Cosignature, str]]:
    """Name, word and line of every row of a head that holds under a key of the policy."""
    text = note.parse(head.note).text
    rows = Cosigned.objects.filter(stream=head.stream, size=head.size).order_by("time")
    found = []
    for line in rows.values_list("line", flat=True):
        with suppress(NoteFault):
            read = note.parse(f"{text}\n{line}\n")
            for name, key in policy.witnesses.items():
                found += [(name, word, line) for word in cosignature.cosignatures(read, (key,))]
    return found


def _newest_lines(head: Head, policy: Policy) -> dict[str, tuple[int, str]]:
    newest: dict[str, tuple[int, str]] = {}
    for name, word, line in _verified(head, policy):
        if name not in newest or word.time >= newest[name][0]:
            newest[name] = (word.time, line)
    return {name: newest[name] for name in policy.witnesses if name in newest}


def _provisional(stream: str, index: int, policy: Policy) -> Standing:
    """Without quorum: by the head with the most words on it, the newer the better."""
    best = (
        Cosigned.objects.filter(stream=stream, size__gt=index)
        .values("size")
        .annotate(words=Count("witness", distinct=True))
        .order_by("-words", "-size")
        .values_list("size", flat=True)
        .first()
    )
    covering = Head.objects.filter(stream=stream, size__gt=index).order_by("-size")
    head = (covering.filter(size=best).first() if best else None) or covering.first()
    words = words_on(head, policy=policy) if head else ()
    return _standing(head, words, policy=policy, final=False)


def _alone(stream: str, index: int, policy: Policy | None) -> Standing:
    """Where no quorum is needed, our own head is the last word."""
    head = Head.objects.filter(stream=stream, size__gt=index).order_by("size").first()
    return Standing(
        sealed=head is not None,
        final=head is not None,
        required=False,
        witnesses=(),
        missing=(),
        size=head.size if head else 0,
        head_at=head.at if head else None,
    )


def _standing(
    head: Head | None, words: tuple[Cosignature, ...], *, policy: Policy, final: bool
) -> Standing:
    names = {key.material: name for name, key in policy.witnesses.items()}
    said = tuple((names[word.key.material], _moment(word.time)) for word in words)
    have = {name for name, _ in said}
    return Standing(
        sealed=head is not None,
        final=final,
        required=True,
        witnesses=said,
        missing=tuple(name for name in policy.witnesses if name not in have),
        size=head.size if head else 0,
        head_at=head.at if head else None,
    )


def _state(policy: Policy, name: str, stream: str, said: Said | None) -> WitnessState:
    last = Cosigned.objects.filter(stream=stream, witness=name).order_by("-size", "-time").first()
    newest = Entry.objects.filter(stream=stream).order_by("-index").first()
    seen = last.size if last else 0
    return WitnessState(
        witness=name,
        key_name=policy.witnesses[name].name,
        address=policy.addresses.get(name, ""),
        stream=stream,
        size=seen,
        time=_moment(last.time) if last else None,
        behind=max(0, (newest.index + 1 if newest else 0) - seen),
        error=said.error if said else "",
        error_at=said.error_at if said and said.error else None,
    )


def _moment(seconds: int) -> datetime:
    """A witness's time; one beyond the calendar as its last moment."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC)
