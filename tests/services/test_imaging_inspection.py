"""Counting, looking, judging, sending back, scanning again, accepting: by whom, and when not."""

from pathlib import Path

import imaging_factories as factories
import pytest
from imaging_factories import NOON, Shop

from lantai.dossiers import queries as dossiers
from lantai.dossiers.models import Dossier, Page
from lantai.identity.rules import Role
from lantai.imaging import queries, services
from lantai.imaging.models import Batch, Finding, Item, Scan
from lantai.imaging.rules import BatchState, ScanState
from lantai.ledger import queries as ledger
from lantai.lib.refusals import Conflict, Unacceptable
from lantai.vault import queries as vault

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return factories.shop()


@pytest.fixture
def batch(shop: Shop, tmp_path: Path) -> Batch:
    """A batch in inspection: one dossier, two materials, three pages, no fault."""
    root = tmp_path / "批次"
    factories.dossier_folder(
        root / "陈大文", factories.entry("1", 1, 2), factories.entry("9-2", 1, 1)
    )
    return factories.take_in(shop, root)[0]


@pytest.fixture
def item(batch: Batch) -> Item:
    return batch.items.get()


@pytest.fixture
def scan(item: Item) -> Scan:
    return item.scans.get(file_name="1-1-001.jpg")


def ready(shop: Shop, batch: Batch) -> None:
    factories.count_all(shop, batch)
    factories.look_at_all(shop, batch)


def test_accepted_scans_become_the_pages_of_a_dossier(shop: Shop, batch: Batch) -> None:
    ready(shop, batch)

    (dossier,) = services.accept_batch(batch_uid=batch.uid, by=shop.inspector, at=NOON)

    assert (dossier.person.name, dossier.person.sex) == ("陈大文", "1")
    assert (dossier.paper_sides, dossier.employer) == (3, "云台机械厂")
    assert dossier.number == "PC-2026-000001"
    pages = dossiers.pages_of(dossier=dossier)
    assert [str(page) for page in pages] == ["1-1-001", "1-1-002", "9-2-1-001"]
    scanned = Scan.objects.get(file_name="1-1-002.jpg")
    assert pages[1].blob == scanned.blob
    assert (pages[1].scanned_by, pages[1].device) == ("pc-scanner", "扫描仪 A-01")
    assert (pages[1].norm, pages[1].batch) == ("gbt33870-2017/1", batch.uid)
    batch.refresh_from_db()
    assert (batch.state, batch.accepted_by) == (BatchState.ACCEPTED, shop.inspector)
    entry = ledger.entries(subject=f"batch:{batch.uid}").first()
    assert entry is not None
    assert entry.action == "imaging.batch.accepted"
    assert entry.facts["dossiers"][0]["dossier"] == dossier.uid


def test_acceptance_is_refused_with_every_reason_at_once(shop: Shop, batch: Batch) -> None:
    with pytest.raises(Conflict) as refused:
        services.accept_batch(batch_uid=batch.uid, by=shop.inspector, at=NOON)

    assert refused.value.reasons == (
        "陈大文：尚未清点纸质页数，请档案管理员清点后录入",
        "陈大文：抽检应不少于 1 页，现已查看 0 页，请继续抽检",
    )
    assert not Dossier.objects.exists()
    assert Batch.objects.get().state == BatchState.INSPECTION


def test_paper_and_images_that_differ_stop_acceptance(shop: Shop, batch: Batch, item: Item) -> None:
    ready(shop, batch)
    services.count_paper(item_uid=item.uid, sides=4, by=shop.archivist, at=NOON)

    with pytest.raises(Conflict) as refused:
        services.accept_batch(batch_uid=batch.uid, by=shop.inspector, at=NOON)

    assert refused.value.reasons == ("陈大文：纸质 4 页，影像 3 页，数量不符，请补扫或重新清点",)
    assert not Page.objects.exists()


def test_a_batch_is_accepted_once(shop: Shop, batch: Batch) -> None:
    ready(shop, batch)
    services.accept_batch(batch_uid=batch.uid, by=shop.inspector, at=NOON)

    with pytest.raises(Conflict) as refused:
        services.accept_batch(batch_uid=batch.uid, by=shop.inspector, at=NOON)

    assert refused.value.reasons == ("批次已经验收，无需重复操作",)
    assert Dossier.objects.count() == 1


def test_a_batch_still_being_received_is_not_accepted(shop: Shop, tmp_path: Path) -> None:
    root = tmp_path / "另批"
    factories.dossier_folder(root / "陈大文", factories.entry("1", 1, 1))
    batch = factories.receive(shop, root)

    objections = queries.objections_to_acceptance(batch=batch, by=shop.inspector)

    assert objections[0] == "批次还在接收处理，请等全部文件处理完再验收"


