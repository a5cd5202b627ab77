"""A scanner folder becomes a batch: what arrives whole, what arrives wrong, what is resumed."""

import hashlib
import os
from pathlib import Path

import imaging_factories as factories
import pytest
from imaging_factories import NOON, Shop

from lantai.identity.rules import Role
from lantai.imaging import queries, services
from lantai.imaging.models import Batch, Finding, Item, Scan
from lantai.imaging.rules import CLAIM_LASTS, BatchState
from lantai.imaging.services import ClaimLost
from lantai.ledger import queries as ledger
from lantai.lib.refusals import Conflict, NotPermitted, Unacceptable
from lantai.vault import queries as vault

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return factories.shop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A batch of one dossier with two materials of three pages."""
    root = tmp_path / "批次一"
    factories.dossier_folder(
        root / "001陈大文", factories.entry("1", 1, 2), factories.entry("9-2", 1, 1)
    )
    return root


def images_of(root: Path) -> Path:
    return root / "001陈大文" / "原始图像数据"


def codes(batch: Batch) -> list[tuple[str, str]]:
    """What stands against a batch: code and place of every open finding."""
    found = Finding.objects.filter(item__batch=batch, verdict=Finding.Verdict.OPEN)
    return sorted(found.values_list("code", "path"))


def test_a_good_folder_becomes_scans_in_their_places_and_goes_to_inspection(
    shop: Shop, folder: Path
) -> None:
    batch, outcomes = factories.take_in(shop, folder)

    assert [outcome.status for outcome in outcomes] == ["accepted"] * 4
    assert batch.state == BatchState.INSPECTION
    assert (batch.files_done, batch.files_total, batch.claim) == (4, 4, "")
    item = batch.items.get()
    assert (item.name, item.sex, item.employer) == ("陈大文", "男", "云台机械厂")
    assert item.id_number == factories.id_number(1)
    assert [(str(scan.line), scan.number) for scan in queries.scans_of(item=item)] == [
        ("1-1", 1),
        ("1-1", 2),
        ("9-2-1", 1),
    ]
    assert codes(batch) == []
    assert batch.norm == "gbt33870-2017/1"


def test_the_master_is_kept_byte_for_byte_with_its_thumbnail_and_tiles(
    shop: Shop, folder: Path
) -> None:
    batch, _ = factories.take_in(shop, folder)

    scan = Scan.objects.get(item__batch=batch, file_name="1-1-002.jpg")
    content = (images_of(folder) / "1-1-002.jpg").read_bytes()
    assert scan.blob.sha256 == hashlib.sha256(content).hexdigest()
    assert vault.read(scan.blob.sha256) == content
    assert (scan.width, scan.height, scan.dpi, scan.colour) == (2480, 3508, 300, "colour")
    assert vault.derivative(scan.blob.sha256, "thumbnail.jpg") is not None
    assert vault.derivative(scan.blob.sha256, "tiles.pack") is not None


def test_each_file_is_one_entry_of_the_log_that_names_no_person(shop: Shop, folder: Path) -> None:
    batch, _ = factories.take_in(shop, folder)

    entries = list(ledger.entries(subject=f"batch:{batch.uid}").order_by("index"))
    assert [entry.action for entry in entries] == [
        "imaging.batch.received",
        "imaging.catalogue.kept",
        "imaging.scan.entered",
        "imaging.scan.entered",
        "imaging.scan.entered",
        "imaging.item.compared",
        "imaging.batch.processed",
    ]
    assert {entry.actor for entry in entries} == {"pc-scanner"}
    said = str([entry.facts for entry in entries])
    assert factories.id_number(1) not in said


def test_processing_again_does_nothing(shop: Shop, folder: Path) -> None:
    batch, _ = factories.take_in(shop, folder)
    entries = ledger.entries().count()

    again = list(services.process(batch=batch, at=NOON))

    assert again == []
    assert Scan.objects.count() == 3
    assert ledger.entries().count() == entries


def test_stopping_half_way_and_beginning_again_brings_every_page_once(
    shop: Shop, folder: Path
) -> None:
    batch = factories.receive(shop, folder)
    work = services.process(batch=batch, at=NOON)
    next(work)
    next(work)
    work.close()
    assert Batch.objects.get().files_done == 2

    outcomes = list(services.process(batch=batch, at=NOON))

    assert len(outcomes) == 2
    assert Scan.objects.count() == 3
    assert Batch.objects.get().state == BatchState.INSPECTION


def test_who_lost_the_claim_stops_at_the_next_file_and_doubles_nothing(
    shop: Shop, folder: Path
) -> None:
    batch = factories.receive(shop, folder)
    slow = services.process(batch=batch, at=NOON)
    next(slow)

    quick = list(services.process(batch=batch, at=NOON))
    with pytest.raises(ClaimLost):
        next(slow)

    assert len(quick) == 3
    assert Scan.objects.count() == 3


def test_a_worker_takes_the_oldest_batch_and_nobody_takes_it_from_him_in_time(
    shop: Shop, folder: Path, tmp_path: Path
) -> None:
    second = tmp_path / "批次二"
    factories.dossier_folder(
        second / "李", factories.entry("1", 1, 1), number=factories.id_number(2)
    )
    first_batch = factories.receive(shop, folder)
    second_batch = factories.receive(shop, second)

    assert services.claim_next(at=NOON) == first_batch
    assert services.claim_next(at=NOON) == second_batch
    assert services.claim_next(at=NOON) is None
    assert services.claim_next(at=NOON + CLAIM_LASTS) is None


def test_the_batch_of_a_dead_worker_is_free_again_after_its_time(shop: Shop, folder: Path) -> None:
    batch = factories.receive(shop, folder)
    services.claim_next(at=NOON)

    later = NOON + CLAIM_LASTS + CLAIM_LASTS / 2

    assert services.claim_next(at=later) == batch
    assert services.claim_next(at=later) is None


def test_a_batch_that_was_worked_through_is_never_claimed(shop: Shop, folder: Path) -> None:
    factories.take_in(shop, folder)

    assert services.claim_next(at=NOON) is None


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SCAN_OPERATOR])
def test_only_the_scan_operator_receives(shop: Shop, folder: Path, role: Role) -> None:
    other = factories.officer(role, body=shop.body, username="other")

    with pytest.raises(NotPermitted):
        services.receive_folder(
            folder=folder, name="批次", body=shop.body, device="", by=other, at=NOON
        )

    assert not Batch.objects.exists()


def test_an_operator_of_another_district_cannot_receive_here(shop: Shop, folder: Path) -> None:
    elsewhere = factories.shop("xl")

    with pytest.raises(NotPermitted) as refused:
        services.receive_folder(
            folder=folder, name="批次", body=shop.body, device="", by=elsewhere.operator, at=NOON
        )

    assert refused.value.reasons == ("不属于您所在机构的办理范围",)
    assert not Batch.objects.exists()


def test_a_folder_is_received_once(shop: Shop, folder: Path) -> None:
    factories.receive(shop, folder)

    with pytest.raises(Conflict) as refused:
        factories.receive(shop, folder, name="再来一次")

    assert refused.value.reasons == ("这个文件夹已经作为批次“测试批次”接收，请打开该批次查看",)
    assert Batch.objects.count() == 1


def test_an_empty_or_missing_folder_is_refused(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "空").mkdir()

    with pytest.raises(Unacceptable) as empty:
        factories.receive(shop, tmp_path / "空")
    with pytest.raises(Unacceptable) as missing:
        factories.receive(shop, tmp_path / "无")

    assert empty.value.reasons == ("扫描文件夹是空的，请确认扫描仪的保存位置后重新送入",)
    assert missing.value.reasons == ("没有这个扫描文件夹，请核对名称",)
    assert not Batch.objects.exists()


def test_a_torn_image_is_kept_apart_and_the_rest_goes_on(shop: Shop, folder: Path) -> None:
    torn = (images_of(folder) / "1-1-002.jpg").read_bytes()[:100_000]
    (images_of(folder) / "1-1-002.jpg").write_bytes(torn)

    batch, outcomes = factories.take_in(shop, folder)

    kept = batch.quarantined.get()
    assert (kept.path, kept.code) == ("001陈大文/原始图像数据/1-1-002.jpg", "Q14")
    assert "请重新扫描" in kept.sentence
    assert kept.blob is not None
    assert vault.read(kept.blob.sha256) == torn
    assert Scan.objects.filter(item__batch=batch).count() == 2
    assert codes(batch) == [("Q12", "1-1-002")]
    statuses = [outcome.status for outcome in outcomes]
    assert statuses.count("quarantined") == 2  # the file, and the page the catalogue now misses


def test_a_text_file_named_like_a_scan_is_kept_apart(shop: Shop, folder: Path) -> None:
    (images_of(folder) / "9-2-1-001.jpg").write_text("这不是图像", encoding="utf-8")

    batch, _ = factories.take_in(shop, folder)

    kept = batch.quarantined.get()
    assert kept.code == "Q14"
    assert "文本文件" in kept.sentence


def test_a_page_the_catalogue_lists_and_that_never_came_is_named(shop: Shop, folder: Path) -> None:
    (images_of(folder) / "1-1-002.jpg").unlink()

    batch, outcomes = factories.take_in(shop, folder)

    finding = Finding.objects.get(item__batch=batch)
    assert (finding.code, finding.path, finding.blocks) == ("Q12", "1-1-002", True)
    assert finding.sentence == (
        "目录列有 1-1《登记表1-1》第 2 页，但没有收到影像，请补扫该页或更正目录页数"
    )
    assert outcomes[-1].sentence == finding.sentence


def test_a_page_no_catalogue_lists_waits_for_its_place(shop: Shop, folder: Path) -> None:
    (images_of(folder) / "4-1-1-001.jpg").write_bytes(factories.page(20))

    batch, _ = factories.take_in(shop, folder)

    scan = Scan.objects.get(file_name="4-1-1-001.jpg")
    assert (scan.line, scan.number) == (None, None)
    finding = Finding.objects.get(item__batch=batch)
    assert (finding.code, finding.scan) == ("Q12", scan)
    assert finding.sentence == "目录没有列出“4-1-1-001.jpg”，请为它补录目录、指定页序，或剔除"


def test_a_page_beyond_the_pages_of_its_material_is_named(shop: Shop, folder: Path) -> None:
    (images_of(folder) / "1-1-003.jpg").write_bytes(factories.page(20))

    batch, _ = factories.take_in(shop, folder)

    finding = Finding.objects.get(item__batch=batch)
    assert (finding.code, finding.scan) == ("Q12", Scan.objects.get(file_name="1-1-003.jpg"))
    assert "超出目录所列 2 页" in finding.sentence


def test_two_names_that_differ_in_case_are_one_page_and_the_second_waits(
    shop: Shop, folder: Path
) -> None:
    (images_of(folder) / "1-1-002.JPG").write_bytes(factories.page(20))

    batch, _ = factories.take_in(shop, folder)

    kept = batch.quarantined.get()
    assert kept.code == "Q05"
    assert "是同一页，只接收先到的一个" in kept.sentence
    assert kept.blob is not None
    assert Scan.objects.filter(item__batch=batch).count() == 3
    assert [code for code, _ in codes(batch)] == ["Q05"]


def test_a_page_that_lies_in_both_folders_comes_once(shop: Shop, folder: Path) -> None:
    (folder / "001陈大文" / "1-1-1.jpg").write_bytes(factories.page(20))

    batch, _ = factories.take_in(shop, folder)

    assert batch.quarantined.get().code == "Q05"
    assert Scan.objects.filter(item__batch=batch).count() == 3


def test_equal_bytes_under_two_names_are_found(shop: Shop, folder: Path) -> None:
    first = (images_of(folder) / "1-1-001.jpg").read_bytes()
    (images_of(folder) / "9-2-1-001.jpg").write_bytes(first)

    batch, _ = factories.take_in(shop, folder)

    finding = Finding.objects.get(item__batch=batch)
    assert (finding.code, finding.blocks) == ("Q05", True)
    assert finding.sentence == (
        "“9-2-1-001.jpg”与“1-1-001.jpg”是完全相同的文件，请核对是否重复送入，重扫正确的一页或剔除"
    )


def test_the_same_image_in_two_dossiers_is_found(shop: Shop, folder: Path) -> None:
    factories.dossier_folder(
        folder / "002李小红",
        factories.entry("1", 1, 1),
        name="李小红",
        number=factories.id_number(2),
        first_page=1,
    )

    batch, _ = factories.take_in(shop, folder)

    found = Finding.objects.filter(item__batch=batch)
    assert {finding.code for finding in found} == {"Q06"}
    assert {finding.item.name for finding in found} == {"陈大文", "李小红"}


def test_nothing_is_followed_out_of_the_folder(shop: Shop, folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(factories.page(30))
    (images_of(folder) / "4-1-1-001.jpg").symlink_to(secret)
    (folder / "002外链").symlink_to(tmp_path)
    os.mkfifo(images_of(folder) / "4-1-1-002.jpg")

    batch, _ = factories.take_in(shop, folder)

    kept = {file.path: file for file in batch.quarantined.all()}
    assert set(kept) == {
        "002外链",
        "001陈大文/原始图像数据/4-1-1-001.jpg",
        "001陈大文/原始图像数据/4-1-1-002.jpg",
    }
    assert all(file.blob is None for file in kept.values())
    digest = hashlib.sha256(factories.page(30)).hexdigest()
    assert not Scan.objects.filter(blob__sha256=digest).exists()


def test_a_link_put_in_after_the_listing_is_not_followed(
    shop: Shop, folder: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(factories.page(30))
    batch = factories.receive(shop, folder)
    (images_of(folder) / "1-1-001.jpg").unlink()
    (images_of(folder) / "1-1-001.jpg").symlink_to(secret)

    list(services.process(batch=batch, at=NOON))

    kept = batch.quarantined.get()
    assert kept.sentence == "文件无法打开，请检查介质与权限后重新复制"
    assert kept.blob is None


def test_a_file_that_vanished_is_named_and_a_vanished_folder_stops_the_work(
    shop: Shop, folder: Path
) -> None:
    batch = factories.receive(shop, folder)
    (images_of(folder) / "1-1-001.jpg").unlink()
    work = services.process(batch=batch, at=NOON)
    next(work)
    gone = next(work)
    folder.rename(folder.with_name("拔掉的盘"))

    with pytest.raises(Conflict):
        next(work)

    assert gone.sentence == "文件在处理前已不在文件夹中，请重新放入"
    assert Batch.objects.get().state == BatchState.RECEIVING
    folder.with_name("拔掉的盘").rename(folder)
    list(services.process(batch=batch, at=NOON))
    assert Batch.objects.get().state == BatchState.INSPECTION
    assert Scan.objects.count() == 2


def test_odd_places_are_named_and_files_of_the_system_left_alone(shop: Shop, folder: Path) -> None:
    dossier = folder / "001陈大文"
    (dossier / "Thumbs.db").write_bytes(b"x")
    (dossier / "._1-1-001.jpg").write_bytes(b"x")
    (folder / "truth.json").write_text("{}")
    (dossier / ".hidden.jpg").write_bytes(factories.page(20))
    deep = dossier / "原始图像数据" / "又一层" / "再一层" / "三层"
    deep.mkdir(parents=True)
    (deep / "1-1-009.jpg").write_bytes(factories.page(21))
    (folder / "散落.jpg").write_bytes(factories.page(22))
    (dossier / "优化图像数据").mkdir()
    (dossier / "优化图像数据" / "1-1-001.jpg").write_bytes(factories.page(23))

    batch, _ = factories.take_in(shop, folder)

    kept = sorted(file.path for file in batch.quarantined.all())
    assert kept == [
        "001陈大文/.hidden.jpg",
        "001陈大文/原始图像数据/又一层/再一层/三层",
        "散落.jpg",
    ]
    assert Scan.objects.filter(item__batch=batch).count() == 3
    told = Finding.objects.get(item__batch=batch, path="优化图像")
    assert not told.blocks
    assert "1 个经过处理的图像" in told.sentence


def test_names_of_an_older_system_are_read(shop: Shop, folder: Path) -> None:
    dossier = folder / os.fsdecode("003刘备".encode("gb18030"))
    dossier.mkdir()
    (dossier / os.fsdecode("照片.jpg".encode("gb18030"))).write_bytes(factories.page(20))

    batch, outcomes = factories.take_in(shop, folder)

    item = Item.objects.get(folder="003刘备")
    assert [scan.file_name for scan in item.scans.all()] == ["照片.jpg"]
    assert batch.state == BatchState.INSPECTION
    assert "003刘备/照片.jpg" in [outcome.path for outcome in outcomes]


def test_a_name_of_two_hundred_and_fifty_five_bytes_is_taken(shop: Shop, folder: Path) -> None:
    long = "长" * 83 + ".jpg"
    (images_of(folder) / long).write_bytes(factories.page(20))

    batch, _ = factories.take_in(shop, folder)

    assert Scan.objects.get(item__batch=batch, line=None).file_name == long
