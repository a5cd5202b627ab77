"""Every post's desk, the frame around it, and the refusals."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

DESKS = {
    "saomiao": "退回待重扫",
    "zhijian": "待质检",
    "dangan": "业务交办",
    "chuangkou": "在办业务",
    "chushen": "我承办的初审",
    "fuhe": "我承办的复核",
    "shenpi": "我承办的审批",
    "chayue": "我的查阅授权",
    "jianguan": "超期业务",
    "xitong": "久未使用的账户",
    "anquan": "有效授权",
    "shenji": "最新记录",
}


@pytest.mark.parametrize(("username", "section"), DESKS.items())
def test_each_post_finds_its_own_work(
    page_as: Callable[[str], Page],
    accessible: Callable[[Page], None],
    picture: Callable,
    username: str,
    section: str,
) -> None:
    page = page_as(username)

    page.goto("/")

    expect(page.get_by_role("region", name=section, exact=True)).to_be_visible()
    accessible(page)
    picture(page, f"desk-{username}")


def test_the_subject_comes_straight_to_the_own_window_on_a_phone(
    page_as: Callable[[str], Page], accessible: Callable[[Page], None], picture: Callable
) -> None:
    page = page_as("benren")
    page.set_viewport_size({"width": 390, "height": 844})

    page.goto("/")

    expect(page.get_by_role("list", name="办理进度").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    accessible(page)
    picture(page, "own-phone")


def test_the_menu_opens_and_closes_by_keyboard(page_as: Callable[[str], Page]) -> None:
    page = page_as("dangan")
    page.goto("/")

    page.locator("summary.lt-user").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="退出登录")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("button", name="退出登录")).to_be_hidden()
    expect(page.locator("summary.lt-user")).to_be_focused()


def test_large_text_stays_when_the_page_changes(
    page_as: Callable[[str], Page], picture: Callable
) -> None:
    page = page_as("dangan")
    page.goto("/")

    page.get_by_role("button", name="大字版").click()
    page.goto("/dossiers/")

    expect(page.locator("html")).to_have_attribute("data-text", "large")
    picture(page, "large-text")
    page.get_by_role("button", name="大字版").click()
    expect(page.locator("html")).not_to_have_attribute("data-text", "large")


def test_the_first_tab_leads_past_the_top_bar(page_as: Callable[[str], Page]) -> None:
    page = page_as("dangan")
    page.goto("/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到主要内容")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"#main$"))


@pytest.mark.parametrize("address", ["/oversight/log/", "/nowhere/"])
def test_a_no_has_its_reason_and_a_way_back(
    page_as: Callable[[str], Page],
    accessible: Callable[[Page], None],
    picture: Callable,
    address: str,
) -> None:
    page = page_as("chushen")

    page.goto(address)

    expect(page.locator(".lt-answer-reasons li")).not_to_have_count(0)
    accessible(page)
    picture(page, f"no-{address.strip('/').replace('/', '-')}")
    page.get_by_role("link", name=re.compile("回到工作台")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("李敏")
