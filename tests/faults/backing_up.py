"""A backup stopped at each of its steps; run as a process of its own."""

import errno
import json
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import desk_factories as desk
from django.conf import settings
from django.core.management import call_command
from faults.killing import NOON, every_step

from lantai.ledger import queries
from lantai.ledger import services as ledger
from lantai.ledger.models import Entry
from lantai.ops.backups import making, manifest, parts, sealed
from lantai.ops.backups.names import FAILED, INCOMING, MADE
from lantai.ops.backups.target import Target
from lantai.preservation import services

STRIDE = 1


def backing_up(home: Path, *, fault: int | None) -> dict[str, Any]:
    """After each stop what stands is whole, and the next backup sweeps and is whole too."""
    sealed._N = 2  # how long a guess takes is no matter here
    dossier = desk.dossier(office=desk.office(at=NOON), at=NOON)
    services.preserve(dossier_uid=dossier.uid, by="archivist", at=NOON)
    ledger.publish(at=NOON)
    moments = (NOON + timedelta(minutes=at) for at in range(1, 100_000))
    at = {"now": next(moments)}

    def target(step: int) -> Target:
        return Target(home.with_name(f"{home.name}-target-{step}"))

    def make(step: int) -> None:
        making.make(
            target=target(step),
            passphrase="只有保管人知道的备份口令",
            change=False,
            by="ops",
            clock=lambda: at["now"],
            told=lambda sentence: None,
        )

    def later(step: int) -> None:
        at["now"] = next(moments)

    runs, stood, swept = 0, 0, 0
    for step in every_step(make, fault=fault, before=later, stride=STRIDE):
        runs += 1
        here = target(step)
        before = here.names()
        assert len(before) <= 1
        assert_whole(here)
        stood += len(before)
        swept += bool(here.backups.is_dir() and here.leftovers())
        later(step)
        make(step)
        assert here.names()[:-1] == before
        assert here.leftovers() == []
        assert not list((here.incoming / ".incoming").glob("*"))
        assert_whole(here)
        for name in here.names():
            assert Entry.objects.filter(action=MADE, subject=f"backup:{name}").count() == 1, name
        assert not (home / parts.SCRATCH).exists()
    ledger.publish(at=NOON)
    assert list(queries.check_log()) == []
    failed = Entry.objects.filter(action=FAILED).count()
    return {"runs": runs, "stood": stood, "swept": swept, "failed": failed}


def assert_whole(here: Target) -> None:
    for name, made, unfit in here.accounts():
        assert made is not None, unfit
        assert list(manifest.faults(here.backups / name, made)) == []
        for master in parts.masters_in(here.backups / name / INCOMING).values():
            path = parts.place_in(here.incoming, master.sha256)
            assert manifest.digest_of(path) == master.sha256


SCENARIOS = {
    "killed": partial(backing_up, fault=None),
    "without-room": partial(backing_up, fault=errno.ENOSPC),
    "on-a-broken-disk": partial(backing_up, fault=errno.EIO),
}

if __name__ == "__main__":
    call_command("migrate", run_syncdb=True, verbosity=0)
    sys.stdout.write(json.dumps(SCENARIOS[sys.argv[1]](Path(settings.LANTAI_HOME))))
