"""Is what was restored what was backed up? Asked of the new home, before it gets its name."""

import base64
import random
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lantai.ledger import anchors, queries
from lantai.ledger.models import STREAMS
from lantai.lib.ocfl import check
from lantai.lib.ocfl.layout import At
from lantai.ops.backups.manifest import Manifest
from lantai.vault import packages, placed
from lantai.vault import queries as vault
from lantai.vault.models import Movement, Placement


@dataclass(frozen=True)
class Known:
    """How far a log was signed, as far as is known here; ``where`` says by what."""

    stream: str
    size: int
    where: str


@dataclass(frozen=True)
class Opened:
    """Pages that were opened, could not be, or are of dossiers whose keys were destroyed."""

    opened: int
    failed: tuple[str, ...]
    destroyed: int


def log_differences(chosen: Manifest) -> Iterator[str]:
    """Recompute the log from its rows, and hold it against what the backup said of it."""
    for found in queries.check_log():
        yield f"{found.table} {found.key} {found.field}：应为 {found.expected}，现为 {found.found}"
    for state in queries.log_state():
        said = chosen.log[state.stream]
        if (state.size, state.signed, state.root) != (
            said["entries"],
            said["signed"],
            said["root"],
        ):
            yield (
                f"日志 {state.stream} 应有 {said['entries']} 条，已签 {said['signed']} 条，"
                f"现有 {state.size} 条，已签 {state.signed} 条，或树根不同"
            )


def newer_heads(chosen: Manifest, others: Collection[Manifest]) -> Iterator[Known]:
    """Heads known here that the restored database does not lead to.

    Of the other backups in the target, and of the anchors.
    """
    for stream in STREAMS:
        have = int(chosen.log[stream]["entries"])
        known = [
            (int(other.log[stream]["signed"]), other.log[stream]["root"], f"备份 {other.name}")
            for other in others
        ]
        known += [(size, root, "外部锚定") for size, root in _anchored(stream)]
        beyond = [each for each in known if not _leads_to(stream, have, each[0], each[1])]
        if beyond:
            size, _, where = max(beyond)
            yield Known(stream, size, where)


def open_pages(count: int, *, destroyed: Collection[str], seed: int) -> Opened:
    """Open some masters at random, in the vault and in their packages: decrypted, and compared."""
    chosen = _some_masters(count, seed=seed)
    gone, failed = 0, []
    for sha256 in chosen:
        try:
            for _ in vault.pieces(sha256):
                pass
            if Placement.objects.filter(blob__sha256=sha256).exists():
                _open_in_package(sha256)
        except (vault.Damaged, OSError, *placed.CLOSED) as closed:
            if _is_destroyed(sha256, destroyed):
                gone += 1
            else:
                failed.append(f"{sha256[:12]}：{closed}")
    return Opened(len(chosen) - gone - len(failed), tuple(failed), gone)


def check_packages(places: Collection[At], count: int | None, *, seed: int) -> list[str]:
    """Read every byte of some packages, or of all; return what is wrong."""
    listed = list(places)
    if count is not None:
        chance = random.Random(seed)  # noqa: S311 -- a sample
        listed = chance.sample(listed, min(count, len(listed)))
    return [str(fault) for at in listed for fault in check.check_object(at)]


def _open_in_package(sha256: str) -> None:
    """The master as its package has it, beside the vault's own file. Raises vault.Damaged."""
    if placed.digest_in_packages(sha256) != sha256:
        raise vault.Damaged(f"归档包中的影像与母本不一致：{sha256[:12]}")


def _some_masters(count: int, *, seed: int) -> list[str]:
    """Digests of masters at random, each once; nearly as many as asked for, or all there are."""
    found = placed.with_ways().exclude(way=Movement.Way.SHREDDED).order_by("pk")
    if found.count() <= count:
        return list(found.values_list("sha256", flat=True))
    first, last = found.values_list("pk", flat=True)[0], found.reverse()[0].pk
    chance = random.Random(seed)  # noqa: S311 -- a sample
    starts = (chance.randint(first, last) for _ in range(count))
    picked = (found.filter(pk__gte=start).values_list("sha256", flat=True)[0] for start in starts)
    return list(dict.fromkeys(picked))


def _leads_to(stream: str, have: int, size: int, root: str) -> bool:
    if size == 0:
        return True
    return size <= have and queries.leads_to(stream=stream, size=size, root=bytes.fromhex(root))


def _anchored(stream: str) -> Iterator[tuple[int, str]]:
    path = anchors.folder_of(stream) / anchors.HEADS
    if not path.exists():
        return
    for line in path.read_text("utf-8", "replace").splitlines():
        with suppress(ValueError):  # a line that is none is found by the audit
            _, _, size, root = line.split(" ")
            yield int(size), base64.b64decode(root, validate=True).hex()


def _is_destroyed(sha256: str, destroyed: Collection[str]) -> bool:
    placed: Any = Placement.objects.filter(blob__sha256=sha256).values_list("object_id", flat=True)
    return any(packages.uid_of(object_id) in destroyed for object_id in placed)
