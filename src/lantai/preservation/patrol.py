"""The patrol: each package is read again within its time, and what was damaged is put back.

Nothing is put back that is not proven: the digest of an inventory on record in a row says what
each file must be. What both copies have lost is said, and nothing is written over it.
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import transaction

from lantai.ledger import queries as log
from lantai.ledger import services as ledger
from lantai.ledger.models import OpeningDestroyed
from lantai.lib.ocfl import disk, inventory, writer
from lantai.lib.ocfl.faults import Fault, Unreachable, Unsound
from lantai.lib.ocfl.layout import At, Store
from lantai.lib.refusals import Unacceptable
from lantai.preservation import examining, places
from lantai.preservation.examining import GONE, Examined, Finding, Proven
from lantai.preservation.models import Damage, Mended, Patrolled, Watched
from lantai.preservation.stated import DAMAGE, FOUND, MENDED, REPAIRED, UNREPAIRABLE
from lantai.vault import packages

logger = logging.getLogger(__name__)
ABSENT: Final = "absent"  # a whole store: no root where it was
SILENT: Final = "silent"  # a whole store: it does not answer


@dataclass(frozen=True)
class Repair:
    """One file put right: from which place, and the SHA-256 of its bytes now (none: set aside)."""

    finding: Finding
    source: str
    after: str


@dataclass(frozen=True)
class Visited:
    """What a visit found and did. ``left`` is what nothing could be done about, with the reason."""

    place: Watched
    name: str
    size: int = 0
    found: tuple[Finding, ...] = ()
    repaired: tuple[Repair, ...] = ()
    left: tuple[Finding, ...] = ()
    why: str = ""
    busy: bool = False


@dataclass
class _Work:
    """A repair on the way."""

    done: list[Repair] = field(default_factory=list)
    why: list[str] = field(default_factory=list)


def visit(*, place: Watched, name: str, by: str, at: datetime) -> Visited:
    """Read one package in one place, put right what is damaged, and write down what was found.

    The damage is on record before anything is put right. Stopped on the way, the next visit goes
    on; what was put right meanwhile is then found whole and written down as that.

    Raises Unreachable where the store is not there, or went while it was read: nothing is judged.
    """
    kept = places.acknowledged(place, name)
    store = places.store_at(place)
    if not kept or store is None:
        forget(place, name)
        return Visited(place, name)
    here = store.at(packages.object_id(name))
    twin = _twin(place)
    there = twin.at(packages.object_id(name)) if twin else None
    wanted = examining.provable(kept, [here, *([there] if there else [])])
    if wanted is None:
        _refuse_if_away(place, store)
        return _unproven(place=place, name=name, here=here, kept=max(kept), by=by, at=at)
    examined = _confirmed(here, wanted, kept)
    if examined.findings:
        _refuse_if_away(place, store)
    note(place=place, name=name, examined=examined, by=by, at=at)
    if not examined.findings:
        return Visited(place, name, examined.size)
    try:
        work = _put_right(examined.findings, wanted, here=here, twin=twin, place=place)
    except disk.Busy:
        return Visited(place, name, examined.size, examined.findings, busy=True)
    again = examining.examine(here, wanted, kept=kept)
    left = again.findings
    why = "；".join(dict.fromkeys(work.why))
    still = {finding.path for finding in left}
    repaired = tuple(repair for repair in work.done if repair.finding.path not in still)
    settle(
        place=place, name=name, repaired=repaired, left=left, why=why, size=again.size, by=by, at=at
    )
    return Visited(place, name, examined.size + again.size, examined.findings, repaired, left, why)


def look_at_store(*, place: Watched, by: str, at: datetime) -> str:
    """Tell why a store as a whole cannot be read; empty if it can. What is new is written down.

    A medium that is not there is one incident: none of its objects is judged, or written anew.
    """
    code = why = ""
    try:
        store = places.store_at(place)
        if store is None:
            return ""
        if not store.is_founded() and Patrolled.objects.filter(place=place).exists():
            code, why = ABSENT, f"{place.label}的存储根不在：请检查介质是否已挂载"
    except (Unreachable, Unacceptable) as silent:
        code, why = SILENT, f"{place.label}不能使用：{silent}"
    except OSError as unread:
        code, why = SILENT, f"{place.label}读不出来（{unread.strerror}）：请检查介质和挂载"
    known = _open(place, "")
    if [damage.code for damage in known] != ([code] if code else []):
        findings = (Finding("", code, why, ""),) if code else ()
        note(place=place, name="", examined=Examined(findings, 0), by=by, at=at)
    return why


@transaction.atomic
def enrol(*, rows: Iterable[Patrolled]) -> int:
    """Let the patrol go to what it has not gone to yet. No entry: nothing of it is a fact.

    Two may enrol the same at once. Returns how many were new.
    """
    fresh = list(rows)
    Patrolled.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=500)
    return len(fresh)


@transaction.atomic
def note(*, place: Watched, name: str, examined: Examined, by: str, at: datetime) -> None:
    """Write down what a reading found: the row of the patrol, and an entry if it is new.

    A damage that is not there any more was put right by hand, or by one who was stopped before
    he could say so.
    """
    open_ones = _open(place, name)
    found = {(finding.named, finding.code): finding for finding in examined.findings}
    known = {(damage.path, damage.code) for damage in open_ones}
    fresh = [finding for key, finding in found.items() if key not in known]
    gone = [damage for damage in open_ones if (damage.path, damage.code) not in found]
    ended = [
        Mended.objects.create(damage=damage, source="", after="", at=at, by=by).pk
        for damage in gone
    ]
    begun = [
        Damage.objects.create(
            place=place,
            name=name,
            path=finding.named,
            code=finding.code,
            what=finding.what[:300],
            before=finding.before,
            found_at=at,
            found_by=by,
        ).pk
        for finding in fresh
    ]
    if name:
        _seen(place, name, size=examined.size, faulty=bool(found), at=at)
    if fresh or gone:
        files = [[one.named, one.code, one.before] for one in fresh]
        facts = {
            "place": place.value,
            "files": files,
            "whole_again": [one.path for one in gone],
            "rows": [*DAMAGE.stated(pk__in=begun), *MENDED.stated(pk__in=ended)],
        }
        ledger.record(at=at, action=FOUND, actor=by, subject=_subject(place, name), facts=facts)
    if fresh:
        _alarm(FOUND, place, name, [(one.named, one.code) for one in fresh])


@transaction.atomic
def settle(
    *,
    place: Watched,
    name: str,
    repaired: Sequence[Repair],
    left: Sequence[Finding],
    why: str,
    size: int,
    by: str,
    at: datetime,
) -> None:
    """Write down what was put right, and say once what could not be."""
    open_ones = {(damage.path, damage.code): damage for damage in _open(place, name)}
    done, ended = [], []
    for repair in repaired:
        damage = open_ones.get((repair.finding.named, repair.finding.code))
        if damage is not None:
            mended = Mended.objects.create(
                damage=damage, source=repair.source, after=repair.after, at=at, by=by
            )
            ended.append(mended.pk)
            done.append([damage.path, damage.before, repair.after, repair.source])
    _seen(place, name, size=size, faulty=bool(left), at=at, visits=0)
    subject = _subject(place, name)
    if not left:
        facts = {"place": place.value, "files": done, "rows": MENDED.stated(pk__in=ended)}
        ledger.record(at=at, action=REPAIRED, actor=by, subject=subject, facts=facts)
        return
    paths = sorted(finding.named for finding in left)
    facts = {
        "place": place.value,
        "files": done,
        "left": paths,
        "why": why,
        "rows": MENDED.stated(pk__in=ended),
    }
    if done or _last_left(subject, place) != paths:
        ledger.record(at=at, action=UNREPAIRABLE, actor=by, subject=subject, facts=facts)
        _alarm(UNREPAIRABLE, place, name, [(one.named, one.code) for one in left])


def _confirmed(here: At, wanted: Proven, kept: Mapping[int, str]) -> Examined:
    """Read a package; what is wrong counts only if it is so twice.

    A version that was published between the look at the names and the reading is no damage.
    """
    first = examining.examine(here, wanted, kept=kept)
    if not first.findings:
        return first
    second = examining.examine(here, wanted, kept=kept)
    findings = tuple(finding for finding in second.findings if finding in first.findings)
    return Examined(findings, second.size)


def _put_right(
    findings: Iterable[Finding], wanted: Proven, *, here: At, twin: Store | None, place: Watched
) -> _Work:
    """Put right what can be, each file from a copy proven first. Raises Busy, Unreachable."""
    work = _Work()
    object_id = wanted.inventory.object_id
    source = places.TWIN[place].value
    there = twin.at(object_id) if twin else None
    for finding in sorted(findings, key=_inventories_first):
        try:
            if finding.is_foreign:
                writer.set_aside(here, finding.path)
                work.done.append(Repair(finding, "", ""))
            elif twin is None or there is None:
                work.why.append("没有可用的另一副本")
            elif finding.code == GONE:
                _bring_back(wanted, here=here, there=there)
                work.done.append(Repair(finding, source, _sha256(here, inventory.FILE)))
            elif finding.path in wanted.files:
                _mend(finding.path, wanted, here=here, there=there)
                work.done.append(Repair(finding, source, _sha256(here, finding.path)))
            else:
                work.why.append("没有一个副本的清单与登记的摘要相符")
        except (Unsound, OSError) as failed:
            work.why.append(str(failed))
    return work


def _bring_back(wanted: Proven, *, here: At, there: At) -> None:
    """Bring a missing object back from its twin. Raises Unsound, OSError, Busy, Unreachable.

    Where its folders still stand, empty, it is brought back file by file.
    """
    if not here.exists():
        object_id, newest = wanted.inventory.object_id, wanted.inventory.number
        writer.adopt(here.store, object_id, there.store, upto=newest)
        return
    for path in sorted(wanted.files):
        _mend(path, wanted, here=here, there=there)


def _mend(path: str, wanted: Proven, *, here: At, there: At) -> None:
    """Put back one file, proven first. Raises Unsound, OSError, Busy, Unreachable."""
    good = _proven_source(path, wanted, there)
    if good is None:
        raise Unsound(Fault(path, "E092", "另一副本中同一文件也已损坏或缺失"))
    writer.mend(here, path, there, digest=wanted.files[path], source_path=good)


def _sha256(at: At, path: str) -> str:
    return examining.measured(at, path, {"sha256"}).digests.get("sha256", "")


def _proven_source(path: str, wanted: Proven, there: At) -> str | None:
    """Where in the twin the bytes of a file stand with the digest they must have."""
    digest = wanted.files[path]
    for candidate in examining.stands_as(path, wanted):
        found = examining.measured(there, candidate, {digest.algorithm})
        if found.digests.get(digest.algorithm) == digest.value:
            return candidate
    return None


def _unproven(*, place: Watched, name: str, here: At, kept: int, by: str, at: datetime) -> Visited:
    """No copy has the inventory on record: nothing can be proven, so nothing is touched."""
    path = f"v{kept}/{inventory.FILE}"
    if not here.exists():
        finding = Finding("", GONE, "整个对象缺失", "")
    else:
        finding = Finding(path, "E060", examining.UNPROVEN, _sha256(here, path))
    note(place=place, name=name, examined=Examined((finding,), 0), by=by, at=at)
    why = "没有一个副本的清单与登记的摘要相符"
    settle(place=place, name=name, repaired=(), left=(finding,), why=why, size=0, by=by, at=at)
    return Visited(place, name, 0, (finding,), (), (finding,), why)


def _twin(place: Watched) -> Store | None:
    """The store that may give back what this one has lost; None if there is none just now."""
    try:
        twin = places.store_at(places.TWIN[place])
        return twin if twin is not None and twin.is_founded() else None
    except (Unreachable, Unacceptable, OSError):
        return None


def _refuse_if_away(place: Watched, store: Store) -> None:
    """Raise Unreachable where a whole store is away: what it holds is not judged by that."""
    try:
        if store.is_founded():
            return
    except OSError as unread:
        raise Unreachable(f"{place.label}读不出来（{unread.strerror}）") from unread
    raise Unreachable(f"{place.label}的存储根不在：请检查介质是否已挂载")


def _subject(place: Watched, name: str) -> str:
    if not name:
        return f"store:{place.value}"
    return f"{'blob' if place is Watched.VAULT else 'package'}:{name}"


def _open(place: Watched, name: str) -> list[Damage]:
    return list(Damage.objects.filter(place=place, name=name, mended=None).order_by("pk"))


def _seen(
    place: Watched, name: str, *, size: int, faulty: bool, at: datetime, visits: int = 1
) -> None:
    row, _ = Patrolled.objects.select_for_update().get_or_create(
        place=place, name=name, defaults={"seen_at": at}
    )
    row.seen_at, row.size, row.faulty = at, size, faulty
    row.checks += visits
    row.save(update_fields=["seen_at", "size", "faulty", "checks"])


def _last_left(subject: str, place: Watched) -> list[str] | None:
    """What was last said to be left damaged in a place; None for nothing."""
    for entry in log.entries(subject=subject, action=UNREPAIRABLE)[: 2 * len(Watched)]:
        with suppress(OpeningDestroyed):
            if entry.facts.get("place") == place.value:
                return list(entry.facts["left"])
    return None


def forget(place: Watched, name: str) -> None:
    """Drop the row of what a place need not have any more, as after another copy was set."""
    Patrolled.objects.filter(place=place, name=name).delete()


def _inventories_first(finding: Finding) -> tuple[int, str]:
    """Content is put back by what the inventories say, so those come first, versions' before."""
    name = finding.path.rpartition("/")[2]
    is_inventory = finding.path.count("/") <= 1 and name.startswith(inventory.FILE)
    return (0 if is_inventory and "/" in finding.path else 1 if is_inventory else 2, finding.path)


def _alarm(action: str, place: Watched, name: str, files: Iterable[tuple[str, str]]) -> None:
    """One line of JSON for whoever watches the machine."""
    row = {"alarm": action, "place": place.value, "object": name, "files": list(files)}
    logger.critical(json.dumps(row, ensure_ascii=False))
