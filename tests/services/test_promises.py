"""A log is held to its word: what it promised stands where it said, in time."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from ledger_factories import NOON, publish, record, remove, rewrite

from lantai.ledger import promises, rotation
from lantai.ledger.models import Disclosure, Entry
from lantai.lib.tlog.checkpoint import Checkpoint, CheckpointFault
from lantai.lib.tlog.promise import Promise, PromiseFault

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1, seconds=1)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A promise for the fourth act, in the hands of the office that did it."""
    record(3)
    publish()
    entry = record()
    folder = tmp_path / "office"
    folder.mkdir()
    (folder / "act.promise").write_text(promises.promise(entry=entry, at=NOON))
    return folder


def broken(folder: Path, *, late: bool = True) -> list[tuple[str, str, str]]:
    found = promises.check_promises(folder=folder, at=LATER if late else NOON)
    return [(one.table, one.field, one.found) for one in found]


def test_a_promise_that_was_kept_shows_no_difference(kept: Path) -> None:
    publish()

    assert broken(kept) == []


def test_before_its_deadline_nothing_is_overdue(kept: Path) -> None:
    assert broken(kept, late=False) == []
    assert broken(kept) == [("promise", "records/3", "没有签名")]


def test_an_act_that_was_taken_out_is_told_from_its_deadline_on(kept: Path) -> None:
    remove(Disclosure, entry__index=3)
    remove(Entry, index=3)

    assert broken(kept, late=False) == []
    (found,) = promises.check_promises(folder=kept, at=LATER)
    assert (found.key, found.field, found.found) == ("act.promise", "records/3", "（无）")
    assert found.since == "2026-11-25T05:00:00.000000+00:00"


def test_another_act_in_the_promised_place_is_told_at_once(kept: Path) -> None:
    rewrite(Entry, {"index": 3}, leaf_hash=bytes(32))

    assert broken(kept, late=False) == [("promise", "records/3", "00" * 32)]


def test_a_promise_outlives_a_change_of_keys(kept: Path) -> None:
    publish()
    rotation.rotate(stream="records", by="ops", at=NOON)

    assert broken(kept) == []


def test_what_this_log_did_not_sign_is_no_promise(kept: Path) -> None:
    publish()
    text = (kept / "act.promise").read_text()
    (kept / "later.promise").write_text(text.replace("\n3\n", "\n2\n"))
    (kept / "noise.promise").write_bytes(b"\xff\n")
    (kept / "other.promise").write_text(text.replace("yuntai", "other"))

    found = list(promises.check_promises(folder=kept, at=LATER))

    assert [(one.key, one.field) for one in found] == [
        ("later.promise", "text"),
        ("noise.promise", "text"),
        ("other.promise", "text"),
    ]


@given(
    origin=some.from_regex(r"[a-z./]{1,40}", fullmatch=True),
    index=some.integers(0, 2**63 - 1),
    leaf_hash=some.binary(min_size=32, max_size=32),
    deadline=some.integers(0, 2**63 - 1),
)
def test_a_promise_is_read_as_it_was_written_and_is_no_head(
    origin: str, index: int, leaf_hash: bytes, deadline: int
) -> None:
    said = Promise(origin, index, leaf_hash, deadline)

    assert Promise.parse(said.text) == said
    with pytest.raises(CheckpointFault):
        Checkpoint.parse(said.text)
    with pytest.raises(PromiseFault):
        Promise.parse(Checkpoint(origin, index, leaf_hash).text)


@pytest.mark.parametrize("place", range(5))
def test_a_line_that_is_not_of_the_form_is_refused(place: int) -> None:
    lines = Promise("log", 1, bytes(32), 2).text.split("\n")
    lines[place] = "" if place == 1 else "07"

    with pytest.raises(PromiseFault):
        Promise.parse("\n".join(lines))
