"""From a scanner folder to dossiers in the store: operator, archivist and inspector by turns."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, expect

OPERATOR, ARCHIVIST, INSPECTOR = "saomiao", "dangan", "zhijian"
RECEIVED, WAITING = "20261124-02", "20261125-01"
SLOW = 120_000  # a worker reads the folder meanwhile

As = Callable[[str], Page]
Check = Callable[[Page], None]
Keep = Callable[[Page, str], None]


def open_batch(page: Page, name: str) -> None:
    page.goto("/batches/")
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def open_first_item(page: Page) -> None:
    page.locator("table a").first.click()
    expect(page.locator(".lt-equation")).to_be_visible()


def sharp_page(home: Path, name: str, tmp_path: Path) -> Path:
    """The page of a name from the batch's own folder, scanned once more: other bytes."""
    scanned = next((home / "inbox" / RECEIVED).rglob(name))
    again = tmp_path / name
    out = io.BytesIO()
    with Image.open(scanned) as image:
        image.convert("RGB").save(out, "JPEG", quality=95, subsampling=0, dpi=(300, 300))
    again.write_bytes(out.getvalue())
    return again


def test_a_folder_of_the_inbox_is_received_while_the_bar_moves(
    page_as: As, accessible: Check, picture: Keep
) -> None:
    operator = page_as(OPERATOR)
    operator.goto("/batches/")
    accessible(operator)
    picture(operator, "production-batches")
    operator.get_by_label("扫描文件夹").select_option(WAITING)
    operator.get_by_label("批次名称").fill(WAITING)
    operator.get_by_label("扫描设备").fill("平板扫描仪 A-01")

    operator.get_by_role("button", name="接收为批次").click()

    expect(operator.get_by_role("heading", level=1)).to_have_text(WAITING)
    expect(operator.get_by_text("待质检").first).to_be_visible(timeout=SLOW)
    expect(operator.locator("tbody tr").first).to_contain_text(re.compile(r"\d{6}\*{8}"))
    # The page shows what came in, not the numbers it was opened with.
    expect(operator.get_by_text("15 / 15")).to_be_visible()
    accessible(operator)
    picture(operator, "production-batch")


def test_the_archivist_counts_before_any_image_is_shown(
    page_as: As, accessible: Check, picture: Keep
) -> None:
    archivist = page_as(ARCHIVIST)
    open_batch(archivist, RECEIVED)
    expect(archivist.get_by_text("清点后显示").first).to_be_visible()
    archivist.get_by_role("link", name="清点", exact=True).first.click()
    sides = archivist.get_by_label("纸质页数（有字面）")
    expect(sides).to_be_visible()
    accessible(archivist)
    picture(archivist, "production-count")

    sides.fill("14")
    archivist.keyboard.press("Enter")

    expect(archivist.locator(".lt-contact img").first).to_be_visible()
    expect(archivist.locator(".lt-equation")).to_contain_text("14")
    accessible(archivist)


def test_a_faulty_page_is_found_judged_returned_and_scanned_again(
    page_as: As, site: Any, tmp_path: Path, accessible: Check, picture: Keep
) -> None:
    inspector = page_as(INSPECTOR)
    open_batch(inspector, RECEIVED)
    expect(inspector.get_by_role("heading", name="验收检查")).to_be_visible()
    accessible(inspector)
    open_first_item(inspector)
    accessible(inspector)
    picture(inspector, "production-item")

    inspector.get_by_role("link", name="有问题", exact=True).click()
    inspector.locator(".lt-contact-page", has_text="不清晰").first.click()
    expect(inspector.locator("#glass canvas").first).to_be_visible()
    expect(inspector.locator(".lt-mark-box").first).to_be_visible()
    accessible(inspector)
    picture(inspector, "production-scan")
    name = inspector.locator(".lt-pairs dd").first.inner_text()

    inspector.keyboard.press("y")
    expect(inspector.locator(".lt-finding.is-confirmed")).to_be_visible()
    inspector.keyboard.press("1")
    expect(inspector.get_by_label("退回理由")).to_have_value("影像模糊")
    inspector.keyboard.press("Enter")
    expect(inspector.locator(".lt-case")).to_contain_text("已退回待重扫")

    operator = page_as(OPERATOR)
    operator.goto("/batches/")
    operator.get_by_role("link", name=re.compile("影像模糊")).click()
    operator.get_by_label("重扫的影像文件").set_input_files(sharp_page(site.home, name, tmp_path))
    operator.get_by_role("button", name="补交并替换").click()

    expect(operator.locator(".lt-case")).to_contain_text("有效")
    expect(operator.get_by_role("link", name="查看被退回的影像")).to_be_visible()
    expect(operator.get_by_text("本页由您扫描，请由其他质检员判定")).to_be_visible()


def test_pages_are_turned_by_keys_and_a_false_finding_is_dismissed(page_as: As) -> None:
    inspector = page_as(INSPECTOR)
    open_batch(inspector, RECEIVED)
    open_first_item(inspector)
    inspector.locator(".lt-contact-page").first.click()
    place = inspector.locator(".lt-case .lt-mute")
    expect(place).to_have_text(re.compile(r"^1 / "))
    canvas = inspector.locator("#glass canvas").first

    # A key is heard once the page's own script runs, and that draws the page.
    for key, number in (("ArrowRight", 2), ("ArrowLeft", 1)):
        expect(canvas).to_be_visible()
        inspector.keyboard.press(key)
        expect(place).to_have_text(re.compile(rf"^{number} / "))
    expect(canvas).to_be_visible()
    inspector.keyboard.press("n")
    expect(inspector.locator(".lt-finding.is-open").first).to_be_visible()
    inspector.keyboard.press("u")
    inspector.keyboard.type("纸张原貌如此")
    inspector.locator(".lt-finding.is-open [data-verdict=dismissed]").first.click()

    expect(inspector.locator(".lt-finding.is-dismissed").first).to_contain_text("纸张原貌如此")


def test_a_batch_is_looked_through_and_accepted(
    page_as: As, accessible: Check, picture: Keep
) -> None:
    archivist, inspector = page_as(ARCHIVIST), page_as(INSPECTOR)
    open_batch(archivist, WAITING)
    archivist.get_by_role("link", name="清点", exact=True).first.click()
    archivist.get_by_label("纸质页数（有字面）").fill("14")
    archivist.keyboard.press("Enter")
    expect(archivist.locator(".lt-equation")).to_contain_text("三数一致")

    open_batch(inspector, WAITING)
    open_first_item(inspector)
    finding = inspector.locator(".lt-finding", has_text="校验码")
    finding.get_by_placeholder("判为不属实须写理由").fill("证件原件如此，已另行登记")
    finding.get_by_role("button", name="不属实").click()
    expect(inspector.locator(".lt-finding.is-dismissed")).to_be_visible()
    inspector.locator(".lt-contact-page").first.click()
    expect(inspector.locator("#glass canvas").first).to_be_visible()
    open_batch(inspector, WAITING)
    expect(inspector.get_by_text("各项检查通过，可以验收")).to_be_visible()
    inspector.get_by_role("button", name="验收入库").click()

    expect(inspector.get_by_text("批次已验收，1 份档案入库")).to_be_visible()
    expect(inspector.get_by_text("已验收", exact=True)).to_be_visible()
    accessible(inspector)
    picture(inspector, "production-accepted")
