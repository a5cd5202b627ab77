"""The check of a store names each fault by its code and its place."""

import os
from collections.abc import Callable
from pathlib import Path

import ocfl_factories as factories
import pytest

from lantai.lib.ocfl import check, inventory
from lantai.lib.ocfl.layout import Store

A = "urn:test:a"


def found(store: Store) -> set[tuple[str, str]]:
    return {(fault.code, fault.path) for one in check.check_store(store) for fault in one.faults}


def rewrite(path: Path, held: bytes) -> None:
    if path.exists():
        path.chmod(0o600)
    path.write_bytes(held)


def flip(path: Path) -> None:
    held = bytearray(path.read_bytes())
    held[len(held) // 2] ^= 1
    rewrite(path, bytes(held))


def seal_again(folder: Path) -> None:
    """Make the sidecar fit an inventory that was edited by hand."""
    raw = (folder / "inventory.json").read_bytes()
    rewrite(folder / "inventory.json.sha256", inventory.sidecar(raw))


def _edit(folder: Path, old: bytes, new: bytes) -> None:
    path = folder / "inventory.json"
    assert old in path.read_bytes()
    rewrite(path, path.read_bytes().replace(old, new))
    seal_again(folder)


def _link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


OBJECT_FAULTS: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "page-bit": ("E092", "v1/content/1-1-001.jpg", lambda o: flip(o / "v1/content/1-1-001.jpg")),
    "page-fixity": ("E092", "v1/content/1-1-001.jpg", lambda o: flip(o / "v1/content/1-1-001.jpg")),
    "page-missing": (
        "E092",
        "v1/content/1-1-001.jpg",
        lambda o: (o / "v1/content/1-1-001.jpg").unlink(),
    ),
    "page-cut": (
        "E092",
        "v1/content/1-1-001.jpg",
        lambda o: rewrite(o / "v1/content/1-1-001.jpg", b"pag"),
    ),
    "page-foreign": (
        "E023",
        "v1/content/9-9-999.jpg",
        lambda o: rewrite(o / "v1/content/9-9-999.jpg", b"x"),
    ),
    "page-a-link": (
        "E090",
        "v1/content/1-1-001.jpg",
        lambda o: _link(o / "v1/content/1-1-001.jpg"),
    ),
    "empty-folder-in-content": (
        "E024",
        "v1/content/empty/",
        lambda o: (o / "v1/content/empty").mkdir(),
    ),
    "file-in-version": ("E015", "v2/note.txt", lambda o: rewrite(o / "v2/note.txt", b"x")),
    "folder-in-version": ("W002", "v2/notes", lambda o: (o / "v2/notes").mkdir()),
    "file-in-object": ("E001", "note.txt", lambda o: rewrite(o / "note.txt", b"x")),
    "folder-in-object": ("E001", "notes", lambda o: (o / "notes").mkdir()),
    "file-in-extensions": (
        "E067",
        "extensions/x",
        lambda o: ((o / "extensions").mkdir(), rewrite(o / "extensions/x", b"")),
    ),
    "version-foreign": ("E046", "v4", lambda o: (o / "v4").mkdir()),
    "version-missing": ("E046", "v2", lambda o: (o / "v2").rename(o.parents[4] / "away")),
    "declaration-missing": ("E003", "", lambda o: (o / "0=ocfl_object_1.1").unlink()),
    "declaration-other": (
        "E006",
        "0=ocfl_object_1.0",
        lambda o: rewrite(o / "0=ocfl_object_1.0", b"ocfl_object_1.0\n"),
    ),
    "declaration-content": (
        "E007",
        "0=ocfl_object_1.1",
        lambda o: rewrite(o / "0=ocfl_object_1.1", b"ocfl_object_1.0\n"),
    ),
    "inventory-missing": ("E063", "inventory.json", lambda o: (o / "inventory.json").unlink()),
    "inventory-bit": ("E060", "inventory.json", lambda o: _replace_byte(o / "inventory.json")),
    "inventory-no-json": ("E033", "inventory.json", lambda o: rewrite(o / "inventory.json", b"{")),
    "inventory-huge-depth": (
        "E033",
        "inventory.json",
        lambda o: rewrite(o / "inventory.json", b"[" * 200_000),
    ),
    "inventory-edited": ("E064", "v3/inventory.json", lambda o: _edit(o, b"tester", b"nobody")),
    "inventory-edited-pages": (
        "E066",
        "v1/inventory.json",
        lambda o: _edit(o, b'"1-1-001.jpg"', b'"1-1-009.jpg"'),
    ),
    "inventory-other-id": (
        "E037",
        "v1/inventory.json",
        lambda o: _edit(o / "v1", b"urn:test:a", b"urn:test:b"),
    ),
    "version-inventory-head": (
        "E040",
        "v2/inventory.json",
        lambda o: rewrite_with(o / "v2", o / "v1"),
    ),
    "version-inventory-missing": (
        "W010",
        "v1/inventory.json",
        lambda o: (o / "v1/inventory.json").unlink(),
    ),
    "version-inventory-bit": (
        "E060",
        "v1/inventory.json",
        lambda o: _replace_byte(o / "v1/inventory.json"),
    ),
    "sidecar-missing": (
        "E058",
        "inventory.json.sha256",
        lambda o: (o / "inventory.json.sha256").unlink(),
    ),
    "sidecar-words": (
        "E061",
        "inventory.json.sha256",
        lambda o: rewrite(o / "inventory.json.sha256", b"of course\n"),
    ),
    "sidecar-other": (
        "E060",
        "inventory.json",
        lambda o: rewrite(o / "inventory.json.sha256", b"0" * 64 + b" inventory.json\n"),
    ),
}


