"""Read bytes: only the door, production, and operators may import this (import contract)."""

import hashlib
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from lantai.ledger.audit import Difference
from lantai.lib.tlog.leaf import moment
from lantai.vault import files, placed
from lantai.vault.audit import check_movements
from lantai.vault.files import Damaged, Derivative, Torn
from lantai.vault.models import Blob, Movement, Placement
from lantai.vault.placed import CLOSED, releasable, ring_of


@dataclass(frozen=True)
class StoreFault:
    """One thing wrong in the store: where, and a sentence; ``sha256`` where a row names it."""

    path: str
    what: str
    sha256: str | None


def read(sha256: str) -> bytes:
    """Return a master's bytes, checked against their digest. Raise Damaged.

    A damaged file is passed over while a package has the master whole; fsck names the damage.
    """
    try:
        return b"".join(pieces(sha256))
    except Damaged:
        content = placed.whole_in_packages(sha256)
        if content is None:
            raise
        return content


def pieces(sha256: str) -> Iterator[bytes]:
    """Yield a master's bytes, from its own file or else from its package. Raise Damaged.

    Whether they are the master's is known only when the last piece has come without Damaged.
    """
    running = hashlib.sha256()
    try:
        for piece in placed.pieces(sha256):
            running.update(piece)
            yield piece
    except FileNotFoundError as missing:
        raise Damaged(f"影像母本缺失：{sha256[:12]}") from missing
    except OSError as unreadable:
        raise Damaged(f"影像母本读不出来：{sha256[:12]}（{unreadable.strerror}）") from unreadable
    except CLOSED as closed:
        raise Damaged(f"影像母本打不开：{sha256[:12]}（{closed}）") from closed
    if running.hexdigest() != sha256:
        raise Damaged(f"影像母本与入库时不一致：{sha256[:12]}")


def derivative(sha256: str, kind: str) -> Derivative | None:
    """Return a derivative to read ranges of, or None if it has to be made again.

    Reading may still raise Torn; then too it is made again.
    """
    path = files.derivative_path(settings.LANTAI_HOME, sha256, kind)
    try:
        there = path.stat().st_size > 0  # a power cut may leave a name only
    except FileNotFoundError:
        return None
    return Derivative(settings.LANTAI_HOME, sha256, kind) if there else None


def store_faults() -> Iterator[StoreFault]:
    """Compare every row with its file and every file with its row; read every byte.

    A master that left the vault is looked for where it went: in its package.
    """
    home = settings.LANTAI_HOME
    rows = placed.with_ways().order_by("sha256").iterator(2000)
    paths = files.masters(home)
    row, path = next(rows, None), next(paths, None)
    # Both run in the order of the digests, so that each is looked at once and none is kept.
    while row or path:
        if row and (path is None or row.sha256 < path.name):
            yield from _faults_without_file(row.sha256, way=row.way)
            row = next(rows, None)
        elif path and (row is None or path.name < row.sha256):
            yield StoreFault(str(path.relative_to(home)), "没有登记的文件：入库中断所留", None)
            path = next(paths, None)
        elif row and path:
            yield from _faults_of(row.sha256, size=row.size, way=row.way)
            row, path = next(rows, None), next(paths, None)
    for path in files.strangers(home):
        yield StoreFault(str(path.relative_to(home)), "不属于影像库的文件：请查明来历", None)
    for path in files.plain_derivatives(home):
        yield StoreFault(str(path.relative_to(home)), "浏览影像没有密封：可以密封", None)
    for path in files.leftovers(home):
        yield StoreFault(str(path.relative_to(home)), "写入中断留下的文件：可以清除", None)


def faults_of(sha256: str) -> Iterator[StoreFault]:
    """What is wrong with one master where it is kept; every byte of it is read.

    Raises KeyError for a digest that has no row.
    """
    row = placed.with_ways().filter(sha256=sha256).first()
    if row is None:
        raise KeyError(sha256)
    if files.stands(settings.LANTAI_HOME, sha256):
        yield from _faults_of(sha256, size=row.size, way=row.way)
    else:
        yield from _faults_without_file(sha256, way=row.way)


