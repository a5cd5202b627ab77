"""What a snapshot of the database says of the log, the packages, and what was destroyed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from lantai.ledger.models import STREAMS
from lantai.ops.backups import database
from lantai.ops.backups.database import Snapshot

_KEY_DESTROYED: Final = "preservation.key.destroyed"
_RELEASED, _SHREDDED = "released", "shredded"
Package = tuple[str, str, int, str]  # store, dossier, version, digest of its inventory


@dataclass(frozen=True)
class Said:
    """What the snapshot says beside its rows."""

    log: Mapping[str, Any]
    database: Mapping[str, Any]
    packages: tuple[Package, ...]
    destroyed: tuple[str, ...]
    left: Mapping[str, str]  # masters without a file of their own → how they went

    @property
    def shredded(self) -> tuple[str, ...]:
        return tuple(sorted(sha256 for sha256, way in self.left.items() if way == _SHREDDED))


def ask(held: Snapshot) -> Said:
    """Ask everything that a backup needs to know beside the rows themselves."""
    names = set(held.tables())
    log = {}
    for stream in STREAMS:
        last = held.query(
            'SELECT "index", at FROM ledger_entry WHERE stream = ? ORDER BY "index" DESC LIMIT 1',
            [stream],
        )
        heads = held.query(
            "SELECT size, root, twin_root FROM ledger_head WHERE stream = ?"
            " ORDER BY size DESC LIMIT 1",
            [stream],
        )
        size, root, twin = heads[0] if heads else (0, b"", None)
        log[stream] = {
            "entries": last[0][0] + 1 if last else 0,
            "newest": _iso(last[0][1]) if last else "",
            "signed": size,
            "root": bytes(root).hex(),
            "twin_root": bytes(twin).hex() if twin else "",
        }
    migrations = {}
    if "django_migrations" in names:
        migrations = dict(held.query("SELECT app, max(name) FROM django_migrations GROUP BY app"))
    return Said(
        log=log,
        database={
            "kind": held.kind,
            "engine": held.engine,
            "rows": database.rows(held),
            "migrations": migrations,
        },
        packages=_packages_in(held, names),
        destroyed=_destroyed_in(held),
        left=_left_in(held, names),
    )


def _packages_in(held: Snapshot, names: set[str]) -> tuple[Package, ...]:
    if "preservation_kept" not in names:
        return ()
    found = held.query(
        "SELECT kept.store, dossier.uid, kept.version, kept.inventory_sha512"
        " FROM preservation_kept kept JOIN dossiers_dossier dossier ON dossier.id = kept.dossier_id"
        " ORDER BY kept.store, dossier.uid, kept.version"
    )
    newest = {(store, uid): (version, digest) for store, uid, version, digest in found}
    return tuple((*place, *version) for place, version in sorted(newest.items()))


def _destroyed_in(held: Snapshot) -> tuple[str, ...]:
    """Dossiers whose keys the log says were destroyed."""
    found = held.query("SELECT subject FROM ledger_entry WHERE action = ?", [_KEY_DESTROYED])
    return tuple(sorted({str(row[0]).removeprefix("dossier:") for row in found}))


def _left_in(held: Snapshot, names: set[str]) -> dict[str, str]:
    """Masters whose own files have left the vault, and how."""
    if "vault_movement" not in names:
        return {}
    moved = held.query(
        "SELECT blob.sha256, moved.way FROM vault_movement moved"
        " JOIN vault_blob blob ON blob.id = moved.blob_id ORDER BY moved.id"
    )
    return {sha256: way for sha256, way in dict(moved).items() if way in {_RELEASED, _SHREDDED}}


def _iso(moment: Any) -> str:
    """A moment as a database gives it: text without a zone in SQLite, which means UTC."""
    held = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return (held if held.tzinfo else held.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
