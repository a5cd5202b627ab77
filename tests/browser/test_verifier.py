"""The verifier in the browser, held against the verifier in Python, bundle by bundle."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from browser.verifier_cases import Case, cosigned_by_ml_dsa, good, made, refused, trust
from lib.tlog.sealing import LOG
from playwright.sync_api import Browser, Page, expect

from lantai.lib import verify

ALONE: Final = Path(__file__).resolve().parents[2] / "frontend" / "dist" / "verifier.html"
SMALL_SCREEN: Final = {"width": 1366, "height": 768}
JUDGE: Final = """async cases => {
  const judged = []
  for (const { content, keys, policy } of cases) {
    const bytes = Uint8Array.from(atob(content), mark => mark.charCodeAt(0))
    const { valid, proven, notProven, faults, witnesses, head, twin } = await lantaiVerifier.examine(bytes, keys, policy)
    judged.push({ valid, proven, not_proven: notProven, faults, witnesses, head, twin })
  }
  return judged
}"""
OLD_BROWSER: Final = """{
  const modern = crypto.subtle.importKey.bind(crypto.subtle)
  crypto.subtle.importKey = (form, key, algorithm, ...more) =>
    algorithm.name === 'Ed25519' ? Promise.reject(new DOMException('', 'NotSupportedError')) : modern(form, key, algorithm, ...more)
}"""
# The first case with frozen evidence in the demo, its bundle, and the keys of its log and of its twin.
BUNDLE_OF_THE_DEMO: Final = """
import sys
import django
django.setup()
from lantai.cases import queries as cases
from lantai.cases.models import Evidence
from lantai.ledger import queries as ledger
from lantai.lib.tlog.suite import SUITES
case = Evidence.objects.order_by("pk").first().case
open(sys.argv[1], "wb").write(cases.bundle(case=case))
for suite in SUITES:
    print(ledger.verifier_key(stream="records", suite=suite))
