"""Everything kept is read again, named where it is damaged, and put right from the other copy."""

import hashlib
import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import copies_factories as make
import desk_factories as desk
import pytest
from copies_factories import NOON
from django.db import connection
from django.test.utils import CaptureQueriesContext

from lantai.dossiers.models import Dossier
from lantai.ledger import queries as ledger
from lantai.lib.ocfl import writer
from lantai.preservation import patrol, places, watching
from lantai.preservation.models import Damage, Mended, Patrolled, Watched
from lantai.preservation.packing import VersionsLost

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(days=100)
BOTH = (Watched.STORE, Watched.COPY)


@pytest.fixture
def office() -> desk.Office:
    return desk.office(at=NOON)


@pytest.fixture
def dossier(office: desk.Office, settings: Any, tmp_path: Path) -> Dossier:
    make.set_copy(settings, tmp_path / "copy")
    dossier = desk.dossier(office=office, at=NOON)
    make.kept_and_copied(dossier)
    return dossier


def actions() -> list[str]:
    """What was recorded of damage, oldest first."""
    found = ledger.entries(stream="records").filter(action__startswith="preservation.damage.")
    return [entry.action.rpartition(".")[2] for entry in found.order_by("index")]


def row(place: Watched) -> Patrolled:
    return Patrolled.objects.get(place=place)


def test_a_whole_package_is_read_and_nothing_is_recorded(dossier: Dossier) -> None:
    size = sum(map(len, make.files(Watched.COPY, dossier).values()))

    visited = make.visit(Watched.COPY, dossier, at=LATER)

    assert visited == patrol.Visited(Watched.COPY, dossier.uid, size)
    assert actions() == []
    assert (row(Watched.COPY).seen_at, row(Watched.COPY).checks) == (LATER, 1)
    assert (row(Watched.STORE).seen_at, row(Watched.STORE).checks) == (NOON, 0)


@pytest.mark.parametrize("place", BOTH)
def test_a_bit_turned_over_in_any_file_is_named_and_put_back(
    dossier: Dossier, place: Watched
) -> None:
    make.amend(dossier, "履历表（一）")
    make.keep(dossier)
    make.copy(dossier)
    good = make.files(place, dossier)
    assert len(good) > 10
    seen = {}

    for turn, path in enumerate(good):
        make.flip(place, dossier, path, bit=turn * 7)
        before = hashlib.sha256(make.files(place, dossier)[path]).hexdigest()
        visited = make.visit(place, dossier, at=LATER)
        assert [finding.path for finding in visited.found] == [path]
        assert [(one.finding.path, one.source) for one in visited.repaired] == [
            (path, places.TWIN[place].value)
        ]
        assert visited.left == ()
        assert make.files(place, dossier) == good
        damage = Damage.objects.get(path=path)
        assert (damage.before, damage.mended.source) == (before, places.TWIN[place])
        assert damage.mended.after == hashlib.sha256(good[path]).hexdigest()
        seen[path] = visited.found[0].code

    assert set(seen.values()) == {"E007", "E060", "E061", "E092"}
    assert actions() == ["found", "repaired"] * len(good)
    assert row(place).faulty is False


@pytest.mark.parametrize("place", BOTH)
def test_a_missing_file_of_any_kind_is_named_and_put_back(dossier: Dossier, place: Watched) -> None:
    good = make.files(place, dossier)

    for path in good:
        (make.folder(place, dossier) / path).unlink()
        visited = make.visit(place, dossier, at=LATER)
        assert [(one.path, one.what, one.before) for one in visited.found] == [
            (path, "文件缺失", "")
        ]
        assert make.files(place, dossier) == good

    assert Damage.objects.filter(mended=None).count() == 0


