"""What the archivist mends, what is left out, the paper's way, and who sees a scan when."""

from datetime import timedelta
from pathlib import Path

import imaging_factories as factories
import pytest
from imaging_factories import NOON, Shop

from lantai.dossiers import queries as dossiers
from lantai.imaging import queries, services
from lantai.imaging.models import Batch, Finding, Handover, Item, Scan, ScanLook
from lantai.imaging.rules import LOOK_LASTS, STRIP_LASTS
from lantai.ledger import queries as ledger
from lantai.lib.refusals import Conflict, NotFound, NotPermitted, Unacceptable
from lantai.vault import queries as vault
from lantai.vault.files import derivative_path

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


def test_a_flat_folder_is_catalogued_counted_and_accepted(shop: Shop, tmp_path: Path) -> None:
    flat = tmp_path / "散页"
    flat.mkdir()
    for serial in (1, 2):
        (flat / f"IMG_{serial}.jpg").write_bytes(factories.page(serial))
    batch, _ = factories.take_in(shop, flat)
    item = batch.items.get()
    services.describe_item(
        item_uid=item.uid,
        person=services.Described("李明", "男", "汉族", factories.id_number(3), "云台厂"),
        by=shop.archivist,
        at=NOON,
    )
    services.put_line(
        item_uid=item.uid,
        line=services.NewLine("1", 1, "履历表", "1988-07", 2),
        by=shop.archivist,
        at=NOON,
    )
    for number, scan in enumerate(item.scans.order_by("file_name"), start=1):
        services.place_scan(
            scan_uid=scan.uid,
            class_code="1",
            sequence=1,
            number=number,
            by=shop.archivist,
            at=NOON,
        )
    ready(shop, batch)

    (dossier,) = services.accept_batch(batch_uid=batch.uid, by=shop.inspector, at=NOON)

    assert dossier.person.name == "李明"
    assert [material.title for material in dossiers.materials_of(dossier=dossier)] == ["履历表"]


def test_a_line_that_says_nothing_sensible_is_refused_with_every_reason(
    shop: Shop, item: Item
) -> None:
    with pytest.raises(Unacceptable) as refused:
        services.put_line(
            item_uid=item.uid,
            line=services.NewLine("4", 0, " ", "十二月", 0),
            by=shop.archivist,
            at=NOON,
        )

    assert refused.value.reasons == (
        "没有末级类号“4”，请改用十大类的末级类号",
        "序号从 1 起，请改正",
        "请填写材料名称",
        "页数应在 1 至 9999 之间，请改正",
        "材料形成时间请按“1978-12-03”“1978-12”或“1978”填写，不明的部分留空",
    )
    assert item.lines.count() == 2


def test_a_place_is_given_to_one_image_and_a_line_with_images_stays(
    shop: Shop, item: Item, scan: Scan
) -> None:
    with pytest.raises(Conflict) as taken:
        services.place_scan(
            scan_uid=scan.uid, class_code="9-2", sequence=1, number=1, by=shop.archivist, at=NOON
        )
    with pytest.raises(Conflict):
        services.remove_line(
            line_uid=item.lines.get(class_code="1").uid, by=shop.archivist, at=NOON
        )

    assert "第 1 页已有影像" in taken.value.reasons[0]
    assert item.lines.count() == 2
    scan.refresh_from_db()
    assert str(scan.line) == "1-1"


def test_a_corrected_line_settles_and_reopens_what_depends_on_it(shop: Shop, item: Item) -> None:
    def pages(count: int) -> None:
        services.put_line(
            item_uid=item.uid,
            line=services.NewLine("9-2", 1, "招工表", "1988-07", count),
            by=shop.archivist,
            at=NOON,
        )

    pages(2)
    missing = Finding.objects.get()
    pages(1)
    missing.refresh_from_db()
    settled = missing.verdict
    pages(2)
    missing.refresh_from_db()

    assert missing.path == "9-2-1-002"
    assert (settled, missing.verdict) == ("settled", "open")
    assert Finding.objects.count() == 1


def test_a_dossier_set_aside_is_left_out_and_can_be_taken_up(shop: Shop, tmp_path: Path) -> None:
    root = tmp_path / "两份"
    factories.dossier_folder(root / "陈大文", factories.entry("1", 1, 1))
    (root / "空的").mkdir()
    batch, _ = factories.take_in(shop, root)
    empty = Item.objects.get(folder="空的")

    services.set_item_aside(item_uid=empty.uid, reason="空文件夹", by=shop.inspector, at=NOON)
    factories.count_all(shop, batch)
    factories.look_at_all(shop, batch)
    left_out = queries.objections_to_acceptance(batch=batch, by=shop.inspector)
    services.take_item_up(item_uid=empty.uid, by=shop.inspector, at=NOON)

    assert left_out == ()
    assert queries.objections_to_acceptance(batch=batch, by=shop.inspector)[0].startswith(
        "（未署名）"
    )


def test_nothing_changes_in_an_accepted_batch(
    shop: Shop, batch: Batch, item: Item, scan: Scan
) -> None:
    ready(shop, batch)
    services.accept_batch(batch_uid=batch.uid, by=shop.inspector, at=NOON)

    with pytest.raises(Conflict) as counted:
        services.count_paper(item_uid=item.uid, sides=9, by=shop.archivist, at=NOON)
    with pytest.raises(Conflict):
        services.return_scan(scan_uid=scan.uid, reason="模糊", by=shop.inspector, at=NOON)
    with pytest.raises(Conflict):
        services.set_item_aside(item_uid=item.uid, reason="x", by=shop.inspector, at=NOON)
    with pytest.raises(Conflict):
        services.describe_item(
            item_uid=item.uid,
            person=services.Described("李", "", "", "", ""),
            by=shop.archivist,
            at=NOON,
        )

    assert counted.value.reasons == ("批次已经验收，不能再改动",)
    item.refresh_from_db()
    assert (item.paper_sides, item.name) == (3, "陈大文")


