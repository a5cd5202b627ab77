"""The case pages, and the tools of the desk that change nothing."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

Opener = Callable[[str], Page]
Check = Callable[[Page], None]
Picture = Callable[[Page, str], None]

SEEN = """side => {
  const { osd } = document.querySelector('lt-workbench').views[side]
  return [osd.viewport.getZoom(), osd.viewport.getCenter().x, osd.viewport.getRotation()]
}"""
GLASS = """() => {
  const canvas = document.querySelector('.lt-loupe canvas')
  const { data } = canvas.getContext('2d').getImageData(70, 70, 140, 140)
  return new Set(data).size
}"""


@pytest.fixture
def desk(page_as: Opener) -> Page:
    """The reviewer's desk of the case that is half reviewed."""
    page = page_as("chushen")
    page.goto("/cases/?state=in_review")
    page.locator(".lt-table tbody a").first.click()
    page.get_by_role("link", name="进入审核台").click()
    expect(page.locator('.lt-glass[data-whole="true"]')).to_have_count(2)
    expect(page.locator('[data-pane="right"] .lt-mark-box').first).to_be_visible()
    return page


def test_the_list_is_searched_as_one_types(
    page_as: Opener, accessible: Check, picture: Picture
) -> None:
    page = page_as("chuangkou")
    page.goto("/cases/")
    accessible(page)
    picture(page, "cases")

    page.fill("#text", "贾")

    expect(page.locator(".lt-table tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"text=%E8%B4%BE"))


def test_the_clerk_finds_the_dossier_and_sees_the_month_for_the_group(
    page_as: Opener, accessible: Check, picture: Picture
) -> None:
    page = page_as("chuangkou")
    page.goto("/cases/new/")
    page.fill("#text", "贾")
    page.get_by_role("link", name=re.compile("选这份档案")).click()
    expect(page.get_by_text("请先按岗位、身份材料选择人员类别")).to_be_visible()
    accessible(page)

    # Born 1971-05: 55 in 2026-05, sixteen months after 2025-01, so five months later.
    page.get_by_label("女（原 55 周岁）").check()

    expect(page.locator("#preview")).to_contain_text("2026-10")
    picture(page, "case-new")


def test_the_page_of_a_filed_case_tells_the_whole_way(
    page_as: Opener, accessible: Check, picture: Picture
) -> None:
    page = page_as("chuangkou")
    page.goto("/cases/?state=filed")
    page.locator(".lt-table tbody a").first.click()

    expect(page.locator(".lt-steps .done")).to_have_count(6)
    expect(page.locator(".lt-outcome")).to_have_text("批准")
    accessible(page)
    picture(page, "case-filed")


def test_the_desk_fits_the_small_screen_without_scrolling(desk: Page, picture: Picture) -> None:
    picture(desk, "review-desk")
    sizes = desk.evaluate(
        "[document.documentElement.scrollHeight, innerHeight,"
        " document.documentElement.scrollWidth, innerWidth]"
    )

    assert sizes == [768, 768, 1366, 1366]


def test_linked_panes_move_together_until_they_are_let_go(desk: Page) -> None:
    desk.locator('[data-pane="left"]').focus()
    before = desk.evaluate(SEEN, "right")
    desk.keyboard.press("k")
    desk.keyboard.press("+")
    desk.keyboard.press("r")
    together = desk.evaluate(SEEN, "right")
    desk.keyboard.press("k")
    desk.keyboard.press("+")
    alone = desk.evaluate(SEEN, "right")

    assert together[0] == pytest.approx(before[0] * 1.4, rel=0.01)
    assert together[2] == before[2] + 90
    assert alone == together


def test_the_loupe_shows_stored_pixels_through_each_recipe(desk: Page, picture: Picture) -> None:
    desk.locator('[data-pane="left"]').focus()
    names, shades = [], []
    for _ in range(3):
        desk.keyboard.press("l")
        expect(desk.locator('.lt-loupe[data-whole="true"]')).to_be_visible()
        names.append(desk.locator(".lt-loupe span").inner_text())
        shades.append(desk.evaluate(GLASS))
        picture(desk, f"review-lens-{len(names)}")

    desk.keyboard.press("l")

    assert names == ["印章 ×1.8", "墨迹 ×1.8", "纸面 ×1.8"]
    assert shades[1] > 8  # writing is there, in more than the ground's few shades
    assert shades[2] > 8
    expect(desk.locator(".lt-loupe")).to_be_hidden()


def test_the_viewer_goes_dark_when_the_leave_ends_and_opens_again(
    desk: Page, picture: Picture
) -> None:
    def refuse(route: Route) -> None:
        route.fulfill(status=403, json={"reasons": ["影像已关闭：授权已收回，请重新打开"]})

    desk.route("**/tiles/**", refuse)
    desk.locator('[data-pane="left"]').focus()
    desk.keyboard.press("ArrowRight")
    dark = desk.locator('[data-pane="left"] .lt-dark')
    expect(dark).to_contain_text("影像已关闭：授权已收回，请重新打开")
    expect(desk.locator('[data-pane="left"] .lt-mark-box')).to_have_count(0)
    picture(desk, "review-dark")

    desk.unroute("**/tiles/**")
    dark.get_by_role("button", name="重新打开").click()

    expect(dark).to_be_hidden()


def test_the_keys_are_told_and_the_strip_is_filtered(desk: Page, accessible: Check) -> None:
    desk.keyboard.press("?")
    expect(desk.get_by_role("dialog", name="键盘操作")).to_be_visible()
    accessible(desk)
    desk.keyboard.press("Escape")
    key = desk.locator(".lt-thumb:visible").count()
    desk.get_by_role("button", name="全部", exact=True).click()
    everything = desk.locator(".lt-thumb:visible").count()
    desk.keyboard.press("/")
    desk.keyboard.type("履历")

    expect(desk.locator(".lt-thumb:visible")).to_have_count(2)
    assert 0 < key <= everything


def test_a_mark_on_the_page_leads_to_what_the_panel_says_of_it(desk: Page) -> None:
    desk.locator("#tab-trail").click()
    expect(desk.locator("#panel-facts")).to_be_hidden()
    mark = desk.locator('[data-pane="right"] .lt-mark-risk')
    entry = desk.locator(f'[data-entry="{mark.get_attribute("data-mark")}"]')

    mark.click()

    expect(desk.locator("#panel-facts")).to_be_visible()
    expect(entry).to_be_in_viewport()
