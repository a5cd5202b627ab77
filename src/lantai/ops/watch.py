"""The second copy filled and everything kept read again: at the command line and by the worker."""

import errno
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings

from lantai.ledger.queries import LogDamaged
from lantai.lib.ocfl.faults import Unreachable, Unsound
from lantai.lib.refusals import Conflict, Refusal, Unacceptable
from lantai.ops.home import clock
from lantai.ops.preservation import INCIDENTS, sentence_of
from lantai.preservation import copies, destruction, masters, patrol, places, services, watching
from lantai.preservation.copies import CopyAway
from lantai.preservation.models import Patrolled, Watched
from lantai.preservation.patrol import Visited
from lantai.vault import services as vault
from lantai.vault.keys import KeyMissing

logger = logging.getLogger(__name__)
ACTOR: Final = "patrol"
PAGE: Final = 200  # dossiers asked after at once
SLICE: Final = 1.0  # seconds of work before others have their turn
LOOK: Final = 60.0  # seconds between two looks whether the stores are there
HANDFUL: Final = 20  # masters leaving the vault at once
ROUND: Final = 30.0  # seconds between two rounds in which there was nothing to do
AGAIN: Final = 600.0  # seconds after which what failed is tried again
ALIKE: Final = 10  # dossiers that fail one after another for the same reason: not theirs
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
_REMEMBERED: Final = 1000
_FAILURES: Final = (Refusal, *INCIDENTS, CopyAway)


