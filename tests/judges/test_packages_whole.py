"""Packages before ocfl-py after all that happens to them: copied, put right, settled, cut off."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import copies_factories as make
import crashing
import desk_factories as desk
import ocfl_factories as factories
import pytest
import seaweed
from copies_factories import NOON
from crashing import Recorder
from judges import panel

from lantai.dossiers import services as records
from lantai.dossiers.models import Dossier, Material
from lantai.identity.models import User
from lantai.lib.ocfl import disk, writer
from lantai.lib.ocfl.layout import Store
from lantai.ops import fsck
from lantai.preservation import copies, places, services
from lantai.preservation.models import Watched

A = "urn:test:a"
BOTH = (Watched.STORE, Watched.COPY)
ALL = (*BOTH, Watched.SECRET, Watched.SECRET_COPY)


def verdicts(roots: Sequence[Path]) -> list[set[tuple[bool, int]]]:
    """What every judge says of each root, and of how many objects."""
    asked = [{"ask": "ocfl", "root": str(root)} for root in roots]
    found: list[set[tuple[bool, int]]] = [set() for _ in roots]
    for judge in panel.here("ocfl"):
        for said, answer in zip(found, judge.ask(asked), strict=True):
            said.add((answer["accepted"], answer["objects"]))
    return found


def good(objects: int) -> set[tuple[bool, int]]:
    return {(True, objects) for _ in panel.here("ocfl")}


def test_a_copy_is_accepted_after_every_version_it_takes_over(tmp_path: Path) -> None:
    first = factories.store(tmp_path / "first")
    roots = []
    factories.grown(first, versions=1)
    for number in range(1, 8):
        second = Store(tmp_path / "second")
        writer.adopt(second, A, first)
        kept = tmp_path / "kept" / str(number)
        shutil.copytree(second.root, kept)
        roots.append(kept)
        if number % 3 == 0:
            factories.grown_by_one(first)  # the copy then takes two at once
        factories.grown_by_one(first)

    assert verdicts(roots) == [good(1)] * len(roots)


def test_what_was_put_right_file_by_file_is_accepted(tmp_path: Path) -> None:
    first, second = factories.store(tmp_path / "first"), Store(tmp_path / "second")
    factories.grown(first, versions=3)
    writer.adopt(second, A, first)
    roots = []
    folder = first.folder_of(A)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        path.chmod(0o600)
        path.write_bytes(b"rot")
        writer.mend(first.at(A), str(path.relative_to(folder)), second.at(A))
        kept = tmp_path / "kept" / str(len(roots))
        shutil.copytree(first.root, kept)
        roots.append(kept)

    assert len(roots) > 10
    assert verdicts(roots) == [good(1)] * len(roots)


def test_what_a_power_cut_left_is_accepted_once_it_is_settled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(tmp_path / "recorded")
    (tmp_path / "recorded").mkdir()
    with monkeypatch.context() as patch:
        recorder.watch(patch)
        factories.grown(factories.store(tmp_path / "recorded"), versions=3)
    monkeypatch.setattr(disk, "force_all", lambda folder: None)

    roots, seen = [], set()
    for moment in recorder.moments:
        tree = crashing.applied(moment.certain, moment.pending)
        shown = frozenset(item for item in tree.items() if item[0].startswith("preserved/root"))
        if shown in seen or not shown:
            continue
        seen.add(shown)
        home = tmp_path / "cut" / str(len(seen))
        home.parent.mkdir(exist_ok=True)
        crashing.make(tree, home)
        store = Store(home / "preserved")
        if writer.settle(store, A):
            roots.append(store.root)

    assert len(roots) >= 7
    assert verdicts(roots) == [good(1)] * len(roots)


def test_a_bucket_copied_down_is_accepted_after_each_version(tmp_path: Path) -> None:
    server = seaweed.server()
    bucket = server.bucket()
    store = server.store(tmp_path / "stage", bucket, "office/store")
    roots = []
    factories.grown(store, versions=1)
    for number in range(1, 4):
        roots.append(
            seaweed.copied_down(server, bucket, tmp_path / "down" / str(number), "office/store")
        )
        factories.grown_by_one(store)

    assert verdicts(roots) == [good(1)] * len(roots)


@pytest.mark.django_db
def test_dossiers_are_accepted_in_both_copies_after_damage_repair_and_a_change_of_key(
    tmp_path: Path, settings: Any
) -> None:
    make.set_copy(settings, tmp_path / "copy")
    settings.LANTAI_SECRET_COPY = str(tmp_path / "secret-copy")
    office = desk.office(at=NOON)
    dossiers = [make.small_dossier(office, order=order) for order in range(3)]
    for dossier in dossiers:
        make.kept_and_copied(dossier)
    services.change_key(by="ops", at=NOON)
    make.amend(dossiers[0], "履历表（更正）")
    make.kept_and_copied(dossiers[0])
    mark_secret(dossiers[2])
    make.kept_and_copied(dossiers[2])
    copies.replicate(dossier_uid=dossiers[2].uid, by="ops", at=NOON, store=Watched.SECRET)
    for place, dossier in zip(BOTH, dossiers, strict=False):
        page = next(make.folder(place, dossier).rglob("*.jpg"))
        page.chmod(0o600)
        page.write_bytes(b"rot")

    row = fsck.fsck(where=ALL, repair=True)

    assert (len(row["mended"]), row["faults"]) == (2, [])
    stores = [places.store_at(place) for place in ALL]
    assert verdicts([store.root for store in stores if store]) == [*[good(3)] * 2, *[good(1)] * 2]


def mark_secret(dossier: Dossier) -> None:
    material = Material.objects.filter(dossier=dossier).order_by("pk").first()
    archivist = User.objects.get(username="archivist")
    assert material is not None
    records.mark_secret(material_uid=material.uid, reason="涉密", by=archivist, at=NOON)
