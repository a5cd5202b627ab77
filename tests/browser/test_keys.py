"""The key of a dossier is asked to be destroyed, told plainly, confirmed by another; secrets."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

PageAs = Callable[[str], Page]
Picture = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def policy() -> Iterator[str]:
    """No witnesses, and a worker that leaves the keeping of packages to the test."""
    os.environ["LANTAI_PRESERVE_AFTER"] = "86400"
    yield ""
    del os.environ["LANTAI_PRESERVE_AFTER"]


@pytest.fixture(scope="module")
def dossier(site: object) -> str:
    """Where the dossiers of the demo are found, all kept as packages."""
    words = ("-m", "lantai.ops.main", "preserve", "--all", "--home", str(site.home))  # type: ignore[attr-defined]
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    return "/dossiers/"


def test_a_key_is_destroyed_by_two_persons(
    dossier: str, page_as: PageAs, accessible: Callable[[Page], None], picture: Picture
) -> None:
    archivist = page_as("dangan")
    archivist.goto(dossier)
    archivist.locator("#results a[href^='/dossiers/']").first.click()
    archivist.get_by_role("link", name="申请销毁密钥").click()

    expect(archivist.get_by_text("影像任何人不能再读，不能恢复")).to_be_visible()
    accessible(archivist)
    picture(archivist, "key-destruction")

    archivist.get_by_label("销毁依据").fill("鉴定意见〔2026〕7 号，保管期限届满")
    archivist.get_by_role("button", name="提交销毁申请").click()
    expect(archivist.get_by_role("button", name="撤回申请")).to_be_visible()
    accessible(archivist)
    picture(archivist, "keys-asked")

    guard = page_as("anquan")
    guard.goto("/keys/")
    accessible(guard)
    picture(guard, "keys-to-settle")
    guard.get_by_role("button", name="审核").click()
    expect(guard.get_by_text("保存库的副本和备份中也不能；不能撤销")).to_be_visible()
    accessible(guard)
    picture(guard, "keys-settle")
    guard.get_by_role("button", name="不同意").click()
    expect(guard.locator("dialog").get_by_role("alert")).to_contain_text("写明理由")
    guard.get_by_role("button", name="关闭提示").click()
    expect(guard.get_by_role("heading", name="审核销毁申请")).to_be_visible()
    guard.get_by_role("button", name="同意销毁").click()
    expect(guard.get_by_text("档案密钥已经销毁，影像任何人不能再读")).to_be_visible()
    picture(guard, "keys-destroyed")

    archivist.get_by_role("link", name="档案查询").first.click()
    archivist.locator("#results a[href^='/dossiers/']").first.click()
    expect(archivist.get_by_text("密钥已销毁：影像任何人不能再读")).to_be_visible()
    accessible(archivist)
    picture(archivist, "dossier-destroyed")


def test_a_material_is_marked_secret_and_its_title_is_no_longer_told(
    dossier: str, page_as: PageAs, accessible: Callable[[Page], None], picture: Picture
) -> None:
    archivist = page_as("dangan")
    archivist.goto(dossier)
    archivist.locator("#results a[href^='/dossiers/']").last.click()
    archivist.locator(".lt-catalogue").get_by_role("link", name="修改").first.click()
    accessible(archivist)
    picture(archivist, "material-secret")

    archivist.get_by_label("定密依据").fill("保密委〔2026〕3 号")
    archivist.get_by_role("button", name="标为涉密材料").click()

    expect(archivist.get_by_text("涉密材料（另库保存）")).to_be_visible()
    accessible(archivist)
    picture(archivist, "dossier-secret")
    archivist.goto("/keys/")
    archivist.get_by_role("link", name="授权查阅").click()
    accessible(archivist)
    picture(archivist, "secret-leave")
    guard = page_as("anquan")
    guard.goto("/keys/")
    accessible(guard)
    picture(guard, "keys-secret")
    guard.get_by_label("解密依据").fill("解密令")
    guard.get_by_role("button", name="解密").click()
    expect(guard.get_by_text("没有涉密材料")).to_be_visible()
