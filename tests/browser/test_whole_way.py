"""One dossier's whole way, from the scanner's folder to a certificate anyone can check.

Every step is done on the page of the person whose task it is. What stands on the pages is known
from the drawing (``demo-truth.json``).
"""

import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from lantai.lib import idnumber

Opener = Callable[[str], Page]
Picture = Callable[[Page, str], None]
FOLDER = "20261125-01"
SLOW = 60_000  # milliseconds; a batch of fourteen pages is read in
KINDS = {"apprentice": "apprentice", "work": "work"}


@pytest.fixture
def truth(site: Any) -> dict[str, Any]:
    """What is drawn on the pages of the dossier that still lies in the inbox."""
    told: list[dict[str, Any]] = json.loads((site.home / "demo-truth.json").read_text())
    return told[-1]


def test_a_folder_becomes_a_decision_and_a_certificate(
    page_as: Opener, picture: Picture, site: Any, truth: dict[str, Any]
) -> None:
    name = truth["person"]["name"]
    batch = _receive(page_as("saomiao"))
    _correct_and_count(page_as("dangan"), batch, name, truth)
    _inspect_and_accept(page_as("zhijian"), batch, name)
    case = _open_case(page_as("chuangkou"), name, truth)
    _review(page_as("chushen"), case, truth)
    _confirm(page_as("fuhe"), case)
    _approve(page_as("shenpi"), page_as("dangan"), case, truth, site.home)
    _file(page_as("dangan"), case)
    number, code = _certify(page_as("chuangkou"), case)
    _check(page_as("benren"), number, code)
    _see_the_log(page_as("shenji"), picture)


def _receive(page: Page) -> str:
    """The operator receives the folder; the worker reads it in while the bar moves."""
    page.goto("/batches/")
    page.select_option("#folder", FOLDER)
    page.fill("#name", FOLDER)
    page.fill("#device", "平板扫描仪 A-01")
    page.get_by_role("button", name="接收为批次").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(FOLDER)
    expect(page.locator(".lt-who")).to_contain_text("待质检", timeout=SLOW)
    return page.url


def _correct_and_count(page: Page, batch: str, name: str, truth: dict[str, Any]) -> None:
    """The archivist counts the paper, and corrects the number the catalogue has wrong."""
    page.goto(batch)
    page.get_by_role("link", name="清点").click()
    page.fill("#sides", str(truth["paper_sides"]))
    page.get_by_role("button", name="录入").click()
    page.wait_for_url(lambda url: "count" not in url)
    page.goto(batch)
    page.get_by_role("link", name=name).click()
    wrong = truth["catalogue_id_number"]
    assert idnumber.faults(wrong)
    page.fill("#p-id", wrong[:17] + idnumber.check_digit(wrong[:17]))
    page.get_by_role("button", name="保存并核对").click()
    expect(page.locator(".lt-finding.is-open.is-blocking")).to_have_count(0)


def _inspect_and_accept(page: Page, batch: str, name: str) -> None:
    """The inspector looks at every page, judges what blocks, and accepts."""
    page.goto(batch)
    page.get_by_role("link", name=name).click()
    expect(page.locator(".lt-equation")).to_be_visible()
    page.locator("a[href^='/scans/']").first.click()
    expect(page).to_have_url(re.compile("/scans/"))
    while True:
        expect(page.locator("#glass canvas").first).to_be_visible()
        while page.locator(".is-open.is-blocking [data-verdict=dismissed]").count():
            finding = page.locator(".lt-finding.is-open.is-blocking").first
            finding.get_by_role("textbox").fill("对照原件查看，影像与原件一致")
            finding.locator("[data-verdict=dismissed]").click()
            expect(finding.locator("..").locator(".is-open.is-blocking")).to_have_count(0)
        after = page.locator("a[rel=next]")
        if not after.count():
            break
        address = page.url
        after.click()
        expect(page).not_to_have_url(address)
    page.goto(batch)
    expect(page.locator("#objections")).to_contain_text("各项检查通过，可以验收")
    page.get_by_role("button", name="验收入库").click()
    expect(page.locator(".lt-who")).to_contain_text("已验收")


