"""Lists of production at a size that hurts: the same few questions for one row and for hundreds."""

from datetime import timedelta
from pathlib import Path

import imaging_factories as factories
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from imaging_factories import NOON, Shop

from lantai.imaging import queries
from lantai.imaging.models import Batch, Finding, Item, Line, Quarantined, Scan, ScanLook
from lantai.imaging.rules import IMAGED_WITHIN, BatchState, ScanState
from lantai.vault import services as vault

pytestmark = pytest.mark.django_db
DAY = NOON.date()


@pytest.fixture
def shop() -> Shop:
    return factories.shop()


def large_batch(shop: Shop, *, items: int, scans: int, name: str = "大批") -> Batch:
    """A batch in inspection written straight into the tables: rows are what is measured here."""
    batch = Batch.objects.create(
        name=name,
        body=shop.body,
        folder=name,
        norm="gbt33870-2017/1",
        state=BatchState.INSPECTION,
        operator=shop.operator,
        received_at=NOON,
    )
    blob = vault.store(content=name.encode(), media_type="image/jpeg", by="test", at=NOON)
    made = Item.objects.bulk_create(
        Item(
            batch=batch,
            folder=f"{number:04d}",
            name=f"人{number}",
            id_number=factories.id_number(number % 1000),
            paper_sides=scans,
            counted_by=shop.archivist,
            counted_at=NOON,
            checked_at=NOON,
        )
        for number in range(items)
    )
    lines = Line.objects.bulk_create(
        Line(item=item, class_code="1", sequence=1, title="履历表", page_count=scans)
        for item in made
    )
    pages = Scan.objects.bulk_create(
        Scan(
            item=line.item,
            line=line,
            number=number,
            file_name=f"1-1-{number:03d}.jpg",
            blob=blob,
            width=2480,
            height=3508,
            colour="colour",
            skew_degrees=0,
            turned=0,
            blank=False,
            dhash="0" * 64,
            state=ScanState.CURRENT,
            scanned_by=shop.operator,
            scanned_at=NOON,
        )
        for line in lines
        for number in range(1, scans + 1)
    )
    Finding.objects.bulk_create(
        Finding(item=page.item, scan=page, code="Q07", sentence="倾斜", blocks=False)
        for page in pages[::2]
    )
    ScanLook.objects.bulk_create(
        ScanLook(item=page.item, scan=page, by=shop.inspector, at=NOON) for page in pages[::2]
    )
    return batch


