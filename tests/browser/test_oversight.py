"""The log with its proofs, openings, grants, figures, accounts, and the public check."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

PAGES = {
    "log": ("shenji", "/oversight/log/"),
    "openings": ("jianguan", "/oversight/openings/"),
    "refusals": ("anquan", "/oversight/refusals/"),
    "grants": ("anquan", "/oversight/grants/"),
    "figures": ("jianguan", "/oversight/figures/"),
    "accounts": ("xitong", "/accounts-and-posts/"),
}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_of_oversight_is_there_and_accessible(
    page_as: Callable[[str], Page],
    accessible: Callable[[Page], None],
    picture: Callable,
    name: str,
) -> None:
    username, address = PAGES[name]
    page = page_as(username)

    page.goto(address)

    expect(page.get_by_role("heading", level=1)).to_be_visible()
    accessible(page)
    picture(page, name)


def test_an_entry_is_followed_from_the_list_to_its_proof(
    page_as: Callable[[str], Page], accessible: Callable[[Page], None], picture: Callable
) -> None:
    page = page_as("shenji")
    page.goto("/oversight/log/")

    page.get_by_label("动作").select_option("dossiers.dossier.entered")
    page.wait_for_url(re.compile("action=dossiers"))
    expect(page.locator("tbody tr").first).to_contain_text("档案入库")
    page.get_by_role("link", name=re.compile("^查看记录")).first.click()
    page.get_by_text("包含证明").click()

    expect(page.locator("details[open] pre")).to_contain_text("c2sp.org/tlog-proof")
    accessible(page)
    picture(page, "log-entry")


def test_a_grant_is_taken_back_with_a_reason(page_as: Callable[[str], Page]) -> None:
    page = page_as("anquan")
    page.goto("/oversight/grants/")
    before = page.locator("tbody tr").count()

    page.get_by_role("link", name=re.compile("^收回")).first.click()
    page.get_by_label("收回理由").fill("岗位调整")
    page.get_by_role("button", name="收回授权").click()

    expect(page.get_by_text("授权已收回")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("^收回"))).to_have_count(before - 1)


def test_figures_are_printed_without_the_frame(page_as: Callable[[str], Page]) -> None:
    page = page_as("jianguan")
    page.goto("/oversight/figures/")

    page.emulate_media(media="print")

    expect(page.locator(".lt-top")).to_be_hidden()
    expect(page.get_by_text("打印人")).to_be_visible()
    page.emulate_media(media="screen")


def test_anybody_checks_a_certificate_by_number_and_code(
    browser: Browser,
    site: object,
    page_as: Callable[[str], Page],
    accessible: Callable[[Page], None],
    picture: Callable,
) -> None:
    window = page_as("chuangkou")
    window.goto("/certificates/")
    window.locator("tbody a").first.click()
    expect(window.get_by_role("heading", level=1)).to_contain_text("证明")
    expect(window.locator("dt:text-is('核验码')")).to_be_visible()
    text = window.locator("main").inner_text()
    number = re.search(r"\d{4}-LT\d+-\d{6}", text)
    code = re.search(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}", text)
    assert number is not None
    assert code is not None
    stranger = browser.new_context(
        base_url=site.address, viewport={"width": 390, "height": 844}, locale="zh-CN"
    ).new_page()

    stranger.goto(f"/verify/?number={number[0]}")
    stranger.get_by_label("核验码").fill(code[0].lower())
    stranger.get_by_role("button", name="查验").click()

    expect(stranger.get_by_role("heading", name="证明有效")).to_be_visible()
    accessible(stranger)
    picture(stranger, "verify-phone")
    stranger.context.close()
