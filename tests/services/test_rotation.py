"""A log changes its key in front of everybody: under the old one, with both for thirty days."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ledger_factories import NOON, differences, record

from lantai.ledger import keys, queries, rotation, services
from lantai.ledger.models import Entry, Head
from lantai.lib.refusals import Conflict, NotFound
from lantai.lib.tlog import note
from lantai.lib.tlog.note import VerifierKey
from lantai.lib.tlog.suite import INTL, SM

pytestmark = pytest.mark.django_db
LAST_DAY = NOON + timedelta(days=30)


def publish(days: int = 0) -> Head:
    return services.publish(at=NOON + timedelta(days=days))[0]


def signers(head: Head, *vkeys: str) -> list[str]:
    """Which of the keys signed a head."""
    known = [VerifierKey.parse(vkey) for vkey in vkeys]
    return [str(key) for key in note.verified(note.parse(head.note), known)]


def test_both_keys_sign_for_thirty_days_and_the_old_one_is_gone_after(home: Path) -> None:
    record(3)
    old = publish()

    changed = rotation.rotate(stream="records", by="ops", at=NOON)

    before, now = changed.before[0], changed.now[0]
    told = Head.objects.get(stream="records", size=4)
    record()
    between = publish(days=30)
    record()
    after = publish(days=31)
    assert changed.until == LAST_DAY.date()
    assert signers(old, before, now) == [before]
    assert signers(told, before, now) == [before]
    assert signers(between, before, now) == [before, now]
    assert signers(after, before, now) == [now]
    assert queries.verifier_key(stream="records") == now
    assert differences() == []
    held = sorted(path.name for path in (home / "keys").glob("log-records.*"))
    name = VerifierKey.parse(before).id.hex()
    assert held == ["log-records.key", "log-records.vkey", f"log-records.was-{name}.vkey"]


def test_the_change_is_entered_under_the_old_key_with_both_keys_named(settings: Any) -> None:
    settings.LANTAI_SUITES = (INTL, SM)
    record(3)
    publish()

    changed = rotation.rotate(stream="records", by="ops", at=NOON)

    entry = Entry.objects.get(action="ledger.key.rotated")
    assert (entry.stream, entry.actor, entry.subject) == ("records", "ops", "log:records")
    assert entry.facts == {
        "before": list(changed.before),
        "now": list(changed.now),
        "until": "2026-12-25",
    }
    assert len(changed.before) == len(changed.now) == 2
    assert differences() == []
    record()
    publish()
    assert differences() == []


def test_the_other_stream_keeps_its_key() -> None:
    record(1)
    record(1, stream="access")
    publish()
    access = queries.verifier_key(stream="access")

    rotation.rotate(stream="records", by="ops", at=NOON)

    assert queries.verifier_key(stream="access") == access


def test_a_second_change_waits_for_the_end_of_the_first() -> None:
    record(1)
    publish()
    first = rotation.rotate(stream="records", by="ops", at=NOON)

    with pytest.raises(Conflict, match="并签期还没有结束"):
        rotation.rotate(stream="records", by="ops", at=LAST_DAY)

    assert Entry.objects.count() == 2
    second = rotation.rotate(stream="records", by="ops", at=LAST_DAY + timedelta(days=1))
    assert second.before == first.now
    record()
    publish(days=62)
    assert differences() == []


def test_a_log_nobody_signed_or_knows_changes_no_key(home: Path) -> None:
    for stream in ("records", "minutes"):
        with pytest.raises(NotFound):
            rotation.rotate(stream=stream, by="ops", at=NOON)

    assert not (home / "keys").exists()


def test_a_change_stopped_half_way_is_finished_by_the_next_call(home: Path) -> None:
    record(1)
    publish()
    origin = queries.origin_of(stream="records")
    fresh = keys.next_of(home, "records", origin, INTL)

    changed = rotation.rotate(stream="records", by="ops", at=NOON)

    assert changed.now[0] == fresh.vkey
    assert Entry.objects.filter(action="ledger.key.rotated").count() == 1


def test_a_change_stopped_after_its_entry_is_not_entered_twice(home: Path) -> None:
    record(1)
    publish()
    (home / "log/records/checkpoint").rename(home / "kept")
    (home / "log/records/checkpoint").write_text("nothing of ours\n")
    with pytest.raises(queries.LogDamaged):
        rotation.rotate(stream="records", by="ops", at=NOON)
    (home / "kept").rename(home / "log/records/checkpoint")

    changed = rotation.rotate(stream="records", by="ops", at=NOON)

    assert Entry.objects.filter(action="ledger.key.rotated").count() == 1
    assert queries.verifier_key(stream="records") == changed.now[0]
    assert differences() == []
