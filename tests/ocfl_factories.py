"""Small stores: objects with versions, written as the vault writes them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lantai.lib.ocfl import writer
from lantai.lib.ocfl.inventory import Inventory
from lantai.lib.ocfl.layout import Store

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)


def store(home: Path) -> Store:
    made = Store(home / "preserved")
    writer.found(made)
    return made


def version(
    store: Store,
    object_id: str,
    fresh: Mapping[str, bytes],
    *,
    carry: Mapping[str, str] | None = None,
) -> Inventory:
    """Write the next version: new files, and what it carries over by path and digest."""
    with writer.writing(store, object_id) as draft:
        for path, held in fresh.items():
            with draft.file(path) as stream:
                stream.write(held)
        for path, digest in (carry or {}).items():
            draft.carry(path, digest)
        return draft.commit(
            at=NOON + timedelta(days=draft.number),
            message=f"第 {draft.number} 版",
            user="tester",
            address="urn:lantai:user:tester",
        )


def grown(store: Store, object_id: str = "urn:test:a", versions: int = 3) -> Inventory:
    """An object whose every version adds a page and keeps those before it."""
    made = version(store, object_id, {"1-1-001.jpg": b"page 1", "catalogue.xml": b"<v1/>"})
    for number in range(2, versions + 1):
        carry = {path: held for path, held in made.state.items() if path.endswith(".jpg")}
        fresh = {
            f"1-1-{number:03d}.jpg": b"page %d" % number,
            "catalogue.xml": b"<v%d/>" % number,
        }
        made = version(store, object_id, fresh, carry=carry)
    return made


def folder(store: Store, object_id: str = "urn:test:a") -> Path:
    return store.folder_of(object_id)


def grown_by_one(store: Store, object_id: str = "urn:test:a") -> Inventory:
    """One version more: a new page beside all that is there."""
    with writer.writing(store, object_id) as draft:
        assert draft.before
        for path, digest in draft.before.state.items():
            draft.carry(path, digest)
        with draft.file(f"2-1-{draft.number:03d}.jpg") as stream:
            stream.write(b"late page %d" % draft.number)
        return draft.commit(
            at=NOON + timedelta(days=draft.number),
            message="补充材料",
            user="tester",
            address="urn:lantai:user:tester",
        )
