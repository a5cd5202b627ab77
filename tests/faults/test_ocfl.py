"""A writer of packages killed, or failed, at each of its calls: what was there is whole."""

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ocfl_factories as factories
import pytest

from lantai.lib.ocfl import check, reader, writer
from lantai.lib.ocfl.faults import Unsound
from lantai.lib.ocfl.inventory import Inventory
from lantai.lib.ocfl.layout import Store

pytestmark = pytest.mark.faults

A = "urn:test:a"
CALLS = ("open", "mkdir", "fsync", "fdopen", "rename", "unlink", "rmdir")
ENDED, BROKEN, FAILED, WENT_ON, UNSOUND = 0, 1, 3, 4, 5


def broken_off(act: Callable[[], object], at: int, *, kill: bool) -> int:
    """Run an act in a child that stops at its n-th call; return how the child ended."""
    child = os.fork()
    if child == 0:
        code = BROKEN
        try:
            due = _arm(at, kill=kill)
            act()
            code = WENT_ON if due() else ENDED
        except OSError as failed:
            code = FAILED if failed.errno == errno.EIO else BROKEN
        except Unsound:
            code = UNSOUND  # what it read from did not answer
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _arm(at: int, *, kill: bool) -> Callable[[], bool]:
    """Stop at the n-th call from here; the answer tells whether it came to that."""
    count = 0

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def stand_in(*words: Any, **more: Any) -> Any:
            nonlocal count
            count += 1
            if count == at and kill:
                os.kill(os.getpid(), signal.SIGKILL)
            if count == at:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return call(*words, **more)

        return stand_in

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))
    return lambda: count >= at


def growth(store: Store, number: int) -> None:
    """Write version after version, up to this one."""
    for wanted in range(1, number + 1):
        with writer.writing(store, A) as draft:
            if draft.number != wanted:
                continue
            with draft.file(f"1-1-{wanted:03d}.jpg") as stream:
                stream.write(b"page %d" % wanted)
            for path, digest in (draft.before.state if draft.before else {}).items():
                draft.carry(path, digest)
            draft.commit(at=factories.NOON, message="", user="tester", address="urn:x:y")


def standing(store: Store) -> int:
    """The version an object stands at, after every page up to it was read."""
    at = store.at(A)
    if not at.exists():
        return 0
    number = reader.standing(at).inventory.number
    for page in range(1, number + 1):
        assert reader.read(at, f"1-1-{page:03d}.jpg") == b"page %d" % page
    return number


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "failed"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_writer_stopped_at_any_call_leaves_the_old_or_the_new_version(
    tmp_path: Path, number: int, *, kill: bool
) -> None:
    stopped = 0
    seen = set()
    for at in range(1, 400):
        store = factories.store(tmp_path / str(at))
        growth(store, number - 1)
        code = broken_off(lambda store=store: growth(store, number), at, kill=kill)  # type: ignore[misc]
        if code == ENDED:
            break
        assert code in ({-signal.SIGKILL} if kill else {FAILED, WENT_ON})
        stopped += 1
        assert standing(store) in {number - 1, number}
        seen.add(standing(store))

        growth(store, number)

        writer.sweep(store)
        assert standing(store) == number
        assert [fault for one in check.check_store(store) for fault in one.faults] == []
        assert list(store.stage.iterdir()) == []

    assert stopped > 20
    assert seen == {number - 1, number}


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "failed"])
def test_bringing_versions_over_stopped_at_any_call_is_carried_to_its_end(
    tmp_path: Path, *, kill: bool
) -> None:
    source = factories.store(tmp_path / "source")
    growth(source, 3)
    stopped, seen = 0, set()
    for at in range(1, 400):
        copy = factories.store(tmp_path / str(at))
        writer.adopt(copy, A, source, upto=1)
        code = broken_off(lambda copy=copy: writer.adopt(copy, A, source), at, kill=kill)  # type: ignore[misc]
        if code == ENDED:
            break
        assert code in ({-signal.SIGKILL} if kill else {FAILED, WENT_ON, UNSOUND})
        stopped += 1
        seen.add(standing(copy))

        assert writer.adopt(copy, A, source).number == 3

        writer.sweep(copy)
        assert standing(copy) == 3
        assert [fault for one in check.check_store(copy) for fault in one.faults] == []
        assert list(copy.stage.iterdir()) == []

    assert stopped > 20
    assert {1, 3} <= seen <= {1, 2, 3}


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "failed"])
def test_mending_stopped_at_any_call_is_carried_to_its_end_and_keeps_the_damage(
    tmp_path: Path, *, kill: bool
) -> None:
    page = "v1/content/1-1-001.jpg"
    source = factories.store(tmp_path / "source")
    growth(source, 2)
    stopped = 0
    for at in range(1, 400):
        copy = factories.store(tmp_path / str(at))
        writer.adopt(copy, A, source)
        damaged = copy.folder_of(A) / page
        damaged.chmod(0o600)
        damaged.write_bytes(b"damaged")
        code = broken_off(
            lambda copy=copy: writer.mend(copy.at(A), page, source.at(A)),  # type: ignore[misc]
            at,
            kill=kill,
        )
        if code == ENDED:
            break
        assert code in ({-signal.SIGKILL} if kill else {FAILED, WENT_ON, UNSOUND})
        stopped += 1
        held = [path.read_bytes() for path in copy.home.rglob("*") if path.is_file()]
        assert b"damaged" in held

        writer.mend(copy.at(A), page, source.at(A))

        assert [fault for one in check.check_store(copy) for fault in one.faults] == []
        aside = [path for path in (copy.stage / writer.ASIDE).rglob("*") if path.is_file()]
        assert b"damaged" in [path.read_bytes() for path in aside]

    assert stopped > 10


def test_a_writer_killed_at_any_moment_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    for turn in range(40):
        store = factories.store(tmp_path / str(turn))
        acknowledged, told = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(acknowledged)
                for _ in range(200):
                    there = store.at(A).exists()
                    made = factories.grown_by_one(store) if there else _first(store)
                    os.write(told, bytes([made.number & 0xFF]))
            finally:
                os._exit(BROKEN)
        os.close(told)
        last = b""
        for _ in range(1 + turn % 4):  # the kill falls anywhere in the version after these
            last = os.read(acknowledged, 1)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while more := os.read(acknowledged, 1):
            last = more
        os.close(acknowledged)

        found = writer.settle(store, A)

        assert found is not None
        assert (found.number - last[0]) % 256 in {0, 1}
        assert [fault for one in check.check_store(store) for fault in one.faults] == []


def _first(store: Store) -> Inventory:
    return factories.version(store, A, {"1-1-001.jpg": b"page 1"})
