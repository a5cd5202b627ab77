"""Read every byte of the packages, wherever they stand; put right what another copy has whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lantai.lib.ocfl import disk, reader, writer
from lantai.lib.ocfl.faults import Unreachable, Unsound
from lantai.lib.ocfl.layout import Store
from lantai.lib.refusals import Conflict
from lantai.ops.home import clock
from lantai.preservation import explained, patrol, places, queries
from lantai.preservation.examining import Finding
from lantai.preservation.models import Watched
from lantai.vault import packages

STORES: Final = places.FIRST
COPIES: Final = places.SECOND
SILENT: Final = "silent"
README: Final = "readme"
ACTOR: Final = "ops"


@dataclass
class _Repaired:
    """What a repair swept and put right."""

    swept: list[str] = field(default_factory=list)
    mended: list[dict[str, Any]] = field(default_factory=list)


def fsck(*, where: Sequence[Watched], repair: bool) -> dict[str, Any]:
    """Hold the packages of some places against their digests, the rows and the keys.

    Repair carries to its end what a stopped writer began, sweeps what it left in the stage, and
    puts back from the other copy what the other copy has whole. What is left is a fault. A store
    that does not answer is one fault. Raises Conflict if none of the places is set.
    """
    chosen = [place for place in where if place in places.FIRST or places.address_of(place)]
    if not chosen:
        raise Conflict("没有设置第二副本：请由运维人员设置 LANTAI_COPY 后再核对")
    faults: list[dict[str, Any]] = []
    swept: list[str] = []
    mended: list[dict[str, Any]] = []
    objects = 0
    for place in chosen:
        try:
            if repair:
                repaired = _repaired(place)
                swept += repaired.swept
                mended += repaired.mended
            found = list(_faults(place))
            objects += queries.count(place)
        except Unreachable as silent:
            found = [_row(place, "", SILENT, str(silent))]
        faults += found
    return {"objects": objects, "faults": faults, "swept": swept, "mended": mended}


def _faults(place: Watched) -> Iterator[dict[str, Any]]:
    for fault in queries.faults(place):
        yield _row(place, fault.path, fault.code, fault.what)
    store = places.store_at(place)
    if store is not None and _is_explained_otherwise(store):
        what = "存储根的说明不是本程序所写的：已损坏，或出自另一版本；以 --repair 重写"
        yield _row(place, explained.NAME, README, what)


def _is_explained_otherwise(store: Store) -> bool:
    """Whether the root's own read-me is there and says something else than this program does."""
    try:
        with store.backend.open(explained.NAME) as stream:
            return stream.read(len(explained.README) + 1) != explained.README
    except OSError:
        return False


def _repaired(place: Watched) -> _Repaired:
    """Have the patrol visit every package of a place; then end what stopped writers began.

    In this order: what was settled before it is written down would never be told.
    """
    done = _Repaired()
    store = places.store_at(place)
    if store is None or store.is_empty():
        return done
    for path in writer.refound(store):
        done.mended.append(_row(place, path, "", "存储根自己的文件已恢复"))
    if _is_explained_otherwise(store):
        writer.note(store, explained.NAME, explained.README)
        done.mended.append(_row(place, explained.NAME, README, "存储根的说明已重写"))
    if patrol.look_at_store(place=place, by=ACTOR, at=clock()):
        return done  # the whole store is away: a fault, and told as one
    left = {}
    for uid in sorted(queries.acknowledged(place)):
        visited = patrol.visit(place=place, name=uid, by=ACTOR, at=clock())
        for repair in visited.repaired:
            source = f"已从{Watched(repair.source).label}恢复" if repair.source else "已移开"
            done.mended.append(_row_of(store, place, uid, repair.finding, source))
        if visited.left:
            left[uid] = visited.left
    done.swept += _settled(store)
    for uid, findings in left.items():
        visited = patrol.visit(place=place, name=uid, by=ACTOR, at=clock())
        still = {finding.path for finding in visited.left}
        done.mended += [
            _row_of(store, place, uid, finding, "已由最新版本自己的清单恢复")
            for finding in findings
            if finding.path not in still
        ]
    return done


def _settled(store: Store) -> list[str]:
    """Let every object stand at a whole version; return what was swept of the stage."""
    for object_id in list(_object_ids(store)):
        try:
            writer.settle(store, object_id, alone=True)
        except (Unsound, disk.Busy):
            continue  # a fault, and told as one; or another writer's at this moment
    return writer.sweep(store, alone=True)


def _object_ids(store: Store) -> Iterator[str]:
    for at in reader.objects(store):
        try:
            yield reader.standing(at).inventory.object_id
        except Unsound:
            continue


def _row_of(store: Store, place: Watched, uid: str, finding: Finding, what: str) -> dict[str, Any]:
    at = store.at(packages.object_id(uid))
    return _row(place, f"{at.place}/{finding.named}", finding.code, what)


def _row(place: Watched, path: str, code: str, what: str) -> dict[str, Any]:
    return {"place": place.value, "path": path, "code": code, "what": what}
