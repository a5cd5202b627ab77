"""A real browser on a real site.

The demo is loaded once for the whole run, through the same pipeline as ``make demo``; each module
works on a copy of it behind a server of its own, so modules may run side by side and in any order.
A page that writes an error to the console, breaks the content policy or raises fails its test.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

CHECKOUT = Path(__file__).resolve().parents[2]
PASSWORD = "lantai-demo-2026"
SMALL_SCREEN = {"width": 1366, "height": 768}
ARGUMENTS = [
    *("--no-sandbox", "--headless=shell", "--disable-gpu", "--disable-quic"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--no-first-run", "--font-render-hinting=none"),
]
_WHERE = "import c from '@sparticuz/chromium'; console.log(await c.executablePath())"


@dataclass(frozen=True)
class Site:
    """A running copy of the demo."""

    address: str
    home: Path


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser of the lock, unpacked once; Debian's where its libraries are missing."""
    place = CHECKOUT / "var" / "browser"
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = subprocess.run(
            [CHECKOUT / ".venv" / "bin" / "node", "--input-type=module", "-e", _WHERE],
            cwd=CHECKOUT,
            env={**os.environ, "TMPDIR": str(place), "AWS_LAMBDA_JS_RUNTIME": "nodejs22.x"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    path = Path(found)
    libraries = place / "al2023" / "lib"
    if libraries.is_dir() and _lacks_libraries(path):
        known = os.environ.get("LD_LIBRARY_PATH", "")
        os.environ["LD_LIBRARY_PATH"] = f"{libraries}:{known}".strip(":")
    if not _lacks_libraries(path):
        return path
    system = shutil.which("chromium")
    if system is None:
        pytest.fail(
            "the browser of the lock lacks system libraries and Debian's chromium is not "
            "installed; as root: apt-get install chromium"
        )
    return Path(system)


@pytest.fixture(scope="session")
def browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's data directory, loaded once for all workers of a run."""
    root = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        root = root.parent
    kept = os.environ.get("LANTAI_TEST_DEMO")
    home = Path(kept) if kept else root / "demo"
    with (root / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "loaded").exists():
            subprocess.run(
                [*_lantai("demo", "--once", "--port", "0"), "--home", home],
                env=_environment(home),
                check=True,
                stdout=subprocess.DEVNULL,
            )
            (home / "loaded").touch()
    return home


@pytest.fixture(scope="module")
def policy() -> str:
    """The witness policy of the site, none; a module may have another."""
    return ""


@pytest.fixture(scope="module")
def site(loaded: Path, policy: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("site") / "home"
    shutil.copytree(loaded, home, copy_function=_copy)
    if policy:
        (home / "witnesses.policy").write_text(policy)
    port = _free_port()
    process = subprocess.Popen(
        [*_lantai("serve", "--port", str(port)), "--home", home], env=_environment(home)
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(process, address)
        yield Site(address, home)
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.fixture(scope="module")
def signed_in(browser: Browser, site: Site) -> Iterator[Callable[[str], BrowserContext]]:
    """Give a browser context signed in as somebody; signed in once a module."""
    contexts: dict[str, BrowserContext] = {}

    def sign_in(username: str) -> BrowserContext:
        if username not in contexts:
            context = browser.new_context(
                base_url=site.address, viewport=SMALL_SCREEN, locale="zh-CN"
            )
            page = context.new_page()
            page.goto("/accounts/login/")
            page.fill("input[name=login]", username)
            page.fill("input[name=password]", PASSWORD)
            page.click("button[type=submit]")
            page.wait_for_url("**/")
            page.close()
            contexts[username] = context
        return contexts[username]

    yield sign_in
    for context in contexts.values():
        context.close()


@pytest.fixture
def page_as(signed_in: Callable[[str], BrowserContext]) -> Iterator[Callable[[str], Page]]:
    """Open a page as somebody; what the browser complains of fails the test."""
    opened: list[Page] = []
    complaints: list[str] = []

    def open_page(username: str) -> Page:
        page = signed_in(username).new_page()
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda message: _note(complaints, page, message))
        opened.append(page)
        return page

    yield open_page
    for page in opened:
        page.close()
    assert complaints == []


@pytest.fixture
def accessible() -> Callable[[Page], None]:
    """Assert that axe finds nothing serious on a page (WCAG 2.1 A and AA)."""

    def check(page: Page) -> None:
        found = Axe().run(
            page,
            options={
                "runOnly": {
                    "type": "tag",
                    "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
                }
            },
        )
        serious = [
            (fault["id"], [node["target"] for node in fault["nodes"]][:4])
            for fault in found.response["violations"]
            if fault["impact"] in {"serious", "critical"}
        ]
        assert serious == [], f"{page.url}: {serious}"

    return check


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Keep a screenshot under var/screens for a person to look at."""

    def keep(page: Page, name: str) -> None:
        folder = CHECKOUT / "var" / "screens"
        folder.mkdir(parents=True, exist_ok=True)
        page.evaluate("document.fonts.ready")
        page.screenshot(path=folder / f"{name}.png")

    return keep


def _note(complaints: list[str], page: Page, message: ConsoleMessage) -> None:
    # A refused request (403, 404, 409, 422) is an answer; the browser logs it as an error.
    if message.type == "error" and "Failed to load resource" not in message.text:
        complaints.append(f"{page.url}: {message.text}")


def _lacks_libraries(program: Path) -> bool:
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    return "not found" in listed.stdout


def _lantai(*words: str) -> list[str]:
    return [sys.executable, "-m", "lantai.ops.main", *words]


def _environment(home: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    return {**kept, "LANTAI_HOME": str(home), "PYTHONPATH": str(CHECKOUT / "src")}


def _copy(source: str, target: str) -> str:
    """Masters and derivatives are never rewritten, so a link is a copy; all else is copied."""
    if {"vault", "derived", "inbox"} & set(Path(source).parts):
        os.link(source, target)
        return target
    return shutil.copy2(source, target)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{address}/health/", timeout=5):  # noqa: S310 -- ours
                return
        except (urllib.error.URLError, OSError):
            try:
                process.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue
            break
    pytest.fail(f"the site at {address} did not start")