def test_the_paper_goes_out_and_comes_back_with_its_count(shop: Shop, item: Item) -> None:
    def hand(way: Handover.Way, sides: int, to: str = "张扫描") -> Handover:
        return services.hand_over(
            item_uid=item.uid,
            way=way,
            sides=sides,
            condition="完好",
            to=to,
            by=shop.archivist,
            at=NOON,
        )

    with pytest.raises(Conflict) as uncounted:
        hand(Handover.Way.BACK, 3, to=" ")
    services.count_paper(item_uid=item.uid, sides=3, by=shop.archivist, at=NOON)
    hand(Handover.Way.TO_SHOP, 3)
    with pytest.raises(Conflict) as short:
        hand(Handover.Way.BACK, 2)
    hand(Handover.Way.BACK, 3)

    assert uncounted.value.reasons == (
        "尚未清点纸质页数，请先清点录入再交接",
        "该份档案没有交付扫描的记录，请先登记交付",
        "请填写交接对方姓名",
    )
    assert short.value.reasons == ("清点 2 页，登记 3 页，页数不符，请双方重新清点",)
    assert list(item.handovers.order_by("pk").values_list("way", "sides")) == [
        ("to_shop", 3),
        ("back", 3),
    ]


def test_a_scan_is_shown_only_after_a_recorded_look_and_not_for_long(
    shop: Shop, item: Item, scan: Scan
) -> None:
    def tile(minutes: float = 0) -> bytes:
        at = NOON + timedelta(minutes=minutes)
        return services.scan_tile(
            scan_uid=scan.uid, level=0, column=0, row=0, by=shop.inspector, at=at
        )

    with pytest.raises(NotPermitted):
        tile()
    pack = services.look_at_scan(scan_uid=scan.uid, by=shop.inspector, at=NOON)
    content = tile(14)
    with pytest.raises(NotPermitted):
        tile(LOOK_LASTS.total_seconds() / 60)

    assert (pack.width, pack.height) == (2480, 3508)
    assert content.startswith(b"\xff\xd8\xff")
    assert ScanLook.objects.get().by == shop.inspector
    entry = ledger.entries(stream="access").get()
    assert (entry.action, entry.facts["sha256"]) == ("imaging.scan.looked-at", scan.blob.sha256)
    with pytest.raises(NotFound):
        services.scan_tile(scan_uid=scan.uid, level=9, column=0, row=0, by=shop.inspector, at=NOON)


def test_thumbnails_are_shown_after_the_dossier_was_opened(
    shop: Shop, item: Item, scan: Scan
) -> None:
    with pytest.raises(NotPermitted):
        services.scan_thumbnail(scan_uid=scan.uid, by=shop.inspector, at=NOON)
    services.look_at_item(item_uid=item.uid, by=shop.inspector, at=NOON)

    shown = services.scan_thumbnail(scan_uid=scan.uid, by=shop.inspector, at=NOON)
    with pytest.raises(NotPermitted):
        services.scan_thumbnail(scan_uid=scan.uid, by=shop.inspector, at=NOON + STRIP_LASTS)
    with pytest.raises(NotPermitted):
        services.scan_thumbnail(scan_uid=scan.uid, by=shop.operator, at=NOON)

    assert shown.startswith(b"\xff\xd8\xff")


def test_a_lost_derivative_is_made_again_from_the_master(
    shop: Shop, scan: Scan, home: Path
) -> None:
    pack = vault.derivative(scan.blob.sha256, "tiles.pack")
    assert pack is not None
    made = pack.whole()
    derivative_path(home, scan.blob.sha256, "tiles.pack").unlink()

    services.look_at_scan(scan_uid=scan.uid, by=shop.inspector, at=NOON)

    assert pack.whole() == made


def test_a_stranger_of_another_district_sees_and_changes_nothing(
    shop: Shop, batch: Batch, item: Item, scan: Scan
) -> None:
    elsewhere = factories.shop("xl")

    for act in (
        lambda: services.look_at_scan(scan_uid=scan.uid, by=elsewhere.inspector, at=NOON),
        lambda: services.look_at_item(item_uid=item.uid, by=elsewhere.inspector, at=NOON),
        lambda: services.return_scan(
            scan_uid=scan.uid, reason="x", by=elsewhere.inspector, at=NOON
        ),
        lambda: services.count_paper(item_uid=item.uid, sides=3, by=elsewhere.archivist, at=NOON),
        lambda: services.accept_batch(batch_uid=batch.uid, by=elsewhere.inspector, at=NOON),
    ):
        with pytest.raises(NotPermitted):
            act()

    day = NOON.date()
    assert queries.batch_by_uid(uid=batch.uid, user=elsewhere.inspector, on=day) is None
    assert queries.item_by_uid(uid=item.uid, user=elsewhere.inspector, on=day) is None
    assert queries.scan_by_uid(uid=scan.uid, user=elsewhere.inspector, on=day) is None
    assert not ScanLook.objects.exists()
    item.refresh_from_db()
    assert item.paper_sides is None
