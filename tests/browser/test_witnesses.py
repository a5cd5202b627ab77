"""Three witness processes beside the site: provisional, then witnessed; one is gone again."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from witness_factories import RunningWitness, running_witness


@pytest.fixture(scope="module")
def peers(loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RunningWitness]]:
    logs = [path.read_text().strip() for path in sorted((loaded / "keys").glob("log-*.vkey"))]
    place = tmp_path_factory.mktemp("witnesses")
    with ExitStack() as running:
        yield [
            running.enter_context(running_witness(place / name, name=f"{name}.example", logs=logs))
            for name in ("city", "approval", "archives")
        ]


@pytest.fixture(scope="module")
def policy(peers: list[RunningWitness]) -> str:
    """All three are wanted."""
    lines = [f"witness {each.key.name.split('.')[0]} {each.vkey} {each.address}" for each in peers]
    return "\n".join([*lines, "group peers all city approval archives", "quorum peers", ""])


def test_the_witnesses_are_shown_as_they_come_and_go(
    page_as: Callable[[str], Page],
    accessible: Callable[[Page], None],
    picture: Callable[[Page, str], None],
    peers: list[RunningWitness],
) -> None:
    page = page_as("jianguan")
    page.goto("/oversight/witnesses/")
    expect(page.locator("tbody tr")).to_have_count(6)
    for _ in range(60):  # the worker asks every second
        if page.locator("tbody .lt-badge-ok").count() == 6:
            break
        page.wait_for_timeout(500)
        page.reload()

    expect(page.locator("tbody .lt-badge-ok")).to_have_count(6)
    expect(page.get_by_text("city、approval、archives 全部")).to_be_visible()
    accessible(page)
    picture(page, "witnesses")

    peers[2].kill()
    page.goto("/oversight/openings/")  # the sign-in of the next one is an act that waits for a word
    other = page_as("shenji")
    for _ in range(60):
        other.goto("/oversight/witnesses/")
        if other.locator("tbody .lt-badge-risk").count():
            break
        other.wait_for_timeout(500)

    expect(other.get_by_text(re.compile("连接被拒绝")).first).to_be_visible()
    accessible(other)
    picture(other, "witnesses-one-gone")