@pytest.mark.parametrize("place", BOTH)
def test_a_missing_object_is_brought_back_whole(dossier: Dossier, place: Watched) -> None:
    good = make.files(place, dossier)
    shutil.rmtree(make.folder(place, dossier))

    visited = make.visit(place, dossier, at=LATER)

    assert [(one.path, one.code) for one in visited.found] == [("", "gone")]
    assert visited.left == ()
    assert make.files(place, dossier) == good
    assert Damage.objects.get().mended.source == places.TWIN[place]


@pytest.mark.parametrize("place", BOTH)
def test_a_missing_version_is_brought_back_file_by_file(dossier: Dossier, place: Watched) -> None:
    make.amend(dossier, "履历表（一）")
    make.keep(dossier)
    make.copy(dossier)
    good = make.files(place, dossier)
    shutil.rmtree(make.folder(place, dossier) / "v1")

    visited = make.visit(place, dossier, at=LATER)

    assert {one.path for one in visited.found} == {path for path in good if path.startswith("v1/")}
    assert visited.left == ()
    assert make.files(place, dossier) == good


@pytest.mark.parametrize("place", BOTH)
@pytest.mark.parametrize(
    ("path", "code"),
    [("stranger", "E001"), ("v1/stranger", "E015"), ("v1/content/images/x.jpg", "E023")],
)
def test_a_foreign_file_is_named_and_set_aside_not_destroyed(
    dossier: Dossier, place: Watched, path: str, code: str
) -> None:
    good = make.files(place, dossier)
    make.write(make.folder(place, dossier) / path, b"who put this here")

    visited = make.visit(place, dossier, at=LATER)

    assert [(one.path, one.code) for one in visited.found] == [(path, code)]
    assert make.files(place, dossier) == good
    store = places.store_at(place)
    assert store is not None
    aside = [file for file in store.stage.rglob("*") if file.is_file()]
    assert [file.read_bytes() for file in aside] == [b"who put this here"]
    assert Damage.objects.get().before == hashlib.sha256(b"who put this here").hexdigest()


def test_the_damaged_bytes_are_kept_aside(dossier: Dossier) -> None:
    image = make.an_image(Watched.STORE, dossier)
    make.flip(Watched.STORE, dossier, image)
    damaged = make.files(Watched.STORE, dossier)[image]

    make.visit(Watched.STORE, dossier, at=LATER)

    store = places.store_at(Watched.STORE)
    assert store is not None
    assert damaged in [file.read_bytes() for file in store.stage.rglob("*") if file.is_file()]


def test_a_file_and_its_inventories_altered_together_are_found_by_the_digest_on_record(
    dossier: Dossier,
) -> None:
    good = make.files(Watched.STORE, dossier)
    image = make.an_image(Watched.STORE, dossier)
    make.flip(Watched.STORE, dossier, image)
    altered = make.files(Watched.STORE, dossier)[image]
    _state_altered(dossier, good, image, altered)

    visited = make.visit(Watched.STORE, dossier, at=LATER)

    assert image in {one.path for one in visited.found}
    assert len(visited.found) == 5  # the image, two inventories, two sidecars
    assert visited.left == ()
    assert make.files(Watched.STORE, dossier) == good


def _state_altered(dossier: Dossier, good: dict[str, bytes], path: str, altered: bytes) -> None:
    """Let all inventories and sidecars of the store say of altered bytes that they are right."""
    raw = good["inventory.json"].decode()
    for algorithm in ("sha512", "sha256"):
        raw = raw.replace(
            hashlib.new(algorithm, good[path]).hexdigest(),
            hashlib.new(algorithm, altered).hexdigest(),
        )
    for name in good:
        folder = make.folder(Watched.STORE, dossier)
        last = name.rpartition("/")[2]
        if last == "inventory.json":
            make.write(folder / name, raw.encode())
        elif last.startswith("inventory.json."):
            digest = hashlib.new(last.rpartition(".")[2], raw.encode()).hexdigest()
            make.write(folder / name, f"{digest} inventory.json\n".encode())


