"""Writers in a process of their own, killed or failed at each of their steps in turn.

A step is a call that changes files (make, open to write, force to disk, rename, link, remove) or
a statement or commit of the database. The n-th run of a scenario stops at its n-th step; then the
survivors are examined. What was seen is printed as JSON; a broken promise ends the process.
"""

import errno
import itertools
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections, models, transaction

from lantai.ledger import files as log_files
from lantai.ledger import queries, services
from lantai.ledger.models import Disclosure, Entry, Head, SigningIntent
from lantai.lib.tlog import note
from lantai.lib.tlog.checkpoint import Checkpoint
from lantai.vault import files
from lantai.vault import queries as kept
from lantai.vault import services as vault
from lantai.vault.models import Blob

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
FILE_CALLS = ("open", "mkdir", "fsync", "rename", "replace", "link", "unlink", "rmdir")
ENDED, BROKEN, NO_ROOM, WENT_ON = 0, 1, 3, 4


class Breaker:
    """Counts the steps of this process and stops at one of them."""

    def __init__(self, at: int, *, kill: bool) -> None:
        self.at, self.kill, self.count = at, kill, 0

    def step(self, *, of_database: bool) -> None:
        if of_database and not self.kill:
            return
        self.count += 1
        if self.count != self.at:
            return
        if self.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(errno.ENOSPC, "No space left on device")

    def arm(self) -> None:
        for name in FILE_CALLS:
            setattr(os, name, self._counted(getattr(os, name), may_read=name == "open"))
        connection.ensure_connection()
        connection.execute_wrappers.append(self._statement)
        connection._commit = self._counted_commit(connection._commit)

    def _counted(self, call: Callable[..., Any], *, may_read: bool) -> Callable[..., Any]:
        def counted(*words: Any, **more: Any) -> Any:
            if not may_read or (len(words) > 1 and words[1] & (os.O_CREAT | os.O_WRONLY)):
                self.step(of_database=False)
            return call(*words, **more)

        return counted

    def _counted_commit(self, call: Callable[[], Any]) -> Callable[[], Any]:
        def counted() -> Any:
            self.step(of_database=True)
            done = call()
            self.step(of_database=True)
            return done

        return counted

    def _statement(self, execute: Callable[..., Any], *words: Any) -> Any:
        self.step(of_database=True)
        return execute(*words)