class Pace:
    """Keeps what is read at or below so many bytes a second; 0 is without a limit.

    Time not used is not made up for: after a rest nothing is read faster.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._free_at = 0.0

    def pause(self, size: int, *, began: float, ended: float) -> float:
        """How many seconds to wait after reading so many bytes between two moments."""
        if self._rate <= 0:
            return 0.0
        self._free_at = max(self._free_at, began) + size / self._rate
        return max(0.0, self._free_at - ended)


def replicate(dossiers: Iterable[str] | None) -> Iterator[dict[str, Any]]:
    """Bring some dossiers' packages, or all, to the second copy; yield a row for each brought.

    What is not sound is yielded with its fault, and written down by the patrol at once. Raises
    Conflict if no second copy is set; CopyAway and Unreachable, since no other would fare better.
    """
    if not any(places.address_of(place) for place in places.SECOND):
        raise Conflict("没有设置第二副本：请由运维人员设置 LANTAI_COPY 后再复制")
    chosen = _all_uncopied() if dossiers is None else ((uid, _copied(uid)) for uid in dossiers)
    for uid, stores in chosen:
        for store in stores:
            try:
                copied = copies.replicate(dossier_uid=uid, by="ops", at=clock(), store=store)
            except (Refusal, *INCIDENTS) as failed:
                if isinstance(failed, Unsound):
                    _visit_both(uid, store)
                yield {"dossier": uid, "store": store.value, "fault": str(failed)}
            else:
                version = copied.kept.version if copied else None
                yield {"dossier": uid, "store": store.value, "version": version}


def patrol_now(
    *,
    count: int | None,
    rate: int,
    wait: Callable[[float], Any],
    seconds: Callable[[], float] = time.monotonic,
) -> Iterator[dict[str, Any]]:
    """Read what was read longest ago, so many, or with None everything once; a row for each.

    Stopped on the way, the next run goes on with what was not read yet. Stores that are not
    there are a row with a fault, and passed over.
    """
    began, pace, done = clock(), Pace(rate), 0
    enrol_all()
    among = []
    for place in watching.watched_places():
        if why := patrol.look_at_store(place=place, by=ACTOR, at=clock()):
            yield {"place": place.value, "fault": why}
        else:
            among.append(place)
    while count is None or done < count:
        row = watching.next_due(among=among, at=began + watching.RETRY, before=began)
        if row is None:
            return
        start = seconds()
        try:
            visited = visit(row)
        except Unreachable as silent:
            among.remove(Watched(row.place))
            yield {"place": row.place, "object": row.name, "fault": str(silent)}
            continue
        done += 1
        yield said(visited)
        if pause := pace.pause(visited.size, began=start, ended=seconds()):
            wait(pause)


def enrol_all() -> int:
    """Let the patrol know all that is kept. Returns how much was new to it."""
    new = 0
    for unknown in (watching.unknown_to_the_patrol, masters.unknown_to_the_patrol):
        while rows := unknown(limit=5 * PAGE):
            new += patrol.enrol(rows=rows)
    return new


def visit(row: Patrolled) -> Visited:
    """Read what a row of the patrol names."""
    if row.place == Watched.VAULT:
        return masters.visit(name=row.name, by=ACTOR, at=clock())
    return patrol.visit(place=Watched(row.place), name=row.name, by=ACTOR, at=clock())


def said(visited: Visited) -> dict[str, Any]:
    """A visit as a row of an answer."""
    return {
        "place": visited.place.value,
        "object": visited.name,
        "bytes": visited.size,
        "found": [[one.named, one.code, one.what] for one in visited.found],
        "repaired": [[one.finding.named, one.source] for one in visited.repaired],
        "left": [[one.named, one.code] for one in visited.left],
        "why": visited.why,
        "busy": visited.busy,
    }


@dataclass
class _Job:
    uid: str
    changed: bool
    uncopied: tuple[Watched, ...]


class Keeper:
    """The worker's share: dossiers kept when they have changed, copied, and read again in time.

    It goes round all dossiers page by page and holds one page in memory. Everything it does is
    found to be undone by the next round if it was stopped.
    """

    def __init__(self, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._quiet = timedelta(minutes=settings.LANTAI_PRESERVE_AFTER)
        self._after = 0
        self._master = -1
        self._jobs: deque[_Job] = deque()
        self._busy_round = False
        self._round_began = 0.0
        self._round_at = 0.0
        self._failed: dict[str, float] = {}
        self._said: dict[str, str] = {}
        self._alike = ("", 0)
        self._patrol_at = 0.0
        self._visited_at = float("-inf")
        self._spread = (float("-inf"), 0.0)
        self._leaving = 0
        self._release_at = 0.0
        self._looked_at = -LOOK
        self._pace = Pace(settings.LANTAI_PATROL_RATE)

    def work(self, told: threading.Event) -> bool:
        """Work for about a second; tell whether there is more to be done at once."""
        ends = self._seconds() + SLICE
        self._look_at_stores()
        more = self._look_for_jobs()
        while self._jobs and self._seconds() < ends and not told.is_set():
            self._do(self._jobs.popleft())
            more = True
        if not more and self._seconds() < ends and not told.is_set():
            more = self._release()
        while self._seconds() < ends and not told.is_set() and self._patrol():
            more = True
        return more

    def _look_for_jobs(self) -> bool:
        if self._jobs or self._seconds() < self._round_at:
            return False
        if self._after == 0:
            self._round_began = self._seconds()
        page = watching.backlog(after=self._after, limit=PAGE, quiet_since=clock() - self._quiet)
        if not page:
            now = self._seconds()
            self._round_at = now if self._busy_round else max(now, self._round_began) + self._rest()
            self._after, self._busy_round = 0, False
            return False
        patrol.enrol(rows=watching.unpatrolled(after=self._after, limit=PAGE))
        self._after = page[-1].pk
        rows, last = masters.unpatrolled(after=self._master, limit=5 * PAGE)
        patrol.enrol(rows=rows)
        self._master = last if last != self._master else -1
        self._jobs.extend(
            _Job(each.uid, each.changed, each.uncopied)
            for each in page
            if (each.changed or each.uncopied) and self._may_try(each.uid)
        )
        return True

    def _rest(self) -> float:
        """How long to rest after a round with nothing to do: longer than it took."""
        return max(ROUND, 4 * (self._seconds() - self._round_began))

    def _do(self, job: _Job) -> None:
        place, done = Watched.STORE, False
        try:
            stores = job.uncopied
            if job.changed and self._may_write(place):
                done = services.preserve(dossier_uid=job.uid, by="worker", at=clock()) is not None
                if done and places.address_of(Watched.COPY):
                    stores = tuple(dict.fromkeys((Watched.STORE, *stores)))
            for store in stores:
                place = places.TWIN[store]
                if self._may_write(place):
                    brought = copies.replicate(
                        dossier_uid=job.uid, by="worker", at=clock(), store=store
                    )
                    done = done or brought is not None
        except (CopyAway, Unreachable) as away:
            self._fail(place.value, away)
        except _FAILURES as failed:
            self._fail(job.uid, failed, said=self._is_of_all(place, failed))
        else:
            self._alike = ("", 0) if done else self._alike
        if done:  # what could not be tried is for a later round, after a rest
            self._busy_round, self._release_at = True, 0.0

    def _is_of_all(self, place: Watched, failed: Exception) -> bool:
        """Whether the dossier before failed for the same reason; after some, leave all a while."""
        before, count = self._alike
        why = _why_all_fail(failed)
        if not why:
            return False
        self._alike = (why, count + 1 if why == before else 1)
        if self._alike[1] >= ALIKE:
            self._leave(f"write:{place.value}")
            self._alike = (why, 0)
        return why == before

    def _may_write(self, place: Watched) -> bool:
        return self._may_try(place.value) and self._may_try(f"write:{place.value}")

    def _release(self) -> bool:
        """Let a handful of masters leave the vault that both copies of the store hold.

        The vault reads both before; what has to stay is asked after again in a later round.
        """
        place = Watched.COPY
        if not (self._seconds() >= self._release_at and places.is_set(place)):
            return False
        page = masters.to_leave(after=self._leaving, limit=HANDFUL) if self._may_try(place) else []
        self._leaving = page[-1][0] if page else 0
        if not page:
            self._release_at = self._seconds() + AGAIN
            return False
        try:
            vault.release(sha256s=[sha256 for _, sha256 in page], by="worker", at=clock())
        except _FAILURES as failed:
            self._fail("release", failed)
        return True

    def _look_at_stores(self) -> None:
        """Tell soon, not only at the next reading, that a medium is not there.

        A key whose destruction was confirmed and then stopped is destroyed now.
        """
        if self._seconds() < self._looked_at + LOOK:
            return
        self._looked_at = self._seconds()
        try:
            destruction.carry_out_waiting(at=clock())
        except INCIDENTS as failed:
            self._fail("keys", failed)
        for place in watching.watched_places():
            if patrol.look_at_store(place=place, by=ACTOR, at=clock()):
                self._leave(place.value)
            else:
                self._failed.pop(place.value, None)

    def _patrol(self) -> bool:
        """Read one thing if its turn has come; tell whether the next may follow at once."""
        began = self._seconds()
        if began < self._patrol_at:
            return False
        among = [place for place in watching.watched_places() if self._may_try(place.value)]
        row = watching.next_due(among=among, at=clock())
        overdue = clock() - timedelta(days=settings.LANTAI_PATROL_DAYS)
        due = self._visited_at + self._interval()
        if row is None or not (row.faulty or row.seen_at < overdue or due <= began):
            self._patrol_at = began + ROUND
            return False
        try:
            visited = visit(row)
        except _FAILURES as silent:
            self._fail(row.place, silent)
            return False
        ended = self._seconds()
        rest = self._pace.pause(visited.size, began=began, ended=ended)
        at_once = row.seen_at < overdue or row.faulty
        if not at_once and visited.size:  # else nothing was to be read any more
            self._visited_at = ended
        # Damage is tried again in its time, and new objects count, however long the interval is.
        due = self._visited_at + self._interval()
        self._patrol_at = ended + max(rest, min(due - ended, ROUND))
        return self._patrol_at <= ended

    def _interval(self) -> float:
        """Seconds between two readings; asked again after a while, since more is kept by then."""
        asked, spread = self._spread
        if self._seconds() >= asked + LOOK:
            asked, spread = self._seconds(), watching.interval().total_seconds()
            self._spread = (asked, spread)
        return spread

    def _may_try(self, name: str) -> bool:
        return self._failed.get(name, 0.0) <= self._seconds()

    def _fail(self, name: str, failed: Exception, *, said: bool = False) -> None:
        """Leave it for a while; say it once as long as it is the same."""
        self._leave(name)
        if isinstance(failed, Conflict):
            return  # another is at it
        why = sentence_of(failed)
        if not said and self._said.get(name) != why:
            row = {"alarm": "preservation.work.failed", "object": name, "why": why}
            logger.critical(json.dumps(row, ensure_ascii=False))
        if len(self._said) >= _REMEMBERED:
            self._said.clear()
        self._said[name] = why

    def _leave(self, name: str) -> None:
        self._failed.pop(name, None)  # what was left last is forgotten last
        if len(self._failed) >= _REMEMBERED:
            self._failed.pop(next(iter(self._failed)))
        self._failed[name] = self._seconds() + AGAIN


def _all_uncopied() -> Iterator[tuple[str, Collection[Watched]]]:
    after = 0
    while page := watching.backlog(after=after, limit=PAGE):
        yield from ((each.uid, each.uncopied) for each in page if each.uncopied)
        after = page[-1].pk


def _why_all_fail(failed: Exception) -> str:
    """Why any other dossier will fail as well; empty where it may be this one's own fault."""
    root: BaseException = failed
    while root.__cause__ is not None:
        root = root.__cause__
    if isinstance(root, OSError):
        return sentence_of(root) if root.errno in _NO_ROOM else ""
    return str(root) if isinstance(root, KeyMissing | LogDamaged | Unacceptable) else ""


def _copied(uid: str) -> tuple[Watched, ...]:
    """The stores with a second copy; that of secret material only for who has any."""
    return tuple(
        store
        for store in places.FIRST
        if places.address_of(places.TWIN[store])
        and (store is Watched.STORE or places.acknowledged(store, uid))
    )


def _visit_both(uid: str, store: Watched) -> None:
    """Let the patrol say what is wrong with a package that could not be copied."""
    for place in (store, places.TWIN[store]):
        patrol.visit(place=place, name=uid, by=ACTOR, at=clock())


__all__ = ["Keeper", "Pace", "enrol_all", "patrol_now", "replicate", "said", "visit"]