def _open_case(page: Page, name: str, truth: dict[str, Any]) -> str:
    """The clerk finds the dossier by name and accepts the application."""
    page.goto("/cases/new/")
    page.fill("#text", name)
    page.get_by_role("link", name=re.compile("选这份档案")).click()
    page.locator(f"input[name=group][value={truth['group']}]").check()
    page.fill("#paid_from", "1992-10")
    page.fill("#paid_months", "409")
    page.get_by_role("button", name="受理").click()
    expect(page.locator(".lt-who")).to_contain_text("已受理")
    return page.url


def _review(page: Page, case: str, truth: dict[str, Any]) -> None:
    """The first reviewer opens every key page, states what it says, adopts and submits."""
    page.goto(case)
    page.get_by_role("button", name="领办本件").click()
    expect(page.locator('[data-pane="left"] canvas').first).to_be_visible()
    page.locator(".lt-strip").get_by_text("全部", exact=True).click()
    _turn_every_page(page)
    options = {
        (option.text_content() or "").strip(): option.get_attribute("value")
        for option in page.locator("#bench-region select[name=page]").first.locator("option").all()
    }
    for drawn in truth["pages"]:
        for said in drawn["claims"]:
            if said["fact"] in {"birth", "first_work"} or (
                said["fact"] == "service" and drawn["title"] == "职工履历表"
            ):
                _state(page, options, drawn, said)
    for _ in range(2):
        button = page.get_by_role("button", name=re.compile("^采信建议")).first
        label = button.inner_text()
        button.click()
        expect(page.get_by_role("button", name=label, exact=True)).to_have_count(0)
    _turn_every_page(page)
    _deed(page, "deed-submit", "提交复核", "关键材料已逐页核对，拟同意。")
    expect(page.locator(".lt-who")).to_contain_text("复核中")


def _state(
    page: Page, options: dict[str, str | None], drawn: dict[str, Any], said: dict[str, Any]
) -> None:
    """Fill in one claim with the place it was drawn at."""
    form = page.get_by_role("form", name="登记记载")
    if not form.is_visible():
        page.locator("#bench-region > summary").click()
    wanted = f"{drawn['title']} {drawn['page']}"
    value = next(value for text, value in options.items() if text.endswith(wanted))
    by_number = form.locator(".lt-by-number")
    if by_number.get_attribute("open") is None:
        by_number.locator("summary").click()
    by_number.locator("select").select_option(value)
    for field, number in zip("xywh", said["region"], strict=True):
        by_number.locator(f"[name={field}]").fill(str(number))
    fact, kind = said["fact"], ""
    if fact == "service":
        fact, kind = (
            ("study", "study") if said["stage"] == "study" else ("service", KINDS[said["stage"]])
        )
    form.get_by_label("要素").select_option(fact)
    form.get_by_label("原文").fill(said["written"])
    form.get_by_label("时间或起").fill(
        said["start"] if said["fact"] == "service" else said["value"]
    )
    form.get_by_label("止", exact=True).fill(said.get("end") or "")
    form.get_by_label("单位").fill(said.get("unit", "") if said["fact"] == "service" else "")
    form.get_by_label("种类").select_option(kind)
    with page.expect_response(re.compile("/claims/")) as told:
        form.get_by_role("button", name="登记记载").click()
    assert told.value.status == 200, told.value.text()
    # The panel comes back anew, its form empty.
    expect(page.locator("#claim-written")).to_have_value("")


def _confirm(page: Page, case: str) -> None:
    page.goto(case)
    page.get_by_role("button", name="领办本件").click()
    expect(page.locator('[data-pane="left"] canvas').first).to_be_visible()
    _turn_every_page(page)
    _deed(page, "deed-confirm", "复核通过", "复核一致，同意初审意见。")
    expect(page.locator(".lt-who")).to_contain_text("待审批")


