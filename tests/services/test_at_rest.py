"""Nothing of an image stands in plain text below the data directory."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import imaging_factories as factories
import pytest
from imaging_factories import NOON, Shop

from lantai.access import services as access
from lantai.dossiers.models import Dossier
from lantai.imaging import services as imaging
from lantai.imaging.models import Batch, Quarantined, Scan
from lantai.preservation import services as preservation
from lantai.vault import files, services
from lantai.vault import queries as vault
from lantai.vault.models import Blob, Placement

pytestmark = pytest.mark.django_db
WINDOW = 48  # bytes in a row: more than chance ever makes alike


@pytest.fixture
def shop() -> Shop:
    return factories.shop()


@pytest.fixture
def dossiers(shop: Shop, tmp_path: Path) -> list[Dossier]:
    """What a whole batch became, from the scanner's folder to the packages."""
    root = tmp_path / "批次"
    factories.dossier_folder(
        root / "陈大文", factories.entry("1", 1, 2), factories.entry("9-2", 1, 1)
    )
    (root / "陈大文" / "原始图像数据" / "坏.jpg").write_bytes(b"\xff\xd8\xff no image at all" * 9)
    batch, _ = factories.take_in(shop, root)
    _look_and_accept(shop, batch)
    found = list(Dossier.objects.order_by("pk"))
    for dossier in found:
        preservation.preserve(dossier_uid=dossier.uid, by="ops", at=NOON)
    return found


def _look_and_accept(shop: Shop, batch: Batch) -> None:
    factories.count_all(shop, batch)
    for item in batch.items.order_by("pk"):
        imaging.look_at_item(item_uid=item.uid, by=shop.inspector, at=NOON)
    factories.look_at_all(shop, batch)
    imaging.accept_batch(batch_uid=batch.uid, by=shop.inspector, at=NOON)


def plain_in(home: Path, contents: list[bytes]) -> list[str]:
    """The files below a home in which a piece of these bytes stands, or that begin as an image."""
    pieces = [piece for content in contents for piece in windows(content)]
    return [
        str(path.relative_to(home))
        for path in sorted(home.rglob("*"))
        if path.is_file() and _shows(path.read_bytes(), pieces)
    ]


def _shows(held: bytes, pieces: list[bytes]) -> bool:
    begins = held.startswith((b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"MM\0*", b"LANTAIT1"))
    return begins or any(piece in held for piece in pieces)


def windows(content: bytes) -> Iterator[bytes]:
    """Pieces from the beginning, the middle and the end of some bytes."""
    for start in (0, len(content) // 3, len(content) // 2, len(content) - WINDOW):
        yield content[start : start + WINDOW]


def shown() -> list[bytes]:
    """All that may be seen: the masters and what was made from them."""
    masters = [vault.read(sha256) for sha256 in Blob.objects.values_list("sha256", flat=True)]
    scans = Scan.objects.values_list("blob__sha256", flat=True)
    small = [access.thumbnail_of(sha256=sha256) for sha256 in scans]
    packs = [access.tile_pack(sha256=sha256) for sha256 in scans]
    return [*masters, *small, *(pack.tile(0, 0, 0) for pack in packs)]


def test_no_file_below_the_home_shows_anything_of_a_page(
    home: Path, dossiers: list[Dossier]
) -> None:
    seen = shown()

    assert len(dossiers) == 1
    assert Scan.objects.count() == 3
    assert Quarantined.objects.count() == 1
    assert len(seen) >= 10
    assert plain_in(home, seen) == []
    assert sum(path.is_file() for path in (home / "vault").rglob("*")) >= 4
    assert sum(path.is_file() for path in (home / "derived").rglob("*")) >= 6
    assert sum(path.is_file() for path in (home / "preserved").rglob("*.jpg")) >= 3


def test_the_search_finds_what_is_not_sealed(home: Path, dossiers: list[Dossier]) -> None:
    seen = shown()
    (home / "derived" / "leaked").write_bytes(b"before it " + seen[0])

    assert plain_in(home, seen) == ["derived/leaked"]


def test_a_master_that_left_for_its_package_stands_in_one_place(
    home: Path, dossiers: list[Dossier], django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    going = list(vault.releasable())
    before = {sha256: vault.read(sha256) for sha256 in going}

    with django_capture_on_commit_callbacks(execute=True):
        done = services.release(sha256s=going, by="worker", at=NOON, single_copy=True)

    pages = set(Scan.objects.values_list("blob__sha256", flat=True))
    assert set(done.released) == set(going) == pages
    assert Placement.objects.count() >= len(pages)
    assert not any(files.stands(home, sha256) for sha256 in pages)
    assert {sha256: vault.read(sha256) for sha256 in going} == before
    assert list(vault.store_faults()) == []
    assert list(vault.check_rows()) == []
    assert plain_in(home, shown()) == []
