"""``lantai bench ledger``: what the log costs, against the least that it can cost.

The limit is two hashes an entry, its leaf and one node, by the same hashlib in the same run. The
tree is measured on files alone, the sequencer with the real database and the real disk. Times are
CPU seconds of this process unless they are called wall.
"""

import hashlib
import os
import secrets
import statistics
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from lantai.ledger import files
from lantai.lib.tlog import cosignature, merkle, note, tiles
from lantai.lib.tlog import leaf as leaves
from lantai.lib.tlog.checkpoint import Checkpoint
from lantai.lib.tlog.merkle import SHA256, Frontier
from lantai.lib.tlog.note import FileSigner, Note
from lantai.lib.tlog.proof import TlogProof, prove
from lantai.lib.tlog.tiles import WIDTH, Tile
from lantai.ops.bench import empty_home, machine, timed
from lantai.ops.command import WrongUse

BATCH: Final = 4096  # entries a batch of the tree
SEALED: Final = 256  # entries a batch of the sequencer, the most it is promised for
ROUNDS: Final = 20
PROOFS: Final = 200
SPREAD: Final = 2_654_435_761  # odd, and near 2^32 over the golden ratio: places all over the log
LARGE: Final = 10_000_000
SHORTEST: Final = 2 * BATCH  # entries of a log that can be looked at early and late
WITNESSES: Final = 3
AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
ACTION: Final = "imaging.page.scanned"


def ledger(entries: int, *, large: bool) -> dict[str, Any]:
    """Measure and return ``name, ratios, figures, machine``.

    ``entries`` is the length of the log; the cost of an entry is looked at after a hundredth of
    it, and at the end. Uses the database of DATABASE_URL if it holds no log, else
    SQLite in a directory of its own. Raises WrongUse.
    """
    if entries < SHORTEST:
        raise WrongUse(f"--entries 至少为 {SHORTEST}")
    ratios, figures = _tree(entries)
    if large:
        more, _ = _tree(LARGE)
        ratios |= {f"{name}, 10 M": ratio for name, ratio in more.items()}
    with tempfile.TemporaryDirectory(prefix="lantai-bench-") as place:
        more, kept = _database(Path(place) / "home", entries)
    return {
        "name": "ledger",
        "ratios": ratios | more,
        "figures": {"entries": entries} | figures | kept,
        "machine": machine(),
    }


