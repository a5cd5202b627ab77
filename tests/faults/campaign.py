"""Many runs of the writers of masters, each killed (SIGKILL) at a moment of chance.

A run keeps a page and a dossier, copies a package, or makes a backup. What a writer acknowledged
before it died comes through a pipe, and must stand whole for ever after; whatever else it left,
the next call goes on from there.

    python -m pytest tests/faults/test_campaign.py            a share of the runs
    LANTAI_KILLS=200 python -m pytest tests/faults/test_campaign.py -s

Run as a process of its own: words are the number of runs and the seed of chance.
"""

import json
import os
import random
import select
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import copies_factories as make
import desk_factories as desk
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from faults.killing import NOON

from lantai.dossiers.models import Dossier
from lantai.ledger import queries as log
from lantai.ledger import services as ledger
from lantai.lib.ocfl import writer
from lantai.ops.backups import drill, making, manifest, parts, sealed
from lantai.ops.backups.target import Target
from lantai.preservation import places, queries
from lantai.preservation.models import Copied, Kept, Watched
from lantai.vault import packages
from lantai.vault import queries as masters
from lantai.vault import services as vault

PASSPHRASE: Final = "只有保管人知道的备份口令"
DOSSIERS: Final = 4
# What a killed writer may leave until the next comes by: a version nobody was told of.
ON_THE_WAY: Final = {queries.UNKNOWN, "E046", "E060"}

Tell = Callable[[str, str], None]


@dataclass
class Campaign:
    """An installation with its second copy and its backups, and what it said it had done."""

    home: Path
    chance: random.Random
    acknowledged: set[tuple[str, str]] = field(default_factory=set)
    seen: Counter[str] = field(default_factory=Counter)
    turn: int = 0
    page: int = 0  # whoever comes after a stop brings the same page again

    @property
    def target(self) -> Target:
        return Target(self.home.with_name("backups"))

    @property
    def now(self) -> datetime:
        return NOON + timedelta(minutes=self.turn)

    def begin(self) -> None:
        settings.LANTAI_COPY = str(self.home.with_name("copy"))
        sealed._N = 2  # how long a guess of the passphrase takes is no matter here
        office = desk.office(at=NOON)
        for order in range(DOSSIERS):
            make.keep(make.small_dossier(office, order=order))
        ledger.publish(at=NOON)

    def store(self, tell: Tell) -> None:
        """Keep a page in the vault, and a changed dossier as a new version."""
        page = b"page %d " % self.page * 5000
        blob = vault.store(content=page, media_type="image/jpeg", by="scanner", at=self.now)
        tell("page", blob.sha256)
        dossier = self.dossier
        make.amend(dossier, f"履历表（{self.turn}）")
        kept = make.keep(dossier, at=self.now)
        if kept:
            tell("kept", f"{dossier.uid} {kept.version}")

    def replicate(self, tell: Tell) -> None:
        """Bring what the copy lacks to it."""
        for dossier in Dossier.objects.order_by("pk"):
            if copied := make.copy(dossier, at=self.now):
                tell("copied", f"{dossier.uid} {copied.kept.version}")

    def backup(self, tell: Tell) -> None:
        """Back up everything."""
        made = making.make(
            target=self.target,
            passphrase=PASSPHRASE,
            change=False,
            by="ops",
            clock=lambda: self.now,
            told=lambda sentence: None,
        )
        tell("backup", made.manifest.name)

    @property
    def dossier(self) -> Dossier:
        return Dossier.objects.order_by("pk")[self.turn % DOSSIERS]

    def forked(self, verb: Callable[[Tell], None], *, kill_after: float | None) -> float:
        """Do a verb in a child and take what it acknowledges; return how long it lived."""
        connections.close_all()
        ear, mouth = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                verb(lambda kind, what: _said(mouth, kind, what))
                code = 0
            finally:
                if code:
                    traceback.print_exc()
                os._exit(code)
        os.close(mouth)
        began, heard = time.monotonic(), b""
        while True:
            left = None if kill_after is None else began + kill_after - time.monotonic()
            if left is not None and left <= 0:
                os.kill(child, signal.SIGKILL)
                kill_after = None
                continue
            if not select.select([ear], [], [], left)[0]:
                continue
            if not (piece := os.read(ear, 65536)):
                break
            heard += piece
        lived = time.monotonic() - began
        os.close(ear)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        assert code in {0, -signal.SIGKILL}, f"turn {self.turn}: ended with {code}"
        self.seen["killed" if code else "ended"] += 1
        whole = heard[: heard.rfind(b"\n") + 1].decode()
        self.acknowledged |= {tuple(json.loads(line)) for line in whole.splitlines()}
        return lived

    def assert_kept(self, *, allowed: set[str]) -> None:
        """Everything that was ever acknowledged stands whole."""
        told: dict[str, set[str]] = {"page": set(), "kept": set(), "copied": set(), "backup": set()}
        for kind, what in self.acknowledged:
            told[kind].add(what)
        for sha256 in told["page"]:
            assert masters.read(sha256), sha256
        kept = Kept.objects.values_list("dossier__uid", "version")
        assert told["kept"] <= {f"{uid} {version}" for uid, version in kept}
        copied = Copied.objects.values_list("kept__dossier__uid", "kept__version")
        assert told["copied"] <= {f"{uid} {version}" for uid, version in copied}
        for place in (Watched.STORE, Watched.COPY):
            codes = {fault.code for fault in queries.faults(place)}
            assert codes <= allowed, (self.turn, place, codes)
            self.seen.update(codes)
        assert told["backup"] <= set(self.target.names())
        for name in self.target.names()[-2:]:
            folder = self.target.backups / name
            assert list(manifest.faults(folder, manifest.read(folder))) == [], name

    def go_on(self, verb: Callable[[Tell], None]) -> None:
        """What was begun comes to its end with the next call, and nothing is left lying about."""
        for place in (Watched.STORE, Watched.COPY):
            store = places.store_at(place)
            assert store is not None
            if store.is_empty():
                continue
            for dossier in Dossier.objects.all():
                writer.settle(store, packages.object_id(dossier.uid))
        for dossier in Dossier.objects.order_by("pk"):
            make.keep(dossier, at=self.now)
        verb(lambda kind, what: self.acknowledged.add((kind, what)))
        if verb != self.replicate:
            self.replicate(lambda kind, what: self.acknowledged.add((kind, what)))
        vault.repair(by="system", at=self.now)
        assert (left := list(masters.store_faults())) == [], left


