"""The officers' journeys on the review desk, each on the case that waits for them in the demo."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

Opener = Callable[[str], Page]
Check = Callable[[Page], None]
Picture = Callable[[Page, str], None]


def open_desk(page: Page, state: str) -> None:
    """From the list of cases to the desk of the first one in a state, taking it if need be."""
    page.goto(f"/cases/?state={state}")
    page.locator(".lt-table tbody a").first.click()
    take = page.get_by_role("button", name="领办本件")
    enter = page.get_by_role("link", name="进入审核台")
    expect(take.or_(enter)).to_be_visible()
    (take if take.count() else enter).click()
    expect(page.locator(".lt-mark-box").first).to_be_visible()


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is on the element."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("which => document.activeElement.matches(which)", selector):
            return
    raise AssertionError(f"the keyboard does not reach {selector}")


def test_the_reviewer_reads_draws_states_adopts_and_submits(
    page_as: Opener, accessible: Check, picture: Picture
) -> None:
    page = page_as("chushen")
    open_desk(page, "in_review")
    accessible(page)

    # What differs lies side by side.
    page.get_by_role("button", name="对照两处").first.click()
    right = page.locator('[data-pane="right"]')
    expect(right.locator(".lt-pane-title")).to_contain_text("职工履历表")
    expect(right.locator(".lt-mark-risk")).to_be_visible()

    # A region is drawn on the assignment letter, and the form knows its place.
    page.fill("[name=find]", "报到证")
    page.locator(".lt-thumb:visible").first.click()
    left_or_right = page.locator(".lt-pane.is-active")
    expect(left_or_right.locator(".lt-pane-title")).to_contain_text("报到证")
    expect(left_or_right.locator(".lt-mark-box").first).to_be_visible()
    left_or_right.focus()
    page.keyboard.press("d")
    box = left_or_right.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.56, steps=5)
    page.mouse.up()
    form = page.get_by_role("form", name="登记记载")
    expect(form.locator("[data-place]")).to_contain_text("报到证 第 1 页")
    assert int(form.locator("[name=w]").input_value()) > 100

    form.get_by_label("要素").select_option("first_work")
    form.get_by_label("原文").fill("1993年8月报到")
    form.get_by_label("时间或起").fill("1993-08")
    form.get_by_role("button", name="登记记载").click()
    expect(page.locator("#bench-say")).to_have_text("已登记这处记载")
    expect(page.locator(".lt-evid-val", has_text="1993年8月报到")).to_be_visible()
    expect(left_or_right.get_by_title("参加工作时间 1993年8月报到")).to_be_visible()

    page.get_by_role("button", name=re.compile("^采信建议 1971-05-16")).click()
    expect(page.get_by_role("button", name=re.compile("^采信建议 1971"))).to_have_count(0)
    page.get_by_role("button", name=re.compile("^采信建议 1993-08")).click()
    expect(page.get_by_role("button", name=re.compile("^采信建议"))).to_have_count(0)

    submit = page.locator('#bench-acts [data-dialog="deed-submit"]')
    expect(submit).not_to_have_attribute("aria-disabled", "true")
    submit.click()
    dialog = page.get_by_role("dialog", name="提交复核")
    dialog.get_by_label("初审意见").fill("出生时间以最早形成的学籍卡为准，与身份证一致。")
    picture(page, "review-submit")
    dialog.get_by_role("button", name="提交复核").click()
    expect(page.get_by_text("初审已提交，等待复核")).to_be_visible()
    expect(page.locator(".lt-who")).to_contain_text("复核中")


def test_the_second_reviewer_marks_and_confirms_with_the_keyboard_alone(
    page_as: Opener, accessible: Check, picture: Picture
) -> None:
    page = page_as("fuhe")
    open_desk(page, "in_confirmation")
    accessible(page)
    pane = page.locator('[data-pane="left"]')
    title = pane.locator(".lt-pane-title")
    first = title.inner_text()

    # Every key page is turned to, which opens it for the record.
    pages = page.locator(".lt-thumb:visible").count()
    tab_to(page, '[data-pane="left"]')
    for _ in range(pages):
        page.keyboard.press("ArrowRight")
        expect(pane.locator(".lt-glass")).not_to_have_attribute("aria-busy", "true")
    expect(title).not_to_have_text(first)
    for _ in range(pages):
        page.keyboard.press("ArrowLeft")
        expect(pane.locator(".lt-glass")).not_to_have_attribute("aria-busy", "true")

    # A region by keys, then the mark's own form.
    page.keyboard.press("d")
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    expect(page.locator("#bench-say")).to_contain_text("区域 左")
    page.keyboard.press("Enter")
    expect(page.locator("#mark-kind")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("请审批时留意此处墨色")
    page.keyboard.press("Enter")
    expect(page.locator("#bench-say")).to_have_text("已标记")
    expect(pane.get_by_title("疑点：请审批时留意此处墨色")).to_be_visible()

    # The page with the new doubt was opened; nothing stands against confirming.
    tab_to(page, '[data-dialog="deed-confirm"]')
    page.keyboard.press("Enter")
    tab_to(page, "#confirm-text")
    page.keyboard.type("复核一致，同意初审意见。")
    tab_to(page, '#deed-confirm button[type="submit"]')
    picture(page, "review-confirm")
    page.keyboard.press("Enter")
    expect(page.get_by_text("复核通过，影像已固定")).to_be_visible()
    expect(page.locator(".lt-who")).to_contain_text("待审批")


def test_the_approver_calls_the_paper_and_decides_on_what_was_frozen(
    page_as: Opener, accessible: Check, picture: Picture
) -> None:
    page = page_as("shenpi")
    open_desk(page, "frozen")
    address = page.url
    accessible(page)
    picture(page, "approval-desk")
    expect(page.get_by_text("现有影像、记载和标记与固定时逐一核对，一致。")).to_be_visible()
    for thumb in page.locator(".lt-thumb:visible").all():
        thumb.click()
        expect(page.locator('[data-pane="left"] .lt-glass')).not_to_have_attribute(
            "aria-busy", "true"
        )

    # A complex case is not approved before the paper was seen.
    page.locator('[data-dialog="deed-decide"]').click()
    decide = page.get_by_role("dialog", name="作出决定")
    expect(decide.get_by_label("批准", exact=True)).to_be_disabled()
    expect(decide).to_contain_text("复杂件须先核对实体档案")
    decide.get_by_role("button", name="取消").click()
    page.locator('[data-dialog="deed-call-paper"]').click()
    call = page.get_by_role("dialog", name="调纸质档案")
    call.get_by_role("textbox").fill("核对招工登记表出生年月")
    call.get_by_role("button", name="调纸质档案").click()
    expect(page.locator(".lt-who")).to_contain_text("已调实体档案")
    case = page.url

    store = page_as("dangan")
    store.goto(case)
    accessible(store)
    picture(store, "case-paper-out")
    sides = store.get_by_text(re.compile(r"登记 \d+ 页")).first.inner_text()
    count = re.findall(r"\d+", sides)[0]
    for verb in ("实体出库", "实体归还"):
        store.get_by_label("当面清点页数").fill(count)
        store.locator("form", has=store.get_by_role("button", name=verb)).get_by_role(
            "textbox"
        ).last.fill("孙建国")
        store.get_by_role("button", name=verb).click()
        expect(store.get_by_text(f"{verb[:2]}档案已{verb[2:]}", exact=True)).to_be_visible()
        if verb == "实体出库":
            page.goto(case)
            page.locator("summary", has_text="登记实体核对结果").click()
            page.get_by_label("与影像一致，或写明不一致之处").fill("与影像一致")
            page.get_by_role("button", name="登记实体核对结果").click()
            expect(page.get_by_text("已登记实体核对结果")).to_be_visible()
            store.goto(case)

    page.goto(address)
    expect(page.locator(".lt-mark-box").first).to_be_visible()
    page.locator('[data-dialog="deed-decide"]').click()
    decide.get_by_label("批准", exact=True).check()
    decide.get_by_role("textbox").fill("与固定影像和实体一致，准予退休。")
    picture(page, "approval-decide")
    decide.get_by_role("button", name="作出决定").click()
    expect(page.locator(".lt-outcome")).to_have_text("批准")
    accessible(page)
    picture(page, "case-approved")
