"""Versions brought from another store, and what is damaged put right from a copy."""

from collections.abc import Callable
from pathlib import Path

import ocfl_factories as factories
import pytest

from lantai.lib.ocfl import check, disk, inventory, layout, reader, writer
from lantai.lib.ocfl.faults import Unsound
from lantai.lib.ocfl.layout import Store

A = "urn:test:a"
PAGE = "v1/content/1-1-001.jpg"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here is about what a power cut leaves."""
    monkeypatch.setattr(disk, "force_all", lambda folder: None)


@pytest.fixture
def source(tmp_path: Path) -> Store:
    store = factories.store(tmp_path / "source")
    factories.grown(store, A, versions=3)
    return store


@pytest.fixture
def copy(tmp_path: Path) -> Store:
    return Store(tmp_path / "copy")


def faults(store: Store) -> set[str]:
    return {fault.code for one in check.check_store(store) for fault in one.faults}


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def aside(store: Store) -> list[bytes]:
    return [
        path.read_bytes()
        for path in sorted((store.stage / writer.ASIDE).rglob("*"))
        if path.is_file()
    ]


def rewrite(path: Path, held: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(held)


def test_what_is_brought_is_byte_for_byte_the_same(source: Store, copy: Store) -> None:
    made = writer.adopt(copy, A, source)

    assert made == reader.standing(source.at(A)).inventory
    assert files(copy.folder_of(A)) == files(source.folder_of(A))
    assert faults(copy) == set()
    assert list(copy.stage.iterdir()) == []


def test_versions_are_brought_up_to_the_one_that_is_named(source: Store, copy: Store) -> None:
    assert writer.adopt(copy, A, source, upto=1).number == 1
    assert writer.adopt(copy, A, source, upto=2).number == 2
    assert faults(copy) == set()
    before = files(copy.home)

    assert writer.adopt(copy, A, source, upto=1).number == 2

    assert files(copy.home) == before
    assert writer.adopt(copy, A, source).number == 3
    assert files(copy.folder_of(A)) == files(source.folder_of(A))


def test_a_copy_that_has_more_is_left_as_it_is(source: Store, copy: Store) -> None:
    writer.adopt(copy, A, source)
    factories.grown_by_one(copy)
    before = files(copy.home)

    assert writer.adopt(copy, A, source).number == 4

    assert files(copy.home) == before


def test_a_version_the_source_has_not_is_an_incident(source: Store, copy: Store) -> None:
    with pytest.raises(Unsound):
        writer.adopt(copy, A, source, upto=4)

    assert not copy.at(A).exists()


def test_an_object_that_has_parted_from_its_copy_is_not_brought(source: Store, copy: Store) -> None:
    writer.adopt(copy, A, source, upto=2)
    factories.version(copy, A, {"other": b"other"})
    before = files(copy.home)

    with pytest.raises(Unsound, match="E066"):
        writer.adopt(copy, A, source)

    assert files(copy.home) == before


HARMS: dict[str, Callable[[Path], object]] = {
    "page-changed": lambda o: rewrite(o / PAGE, b"page 7"),
    "page-missing": lambda o: (o / PAGE).unlink(),
    "page-a-link": lambda o: ((o / PAGE).unlink(), (o / PAGE).symlink_to("/etc/hostname")),
    "older-inventory": lambda o: rewrite(o / "v2" / inventory.FILE, b"{}"),
    "older-inventory-missing": lambda o: (o / "v1" / inventory.FILE).unlink(),
    "all-inventories": lambda o: [
        rewrite(o / name / inventory.FILE, b"{}") for name in ("", "v1", "v2", "v3")
    ],
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_nothing_damaged_is_brought(
    source: Store, copy: Store, harm: Callable[[Path], object]
) -> None:
    harm(source.folder_of(A))

    with pytest.raises(Unsound):
        writer.adopt(copy, A, source)

    assert not copy.at(A).exists()
    assert list(copy.stage.iterdir()) == []


def test_another_object_in_the_place_of_the_source_is_not_brought(
    source: Store, copy: Store
) -> None:
    factories.version(source, "urn:test:b", {"b": b"b"})
    disk.remove(source.folder_of(A))
    source.folder_of("urn:test:b").rename(source.folder_of(A))

    with pytest.raises(Unsound, match="E037"):
        writer.adopt(copy, A, source)

    assert not copy.at(A).exists()


def test_who_is_writing_is_not_met_by_a_copy(source: Store, copy: Store) -> None:
    writer.adopt(copy, A, source, upto=1)

    with writer.writing(copy, A), pytest.raises(disk.Busy):
        writer.adopt(copy, A, source)
    with writer.writing(copy, A), pytest.raises(disk.Busy):
        writer.mend(copy.at(A), PAGE, source.at(A))

    assert reader.standing(copy.at(A)).inventory.number == 1


def test_a_damaged_page_is_put_right_and_kept_aside(source: Store, copy: Store) -> None:
    writer.adopt(copy, A, source)
    for held in (b"damaged", b"damaged again"):
        rewrite(copy.folder_of(A) / PAGE, held)

        writer.mend(copy.at(A), PAGE, source.at(A))

    assert files(copy.folder_of(A)) == files(source.folder_of(A))
    assert aside(copy) == [b"damaged", b"damaged again"]
    assert writer.sweep(copy) == []
    assert aside(copy) == [b"damaged", b"damaged again"]


def test_a_page_is_not_mended_from_a_copy_that_is_damaged_too(source: Store, copy: Store) -> None:
    writer.adopt(copy, A, source)
    rewrite(copy.folder_of(A) / PAGE, b"damaged")
    rewrite(source.folder_of(A) / PAGE, b"page 7")
    before = files(copy.root)

    with pytest.raises(Unsound, match="E092"):
        writer.mend(copy.at(A), PAGE, source.at(A))

    assert files(copy.root) == before
    assert list(copy.stage.iterdir()) == []


def test_a_link_in_the_place_of_a_page_is_mended_and_not_followed(
    tmp_path: Path, source: Store, copy: Store
) -> None:
    writer.adopt(copy, A, source)
    (tmp_path / "mine").write_bytes(b"mine")
    (copy.folder_of(A) / PAGE).unlink()
    (copy.folder_of(A) / PAGE).symlink_to(tmp_path / "mine")

    writer.mend(copy.at(A), PAGE, source.at(A))

    assert faults(copy) == set()
    assert (tmp_path / "mine").read_bytes() == b"mine"


def test_an_older_copy_does_not_make_an_object_older(source: Store, copy: Store) -> None:
    writer.adopt(copy, A, source, upto=2)
    factories.version(copy, A, {"late": b"late"})
    for name in ("", "v3"):
        rewrite(copy.folder_of(A) / name / inventory.FILE, b"{}")
    before = files(copy.root)

    with pytest.raises(Unsound):
        writer.mend(copy.at(A), inventory.FILE, source.at(A))

    assert files(copy.root) == before


def test_a_copy_that_is_ahead_gives_an_object_its_own_version_back(
    source: Store, copy: Store
) -> None:
    writer.adopt(copy, A, source, upto=2)
    good = files(copy.root)
    for name in ("", "v2"):
        rewrite(copy.folder_of(A) / name / inventory.FILE, b"{}")

    writer.mend(copy.at(A), f"v2/{inventory.FILE}", source.at(A))
    writer.mend(copy.at(A), inventory.FILE, source.at(A))

    assert files(copy.root) == good


def test_proof_of_its_own_lets_a_caller_mend_whatever_the_inventories_say(
    source: Store, copy: Store
) -> None:
    writer.adopt(copy, A, source, upto=1)
    raw = reader.standing(copy.at(A)).raw
    rewrite(copy.folder_of(A) / inventory.FILE, b"{}")
    proof = (
        "sha256",
        reader.measured(source.at(A), f"v1/{inventory.FILE}", frozenset({"sha256"}))["sha256"],
    )

    with pytest.raises(Unsound):
        writer.mend(copy.at(A), inventory.FILE, source.at(A), digest=proof)
    writer.mend(
        copy.at(A), inventory.FILE, source.at(A), digest=proof, source_path=f"v1/{inventory.FILE}"
    )

    assert (copy.folder_of(A) / inventory.FILE).read_bytes() == raw
    assert faults(copy) == set()


@pytest.mark.parametrize("path", ["v1/content/none", "../../x", "v9/inventory.json", ""])
def test_a_path_the_object_has_not_is_not_mended(source: Store, copy: Store, path: str) -> None:
    writer.adopt(copy, A, source)
    before = files(copy.root)

    with pytest.raises((KeyError, ValueError, Unsound)):
        writer.mend(copy.at(A), path, source.at(A))

    assert files(copy.root) == before


@pytest.mark.parametrize("path", ["v1/content/letter.txt", "letters", "v9"])
def test_a_foreign_file_or_folder_is_set_aside(copy: Store, path: str) -> None:
    factories.grown(copy, versions=2)
    good = files(copy.root)
    foreign = copy.folder_of(A) / path
    if foreign.suffix:
        foreign.write_bytes(b"mine")
    else:
        foreign.mkdir()
        (foreign / "letter.txt").write_bytes(b"mine")
    assert faults(copy)

    writer.set_aside(copy.at(A), path)

    assert faults(copy) == set()
    assert files(copy.root) == good
    assert aside(copy) == [b"mine"]


@pytest.mark.parametrize(
    "path",
    [
        PAGE,
        "v1",
        "v1/content",
        "v1/inventory.json",
        "v1/inventory.json.sha256",
        inventory.FILE,
        inventory.sidecar_name(),
        layout.OBJECT_DECLARATION,
    ],
)
def test_what_is_the_objects_own_is_not_set_aside(copy: Store, path: str) -> None:
    factories.grown(copy, versions=2)
    before = files(copy.home)

    with pytest.raises(Unsound):
        writer.set_aside(copy.at(A), path)

    assert files(copy.home) == before


def test_nothing_is_set_aside_where_no_inventory_tells_what_is_foreign(copy: Store) -> None:
    factories.grown(copy, versions=1)
    for folder in (copy.folder_of(A), copy.folder_of(A) / "v1"):
        rewrite(folder / inventory.FILE, b"{")
    before = files(copy.home)

    with pytest.raises(Unsound, match="E033"):
        writer.set_aside(copy.at(A), PAGE)

    assert files(copy.home) == before


def test_an_object_of_which_no_version_is_left_is_not_mended_by_its_inventory(
    source: Store, copy: Store
) -> None:
    factories.grown(copy, versions=1)
    for path in (copy.folder_of(A) / "v1", copy.folder_of(A) / inventory.FILE):
        path.rename(copy.home / path.name)

    with pytest.raises(Unsound, match="不能用来修复"):
        writer.mend(copy.at(A), inventory.FILE, source.at(A))


def test_the_quick_check_reads_every_page_and_names_what_differs(copy: Store) -> None:
    made = factories.grown(copy, versions=3)
    at = copy.at(A)
    assert list(check.fixity(at)) == []

    for path in made.content_paths():
        good = (at.folder / path).read_bytes()
        rewrite(at.folder / path, good + b".")
        assert [fault.path for fault in check.fixity(at)] == [f"{at.place}/{path}"]
        rewrite(at.folder / path, good)

    (at.folder / PAGE).unlink()
    assert [fault.path for fault in check.fixity(at)] == [f"{at.place}/{PAGE}"]