def _approve(page: Page, store: Page, case: str, truth: dict[str, Any], home: Path) -> None:
    """The approver calls the paper of a complex case, sees it, and approves what was frozen."""
    page.goto(case)
    page.get_by_role("button", name="领办本件").click()
    expect(page.locator('[data-pane="left"] canvas').first).to_be_visible()
    desk = page.url
    _turn_every_page(page)
    _deed(page, "deed-call-paper", "调纸质档案", "核对招工登记表和调动审批表原件")
    expect(page.locator(".lt-who")).to_contain_text("已调实体档案")
    for verb in ("实体出库", "实体归还"):
        store.goto(case)
        store.get_by_label("当面清点页数").fill(str(truth["paper_sides"]))
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
    _verify_offline(page, case, home)
    page.goto(desk)
    page.locator('[data-dialog="deed-decide"]').click()
    decide = page.get_by_role("dialog", name="作出决定")
    decide.get_by_label("批准", exact=True).check()
    decide.get_by_role("textbox").fill("与固定影像和实体一致，准予退休。")
    decide.get_by_role("button", name="作出决定").click()
    expect(page.locator(".lt-outcome")).to_have_text("批准")


def _file(page: Page, case: str) -> None:
    page.goto(case)
    page.get_by_role("button", name="审批表归档").click()
    expect(page.locator(".lt-who")).to_contain_text("已归档")


def _certify(page: Page, case: str) -> tuple[str, str]:
    page.goto(case)
    page.locator("select[name=kind]").select_option("recorded")
    page.get_by_role("button", name="出具证明").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("档案记载证明")
    number = page.locator("dt:text-is('证明编号') + dd").inner_text()
    code = page.locator("dt:text-is('核验码') + dd").inner_text()
    return number, code


def _check(page: Page, number: str, code: str) -> None:
    """Anyone who holds the certificate finds it good, and a mistyped code finds nothing."""
    page.goto(f"/verify/?number={number}")
    page.get_by_label("核验码").fill(code)
    page.get_by_role("button", name="查验").click()
    expect(page.locator("main")).to_contain_text("证明有效")
    page.goto(f"/verify/?number={number}")
    page.get_by_label("核验码").fill("2222-2222-2222-2222")
    page.get_by_role("button", name="查验").click()
    expect(page.locator("main")).not_to_contain_text("证明有效")


def _verify_offline(page: Page, case: str, home: Path) -> None:
    """The bundle is whole, and with one byte of an image changed it is not."""
    page.goto(case)
    page.locator("#export-text").fill("留存备查")
    with page.expect_download() as download:
        page.locator("#export button[type=submit]").click()
    bundle = download.value.path().read_bytes()
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bundle)) as old, zipfile.ZipFile(changed, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename.endswith(".jpg"):
                content = content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]
            new.writestr(entry, content)
    results = {}
    for label, content in (("whole", bundle), ("changed", changed.getvalue())):
        path = home / f"{label}.zip"
        path.write_bytes(content)
        ran = subprocess.run(
            [sys.executable, "-m", "lantai.lib.verify", path, "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        results[label] = (ran.returncode, json.loads(ran.stdout)["valid"])
    assert results == {"whole": (0, True), "changed": (1, False)}


def _see_the_log(page: Page, picture: Picture) -> None:
    page.goto("/oversight/log/")
    expect(page.locator(".lt-table tbody tr").first).to_be_visible()
    picture(page, "log")


def _turn_every_page(page: Page) -> None:
    """Open every key page that is not open already in the active pane."""
    for thumb in page.locator(".lt-thumb:visible").all():
        if thumb.get_attribute("aria-current") != "true":
            with page.expect_response(re.compile("/open/")):
                thumb.click()
        _settled(page.locator(".lt-pane.is-active .lt-glass"))


def _settled(glass: Locator) -> None:
    expect(glass).not_to_have_attribute("aria-busy", "true", timeout=15_000)


def _deed(page: Page, dialog: str, label: str, words: str) -> None:
    page.locator(f'[data-dialog="{dialog}"]').click()
    shown = page.locator(f"#{dialog}")
    shown.get_by_role("textbox").fill(words)
    shown.locator("button[type=submit]", has_text=label).click()