def test_nobody_accepts_what_he_scanned_or_counted(shop: Shop, batch: Batch) -> None:
    for role in (Role.QUALITY_INSPECTOR, Role.ARCHIVIST):
        services_of = factories.identity.give_post
        services_of(user=shop.operator, body=shop.body, role=role, by="test", at=NOON)
    services_of(
        user=shop.archivist, body=shop.body, role=Role.QUALITY_INSPECTOR, by="test", at=NOON
    )
    ready(shop, batch)

    with pytest.raises(Conflict) as scanned:
        services.accept_batch(batch_uid=batch.uid, by=shop.operator, at=NOON)
    with pytest.raises(Conflict) as counted:
        services.accept_batch(batch_uid=batch.uid, by=shop.archivist, at=NOON)

    assert scanned.value.reasons == ("不得验收本人扫描的影像，请由其他质检员验收",)
    assert counted.value.reasons == ("清点纸质页数的人不得验收同一批次，请由其他质检员验收",)
    assert not Dossier.objects.exists()


def test_a_person_with_a_dossier_here_is_not_entered_twice(
    shop: Shop, batch: Batch, tmp_path: Path
) -> None:
    ready(shop, batch)
    services.accept_batch(batch_uid=batch.uid, by=shop.inspector, at=NOON)
    root = tmp_path / "再来"
    factories.dossier_folder(root / "陈大文", factories.entry("1", 1, 1), first_page=40)
    again, _ = factories.take_in(shop, root)
    ready(shop, again)

    with pytest.raises(Conflict) as refused:
        services.accept_batch(batch_uid=again.uid, by=shop.inspector, at=NOON)

    assert refused.value.reasons == (
        "陈大文：本机构已有该公民身份号码的档案，请核对；重复送入的请整份搁置",
    )
    assert Dossier.objects.count() == 1


def test_the_scanner_does_not_count_and_a_count_is_a_sensible_number(
    shop: Shop, item: Item
) -> None:
    factories.identity.give_post(
        user=shop.operator, body=shop.body, role=Role.ARCHIVIST, by="test", at=NOON
    )

    with pytest.raises(Conflict) as own:
        services.count_paper(item_uid=item.uid, sides=3, by=shop.operator, at=NOON)
    with pytest.raises(Unacceptable):
        services.count_paper(item_uid=item.uid, sides=0, by=shop.archivist, at=NOON)

    assert own.value.reasons == ("扫描人不得清点本人扫描的档案，请由其他档案管理员清点",)
    item.refresh_from_db()
    assert item.paper_sides is None


def test_a_second_count_replaces_the_first_and_both_are_logged(shop: Shop, item: Item) -> None:
    services.count_paper(item_uid=item.uid, sides=2, by=shop.archivist, at=NOON)

    services.count_paper(item_uid=item.uid, sides=3, by=shop.archivist, at=NOON)

    item.refresh_from_db()
    assert (item.paper_sides, item.counted_by) == (3, shop.archivist)
    counted = ledger.entries(action="imaging.paper.counted")
    assert [(entry.facts["before"], entry.facts["sides"]) for entry in counted] == [
        (2, 3),
        (None, 2),
    ]


def test_a_returned_page_is_scanned_again_and_the_old_one_kept(
    shop: Shop, batch: Batch, scan: Scan
) -> None:
    ready(shop, batch)
    services.return_scan(scan_uid=scan.uid, reason="影像模糊", by=shop.inspector, at=NOON)

    with pytest.raises(Conflict) as waiting:
        services.accept_batch(batch_uid=batch.uid, by=shop.inspector, at=NOON)
    fresh = services.rescan(
        scan_uid=scan.uid,
        content=factories.page(50),
        file_name="C:\\扫描\\1-1-001.jpg",
        by=shop.operator,
        at=NOON,
    )
    services.look_at_scan(scan_uid=fresh.uid, by=shop.inspector, at=NOON)
    (dossier,) = services.accept_batch(batch_uid=batch.uid, by=shop.inspector, at=NOON)

    assert waiting.value.reasons == ("陈大文：还有 1 页退回后未重扫，请等待补交",)
    assert (fresh.line, fresh.number, fresh.file_name) == (scan.line, 1, "1-1-001.jpg")
    scan.refresh_from_db()
    assert scan.state == ScanState.REPLACED
    assert fresh.replaces == scan
    assert vault.read(scan.blob.sha256) == factories.page(1)
    assert dossiers.pages_of(dossier=dossier)[0].blob == fresh.blob


