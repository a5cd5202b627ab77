"""Objects in a bucket: grown, read, checked, brought over and mended as in a folder."""

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ocfl_factories as factories
import pytest
import seaweed
from hypothesis import given, settings
from hypothesis import strategies as st
from s3_stores import PREFIX, A, drop, faults, keys, put

from lantai.lib.ocfl import check, disk, inventory, layout, reader, writer
from lantai.lib.ocfl.faults import Unsound
from lantai.lib.ocfl.layout import Store


def test_a_bucket_holds_what_a_folder_holds(tmp_path: Path, store: Store) -> None:
    local = factories.store(tmp_path)
    writer.found(store)

    assert factories.grown(store, versions=3) == factories.grown(local, versions=3)

    assert keys(store) == {
        str(path.relative_to(local.root)): path.read_bytes()
        for path in local.root.rglob("*")
        if path.is_file()
    }
    assert faults(store) == []
    assert list(check.fixity(store.at(A))) == []
    assert list(store.stage.iterdir()) == []


def test_each_version_is_read_as_it_was_written(store: Store) -> None:
    made = factories.grown(store, versions=3)

    at = store.at(A)
    assert [found.place for found in reader.objects(store)] == [at.place]
    assert reader.standing(at).inventory == made
    assert reader.read(at, "catalogue.xml") == b"<v3/>"
    assert reader.read(at, "catalogue.xml", version="v1") == b"<v1/>"
    with reader.open_content(at, "1-1-002.jpg") as stream:
        assert (stream.read(2), stream.read()) == (b"pa", b"ge 2")
    with pytest.raises(Unsound, match="E092"):
        reader.open_file(at, "v1/content/none.jpg")


def test_a_store_copied_down_is_a_store(tmp_path: Path, store: Store, bucket: str) -> None:
    made = factories.grown(store, versions=2)

    seaweed.copied_down(seaweed.server(), bucket, tmp_path / "down" / "root", PREFIX)

    local = Store(tmp_path / "down")
    assert reader.standing(local.at(A)).inventory == made
    assert faults(local) == []


def test_empty_and_large_files_come_back_the_same(store: Store) -> None:
    large = bytes(range(256)) * 30_000

    factories.version(store, A, {"empty": b"", "large": large})

    assert reader.read(store.at(A), "empty") == b""
    assert reader.read(store.at(A), "large") == large


@settings(max_examples=8)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["a", "b", "c/d", "一 二/%3a"]), st.binary(max_size=3), max_size=3
        ),
        min_size=1,
        max_size=3,
    )
)
def test_any_growth_is_sound(
    tmp_path_factory: pytest.TempPathFactory, growth: list[dict[str, bytes]]
) -> None:
    server = seaweed.server()
    store = server.store(tmp_path_factory.mktemp("growth"), server.bucket())

    for held in growth:
        factories.version(store, A, held)

    for number, held in enumerate(growth, start=1):
        for path, wanted in held.items():
            assert reader.read(store.at(A), path, version=f"v{number}") == wanted
    assert faults(store) == []


def test_versions_are_brought_from_a_folder_and_back(tmp_path: Path, store: Store) -> None:
    local = factories.store(tmp_path)
    factories.grown(local, versions=2)
    assert writer.adopt(store, A, local).number == 2
    made = factories.grown_by_one(local)

    assert writer.adopt(store, A, local) == made
    assert writer.adopt(store, A, local) == made

    back = factories.store(tmp_path / "back")
    assert writer.adopt(back, A, store) == made
    assert (faults(store), faults(back)) == ([], [])
    assert list(store.stage.iterdir()) == []


def test_a_damaged_copy_is_not_brought_over(tmp_path: Path, store: Store) -> None:
    local = factories.store(tmp_path)
    factories.grown(store, versions=2)
    put(store, f"{store.at(A).place}/v2/content/1-1-002.jpg", b"page 7")

    with pytest.raises(Unsound, match="E092"):
        writer.adopt(local, A, store)

    assert not local.at(A).exists()
    assert list(local.stage.iterdir()) == []


@pytest.mark.parametrize("harm", [put, lambda store, path, held: drop(store, path)])
def test_a_damaged_or_missing_key_is_named_and_mended(
    tmp_path: Path, store: Store, harm: Callable[[Store, str, bytes], None]
) -> None:
    local = factories.store(tmp_path)
    factories.grown(local, versions=2)
    writer.adopt(store, A, local)
    before, at = keys(store), store.at(A)
    damaged = [path for path in before if path.startswith(at.place)]
    for path in damaged:
        harm(store, path, b"damaged")
        assert faults(store)

        writer.mend(at, path.removeprefix(f"{at.place}/"), local.at(A))

        assert faults(store) == []
    assert keys(store) == before
    aside = [path for path in (store.stage / writer.ASIDE).rglob("*") if path.is_file()]
    assert len(aside) == (len(damaged) if harm is put else 0)
    assert {path.read_bytes() for path in aside} <= {b"damaged"}


