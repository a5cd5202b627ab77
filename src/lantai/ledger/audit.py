"""The log recomputed from its rows, and every place where it does not agree with itself.

For each stream, in one pass over its entries:

1. places follow one another without a gap;
2. each leaf is what the row and its opening say: action, moment, actor, subject, facts;
3. an opening is missing only where its destruction is recorded;
4. the root over the leaves is the one intended, signed and published at each size;
5. each signature is this log's own; the published checkpoint is the newest head;
6. tiles and bundles on disk are those of the newest head.

4 to 6 are asked of the twin under SM3 and SM2 as well, as far as there is one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from django.conf import settings

from lantai.ledger import files, keys
from lantai.ledger.models import Entry, Head, SigningIntent
from lantai.lib.tlog import leaf as leaves
from lantai.lib.tlog import note, tiles
from lantai.lib.tlog.checkpoint import Checkpoint, CheckpointFault
from lantai.lib.tlog.merkle import SHA256, SM3, Frontier, root_of
from lantai.lib.tlog.note import NoteFault, VerifierKey
from lantai.lib.tlog.suite import INTL, SM, LogSuite
from lantai.lib.tlog.tiles import WIDTH, Tile

DESTROYED: Final = "ledger.opening.destroyed"
MISSING: Final = "（无）"
_AT: Final = 1  # places in the fields of a Row
_LEAF: Final = 5
_LEAF_HASH: Final = 6
_MOMENT_ENDS: Final = len('{"at":"2026-11-25T04:00:00.000000+00:00')
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


class Signed(NamedTuple):
    """What a head, or what was to become one, says of the tree of a suite."""

    root: bytes
    note: str
    at: datetime


@dataclass(frozen=True)
class Row:
    """An entry and its opening as the tables have them; both parts are None where it is gone."""

    index: int
    at: datetime
    action: str
    actor: str
    subject: str
    leaf: bytes
    leaf_hash: bytes
    salt: bytes | None
    content: str | None

    @property
    def since(self) -> str:
        return leaves.moment(self.at)

    def differences(self, key: str) -> Iterator[Difference]:
        """Say which columns are not what the leaf commits to."""
        opened = self.content is not None
        body = (self.content or "").encode()
        salt = bytes(self.salt or bytes(leaves.SALT_BYTES))
        try:
            rebuilt = leaves.build(
                action=self.action,
                org=settings.LANTAI_ORG,
                at=self.at,
                actor=self.actor,
                subject=self.subject,
                body=body,
                salt=salt,
            )
            moment_fits = body.startswith(f'{{"at":"{self.since}",'.encode())
            if rebuilt == self.leaf and moment_fits:
                return
            said, now = leaves.read(self.leaf), leaves.read(rebuilt)
        except leaves.LeafFault as wrong:
            yield Difference("ledger_entry", key, "leaf", "v1", str(wrong), self.since)
            return
        for name, column in _COLUMNS.items():
            hidden = name in leaves.FIELDS
            if said[name] == now[name] or (hidden and not opened):
                continue
            table = "ledger_disclosure" if name == "body" else "ledger_entry"
            expected = f"承诺 {said[name]['sha256']}" if hidden else str(said[name])
            held = self.since if column == "at" else str(getattr(self, column))
            yield Difference(table, key, column, expected, held, self.since)
        if opened and not moment_fits:
            expected = (self.content or "")[:40]
            yield Difference("ledger_entry", key, "at", expected, self.since, self.since)


@dataclass
class _Tree:
    """The tree over the leaves so far: the tile that is filling, and the roots of full ones."""

    suite: LogSuite
    heads: Mapping[int, Signed]
    intended: Mapping[int, Signed]
    size: int = 0
    filling: Frontier = field(default_factory=Frontier)
    above: Frontier = field(default_factory=Frontier)
    hashes: list[bytes] = field(default_factory=list)  # of the tile that is filling
    tile_roots: list[bytes] = field(default_factory=list)
    lied: bool = False  # the rows have lost a signed root

    def __post_init__(self) -> None:
        self.signed = max(self.heads, default=0)
        self.filling, self.above = (Frontier(self.suite.tree) for _ in range(2))

    def append(self, leaf_hash: bytes) -> None:
        if self.filling.size == WIDTH:
            self.filling, self.hashes = Frontier(self.suite.tree), []
        self.size += 1
        self.hashes.append(leaf_hash)
        self.filling.append(leaf_hash)
        if self.filling.size == WIDTH:
            (root,) = self.filling.peaks
            self.tile_roots.append(root)
            self.above.append(root)

    def root(self) -> bytes:
        filling = self.filling.peaks if self.filling.size < WIDTH else []
        return Frontier(self.suite.tree, self.size, self.above.peaks + filling).root()


@dataclass
class Audit:
    """The audit of one stream; ``differences`` runs it."""

    stream: str
    origin: str
    gap: bool = False  # an entry is gone: nothing after it has its place
    last_at: str = ""
    rows: list[tuple[Any, ...]] = field(default_factory=list)  # of the tile that is filling
    suspects: list[Difference] = field(default_factory=list)

    def differences(self) -> Iterator[Difference]:
        heads = {head.size: head for head in Head.objects.filter(stream=self.stream)}
        intents = {
            intent.size: intent for intent in SigningIntent.objects.filter(stream=self.stream)
        }
        self.tree = _Tree(INTL, *_of_suite(INTL, heads, intents))
        twin = _Tree(SM, *_of_suite(SM, heads, intents))
        self.trees = [self.tree, twin] if twin.heads or twin.intended else [self.tree]
        for tree in self.trees:
            yield from self._keys_and_notes(tree)
        for size, head in heads.items():
            if head.twin_note and head.twin_root is None:
                where = ("ledger_head", f"{self.stream}/{size}")
                yield Difference(*where, "twin_root", "有", MISSING, _iso(head.at))
        destroyed = _destroyed_in(self.stream)
        marked = heads.keys() | intents.keys()
        org = settings.LANTAI_ORG
        for row in _rows(self.stream):
            index, leaf = row[0], row[_LEAF]
            leaf_hash = SHA256.leaf(leaf)
            if (
                index != self.tree.size
                or leaf_hash != row[_LEAF_HASH]
                or index in destroyed
                or not _fits(row, org)
            ):
                yield from self._strange(Row(*row), leaf_hash, destroyed=index in destroyed)
            if self.gap:
                continue
            self.rows.append(row)
            self.tree.append(leaf_hash)
            if len(self.trees) > 1:
                twin.append(SM3.leaf(leaf))
            size = index + 1
            if size % WIDTH == 0 or size in (self.tree.signed, twin.signed):
                self._compare_rows(size)
            if size in marked:
                for tree in self.trees:
                    yield from self._roots(tree)
        for size in sorted(marked):
            if size > self.tree.size:
                signed = heads.get(size) or intents[size]
                have = str(self.tree.size)
                yield Difference(
                    "ledger_entry", self.stream, "count", str(size), have, _iso(signed.at)
                )
        for tree in self.trees:
            yield from self._files(tree)
        yield from self._judged()

    def _keys_and_notes(self, tree: _Tree) -> Iterator[Difference]:
        prefix, origin = _prefix(tree.suite), tree.suite.origin(self.origin)
        try:
            known = keys.verifiers_of(settings.LANTAI_HOME, self.stream, origin, tree.suite)
        except keys.KeyFault as wrong:
            known = ()
            yield Difference(
                "keys", f"{self.stream}{tree.suite.suffix}", "key", origin, str(wrong), ""
            )
        for size, head in tree.heads.items():
            where = ("ledger_head", f"{self.stream}/{size}")
            intent = tree.intended.get(size)
            if intent is None or intent.root != head.root:
                intended = intent.root.hex() if intent else MISSING
                yield Difference(*where, f"{prefix}root", intended, head.root.hex(), _iso(head.at))
            said = _read_note(head.note, known, tree.suite)
            expected = Checkpoint(origin, size, head.root).text
            if said != expected:
                yield Difference(*where, f"{prefix}note", expected, said, _iso(head.at))

    def _strange(self, row: Row, leaf_hash: bytes, *, destroyed: bool) -> Iterator[Difference]:
        """A row that is not simply as it should be: opened on record, or wrong."""
        key, since = f"{self.stream}/{row.index}", row.since
        if row.index != self.tree.size and not self.gap:
            self.gap = True
            yield Difference(
                "ledger_entry",
                f"{self.stream}/{self.tree.size}",
                "index",
                str(self.tree.size),
                f"{MISSING}，其后为 {row.index}",
                since,
            )
        if leaf_hash != row.leaf_hash:
            yield Difference(
                *("ledger_entry", key, "leaf_hash", leaf_hash.hex(), row.leaf_hash.hex(), since)
            )
        if (row.content is not None) == destroyed:
            expected, found = (MISSING, "有") if destroyed else ("有", MISSING)
            yield self._opening(row, expected=expected, found=found)
        yield from row.differences(key)

    def _opening(self, row: Row, *, expected: str, found: str) -> Difference:
        key = f"{self.stream}/{row.index}"
        return Difference("ledger_disclosure", key, "content", expected, found, row.since)

    def _roots(self, tree: _Tree) -> Iterator[Difference]:
        """Compare the root here with what was intended and signed here; the first lie only."""
        if self.gap or tree.lied:
            return
        root = tree.root()
        for table, kept in (("ledger_head", tree.heads), ("ledger_signingintent", tree.intended)):
            said = kept.get(tree.size)
            if said is not None and said.root != root:
                tree.lied = True
                yield Difference(
                    table,
                    f"{self.stream}/{tree.size}",
                    f"{_prefix(tree.suite)}root",
                    said.root.hex(),
                    root.hex(),
                    _iso(said.at),
                )

    def _compare_rows(self, size: int) -> None:
        """Hold the rows of a tile against its files; who is wrong is told at the end."""
        rows = self.rows
        if size % WIDTH == 0:
            self.rows = []
        self.last_at = _iso(rows[-1][_AT])
        for tree in self.trees:
            if size > tree.signed or (size % WIDTH and size != tree.signed):
                continue
            tile = Tile(0, (size - 1) // WIDTH, len(rows))
            as_it_was = self._compare_tile(
                tile, tree.hashes, lambda place: _iso(rows[place][_AT]), tree.suite
            )
            if tree.suite is INTL and not (as_it_was and self._holds(tile, rows)):
                self._compare_bundle(tile, tree.hashes)

    def _holds(self, tile: Tile, rows: list[tuple[Any, ...]]) -> bool:
        """Whether the bundle on disk is, byte for byte, the leaves of these rows."""
        try:
            content = (self._folder / tiles.bundle_path(tile.index, tile.width)).read_bytes()
            return content == tiles.encode_entries([row[_LEAF] for row in rows])
        except (OSError, tiles.TileFault):
            return False

    def _compare_tile(
        self, tile: Tile, hashes: list[bytes], since: Callable[[int], str], suite: LogSuite
    ) -> bool:
        """Whether a tile on disk holds these hashes; each that it does not is a suspect."""
        path = tile.path_in(suite.tiles)
        try:
            content = files.read_tile(self._folder, tile, suite)
            if content == tiles.encode_hashes(hashes):
                return True
            found = tiles.decode_hashes(content, width=tile.width)
        except (OSError, tiles.TileFault) as wrong:
            last = since(tile.width - 1)
            self._suspect(path, "file", f"{tile.width} 个摘要", _why(wrong), last)
            return False
        for place, (expected, held) in enumerate(zip(hashes, found, strict=True)):
            if expected != held:
                number = str(tile.index * WIDTH + place)
                self._suspect(path, number, expected.hex(), held.hex(), since(place))
        return False

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

    def _files(self, tree: _Tree) -> Iterator[Difference]:
        if not tree.signed:
            return
        head = tree.heads[tree.signed]
        published = files.read_checkpoint(self._folder, tree.suite) or MISSING
        if not _shows(published, head.note):
            path = f"{self.stream}/{tree.suite.checkpoint}"
            yield Difference("log", path, "content", head.note, published, _iso(head.at))
        level = 1
        hashes = tree.tile_roots[: tree.signed // WIDTH]
        while hashes and not (self.gap or tree.lied):
            above = []
            for first in range(0, len(hashes), WIDTH):
                part = hashes[first : first + WIDTH]
                tile = Tile(level, first // WIDTH, len(part))
                self._compare_tile(tile, part, lambda place: self.last_at, tree.suite)
                if len(part) == WIDTH:
                    above.append(root_of(part, suite=tree.suite.tree))
            level, hashes = level + 1, above

    def _judged(self) -> Iterator[Difference]:
        """Turn a leaf that its tile remembers otherwise into a finding about its row.

        Once the rows have lost the signed root, the tile is the witness and the row the accused;
        one tile that says so is enough.
        """
        accused = set()
        for suspect in self.suspects:
            lied = any(
                tree.lied and f"/{tree.suite.tiles}/0/" in suspect.key for tree in self.trees
            )
            if not (lied and suspect.field.isdecimal()):
                yield suspect
            elif suspect.field not in accused:
                accused.add(suspect.field)
                yield Difference(
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


def _of_suite(
    suite: LogSuite, heads: Mapping[int, Head], intents: Mapping[int, SigningIntent]
) -> tuple[dict[int, Signed], dict[int, Signed]]:
    """Heads and intents as they speak of the tree of a suite; not all need to speak of the twin."""
    if suite is INTL:
        return (
            {size: Signed(bytes(row.root), row.note, row.at) for size, row in heads.items()},
            {size: Signed(bytes(row.root), "", row.at) for size, row in intents.items()},
        )
    return (
        {
            size: Signed(bytes(row.twin_root), row.twin_note, row.at)
            for size, row in heads.items()
            if row.twin_root is not None
        },
        {
            size: Signed(bytes(row.twin_root), "", row.at)
            for size, row in intents.items()
            if row.twin_root is not None
        },
    )


def _prefix(suite: LogSuite) -> str:
    """Of the columns that speak of a suite."""
    return "" if suite is INTL else "twin_"


def _shows(published: str, signed: str) -> bool:
    """Whether a checkpoint is a signed note, and below it at most the words of witnesses."""
    return published.startswith(signed) and all(
        line.startswith("— ") for line in published.removeprefix(signed).splitlines()
    )


def _rows(stream: str) -> Iterator[tuple[Any, ...]]:
    """The fields of a ``Row``, entry by entry; a million rows are not worth a million objects."""
    found = (
        Entry.objects.filter(stream=stream)
        .order_by("index")
        .values_list(
            *("index", "at", "action", "actor", "subject", "leaf", "leaf_hash"),
            *("disclosure__salt", "disclosure__content"),
        )
        .iterator(chunk_size=2000)
    )
    for row in found:
        if type(row[_LEAF]) is bytes:
            yield row
        else:  # some databases give views of bytes
            yield tuple(bytes(part) if isinstance(part, memoryview) else part for part in row)


def _fits(row: tuple[Any, ...], org: str) -> bool:
    """Whether a row, its opening and its leaf say the same; the fields of a ``Row``."""
    _, at, action, actor, subject, leaf, _, salt, content = row
    if content is None or content[:7] != '{"at":"':
        return False
    try:
        stated = datetime.fromisoformat(content[7:_MOMENT_ENDS])
        rebuilt = leaves.build(
            action=action,
            org=org,
            at=at,
            actor=actor,
            subject=subject,
            body=content.encode(),
            salt=salt,
        )
    except ValueError:
        return False
    return stated == at and bool(rebuilt == leaf)


def _destroyed_in(stream: str) -> set[int]:
    """Indexes of the entries whose opening was destroyed on record."""
    found = Entry.objects.filter(action=DESTROYED, subject__startswith=f"entry:{stream}/")
    return {
        int(subject.rpartition("/")[2])
        for subject in found.values_list("subject", flat=True)
        if subject.rpartition("/")[2].isdecimal()
    }


def _read_note(text: str, known: Sequence[VerifierKey], suite: LogSuite) -> str:
    """The text of a note this log signed, or why it is none."""
    try:
        signed = note.parse(text)
        signers = note.verified(signed, known, checks=suite.checks)
        Checkpoint.parse(signed.text)
    except (NoteFault, CheckpointFault) as wrong:
        return f"（签名无效：{wrong}）"
    return signed.text if signers else "（不是本日志的签名）"


def _why(wrong: Exception) -> str:
    return MISSING if isinstance(wrong, FileNotFoundError) else str(wrong)


def _iso(at: datetime) -> str:
    return leaves.moment(at)
