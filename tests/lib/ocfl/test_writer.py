"""Objects grow by versions, read at each of them; two writers do not meet in one object."""

import errno
import os
import stat
from pathlib import Path

import ocfl_factories as factories
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib.ocfl import check, disk, layout, reader, writer
from lantai.lib.ocfl.faults import Unsound
from lantai.lib.ocfl.layout import Store
from lantai.lib.ocfl.local import Local

A = "urn:test:a"


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def faults(store: Store) -> list[str]:
    return [str(fault) for found in check.check_store(store) for fault in found.faults]


def test_each_version_is_read_as_it_was_written(tmp_path: Path) -> None:
    store = factories.store(tmp_path)

    made = factories.grown(store, versions=3)

    assert reader.standing(store.at(A)).inventory == made
    assert sorted(made.state) == ["1-1-001.jpg", "1-1-002.jpg", "1-1-003.jpg", "catalogue.xml"]
    assert reader.read(store.at(A), "1-1-001.jpg") == b"page 1"
    assert reader.read(store.at(A), "catalogue.xml") == b"<v3/>"
    assert reader.read(store.at(A), "catalogue.xml", version="v1") == b"<v1/>"
    assert sorted(made.versions["v1"].state) == ["1-1-001.jpg", "catalogue.xml"]
    assert faults(store) == []


def test_a_version_adds_files_and_changes_none(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    factories.grown(store, versions=2)
    before = files(store.folder_of(A))

    factories.grown_by_one(store)

    after = files(store.folder_of(A))
    heads = {"inventory.json", "inventory.json.sha256"}
    assert {path for path in before if after[path] != before[path]} == heads
    assert {path.split("/")[0] for path in after.keys() - before.keys()} == {"v3"}


def test_files_are_read_only_and_folders_closed_to_others(tmp_path: Path) -> None:
    store = factories.store(tmp_path)

    factories.grown(store)

    for path in store.root.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o400), path


def test_nothing_is_left_in_the_stage(tmp_path: Path) -> None:
    store = factories.store(tmp_path)

    factories.grown(store)

    assert list(store.stage.iterdir()) == []