def _tree(entries: int) -> tuple[dict[str, float], dict[str, Any]]:
    """Grow a log on files; prove, verify and replay it."""
    with tempfile.TemporaryDirectory(prefix="lantai-bench-", dir=_quick_place(entries)) as place:
        folder = Path(place)
        head, spent, least = _grow(folder, entries)
        part = max(1, len(spent) // 20)
        early, late = map(statistics.median, (spent[1 : part + 1], spent[-part:]))
        ratios = {
            "append / two hashes": round(
                statistics.median(low / cost for low, cost in zip(least, spent, strict=True)), 3
            ),
            "append late / early": round(late / early, 2),
        }
        figures: dict[str, Any] = {
            "two hashes entries/cpu-s": round(BATCH / statistics.median(least)),
            "append entries/cpu-s": round(BATCH / statistics.median(spent)),
        }
        figures |= _proofs(folder, head)
        replay, _ = timed(lambda: _replay(folder, head))
        figures["replay of the files cpu-s a million"] = round(replay / head.size * 1e6, 1)
    return ratios, figures


def _grow(folder: Path, entries: int) -> tuple[Checkpoint, list[float], list[float]]:
    """Append in batches: the last head, and CPU seconds of each batch and of its limit.

    A batch is appended when its bundles, its tiles and the new root are there. Its limit is
    measured at once after it, on the same entries.
    """
    origin = "lantai.example/bench/records"
    head = Checkpoint(origin, 0, SHA256.empty_root)
    frontier = Frontier()
    spent, least = [], []
    node = b"\1" + bytes(64)
    for first in range(0, entries, BATCH):
        fresh = [_invented(index) for index in range(first, first + BATCH)]
        heads: list[Checkpoint] = []

        def append(
            fresh: Sequence[bytes] = fresh, first: int = first, heads: list[Checkpoint] = heads
        ) -> None:
            hashes = SHA256.leaves(fresh)

            def rows(at: int, count: int) -> list[tuple[bytes, bytes]]:
                part = slice(at - first, at - first + count)
                return list(zip(fresh[part], hashes[part], strict=True))

            files.write_tiles(folder, old=first, new=first + BATCH, rows=rows)
            heads.append(Checkpoint(origin, first + BATCH, _root(folder, first + BATCH)))

        def hash_only(fresh: Sequence[bytes] = fresh) -> None:
            sha256 = hashlib.sha256
            for entry in fresh:
                sha256(b"\0" + entry).digest()
                sha256(node).digest()

        spent.append(timed(append)[0])
        least.append(timed(hash_only)[0])
        (head,) = heads
        for entry in fresh:
            frontier.append(SHA256.leaf(entry))
        if head.root != frontier.root():
            raise RuntimeError(f"the tiles have another root at {head.size}")
    return head, spent, least


def _root(folder: Path, size: int) -> bytes:
    return merkle.range_root(
        0, size, tiles.nodes_in(lambda tile: files.read_tile(folder, tile), size)
    )


def _proofs(folder: Path, head: Checkpoint) -> dict[str, Any]:
    """Proofs of random entries, each made from the files afresh, as a cold server makes it."""
    size = head.size
    checkpoint = _cosigned(head.text)
    made: list[tuple[TlogProof, bytes]] = []
    spent, checked = [], []
    for index in (number * SPREAD % size for number in range(1, PROOFS + 1)):
        leaf = _invented(index)

        def make(index: int = index, leaf: bytes = leaf) -> None:
            nodes = tiles.nodes_in(lambda tile: files.read_tile(folder, tile), size)
            hashes = merkle.inclusion_proof(index, size, nodes)
            made.append((prove(index=index, hashes=hashes, checkpoint=checkpoint), leaf))

        spent.append(timed(make)[0])
    for proof, leaf in made:
        checked.append(timed(partial(proof.verify, leaf))[0])
    return {
        "inclusion proof cpu-ms": _milliseconds(spent),
        "verification cpu-ms": _milliseconds(checked),
        f"tlog-proof bytes, {WITNESSES} cosignatures": max(len(str(proof)) for proof, _ in made),
    }


def _replay(folder: Path, head: Checkpoint) -> None:
    """Read every entry again, hold it against its tile, and come to the same root."""
    roots: list[bytes] = []
    for first in range(0, head.size, WIDTH):
        width = min(WIDTH, head.size - first)
        bundle = (folder / tiles.bundle_path(first // WIDTH, width)).read_bytes()
        hashes = SHA256.leaves(tiles.decode_entries(bundle, width=width))
        held = files.read_tile(folder, Tile(0, first // WIDTH, width))
        if held != tiles.encode_hashes(hashes):
            raise RuntimeError(f"tile {first // WIDTH} is not what its entries hash to")
        roots.append(merkle.root_of(hashes))
    if merkle.root_of(roots) != head.root:
        raise RuntimeError("the files lead to another root")


def _database(home: Path, entries: int) -> tuple[dict[str, float], dict[str, Any]]:
    """The real sequencer: enter, publish, and audit all of it."""
    empty_home(str(home))
    from django.db import connection  # noqa: PLC0415 -- models load after set-up

    from lantai.ledger import queries, services  # noqa: PLC0415
    from lantai.ledger.models import STREAMS  # noqa: PLC0415

    if any(queries.size_of(stream=stream) for stream in STREAMS):
        raise WrongUse("DATABASE_URL 所指的数据库已有日志；请用空的数据库来测量")
    rounds = ROUNDS if entries >= ROUNDS * BATCH else 3
    _fill(0, entries // 100)
    services.publish(at=AT)
    early = _sealing(entries // 100, rounds=rounds)
    here = queries.size_of(stream="records")
    _fill(here, max(0, entries - here))
    services.publish(at=AT)
    late = _sealing(entries, rounds=rounds)
    found: list[Any] = []
    size = sum(queries.size_of(stream=stream) for stream in STREAMS)
    audit, _ = timed(lambda: found.extend(queries.check_log()))
    if found:
        raise RuntimeError(f"the audit found differences: {found[0]}")
    ratios = {
        "record late / early": round(late["record cpu-ms"] / early["record cpu-ms"], 2),
        "publish late / early": round(late["publish 256 cpu-ms"] / early["publish 256 cpu-ms"], 2),
    }
    figures = {"database": connection.vendor, **late}
    figures["audit with openings cpu-s a million"] = round(audit / size * 1e6, 1)
    return ratios, figures


def _sealing(first: int, *, rounds: int) -> dict[str, Any]:
    """Entries recorded and published in batches of 1 and of 256."""
    from django.db import transaction  # noqa: PLC0415 -- models load after set-up

    from lantai.ledger import services  # noqa: PLC0415

    def enter(count: int) -> None:
        with transaction.atomic():
            for number in range(count):
                services.record(
                    at=AT,
                    action=ACTION,
                    actor="wang",
                    subject=f"page:{first + number:016x}",
                    facts=_facts(first + number),
                )

    figures: dict[str, Any] = {}
    for count in (1, SEALED):
        entered, sealed = [], []
        for _ in range(rounds):
            entered.append(timed(partial(enter, count)))
            sealed.append(timed(lambda: services.publish(at=AT)))
        record, publish = (
            statistics.median(wall for _, wall in spent) for spent in (entered, sealed)
        )
        if count == 1:
            figures["record and commit wall-ms"] = round(record * 1000, 1)
        else:
            figures["record cpu-ms"] = _milliseconds([cpu / count for cpu, _ in entered])
            figures["record entries/s, 256 a commit"] = round(count / record)
            figures["publish entries/s, 256 a batch"] = round(count / publish)
            figures["record and publish entries/s, 256"] = round(count / (record + publish))
        figures[f"publish {count} wall-ms"] = round(publish * 1000, 1)
        figures[f"publish {count} cpu-ms"] = _milliseconds([cpu for cpu, _ in sealed])
    return figures


def _fill(first: int, count: int) -> None:
    """Enter rows past the program, many at once: the same rows, without its time for each."""
    from django.conf import settings  # noqa: PLC0415 -- models load after set-up
    from django.db import transaction  # noqa: PLC0415

    from lantai.ledger.models import Disclosure, Entry  # noqa: PLC0415

    for start in range(first, first + count, BATCH):
        entries, openings = [], []
        for index in range(start, min(start + BATCH, first + count)):
            at, salt = AT + timedelta(milliseconds=index), secrets.token_bytes(leaves.SALT_BYTES)
            body = leaves.body_of(at=at, facts=_facts(index))
            leaf = _leaf(index, at=at, body=body, salt=salt, org=settings.LANTAI_ORG)
            entry = Entry(
                stream="records",
                index=index,
                at=at,
                action=ACTION,
                actor="wang",
                subject=f"page:{index:016x}",
                leaf=leaf,
                leaf_hash=SHA256.leaf(leaf),
            )
            entries.append(entry)
            openings.append(Disclosure(entry=entry, salt=salt, content=body.decode()))
        with transaction.atomic():
            Entry.objects.bulk_create(entries)
            for opening in openings:
                opening.entry_id = opening.entry.pk
            Disclosure.objects.bulk_create(openings)


def _facts(index: int) -> dict[str, Any]:
    return {"page": f"{index:016x}", "sha256": f"{index:064x}", "kind": "4-1", "number": index}


def _leaf(
    index: int, *, at: datetime, body: bytes = b"{}", salt: bytes = bytes(32), org: str = "bench"
) -> bytes:
    return leaves.build(
        action=ACTION,
        org=org,
        at=at,
        actor="wang",
        subject=f"page:{index:016x}",
        body=body,
        salt=salt,
    )


_TEMPLATE: Final = _leaf(0, at=AT)


def _invented(index: int) -> bytes:
    """An entry as long as a real one, made fast."""
    return b"%012d" % index + _TEMPLATE[12:]


def _cosigned(text: str) -> str:
    """A head under the log's signature and those of the witnesses."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )

    log = FileSigner.from_seed(text.partition("\n")[0], secrets.token_bytes(32))
    signed = note.sign(text, [log])
    words = [
        cosignature.cosign(
            text,
            name=f"witness{number}.lantai.example",
            private=Ed25519PrivateKey.generate(),
            time=int(AT.timestamp()),
        )
        for number in range(WITNESSES)
    ]
    return str(Note(signed.text, (*signed.signatures, *words)))


def _quick_place(entries: int) -> str | None:
    """A file system in memory, where there is one with room: the disk is measured elsewhere."""
    memory = Path("/dev/shm")  # noqa: S108 -- no names are guessed: a directory is made in it
    if not os.access(memory, os.W_OK):
        return None
    state = os.statvfs(memory)
    needed = 2 * entries * len(_TEMPLATE)
    return str(memory) if state.f_bavail * state.f_frsize > needed else None


def _milliseconds(spent: Sequence[float]) -> float:
    return round(statistics.median(spent) * 1000, 3)
