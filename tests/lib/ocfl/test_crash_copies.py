"""After a power cut while versions are brought over, or a file is mended from a copy."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import crashing
import ocfl_factories as factories
import pytest
from crashing import Recorder, Tree

from lantai.lib.ocfl import check, disk, inventory, layout, reader, writer
from lantai.lib.ocfl.faults import Unsound
from lantai.lib.ocfl.layout import Store

A, B = "urn:test:a", "urn:test:b"
ON_THE_WAY = {"E046", "E060"}  # as for a writer: see test_crash
# What is brought over, in order: an object up to a version, and where it may stand meanwhile.
ACTS = ((A, 1, {0, 1}), (A, 3, {1, 2, 3}), (B, 2, {0, 2}))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is prepared and replayed need not be forced; the recorder counts what is."""
    for call in ("force_all", "force_folder"):
        monkeypatch.setattr(disk, call, lambda folder: None)


@pytest.fixture
def source(tmp_path: Path) -> Store:
    store = factories.store(tmp_path / "source")
    factories.grown(store, A, versions=3)
    factories.grown(store, B, versions=2)
    return store


def states(recorder: Recorder) -> Iterator[tuple[int, Tree]]:
    chance = random.Random(20261125)
    seen = set()
    for moment in recorder.moments:
        for tree in moment.states(chance):
            key = (moment.acknowledged, frozenset(tree.items()))
            if key not in seen:
                seen.add(key)
                yield moment.acknowledged, tree


def recorded(home: Path, patch: pytest.MonkeyPatch, source: Store, *, forgets: str) -> Recorder:
    recorder = Recorder(home, forgets=frozenset({forgets}))
    home.mkdir()
    with patch.context() as watched:
        recorder.watch(watched)
        for object_id, upto, _ in ACTS:
            writer.adopt(Store(home / "copy"), object_id, source, upto=upto)
            recorder.acknowledge()
    return recorder


def broken(store: Store, source: Store, acts: int) -> str | None:
    """The first broken promise after so many acknowledged acts, if any."""
    for object_id in (A, B):
        done = max((upto for held, upto, _ in ACTS[:acts] if held == object_id), default=0)
        going_on = acts < len(ACTS) and ACTS[acts][0] == object_id
        allowed = ACTS[acts][2] if going_on else {done}
        at = store.at(object_id)
        try:
            number = reader.standing(at).inventory.number if at.exists() else 0
            if number not in allowed:
                return f"{object_id} stands at {number}, not in {allowed}"
            for version in range(1, number + 1):
                for path in (f"1-1-{version:03d}.jpg", "catalogue.xml"):
                    was = reader.read(source.at(object_id), path, version=f"v{version}")
                    if reader.read(at, path, version=f"v{version}") != was:
                        return f"{object_id} v{version}/{path} reads otherwise"
        except (Unsound, KeyError) as wrong:
            return f"{object_id}: {wrong!r}"
    if store.root.exists() and (more := codes(store) - ON_THE_WAY):
        return f"faults {sorted(more)}"
    return None


def codes(store: Store) -> set[str]:
    return {fault.code for one in check.check_store(store) for fault in one.faults}


def test_no_power_cut_while_versions_are_brought_over_breaks_a_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: Store
) -> None:
    recorder = recorded(tmp_path / "recorded", monkeypatch, source, forgets="")

    examined, roots = 0, set()
    for number, (acts, tree) in enumerate(states(recorder)):
        root = root_of(tree)
        if (acts, root) in roots and number % 50:
            continue  # only the stage differs, which is looked at in every fiftieth state
        roots.add((acts, root))
        examined += 1
        home = tmp_path / str(number)
        crashing.make(tree, home)
        store = Store(home / "copy")
        assert broken(store, source, acts) is None

        for object_id in (A, B):
            writer.adopt(store, object_id, source)
        writer.sweep(store)

        assert codes(store) == set()
        assert (number_of(store, A), number_of(store, B)) == (3, 2)
        assert list(store.stage.iterdir()) == []
        disk.remove(home)

    assert recorder.acknowledged == len(ACTS)
    assert len(roots) >= 12
    assert examined >= len(roots)


def root_of(tree: Tree) -> frozenset[tuple[str, bytes | None]]:
    return frozenset(item for item in tree.items() if item[0].startswith("copy/root"))


def number_of(store: Store, object_id: str) -> int:
    return reader.standing(store.at(object_id)).inventory.number


@pytest.mark.parametrize("forgotten", ["force_all", "force_folder"])
def test_bringing_over_without_forcing_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: Store, forgotten: str
) -> None:
    recorder = recorded(tmp_path / "recorded", monkeypatch, source, forgets=forgotten)

    found, roots = None, set()
    for number, (acts, tree) in enumerate(states(recorder)):
        if (acts, root_of(tree)) in roots:
            continue
        roots.add((acts, root_of(tree)))
        home = tmp_path / str(number)
        crashing.make(tree, home)
        found = broken(Store(home / "copy"), source, acts)
        disk.remove(home)
        if found:
            break

    assert found is not None


def _damage(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(b"damaged")


HARMED = {
    "content": "v1/content/1-1-001.jpg",
    "root-inventory": inventory.FILE,
    "root-sidecar": inventory.sidecar_name(inventory.ALGORITHM),
    "newest-inventory": f"v3/{inventory.FILE}",
    "older-inventory": f"v1/{inventory.FILE}",
    "older-sidecar": f"v2/{inventory.sidecar_name(inventory.ALGORITHM)}",
    "declaration": layout.OBJECT_DECLARATION,
}


@pytest.mark.parametrize("harm", [_damage, Path.unlink], ids=["damaged", "missing"])
@pytest.mark.parametrize("path", HARMED.values(), ids=HARMED)
def test_no_power_cut_while_a_file_is_mended_loses_anything(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: Store,
    harm: Callable[[Path], None],
    path: str,
) -> None:
    home = tmp_path / "recorded"
    writer.adopt(Store(home / "copy"), A, source)
    named = f"copy/root/{source.at(A).place}/{path}"
    good = crashing.tree_of(home)
    harm(home / named)
    before = crashing.tree_of(home)
    assert codes(Store(home / "copy"))
    recorder = Recorder(home, certain=before)
    with monkeypatch.context() as watched:
        recorder.watch(watched)
        writer.mend(Store(home / "copy").at(A), path, source.at(A))
        recorder.acknowledge()

    seen = set()
    for number, (acknowledged, tree) in enumerate(states(recorder)):
        others = {name: held for name, held in tree.items() if name.startswith("copy/root")}
        held = others.pop(named, None)
        wanted = [before.get(named), good[named], None]
        assert held in ([good[named]] if acknowledged else wanted)
        assert others == {key: good[key] for key in others}
        assert {key for key in good if key.startswith("copy/root")} - {named} == set(others)
        if damaged := before.get(named):
            assert damaged in tree.values()
        if held in seen and number % 20:
            continue  # only the stage differs
        seen.add(held)
        replay = tmp_path / str(number)
        crashing.make(tree, replay)
        store = Store(replay / "copy")

        writer.mend(store.at(A), path, source.at(A))
        writer.sweep(store)

        assert codes(store) == set()
        kept = {name: held for name, held in crashing.tree_of(replay).items() if "/root" in name}
        assert kept == {name: held for name, held in good.items() if "/root" in name}
        disk.remove(replay)

    assert good[named] in seen
    assert before.get(named) in seen
