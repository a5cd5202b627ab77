"""Keeping a dossier, killed at each of its steps; run as a process of its own."""

import errno
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import desk_factories as desk
from django.conf import settings
from django.core.management import call_command
from faults.killing import NOON, every_step

from lantai.dossiers import services as dossiers
from lantai.dossiers.models import Dossier, Material
from lantai.dossiers.services import Amendment
from lantai.identity.models import User
from lantai.preservation import queries, services
from lantai.preservation.models import Kept

ON_THE_WAY = {queries.UNKNOWN, "E046", "E060"}


def keeping(home: Path, *, fault: int | None) -> dict[str, Any]:
    """After each stop every acknowledged version is whole, and the next call goes on from there."""
    dossier = desk.dossier(office=desk.office(at=NOON), at=NOON)
    archivist, material = User.objects.get(username="archivist"), Material.objects.first()
    assert material

    def correct(at: int) -> None:
        amendment = Amendment(f"第 {at} 次更正", "", "", "核对原件")
        dossiers.amend_material(
            material_uid=material.uid, amendment=amendment, by=archivist, at=NOON
        )

    def keep(_: int = 0) -> Kept | None:
        return services.preserve(dossier_uid=dossier.uid, by="archivist", at=NOON)

    runs, seen = 0, set[str]()
    for at in every_step(keep, fault=fault, before=correct):
        codes = {fault.code for fault in queries.faults()}
        assert codes <= ON_THE_WAY, codes
        seen |= codes
        keep()
        assert list(queries.faults()) == []
        kept = Kept.objects.filter(dossier=dossier)
        assert kept.count() == at, (at, kept.count())
        runs += 1
    assert Dossier.objects.count() == 1
    return {"runs": runs, "seen": sorted(seen)}


SCENARIOS = {
    "killed": partial(keeping, fault=None),
    "without-room": partial(keeping, fault=errno.ENOSPC),
}

if __name__ == "__main__":
    call_command("migrate", run_syncdb=True, verbosity=0)
    sys.stdout.write(json.dumps(SCENARIOS[sys.argv[1]](Path(settings.LANTAI_HOME))))
