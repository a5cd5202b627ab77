"""A backup and the one after it, watched call by call; run as a process of its own."""

import json
import random
import shutil
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import copies_factories as make
import crashing
import desk_factories as desk
import power
import pytest
from django.conf import settings
from django.core.management import call_command
from faults.backing_up import assert_whole
from faults.killing import NOON

from lantai.ledger import services as ledger
from lantai.lib.ocfl import disk
from lantai.ops.backups import making, sealed
from lantai.ops.backups.target import Target
from lantai.vault import services as vault

PASSPHRASE: Final = "只有保管人知道的备份口令"
EVERY: Final = 12  # of so many states one is carried on from


def back_up(folder: Path, minute: int) -> str:
    made = making.make(
        target=Target(folder),
        passphrase=PASSPHRASE,
        change=False,
        by="ops",
        clock=lambda: NOON + timedelta(minutes=minute),
        told=lambda sentence: None,
    )
    return made.manifest.name


def states_of_a_backup(home: Path) -> dict[str, Any]:
    """Every backup that was acknowledged is whole in each state, and no other half stands."""
    sealed._N = 2  # how long a guess takes is no matter here
    office = desk.office(at=NOON)
    make.keep(make.small_dossier(office, order=1))
    vault.store(content=b"a page of no package", media_type="image/jpeg", by="x", at=NOON)
    ledger.publish(at=NOON)
    watched, acknowledged = home.with_name("target"), []
    with pytest.MonkeyPatch.context() as patch:
        with power.watched(watched, patch) as watch:
            for minute in (1, 2):
                acknowledged.append(back_up(watched, minute))
                watch.acknowledge()
                make.keep(make.small_dossier(office, order=1 + minute))
        patch.setattr(disk, "force_all", lambda folder: None)  # a replay need not be forced
        chance, examined, went_on, stood = random.Random(20261125), 0, 0, set()
        for acts, state in watch.states(most=6, regards=lambda path: "/." not in f"/{path}"):
            examined += 1
            cut = home.with_name("cut")
            crashing.make(state, cut)
            here = Target(cut)
            names = here.names()
            assert names[:acts] == acknowledged[:acts], (acts, names)
            assert len(names) <= acts + 1, (acts, names)
            assert_whole(here)
            stood.add(len(names))
            if chance.randrange(EVERY) == 0:
                went_on += 1
                made = back_up(cut, 10 + examined)
                assert here.names() == [*names, made]
                assert here.leftovers() == []
                assert_whole(here)
            shutil.rmtree(cut)
    return {"examined": examined, "went_on": went_on, "stood": sorted(stood)}


if __name__ == "__main__":
    call_command("migrate", run_syncdb=True, verbosity=0)
    sys.stdout.write(json.dumps(states_of_a_backup(Path(settings.LANTAI_HOME))))
