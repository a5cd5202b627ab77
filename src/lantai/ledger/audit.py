"""The log recomputed from its rows, and every place where it does not agree with itself.

For each stream, in one pass over its entries:

1. places follow one another without a gap;
2. each leaf is what the row and its opening say: action, moment, actor, subject, facts;
3. an opening is missing only where its destruction is recorded;
4. the root over the leaves is the one intended, signed and published at each size;
5. each signature is this log's own; the published checkpoint is the newest head;
6. tiles and bundles on disk are those of the newest head.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from lantai.ledger import files, keys
from lantai.ledger.models import Entry, Head, SigningIntent
from lantai.lib.tlog import leaf as leaves
from lantai.lib.tlog import note, tiles
from lantai.lib.tlog.checkpoint import Checkpoint, CheckpointFault
from lantai.lib.tlog.merkle import SHA256, Frontier, root_of
from lantai.lib.tlog.note import NoteFault, VerifierKey
from lantai.lib.tlog.tiles import WIDTH, Tile

DESTROYED: Final = "ledger.opening.destroyed"
MISSING: Final = "（无）"
_COLUMNS: Final = {
    "type": "action",
    "t": "at",
    "actor": "actor",
    "obj": "subject",
    "body": "content",
}


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was recorded: where, what, and since when at the earliest.

    ``since`` is the log time (ISO, UTC) of the entry or head that the row has to agree with.
    """

    table: str
    key: str
    field: str
    expected: str
    found: str
    since: str


