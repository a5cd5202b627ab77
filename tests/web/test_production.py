"""The production desk, as its people use it through the pages."""

import re
from pathlib import Path

import imaging_factories as factories
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now
from imaging_factories import Shop

from lantai.access.models import RefusedAttempt
from lantai.dossiers.models import Dossier
from lantai.identity.models import User
from lantai.identity.rules import Role
from lantai.imaging import services
from lantai.imaging.models import Batch, Finding, Handover, Item, Scan, ScanLook

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


def browser(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def post(person: User, url: str, /, *args: object, **fields: object) -> int:
    return browser(person).post(reverse(url, args=args), fields).status_code


def page(person: User, name: str, *args: object, **query: str) -> str:
    answer = browser(person).get(reverse(name, args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def finding_of(item: Item, scan: Scan | None = None, *, blocks: bool = True) -> Finding:
    return Finding.objects.create(
        item=item,
        scan=scan,
        code="Q01",
        path="1-1-001.jpg",
        sentence="影像不清晰，请重新扫描",
        measure="5.2 像素",
        threshold="4 像素",
        x=100,
        y=200,
        width=300,
        height=400,
        blocks=blocks,
    )


def test_a_folder_of_the_inbox_is_received_and_its_progress_shown(shop: Shop, home: Path) -> None:
    factories.dossier_folder(home / "inbox" / "一号箱" / "陈大文", factories.entry("1", 1, 1))

    listed = page(shop.operator, "batches")
    answer = browser(shop.operator).post(
        reverse("batch-receive"),
        {"folder": "一号箱", "body": "pc", "name": "第一批", "device": "A-01"},
    )
    batch = Batch.objects.get()
    waiting = page(shop.operator, "batch-progress", batch.uid)
    asked = browser(shop.operator).get(reverse("batch-progress", args=[batch.uid]), {"whole": "1"})
    list(services.process(batch=batch, at=now()))
    done = browser(shop.operator).get(reverse("batch-progress", args=[batch.uid]), {"whole": "1"})

    assert "一号箱" in listed
    assert answer.headers["Location"] == reverse("batch", args=[batch.uid])
    assert (batch.name, batch.device, batch.operator) == ("第一批", "A-01", shop.operator)
    assert 'hx-trigger="every 2s"' in waiting
    assert '<progress max="2" value="0"' in waiting
    assert "whole" not in waiting
    assert f'{reverse("batch-progress", args=[batch.uid])}?whole=1"' in asked.content.decode()
    assert done.headers["HX-Refresh"] == "true"
    assert "待质检" in done.content.decode()
    assert "一号箱" not in page(shop.operator, "batches")


@pytest.mark.parametrize("folder", ["../外面", "没有的", "/etc"])
def test_a_folder_that_is_not_in_the_inbox_is_not_received(
    shop: Shop, home: Path, folder: str
) -> None:
    (home / "外面").mkdir()
    (home / "inbox").mkdir()

    status = post(shop.operator, "batch-receive", folder=folder, body="pc", name="批", device="")

    assert status == 422
    assert not Batch.objects.exists()


def test_the_list_shows_a_batch_with_its_numbers_to_those_whose_work_it_is(
    shop: Shop, batch: Batch
) -> None:
    for person in (shop.operator, shop.inspector, shop.archivist):
        assert "测试批次" in page(person, "batches")
    assert "测试批次" not in page(shop.inspector, "batches", state="accepted")
    assert "测试批次" in page(shop.inspector, "batches", state="没有这种")
    clerk = factories.officer(Role.WINDOW_CLERK, body=shop.body, username="clerk")
    assert browser(clerk).get(reverse("batches")).status_code == 403


def test_a_batch_of_another_district_is_not_told_of(shop: Shop, batch: Batch, scan: Scan) -> None:
    stranger = browser(factories.shop("xl").inspector)

    for name, uid in (("batch", batch.uid), ("item", scan.item.uid), ("scan", scan.uid)):
        assert stranger.get(reverse(name, args=[uid])).status_code == 404
    assert "测试批次" not in stranger.get(reverse("batches")).content.decode()
    assert not ScanLook.objects.exists()


def test_who_counts_sees_no_image_and_no_number_before_the_count(
    shop: Shop, batch: Batch, item: Item
) -> None:
    before = page(shop.archivist, "item", item.uid)
    listed = page(shop.archivist, "batch", batch.uid)
    status = post(shop.archivist, "item-count", item.uid, sides="3")
    after = page(shop.archivist, "item", item.uid)

    assert "scan-thumb" not in before
    assert reverse("scan-thumb", args=[item.scans.first().uid]) not in before  # type: ignore[union-attr]
    assert "清点后显示" in before
    assert "清点后显示" in listed
    assert status == 302
    assert reverse("scan-thumb", args=[item.scans.first().uid]) in after  # type: ignore[union-attr]
    assert "三数一致" in after


def test_a_count_that_is_no_number_is_refused(shop: Shop, item: Item) -> None:
    for sides in ("", "三", "0", "-1", "10000"):
        assert post(shop.archivist, "item-count", item.uid, sides=sides) == 422

    item.refresh_from_db()
    assert item.paper_sides is None
    assert RefusedAttempt.objects.count() == 5


def test_opening_an_item_records_the_look_before_its_thumbnails_answer(
    shop: Shop, item: Item, scan: Scan
) -> None:
    client = browser(shop.inspector)
    thumb = reverse("scan-thumb", args=[scan.uid])

    early = client.get(thumb)
    client.get(reverse("item", args=[item.uid]))
    shown = client.get(thumb)

    assert early.status_code == 403
    assert shown.status_code == 200
    assert (shown["Content-Type"], shown["Cache-Control"]) == ("image/jpeg", "private, no-store")
    assert ScanLook.objects.get().scan is None


def test_a_scan_is_shown_large_with_its_findings_and_the_look_recorded(
    shop: Shop, item: Item, scan: Scan
) -> None:
    finding_of(item, scan)
    client = browser(shop.inspector)
    tile = reverse("scan-image", args=[scan.uid, 0, 0, 0])

    early = client.get(tile)
    large = client.get(reverse("scan", args=[scan.uid])).content.decode()
    shown = client.get(tile)
    missing = client.get(reverse("scan-image", args=[scan.uid, 9, 0, 0]))

    assert (early.status_code, shown.status_code, missing.status_code) == (403, 200, 404)
    assert early.json()["reasons"] == ["影像已关闭：查看时间已到，请重新打开这一页"]
    assert shown.content.startswith(b"\xff\xd8\xff")
    assert ScanLook.objects.get().scan == scan
    assert "影像不清晰，请重新扫描" in large
    assert '"box": [100, 200, 300, 400]' in large
    assert '"width": 2480' in large


def test_opening_again_records_another_look(shop: Shop, scan: Scan) -> None:
    client = browser(shop.inspector)
    client.get(reverse("scan", args=[scan.uid]))

    answer = client.post(reverse("scan-open", args=[scan.uid]))

    assert answer.json()["levels"] == 4
    assert answer.json()["watermark"].startswith("测试pc-inspector pc-inspector 20")
    assert ScanLook.objects.count() == 2


def test_a_finding_is_judged_a_page_sent_back_and_scanned_again(
    shop: Shop, item: Item, scan: Scan
) -> None:
    finding = finding_of(item, scan)
    client = browser(shop.inspector)
    client.get(reverse("scan", args=[scan.uid]))

    judged = client.post(reverse("finding-judge", args=[finding.uid]), {"verdict": "confirmed"})
    returned = client.post(reverse("scan-return", args=[scan.uid]), {"reason": "影像模糊"})
    waiting = page(shop.operator, "batches")
    answer = browser(shop.operator).post(
        reverse("scan-replace", args=[scan.uid]),
        {"file": SimpleUploadedFile("1-1-001.jpg", factories.page(50), "image/jpeg")},
    )

    fresh = Scan.objects.get(replaces=scan)
    finding.refresh_from_db()
    assert (judged.status_code, returned.status_code) == (302, 302)
    assert finding.verdict == "confirmed"
    assert "影像模糊" in waiting
    assert answer.headers["Location"] == reverse("scan", args=[fresh.uid])
    assert "查看被退回的影像" in page(shop.inspector, "scan", fresh.uid)


def test_an_upload_that_is_no_image_is_refused_with_the_sentence(shop: Shop, scan: Scan) -> None:
    services.return_scan(scan_uid=scan.uid, reason="模糊", by=shop.inspector, at=now())

    answer = browser(shop.operator).post(
        reverse("scan-replace", args=[scan.uid]),
        {"file": SimpleUploadedFile("1-1-001.jpg", b"not an image", "image/jpeg")},
    )
    none = post(shop.operator, "scan-replace", scan.uid)

    assert (answer.status_code, none) == (422, 422)
    assert "文本文件" in answer.content.decode()
    assert Scan.objects.count() == 3


def test_a_batch_lists_what_stands_against_it_and_is_accepted_when_nothing_does(
    shop: Shop, batch: Batch
) -> None:
    objected = page(shop.inspector, "batch", batch.uid)
    refused = post(shop.inspector, "batch-accept", batch.uid)
    factories.count_all(shop, batch)
    for scan in Scan.objects.all():
        page(shop.inspector, "scan", scan.uid)
    ready = page(shop.inspector, "batch", batch.uid)
    accepted = post(shop.inspector, "batch-accept", batch.uid)
    over = page(shop.inspector, "batch", batch.uid)

    assert "尚未清点纸质页数" in objected
    assert (refused, accepted) == (409, 302)
    assert "各项检查通过，可以验收" in ready
    dossier = Dossier.objects.get()
    assert dossier.number in over
    assert "验收入库" not in over


def test_a_wrong_catalogue_is_mended_by_the_archivist(shop: Shop, item: Item, scan: Scan) -> None:
    post(shop.archivist, "item-count", item.uid, sides="3")

    statuses = [
        post(
            shop.archivist,
            "item-line",
            item.uid,
            class_code="4-1",
            sequence="1",
            title="学籍卡",
            formed="1985",
            page_count="1",
            remark="",
        ),
        post(shop.archivist, "scan-place", scan.uid, place="4-1-1", number="1"),
        post(
            shop.archivist,
            "item-person",
            item.uid,
            name="陈大文",
            sex="男",
            ethnic="汉族",
            id_number=factories.id_number(1),
            employer="新厂",
        ),
        post(shop.archivist, "scan-place", scan.uid, place="乱写", number="1"),
    ]

    assert statuses == [302, 302, 302, 422]
    scan.refresh_from_db()
    item.refresh_from_db()
    assert (str(scan.line), scan.number, item.employer) == ("4-1-1", 1, "新厂")
    line = item.lines.get(class_code="1")
    assert post(shop.archivist, "item-line-remove", item.uid, line.uid) == 409


def test_a_missing_page_is_supplied_from_the_item(shop: Shop, item: Item) -> None:
    services.set_scan_aside(
        scan_uid=item.scans.get(file_name="1-1-002.jpg").uid,
        reason="错页",
        by=shop.inspector,
        at=now(),
    )

    answer = browser(shop.operator).post(
        reverse("item-supply", args=[item.uid]),
        {"file": SimpleUploadedFile("1-1-002.jpg", factories.page(60), "image/jpeg")},
    )

    assert answer.status_code == 302
    assert item.scans.filter(file_name="1-1-002.jpg", state="current").count() == 1


def test_a_scan_and_a_whole_dossier_are_set_aside_and_taken_up(
    shop: Shop, item: Item, scan: Scan
) -> None:
    assert post(shop.inspector, "scan-aside", scan.uid, reason="重复") == 302
    assert post(shop.inspector, "item-aside", item.uid, reason="等待补件") == 302
    assert "已搁置：等待补件" in page(shop.inspector, "item", item.uid)
    assert post(shop.inspector, "item-up", item.uid) == 302

    item.refresh_from_db()
    scan.refresh_from_db()
    assert (item.aside_at, scan.state) == (None, "aside")


def test_the_paper_is_handed_over_and_back(shop: Shop, item: Item) -> None:
    post(shop.archivist, "item-count", item.uid, sides="3")

    out = post(
        shop.archivist, "item-hand", item.uid, way="to_shop", sides="3", to="张三", condition="完好"
    )
    short = post(shop.archivist, "item-hand", item.uid, way="back", sides="2", to="张三")

    assert (out, short) == (302, 409)
    assert Handover.objects.get().condition == "完好"
    assert "交付扫描" in page(shop.archivist, "item", item.uid)


def test_buttons_show_only_to_whom_they_belong(
    shop: Shop, batch: Batch, item: Item, scan: Scan
) -> None:
    finding_of(item, scan)

    inspector = page(shop.inspector, "scan", scan.uid)
    operator = page(shop.operator, "scan", scan.uid)

    assert reverse("scan-return", args=[scan.uid]) in inspector
    assert reverse("scan-return", args=[scan.uid]) not in operator
    assert "本页由您扫描" in operator
    assert "finding" in operator
    assert 'name="verdict"' not in operator
    assert "验收入库" in page(shop.inspector, "batch", batch.uid)
    assert "验收入库" not in page(shop.operator, "batch", batch.uid)


def test_no_page_shows_a_whole_id_number_but_to_who_corrects_it(
    shop: Shop, batch: Batch, item: Item, scan: Scan
) -> None:
    number = factories.id_number(1)

    assert number not in page(shop.inspector, "batch", batch.uid)
    assert number not in page(shop.inspector, "item", item.uid)
    assert number not in page(shop.inspector, "scan", scan.uid)


def test_pages_carry_no_style_or_script_of_their_own(
    shop: Shop, batch: Batch, item: Item, scan: Scan
) -> None:
    shown = [
        page(shop.inspector, "batches"),
        page(shop.inspector, "batch", batch.uid),
        page(shop.inspector, "item", item.uid),
        page(shop.inspector, "scan", scan.uid),
        page(shop.archivist, "item-count", item.uid),
    ]

    for html in shown:
        assert not re.search(r"\sstyle=|\son[a-z]+=", html)
        scripts = re.findall(r"<script(?![^>]*(?:src=|application/json))", html)
        assert scripts == []


def test_a_batch_of_sixty_dossiers_is_shown_with_few_questions(shop: Shop, tmp_path: Path) -> None:
    root = tmp_path / "大批"
    for number in range(60):
        (root / f"{number:03d}").mkdir(parents=True)
    factories.dossier_folder(root / "陈大文", factories.entry("1", 1, 1))
    batch, _ = factories.take_in(shop, root)
    client = browser(shop.inspector)
    client.get(reverse("batch", args=[batch.uid]))

    with CaptureQueriesContext(connection) as asked:
        answer = client.get(reverse("batch", args=[batch.uid]))

    assert answer.status_code == 200
    assert answer.content.decode().count('<span class="lt-fg-warn">未清点</span>') == 30
    assert len(asked) <= 30