def stopped(writer: Callable[[], object], at: int, *, kill: bool) -> int:
    """Run a writer in a child until its step; return how the child ended (-9 when killed)."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        code = BROKEN
        try:
            breaker = Breaker(at, kill=kill)
            breaker.arm()
            writer()
            code = ENDED if breaker.count < at else WENT_ON
        except OSError as failed:
            code = NO_ROOM if failed.errno == errno.ENOSPC else BROKEN
        finally:
            if code == BROKEN:
                traceback.print_exc()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def every_step(
    writer: Callable[[int], object],
    *,
    kill: bool,
    before: Callable[[int], object] = lambda at: None,
    stride: int = 1,
) -> Iterator[int]:
    """Stop a writer at its first step, its second, …; yield after each until it runs through."""
    for at in itertools.count(1, stride):
        before(at)
        code = stopped(partial(writer, at), at, kill=kill)
        yield at
        if code == ENDED:
            return
        expected = (-signal.SIGKILL,) if kill else (NO_ROOM, WENT_ON)
        assert code in expected, f"step {at} ended with {code}"


def record(count: int, *, stream: str = "records") -> None:
    with transaction.atomic():
        for _ in range(count):
            services.record(
                at=NOON,
                action="cases.case.opened",
                actor="wang",
                subject="case:1",
                facts={},
                stream=stream,
            )


def publish(_: int = 0) -> None:
    services.publish(at=NOON)


def publishing(home: Path, *, kill: bool, batch: int = 1, stride: int = 1) -> dict[str, Any]:
    """A publisher stopped at each step: the log goes on from what stands as if nothing had been."""
    runs = 0
    for _ in every_step(publish, kill=kill, before=lambda at: record(batch), stride=stride):
        runs += 1
        published = log_files.read_checkpoint(home / "log" / "records")
        if published is not None:  # whole, and never ahead of what was intended
            shown = Checkpoint.parse(note.parse(published).text)
            intent = SigningIntent.objects.get(stream="records", size=shown.size)
            assert bytes(intent.root) == shown.root
        publish()
        assert list(queries.check_log()) == []
        assert Head.objects.count() == SigningIntent.objects.count() == runs
    undisturbed = home.with_name("undisturbed")
    shutil.copytree(home / "keys", undisturbed / "keys")
    settings.LANTAI_HOME = undisturbed
    publish()
    for path in (undisturbed / "log").rglob("*"):
        if path.is_file():
            assert (home / path.relative_to(undisturbed)).read_bytes() == path.read_bytes(), path
    return {"runs": runs, "size": queries.size_of(stream="records")}


def beginning(home: Path) -> dict[str, Any]:
    """The very first publication killed at each step: one key, one log, nothing left beside."""

    def nothing_yet(at: int) -> None:
        for model in (Disclosure, Entry, Head, SigningIntent):
            models.QuerySet(model).delete()
        settings.LANTAI_HOME = home / str(at)
        record(2)

    runs = 0
    for at in every_step(publish, kill=True, before=nothing_yet):
        runs += 1
        publish()
        assert list(queries.check_log()) == []
        keys = home / str(at) / "keys"
        assert {path.name for path in keys.iterdir()} == {"log-records.key", "log-records.vkey"}
        public = (keys / "log-records.vkey").read_text().strip()
        assert public == queries.verifier_key(stream="records")
    return {"runs": runs}


def storing(home: Path, *, kill: bool) -> dict[str, Any]:
    """A store stopped at each step: a master is whole or absent, and a row has its file."""

    def page(at: int) -> bytes:
        return b"page %d " % at * 1000

    def store(at: int) -> Blob:
        return vault.store(content=page(at), media_type="image/jpeg", by="scanner", at=NOON)

    steps, seen = 0, set()
    for at in every_step(store, kill=kill):
        steps = at
        for path in files.masters(home):
            assert files.digest_of(path) == path.name, path
        for blob in Blob.objects.all():
            assert kept.read(blob.sha256)
        found = [fault.what for fault in kept.store_faults()]
        assert all("中断" in what for what in found), found
        seen.update(found)
        assert kept.read(store(at).sha256) == page(at)
    vault.repair(by="system", at=NOON)
    assert list(kept.store_faults()) == []
    return {"steps": steps, "masters": kept.count(), "seen": len(seen)}


def together(home: Path) -> dict[str, Any]:
    """Two processes with two threads each write and publish at once."""

    def write(number: int) -> None:
        try:
            for turn in range(15):
                record(1)
                record(2, stream="access")
                if turn % 5 == number:
                    publish()
        finally:
            connection.close()

    def both() -> None:
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(write, range(2)))

    connections.close_all()
    child = os.fork()
    if child == 0:
        code = BROKEN
        try:
            both()
            code = ENDED
        finally:
            if code == BROKEN:
                traceback.print_exc()
            os._exit(code)
    both()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == ENDED
    publish()
    assert list(queries.check_log()) == []
    return {
        stream: list(
            Entry.objects.filter(stream=stream).order_by("index").values_list("index", flat=True)
        )
        for stream in ("records", "access")
    }


SCENARIOS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "publish-killed": partial(publishing, kill=True),
    "publish-killed-at-full-tiles": partial(publishing, kill=True, batch=256, stride=3),
    "publish-without-room": partial(publishing, kill=False),
    "first-publish-killed": beginning,
    "store-killed": partial(storing, kill=True),
    "store-without-room": partial(storing, kill=False),
    "together": together,
}

if __name__ == "__main__":
    call_command("migrate", run_syncdb=True, verbosity=0)
    sys.stdout.write(json.dumps(SCENARIOS[sys.argv[1]](Path(settings.LANTAI_HOME))))
