"""After a power cut at any moment: what was acknowledged is whole, and an object is old or new."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import crashing
import ocfl_factories as factories
import pytest
from crashing import Recorder, Tree

from lantai.lib.ocfl import check, disk, reader, writer
from lantai.lib.ocfl.faults import Unsound
from lantai.lib.ocfl.layout import Store

A, B = "urn:test:a", "urn:test:b"
# What a stopped writer may leave of an object until the next writer or reader comes by: a version
# folder the inventory does not know yet, or an inventory and a sidecar of two versions.
ON_THE_WAY = {"E046", "E060"}

# The acts of the run, in order: which object has which version after each.
ACTS = ((A, 1), (A, 2), (B, 1), (A, 3))


def recorded(home: Path, patch: pytest.MonkeyPatch, forgets: frozenset[str]) -> Recorder:
    """Run the writer over all acts and return what was seen."""
    store = Store(home / "preserved")
    recorder = Recorder(home, forgets=forgets)
    home.mkdir()
    recorder.watch(patch)
    for object_id, number in ACTS:
        with writer.writing(store, object_id) as draft:
            for path in draft.before.state if draft.before else ():
                if path != "catalogue.xml":
                    draft.carry(path, draft.before.state[path])
            for path, held in files_of(object_id, number).items():
                with draft.file(path) as stream:
                    stream.write(held)
            draft.commit(at=factories.NOON, message="", user="tester", address="urn:x:y")
            recorder.acknowledge()
    return recorder


def files_of(object_id: str, number: int) -> dict[str, bytes]:
    return {
        f"1-1-{number:03d}.jpg": f"page {number} of {object_id}".encode(),
        "catalogue.xml": f"<v{number} of='{object_id}'/>".encode(),
    }


def version_after(acts: int, object_id: str) -> int:
    return max((number for held, number in ACTS[:acts] if held == object_id), default=0)


def broken(store: Store, acts: int) -> str | None:
    """The first broken promise in a store after so many acknowledged acts, if any."""
    going_on = ACTS[acts] if acts < len(ACTS) else None
    for object_id in (A, B):
        old = version_after(acts, object_id)
        new = old + 1 if going_on and going_on[0] == object_id else old
        at = store.at(object_id)
        try:
            number = reader.standing(at).inventory.number if at.exists() else 0
            if number not in {old, new}:
                return f"{object_id} stands at {number}, not at {old} or {new}"
            for version in range(1, number + 1):
                for path, held in files_of(object_id, version).items():
                    if reader.read(at, path, version=f"v{version}") != held:
                        return f"{object_id} v{version}/{path} reads otherwise"
        except (Unsound, KeyError) as wrong:
            return f"{object_id}: {wrong!r}"
    if store.root.exists():
        codes = {fault.code for one in check.check_store(store) for fault in one.faults}
        if codes - ON_THE_WAY:
            return f"faults {sorted(codes)}"
    return None


def broken_after_settling(store: Store, acts: int) -> str | None:
    """As ``broken``, when the next writer has come by: then there is no fault at all."""
    for object_id in (A, B):
        writer.settle(store, object_id)
    writer.sweep(store)
    if faults := [fault for one in check.check_store(store) for fault in one.faults]:
        return f"not settled: {faults}"
    if list(store.stage.iterdir()):
        return "leftovers in the stage"
    return broken(store, acts)


def distinct_states(recorder: Recorder) -> Iterator[tuple[int, Tree]]:
    """Every state once for each number of acknowledged acts."""
    chance = random.Random(20261125)
    seen = set()
    for moment in recorder.moments:
        for tree in moment.states(chance):
            key = (moment.acknowledged, frozenset(tree.items()))
            if key not in seen:
                seen.add(key)
                yield moment.acknowledged, tree


def test_no_power_cut_breaks_a_promise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = recorded(tmp_path / "recorded", monkeypatch, frozenset())
    monkeypatch.undo()
    monkeypatch.setattr(disk, "force_all", lambda folder: None)  # a replay need not be forced

    roots = set()
    examined = 0
    for number, (acts, tree) in enumerate(distinct_states(recorder)):
        examined += 1
        kept = root_of(tree)
        if (acts, kept) in roots and number % 10:
            continue  # only the stage differs, which is looked at in every tenth state
        roots.add((acts, kept))
        home = tmp_path / str(number)
        crashing.make(tree, home)
        store = Store(home / "preserved")
        assert broken(store, acts) is None
        assert broken_after_settling(store, acts) is None
        disk.remove(home)

    assert recorder.acknowledged == len(ACTS)
    assert examined > 1000
    assert len(roots) >= 14  # each act changes what stands in the root in several steps


def test_no_power_cut_while_settling_breaks_a_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        recorder = recorded(tmp_path / "recorded", patch, frozenset())
    on_the_way = {
        (acts, root_of(tree)): tree for acts, tree in distinct_states(recorder) if unsettled(tree)
    }

    examined = 0
    for number, ((acts, _), tree) in enumerate(on_the_way.items()):
        home = tmp_path / str(number)
        crashing.make(tree, home)
        settling = Recorder(home, certain=crashing.tree_of(home))
        with monkeypatch.context() as patch:
            settling.watch(patch)
            writer.settle(Store(home / "preserved"), A)
        disk.remove(home)
        for state in {root_of(state): state for _, state in distinct_states(settling)}.values():
            crashing.make(state, home)
            store = Store(home / "preserved")
            assert broken(store, acts) is None
            assert broken_after_settling(store, acts) is None
            disk.remove(home)
            examined += 1

    assert len(on_the_way) >= 4
    assert examined > 2 * len(on_the_way)


def root_of(tree: Tree) -> frozenset[tuple[str, bytes | None]]:
    return frozenset(item for item in tree.items() if item[0].startswith("preserved/root"))


def unsettled(tree: Tree) -> bool:
    """Whether an object's inventory is not that of its newest version folder."""
    kept = [path for path in tree if path.startswith("preserved/root")]
    for declared in [path for path in kept if path.endswith("/0=ocfl_object_1.1")]:
        folder = declared.rpartition("/")[0]
        newest = max(path for path in kept if re.fullmatch(rf"{re.escape(folder)}/v\d+", path))
        for name in ("inventory.json", "inventory.json.sha256"):
            if tree[f"{folder}/{name}"] != tree[f"{newest}/{name}"]:
                return True
    return False


@pytest.mark.parametrize("forgotten", ["force_all", "force_folder"])
def test_a_writer_that_forgets_to_force_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forgotten: str
) -> None:
    recorder = recorded(tmp_path / "recorded", monkeypatch, frozenset({forgotten}))
    monkeypatch.undo()

    found = None
    for number, (acts, tree) in enumerate(distinct_states(recorder)):
        home = tmp_path / str(number)
        crashing.make(tree, home)
        found = broken(Store(home / "preserved"), acts)
        disk.remove(home)
        if found:
            break

    assert found is not None
