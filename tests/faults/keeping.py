"""Keeping a dossier, and rebuilding, killed at each of their steps; run as a process of its own."""

import errno
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import desk_factories as desk
import preservation_factories as made
from django.conf import settings
from django.core.management import call_command
from faults.killing import NOON, every_step

from lantai.dossiers import services as dossiers
from lantai.dossiers.models import Dossier, Material
from lantai.dossiers.services import Amendment
from lantai.identity.models import User
from lantai.preservation import queries, services
from lantai.preservation.models import Kept
from lantai.preservation.rebuilding import Rebuilt

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


def rebuilding(home: Path, *, fault: int | None) -> dict[str, Any]:
    """After each stop only whole dossiers are there, and the next call enters the others."""
    for dossier in [made.new_dossier(), *(made.new_dossier(number=number) for number in (1, 2))]:
        made.preserve(dossier)
    before = made.rows()
    dossiers_before = {row["uid"]: row for row in before["Dossier"]}

    def rebuild(_: int = 0) -> Rebuilt:
        return services.rebuild(by="ops", at=NOON)

    runs, halves = 0, set[int]()
    for _ in every_step(rebuild, fault=fault, before=lambda at: made.forget_everything()):
        half = made.rows()
        assert all(row == dossiers_before[row["uid"]] for row in half["Dossier"])
        whole = {row["uid"] for row in half["Dossier"]}
        assert {row["dossier"] for row in half["Kept"]} == whole
        assert sum(row["page_count"] for row in half["Material"]) == len(half["Page"])
        halves.add(len(whole))
        if len(whole) < len(dossiers_before) or services.is_rebuilding():
            assert rebuild().damaged == []
        assert made.rows() == before
        runs += 1
    assert list(queries.faults()) == []
    return {"runs": runs, "halves": sorted(halves)}


SCENARIOS = {
    "rebuilding-killed": partial(rebuilding, fault=None),
    "rebuilding-unread": partial(rebuilding, fault=errno.EIO),
    "killed": partial(keeping, fault=None),
    "without-room": partial(keeping, fault=errno.ENOSPC),
}

if __name__ == "__main__":
    call_command("migrate", run_syncdb=True, verbosity=0)
    sys.stdout.write(json.dumps(SCENARIOS[sys.argv[1]](Path(settings.LANTAI_HOME))))