def test_what_both_copies_have_lost_is_said_and_nothing_is_written_over_it(
    dossier: Dossier, caplog: pytest.LogCaptureFixture
) -> None:
    image = make.an_image(Watched.STORE, dossier)
    for place in BOTH:
        make.flip(place, dossier, image, bit=3 + len(place))
    before = [make.files(place, dossier) for place in BOTH]

    visited = make.visit(Watched.STORE, dossier, at=LATER)
    again = make.visit(Watched.STORE, dossier, at=LATER + timedelta(hours=2))

    assert [make.files(place, dossier) for place in BOTH] == before
    assert [one.path for one in visited.left] == [one.path for one in again.left] == [image]
    assert visited.why == f"{image}：另一副本中同一文件也已损坏或缺失（E092）"
    assert actions() == ["found", "unrepairable"]  # said once
    assert Damage.objects.filter(mended=None).count() == 1
    assert row(Watched.STORE).faulty is True
    alarms = [json.loads(record.message) for record in caplog.records]
    assert [one["alarm"].rpartition(".")[2] for one in alarms] == ["found", "unrepairable"]
    assert alarms[0]["object"] == dossier.uid
    assert alarms[0]["files"] == [[image, "E092"]]


def test_what_both_have_lost_is_said_once_of_each(dossier: Dossier) -> None:
    image = make.an_image(Watched.STORE, dossier)
    for place in BOTH:
        make.flip(place, dossier, image, bit=3 + len(place))

    for turn in range(3):
        for place in BOTH:
            make.visit(place, dossier, at=LATER + turn * timedelta(hours=2))

    assert actions() == ["found", "unrepairable"] * 2
    said = ledger.entries(action=patrol.UNREPAIRABLE)
    assert sorted(entry.facts["place"] for entry in said) == ["copy", "store"]


def test_without_any_inventory_that_is_on_record_nothing_is_touched(dossier: Dossier) -> None:
    for place in BOTH:
        for path in make.files(place, dossier):
            if path.rpartition("/")[2] == "inventory.json":
                make.flip(place, dossier, path, bit=801)
    before = [make.files(place, dossier) for place in BOTH]

    visited = make.visit(Watched.COPY, dossier, at=LATER)

    assert [make.files(place, dossier) for place in BOTH] == before
    assert visited.why == "没有一个副本的清单与登记的摘要相符"
    assert actions() == ["found", "unrepairable"]


def test_damage_in_both_copies_of_different_files_is_put_right_in_both(dossier: Dossier) -> None:
    good = make.files(Watched.STORE, dossier)
    image = make.an_image(Watched.STORE, dossier)
    other = next(path for path in good if "/images/" in path and path != image)
    make.flip(Watched.STORE, dossier, image)
    make.flip(Watched.COPY, dossier, other)

    visited = [make.visit(place, dossier, at=LATER) for place in BOTH]

    assert [[one.path for one in each.found] for each in visited] == [[image], [other]]
    assert [make.files(place, dossier) for place in BOTH] == [good, good]


def test_what_only_the_newer_store_has_cannot_come_from_a_copy_that_is_behind(
    dossier: Dossier,
) -> None:
    make.amend(dossier, "履历表（一）")
    make.keep(dossier)
    good = make.files(Watched.STORE, dossier)
    (catalogue,) = [path for path in good if path.startswith("v2/content/catalogue")]
    image = make.an_image(Watched.STORE, dossier)
    make.flip(Watched.STORE, dossier, catalogue)
    make.flip(Watched.STORE, dossier, image)
    make.flip(Watched.STORE, dossier, "inventory.json", bit=900)

    visited = make.visit(Watched.STORE, dossier, at=LATER)

    assert {one.finding.path for one in visited.repaired} >= {image}
    assert catalogue in {one.path for one in visited.left}
    now = make.files(Watched.STORE, dossier)
    assert now[image] == good[image]
    assert Damage.objects.filter(mended=None).count() == len(visited.left)