def test_a_rescan_is_refused_for_the_same_bytes_for_a_good_scan_and_for_no_image(
    shop: Shop, scan: Scan, item: Item
) -> None:
    def again(content: bytes, of: Scan) -> None:
        services.rescan(
            scan_uid=of.uid, content=content, file_name="1.jpg", by=shop.operator, at=NOON
        )

    good = item.scans.get(file_name="1-1-002.jpg")
    services.return_scan(scan_uid=scan.uid, reason="模糊", by=shop.inspector, at=NOON)

    with pytest.raises(Conflict) as same:
        again(factories.page(1), scan)
    with pytest.raises(Conflict) as current:
        again(factories.page(50), good)
    with pytest.raises(Unacceptable) as torn:
        again(factories.page(50)[:5000], scan)

    assert same.value.reasons == ("补交的文件与被退回的完全相同，请重新扫描后再补交",)
    assert current.value.reasons == ("该影像有效，只有退回的影像可以重扫补交",)
    assert "请重新扫描" in torn.value.reasons[0]
    assert Scan.objects.count() == 3
    scan.refresh_from_db()
    assert scan.state == ScanState.RETURNED


def test_a_return_needs_a_reason_a_current_scan_and_another_person(shop: Shop, scan: Scan) -> None:
    factories.identity.give_post(
        user=shop.operator, body=shop.body, role=Role.QUALITY_INSPECTOR, by="test", at=NOON
    )

    with pytest.raises(Conflict) as refused:
        services.return_scan(scan_uid=scan.uid, reason=" ", by=shop.operator, at=NOON)

    assert refused.value.reasons == (
        "不得质检本人扫描的影像，请由其他质检员办理",
        "请填写退回理由，让扫描员知道怎样重扫",
    )
    scan.refresh_from_db()
    assert (scan.state, scan.returned_at) == (ScanState.CURRENT, None)


def test_a_false_finding_is_dismissed_with_a_reason_and_blocks_no_longer(
    shop: Shop, batch: Batch, item: Item, scan: Scan
) -> None:
    ready(shop, batch)
    finding = Finding.objects.create(
        item=item, scan=scan, code="Q01", sentence="影像不清晰，请重新扫描", blocks=True
    )

    with pytest.raises(Conflict) as blocked:
        services.accept_batch(batch_uid=batch.uid, by=shop.inspector, at=NOON)
    with pytest.raises(Conflict) as bare:
        services.judge_finding(
            finding_uid=finding.uid, verdict="dismissed", reason="", by=shop.inspector, at=NOON
        )
    services.judge_finding(
        finding_uid=finding.uid, verdict="dismissed", reason="字迹清晰", by=shop.inspector, at=NOON
    )
    services.accept_batch(batch_uid=batch.uid, by=shop.inspector, at=NOON)

    assert blocked.value.reasons == (
        "陈大文：还有 1 项阻断问题未了结，请逐项判为不属实，或退回重扫、更正目录",
    )
    assert bare.value.reasons == ("请填写判定理由",)
    finding.refresh_from_db()
    assert (finding.verdict, finding.judged_by) == ("dismissed", shop.inspector)


def test_a_true_finding_blocks_until_the_page_is_scanned_again(
    shop: Shop, batch: Batch, item: Item, scan: Scan
) -> None:
    ready(shop, batch)
    finding = Finding.objects.create(
        item=item, scan=scan, code="Q01", sentence="影像不清晰，请重新扫描", blocks=True
    )
    services.judge_finding(
        finding_uid=finding.uid, verdict="confirmed", reason="", by=shop.inspector, at=NOON
    )

    objections = queries.objections_to_acceptance(batch=batch, by=shop.inspector)
    services.return_scan(scan_uid=scan.uid, reason="模糊", by=shop.inspector, at=NOON)
    fresh = services.rescan(
        scan_uid=scan.uid, content=factories.page(50), file_name="1.jpg", by=shop.operator, at=NOON
    )
    services.look_at_scan(scan_uid=fresh.uid, by=shop.inspector, at=NOON)

    assert objections == (
        "陈大文：还有 1 项阻断问题未了结，请逐项判为不属实，或退回重扫、更正目录",
    )
    assert queries.objections_to_acceptance(batch=batch, by=shop.inspector) == ()


def test_a_scan_is_judged_only_by_who_looked_at_it(shop: Shop, item: Item, scan: Scan) -> None:
    finding = Finding.objects.create(
        item=item, scan=scan, code="Q01", sentence="影像不清晰", blocks=True
    )

    with pytest.raises(Conflict) as refused:
        services.judge_finding(
            finding_uid=finding.uid, verdict="dismissed", reason="清晰", by=shop.inspector, at=NOON
        )

    assert refused.value.reasons == ("判定前请先打开影像查看",)
    finding.refresh_from_db()
    assert finding.verdict == "open"


def test_a_faulty_page_must_be_looked_at_even_when_the_sample_is_met(
    shop: Shop, batch: Batch, item: Item, scan: Scan
) -> None:
    factories.count_all(shop, batch)
    other = item.scans.get(file_name="1-1-002.jpg")
    services.look_at_scan(scan_uid=other.uid, by=shop.inspector, at=NOON)
    Finding.objects.create(item=item, scan=scan, code="Q07", sentence="倾斜", blocks=False)

    assert queries.objections_to_acceptance(batch=batch, by=shop.inspector) == (
        "陈大文：有问题的影像中还有 1 页未查看，请逐页查看",
    )


