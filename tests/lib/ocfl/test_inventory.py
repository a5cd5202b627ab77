"""Inventories: what is written is read again, and every breach has its code."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib import canonical
from lantai.lib.ocfl import inventory
from lantai.lib.ocfl.faults import Unsound
from lantai.lib.ocfl.inventory import Inventory

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
NAMES = st.sampled_from(["a", "b", "c/d", "c/e", "页", "1-1-001.jpg"])
CONTENTS = st.dictionaries(NAMES, st.integers(0, 6), max_size=4)


# What stands before the first version of an object that is begun with sha512.
SHA512 = Inventory("urn:test:a", "sha512", "v0", "content", {}, {}, {})
BEGINNINGS = st.sampled_from([None, SHA512])


def measured(held: bytes) -> dict[str, str]:
    return {name: hashlib.new(name, held).hexdigest() for name in ("sha256", "sha512")}


def following(before: Inventory | None, **files: bytes) -> Inventory:
    return inventory.following(
        before,
        object_id="urn:test:a",
        at=NOON,
        message="入库",
        user="tester",
        address="urn:lantai:user:tester",
        fresh={path: measured(held) for path, held in files.items()},
        carried={},
    )


def two_versions() -> dict[str, Any]:
    made = following(following(SHA512, a=b"one", b=b"two"), a=b"one", c=b"three")
    stated: dict[str, Any] = json.loads(made.dumps())
    return stated


@given(BEGINNINGS, st.lists(CONTENTS, min_size=1, max_size=5))
def test_any_growth_is_read_again_as_it_was_written(
    made: Inventory | None, growth: list[dict[str, int]]
) -> None:
    algorithm = made.algorithm if made else "sha256"
    for files in growth:
        made = following(made, **{path: b"%d" % held for path, held in files.items()})
    assert made is not None

    found = inventory.parse(made.dumps())

    assert found == made
    assert found.dumps() == made.dumps()
    assert found.number == len(growth)
    for number, files in enumerate(growth, start=1):
        state = found.versions[f"v{number}"].state
        assert state == {path: measured(b"%d" % held)[algorithm] for path, held in files.items()}


@given(st.lists(CONTENTS, min_size=2, max_size=4))
def test_bytes_stand_once_and_each_version_continues_the_one_before(
    growth: list[dict[str, int]],
) -> None:
    made: list[Inventory] = []
    for files in growth:
        before = made[-1] if made else None
        made.append(following(before, **{path: b"%d" % held for path, held in files.items()}))

    assert len(made[-1].content_paths()) == len(
        {held for files in growth for held in files.values()}
    )
    assert all(inventory.continues(made[-1], before) for before in made)


@pytest.mark.parametrize("begun", [None, SHA512])
def test_an_object_goes_on_with_the_digest_it_was_begun_with(begun: Inventory | None) -> None:
    made = following(following(begun, a=b"one"), a=b"one", b=b"two")

    assert made.algorithm == ("sha512" if begun else "sha256")
    assert {name: len(block) for name, block in made.fixity.items()} == (
        {"sha256": 2} if begun else {}
    )
    assert inventory.algorithms(made) == (("sha512", "sha256") if begun else ("sha256",))


def test_a_version_that_says_otherwise_of_an_older_one_does_not_continue_it() -> None:
    first = following(None, a=b"one", b=b"two")
    other = following(following(None, a=b"two", b=b"one"), c=b"three")

    assert not inventory.continues(other, first)


def test_a_moment_is_written_in_utc_to_the_second() -> None:
    assert following(None, a=b"one").versions["v1"].created == "2026-11-25T04:00:00Z"


@pytest.mark.parametrize("path", ["../a", "/a", "a//b", ""])
def test_a_path_that_is_none_makes_no_version(path: str) -> None:
    with pytest.raises(ValueError):
        following(None, **{path: b"one"})


def test_a_file_cannot_be_the_folder_of_another() -> None:
    with pytest.raises(ValueError, match="file and a folder"):
        following(None, **{"a": b"one", "a/b": b"two"})


def test_what_the_object_does_not_hold_cannot_be_carried() -> None:
    with pytest.raises(ValueError, match="does not hold"):
        inventory.following(
            None,
            object_id="urn:test:a",
            at=NOON,
            message="",
            user="tester",
            address="",
            fresh={},
            carried={"a": "0" * 128},
        )


def test_a_version_of_another_object_is_refused() -> None:
    with pytest.raises(ValueError, match="another object"):
        inventory.following(
            following(None, a=b"one"),
            object_id="urn:test:b",
            at=NOON,
            message="",
            user="tester",
            address="",
            fresh={},
            carried={},
        )


def _drop(*path: str) -> Callable[[dict[str, Any]], None]:
    def change(stated: dict[str, Any]) -> None:
        for name in path[:-1]:
            stated = stated[name]
        del stated[path[-1]]

    return change


def _put(value: Any, *path: str) -> Callable[[dict[str, Any]], None]:
    def change(stated: dict[str, Any]) -> None:
        for name in path[:-1]:
            stated = stated[name]
        stated[path[-1]] = value

    return change


def _rename(new: str, *path: str) -> Callable[[dict[str, Any]], None]:
    def change(stated: dict[str, Any]) -> None:
        for name in path[:-1]:
            stated = stated[name]
        stated[new] = stated.pop(path[-1])

    return change


def _paths(old: str, new: list[str], block: str) -> Callable[[dict[str, Any]], None]:
    """Replace the list that holds a path in the manifest, a state or the fixity."""

    def change(stated: dict[str, Any]) -> None:
        blocks = {
            "manifest": stated["manifest"],
            "state": stated["versions"]["v1"]["state"],
            "fixity": stated["fixity"]["sha256"],
        }
        for digest, paths in blocks[block].items():
            if old in paths:
                blocks[block][digest] = new

    return change


ONE = hashlib.sha512(b"one").hexdigest()
ONE_256 = hashlib.sha256(b"one").hexdigest()
BREACHES: dict[str, tuple[str, Callable[[dict[str, Any]], None]]] = {
    "no-id": ("E036", _drop("id")),
    "no-type": ("E036", _drop("type")),
    "no-algorithm": ("E036", _drop("digestAlgorithm")),
    "no-head": ("E036", _drop("head")),
    "empty-id": ("E037", _put("", "id")),
    "id-no-text": ("E037", _put(7, "id")),
    "other-type": ("E038", _put("https://ocfl.io/1.0/spec/#inventory", "type")),
    "weak-algorithm": ("E025", _put("md5", "digestAlgorithm")),
    "short-digest": ("E025", _rename("ab", "manifest", ONE)),
    "no-manifest": ("E041", _drop("manifest")),
    "manifest-a-list": ("E041", _put([], "manifest")),
    "no-versions": ("E043", _drop("versions")),
    "versions-a-list": ("E044", _put([], "versions")),
    "versions-empty": ("E008", _put({}, "versions")),
    "version-name": ("E046", _rename("w2", "versions", "v2")),
    "version-number-endless": ("E046", _rename(f"v{'9' * 5000}", "versions", "v2")),
    "version-zeros-endless": ("E046", _rename(f"v{'0' * 5000}2", "versions", "v2")),
    "first-version-missing": ("E009", _drop("versions", "v1")),
    "version-skipped": ("E010", _rename("v3", "versions", "v2")),
    "padding-mixed": ("E011", _rename("v02", "versions", "v2")),
    "head-older": ("E040", _put("v1", "head")),
    "head-newer": ("E040", _put("v3", "head")),
    "head-a-number": ("E040", _put(2, "head")),
    "content-folder-with-slash": ("E017", _put("a/b", "contentDirectory")),
    "content-folder-above": ("E018", _put("..", "contentDirectory")),
    "content-elsewhere": ("E042", _put("stuff", "contentDirectory")),
    "unknown-key": ("E102", _put(1, "extra")),
    "unknown-key-of-version": ("E102", _put(1, "versions", "v1", "extra")),
    "version-no-object": ("E047", _put("x", "versions", "v2")),
    "no-created": ("E048", _drop("versions", "v1", "created")),
    "created-without-zone": ("E049", _put("2026-11-25T04:00:00", "versions", "v1", "created")),
    "created-a-day": ("E049", _put("2026-11-25", "versions", "v1", "created")),
    "created-no-day": ("E049", _put("2026-13-25T04:00:00Z", "versions", "v1", "created")),
    "no-state": ("E048", _drop("versions", "v1", "state")),
    "state-a-list": ("E050", _put([], "versions", "v1", "state")),
    "state-unknown-digest": ("E050", _rename("0" * 128, "versions", "v1", "state", ONE)),
    "state-paths-no-list": ("E050", _put("a", "versions", "v1", "state", ONE)),
    "message-no-text": ("E094", _put(7, "versions", "v1", "message")),
    "user-no-object": ("E054", _put("wang", "versions", "v1", "user")),
    "user-no-name": ("E054", _put({}, "versions", "v1", "user")),
    "user-address-no-text": ("E054", _put({"name": "a", "address": 1}, "versions", "v1", "user")),
    "path-climbs": ("E052", _paths("a", ["../a"], "state")),
    "path-empty-part": ("E052", _paths("a", ["a//b"], "state")),
    "path-from-root": ("E053", _paths("a", ["/a"], "state")),
    "path-twice": ("E095", _paths("a", ["a", "b"], "state")),
    "path-file-and-folder": ("E095", _paths("a", ["b/c"], "state")),
    "content-path-climbs": ("E099", _paths("v1/content/a", ["v1/content/../../../a"], "manifest")),
    "content-path-from-root": ("E100", _paths("v1/content/a", ["/v1/content/a"], "manifest")),
    "content-path-of-no-version": ("E042", _paths("v1/content/a", ["v7/content/a"], "manifest")),
    "content-path-beside-content": ("E042", _paths("v1/content/a", ["v1/a"], "manifest")),
    "content-path-twice": (
        "E101",
        _paths("v1/content/a", ["v1/content/a", "v1/content/b"], "manifest"),
    ),
    "content-paths-no-list": ("E092", _put("a", "manifest", ONE)),
    "content-paths-none": ("E092", _put([], "manifest", ONE)),
    "digest-twice": ("E096", _put(["v1/content/z"], "manifest", ONE.upper())),
    "digest-not-used": ("E107", _put(["v1/content/z"], "manifest", "0" * 128)),
    "fixity-no-object": ("E111", _put([], "fixity")),
    "fixity-sm3": ("E056", _rename("sm3", "fixity", "sha256")),
    "fixity-block-no-object": ("E057", _put([], "fixity", "sha256")),
    "fixity-short-digest": ("E057", _rename("ab", "fixity", "sha256", ONE_256)),
    "fixity-paths-no-list": ("E057", _put("a", "fixity", "sha256", ONE_256)),
    "fixity-unknown-path": ("E057", _paths("v1/content/a", ["v1/content/z"], "fixity")),
    "fixity-digest-twice": (
        "E097",
        _put(["v1/content/a"], "fixity", "sha256", ONE_256.upper()),
    ),
}


@pytest.mark.parametrize(("code", "change"), BREACHES.values(), ids=BREACHES)
def test_a_breach_is_named_by_its_code(code: str, change: Callable[[Any], None]) -> None:
    stated = two_versions()
    change(stated)

    with pytest.raises(Unsound) as unsound:
        inventory.parse(canonical.dumps(stated))

    assert code in {fault.code for fault in unsound.value.faults}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "E033"),
        (b"{", "E033"),
        (b"\xff", "E033"),
        (b'{"id": 1, "id": 2}', "E033"),
        (b'{"id": NaN}', "E033"),
        (b"[" * 100_000, "E033"),
        (b"[]", "E034"),
    ],
)
def test_what_is_no_inventory_is_refused(raw: bytes, code: str) -> None:
    with pytest.raises(Unsound) as unsound:
        inventory.parse(raw)

    assert [fault.code for fault in unsound.value.faults] == [code]


@given(
    st.recursive(
        st.none() | st.integers(-5, 5) | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["id", "manifest", "versions", "v1", "state", "fixity", "head"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_nothing_that_is_no_inventory_gets_through_or_breaks_the_reader(stated: object) -> None:
    with pytest.raises(Unsound):
        inventory.parse(json.dumps(stated).encode())


@given(st.data())
def test_no_change_of_one_value_breaks_the_reader(chance: st.DataObject) -> None:
    stated = two_versions()
    at: Any = stated
    while isinstance(at, dict) and at:
        key = chance.draw(st.sampled_from(sorted(at)))
        if chance.draw(st.booleans()) or not isinstance(at[key], dict):
            at[key] = chance.draw(
                st.none() | st.integers(0, 3) | st.just({}) | st.just([1]) | st.just("")
            )
            break
        at = at[key]

    try:
        found = inventory.parse(json.dumps(stated).encode())
    except Unsound as refused:
        faults, head = refused.faults, ""
    else:
        faults, head = (), found.head

    assert faults or head == "v2"
