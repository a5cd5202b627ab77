"""Signing in, as a person with a keyboard or a phone does."""

from collections.abc import Callable

from playwright.sync_api import Browser, Page, expect

PASSWORD = "lantai-demo-2026"


def _stranger(browser: Browser, address: str, *, width: int = 1366, height: int = 768) -> Page:
    context = browser.new_context(
        base_url=address, viewport={"width": width, "height": height}, locale="zh-CN"
    )
    return context.new_page()


def test_a_person_signs_in_with_the_keyboard_alone(
    browser: Browser, site: object, accessible: Callable[[Page], None], picture: Callable
) -> None:
    page = _stranger(browser, site.address)
    page.goto("/")
    accessible(page)
    picture(page, "signin")

    page.keyboard.type("chushen")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_contain_text("李敏")
    page.context.close()


def test_a_wrong_password_is_answered_on_the_page(browser: Browser, site: object) -> None:
    page = _stranger(browser, site.address)
    page.goto("/accounts/login/")

    page.get_by_label("用户名").fill("chushen")
    page.get_by_label("密码").fill("falsch")
    page.get_by_role("button", name="登录", exact=True).click()

    expect(page.get_by_role("alert")).to_contain_text("用户名或密码不正确")
    page.context.close()


def test_the_page_speaks_english_and_chinese_again(browser: Browser, site: object) -> None:
    page = _stranger(browser, site.address)
    page.goto("/accounts/login/")

    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.get_by_role("button", name="简体中文").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("用户登录")
    page.context.close()


def test_signing_in_fits_a_phone(
    browser: Browser, site: object, accessible: Callable[[Page], None]
) -> None:
    page = _stranger(browser, site.address, width=390, height=844)
    page.goto("/accounts/login/")

    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()


def test_the_security_settings_are_in_reach_and_accessible(
    page_as: Callable[[str], Page], accessible: Callable[[Page], None], picture: Callable
) -> None:
    page = page_as("xitong")
    page.goto("/")

    page.locator("summary.lt-user").click()
    page.get_by_role("link", name="安全设置").click()
    expect(page.get_by_role("link", name="启用动态口令")).to_be_visible()
    accessible(page)
    picture(page, "security")
    page.get_by_role("link", name="启用动态口令").click()
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="继续").click()

    expect(page.get_by_alt_text("动态口令二维码")).to_be_visible()
    accessible(page)
    picture(page, "second-factor")