def own(*, after: int, limit: int) -> list[tuple[int, str, datetime]]:
    """Masters that should have a file of their own: key, digest, and when they were stored.

    In the order of the keys, from the one after ``after``.
    """
    rows = placed.with_ways().exclude(way__in=placed.GONE).filter(pk__gt=after)
    return list(rows.order_by("pk").values_list("pk", "sha256", "stored_at")[:limit])


def check_rows() -> Iterator[Difference]:
    """Hold what the rows say of their masters against the masters themselves, byte by byte."""
    for blob in placed.with_ways().order_by("sha256").iterator(2000):
        if blob.way == Movement.Way.SHREDDED and not files.stands(
            settings.LANTAI_HOME, blob.sha256
        ):
            continue
        since = moment(blob.stored_at)
        try:
            found = _measured(blob.sha256)
        except OSError as unreadable:
            found = dict.fromkeys(("sha256", "sm3", "size"), f"（{unreadable.strerror}）")
        except CLOSED as closed:
            found = dict.fromkeys(("sha256", "sm3", "size"), f"（{closed}）")
        for column, held in found.items():
            said = str(getattr(blob, column))
            if said != held:
                yield Difference("vault_blob", blob.sha256, column, held, said, since)
    yield from check_movements()


def is_kept(sha256: str) -> bool:
    """Has a master of this digest ever been stored?"""
    return Blob.objects.filter(sha256=sha256).exists()


def count() -> int:
    """How many masters are kept."""
    return Blob.objects.count()


def _measured(name: str) -> dict[str, str]:
    sha256, sm3, size = hashlib.sha256(), hashlib.new("sm3"), 0
    for piece in placed.pieces(name):
        sha256.update(piece)
        sm3.update(piece)
        size += len(piece)
    return {"sha256": sha256.hexdigest(), "sm3": sm3.hexdigest(), "size": str(size)}


def _faults_of(sha256: str, *, size: int, way: str) -> Iterator[StoreFault]:
    """What is wrong with a master's own file."""
    home = settings.LANTAI_HOME
    path = files.master_path(home, sha256)
    where = str(path.relative_to(home))
    try:
        found, sealed = path.stat(), files.is_sealed(home, sha256)
        running, length = hashlib.sha256(), 0
        for piece in files.pieces(home, sha256):
            running.update(piece)
            length += len(piece)
    except OSError as unreadable:
        what = f"母本读不出来（{unreadable.strerror}）：请从备份中恢复这一文件"
        yield StoreFault(where, what, sha256)
        return
    except CLOSED as closed:
        yield StoreFault(where, f"母本打不开：{closed}", sha256)
        return
    if length != size or running.hexdigest() != sha256:
        what = "母本内容与登记的摘要或字节数不符：请从备份中恢复这一文件"
        yield StoreFault(where, what, sha256)
    elif not sealed:
        yield StoreFault(where, "母本没有密封：可以密封", sha256)
    if stat.S_IMODE(found.st_mode) != files.MASTER_MODE:
        yield StoreFault(where, "母本不是只读：可以改回只读", sha256)
    if way in placed.GONE:
        yield StoreFault(where, "母本已撤出而文件仍在：撤出中断所留，可以续做", sha256)


def _faults_without_file(sha256: str, *, way: str) -> Iterator[StoreFault]:
    """What is wrong with a master that has no file of its own."""
    home = settings.LANTAI_HOME
    where = str(files.master_path(home, sha256).relative_to(home))
    if way == Movement.Way.SHREDDED:
        return
    if not Placement.objects.filter(blob__sha256=sha256).exists():
        yield StoreFault(where, "母本缺失：请从备份中恢复这一文件", sha256)
        return
    try:
        same = placed.digest_in_packages(sha256) == sha256
    except (OSError, *CLOSED) as closed:
        what = f"母本只在归档包中，而读不出来（{closed}）：请从副本中恢复归档包"
        yield StoreFault(where, what, sha256)
        return
    if not same:
        what = "母本只在归档包中，而内容与登记的摘要不符：请从副本中恢复归档包"
        yield StoreFault(where, what, sha256)


__all__ = [
    "Damaged",
    "Derivative",
    "StoreFault",
    "Torn",
    "check_rows",
    "count",
    "derivative",
    "faults_of",
    "is_kept",
    "own",
    "pieces",
    "read",
    "releasable",
    "ring_of",
    "store_faults",
]
