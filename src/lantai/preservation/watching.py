"""What is still to be done for the store, and how well it is watched: questions only."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, Final

from django.conf import settings
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet, Sum

from lantai.dossiers.models import Dossier
from lantai.ledger import queries as log
from lantai.ledger.models import OpeningDestroyed
from lantai.preservation import places
from lantai.preservation.content import OWN_ACTION
from lantai.preservation.models import Copied, Damage, Kept, KeyDestruction, Patrolled, Watched

RETRY: Final = timedelta(hours=1)  # after which a damage nothing could be done about is tried again


@dataclass(frozen=True)
class Backlog:
    """One dossier and what is to be done for it: kept again, brought to the second copy."""

    pk: int
    uid: str
    changed: bool
    uncopied: tuple[Watched, ...]


def backlog(*, after: int, limit: int, quiet_since: datetime | None = None) -> list[Backlog]:
    """The next dossiers by their row, with what is to be done for each; empty at the end.

    Whoever asks on from the last row comes round to all of them in constant memory. With
    ``quiet_since`` a dossier counts as changed only if nothing was done to it since.
    """
    page = list(
        Dossier.objects.filter(pk__gt=after).order_by("pk")[:limit].values_list("pk", "uid")
    )
    if not page:
        return []
    uids = dict(page)
    destroyed = _destroyed(uids)
    kept = _last_kept(uids)
    copied = _last_copied(uids)
    told, restless = _changed(list(uids.values()), quiet_since)
    return [
        Backlog(
            pk=pk,
            uid=uid,
            changed=pk not in destroyed
            and uid not in restless
            and ((Watched.STORE, pk) not in kept or uid in told),
            uncopied=tuple(
                store
                for store in places.FIRST
                if places.address_of(places.TWIN[store])
                and kept.get((store, pk), 0) > copied.get((store, pk), 0)
            ),
        )
        for pk, uid in page
    ]


def copied_version(dossier: Dossier, *, store: Watched = Watched.STORE) -> int:
    """The newest version the second copy has of a dossier's package; 0 for none."""
    return _last_copied([dossier.pk]).get((store, dossier.pk), 0)


def unpatrolled(*, after: int, limit: int) -> list[Patrolled]:
    """Rows the patrol has not yet for the next dossiers behind a row; not saved."""
    page = Dossier.objects.filter(pk__gt=after).order_by("pk")[:limit].values_list("pk", "uid")
    return _unpatrolled(dict(page))


def unknown_to_the_patrol(*, limit: int) -> list[Patrolled]:
    """Rows the patrol has not yet, for so many dossiers of all; not saved, none at the end.

    Everything is looked through once for each answer.
    """
    lacking = [
        Exists(_acknowledged_in(place))
        & ~Exists(Patrolled.objects.filter(place=place, name=OuterRef("uid")))
        for place in places.TWIN
        if places.is_set(place)
    ]
    page = Dossier.objects.filter(reduce(or_, map(Q, lacking))).order_by("pk")[:limit]
    return _unpatrolled(dict(page.values_list("pk", "uid")))


def _acknowledged_in(place: Watched) -> QuerySet[Any]:
    if place in places.FIRST:
        return Kept.objects.filter(store=place, dossier=OuterRef("pk"))
    return Copied.objects.filter(
        address=places.address_of(place),
        kept__store=places.TWIN[place],
        kept__dossier=OuterRef("pk"),
    )


def _unpatrolled(uids: dict[int, str]) -> list[Patrolled]:
    since: dict[tuple[str, str], datetime] = {}
    for store, pk, at in Kept.objects.filter(dossier__in=list(uids)).values_list(
        "store", "dossier", "at"
    ):
        since[(store, uids[pk])] = max(at, since.get((store, uids[pk]), at))
    for place in places.SECOND:
        rows = Copied.objects.filter(
            address=places.address_of(place),
            kept__store=places.TWIN[place],
            kept__dossier__in=list(uids),
        )
        for pk, at in rows.values_list("kept__dossier", "at"):
            since[(place, uids[pk])] = max(at, since.get((place, uids[pk]), at))
    known = set(
        Patrolled.objects.filter(
            place__in=list(places.TWIN), name__in=list(uids.values())
        ).values_list("place", "name")
    )
    return [
        Patrolled(place=place, name=name, seen_at=at)
        for (place, name), at in since.items()
        if (place, name) not in known
    ]