def asked(ask: object) -> int:
    """How many questions the database was asked."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        ask()  # type: ignore[operator]
    return len(captured)


def test_five_hundred_dossiers_are_counted_with_as_few_questions_as_one(shop: Shop) -> None:
    large = large_batch(shop, items=500, scans=3)
    small = large_batch(shop, items=1, scans=3, name="小批")

    for batch in (large, small):
        assert asked(lambda batch=batch: list(queries.items_of(batch=batch)[:30])) == 1
        assert asked(lambda batch=batch: queries.counted(batch=batch)) == 3
        assert (
            asked(lambda b=batch: queries.objections_to_acceptance(batch=b, by=shop.inspector)) == 5
        )


def test_the_numbers_of_a_large_batch_are_right(shop: Shop) -> None:
    batch = large_batch(shop, items=500, scans=3)

    counted = queries.counted(batch=batch)

    assert len(counted) == 500
    assert {one.count.images for one in counted} == {3}
    assert {one.count.catalogue_pages for one in counted} == {3}
    assert sum(one.item.finding_count for one in counted) == 750
    assert sum(one.count.looked for one in counted) == 750
    assert {one.count.open_findings for one in counted} == {0}
    assert all(one.objections == () for one in counted)


def test_a_dossier_of_five_hundred_scans_is_laid_out_with_two_questions(shop: Shop) -> None:
    item = large_batch(shop, items=1, scans=500).items.get()

    assert asked(lambda: queries.scans_of(item=item)) == 2
    scans = queries.scans_of(item=item)
    assert [scan.number for scan in scans] == list(range(1, 501))
    assert [finding.code for finding in scans[0].open_findings] == ["Q07"]
    assert scans[1].open_findings == []


def test_a_scan_among_five_hundred_knows_its_neighbours_with_one_question(shop: Shop) -> None:
    item = large_batch(shop, items=1, scans=500).items.get()
    scan = item.scans.select_related("line").get(number=250)

    assert asked(lambda: queries.neighbours(scan=scan)) == 1
    near = queries.neighbours(scan=scan)
    assert (near.place, near.total) == (250, 500)
    numbers = dict(item.scans.values_list("uid", "number"))
    assert (numbers[near.before], numbers[near.after]) == (249, 251)  # type: ignore[index]
    assert numbers[near.next_faulty] == 251  # type: ignore[index]


def test_a_page_of_three_hundred_batches_is_one_question(shop: Shop) -> None:
    for number in range(300):
        large_batch(shop, items=1, scans=1, name=f"批{number}")

    found = queries.batches(user=shop.inspector, on=DAY)

    assert asked(lambda: list(found[: queries.PAGE_ROWS])) == 1
    assert {(batch.item_count, batch.scan_count) for batch in found} == {(1, 1)}


def test_the_batches_of_another_district_are_not_listed(shop: Shop) -> None:
    elsewhere = factories.shop("xl")
    large_batch(shop, items=1, scans=1)

    assert not queries.batches(user=elsewhere.inspector, on=DAY).exists()
    assert queries.desk(user=elsewhere.inspector, at=NOON, on=DAY).to_inspect == 0


def test_batches_are_filtered_by_state_and_newest_first(shop: Shop) -> None:
    older = large_batch(shop, items=1, scans=1, name="旧")
    newer = large_batch(shop, items=1, scans=1, name="新")
    Batch.objects.filter(pk=older.pk).update(received_at=NOON - timedelta(days=1))

    listed = queries.batches(user=shop.inspector, on=DAY, state="inspection")

    assert [batch.name for batch in listed] == ["新", "旧"]
    assert newer in listed
    assert not queries.batches(user=shop.inspector, on=DAY, state="accepted").exists()


def test_the_desk_counts_what_waits_and_what_is_late(shop: Shop) -> None:
    late = large_batch(shop, items=2, scans=2, name="迟")
    Batch.objects.filter(pk=late.pk).update(received_at=NOON - IMAGED_WITHIN)
    Item.objects.filter(folder="0000").update(paper_sides=None, counted_by=None, counted_at=None)
    scan = Scan.objects.filter(item__batch=late).first()
    assert scan is not None
    Scan.objects.filter(pk=scan.pk).update(
        state=ScanState.RETURNED, returned_by=shop.inspector, returned_at=NOON
    )

    desk = queries.desk(user=shop.inspector, at=NOON, on=DAY)

    assert (desk.receiving, desk.to_inspect, desk.to_count) == (0, 1, 1)
    assert (desk.returned, desk.overdue) == (1, 1)
    assert [batch.name for batch in desk.oldest] == ["迟"]
    assert list(queries.returned_scans(user=shop.operator, on=DAY)) == [scan]


def test_the_inbox_lists_folders_that_were_not_received(shop: Shop, home: Path) -> None:
    for name in ("一", "二", ".隐藏"):
        (home / "inbox" / name).mkdir(parents=True)
    (home / "inbox" / "文件.txt").write_text("x")
    (home / "inbox" / "链接").symlink_to(home)
    factories.dossier_folder(home / "inbox" / "一" / "陈", factories.entry("1", 1, 1))

    factories.receive(shop, home / "inbox" / "一")

    assert queries.folders_to_receive(body=shop.body) == ["二"]
    batch = Batch.objects.get()
    assert batch.folder == "一"
    assert queries.folder_of(batch) == home / "inbox" / "一"
    assert queries.batch_of_folder(body=shop.body, folder=home / "inbox" / "一") == batch


def test_what_was_kept_apart_is_listed_with_one_question(shop: Shop) -> None:
    batch = large_batch(shop, items=1, scans=1)
    for number in range(200):
        Quarantined.objects.create(
            batch=batch, path=f"{number}.jpg", code="Q14", sentence="坏", at=NOON
        )

    assert asked(lambda: list(queries.quarantined_of(batch=batch)[:30])) == 1
    assert queries.batches(user=shop.inspector, on=DAY).get().quarantined_count == 200
