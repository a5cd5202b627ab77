"""Changing and destroying keys, stopped at each of the steps; run as a process of its own."""

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

from lantai.dossiers.models import Dossier, Page
from lantai.dossiers.rules import State
from lantai.identity import services as identity
from lantai.identity.models import User
from lantai.identity.rules import Role
from lantai.ledger import queries as ledger
from lantai.lib.sealing import Key, Suite
from lantai.preservation import audit, destruction, services
from lantai.preservation.models import KeyDestruction
from lantai.vault import keys
from lantai.vault import queries as kept
from lantai.vault import services as vault
from lantai.vault.keys import KeyDestroyed, Ring


def key_of(home: Path, uid: str, *, may_make: bool = False) -> Key:
    return keys.dossier_key(home, uid, may_make=may_make, suite=Suite.AES)


def changing(home: Path, *, fault: int | None) -> dict[str, Any]:
    """After each stop every key opens as before, and the next call goes on from there."""
    uids = [f"{number:016x}" for number in range(6)]
    held = {uid: key_of(home, uid, may_make=True) for uid in uids}
    runs, half = 0, 0

    def change(_: int = 0) -> int:
        return services.change_key(by="ops", at=NOON)

    for _ in every_step(change, fault=fault):
        runs += 1
        assert {uid: key_of(home, uid) for uid in held} == held
        half += keys.state(home, Ring.PRESERVATION).changing
        change()
        assert {uid: key_of(home, uid) for uid in held} == held
        state = keys.state(home, Ring.PRESERVATION)
        assert not state.changing
        last = ledger.entries(action="preservation.key.changed").order_by("-index").first()
        assert last is not None
        assert last.facts["mark"] == state.mark
        assert not [path for path in (home / "keys").rglob(".*") if path.is_file()]
    return {"runs": runs, "half": half}


def destroying(home: Path, *, fault: int | None) -> dict[str, Any]:
    """After each stop it was not confirmed and all is read, or it is carried on to its end."""
    office = desk.office(at=NOON)
    first = desk.dossier(office=office, at=NOON)
    guard = identity.open_account(
        username="guard", name="安全员", password="shi-guang-2026", by="ops", at=NOON
    )
    identity.give_post(user=guard, body=office.centre, role=Role.SECURITY_ADMIN, by="ops", at=NOON)
    runs, carried, open_ones = 0, 0, 0

    def ask(at: int) -> None:
        dossier = _dossier(first, at)
        key_of(home, dossier.uid, may_make=True)
        archivist = User.objects.get(username="archivist")
        destruction.ask(dossier_uid=dossier.uid, reason="依据", by=archivist, at=NOON)

    def settle(_: int = 0) -> None:
        request = KeyDestruction.objects.order_by("pk").last()
        assert request
        destruction.settle(request=request.uid, outcome="confirmed", note="", by=guard, at=NOON)

    for _ in every_step(settle, fault=fault, before=ask):
        runs += 1
        asked = KeyDestruction.objects.select_related("dossier").order_by("pk").last()
        assert asked
        page = Page.objects.select_related("blob").get(material__dossier=asked.dossier)
        if not asked.outcome:
            open_ones += 1
            assert key_of(home, asked.dossier.uid)
            assert kept.read(page.blob.sha256)
            settle()
        carried += len(destruction.carry_out_waiting(at=NOON))
        asked.refresh_from_db()
        assert (asked.outcome, asked.destroyed_at) == ("confirmed", NOON)
        _is_gone(home, asked.dossier.uid, page)
        assert list(audit.check_rows()) == []
        said = ledger.entries(action="preservation.key.destroyed").count()
        assert said == runs, (said, runs)
    return {"runs": runs, "carried": carried, "open": open_ones}


def _is_gone(home: Path, uid: str, page: Page) -> None:
    try:
        key_of(home, uid, may_make=True)
        raise AssertionError("a destroyed key was given out")
    except KeyDestroyed:
        pass
    assert not list((home / "keys").rglob(f"*{uid}.key*"))
    vault.repair(by="ops", at=NOON)
    assert not [path for path in (home / "vault").rglob(f"{page.blob.sha256}*") if path.is_file()]


def _dossier(like: Dossier, at: int) -> Dossier:
    """One more dossier of one page."""
    made = Dossier.objects.create(
        person=like.person,
        body=like.body,
        number=f"K-{at}",
        state=State.IN_STORE,
        paper_sides=1,
        entered_at=NOON,
        entered_by="x",
    )
    material = made.materials.create(class_code="1", sequence=1, title="履历表", page_count=1)
    blob = vault.store(content=b"page %d" % at, media_type="image/jpeg", by="x", at=NOON)
    Page.objects.create(
        material=material,
        number=1,
        blob=blob,
        width=1,
        height=1,
        scanned_by="x",
        scanned_at=NOON,
        norm="x",
    )
    return made


SCENARIOS = {
    "change-killed": partial(changing, fault=None),
    "change-without-room": partial(changing, fault=errno.ENOSPC),
    "destroy-killed": partial(destroying, fault=None),
}

if __name__ == "__main__":
    call_command("migrate", run_syncdb=True, verbosity=0)
    sys.stdout.write(json.dumps(SCENARIOS[sys.argv[1]](Path(settings.LANTAI_HOME))))