"""
GOOD: Final = tuple(good())
REFUSED: Final = tuple(refused())


@pytest.fixture
def from_disk(browser: Browser) -> Iterator[Page]:
    """The single file, opened without any server."""
    context = browser.new_context(viewport=SMALL_SCREEN, locale="zh-CN", offline=True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(ALONE.as_uri())
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def in_an_old_browser(browser: Browser) -> Iterator[Page]:
    """A browser that knows no Ed25519, as offices have them."""
    context = browser.new_context()
    context.add_init_script(OLD_BROWSER)
    page = context.new_page()
    page.goto(ALONE.as_uri())
    yield page
    context.close()


def in_browser(page: Page, cases: tuple[Case, ...]) -> list[dict[str, Any]]:
    judged: list[dict[str, Any]] = page.evaluate(JUDGE, [case.for_browser() for case in cases])
    return judged


def in_python(case: Case) -> verify.Report:
    return verify.verify(case.content, keys=case.keys, policy=case.policy)


def test_both_prove_the_same_of_every_good_bundle(from_disk: Page) -> None:
    for case, found in zip(GOOD, in_browser(from_disk, GOOD), strict=True):
        known = in_python(case)

        assert known.valid, case.name
        assert found["faults"] == [], case.name
        assert found["proven"] == list(known.proven), case.name
        assert _untimed(found["not_proven"]) == _untimed(known.not_proven), case.name
        assert found["witnesses"] == [dict(witness) for witness in known.witnesses], case.name
        assert found["head"] == _sized(known.head), case.name
        assert found["twin"] == _sized(known.twin), case.name


def test_both_prove_the_same_of_a_bundle_of_the_demo(
    from_disk: Page, site: Any, tmp_path: Path, picture: Any
) -> None:
    path = tmp_path / "evidence.zip"
    told = subprocess.run(
        [sys.executable, "-c", BUNDLE_OF_THE_DEMO, path],
        env={
            **os.environ,
            "LANTAI_HOME": str(site.home),
            "DJANGO_SETTINGS_MODULE": "lantai.settings",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    case = Case("demo", path.read_bytes(), keys=tuple(told.stdout.split()))
    known = in_python(case)

    (found,) = in_browser(from_disk, (case,))

    assert known.valid
    assert len(known.proven) > 10
    assert found["faults"] == []
    assert found["proven"] == list(known.proven)
    assert found["not_proven"] == list(known.not_proven)
    from_disk.locator("#bundle").set_input_files(path)
    from_disk.locator("#keys").fill("\n".join(case.keys))
    from_disk.locator("#go").click()
    expect(from_disk.locator("#verdict")).to_have_text("证据包完好")
    picture(from_disk, "verifier-demo")


def test_both_refuse_every_altered_bundle_and_name_the_thing(from_disk: Page) -> None:
    assert len(REFUSED) >= 60
    for case, found in zip(REFUSED, in_browser(from_disk, REFUSED), strict=True):
        known = in_python(case)

        assert not known.valid, case.name
        assert not found["valid"], case.name
        assert found["proven"] == [], case.name
        assert any(case.thing in sentence for sentence in known.faults), (case.name, known.faults)
        assert any(case.thing in said for said in found["faults"]), (case.name, found["faults"])


def test_no_bit_of_a_bundle_can_be_changed_unseen(from_disk: Page) -> None:
    whole = made(witnesses=(1, 2))
    policy = trust(1, 2, quorum="group all-of all w1 w2\nquorum all-of")
    flipped = tuple(
        Case(f"bit {place % 8} of byte {place}", _flipped(whole, place), policy=policy)
        for place in range(0, len(whole), 23)
    )

    found = in_browser(from_disk, flipped)

    assert len(flipped) > 300
    assert [case.name for case, said in zip(flipped, found, strict=True) if said["valid"]] == []
    assert [case.name for case in flipped if in_python(case).valid] == []


def test_a_browser_without_ed25519_comes_to_the_same(
    from_disk: Page, in_an_old_browser: Page
) -> None:
    cases = (*GOOD, *REFUSED)

    assert in_browser(in_an_old_browser, cases) == in_browser(from_disk, cases)


@pytest.mark.parametrize(
    ("quorum", "said"),
    [
        ("group two all w1 late\nquorum two", "见证是否达到法定数，要看本页不能核对的见证签名"),
        ("group one any w1 late\nquorum one", ""),
        ("quorum late", "见证是否达到法定数，要看本页不能核对的见证签名"),
    ],
)
def test_what_no_browser_can_check_is_said_and_is_no_fault(
    from_disk: Page, quorum: str, said: str
) -> None:
    case = cosigned_by_ml_dsa(quorum=quorum)

    (found,) = in_browser(from_disk, (case,))

    assert in_python(case).valid
    assert found["valid"]
    assert (
        "late.example 的见证签名是 ML-DSA，本页不能核对，请用 lantai verify 核对"
        in found["not_proven"]
    )
    assert [each for each in found["not_proven"] if "法定数" in each] == ([said] if said else [])
    assert not any("late.example" in each for each in found["proven"])


@pytest.mark.parametrize(
    ("keys", "policy"),
    [
        (("not a key",), None),
        ((f"{LOG.vkey[:-4]}AAA=",), None),
        ((), "quorum none"),
        ((), "quorum w1\n"),
        ((), f"log {LOG.vkey}\n"),
        ((), f"log {LOG.vkey}\nlog {LOG.vkey}\nquorum none\n"),
        ((), f"witness w1 {LOG.vkey}\nquorum w1\n"),
        ((), "group peers 2 w1\nquorum peers\n"),
        ((), "quorum none\nquorum none\n"),
        ((), "believe everybody\nquorum none\n"),
        ((), "quorum none\r\n"),
    ],
)
def test_trust_that_is_none_is_no_answer(
    from_disk: Page, keys: tuple[str, ...], policy: str | None
) -> None:
    case = Case("trust", made(), keys=keys, policy=policy)

    with pytest.raises(ValueError, match=r".+"):
        in_python(case)
    with pytest.raises(Exception, match=r"公钥|信任策略"):
        in_browser(from_disk, (case,))


def test_a_person_checks_a_file_by_keyboard(
    from_disk: Page, tmp_path: Path, accessible: Callable[[Page], None], picture: Any
) -> None:
    page = from_disk
    page.locator("#bundle").set_input_files(_kept(tmp_path, made(witnesses=(1, 3))))
    accessible(page)
    page.locator("#keys").focus()
    page.keyboard.insert_text(LOG.vkey)
    page.keyboard.press("Tab")
    page.keyboard.insert_text(trust(1, 2, 3, quorum="group peers 2 w1 w2 w3\nquorum peers").strip())
    page.locator("#go").focus()
    page.keyboard.press("Enter")

    expect(page.locator("#verdict")).to_have_text("证据包完好")
    expect(page.locator("#result")).to_be_focused()
    expect(page.locator("#proven")).to_contain_text(
        "w3.example 于 2026-11-25 04:01:01 UTC 见证了这一状态"
    )
    expect(page.locator("#not")).to_contain_text("纸质原件本身的真伪")
    expect(page.locator("#s-faults")).to_be_hidden()
    expect(page.locator("#shown a")).to_have_text(["p001.jpg", "审批表.pdf"])
    accessible(page)
    picture(page, "verifier-good")


def test_a_bad_file_is_refused_calmly(
    from_disk: Page, tmp_path: Path, accessible: Callable[[Page], None], picture: Any
) -> None:
    page = from_disk
    whole = made()
    page.locator("#bundle").set_input_files(_kept(tmp_path, _flipped(whole, whole.index(b"%PDF"))))
    page.locator("#go").click()

    expect(page.locator("#verdict")).to_have_text("证据包不可采信")
    expect(page.locator("#faults li")).to_have_text(
        ["成员 files/审批表.pdf 的内容已损坏（校验码不符）"]
    )
    expect(page.locator("#s-proven")).to_be_hidden()
    expect(page.locator("#s-shown")).to_be_hidden()
    accessible(page)
    picture(page, "verifier-bad")


def test_without_a_key_the_answer_does_not_say_who_signed(from_disk: Page, tmp_path: Path) -> None:
    from_disk.locator("#bundle").set_input_files(_kept(tmp_path, made()))
    from_disk.locator("#go").click()

    expect(from_disk.locator("#verdict")).to_have_text("各部分相互一致，由谁签署未核对")
    expect(from_disk.locator("#not")).to_contain_text("不能证明由谁签署")


def test_a_wrong_key_is_told_beside_the_button(from_disk: Page, tmp_path: Path) -> None:
    from_disk.locator("#bundle").set_input_files(_kept(tmp_path, made()))
    from_disk.locator("#keys").fill(f"{LOG.vkey[:-2]}A=")
    from_disk.locator("#go").click()

    expect(from_disk.locator("#progress")).to_contain_text("公钥或信任策略不可用")
    expect(from_disk.locator("#result")).to_be_hidden()


def test_it_fits_a_phone_large_text_and_paper(
    from_disk: Page, tmp_path: Path, picture: Any
) -> None:
    page = from_disk
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate("document.documentElement.dataset.text = 'large'")
    page.locator("#bundle").set_input_files(_kept(tmp_path, made()))
    page.locator("#go").click()
    expect(page.locator("#verdict")).to_be_visible()

    for fold in page.locator("summary").all():
        fold.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture(page, "verifier-phone")
    page.emulate_media(media="print")
    expect(page.locator("#form")).to_be_hidden()
    expect(page.locator("#proven")).to_be_visible()


def test_the_single_file_can_reach_nothing(from_disk: Page) -> None:
    asked: list[str] = []
    from_disk.on("request", lambda request: asked.append(request.url))

    policy = from_disk.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")

    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert asked == []


def test_the_site_serves_it_to_a_stranger(
    browser: Browser, site: Any, tmp_path: Path, accessible: Callable[[Page], None], picture: Any
) -> None:
    context = browser.new_context(base_url=site.address, viewport=SMALL_SCREEN, locale="zh-CN")
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto("/verify/file/")
    page.locator("#bundle").set_input_files(_kept(tmp_path, made()))
    page.locator("#keys").fill(LOG.vkey)
    page.locator("#go").click()

    expect(page.locator("#verdict")).to_have_text("证据包完好")
    accessible(page)
    picture(page, "verifier-site")
    with page.expect_download() as loading:
        page.get_by_role("link", name="下载本页").click()
    assert Path(loading.value.path()).read_bytes() == ALONE.read_bytes()
    context.close()
    assert complaints == []


def _untimed(sentences: Sequence[str]) -> list[str]:
    """Without the reason why a time stamp was not checked: the browser never can."""
    return [said.partition("：")[0] if said.startswith("时间戳") else said for said in sentences]


def _sized(head: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A head as the browser tells it: JavaScript has no whole numbers of that length."""
    return {**head, "size": str(head["size"])} if head else None


def _flipped(content: bytes, place: int) -> bytes:
    changed = bytearray(content)
    changed[place] ^= 1 << (place % 8)
    return bytes(changed)


def _kept(folder: Path, content: bytes) -> Path:
    path = folder / "证据包.zip"
    path.write_bytes(content)
    return path
