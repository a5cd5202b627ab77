"""Every code a check can give is given by something; and what a root lost of its own comes back."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import ocfl_factories as factories
import pytest

import lantai.lib.ocfl
from lantai.lib.ocfl import check, inventory, layout, shape, writer
from lantai.lib.ocfl.layout import Store

A = "urn:test:a"
HERE = Path(__file__).parent


def codes(store: Store) -> set[str]:
    return {fault.code for one in check.check_store(store) for fault in one.faults}


def edited(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    """Change an inventory by hand, and make its sidecar fit."""
    path = folder / inventory.FILE
    stated = json.loads(path.read_bytes())
    change(stated)
    raw = json.dumps(stated).encode()
    algorithm = str(stated.get("digestAlgorithm", inventory.ALGORITHM))
    for name, held in (
        (inventory.FILE, raw),
        (inventory.sidecar_name(algorithm), inventory.sidecar(raw, algorithm)),
    ):
        rewritten(folder / name, held)


def rewritten(path: Path, held: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(held)


def test_every_code_has_a_test() -> None:
    source = Path(lantai.lib.ocfl.__file__).parent
    given = {
        code
        for path in source.glob("*.py")
        for code in re.findall(r'"([EW]\d{3})"', path.read_text("utf-8"))
    }
    tested = {
        code
        for path in HERE.glob("test_*.py")
        for code in re.findall(r'"([EW]\d{3})"', path.read_text("utf-8"))
    }

    assert len(given) > 50
    assert given - tested == set()


HARMS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "content-folder-of-a-version": (
        "E019",
        lambda o: edited(o / "v1", lambda stated: stated.update(contentDirectory="bytes")),
    ),
    "content-folder-while-nothing-leads": (
        "E019",
        lambda o: [
            edited(o, lambda stated: stated.update(contentDirectory="bytes")),
            rewritten(o / "v3" / inventory.FILE, b"{}"),
        ],
    ),
    "version-of-an-older-specification": (
        "E103",
        lambda o: edited(o / "v2", lambda stated: stated.update(type=shape.OLDER)),
    ),
    "version-folder-left-out": (
        "E010",
        lambda o: (o / "v2").rename(o.parents[4] / "away"),
    ),
    "foreign-file-while-nothing-leads": (
        "E001",
        lambda o: [
            rewritten(o / inventory.FILE, b"{}"),
            rewritten(o / "v3" / inventory.FILE, b"{}"),
            rewritten(o / "note.txt", b""),
        ],
    ),
    "foreign-folder-while-nothing-leads": (
        "E001",
        lambda o: [
            rewritten(o / inventory.FILE, b"{}"),
            rewritten(o / "v3" / inventory.FILE, b"{}"),
            rewritten(o / "1" / "note.txt", b""),
        ],
    ),
    "foreign-file-in-a-version-while-nothing-leads": (
        "E015",
        lambda o: [
            rewritten(o / inventory.FILE, b"{}"),
            rewritten(o / "v3" / inventory.FILE, b"{}"),
            rewritten(o / "v1" / "note.txt", b""),
        ],
    ),
    "sidecar-of-another-algorithm-in-a-version": (
        "E015",
        lambda o: rewritten(o / "v1" / "inventory.json.md5", b"x"),
    ),
    "fixity-that-is-wrong": (
        "E093",
        lambda o: [
            edited(folder, lambda stated: stated.update(fixity=_fixity(stated)))
            for folder in (o, o / "v3")
        ],
    ),
    "damaged-page-behind-a-damaged-inventory": (
        "E092",
        lambda o: [
            rewritten(o / inventory.FILE, b"{}"),
            rewritten(o / "v1/content/1-1-001.jpg", b"page 9"),
        ],
    ),
}


def _fixity(stated: dict[str, object]) -> dict[str, object]:
    manifest = stated["manifest"]
    assert isinstance(manifest, dict)
    path = next(path for paths in manifest.values() for path in paths if path.endswith(".jpg"))
    return {"sha1": {"0" * 40: [path]}}


@pytest.mark.parametrize(("code", "harm"), HARMS.values(), ids=HARMS)
def test_a_harm_is_named_by_its_code(
    tmp_path: Path, code: str, harm: Callable[[Path], object]
) -> None:
    store = factories.store(tmp_path)
    factories.grown(store, versions=3)
    assert codes(store) == set()

    harm(store.folder_of(A))

    assert code in codes(store)


@pytest.mark.parametrize("path", layout.root_files())
@pytest.mark.parametrize("missing", [True, False], ids=["missing", "damaged"])
def test_a_file_of_the_root_is_put_back(tmp_path: Path, path: str, *, missing: bool) -> None:
    store = factories.store(tmp_path)
    factories.grown(store, versions=1)
    if missing:
        (store.root / path).unlink()
    else:
        rewritten(store.root / path, b"ocfl?")
    assert codes(store)

    back = writer.refound(store)

    assert back == [path]
    assert (store.root / path).read_bytes() == layout.root_files()[path]
    assert codes(store) == set()
    assert writer.refound(store) == []


def test_a_folder_that_is_no_root_is_not_made_one(tmp_path: Path) -> None:
    store = Store(tmp_path / "letters")
    rewritten(store.root / "letter.txt", b"dear")

    assert writer.refound(store) == []
    assert [path.name for path in store.root.iterdir()] == ["letter.txt"]