def _replace_byte(path: Path) -> None:
    rewrite(path, path.read_bytes().replace(b"tester", b"testor", 1))


def rewrite_with(folder: Path, other: Path) -> None:
    for name in ("inventory.json", "inventory.json.sha256"):
        rewrite(folder / name, (other / name).read_bytes())


@pytest.mark.parametrize(("code", "path", "harm"), OBJECT_FAULTS.values(), ids=OBJECT_FAULTS)
def test_a_fault_of_an_object_is_named(
    tmp_path: Path, code: str, path: str, harm: Callable[[Path], object]
) -> None:
    store = factories.store(tmp_path)
    factories.grown(store, versions=3)
    folder = store.folder_of(A)
    assert found(store) == set()

    harm(folder)

    where = str(folder.relative_to(store.root))
    named = f"{where}/{path}" if path else where
    assert (code, named) in found(store)


ROOT_FAULTS: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "no-declaration": ("E069", "", lambda r: (r / "0=ocfl_1.1").unlink()),
    "two-declarations": ("E069", "", lambda r: rewrite(r / "0=ocfl_1.0", b"ocfl_1.0\n")),
    "declaration-content": ("E080", "0=ocfl_1.1", lambda r: rewrite(r / "0=ocfl_1.1", b"no")),
    "layout-missing": ("E070", "ocfl_layout.json", lambda r: (r / "ocfl_layout.json").unlink()),
    "layout-other": ("E070", "ocfl_layout.json", lambda r: rewrite(r / "ocfl_layout.json", b"{}")),
    "file-in-root": ("E088", "letter.txt", lambda r: rewrite(r / "letter.txt", b"x")),
    "file-in-extensions": ("E086", "extensions/x", lambda r: rewrite(r / "extensions/x", b"x")),
    "link-in-root": ("E090", "there", lambda r: (r / "there").symlink_to("/")),
    "empty-folder": ("E073", "aaa", lambda r: (r / "aaa").mkdir()),
    "empty-folder-below": ("E073", "aaa/bbb", lambda r: (r / "aaa/bbb").mkdir(parents=True)),
    "file-between": (
        "E072",
        "aaa/x",
        lambda r: ((r / "aaa").mkdir(), rewrite(r / "aaa/x", b"x")),
    ),
    "no-object": (
        "E003",
        "a/b/c/d",
        lambda r: ((r / "a/b/c/d").mkdir(parents=True), rewrite(r / "a/b/c/d/x", b"x")),
    ),
}


@pytest.mark.parametrize(("code", "path", "harm"), ROOT_FAULTS.values(), ids=ROOT_FAULTS)
def test_a_fault_of_the_root_is_named(
    tmp_path: Path, code: str, path: str, harm: Callable[[Path], object]
) -> None:
    store = factories.store(tmp_path)
    factories.grown(store, versions=1)
    assert found(store) == set()

    harm(store.root)

    assert (code, path) in found(store)


def test_a_store_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    assert found(Store(tmp_path / "nowhere")) == {("E069", "")}


def test_an_object_out_of_its_place_is_a_fault(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    factories.grown(store, versions=1)
    (store.root / "aaa/bbb/ccc").mkdir(parents=True)
    store.folder_of(A).rename(store.root / "aaa/bbb/ccc/urn%3atest%3aa")

    assert ("0003", "aaa/bbb/ccc/urn%3atest%3aa") in found(store)


def test_a_pipe_in_the_place_of_a_page_is_named_and_not_waited_for(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    factories.grown(store, versions=1)
    page = store.folder_of(A) / "v1/content/1-1-001.jpg"
    page.unlink()
    os.mkfifo(page)

    assert {code for code, _ in found(store)} >= {"E090", "E092"}


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    factories.grown(store, versions=2)

    for path in sorted(path for path in store.root.rglob("*") if path.is_file()):
        held = path.read_bytes()
        for at in range(0, len(held), max(1, len(held) // 7)):
            changed = bytearray(held)
            changed[at] ^= 0x10
            rewrite(path, bytes(changed))
            assert found(store), (path, at)
        rewrite(path, held)

    assert found(store) == set()


def test_a_path_that_is_never_opened_is_a_fault_and_stops_no_check(tmp_path: Path) -> None:
    store = factories.store(tmp_path)
    factories.grown(store, versions=1)
    folder = factories.folder(store)
    for inside in (folder, folder / "v1"):
        _edit(inside, b"v1/content/1-1-001.jpg", rb"v1/content/1-1\\001.jpg")
    (folder / "v1/content/1-1-001.jpg").rename(folder / "v1/content/1-1\\001.jpg")
    named = f"{store.at(A)}/v1/content/1-1\\001.jpg"

    assert found(store) == {("E092", named)}
    assert [(fault.code, fault.path) for fault in check.fixity(store.at(A))] == [("E092", named)]