def test_a_copy_that_is_behind_is_whole_and_put_right_from_the_newer_store(
    dossier: Dossier,
) -> None:
    good = make.files(Watched.COPY, dossier)
    make.amend(dossier, "履历表（一）")
    make.keep(dossier)
    whole = make.visit(Watched.COPY, dossier, at=LATER)
    for path in good:
        make.flip(Watched.COPY, dossier, path)

    visited = make.visit(Watched.COPY, dossier, at=LATER)

    assert whole.found == ()
    assert {one.path for one in visited.found} == set(good)
    assert visited.left == ()
    assert make.files(Watched.COPY, dossier) == good


def test_of_a_lost_object_comes_back_what_a_copy_that_is_behind_has(dossier: Dossier) -> None:
    first = make.files(Watched.STORE, dossier)
    make.amend(dossier, "履历表（一）")
    make.keep(dossier)
    shutil.rmtree(make.folder(Watched.STORE, dossier))

    visited = make.visit(Watched.STORE, dossier, at=LATER)
    again = make.visit(Watched.STORE, dossier, at=LATER + timedelta(hours=2))

    assert [one.code for one in visited.found] == ["gone", "E063"]
    assert [one.path for one in visited.left] == ["v2/inventory.json"]
    assert make.files(Watched.STORE, dossier) == first
    assert again.left == visited.left
    assert actions() == ["found", "unrepairable"]
    with pytest.raises(VersionsLost):
        make.keep(dossier)


def test_an_object_of_which_only_the_folders_stand_comes_back_as_well(dossier: Dossier) -> None:
    good = make.files(Watched.STORE, dossier)
    for path in good:
        (make.folder(Watched.STORE, dossier) / path).unlink()

    visited = make.visit(Watched.STORE, dossier, at=LATER)

    assert [one.code for one in visited.found] == ["gone"]
    assert visited.left == ()
    assert make.files(Watched.STORE, dossier) == good


def test_versions_on_the_copy_that_were_not_acknowledged_yet_are_left_alone(
    dossier: Dossier,
) -> None:
    for title in ("履历表（一）", "履历表（二）"):
        make.amend(dossier, title)
        make.keep(dossier)
    source, target = (places.store_at(place) for place in BOTH)
    assert source is not None
    assert target is not None
    writer.adopt(target, make.packages.object_id(dossier.uid), source)
    make.write(make.folder(Watched.COPY, dossier) / "v9" / "stranger", b"who put this here")

    visited = make.visit(Watched.COPY, dossier, at=LATER)
    copied = make.copy(dossier, at=LATER)

    assert [(one.path, one.code) for one in visited.found] == [("v9/stranger", "E001")]
    assert visited.left == ()
    assert copied is not None
    assert make.files(Watched.COPY, dossier) == make.files(Watched.STORE, dossier)


def test_what_was_put_right_by_hand_is_found_whole_and_closed(dossier: Dossier) -> None:
    image = make.an_image(Watched.STORE, dossier)
    good = make.files(Watched.STORE, dossier)[image]
    for place in BOTH:
        make.flip(place, dossier, image, bit=3 + len(place))
    make.visit(Watched.STORE, dossier, at=LATER)
    make.write(make.folder(Watched.STORE, dossier) / image, good)

    visited = make.visit(Watched.STORE, dossier, at=LATER + timedelta(hours=2))

    assert visited.found == ()
    assert Mended.objects.get().source == ""
    facts = ledger.entries(action=patrol.FOUND).first().facts
    assert (facts["place"], facts["files"], facts["whole_again"]) == ("store", [], [image])


def test_a_package_another_is_writing_is_named_and_left_for_later(dossier: Dossier) -> None:
    image = make.an_image(Watched.STORE, dossier)
    make.flip(Watched.STORE, dossier, image)
    damaged = make.files(Watched.STORE, dossier)
    store = places.store_at(Watched.STORE)
    assert store is not None

    with writer.writing(store, make.packages.object_id(dossier.uid)):
        busy = make.visit(Watched.STORE, dossier, at=LATER)
    after = make.files(Watched.STORE, dossier)
    free = make.visit(Watched.STORE, dossier, at=LATER)

    assert (busy.busy, busy.repaired, after) == (True, (), damaged)
    assert [one.finding.path for one in free.repaired] == [image]


