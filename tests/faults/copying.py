"""The second copy and the repair, killed at each of their steps; run as a process of its own."""

import errno
import json
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Any

import copies_factories as make
import desk_factories as desk
from django.conf import settings
from django.core.management import call_command
from faults.killing import NOON, every_step

from lantai.dossiers.models import Dossier
from lantai.ledger import queries as ledger
from lantai.lib.ocfl import check
from lantai.preservation import examining, patrol, places
from lantai.preservation.models import Copied, Damage, Kept, Patrolled, Watched
from lantai.vault import packages


def begun(home: Path) -> Dossier:
    """A dossier of one page; the copy stands below the watched directory as well."""
    settings.LANTAI_COPY = str(home / "copy")
    return make.small_dossier(desk.office(at=NOON), order=1)


def faults_of(place: Watched) -> set[str]:
    store = places.store_at(place)
    assert store is not None
    if store.is_empty():
        return set()
    return {fault.code for seen in check.check_store(store) for fault in seen.faults}


def acknowledged_is_whole(place: Watched, dossier: Dossier) -> None:
    kept = places.acknowledged(place, dossier.uid)
    if not kept:
        return
    store = places.store_at(place)
    assert store is not None
    at = store.at(packages.object_id(dossier.uid))
    assert examining.examine(at, examining.prove(kept, [at]), kept=kept).findings == ()


def copying(home: Path, *, fault: int | None) -> dict[str, Any]:
    """What the copy was said to have it has, whole, and the next call goes on from there."""
    dossier = begun(home)

    def keep(at: int) -> None:
        if at > 1:
            make.amend(dossier, f"第 {at} 次更正")
        assert make.keep(dossier) is not None

    def copy(_: int = 0) -> None:
        make.copy(dossier)

    runs, seen = 0, set[str]()
    for at in every_step(copy, fault=fault, before=keep):
        acknowledged_is_whole(Watched.COPY, dossier)
        acknowledged_is_whole(Watched.STORE, dossier)
        seen |= faults_of(Watched.COPY)
        copy()
        assert faults_of(Watched.COPY) == set()
        assert make.files(Watched.COPY, dossier) == make.files(Watched.STORE, dossier)
        assert Copied.objects.count() == Kept.objects.count() == at
        said = [
            version["version"]
            for entry in ledger.entries(action="preservation.package.copied").order_by("index")
            for version in entry.facts["versions"]
        ]
        assert said == list(range(1, at + 1))  # each version once
        runs += 1
    return {"runs": runs, "seen": sorted(seen)}


def mending(home: Path, *, fault: int | None, place: Watched, gone: bool) -> dict[str, Any]:
    """A repair stopped at each step: the good copy stays as it is, and the next visit ends it."""
    dossier = begun(home)
    make.keep(dossier)
    make.copy(dossier)
    good = make.files(place, dossier)
    twin = places.TWIN[place]
    paths = list(good)

    def hurt(at: int) -> None:
        if gone:
            shutil.rmtree(make.folder(place, dossier))
        else:
            make.flip(place, dossier, paths[at % len(paths)], bit=at)
            make.write(make.folder(place, dossier) / "stranger", b"%d" % at)

    def visit(_: int = 0) -> None:
        make.visit(place, dossier)

    runs = 0
    for at in every_step(visit, fault=fault, before=hurt):
        assert make.files(twin, dossier) == good
        visit()
        assert make.files(place, dossier) == good, at
        assert not Damage.objects.filter(mended=None).exists()
        assert not Patrolled.objects.filter(faulty=True).exists()
        assert faults_of(place) == set()
        runs += 1
    said = ledger.entries(action=patrol.UNREPAIRABLE).count()
    return {"runs": runs, "unrepairable": said, "damages": Damage.objects.count()}


SCENARIOS = {
    "copy-killed": partial(copying, fault=None),
    "copy-without-room": partial(copying, fault=errno.ENOSPC),
    "mend-killed": partial(mending, fault=None, place=Watched.STORE, gone=False),
    "mend-copy-killed": partial(mending, fault=None, place=Watched.COPY, gone=False),
    "bring-back-killed": partial(mending, fault=None, place=Watched.STORE, gone=True),
}

if __name__ == "__main__":
    call_command("migrate", run_syncdb=True, verbosity=0)
    sys.stdout.write(json.dumps(SCENARIOS[sys.argv[1]](Path(settings.LANTAI_HOME))))
