"""The dossier's entries of the log, each with the proof that it stands there.

``events.json`` holds

    heads    signed heads of the log: ``checkpoint``, and of its SM3 twin ``checkpoint_sm``
    hashes   every hash of the proofs once, in base64: entries of one dossier share most of them
    events   leaf, salt and content of each entry; ``proof`` names its head by place in ``heads``
             and its path by places in ``hashes``, from the leaf up, or is null where no signed
             head covered the entry when this version was made

Which entries: all of the dossier in the stream of records; of its scanning those that name its
item alone; of its cases that the evidence was fixed and that it was decided. An entry that speaks
of other dossiers too is not among them: their facts must not stand under this one's key.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.db.models import Q

from lantai.cases.queries import FIXED
from lantai.dossiers.models import Dossier
from lantai.ledger import finality
from lantai.ledger import queries as ledger
from lantai.ledger.models import Entry, OpeningDestroyed
from lantai.lib import canonical
from lantai.lib.tlog.proof import TlogProof
from lantai.preservation.wording import words

FORMAT: Final = "lantai-events-1"
FILE: Final = "events.json"
STREAM: Final = "records"
# What preservation does is told in the package, but does not make another version of it.
OWN: Final = "preservation."
# Why an event stands without salt and content.
DESTROYED: Final = "destroyed"
APART: Final = "secret"
_DECIDED: Final = "cases.decision.made"
_SAID: Final = ("index", "at", "action", "actor", "subject")

Event = dict[str, Any]


def entries_of(dossier: Dossier) -> list[Entry]:
    """The entries a package of the dossier tells of, in the order of the log."""
    wanted = Q(subject=f"dossier:{dossier.uid}")
    cases = [f"case:{uid}" for uid in dossier.cases.values_list("uid", flat=True)]
    if cases:
        wanted |= Q(subject__in=cases, action__in=(FIXED, _DECIDED))
    items = dossier.items.values_list("uid", "batch__uid")
    for item, batch in items:
        wanted |= Q(
            subject=f"batch:{batch}", disclosure__content__contains=f'"item":"{item}"'
        ) & ~Q(action__startswith="imaging.batch.")
    return list(ledger.entries(stream=STREAM).filter(wanted).order_by("index"))


def names_any(entry: Entry, names: Iterable[str]) -> bool:
    """Tell whether an entry names any of these; one whose content was destroyed names nothing."""
    try:
        said = entry.opening.content
    except OpeningDestroyed:
        return False
    return any(name in said for name in names)


def merged(
    older: bytes | None, entries: Sequence[Entry], *, withheld: Iterable[str] = ()
) -> list[Event]:
    """The events of the package as the log has them now, and behind them those it had not.

    What the log does not know any more, as after a rebuild, stays as it was, with its proof. An
    entry that names one of ``withheld`` is told without salt and content.
    """
    names = tuple(withheld)
    now = {event["leaf"]: event for event in (_event(entry, names) for entry in entries)}
    before = _read(older)
    gone = {event["leaf"]: event for event in before if event["leaf"] not in now}
    places = [event["index"] for event in gone.values()]
    for entry in ledger.entries(stream=STREAM).filter(index__in=places) if places else ():
        event = _event(entry, names)
        if event["leaf"] in gone:  # found by its content before, which was destroyed since
            now[event["leaf"]] = event
    kept = [now.pop(event["leaf"], _withholding(event, names)) for event in before]
    return [*kept, *now.values()]


def same(older: bytes, events: Iterable[Event]) -> bool:
    """Tell whether a package says these events already, whatever heads prove them."""
    return _substance(_read(older)) == _substance(events)


def proven(older: bytes | None, events: Iterable[Event], entries: Iterable[Entry]) -> bytes:
    """The file: events with the newest proofs there are, else with those the package had.

    Raises ledger.LogDamaged if the published log does not prove what the database has.
    """
    proofs = _Proofs()
    made = _proofs_of(entries)
    had = _proofs_in(older)
    told = [
        {
            **event,
            "proof": proofs.enter(made.get(event["leaf"]) or had.get(event["leaf"])),
        }
        for event in events
    ]
    return canonical.dumps(
        {
            "format": FORMAT,
            "stream": STREAM,
            "heads": [{"checkpoint": head, "checkpoint_sm": twin} for head, twin in proofs.heads],
            "hashes": list(proofs.hashes),
            "events": told,
        }
    )


_Path = tuple[str, ...]
# A head and its twin, and the two paths; the twin's are empty where the log has none.
_Proof = tuple[tuple[str, str], _Path, _Path]


class _Proofs:
    """Heads and hashes, each once, in the order they came."""

    def __init__(self) -> None:
        self.heads: dict[tuple[str, str], int] = {}
        self.hashes: dict[str, int] = {}

    def enter(self, proof: _Proof | None) -> dict[str, Any] | None:
        if proof is None:
            return None
        head, path, twin = proof
        return {
            "head": self.heads.setdefault(head, len(self.heads)),
            "path": self._places(path),
            "path_sm": self._places(twin) if head[1] else None,
        }

    def _places(self, path: _Path) -> list[int]:
        return [self.hashes.setdefault(one, len(self.hashes)) for one in path]


def _proofs_of(entries: Iterable[Entry]) -> dict[str, _Proof]:
    """The proof of every entry that a signed head covers, by its leaf."""
    rest = sorted(entries, key=lambda entry: entry.index)
    found: dict[str, _Proof] = {}
    while rest:
        head = finality.head_for(rest[:1])
        if head is None:
            break
        covered = [entry for entry in rest if entry.index < head.size]
        for sealed in ledger.sealed_together(covered):
            proof = TlogProof.parse(sealed.proof)
            twin = TlogProof.parse(sealed.proof_sm) if sealed.proof_sm else None
            found[_base64(sealed.leaf)] = (
                (proof.checkpoint, twin.checkpoint if twin else ""),
                tuple(map(_base64, proof.hashes)),
                tuple(map(_base64, twin.hashes)) if twin else (),
            )
        rest = rest[len(covered) :]
    return found


def _proofs_in(older: bytes | None) -> dict[str, _Proof]:
    """The proofs a package has, by leaf."""
    if older is None:
        return {}
    said = canonical.loads(older)
    heads = [(head["checkpoint"], head["checkpoint_sm"]) for head in said["heads"]]
    hashes = said["hashes"]
    return {
        event["leaf"]: (
            heads[proof["head"]],
            tuple(hashes[place] for place in proof["path"]),
            tuple(hashes[place] for place in proof["path_sm"] or ()),
        )
        for event in said["events"]
        if (proof := event["proof"]) is not None
    }


def _read(older: bytes | None) -> list[Event]:
    """The events of a package, their proofs left out."""
    if older is None:
        return []
    return [
        {name: held for name, held in event.items() if name != "proof"}
        for event in canonical.loads(older)["events"]
    ]


def _substance(events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [event for event in events if not event["action"].startswith(OWN)]


def _event(entry: Entry, withheld: tuple[str, ...]) -> Event:
    """An entry in words. Salt and content are null where they were destroyed or are withheld."""
    said = {**words(entry, _SAID), "leaf": _base64(entry.leaf)}
    try:
        opening = entry.opening
    except OpeningDestroyed:
        return {**said, "salt": None, "content": None, "withheld": DESTROYED}
    told = {"salt": _base64(opening.salt), "content": opening.content, "withheld": None}
    return _withholding({**said, **told}, withheld)


def _withholding(event: Event, names: tuple[str, ...]) -> Event:
    if event["content"] is None or not any(name in event["content"] for name in names):
        return event
    return {**event, "salt": None, "content": None, "withheld": APART}


def _base64(held: bytes | memoryview) -> str:
    return base64.b64encode(bytes(held)).decode()
