"""The inbox after acceptance: what is kept word for word goes, and nothing else."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imaging_factories as factories
import pytest
from imaging_factories import NOON, Shop

from lantai.imaging import queries, services
from lantai.imaging.models import Batch, Scan
from lantai.ledger import queries as ledger
from lantai.lib.refusals import Conflict, NotFound
from lantai.ops import audit
from lantai.vault import files
from lantai.vault import queries as vault

pytestmark = pytest.mark.django_db
Committing = Callable[..., Any]


@pytest.fixture
def shop() -> Shop:
    return factories.shop()


@pytest.fixture
def folder(home: Path) -> Path:
    """A scanner's folder in our own inbox: two pages, and a file that is no page."""
    root = home / "inbox" / "一批"
    factories.dossier_folder(root / "陈大文", factories.entry("1", 1, 2))
    return root


@pytest.fixture
def batch(shop: Shop, folder: Path) -> Batch:
    taken, _ = factories.take_in(shop, folder)
    factories.count_all(shop, taken)
    factories.look_at_all(shop, taken)
    return taken


def accept(shop: Shop, batch: Batch) -> None:
    services.accept_batch(batch_uid=batch.uid, by=shop.inspector, at=NOON)


def clear(batch: Batch, commits: Committing) -> services.Cleared:
    with commits(execute=True):
        return services.clear_inbox(batch_uid=batch.uid, by="ops", at=NOON)


def paths(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_scans_of_an_accepted_batch_go_and_it_is_recorded(
    shop: Shop, batch: Batch, folder: Path, django_capture_on_commit_callbacks: Committing
) -> None:
    accept(shop, batch)
    before = paths(folder)

    done = clear(batch, django_capture_on_commit_callbacks)

    assert done == services.Cleared(len(before), ())
    assert len(before) == 3
    assert not folder.exists()
    entry = ledger.entries(action="imaging.inbox.cleared").get()
    assert (entry.actor, entry.facts) == ("ops", {"gone": 3, "stays": 0})
    for sha256 in Scan.objects.values_list("blob__sha256", flat=True):
        assert vault.read(sha256)
    assert audit.audit(at=NOON)["differences"] == []
    assert queries.accepted_in_inbox() == []


def test_what_is_not_kept_word_for_word_stays_and_is_named(
    shop: Shop,
    batch: Batch,
    folder: Path,
    tmp_path: Path,
    django_capture_on_commit_callbacks: Committing,
) -> None:
    accept(shop, batch)
    images = folder / "陈大文" / "原始图像数据"
    changed = images / "1-1-001.jpg"
    changed.write_bytes(changed.read_bytes() + b"later")
    (folder / "说明.txt").write_text("后来放入")
    secret = tmp_path / "elsewhere.jpg"
    secret.write_bytes((images / "1-1-002.jpg").read_bytes())
    (folder / "链接.jpg").symlink_to(secret)

    done = clear(batch, django_capture_on_commit_callbacks)

    assert done.gone == 2
    assert done.stays == ("说明.txt", "链接.jpg", "陈大文/原始图像数据/1-1-001.jpg")
    assert paths(folder) == sorted(done.stays)
    assert secret.exists()
    assert queries.accepted_in_inbox() == [batch]


def test_a_scan_whose_master_is_damaged_stays(
    shop: Shop,
    batch: Batch,
    folder: Path,
    home: Path,
    django_capture_on_commit_callbacks: Committing,
) -> None:
    accept(shop, batch)
    scan = Scan.objects.get(file_name="1-1-001.jpg")
    master = files.master_path(home, scan.blob.sha256)
    master.chmod(0o600)
    master.write_bytes(master.read_bytes()[:-1])

    done = clear(batch, django_capture_on_commit_callbacks)

    assert done.stays == ("陈大文/原始图像数据/1-1-001.jpg",)
    assert (folder / done.stays[0]).exists()


def test_a_file_that_changed_after_it_was_compared_stays(
    shop: Shop, batch: Batch, folder: Path, django_capture_on_commit_callbacks: Committing
) -> None:
    accept(shop, batch)
    path = folder / "陈大文" / "原始图像数据" / "1-1-001.jpg"
    with django_capture_on_commit_callbacks(execute=False) as going:
        services.clear_inbox(batch_uid=batch.uid, by="ops", at=NOON)
    os.utime(path, ns=(0, 0))

    for remove in going:
        remove()

    assert paths(folder) == ["陈大文/原始图像数据/1-1-001.jpg"]


def test_nothing_goes_before_acceptance_or_from_elsewhere(
    shop: Shop, batch: Batch, folder: Path, tmp_path: Path
) -> None:
    root = tmp_path / "别处"
    factories.dossier_folder(root / "李四", factories.entry("1", 1, 1), name="李四")
    other, _ = factories.take_in(shop, root)

    with pytest.raises(Conflict) as early:
        services.clear_inbox(batch_uid=batch.uid, by="ops", at=NOON)
    with pytest.raises(Conflict) as elsewhere:
        services.clear_inbox(batch_uid=other.uid, by="ops", at=NOON)
    with pytest.raises(NotFound):
        services.clear_inbox(batch_uid="0" * 16, by="ops", at=NOON)

    assert early.value.reasons == ("批次还没有验收，扫描文件夹须留到验收之后",)
    assert elsewhere.value.reasons[1] == "扫描文件夹不在本系统的收件目录中，请由其保管人处理"
    assert len(paths(folder)) == 3
    assert len(paths(root)) == 2
    assert not ledger.entries(action="imaging.inbox.cleared").exists()