def watched_places() -> tuple[Watched, ...]:
    """The places the patrol goes to: those that are set."""
    return tuple(place for place in Watched if places.is_set(place))


def next_due(
    *, among: Collection[Watched], at: datetime, before: datetime | None = None
) -> Patrolled | None:
    """What is to be read next: a damage nothing was done about, else what was read longest ago.

    With ``before`` only what was last read before it.
    """
    found = []
    for place in among:
        rows = Patrolled.objects.filter(place=place)
        if before is not None:
            rows = rows.filter(seen_at__lt=before)
        retried = rows.filter(faulty=True, seen_at__lt=at - RETRY)
        row = retried.order_by("seen_at", "id").first()
        if row is None:
            row = rows.filter(faulty=False).order_by("seen_at", "id").first()
        if row is not None:
            found.append(row)
    return min(found, key=lambda row: (not row.faulty, row.seen_at, row.pk), default=None)


def interval() -> timedelta:
    """How long after one reading the next begins, so that all are read within their days.

    A tenth of the time is left for what could not be read meanwhile.
    """
    count = Patrolled.objects.count()
    return timedelta(days=settings.LANTAI_PATROL_DAYS) * 0.9 / max(count, 1)


@dataclass(frozen=True)
class PlaceState:
    """How well one place is watched."""

    place: Watched
    count: int
    size: int
    oldest: datetime | None
    recent: int  # read, or written, within the days
    unvisited: int  # written, and not yet read again by the patrol
    faulty: int
    away: str  # why the place as a whole cannot be read; empty if it can

    @property
    def overdue(self) -> int:
        """How many were not read within the days."""
        return self.count - self.recent

    @property
    def share(self) -> int:
        """Of a hundred objects, how many were seen within the days; rounded down."""
        return self.recent * 100 // self.count if self.count else 100


@dataclass(frozen=True)
class State:
    """The store as those who oversee it see it."""

    packages: int
    versions: int
    unkept: int
    copy: str  # where the second copy stands; empty for none
    copied: int
    behind: int  # versions the second copies that are set lack
    secret_bare: bool  # secret material is kept, and no second copy is set for it
    days: int
    places: tuple[PlaceState, ...]
    broken: int  # files nothing could be done about yet


def state(*, at: datetime) -> State:
    """What is kept, copied, watched and damaged, in numbers."""
    kept = Kept.objects.filter(store=Watched.STORE)
    versions = Kept.objects.count()
    second = [place for place in places.SECOND if places.address_of(place)]
    wanted = Kept.objects.filter(store__in=[places.TWIN[place] for place in second]).count()
    copied = sum(
        Copied.objects.filter(
            address=places.address_of(place), kept__store=places.TWIN[place]
        ).count()
        for place in second
    )
    packages = kept.filter(version=1).count()
    return State(
        packages=packages,
        versions=versions,
        unkept=Dossier.objects.count() - packages,
        copy=places.address_of(Watched.COPY),
        copied=copied,
        behind=wanted - copied,
        secret_bare=Watched.SECRET_COPY not in second and kept.count() < versions,
        days=settings.LANTAI_PATROL_DAYS,
        places=_place_states(at=at),
        broken=open_damages().exclude(name="").count(),
    )


def open_damages() -> QuerySet[Damage]:
    """Damages nothing could be done about yet, the newest first."""
    return Damage.objects.filter(mended=None).order_by("-pk")