@dataclass
class Audit:
    """The audit of one stream; ``differences`` runs it."""

    stream: str
    origin: str
    frontier: Frontier = field(default_factory=Frontier)
    gap: bool = False  # an entry is gone: nothing after it has its place
    lied: bool = False  # the rows have lost a signed root
    last_at: str = ""
    rows_of_tile: list[tuple[bytes, str]] = field(default_factory=list)
    tile_roots: list[bytes] = field(default_factory=list)
    suspects: list[Difference] = field(default_factory=list)

    def differences(self) -> Iterator[Difference]:
        heads = {head.size: head for head in Head.objects.filter(stream=self.stream)}
        intents = {
            intent.size: intent for intent in SigningIntent.objects.filter(stream=self.stream)
        }
        self.head = heads[max(heads)] if heads else None
        yield from self._keys_and_notes(heads, intents)
        destroyed = _destroyed_in(self.stream)
        for row in _rows(self.stream):
            yield from self._row(row, destroyed=row["index"] in destroyed)
            yield from self._roots(heads, intents)
        for size in sorted(set(heads) | set(intents)):
            if size > self.frontier.size:
                signed = heads.get(size) or intents[size]
                yield Difference(
                    "ledger_entry",
                    self.stream,
                    "count",
                    str(size),
                    str(self.frontier.size),
                    _iso(signed.at),
                )
        yield from self._files()

    def _keys_and_notes(
        self, heads: dict[int, Head], intents: dict[int, SigningIntent]
    ) -> Iterator[Difference]:
        try:
            key = keys.verifier_of(settings.LANTAI_HOME, self.stream, self.origin)
        except keys.KeyFault as wrong:
            key = None
            yield Difference("keys", self.stream, "key", self.origin, str(wrong), "")
        for size, head in heads.items():
            where = ("ledger_head", f"{self.stream}/{size}")
            intent = intents.get(size)
            if intent is None or bytes(intent.root) != bytes(head.root):
                intended = bytes(intent.root).hex() if intent else MISSING
                yield Difference(*where, "root", intended, bytes(head.root).hex(), _iso(head.at))
            said = _read_note(head.note, key)
            expected = Checkpoint(self.origin, size, bytes(head.root)).text
            if said != expected:
                yield Difference(*where, "note", expected, said, _iso(head.at))

    def _row(self, row: dict[str, Any], *, destroyed: bool) -> Iterator[Difference]:
        index, leaf = row["index"], bytes(row["leaf"])
        key = f"{self.stream}/{index}"
        self.last_at = since = _iso(row["at"])
        if index != self.frontier.size and not self.gap:
            self.gap = True
            yield Difference(
                "ledger_entry",
                f"{self.stream}/{self.frontier.size}",
                "index",
                str(self.frontier.size),
                f"{MISSING}，其后为 {index}",
                since,
            )
        leaf_hash = SHA256.leaf(leaf)
        if leaf_hash != bytes(row["leaf_hash"]):
            found = bytes(row["leaf_hash"]).hex()
            yield Difference("ledger_entry", key, "leaf_hash", leaf_hash.hex(), found, since)
        has_opening = row["disclosure__content"] is not None
        if has_opening == destroyed:
            expected, found = (MISSING, "有") if destroyed else ("有", MISSING)
            yield Difference("ledger_disclosure", key, "content", expected, found, since)
        yield from _leaf_differences(leaf, row, key=key, since=since)
        if not self.gap:
            self.frontier.append(leaf_hash)
            self._keep_for_files(index, leaf_hash, since)

    def _roots(
        self, heads: dict[int, Head], intents: dict[int, SigningIntent]
    ) -> Iterator[Difference]:
        """Compare the root here with what was intended and signed here; the first lie only."""
        size = self.frontier.size
        if self.gap or self.lied or (size not in heads and size not in intents):
            return
        root = self.frontier.root()
        for table, kept in (("ledger_head", heads), ("ledger_signingintent", intents)):
            said = kept.get(size)
            if said is not None and bytes(said.root) != root:
                self.lied = True
                yield Difference(
                    table,
                    f"{self.stream}/{size}",
                    "root",
                    bytes(said.root).hex(),
                    root.hex(),
                    _iso(said.at),
                )

    def _keep_for_files(self, index: int, leaf_hash: bytes, since: str) -> None:
        """Hold the rows of each tile against its file; who is wrong is told at the end."""
        if self.head is None or index >= self.head.size:
            return
        self.rows_of_tile.append((leaf_hash, since))
        if len(self.rows_of_tile) < WIDTH and index + 1 < self.head.size:
            return
        tile = Tile(0, index // WIDTH, len(self.rows_of_tile))
        hashes = [held for held, _ in self.rows_of_tile]
        self._compare_tile(tile, hashes, [at for _, at in self.rows_of_tile])
        self._compare_bundle(tile, hashes)
        if tile.width == WIDTH:
            self.tile_roots.append(root_of(hashes))
        self.rows_of_tile = []

    def _compare_tile(self, tile: Tile, hashes: list[bytes], since: list[str]) -> None:
        try:
            found = tiles.decode_hashes(files.read_tile(self._folder, tile), width=tile.width)
        except (OSError, tiles.TileFault) as wrong:
            self._suspect(tile.path, "file", f"{tile.width} 个摘要", _why(wrong), since[-1])
            return
        for place, (expected, held) in enumerate(zip(hashes, found, strict=True)):
            if expected != held:
                number = str(tile.index * WIDTH + place)
                self._suspect(tile.path, number, expected.hex(), held.hex(), since[place])

    def _compare_bundle(self, tile: Tile, hashes: list[bytes]) -> None:
        """The entries on disk against their tile on disk, or the rows if there is no such tile."""
        path = tiles.bundle_path(tile.index, tile.width)
        with suppress(OSError, tiles.TileFault):  # reported by _compare_tile
            hashes = tiles.decode_hashes(files.read_tile(self._folder, tile), width=tile.width)
        try:
            entries = tiles.decode_entries((self._folder / path).read_bytes(), width=tile.width)
        except (OSError, tiles.TileFault) as wrong:
            self._suspect(path, "file", f"{tile.width} 个条目", _why(wrong), self.last_at)
            return
        for place, (expected, entry) in enumerate(zip(hashes, entries, strict=True)):
            if (held := SHA256.leaf(entry)) != expected:
                number = f"entry {tile.index * WIDTH + place}"
                self._suspect(path, number, expected.hex(), held.hex(), self.last_at)

    def _suspect(self, path: str, what: str, expected: str, found: str, since: str) -> None:
        self.suspects.append(
            Difference("log", f"{self.stream}/{path}", what, expected, found, since)
        )

    def _files(self) -> Iterator[Difference]:
        if self.head is None:
            return
        published = files.read_checkpoint(self._folder) or MISSING
        if published != self.head.note:
            yield Difference(
                "log",
                f"{self.stream}/{files.CHECKPOINT}",
                "content",
                self.head.note,
                published,
                _iso(self.head.at),
            )
        level = 1
        hashes = self.tile_roots
        while hashes and not (self.gap or self.lied):
            above = []
            for first in range(0, len(hashes), WIDTH):
                part = hashes[first : first + WIDTH]
                self._compare_tile(
                    Tile(level, first // WIDTH, len(part)), part, [self.last_at] * len(part)
                )
                if len(part) == WIDTH:
                    above.append(root_of(part))
            level, hashes = level + 1, above
        yield from map(self._judged, self.suspects)

    def _judged(self, suspect: Difference) -> Difference:
        """Turn a leaf that its tile remembers otherwise into a finding about its row.

        Once the rows have lost the signed root, the tile is the witness and the row the accused.
        """
        if not (self.lied and suspect.field.isdecimal() and "/tile/0/" in suspect.key):
            return suspect
        return Difference(
            "ledger_entry",
            f"{self.stream}/{suspect.field}",
            "leaf",
            suspect.found,
            suspect.expected,
            suspect.since,
        )

    @property
    def _folder(self) -> Path:
        return files.folder_of(settings.LANTAI_HOME, self.stream)


def _rows(stream: str) -> Iterator[dict[str, Any]]:
    yield from (
        Entry.objects.filter(stream=stream)
        .order_by("index")
        .values(
            *("index", "at", "action", "actor", "subject", "leaf", "leaf_hash"),
            *("disclosure__salt", "disclosure__content"),
        )
        .iterator(chunk_size=2000)
    )


def _leaf_differences(
    leaf: bytes, row: dict[str, Any], *, key: str, since: str
) -> Iterator[Difference]:
    """Say which columns of a row are not what its leaf commits to."""
    opened = row["disclosure__content"] is not None
    body = (row["disclosure__content"] or "").encode()
    salt = bytes(row["disclosure__salt"]) if opened else bytes(leaves.SALT_BYTES)
    try:
        rebuilt = leaves.build(
            action=row["action"],
            org=settings.LANTAI_ORG,
            at=row["at"],
            actor=row["actor"],
            subject=row["subject"],
            body=body,
            salt=salt,
        )
        moment_fits = body.startswith(f'{{"at":"{leaves.moment(row["at"])}",'.encode())
        if rebuilt == leaf and moment_fits:
            return
        said, now = leaves.read(leaf), leaves.read(rebuilt)
    except leaves.LeafFault as wrong:
        yield Difference("ledger_entry", key, "leaf", "v1", str(wrong), since)
        return
    for name, column in _COLUMNS.items():
        hidden = name in leaves.FIELDS
        if said[name] == now[name] or (hidden and not opened):
            continue
        table = "ledger_disclosure" if name == "body" else "ledger_entry"
        expected = f"承诺 {said[name]['sha256']}" if hidden else str(said[name])
        yield Difference(table, key, column, expected, _found(row, column), since)
    if opened and not moment_fits:
        expected = row["disclosure__content"][:40]
        yield Difference("ledger_entry", key, "at", expected, since, since)


def _found(row: dict[str, Any], column: str) -> str:
    if column == "content":
        return str(row["disclosure__content"])
    held = row[column]
    return _iso(held) if isinstance(held, datetime) else str(held)


def _destroyed_in(stream: str) -> set[int]:
    """Indexes of the entries whose opening was destroyed on record."""
    found = Entry.objects.filter(action=DESTROYED, subject__startswith=f"entry:{stream}/")
    return {
        int(subject.rpartition("/")[2])
        for subject in found.values_list("subject", flat=True)
        if subject.rpartition("/")[2].isdecimal()
    }


def _read_note(text: str, key: VerifierKey | None) -> str:
    """The text of a note this log signed, or why it is none."""
    try:
        signed = note.parse(text)
        signers = note.verified(signed, [key] if key else [])
        Checkpoint.parse(signed.text)
    except (NoteFault, CheckpointFault) as wrong:
        return f"（签名无效：{wrong}）"
    return signed.text if signers else "（不是本日志的签名）"


def _why(wrong: Exception) -> str:
    return MISSING if isinstance(wrong, FileNotFoundError) else str(wrong)


def _iso(at: datetime) -> str:
    return leaves.moment(at)
