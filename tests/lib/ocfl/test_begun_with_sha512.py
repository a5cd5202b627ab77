"""An object that was begun with sha512 stays whole, and goes on with sha512."""

import hashlib
from pathlib import Path

import pytest
from ocfl_factories import NOON, store, version

from lantai.lib.ocfl import check, inventory, layout, reader
from lantai.lib.ocfl.inventory import Inventory
from lantai.lib.ocfl.layout import Store

A = "urn:test:a"
PAGES = {"1-1-001.jpg": b"page 1", "1-1-002.jpg": b"page 2"}


@pytest.fixture
def older(tmp_path: Path) -> Store:
    """A store with an object as it was written with sha512, and sha256 as fixity."""
    made = store(tmp_path)
    begun = Inventory(A, "sha512", "v0", "content", {}, {}, {})
    digests = {
        path: {name: hashlib.new(name, held).hexdigest() for name in ("sha256", "sha512")}
        for path, held in PAGES.items()
    }
    raw = inventory.following(
        begun,
        object_id=A,
        at=NOON,
        message="归档",
        user="tester",
        address="urn:lantai:user:tester",
        fresh=digests,
        carried={},
    ).dumps()
    folder = made.folder_of(A)
    (folder / "v1/content").mkdir(parents=True)
    for path, held in PAGES.items():
        (folder / "v1/content" / path).write_bytes(held)
    for place in (folder, folder / "v1"):
        (place / "inventory.json").write_bytes(raw)
        (place / "inventory.json.sha512").write_bytes(inventory.sidecar(raw, "sha512"))
    declared = layout.OBJECT_DECLARATION
    (folder / declared).write_bytes(layout.declaration(declared))
    return made


def test_it_is_read_and_found_whole(older: Store) -> None:
    at = older.at(A)

    assert {path: reader.read(at, path) for path in PAGES} == PAGES
    assert [*check.fixity(at)] == []
    assert [examined.faults for examined in check.check_store(older)] == [(), ()]


def test_its_next_version_is_written_with_sha512_and_sha256_as_fixity(older: Store) -> None:
    first = older.folder_of(A) / "v1/inventory.json"
    before = first.read_bytes()
    carried = reader.standing(older.at(A)).inventory.state

    made = version(older, A, {"1-1-003.jpg": b"page 3"}, carry=carried)

    assert made.algorithm == "sha512"
    assert made.state["1-1-003.jpg"] == hashlib.sha512(b"page 3").hexdigest()
    assert len(made.fixity["sha256"]) == 3
    assert first.read_bytes() == before
    assert {path.name for path in older.folder_of(A).glob("inventory*")} == {
        "inventory.json",
        "inventory.json.sha512",
    }
    assert [examined.faults for examined in check.check_store(older)] == [(), ()]


def test_a_changed_byte_in_it_is_found_by_the_fast_pass(older: Store) -> None:
    page = older.folder_of(A) / "v1/content/1-1-001.jpg"
    page.write_bytes(b"page 7")

    (fault,) = check.fixity(older.at(A))

    assert (fault.code, fault.path.rpartition("/")[2]) == ("E093", "1-1-001.jpg")


def test_a_new_object_beside_it_has_sha256_and_no_fixity(older: Store) -> None:
    made = version(older, "urn:test:b", {"a": b"page"})

    assert (made.algorithm, made.fixity) == ("sha256", {})
    assert made.state == {"a": hashlib.sha256(b"page").hexdigest()}
    assert [examined.faults for examined in check.check_store(older)] == [(), (), ()]