def test_the_same_bytes_stand_once(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    factories.version(store, A, {"a": b"same", "deep/er/b": b"same"})

    made = factories.version(store, A, {"a": b"same", "c/d": b"same", "e": b"other"})

    assert list(made.content_paths()) == ["v1/content/a", "v2/content/e"]
    assert reader.read(store.at(A), "c/d") == b"same"
    assert faults(store) == []


def test_a_version_may_add_nothing_but_a_state(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    first = factories.version(store, A, {"a": b"one", "b": b"two"})

    factories.version(store, A, {}, carry={"b": first.state["b"]})

    assert list(reader.standing(store.at(A)).inventory.state) == ["b"]
    assert faults(store) == []


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["a", "b", "c/d", "c/e/f"]), st.binary(max_size=3), max_size=4
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_growth_is_sound(
    tmp_path_factory: pytest.TempPathFactory, growth: list[dict[str, bytes]]
) -> None:
    store = factories.store(tmp_path_factory.mktemp("growth"))

    for held in growth:
        factories.version(store, A, held)

    for number, held in enumerate(growth, start=1):
        for path, wanted in held.items():
            assert reader.read(store.at(A), path, version=f"v{number}") == wanted
    assert faults(store) == []


def test_two_objects_under_one_folder_both_enter(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    ids = [f"urn:test:{number}" for number in range(60)]

    for object_id in ids:
        factories.version(store, object_id, {"a": object_id.encode()})

    found = [reader.standing(at).inventory.object_id for at in reader.objects(store)]
    assert sorted(found) == sorted(ids)
    assert faults(store) == []


def test_a_folder_that_another_object_made_meanwhile_is_shared(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    with writer.writing(store, A) as draft:
        with draft.file("a") as stream:
            stream.write(b"one")
        store.folder_of(A).parent.mkdir(parents=True)

        draft.commit(at=factories.NOON, message="", user="tester", address="urn:x:y")

    assert reader.read(store.at(A), "a") == b"one"
    assert faults(store) == []


def test_a_second_writer_of_one_object_is_refused_at_once(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    factories.version(store, A, {"a": b"one"})
    before = files(store.root)

    with writer.writing(store, A), pytest.raises(disk.Busy), writer.writing(store, A):
        pass

    assert files(store.root) == before
    assert factories.version(store, A, {"a": b"two"}).number == 2


def test_writers_of_two_objects_do_not_meet(tmp_path: Path) -> None:
    store = factories.store(tmp_path)

    with writer.writing(store, A) as draft:
        factories.version(store, "urn:test:b", {"b": b"two"})
        with draft.file("a") as stream:
            stream.write(b"one")
        draft.commit(at=factories.NOON, message="", user="tester", address="urn:x:y")

    assert len(list(reader.objects(store))) == 2


def test_a_draft_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    factories.grown(store, versions=2)
    before = files(store.home)

    with pytest.raises(OSError, match="No space"):
        _fail_half_way(store)

    assert files(store.home) == before


def _fail_half_way(store: Store) -> None:
    with writer.writing(store, A) as draft, draft.file("a") as stream:
        stream.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("path", ["../a", "/a", "a/../../b", "", "a\x00b"])
def test_a_path_trick_writes_nothing(tmp_path: Path, path: str) -> None:
    store = factories.store(tmp_path)

    with pytest.raises(ValueError), writer.writing(store, A) as draft, draft.file(path):
        pass

    assert not store.folder_of(A).exists()


def test_one_path_stands_once_in_a_version(tmp_path: Path) -> None:
    store = factories.store(tmp_path)

    with writer.writing(store, A) as draft:
        with draft.file("a") as stream:
            stream.write(b"one")
        with pytest.raises(ValueError, match="already"), draft.file("a"):
            pass
        with pytest.raises(ValueError, match="already"):
            draft.carry("a", "0" * 128)


def test_something_else_in_the_place_of_an_object_is_not_written_over(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    folder = store.folder_of(A)
    folder.mkdir(parents=True)
    (folder / "foreign.txt").write_bytes(b"foreign")
    before = files(store.root)

    with pytest.raises(Unsound), writer.writing(store, A):
        pass

    assert files(store.root) == before


def test_another_object_in_the_place_of_an_object_is_not_written_over(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    factories.version(store, "urn:test:b", {"a": b"one"})
    folder = store.folder_of(A)
    folder.parent.mkdir(parents=True)
    store.folder_of("urn:test:b").rename(folder)
    before = files(store.root)

    with pytest.raises(Unsound, match="E037"), writer.writing(store, A):
        pass

    assert files(store.root) == before


def test_a_folder_that_is_no_store_is_not_made_one(tmp_path: Path) -> None:
    store = Store(tmp_path / "preserved")
    store.root.mkdir(parents=True)
    (store.root / "letter.txt").write_bytes(b"mine")

    with pytest.raises(Unsound, match="E069"):
        writer.found(store)

    assert files(store.home) == {"root/letter.txt": b"mine"}


def test_a_wrong_sidecar_makes_the_reader_take_the_versions_inventory(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    made = factories.grown(store, versions=2)
    sidecar = store.folder_of(A) / "inventory.json.sha256"
    sidecar.chmod(0o600)
    sidecar.write_bytes(b"0" * 128 + b" inventory.json\n")

    assert reader.standing(store.at(A)).inventory == made
    assert reader.read(store.at(A), "catalogue.xml") == b"<v2/>"
    assert writer.settle(store, A) == made
    assert faults(store) == []


def test_an_object_without_any_whole_inventory_is_an_incident(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    factories.grown(store, versions=1)
    folder = store.folder_of(A)
    for path in (folder / "inventory.json", folder / "v1" / "inventory.json"):
        path.chmod(0o600)
        path.write_bytes(b"{}")

    with pytest.raises(Unsound):
        reader.standing(store.at(A))
    with pytest.raises(Unsound), writer.writing(store, A):
        pass


def test_an_older_version_does_not_stand_in_for_a_damaged_newest(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    factories.grown(store, versions=2)
    folder = store.folder_of(A)
    for path in (folder / "inventory.json", folder / "v2" / "inventory.json"):
        path.chmod(0o600)
        path.write_bytes(b"{}")

    with pytest.raises(Unsound):
        reader.standing(store.at(A))


def test_a_changed_page_is_not_handed_out(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    made = factories.grown(store)
    path = store.folder_of(A) / made.content_path("1-1-001.jpg")
    path.chmod(0o600)
    path.write_bytes(b"page 7")

    with pytest.raises(Unsound, match="E092"):
        reader.read(store.at(A), "1-1-001.jpg")


def test_a_link_in_the_place_of_a_page_is_not_followed(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    made = factories.grown(store)
    path = store.folder_of(A) / made.content_path("1-1-001.jpg")
    path.rename(tmp_path / "page")
    path.symlink_to(tmp_path / "page")

    with pytest.raises(Unsound, match="E092"):
        reader.read(store.at(A), "1-1-001.jpg")


def test_a_path_or_version_an_object_has_not_is_a_key_error(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    factories.grown(store, versions=2)

    with pytest.raises(KeyError):
        reader.read(store.at(A), "9-9-999.jpg")
    with pytest.raises(KeyError):
        reader.read(store.at(A), "1-1-001.jpg", version="v3")


def test_what_stopped_writers_left_is_swept_and_what_is_held_stays(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    left = store.stage / ("0" * 64)
    (left / "object").mkdir(parents=True)
    (store.stage / f"{'1' * 64}.lock").touch()

    with writer.writing(store, A) as draft:
        swept = writer.sweep(store)
        held = draft.work.is_dir()

    assert swept == [left.name]
    assert held
    assert list(store.stage.iterdir()) == []


def test_the_root_declares_what_it_is(tmp_path: Path) -> None:
    store = factories.store(tmp_path)

    writer.found(store)

    assert files(store.root) == layout.root_files()


def test_what_is_made_for_the_root_at_this_moment_is_not_swept(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    factories.grown(store, versions=1)
    swept = []

    class Sweeping(Local):
        def note(self, staged: Path, name: str) -> None:
            swept.extend(writer.sweep(store))
            super().note(staged, name)

    writer.note(Store(store.home, Sweeping(store.root)), layout.READ_ME, b"read me")

    assert swept == []
    assert (store.root / layout.READ_ME).read_bytes() == b"read me"
    assert list(store.stage.iterdir()) == []
