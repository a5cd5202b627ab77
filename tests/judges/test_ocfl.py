"""Packages before ocfl-py: every object at every version, and what was harmed is refused."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import desk_factories as desk
import ocfl_factories as factories
import pytest
from judges import panel

from lantai.lib.ocfl import check, disk
from lantai.lib.ocfl.layout import Store
from lantai.preservation import services
from lantai.vault import packages

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
A = "urn:test:a"


def accepted(store: Store) -> set[tuple[bool, int]]:
    """What each judge says, and of how many objects."""
    question = {"ask": "ocfl", "root": str(store.root)}
    answers = [judge.ask([question])[0] for judge in panel.here("ocfl")]
    return {(answer["accepted"], answer["objects"]) for answer in answers}


def said(*, valid: bool, objects: int) -> set[tuple[bool, int]]:
    return {(valid, objects) for _ in panel.here("ocfl")}


def test_an_object_is_accepted_after_each_of_its_versions(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    factories.grown(store, versions=1)
    for _ in range(11):
        assert accepted(store) == said(valid=True, objects=1)
        factories.grown_by_one(store)

    assert accepted(store) == said(valid=True, objects=1)


def test_versions_that_drop_move_and_double_files_are_accepted(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    first = factories.version(store, A, {"a": b"one", "deep/b": b"two", "页": b"one"})
    factories.version(store, A, {"deep/c": b"two", "d": b""}, carry={"moved": first.state["a"]})
    factories.version(store, A, {})

    assert accepted(store) == said(valid=True, objects=1)


def test_a_store_of_a_thousand_objects_is_accepted_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "force_all", lambda folder: None)  # of no matter to a reader
    store = factories.store(tmp_path)
    for number in range(1000):
        factories.grown(store, f"urn:test:{number}", versions=1 + number % 3)

    assert accepted(store) == said(valid=True, objects=1000)


@pytest.mark.django_db
def test_a_dossier_kept_twice_is_accepted(home: Path) -> None:
    dossier = desk.dossier(office=desk.office(at=NOON), at=NOON)
    services.preserve(dossier_uid=dossier.uid, by="archivist", at=NOON)
    dossier.materials.update(remark="更正")
    kept = services.preserve(dossier_uid=dossier.uid, by="archivist", at=NOON)

    assert kept
    assert kept.version == 2
    assert accepted(packages.store_in(home)) == said(valid=True, objects=1)


HARMS: dict[str, Callable[[Path], object]] = {
    "page": lambda folder: _write(folder / "v1/content/1-1-001.jpg", b"page 9"),
    "page-missing": lambda folder: (folder / "v1/content/1-1-001.jpg").unlink(),
    "page-foreign": lambda folder: _write(folder / "v2/content/x", b"x"),
    "sidecar": lambda folder: _write(folder / "inventory.json.sha256", b"0" * 128),
    "inventory": lambda folder: _write(folder / "inventory.json", b"{}"),
    "version-foreign": lambda folder: (folder / "v3").mkdir(),
    "declaration": lambda folder: (folder / "0=ocfl_object_1.1").unlink(),
    "foreign": lambda folder: _write(folder / "x", b"x"),
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_what_was_harmed_is_refused_by_the_judge_and_by_us(
    tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    store = factories.store(tmp_path)
    factories.grown(store, versions=2)

    harm(store.folder_of(A))

    assert any(one.faults for one in check.check_store(store))
    assert not any(valid for valid, _ in accepted(store))


def _write(path: Path, held: bytes) -> None:
    if path.exists():
        path.chmod(0o600)
    path.write_bytes(held)
