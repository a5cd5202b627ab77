"""A medium that goes, cannot be read, or has names no program of ours gives."""

import errno
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import copies_factories as make
import desk_factories as desk
import pytest
from copies_factories import NOON

from lantai.dossiers.models import Dossier
from lantai.lib.ocfl.backend import Entry
from lantai.lib.ocfl.faults import Unreachable
from lantai.lib.ocfl.layout import Store
from lantai.lib.ocfl.local import Local
from lantai.preservation import examining, patrol, places
from lantai.preservation.models import Damage, Patrolled, Watched
from lantai.vault import packages

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(days=100)
BOTH = (Watched.STORE, Watched.COPY)


@pytest.fixture
def dossier(settings: Any, tmp_path: Path) -> Dossier:
    make.set_copy(settings, tmp_path / "copy")
    dossier = desk.dossier(office=desk.office(at=NOON), at=NOON)
    make.kept_and_copied(dossier)
    return dossier


@pytest.mark.parametrize("place", BOTH)
def test_a_medium_that_went_since_it_was_looked_at_is_not_judged_nor_begun_anew(
    dossier: Dossier, place: Watched
) -> None:
    root = places.store_at(place)
    assert root is not None
    root.home.rename(root.home.with_name("away"))

    with pytest.raises(Unreachable, match="介质是否已挂载"):
        make.visit(place, dossier, at=LATER)

    assert not root.home.exists()
    assert not Damage.objects.exists()
    assert Patrolled.objects.get(place=place).checks == 0


def test_a_medium_that_cannot_be_read_is_one_incident(dossier: Dossier, settings: Any) -> None:
    make.set_copy(settings, Path("/") / ("x" * 300))

    why = patrol.look_at_store(place=Watched.COPY, by="patrol", at=LATER)

    assert why.startswith("第二副本读不出来（")
    assert list(Damage.objects.values_list("place", "name", "code")) == [("copy", "", "silent")]


@pytest.mark.parametrize(
    "name",
    [b"\xff-no-text", b"/".join([b"long" * 40] * 3)],
    ids=["no text", "longer than a row has room for"],
)
def test_a_foreign_file_of_any_name_is_named_and_set_aside(dossier: Dossier, name: bytes) -> None:
    here = make.folder(Watched.STORE, dossier)
    foreign = Path(os.fsdecode(bytes(here) + b"/v1/content/" + name))
    make.write(foreign, b"foreign")

    visited = make.visit(Watched.STORE, dossier, at=LATER)

    assert not foreign.exists()
    (damage,) = Damage.objects.all()
    assert len(damage.path) <= 400
    assert damage.path.encode().startswith(b"v1/content/")
    assert damage.mended.source == ""
    assert [repair.finding.named for repair in visited.repaired] == [damage.path]


class Torn(Local):
    """A medium with a folder that cannot be listed."""

    def entries(self, folder: str) -> list[Entry]:
        if folder.endswith("/v1/content/images"):
            raise OSError(errno.EIO, "Input/output error", folder)
        return super().entries(folder)


def test_the_files_of_a_folder_that_cannot_be_read_are_missing(dossier: Dossier) -> None:
    whole = make.at(Watched.STORE, dossier)
    torn = Store(whole.store.home, Torn(whole.store.root)).at(packages.object_id(dossier.uid))
    kept = places.acknowledged(Watched.STORE, dossier.uid)

    found = examining.examine(torn, examining.prove(kept, [whole]), kept=kept).findings

    images = [path for path in make.files(Watched.STORE, dossier) if "/images/" in path]
    assert sorted((one.path, one.code) for one in found) == [(path, "E092") for path in images]