def mended_damages() -> QuerySet[Damage]:
    """Damages that were put right, the newest first."""
    found = Damage.objects.exclude(mended=None).select_related("mended")
    return found.order_by("-mended__pk")


def numbers_of(names: Iterable[str]) -> dict[str, str]:
    """The numbers of dossiers by their uids, for showing."""
    return dict(Dossier.objects.filter(uid__in=list(names)).values_list("uid", "number"))


def _place_states(*, at: datetime) -> tuple[PlaceState, ...]:
    since = at - timedelta(days=settings.LANTAI_PATROL_DAYS)
    counted: QuerySet[Any] = Patrolled.objects.values("place").annotate(
        count=Count("pk"),
        size=Sum("size"),
        oldest=Min("seen_at"),
        recent=Count("pk", filter=Q(seen_at__gte=since)),
        unvisited=Count("pk", filter=Q(checks=0)),
        faulty=Count("pk", filter=Q(faulty=True)),
    )
    rows = {row["place"]: row for row in counted.order_by()}
    away = dict(open_damages().filter(name="").values_list("place", "what"))
    empty = {"count": 0, "size": 0, "oldest": None, "recent": 0, "unvisited": 0, "faulty": 0}
    return tuple(
        PlaceState(away=away.get(place, ""), **{**empty, **rows.get(place, {}), "place": place})
        for place in watched_places()
    )


def _destroyed(dossiers: Iterable[int]) -> set[int]:
    """Those whose keys were destroyed: nobody keeps or reads them any more."""
    confirmed = KeyDestruction.objects.filter(
        dossier__in=list(dossiers), outcome=KeyDestruction.Outcome.CONFIRMED
    )
    return set(confirmed.values_list("dossier", flat=True))


def _last_kept(dossiers: Iterable[int]) -> dict[tuple[str, int], int]:
    rows = Kept.objects.filter(dossier__in=list(dossiers)).values_list("store", "dossier")
    return {(store, pk): last for store, pk, last in rows.annotate(last=Max("version"))}


def _last_copied(dossiers: Iterable[int]) -> dict[tuple[str, int], int]:
    last: dict[tuple[str, int], int] = {}
    for place in places.SECOND:
        store = places.TWIN[place]
        rows = Copied.objects.filter(
            address=places.address_of(place),
            kept__store=store,
            kept__dossier__in=list(dossiers),
        ).values_list("kept__dossier")
        last |= {(store, pk): number for pk, number in rows.annotate(last=Max("kept__version"))}
    return last


def _changed(uids: list[str], quiet_since: datetime | None) -> tuple[set[str], set[str]]:
    """The dossiers of which the log says more than when last kept; and those not at rest yet."""
    subjects = [f"dossier:{uid}" for uid in uids]
    entries = log.entries(stream="records").filter(subject__in=subjects).order_by()
    kept = entries.filter(action=OWN_ACTION).values_list("subject").annotate(last=Max("index"))
    acts = entries.exclude(action__startswith="preservation.").values_list("subject")
    told = dict(acts.annotate(last=Max("index")))
    upto = _upto(dict(kept))
    late = acts.filter(at__gt=quiet_since).distinct() if quiet_since else ()
    return (
        {_uid(subject) for subject, last in told.items() if last > upto.get(subject, -1)},
        {_uid(subject) for (subject,) in late},
    )


def _uid(subject: str) -> str:
    return subject.removeprefix("dossier:")


def _upto(kept: dict[str, int]) -> dict[str, int]:
    """Up to which entry each package tells of its dossier.

    A change made while the package was being written stands before the entry that acknowledges
    it, and is not in it: the entry says up to where it goes.
    """
    found = log.entries(stream="records").filter(index__in=list(kept.values()))
    upto = dict(kept)
    for entry in found.select_related("disclosure"):
        try:
            upto[entry.subject] = entry.facts.get("upto", entry.index)
        except OpeningDestroyed:
            continue
    return upto
