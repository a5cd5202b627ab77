"""Writers in a process of their own, killed or failed at each of their steps in turn.

A step is a call that changes files or forces them to disk, a write, or a statement or commit of
the database. The n-th run of a scenario stops at its n-th step; then the
survivors are examined. What was seen is printed as JSON; a broken promise ends the process.
"""

import errno
import hashlib
import io
import itertools
import json
import os
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import vault_factories as packages
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections, models, transaction

from lantai.ledger import files as log_files
from lantai.ledger import queries, rotation, services
from lantai.ledger.models import Disclosure, Entry, Head, SigningIntent
from lantai.lib.refusals import Conflict
from lantai.lib.tlog import note
from lantai.lib.tlog.checkpoint import Checkpoint
from lantai.lib.tlog.suite import SUITES
from lantai.vault import files
from lantai.vault import queries as kept
from lantai.vault import services as vault
from lantai.vault.models import Blob

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
# What Python tells of calls that change files; renames come as os.rename whichever was called.
FILE_EVENTS = frozenset(
    {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
ENDED, BROKEN, FAILED, WENT_ON = 0, 1, 3, 4


class Breaker:
    """Counts the steps of this process and stops at one of them: kills it, or fails the call.

    A step is every call that changes files below the data directory or forces them to disk, each
    write (which is then cut in half), and where the process is killed each statement and commit
    of the database. ``fault`` is the error of the failing call, None to kill; with EIO reading
    fails too. Whatever a program comes to call later is counted without being named here.
    """

    def __init__(self, at: int, *, fault: int | None, home: Path) -> None:
        self.at, self.fault, self.home, self.count = at, fault, str(home), 0
        self._one_at_a_time = threading.Lock()

    def step(self) -> None:
        if self._is_due():
            self._stop()

    def arm(self) -> None:
        sys.addaudithook(self._heard)
        plain_fsync, breaker = os.fsync, self

        def fsync(descriptor: int) -> None:
            self.step()
            plain_fsync(descriptor)

        class Torn(io.FileIO):
            def write(self, content: Any) -> int:
                if breaker._is_due():
                    super().write(bytes(content)[: len(content) // 2])
                    breaker._stop()
                return super().write(content)

        def fdopen(descriptor: int, mode: str = "r", *words: Any, **more: Any) -> Any:
            if mode != "wb":
                return open(descriptor, mode, *words, **more)
            return io.BufferedWriter(Torn(descriptor, "wb"))

        os.fsync, os.fdopen = fsync, fdopen  # type: ignore[assignment]
        if self.fault is None:
            connection.ensure_connection()
            connection.execute_wrappers.append(self._statement)
            connection._commit = self._counted_commit(connection._commit)

    def _is_due(self) -> bool:
        with self._one_at_a_time:
            self.count += 1
            return self.count == self.at

    def _stop(self) -> None:
        if self.fault is None:
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()  # in a thread, the kill takes a moment
        raise OSError(self.fault, os.strerror(self.fault or 0))

    def _heard(self, event: str, words: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = words
            if isinstance(path, int) or not os.fspath(path).startswith(self.home):
                return
            if flags & WRITING or (self.fault == errno.EIO and mode != "w"):
                self.step()
        elif event in FILE_EVENTS:
            path = os.fspath(words[0])
            if path.startswith(self.home) or not path.startswith(os.sep):
                self.step()

    def _counted_commit(self, call: Callable[[], Any]) -> Callable[[], Any]:
        def counted() -> Any:
            self.step()
            done = call()
            self.step()
            return done

        return counted

    def _statement(self, execute: Callable[..., Any], *words: Any) -> Any:
        self.step()
        return execute(*words)


def stopped(
    writer: Callable[[], object], at: int, *, fault: int | None, again: bool = False
) -> int:
    """Run a writer in a child until its step; return how the child ended (-9 when killed).

    ``again``: after the failure the same process does its work once more, and must come through.
    """
    connections.close_all()
    child = os.fork()
    if child == 0:
        code = BROKEN
        try:
            breaker = Breaker(at, fault=fault, home=Path(settings.LANTAI_HOME))
            breaker.arm()
            try:
                writer()
                code = ENDED if breaker.count < at else WENT_ON
            except OSError as failed:
                if failed.errno != fault:
                    raise
                if again:
                    writer()
                code = FAILED
        finally:
            if code == BROKEN:
                traceback.print_exc()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def every_step(
    writer: Callable[[int], object],
    *,
    fault: int | None,
    before: Callable[[int], object] = lambda at: None,
    stride: int = 1,
    again: bool = False,
) -> Iterator[int]:
    """Stop a writer at its first step, its second, …; yield after each until it runs through."""
    for at in itertools.count(1, stride):
        before(at)
        code = stopped(partial(writer, at), at, fault=fault, again=again)
        yield at
        if code == ENDED:
            return
        expected = (-signal.SIGKILL,) if fault is None else (FAILED, WENT_ON)
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


def publishing(
    home: Path, *, fault: int | None, batch: int = 1, stride: int = 1, again: bool = False
) -> dict[str, Any]:
    """A publisher stopped at each step: the log goes on from what stands as if nothing had been."""
    runs = 0
    steps = every_step(
        publish, fault=fault, before=lambda at: record(batch), stride=stride, again=again
    )
    for _ in steps:
        runs += 1
        published_is_whole(home)
        out = [log_files.read_checkpoint(home / "log" / "records", suite) for suite in SUITES]
        publish()
        assert list(queries.check_log()) == []
        assert Head.objects.count() == SigningIntent.objects.count() == runs
        notes = set(Head.objects.values_list("note", "twin_note"))
        kept = {signed for pair in notes for signed in pair}
        assert kept.issuperset(filter(None, out))  # what was out stays, signature and all
    undisturbed = home.with_name("undisturbed")
    shutil.copytree(home / "keys", undisturbed / "keys")
    settings.LANTAI_HOME = undisturbed
    publish()
    for path in (undisturbed / "log").rglob("*"):
        if path.is_file():
            assert (home / path.relative_to(undisturbed)).read_bytes() == path.read_bytes(), path
    return {"runs": runs, "size": queries.size_of(stream="records")}


def published_is_whole(home: Path) -> None:
    """What anybody may read is all there at its size, and never ahead of what was intended."""
    for suite in settings.LANTAI_SUITES:
        published = log_files.read_checkpoint(home / "log" / "records", suite)
        if published is None:
            continue
        shown = Checkpoint.parse(note.parse(published).text)
        intent = SigningIntent.objects.get(stream="records", size=shown.size)
        assert shown.root in {bytes(intent.root), bytes(intent.twin_root or b"")}
        assert queries.root_in_files(stream="records", size=shown.size, suite=suite) == shown.root


def recording(home: Path, *, fault: int | None) -> dict[str, Any]:
    """A writer stopped at each step of an act: the act is entered whole or not at all."""
    runs = 0
    before = entered = 0
    for at in every_step(lambda at: record(1), fault=fault):
        runs = at
        entered = queries.size_of(stream="records")
        assert entered in {before, before + 1}
        assert Disclosure.objects.count() == entered
        before = entered
        publish()
        assert list(queries.check_log()) == []
    assert entered > 1  # stopped after the commit as well, and once not at all
    return {"runs": runs, "size": entered}


def nothing_yet(home: Path, at: int) -> None:
    """An empty log in a data directory of its own, with two acts to be signed."""
    for model in (Disclosure, Entry, Head, SigningIntent):
        models.QuerySet(model).delete()
    settings.LANTAI_HOME = home / str(at)
    record(2)


def beginning(home: Path) -> dict[str, Any]:
    """The very first publication killed at each step: one key, one log, nothing left beside."""
    runs = 0
    for at in every_step(publish, fault=None, before=partial(nothing_yet, home)):
        runs += 1
        publish()
        assert list(queries.check_log()) == []
        keys = home / str(at) / "keys"
        made = sorted(path.name for path in keys.iterdir())
        assert len(made) == 2 * len(settings.LANTAI_SUITES)
        assert all(name.startswith("log-records") for name in made)
        assert {name.rpartition(".")[2] for name in made} == {"key", "vkey"}
        public = (keys / "log-records.vkey").read_text().strip()
        assert public == queries.verifier_key(stream="records")
    return {"runs": runs}


def rotating(home: Path) -> dict[str, Any]:
    """The change of a key killed at each step: the next call finishes it, entered once."""

    def begun(at: int) -> None:
        nothing_yet(home, at)
        publish()

    def rotate(at: int) -> None:
        rotation.rotate(stream="records", by="ops", at=NOON)

    runs = 0
    for at in every_step(rotate, fault=None, before=begun):
        runs += 1
        published_is_whole(home / str(at))
        with suppress(Conflict):  # it was all done
            rotate(at)
        record(1)
        publish()
        assert list(queries.check_log()) == []
        assert Entry.objects.filter(action=rotation.ROTATED).count() == 1
        newest = Head.objects.filter(stream="records").order_by("-size").first()
        assert newest is not None
        assert len(note.parse(newest.note).signatures) == 2
    return {"runs": runs}


def storing(home: Path, *, fault: int | None) -> dict[str, Any]:
    """A store stopped at each step: a master is whole or absent, and a row has its file."""

    def page(at: int) -> bytes:
        return b"page %d " % at * 1000

    def store(at: int) -> Blob:
        return vault.store(content=page(at), media_type="image/jpeg", by="scanner", at=NOON)

    steps, seen = 0, set()
    for at in every_step(store, fault=fault):
        steps = at
        for path in files.masters(home):
            assert files.digest_of(home, path.name) == path.name, path
        for blob in Blob.objects.all():
            assert kept.read(blob.sha256)
        found = [fault.what for fault in kept.store_faults()]
        assert all("中断" in what for what in found), found
        seen.update(found)
        assert kept.read(store(at).sha256) == page(at)
    vault.repair(by="system", at=NOON)
    assert list(kept.store_faults()) == []
    return {"steps": steps, "masters": kept.count(), "seen": len(seen)}


def leaving(home: Path, *, fault: int | None) -> dict[str, Any]:
    """Masters stopped at each step of leaving for their package are given all the same."""
    contents = {at: b"page %d " % at * 1000 for at in range(1, 200)}

    def placed(at: int) -> str:
        blob = vault.store(content=contents[at], media_type="image/jpeg", by="scanner", at=NOON)
        packages.placed(f"{at:016x}", contents[at])
        return blob.sha256

    def leave(at: int) -> None:
        done = vault.release(sha256s=[digest(at)], by="worker", at=NOON, single_copy=True)
        if done.stays:  # what could not be read back stays, and is no error of the call
            raise OSError(errno.EIO, str(done.stays))

    def digest(at: int) -> str:
        return hashlib.sha256(contents[at]).hexdigest()

    steps, seen = 0, set()
    for at in every_step(leave, fault=fault, before=placed):
        steps = at
        assert kept.read(digest(at)) == contents[at]
        found = [problem.what for problem in kept.store_faults()]
        assert all("中断" in what or "不是只读" in what for what in found), found
        seen.update(found)
        leave(at)
        assert not files.stands(home, digest(at))
        assert kept.read(digest(at)) == contents[at]
    vault.repair(by="system", at=NOON)
    assert list(kept.store_faults()) == []
    assert list(kept.check_rows()) == []
    return {"steps": steps, "seen": len(seen)}


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
    "publish-killed": partial(publishing, fault=None),
    "publish-killed-at-full-tiles": partial(publishing, fault=None, batch=256, stride=3),
    "publish-without-room-at-full-tiles": partial(
        publishing, fault=errno.ENOSPC, batch=256, again=True
    ),
    "publish-without-room": partial(publishing, fault=errno.ENOSPC),
    "publish-without-room-goes-on": partial(publishing, fault=errno.ENOSPC, again=True),
    "publish-on-a-broken-disk": partial(publishing, fault=errno.EIO),
    "publish-on-a-broken-disk-goes-on": partial(publishing, fault=errno.EIO, again=True),
    "record-killed": partial(recording, fault=None),
    "first-publish-killed": beginning,
    "rotate-killed": rotating,
    "store-killed": partial(storing, fault=None),
    "store-without-room": partial(storing, fault=errno.ENOSPC),
    "leave-killed": partial(leaving, fault=None),
    "leave-on-a-broken-disk": partial(leaving, fault=errno.EIO),
    "together": together,
}

if __name__ == "__main__":
    call_command("migrate", run_syncdb=True, verbosity=0)
    sys.stdout.write(json.dumps(SCENARIOS[sys.argv[1]](Path(settings.LANTAI_HOME))))