def _said(mouth: int, kind: str, what: str) -> None:
    os.write(mouth, f"{json.dumps([kind, what])}\n".encode())


def run(home: Path, *, runs: int, seed: int) -> dict[str, Any]:
    """So many runs, each killed at a moment over the time its verb takes, and a little more."""
    campaign = Campaign(home, random.Random(seed))
    campaign.begin()
    verbs = (campaign.store, campaign.replicate, campaign.backup)
    lasts: dict[str, float] = {}
    for verb in verbs:
        campaign.turn += 1
        lasts[verb.__name__] = campaign.forked(verb, kill_after=None)
    campaign.seen.clear()
    done: Counter[str] = Counter()
    for number in range(1, runs + 1):
        campaign.turn, campaign.page = campaign.turn + 1, number
        verb = campaign.chance.choice(verbs)
        if verb == campaign.replicate:
            campaign.store(lambda kind, what: campaign.acknowledged.add((kind, what)))
        moment = campaign.chance.uniform(0, 1.1) * lasts[verb.__name__]
        before = len(campaign.acknowledged)
        campaign.forked(verb, kill_after=moment)
        done[verb.__name__] += 1
        campaign.seen["acknowledged before the end"] += len(campaign.acknowledged) > before
        campaign.assert_kept(allowed=ON_THE_WAY)
        campaign.turn += 1
        campaign.go_on(verb)
        campaign.assert_kept(allowed=set())
    ledger.publish(at=campaign.now)
    assert list(log.check_log()) == []
    campaign.backup(lambda kind, what: campaign.acknowledged.add((kind, what)))
    os.environ["DJANGO_SETTINGS_MODULE"] = "lantai.settings"
    drilled = drill.drill(
        source=campaign.target,
        passphrases=[PASSPHRASE],
        packages=None,
        pages=10_000,  # all there are
        scratch=home.parent,
        told=lambda sentence: None,
    )
    assert drilled.good, drilled.faults
    return {
        "runs": dict(done),
        "seen": dict(campaign.seen),
        "acknowledged": dict(Counter(kind for kind, _ in campaign.acknowledged)),
        "seconds": {verb: round(lasted, 3) for verb, lasted in lasts.items()},
        "leftovers": parts.SCRATCH in {path.name for path in home.iterdir()},
        "restored": {"packages": drilled.found["packages"], "opened": drilled.found["opened"]},
    }


if __name__ == "__main__":
    call_command("migrate", run_syncdb=True, verbosity=0)
    settings.MIGRATION_MODULES = {}
    call_command("migrate", fake=True, verbosity=0)  # a restore asks how far the database is
    found = run(Path(settings.LANTAI_HOME), runs=int(sys.argv[1]), seed=int(sys.argv[2]))
    sys.stdout.write(json.dumps(found))