def test_the_looks_of_the_scanner_do_not_count_as_inspection(
    shop: Shop, batch: Batch, item: Item, scan: Scan
) -> None:
    factories.count_all(shop, batch)
    services.look_at_scan(scan_uid=scan.uid, by=shop.operator, at=NOON)

    assert queries.items_of(batch=batch).get().looked_count == 0


def test_a_double_is_set_aside_and_its_finding_settled(shop: Shop, tmp_path: Path) -> None:
    root = tmp_path / "重"
    factories.dossier_folder(root / "陈大文", factories.entry("1", 1, 1))
    (root / "陈大文" / "1-1-002.jpg").write_bytes(factories.page(1))
    batch, _ = factories.take_in(shop, root)
    double = Scan.objects.get(file_name="1-1-002.jpg")

    services.set_scan_aside(scan_uid=double.uid, reason="重复扫描", by=shop.inspector, at=NOON)
    ready(shop, batch)
    (dossier,) = services.accept_batch(batch_uid=batch.uid, by=shop.inspector, at=NOON)

    assert set(Finding.objects.values_list("code", "verdict")) == {
        ("Q05", "settled"),
        ("Q12", "settled"),
    }
    assert dossier.paper_sides == 1
    double.refresh_from_db()
    assert double.state == ScanState.ASIDE


def test_a_missing_page_is_supplied_and_its_finding_settled(shop: Shop, tmp_path: Path) -> None:
    root = tmp_path / "缺"
    factories.dossier_folder(root / "陈大文", factories.entry("1", 1, 2))
    (root / "陈大文" / "原始图像数据" / "1-1-002.jpg").unlink()
    batch, _ = factories.take_in(shop, root)
    item = batch.items.get()

    fresh = services.supply(
        item_uid=item.uid,
        content=factories.page(50),
        file_name="1-1-002.jpg",
        by=shop.operator,
        at=NOON,
    )

    assert (str(fresh.line), fresh.number) == ("1-1", 2)
    assert Finding.objects.get().verdict == "settled"


def test_a_page_that_is_there_is_not_supplied_again(shop: Shop, item: Item) -> None:
    def supply(name: str) -> None:
        services.supply(
            item_uid=item.uid, content=factories.page(50), file_name=name, by=shop.operator, at=NOON
        )

    with pytest.raises(Conflict) as there:
        supply("1-1-001.jpg")
    with pytest.raises(Unacceptable) as unlisted:
        supply("4-1-1-001.jpg")
    with pytest.raises(Unacceptable) as unclear:
        supply("照片.jpg")

    assert "已有影像" in there.value.reasons[0]
    assert unlisted.value.reasons == ("目录中没有 4-1-1，请先由档案管理员补录这份材料",)
    assert "不合规则" in unclear.value.reasons[0]
    assert Scan.objects.count() == 3


def test_one_sheet_scanned_twice_is_found_and_settled_when_one_goes(
    shop: Shop, tmp_path: Path
) -> None:
    root = tmp_path / "两遍"
    factories.dossier_folder(root / "陈大文", factories.entry("1", 1, 2))
    again = factories.page(1, quality=80)
    (root / "陈大文" / "原始图像数据" / "1-1-002.jpg").write_bytes(again)

    batch, _ = factories.take_in(shop, root)
    finding = Finding.objects.get(code="Q05")
    first, second = Scan.objects.order_by("file_name")
    services.return_scan(scan_uid=second.uid, reason="重复", by=shop.inspector, at=NOON)
    services.rescan(
        scan_uid=second.uid,
        content=factories.page(2),
        file_name="1-1-002.jpg",
        by=shop.operator,
        at=NOON,
    )

    assert (finding.scan, finding.like) == (second, first)
    assert "像是同一页扫了两次" in finding.sentence
    finding.refresh_from_db()
    assert finding.verdict == "settled"
    assert queries.items_of(batch=batch).get().blocking_count == 0


def test_a_rescan_that_is_the_wrong_sheet_again_is_found(shop: Shop, scan: Scan) -> None:
    services.return_scan(scan_uid=scan.uid, reason="模糊", by=shop.inspector, at=NOON)

    fresh = services.rescan(
        scan_uid=scan.uid,
        content=factories.page(2, quality=80),
        file_name="1-1-001.jpg",
        by=shop.operator,
        at=NOON,
    )

    finding = Finding.objects.get(code="Q05")
    assert finding.like is not None
    assert {finding.scan, finding.like} == {
        fresh,
        Scan.objects.get(file_name="1-1-002.jpg"),
    }
