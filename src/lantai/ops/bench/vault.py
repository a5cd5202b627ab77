"""``lantai bench vault``: what keeping masters costs, against the least that it can cost.

The bare loop reads a page, takes its SHA-256, encrypts it with GCM and writes it, with one
``syncfs`` a dossier; back, it reads, decrypts and takes the SHA-256. It knows no keys of their own
for the files, no inventory and no crash. The store does the same through its own calls, and the
patrol is held against plain SHA-256 over the same files. Both sides take turns dossier by dossier,
and who begins changes, so that a noisy machine is noisy for both.
"""

import hashlib
import io
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from lantai.lib import gcm, sealing
from lantai.lib.ocfl import check, disk, reader, writer
from lantai.lib.ocfl.layout import Store
from lantai.lib.sealing import Key, Place, Suite
from lantai.ops.bench import machine, timed
from lantai.ops.command import WrongUse

PAGES: Final = 2000
DOSSIER: Final = 70  # pages of a dossier
SMALL: Final = 4096  # bytes of the page of a small object
WINDOW: Final = 100  # small objects looked at
CLOCKS: Final = ("cpu", "wall")
AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


def vault(pages: int, *, size: int, objects: int, suite: Suite) -> dict[str, Any]:
    """Measure and return ``name, ratios, figures, machine``.

    ``pages`` of ``size`` bytes are kept and read back; then ``objects`` of one small page each are
    kept, and the cost of one is looked at after a hundredth of them, after a tenth and at the end.
    Raises WrongUse.
    """
    if pages < 1 or size < 1:
        raise WrongUse("--pages 和 --size 至少为 1")
    if objects and objects < 3 * WINDOW:
        raise WrongUse(f"--objects 至少为 {3 * WINDOW}，或为 0（不测）")
    with tempfile.TemporaryDirectory(prefix="lantai-bench-") as place:
        ratios, figures = _pages(Path(place), pages=pages, size=size, suite=suite)
    if objects:
        with tempfile.TemporaryDirectory(prefix="lantai-bench-") as place:
            more, looked = _flat(Path(place), objects)
        ratios, figures = ratios | more, figures | looked
    return {
        "name": "vault",
        "ratios": ratios,
        "figures": {"pages": pages, "bytes a page": size, "suite": str(suite)}
        | ({"sm4 by": gcm.sm4_by()} if suite is Suite.SM4 else {})
        | figures,
        "machine": machine(),
    }


class _Phase:
    """CPU and wall seconds of one piece of work, dossier by dossier, as done by each side."""

    def __init__(self, ours: str) -> None:
        self._ours = ours
        self._bytes = 0
        self._times: dict[str, list[tuple[float, float]]] = {}

    def take(self, sides: Mapping[str, Callable[[], Any]], *, length: int) -> None:
        """Let each side do it once; who begins changes each time."""
        turn = len(self._times.get(self._ours, ())) % len(sides)
        names = [*sides]
        for name in (*names[turn:], *names[:turn]):
            self._times.setdefault(name, []).append(timed(sides[name]))
        self._bytes += length

    def ratios(self) -> dict[str, float]:
        return {
            f"{name} / {self._ours}, {clock}": round(
                self._sum(name, at) / self._sum(self._ours, at), 3
            )
            for name in self._times
            if name != self._ours
            for at, clock in enumerate(CLOCKS)
        }

    def figures(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            f"{name}, {clock} ms/MB": round(self._sum(name, at) / self._bytes * 1e9, 2)
            for name in self._times
            for at, clock in enumerate(CLOCKS)
        }
        for name in [name for name in self._times if name != self._ours]:
            for at, clock in enumerate(CLOCKS):
                pairs = zip(self._times[name], self._times[self._ours], strict=True)
                each = sorted(low[at] / cost[at] for low, cost in pairs)
                tenth = len(each) // 10
                found[f"{name} / {self._ours}, {clock}, 10 to 90 % of the dossiers"] = (
                    f"{each[tenth]:.2f} to {each[-1 - tenth]:.2f}"
                )
        return found

    def _sum(self, name: str, at: int) -> float:
        return sum(time[at] for time in self._times[name])


def _pages(
    folder: Path, *, pages: int, size: int, suite: Suite
) -> tuple[dict[str, float], dict[str, Any]]:
    scans = [*_scans(folder / "scans", count=min(pages, DOSSIER), size=size)]
    store = Store(folder / "store")
    writer.found(store)
    bare = _Bare(folder / "bare", suite, size)
    keeping, reading, patrolling = _Phase("store"), _Phase("read back"), _Phase("patrol")
    for number, first in enumerate(range(0, pages, DOSSIER)):
        taken = scans[: min(DOSSIER, pages - first)]
        key, uid, length = sealing.new_key(suite), f"{number:032x}", len(taken) * size
        sides: dict[str, Callable[[], Any]] = {
            "bare loop": partial(bare.keep, taken),
            "store": partial(_keep, store, uid, taken, key),
        }
        keeping.take(sides, length=length)
        sides = {
            "bare loop back": partial(bare.read, taken),
            "read back": partial(_read, store, uid, taken, key),
        }
        reading.take(sides, length=length)
        files = sorted(store.folder_of(uid).glob("v1/content/*"))
        sides = {"plain SHA-256": partial(_hash, files), "patrol": partial(_patrol, store, uid)}
        patrolling.take(sides, length=length)
        for done in (bare.folder, store.folder_of(uid)):
            disk.remove(done)
    ratios: dict[str, float] = {}
    figures: dict[str, Any] = {}
    for phase in (keeping, reading, patrolling):
        ratios |= phase.ratios()
        figures |= phase.figures()
    return ratios, figures