def test_a_medium_that_is_not_there_is_one_incident_and_closed_when_it_is_back(
    dossier: Dossier, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    folder.rename(tmp_path / "away")
    said = [patrol.look_at_store(place=Watched.COPY, by="patrol", at=LATER) for _ in range(2)]
    absent = list(Damage.objects.filter(mended=None).values_list("place", "name", "code"))
    (tmp_path / "away").rename(folder)
    back = patrol.look_at_store(place=Watched.COPY, by="patrol", at=LATER)

    assert said == ["第二副本的存储根不在：请检查介质是否已挂载"] * 2
    assert absent == [("copy", "", "absent")]
    assert back == ""
    assert not Damage.objects.filter(mended=None).exists()
    assert [entry.subject for entry in ledger.entries(action=patrol.FOUND)] == ["store:copy"] * 2


def test_what_was_read_longest_ago_is_next_and_damage_is_tried_again_first(
    office: desk.Office, dossier: Dossier
) -> None:
    second = make.small_dossier(office, order=2)
    make.kept_and_copied(second)
    hour = timedelta(hours=1)
    seen = [("store", dossier.uid), ("copy", dossier.uid), ("store", second.uid)]
    for turn, (place, name) in enumerate(seen):
        Patrolled.objects.filter(place=place, name=name).update(seen_at=NOON + (5 - turn) * hour)

    def next_at(moment: datetime) -> tuple[str, str]:
        found = watching.next_due(among=BOTH, at=moment)
        assert found is not None
        return found.place, found.name

    oldest = next_at(LATER)
    Patrolled.objects.filter(place="store", name=dossier.uid).update(faulty=True)
    soon = next_at(NOON + 5 * hour)
    tried = next_at(NOON + 7 * hour)

    assert oldest == ("copy", second.uid)
    assert soon == ("copy", second.uid)
    assert tried == ("store", dossier.uid)


def test_the_patrol_knows_everything_that_is_kept_and_nothing_twice(
    office: desk.Office, dossier: Dossier
) -> None:
    second = make.small_dossier(office, order=2)
    make.keep(second)

    new = [patrol.enrol(rows=watching.unpatrolled(after=0, limit=10)) for _ in range(2)]

    assert new == [1, 0]
    assert set(Patrolled.objects.values_list("place", "name")) == {
        ("store", dossier.uid),
        ("copy", dossier.uid),
        ("store", second.uid),
    }


def test_another_copy_is_patrolled_in_place_of_the_old(
    dossier: Dossier, settings: Any, tmp_path: Path
) -> None:
    make.set_copy(settings, tmp_path / "another")

    visited = make.visit(Watched.COPY, dossier, at=LATER)

    assert visited == patrol.Visited(Watched.COPY, dossier.uid)
    assert not Patrolled.objects.filter(place="copy").exists()
    assert actions() == []


def test_the_next_of_many_is_found_by_the_index_alone(dossier: Dossier) -> None:
    Patrolled.objects.bulk_create(
        Patrolled(
            place=Watched.STORE if turn % 2 else Watched.COPY,
            name=f"{turn:016x}",
            seen_at=NOON + timedelta(seconds=turn % 977),
        )
        for turn in range(20_000)
    )

    with CaptureQueriesContext(connection) as asked:
        found = watching.next_due(among=BOTH, at=LATER)

    assert found is not None
    assert found.seen_at == NOON
    assert len(asked) == 4
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for query in asked.captured_queries:
                cursor.execute("EXPLAIN QUERY PLAN " + query["sql"].rstrip(";"))
                plan = " ".join(str(step[3]) for step in cursor.fetchall())
                assert "USING INDEX patrolled_" in plan
                assert "SCAN" not in plan
                assert "TEMP B-TREE" not in plan
