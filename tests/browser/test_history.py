"""What was done with a dossier, told to people; and a page confirmed as what it was."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

PageAs = Callable[[str], Page]


def test_a_dossier_tells_its_history_in_sentences(
    page_as: PageAs, accessible: Callable[[Page], None], picture: Callable[[Page, str], None]
) -> None:
    page = page_as("dangan")
    page.goto("/dossiers/")
    page.locator("#results a[href^='/dossiers/']").first.click()
    page.get_by_role("link", name="档案留痕").click()

    expect(page.get_by_role("heading", name="档案留痕", level=1)).to_be_visible()
    first = page.locator(".lt-told li").first
    expect(first).to_contain_text(re.compile(r"2026-\d\d-\d\d \d\d:\d\d"))
    accessible(page)
    picture(page, "history")

    page.get_by_role("link", name="档案与目录").click()
    expect(page).to_have_url(re.compile(r"kind=dossiers"))
    expect(page.locator("#results")).to_contain_text("档案入库")

    page.locator(".lt-told li").filter(has_text="档案入库").get_by_role("link").click()
    expect(page.get_by_role("heading", name="留痕证明")).to_be_visible()
    page.get_by_text("包含证明").click()
    expect(page.locator("pre")).to_contain_text("c2sp.org/tlog-proof@v1")
    accessible(page)
    picture(page, "history-proof")


def test_one_click_in_the_catalogue_confirms_a_page(
    page_as: PageAs, accessible: Callable[[Page], None], picture: Callable[[Page, str], None]
) -> None:
    page = page_as("dangan")
    page.goto("/dossiers/")
    page.locator("#results a[href^='/dossiers/']").first.click()
    page.locator(".lt-originals summary").first.click()
    picture(page, "dossier-originals")
    page.locator(".lt-originals button").first.click()

    expect(page.get_by_role("heading", name="一致", exact=True)).to_be_visible()
    expect(page.locator("main")).to_contain_text("本次确认")
    accessible(page)
    picture(page, "original")
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="打印")).to_be_hidden()
    expect(page.get_by_text("确认时算得的 SHA-256")).to_be_visible()


def test_the_history_fits_a_phone(page_as: PageAs, picture: Callable[[Page, str], None]) -> None:
    page = page_as("dangan")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/dossiers/")
    page.locator("#results a[href^='/dossiers/']").first.click()
    page.get_by_role("link", name="档案留痕").click()
    expect(page.get_by_role("heading", name="档案留痕", level=1)).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture(page, "history-phone")


def test_the_review_desk_confirms_the_page_that_is_shown(
    page_as: PageAs, picture: Callable[[Page, str], None]
) -> None:
    page = page_as("chushen")
    page.goto("/cases/?state=in_review")
    page.locator(".lt-table tbody a").first.click()
    take = page.get_by_role("button", name="领办本件")
    enter = page.get_by_role("link", name="进入审核台")
    expect(take.or_(enter)).to_be_visible()
    (take if take.count() else enter).click()
    expect(page.locator(".lt-mark-box").first).to_be_visible()
    shown = page.locator(".lt-thumb[aria-current]")
    expect(shown).to_be_visible()
    title = shown.locator("b").inner_text()
    picture(page, "review-original")
    with page.context.expect_page() as opening:
        page.get_by_role("button", name="原始性确认").click()
    sheet = opening.value

    expect(sheet.get_by_role("heading", name="一致", exact=True)).to_be_visible()
    expect(sheet.locator(".lt-who")).to_contain_text(title)
    sheet.close()