@dataclass(frozen=True)
class _Scan:
    path: Path
    sha256: str


def _scans(folder: Path, *, count: int, size: int) -> Iterator[_Scan]:
    folder.mkdir()
    for number in range(count):
        held = os.urandom(size)
        path = folder / f"{number:03}.jpg"
        path.write_bytes(held)
        yield _Scan(path, hashlib.sha256(held).hexdigest())


class _Bare:
    """The least that keeping pages can be.

    Its memory is used again, as the store's is: fresh from the system it costs more than AES, and
    only sometimes, so that nothing could be held against it.
    """

    def __init__(self, folder: Path, suite: Suite, size: int) -> None:
        self.folder = folder
        self._cipher = sealing.new_key(suite).used()
        self._room = memoryview(bytearray(size + gcm.TAG))

    def keep(self, scans: list[_Scan]) -> None:
        self.folder.mkdir()
        for number, scan in enumerate(scans):
            held = scan.path.read_bytes()
            _refuse_other(scan, hashlib.sha256(held))
            self._cipher.encrypt_into(number.to_bytes(gcm.NONCE, "big"), held, b"", self._room)
            (self.folder / scan.path.name).write_bytes(self._room)
        disk.force_all(self.folder)

    def read(self, scans: list[_Scan]) -> None:
        for number, scan in enumerate(scans):
            with (self.folder / scan.path.name).open("rb", buffering=0) as stream:
                stream.readinto(self._room)
            plain = self._cipher.decrypt(number.to_bytes(gcm.NONCE, "big"), self._room, b"")
            _refuse_other(scan, hashlib.sha256(plain or b""))


def _hash(files: list[Path]) -> None:
    for path in files:
        hashlib.sha256(path.read_bytes()).digest()


def _keep(store: Store, uid: str, scans: list[_Scan], key: Key) -> None:
    with writer.writing(store, uid) as draft:
        for scan in scans:
            held = scan.path.read_bytes()
            _refuse_other(scan, hashlib.sha256(held))
            place = Place(uid, 1, scan.path.name)
            with draft.file(scan.path.name) as stream:
                sealing.seal(io.BytesIO(held), stream, size=len(held), under=key, place=place)
        draft.commit(at=AT, message="bench", user="bench", address="urn:lantai:bench")


def _read(store: Store, uid: str, scans: list[_Scan], key: Key) -> None:
    at = store.at(uid)
    found = reader.standing(at).inventory
    for scan in scans:
        place = Place(uid, 1, scan.path.name)
        digest = hashlib.sha256()
        with reader.open_file(at, found.content_path(scan.path.name)) as stream:
            for piece in sealing.opened(stream, under=key, place=place):
                digest.update(piece)
        _refuse_other(scan, digest)


def _patrol(store: Store, uid: str) -> None:
    if faults := [*check.fixity(store.at(uid))]:
        raise RuntimeError(str(faults[0]))


def _refuse_other(scan: _Scan, digest: "hashlib._Hash") -> None:
    if digest.hexdigest() != scan.sha256:
        raise RuntimeError(f"{scan.path.name} has other bytes than it had")


def _flat(folder: Path, objects: int) -> tuple[dict[str, float], dict[str, Any]]:
    """Keep small objects; look at the cost of one early, later, and at the end."""
    (scan,) = _scans(folder / "scans", count=1, size=SMALL)
    store, key = Store(folder / "store"), sealing.new_key(Suite.AES)
    first, second = max(objects // 100, WINDOW), max(objects // 10, 2 * WINDOW)
    seen: dict[int, dict[str, float]] = {}
    kept = 0
    for at in (first, second, objects):
        for number in range(kept, at - WINDOW):
            _keep(store, f"{number:032x}", [scan], key)
        seen[at] = _look(store, scan, key, range(at - WINDOW, at))
        kept = at
    return (
        {
            f"small {name}, first / last": round(cost / seen[objects][name], 2)
            for name, cost in seen[first].items()
        },
        {
            f"small {name} ms, {at} objects": round(cost * 1000, 2)
            for at, costs in seen.items()
            for name, cost in costs.items()
        },
    )


def _look(store: Store, scan: _Scan, key: Key, numbers: range) -> dict[str, float]:
    """Median CPU and wall seconds of an object: kept, read back, patrolled."""
    work: dict[str, Callable[[str], None]] = {
        "store": lambda uid: _keep(store, uid, [scan], key),
        "read back": lambda uid: _read(store, uid, [scan], key),
        "patrol": lambda uid: _patrol(store, uid),
    }
    found = {}
    for name, once in work.items():
        times = [timed(partial(once, f"{number:032x}")) for number in numbers]
        found[f"{name} cpu"] = statistics.median(cpu for cpu, _ in times)
        found[f"{name} wall"] = statistics.median(wall for _, wall in times)
    return found
