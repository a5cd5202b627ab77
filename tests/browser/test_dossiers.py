"""Finding a dossier while typing, its catalogue, and correcting it."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect


def test_typing_finds_and_the_address_can_be_kept(
    page_as: Callable[[str], Page], accessible: Callable[[Page], None], picture: Callable
) -> None:
    page = page_as("dangan")
    page.goto("/dossiers/")
    everyone = page.locator("tbody tr").count()
    name = page.locator("tbody tr b").first.inner_text()
    accessible(page)
    picture(page, "dossiers")

    page.keyboard.press("/")
    page.keyboard.type(name)
    page.wait_for_url(re.compile("q="))

    expect(page.locator("tbody tr").first).to_contain_text(name)
    assert page.locator("tbody tr").count() <= everyone
    page.get_by_role("link", name=re.compile("^退休存档")).click()
    page.wait_for_url(re.compile("(?=.*state=retired)(?=.*q=)"))
    page.reload()
    expect(page.get_by_label("关键词")).to_have_value(name)


def test_back_brings_the_earlier_results(page_as: Callable[[str], Page]) -> None:
    page = page_as("dangan")
    page.goto("/dossiers/")
    total = page.locator("#results h2[aria-live]").inner_text()

    page.get_by_role("link", name=re.compile("^出库送审")).click()
    page.wait_for_url(re.compile("state=out_review"))
    page.go_back()

    expect(page.locator("#results h2[aria-live]")).to_have_text(total)


def test_a_catalogue_is_corrected_and_a_slip_keeps_what_was_typed(
    page_as: Callable[[str], Page], accessible: Callable[[Page], None], picture: Callable
) -> None:
    page = page_as("dangan")
    page.goto("/dossiers/")
    page.get_by_role("link", name=re.compile("^查看目录")).first.click()
    expect(page.locator(".lt-catalogue")).to_be_visible()
    accessible(page)
    picture(page, "dossier")
    page.get_by_role("link", name=re.compile("^修改")).first.click()
    expect(page.get_by_label("修改理由")).to_be_visible()
    accessible(page)

    page.get_by_label("材料形成时间").fill("昨天")
    page.get_by_label("修改理由").fill("与原件核对")
    page.get_by_role("button", name="修改并留痕").click()
    expect(page.get_by_role("alert")).to_contain_text("材料形成时间请按")
    expect(page.get_by_label("修改理由")).to_have_value("与原件核对")
    picture(page, "dossier-edit-refused")
    page.get_by_label("材料形成时间").fill("1986-07")
    page.get_by_role("button", name="修改并留痕").click()

    expect(page.get_by_text("目录已修改并留痕")).to_be_visible()
    expect(page.locator(".lt-catalogue")).to_contain_text("1986-07")
