"""The window's certificates: found, shown, revoked, and told as such to whoever holds one."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

Opener = Callable[[str], Page]
Check = Callable[[Page], None]
Picture = Callable[[Page, str], None]


def test_a_certificate_is_found_looked_at_and_revoked(
    page_as: Opener, accessible: Check, picture: Picture
) -> None:
    page = page_as("chuangkou")
    page.goto("/certificates/")
    accessible(page)
    picture(page, "certificates")
    page.locator(".lt-table tbody a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("有效")
    accessible(page)
    picture(page, "certificate")
    # Work is certified as work; schooling is none.
    expect(page.locator(".lt-table")).to_contain_text("工作经历")
    expect(page.locator(".lt-table")).not_to_contain_text("小学")
    number = page.locator("dt:text-is('证明编号') + dd").inner_text()
    code = page.locator("dt:text-is('核验码') + dd").inner_text()

    page.get_by_label("撤销理由").fill("姓名用字有误")
    page.get_by_role("button", name="撤销证明").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("已撤销")
    accessible(page)
    holder = page_as("benren")
    holder.goto(f"/verify/?number={number}")
    holder.get_by_label("核验码").fill(code)
    holder.get_by_role("button", name="查验").click()
    expect(holder.locator("main")).to_contain_text("撤销")
    accessible(holder)
