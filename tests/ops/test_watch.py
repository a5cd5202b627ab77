"""The second copy and the patrol, at the command line and by the worker."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import copies_factories as make
import desk_factories as desk
import pytest
from copies_factories import NOON
from ops.test_command_line import lantai
from ops.test_preservation import ENTER, rows_of, run

from lantai.dossiers.models import Dossier, Page
from lantai.ledger.models import Entry
from lantai.lib import canonical
from lantai.lib.ocfl import reader
from lantai.lib.refusals import Conflict
from lantai.lib.sealing import Suite
from lantai.ops import watch, worker
from lantai.ops.sealing import Sealer
from lantai.ops.watch import Keeper, Pace
from lantai.preservation import events, masters
from lantai.preservation.models import Copied, Damage, Kept, Patrolled, Watched
from lantai.vault import files, keys, packages
from lantai.vault import queries as vault
from lantai.vault.models import Blob

MIB = 1 << 20


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waited: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, pause: float) -> None:
        self.waited.append(pause)
        self.now += pause


@pytest.fixture
def second(settings: Any, tmp_path: Path) -> Path:
    settings.LANTAI_PATROL_DAYS = 90
    return make.set_copy(settings, tmp_path / "copy")


@pytest.fixture
def dossiers(db: None, second: Path) -> list[Dossier]:
    office = desk.office(at=NOON)
    return [make.small_dossier(office, order=order) for order in range(3)]


def read_once(count: int | None, *, rate: int = 0, clock: Clock | None = None) -> list[Any]:
    clock = clock or Clock()
    return list(watch.patrol_now(count=count, rate=rate, wait=clock.wait, seconds=clock))


def test_a_rate_is_kept_over_all_that_was_read() -> None:
    pace = Pace(10 * MIB)

    first = pace.pause(20 * MIB, began=0.0, ended=0.5)
    second = pace.pause(5 * MIB, began=2.0, ended=2.1)
    after_a_rest = pace.pause(10 * MIB, began=60.0, ended=62.0)

    assert (first, round(second, 6), after_a_rest) == (1.5, 0.4, 0.0)


def test_a_rate_of_nothing_is_no_limit() -> None:
    assert Pace(0).pause(10**12, began=0.0, ended=0.0) == 0.0


def test_a_full_patrol_reads_each_object_of_both_copies_once(dossiers: list[Dossier]) -> None:
    for dossier in dossiers:
        make.kept_and_copied(dossier)

    rows = read_once(None)

    sha256s = Blob.objects.values_list("sha256", flat=True)
    assert {(row["place"], row["object"]) for row in rows} == {
        (place, dossier.uid) for dossier in dossiers for place in ("store", "copy")
    } | {("vault", sha256) for sha256 in sha256s}
    assert len(rows) == 6 + 3
    assert all(row["found"] == [] and row["bytes"] > 0 for row in rows)


def test_a_patrol_that_was_stopped_goes_on_with_what_was_not_read(dossiers: list[Dossier]) -> None:
    for dossier in dossiers:
        make.kept_and_copied(dossier)

    first = read_once(2)
    second = read_once(3)
    third = read_once(4)

    seen = [(row["place"], row["object"]) for row in first + second + third]
    assert len(seen) == len(set(seen)) == 9


def test_the_patrol_waits_as_long_as_the_rate_wants(dossiers: list[Dossier]) -> None:
    make.kept_and_copied(dossiers[0])
    clock = Clock()

    rows = read_once(None, rate=1000, clock=clock)

    assert [round(pause, 6) for pause in clock.waited] == [row["bytes"] / 1000 for row in rows]


def test_a_medium_that_is_not_there_is_a_row_and_the_other_place_is_read(
    dossiers: list[Dossier], second: Path
) -> None:
    make.kept_and_copied(dossiers[0])
    second.rename(second.with_name("away"))

    rows = read_once(None)

    assert [row.get("fault", "") for row in rows if row["place"] == "copy"] == [
        "第二副本的存储根不在：请检查介质是否已挂载"
    ]
    assert [row["object"] for row in rows if row["place"] == "store"] == [dossiers[0].uid]
    assert not second.exists()


def test_replicating_all_goes_on_after_a_damaged_one_and_names_it(dossiers: list[Dossier]) -> None:
    for dossier in dossiers:
        make.keep(dossier)
    make.flip(Watched.STORE, dossiers[1], make.an_image(Watched.STORE, dossiers[1]))

    rows = list(watch.replicate(None))
    again = list(watch.replicate([dossiers[0].uid]))

    assert [row.get("version") for row in rows] == [1, None, 1]
    assert "与清单的摘要不符" in rows[1]["fault"]
    assert again == [{"dossier": dossiers[0].uid, "store": "store", "version": None}]
    assert Damage.objects.get().name == dossiers[1].uid
    assert Copied.objects.count() == 2


@pytest.mark.django_db
def test_replicating_without_a_second_copy_is_refused() -> None:
    with pytest.raises(Conflict, match="LANTAI_COPY"):
        list(watch.replicate(None))


def worked(keeper: Keeper, *, until: Callable[[], bool]) -> int:
    """Let a worker work slice by slice; how many slices it took."""
    for turn in range(1, 100):
        keeper.work(threading.Event())
        if until():
            return turn
    raise AssertionError("the worker does not come to an end")


def test_the_worker_keeps_copies_and_then_rests(
    dossiers: list[Dossier],
) -> None:
    keeper = Keeper(seconds=Clock())

    worked(keeper, until=lambda: Copied.objects.count() == 3)
    more = [keeper.work(threading.Event()) for _ in range(6)]
    entries = Entry.objects.count()
    resting = [keeper.work(threading.Event()) for _ in range(20)]

    assert Kept.objects.count() == 3
    assert more[-1] is False
    assert resting == [False] * 20
    assert Entry.objects.count() == entries


def test_masters_leave_the_vault_when_both_copies_hold_them(dossiers: list[Dossier]) -> None:
    before = {blob.sha256: vault.read(blob.sha256) for blob in Blob.objects.all()}
    damaged = dossiers[0]
    for dossier in dossiers:
        make.kept_and_copied(dossier)
    make.flip(Watched.COPY, damaged, make.an_image(Watched.COPY, damaged))
    keeper = Keeper(seconds=Clock())

    for _ in range(5):
        keeper.work(threading.Event())

    stays = Page.objects.get(material__dossier=damaged).blob.sha256
    assert [sha256 for _, sha256 in masters.to_leave(after=0, limit=10)] == [stays]
    assert {sha256: vault.read(sha256) for sha256 in before} == before


def test_without_a_second_copy_every_master_stays(
    dossiers: list[Dossier], home: Path, settings: Any
) -> None:
    for dossier in dossiers:
        make.kept_and_copied(dossier)
    settings.LANTAI_COPY = ""
    keeper = Keeper(seconds=Clock())

    for _ in range(5):
        keeper.work(threading.Event())

    assert len(masters.to_leave(after=0, limit=10)) == 3
    assert len(list(files.masters(home))) == 3


def test_the_worker_leaves_a_dossier_at_work_alone(dossiers: list[Dossier], settings: Any) -> None:
    settings.LANTAI_PRESERVE_AFTER = (watch.clock() - NOON) / timedelta(minutes=1) + 60
    keeper = Keeper(seconds=Clock())

    for _ in range(5):
        keeper.work(threading.Event())

    assert not Kept.objects.exists()


def test_the_worker_reads_one_thing_after_another_spread_over_the_days(
    dossiers: list[Dossier], settings: Any
) -> None:
    for dossier in dossiers:
        make.keep(dossier)
    settings.LANTAI_COPY = ""
    watch.enrol_all()
    Patrolled.objects.update(seen_at=watch.clock())
    clock = Clock()
    keeper = Keeper(seconds=clock)

    counts = []
    for _ in range(4):
        keeper.work(threading.Event())
        keeper.work(threading.Event())
        counts.append(Patrolled.objects.filter(checks__gt=0).count())
        clock.now += 90 * 86400 * 0.9 / 6 + 1

    assert counts == [1, 2, 3, 4]


def test_the_worker_reads_what_is_overdue_without_waiting(dossiers: list[Dossier]) -> None:
    for dossier in dossiers:
        make.kept_and_copied(dossier)
    Patrolled.objects.update(seen_at=NOON - timedelta(days=1000))
    clock = Clock()
    keeper = Keeper(seconds=clock)

    for _ in range(6):
        keeper.work(threading.Event())
        clock.now += 1

    assert Patrolled.objects.filter(checks=1).count() == 6


def test_the_worker_says_once_that_the_medium_is_away_and_keeps_on(
    dossiers: list[Dossier], second: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make.kept_and_copied(dossiers[0])
    second.rename(second.with_name("away"))
    clock = Clock()
    keeper = Keeper(seconds=clock)

    for _ in range(30):
        keeper.work(threading.Event())
        clock.now += 301

    assert Kept.objects.count() == 3
    assert Copied.objects.count() == 1
    assert not second.exists()
    alarms = [json.loads(record.message) for record in caplog.records]
    assert len([row for row in alarms if row["alarm"] == "preservation.work.failed"]) <= 2
    assert len([row for row in alarms if row["alarm"] == "preservation.damage.found"]) == 1


def rests(keeper: Keeper) -> bool:
    """Whether a worker has nothing to do, time standing still."""
    return not any(keeper.work(threading.Event()) for _ in range(6))


def test_while_the_medium_is_away_the_worker_does_not_go_round_and_round(
    dossiers: list[Dossier], second: Path
) -> None:
    make.kept_and_copied(dossiers[0])
    second.rename(second.with_name("away"))
    clock = Clock()
    keeper = Keeper(seconds=clock)

    worked(keeper, until=lambda: Kept.objects.count() == 3)
    for _ in range(6):
        keeper.work(threading.Event())
        clock.now += 31
    keeper.work(threading.Event())  # one round more, over what nothing can be done about
    keeper.work(threading.Event())

    assert rests(keeper)
    assert Copied.objects.count() == 1


def test_what_every_dossier_fails_for_is_tried_a_few_times_and_said_once(
    db: None, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    office = desk.office(at=NOON)
    for order in range(15):
        make.small_dossier(office, order=order)
    key = home / "keys" / "preservation" / "store.key"
    key.rename(home / "away.key")
    clock = Clock()
    keeper = Keeper(seconds=clock)

    for _ in range(6):
        keeper.work(threading.Event())
    rested = rests(keeper)
    tried = len(list((home / "keys" / "preservation").glob("??/*.key")))
    (home / "away.key").rename(key)
    clock.now += watch.AGAIN + 1
    worked(keeper, until=lambda: Kept.objects.count() == 15)

    alarms = [json.loads(record.message) for record in caplog.records]
    assert rested
    assert tried == watch.ALIKE
    assert [row["alarm"] for row in alarms].count("preservation.work.failed") == 1


def test_a_copy_that_may_not_be_used_stops_no_worker(
    dossiers: list[Dossier], home: Path, settings: Any
) -> None:
    for dossier in dossiers:
        make.kept_and_copied(dossier)
    keeper = Keeper(seconds=Clock())
    keeper._look_at_stores()
    settings.LANTAI_COPY = "s3://not-proved/lantai"

    for _ in range(5):
        keeper.work(threading.Event())

    assert len(list(files.masters(home))) == 3


def test_damage_is_tried_again_every_hour_however_seldom_the_rest_is_read(
    dossiers: list[Dossier],
) -> None:
    make.kept_and_copied(dossiers[0])
    path = make.an_image(Watched.STORE, dossiers[0])
    for place in (Watched.STORE, Watched.COPY):
        make.flip(place, dossiers[0], path)
    make.visit(Watched.STORE, dossiers[0])
    whole = Patrolled.objects.filter(faulty=False)
    whole.update(seen_at=watch.clock())
    clock = Clock()
    keeper = Keeper(seconds=clock)
    keeper._visited_at = clock.now  # another object was just read

    for _ in range(3):
        keeper.work(threading.Event())
        clock.now += watch.ROUND + 1

    assert Patrolled.objects.get(faulty=True).checks == 2
    assert not whole.filter(checks__gt=0).exists()


def test_the_log_is_signed_before_dossiers_are_kept(dossiers: list[Dossier], home: Path) -> None:
    keeper, sealer = Keeper(seconds=Clock()), Sealer()

    worker.work_once(threading.Event(), sealer, keeper)

    at = make.at(Watched.STORE, dossiers[0])
    key = keys.dossier_key(home, dossiers[0].uid, may_make=False, suite=Suite.AES)
    told = packages.read(at, reader.standing(at).inventory, events.FILE, under=key)
    said = canonical.loads(told)["events"]
    assert [event["action"] for event in said if event["proof"] is None] == []
    assert len(said) == 1


def test_copying_a_dossier_without_secret_material_asks_for_no_secret_copy(
    dossiers: list[Dossier], settings: Any, tmp_path: Path
) -> None:
    settings.LANTAI_SECRET_COPY = str(tmp_path / "secret-copy")
    make.keep(dossiers[0])

    said = list(watch.replicate([dossiers[0].uid]))

    assert said == [{"dossier": dossiers[0].uid, "store": "store", "version": 1}]


def test_from_the_command_line_damage_is_found_put_right_and_tells_by_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, copy = tmp_path / "office", tmp_path / "copy"
    home.mkdir()
    run(ENTER, home)
    rows_of("preserve", "--all", home=home)
    refused = lantai("replicate", "--all", home=home)
    monkeypatch.setenv("LANTAI_COPY", str(copy))

    copied = rows_of("replicate", "--all", home=home)
    whole = rows_of("patrol", "--full", home=home)
    (image,) = list((copy / "root").rglob("images/1-1-001.*"))
    good = image.read_bytes()
    make.write(image, b"x" + good[1:])
    found = rows_of("patrol", "--full", "--rate", "0", home=home, code=1)
    again = rows_of("patrol", "--once", "5", home=home)
    wrong = [lantai("patrol", *words, home=home).returncode for words in ((), ("--once", "0"))]

    assert refused.returncode == 1
    assert "LANTAI_COPY" in refused.stderr
    assert copied[-1] == {"copied": 1, "unchanged": 0, "failed": 0}
    assert {key: whole[-1][key] for key in ("read", "damaged", "left", "away")} == {
        "read": 2 + 5,
        "damaged": 0,
        "left": 0,
        "away": 0,
    }
    (row,) = [row for row in found[:-1] if row["found"]]
    path = "v1/content/images/" + image.name
    assert row["place"] == "copy"
    assert [one[:1] for one in row["found"]] == [[path]]
    assert row["repaired"] == [[path, "store"]]
    assert (found[-1]["damaged"], found[-1]["left"]) == (1, 0)
    assert image.read_bytes() == good
    assert again[-1]["damaged"] == 0
    assert wrong == [2, 2]