FOREIGN = {
    "in-the-root": ("E088", "letter.txt"),
    "between": ("E072", "5fe/letter.txt"),
    "in-the-object": ("E001", "{at}/letter.txt"),
    "in-a-version": ("E015", "{at}/v1/letter.txt"),
    "in-the-content": ("E023", "{at}/v1/content/letter.txt"),
    "a-version": ("E046", "{at}/v9/content/letter.txt"),
    "no-object": ("E003", "aaa/bbb/ccc/ddd/letter.txt"),
}


@pytest.mark.parametrize(("code", "path"), FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_key_is_named_and_nothing_else(store: Store, code: str, path: str) -> None:
    factories.grown(store, versions=2)
    put(store, path.format(at=store.at(A).place), b"letter")

    found = faults(store)

    assert {said for said, _ in found} == {code}
    assert path.format(at=store.at(A).place).startswith(found[0][1])


def test_a_foreign_key_is_set_aside_and_an_own_one_is_not(store: Store) -> None:
    factories.grown(store, versions=2)
    at = store.at(A)
    put(store, f"{at.place}/v2/content/odd/letter.txt", b"letter")

    writer.set_aside(at, "v2/content/odd")

    assert faults(store) == []
    kept = [path for path in (store.stage / writer.ASIDE).rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in kept] == [b"letter"]
    for own in ("v1/content/1-1-001.jpg", "v1", "inventory.json", "v2/content"):
        with pytest.raises(Unsound):
            writer.set_aside(at, own)
    assert faults(store) == []


def test_a_folder_marker_some_programs_put_is_named(store: Store) -> None:
    factories.grown(store, versions=1)
    put(store, f"{store.at(A).place}/v1/content/", b"")

    assert {code for code, _ in faults(store)} == {"E090", "E024"}


def test_an_inventory_edited_by_hand_is_told_and_not_written_over(store: Store) -> None:
    factories.grown(store, versions=2)
    at = store.at(A)
    raw = reader.standing(at).raw.replace(b"tester", b"nobody")
    put(store, f"{at.place}/inventory.json", raw)
    assert ("E060", f"{at.place}/inventory.json") in faults(store)

    factories.version(store, A, {"more": b"more"})

    assert faults(store) == []
    assert reader.standing(at).inventory.versions["v2"].user == "tester"


@pytest.mark.parametrize("path", ["../a", "/a", "a/../../b", "", "a\x00b"])
def test_a_path_trick_writes_nothing(store: Store, path: str) -> None:
    writer.found(store)

    with pytest.raises(ValueError), writer.writing(store, A) as draft, draft.file(path):
        pass

    assert keys(store) == layout.root_files()
    with pytest.raises(ValueError):
        store.at(A).open(path)


def test_a_bucket_with_other_things_is_not_made_a_store(store: Store) -> None:
    put(store, "holiday.jpg", b"mine")

    with pytest.raises(Unsound, match="E069"):
        factories.grown(store)

    assert keys(store) == {"holiday.jpg": b"mine"}


def test_a_store_whose_making_was_stopped_is_made(store: Store) -> None:
    put(store, layout.LAYOUT_FILE, layout.root_files()[layout.LAYOUT_FILE])

    factories.grown(store, versions=1)

    assert faults(store) == []


def test_a_file_of_the_root_itself_is_put_once(store: Store) -> None:
    writer.note(store, layout.READ_ME, b"read me")
    writer.note(store, layout.READ_ME, b"read me")
    assert keys(store)[layout.READ_ME] == b"read me"

    writer.note(store, layout.READ_ME, b"read this")

    assert keys(store)[layout.READ_ME] == b"read this"
    assert faults(store) == []


def _overtaken(late_store: Store, early_store: Store, page: str, after: dict[str, bytes]) -> None:
    """Begin a version in one place, write one in another, then go on with the first."""
    with writer.writing(late_store, A) as late:
        with late.file(f"{page}-{late.number}") as stream:
            stream.write(b"late")
        with writer.writing(early_store, A) as early:
            with early.file(f"page-{early.number}") as stream:
                stream.write(b"early")
            commit(early)
        after.update(keys(early_store))
        commit(late)


def commit(draft: writer.Draft) -> None:
    draft.commit(at=factories.NOON, message="", user="tester", address="urn:x:y")


@pytest.mark.parametrize("versions", [0, 2])
@pytest.mark.parametrize("page", ["page", "other"])
def test_of_two_machines_that_write_one_object_one_wins(
    tmp_path: Path, bucket: str, versions: int, page: str
) -> None:
    """The second began before the first was done; whether their paths are the same or not."""
    here = seaweed.server().store(tmp_path / "here", bucket, PREFIX)
    there = seaweed.server().store(tmp_path / "there", bucket, PREFIX)
    if versions:
        factories.grown(here, versions=versions)
    after: dict[str, bytes] = {}

    with pytest.raises(disk.Busy):
        _overtaken(there, here, page, after)

    assert keys(here) == after
    assert faults(here) == []
    assert reader.read(here.at(A), f"page-{versions + 1}") == b"early"
    assert list(there.stage.iterdir()) == []


def test_two_machines_that_write_one_object_at_once_lose_nothing_they_acknowledged(
    tmp_path: Path, bucket: str
) -> None:
    stores = [seaweed.server().store(tmp_path / name, bucket, PREFIX) for name in ("a", "b")]
    writer.found(stores[0])

    with ThreadPoolExecutor(2) as machines:
        told = list(machines.map(_acknowledged, stores, ("a", "b")))

    acknowledged = {page for pages in told for page in pages}
    at = stores[0].at(A)
    found = reader.standing(at).inventory
    assert len(acknowledged) == 6
    assert acknowledged <= set(found.state)
    assert found.number == len(found.state)
    for page in found.state:
        assert reader.read(at, page) == page.encode()
    for store in stores:
        writer.sweep(store)
    assert faults(stores[0]) == []


def _acknowledged(store: Store, name: str) -> list[str]:
    """Write until three versions are acknowledged; return the page each of them added."""
    pages: list[str] = []
    for turn in range(400):
        if len(pages) == 3:
            break
        page = f"{name}-{turn}"
        # Busy: the other was first. Unsound: the other is at it.
        with contextlib.suppress(disk.Busy, Unsound), writer.writing(store, A) as draft:
            for path, digest in (draft.before.state if draft.before else {}).items():
                draft.carry(path, digest)
            with draft.file(page) as stream:
                stream.write(page.encode())
            commit(draft)
            pages.append(page)
    return pages


def test_what_another_machine_left_unfinished_is_not_written_over(
    tmp_path: Path, store: Store
) -> None:
    factories.grown(store, versions=2)
    left = f"{store.at(A).place}/v3/content/1-1-003.jpg"
    put(store, left, b"half a version")
    before = keys(store)

    with pytest.raises(Unsound, match="fsck --store --repair"):
        factories.grown_by_one(store)

    assert keys(store) == before
    assert reader.standing(store.at(A)).inventory.number == 2

    writer.settle(store, A, alone=True)

    assert left not in keys(store)
    assert factories.grown_by_one(store).number == 3
    assert faults(store) == []


def test_what_never_came_to_a_first_version_is_swept_and_foreign_keys_are_not(
    store: Store,
) -> None:
    factories.grown(store, versions=1)
    whole = keys(store)
    left = "aaa/bbb/ccc/urn%3atest%3ax/v1/content/1-1-001.jpg"
    foreign = {"aaa/bbb/ccc/urn%3atest%3ax/letter.txt": b"mine", "zzz/letter.txt": b"mine"}
    for path, held in {left: b"half", **foreign}.items():
        put(store, path, held)

    assert writer.sweep(store) == []
    assert [at.place for at in reader.objects(store)] == [store.at(A).place]
    assert writer.sweep(store, alone=True) == [left]

    assert keys(store) == {**whole, **foreign}
    assert {code for code, _ in faults(store)} == {"E003", "E072"}


def test_the_objects_of_a_bucket_are_listed_in_the_order_of_their_places(store: Store) -> None:
    ids = [f"urn:test:{number}" for number in range(12)]
    for object_id in ids:
        factories.version(store, object_id, {"0=ocfl_object_1.1": b"a page of that name"})

    found = [at.place for at in reader.objects(store)]

    assert found == sorted(store.at(object_id).place for object_id in ids)


def test_a_version_whose_content_is_not_all_there_is_never_published(store: Store) -> None:
    """An inventory that arrived after its writer was given up, and its content taken back."""
    factories.grown(store, versions=2)
    at = store.at(A)
    older = keys(store)
    factories.grown_by_one(store)
    for name in (inventory.FILE, inventory.sidecar_name(inventory.ALGORITHM)):
        put(store, f"{at.place}/{name}", older[f"{at.place}/{name}"])
    drop(store, f"{at.place}/v3/content/2-1-003.jpg")

    with pytest.raises(Unsound, match="没写完的版本"):
        writer.settle(store, A)

    assert reader.standing(at).inventory.number == 2
    writer.settle(store, A, alone=True)
    assert faults(store) == []


def test_a_damaged_object_is_not_taken_for_one_that_never_came_to_a_version(store: Store) -> None:
    factories.grown(store, versions=2)
    at = store.at(A)
    drop(store, f"{at.place}/{inventory.FILE}")
    drop(store, f"{at.place}/v1/content/1-1-001.jpg")
    before = keys(store)

    writer.settle(store, A, alone=True)
    writer.sweep(store, alone=True)

    assert before.items() <= keys(store).items()
    assert faults(store) == [("E092", f"{at.place}/v1/content/1-1-001.jpg")]
    assert reader.read(at, "1-1-002.jpg") == b"page 2"
