"""The vault's own files are read again, and put right from a package that has them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import copies_factories as make
import desk_factories as desk
import pytest
from copies_factories import NOON

from lantai.dossiers.models import Dossier
from lantai.ledger import queries as ledger
from lantai.preservation import masters, patrol
from lantai.preservation.models import Damage, Patrolled, Watched
from lantai.vault import files
from lantai.vault import queries as vault
from lantai.vault import services as storing
from lantai.vault.models import Blob

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(days=100)


@pytest.fixture
def dossier(settings: Any, tmp_path: Path) -> Dossier:
    make.set_copy(settings, tmp_path / "copy")
    return make.small_dossier(desk.office(at=NOON), order=1)


@pytest.fixture
def sha256(dossier: Dossier) -> str:
    return Blob.objects.get().sha256


def visit(sha256: str) -> patrol.Visited:
    return masters.visit(name=sha256, by="patrol", at=LATER)


def hurt(home: Path, sha256: str) -> bytes:
    path = files.master_path(home, sha256)
    held = path.read_bytes()
    make.write(path, held[:-1] + bytes([held[-1] ^ 1]))
    return path.read_bytes()


def test_the_patrol_learns_of_every_master_and_reads_it(home: Path, sha256: str) -> None:
    rows, last = masters.unpatrolled(after=0, limit=10)
    patrol.enrol(rows=rows)

    visited = visit(sha256)

    blob = Blob.objects.get()
    assert (last, masters.unpatrolled(after=last, limit=10)) == (blob.pk, ([], blob.pk))
    assert masters.unknown_to_the_patrol(limit=10) == []
    assert visited == patrol.Visited(Watched.VAULT, sha256, blob.size)
    assert Patrolled.objects.get().checks == 1


def test_a_damaged_master_without_a_package_is_named_and_not_touched(
    home: Path, sha256: str
) -> None:
    damaged = hurt(home, sha256)

    visited = visit(sha256)

    assert [one.path for one in visited.found] == [
        str(files.master_path(home, sha256).relative_to(home))
    ]
    assert "请从备份中恢复这一文件" in visited.why
    assert files.master_path(home, sha256).read_bytes() == damaged
    assert ledger.entries(action=patrol.UNREPAIRABLE).get().subject == f"blob:{sha256}"
    assert Damage.objects.filter(mended=None).count() == 1


@pytest.mark.parametrize("harm", ["damaged", "missing"])
def test_a_damaged_or_missing_master_comes_back_from_its_package(
    home: Path, dossier: Dossier, sha256: str, harm: str
) -> None:
    make.kept_and_copied(dossier)
    content = vault.read(sha256)
    if harm == "missing":
        files.master_path(home, sha256).unlink()
    else:
        hurt(home, sha256)

    visited = visit(sha256)

    assert len(visited.found) == len(visited.repaired) == 1
    assert visited.left == ()
    assert vault.read(sha256) == content
    assert files.digest_of(home, sha256) == sha256
    assert Damage.objects.get().mended.source == Watched.STORE


def test_a_master_that_has_left_the_vault_is_no_longer_visited(
    dossier: Dossier, sha256: str
) -> None:
    make.kept_and_copied(dossier)
    patrol.enrol(rows=masters.unpatrolled(after=0, limit=10)[0])
    storing.release(sha256s=[sha256], by="ops", at=NOON)

    visited = visit(sha256)

    assert visited == patrol.Visited(Watched.VAULT, sha256)
    assert not Patrolled.objects.filter(place=Watched.VAULT).exists()
    assert masters.unpatrolled(after=0, limit=10)[0] == []
    assert not Damage.objects.exists()
