"""The worker keeps and copies what the demo has; damage is put right, or told on the page."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser.conftest import Site
from playwright.sync_api import Page, expect


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("copy") / "store"


@pytest.fixture(scope="module")
def policy(copy: Path) -> Iterator[str]:
    """No witnesses, and a second copy for the site."""
    wanted = {"LANTAI_COPY": str(copy), "LANTAI_PRESERVE_AFTER": "0"}
    os.environ.update(wanted)
    yield ""
    for name in wanted:
        del os.environ[name]


def damage(path: Path, byte: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(byte + path.read_bytes()[1:])


def test_the_store_is_filled_copied_watched_and_mended(
    page_as: Callable[[str], Page],
    accessible: Callable[[Page], None],
    picture: Callable[[Page, str], None],
    site: Site,
    copy: Path,
) -> None:
    page = page_as("jianguan")
    page.goto("/oversight/preservation/")
    accessible(page)
    picture(page, "preservation-beginning")
    for _ in range(120):  # the worker works beside
        if page.locator(".lt-head .lt-badge-ok").count() == 3:
            break
        page.wait_for_timeout(500)
        page.reload()

    expect(page.locator(".lt-head .lt-badge-ok")).to_have_count(3)
    expect(page.get_by_text("没有发现过损坏")).to_be_visible()
    accessible(page)
    picture(page, "preservation")

    first, second = sorted((copy / "root").rglob("catalogue.json"))[:2]
    twin = site.home / "preserved" / second.relative_to(copy)
    damage(first, b"1")
    damage(second, b"2")
    damage(twin, b"3")
    done = subprocess.run(
        [sys.executable, "-m", "lantai.ops.main", "patrol", "--full", "--home", site.home],
        env={**os.environ, "LANTAI_HOME": str(site.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    page.reload()

    expect(page.get_by_text("2 处损坏未能修复")).to_be_visible()
    expect(page.get_by_text("已由保存库修复")).to_have_count(1)
    expect(page.locator("tbody .lt-badge-risk")).to_have_count(4)  # two places, two files
    accessible(page)
    picture(page, "preservation-damaged")
    page.goto("/")
    expect(page.get_by_text("保存告警")).to_be_visible()
    accessible(page)
    picture(page, "preservation-desk")
