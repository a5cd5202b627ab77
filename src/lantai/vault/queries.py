"""Read bytes: only the door, production, and operators may import this (import contract)."""

import hashlib
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from lantai.ledger.audit import Difference
from lantai.lib.tlog.leaf import moment
from lantai.vault import files
from lantai.vault.files import Damaged
from lantai.vault.models import Blob


@dataclass(frozen=True)
class StoreFault:
    """One thing wrong in the store: where, and a sentence; ``sha256`` where a row names it."""

    path: str
    what: str
    sha256: str | None


def read(sha256: str) -> bytes:
    """Return a master's bytes, checked against their digest. Raise Damaged."""
    path = files.master_path(settings.LANTAI_HOME, sha256)
    try:
        content = path.read_bytes()
    except FileNotFoundError as missing:
        raise Damaged(f"影像母本缺失：{sha256[:12]}") from missing
    except OSError as unreadable:
        raise Damaged(f"影像母本读不出来：{sha256[:12]}（{unreadable.strerror}）") from unreadable
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Damaged(f"影像母本与入库时不一致：{sha256[:12]}")
    return content


def derivative(sha256: str, kind: str) -> Path | None:
    """Return where a derivative stands, or None if it has to be made again."""
    path = files.derivative_path(settings.LANTAI_HOME, sha256, kind)
    try:
        return path if path.stat().st_size > 0 else None  # a power cut may leave a name only
    except FileNotFoundError:
        return None


def store_faults() -> Iterator[StoreFault]:
    """Compare every row with its file and every file with its row; read every byte."""
    home = settings.LANTAI_HOME
    rows = Blob.objects.order_by("sha256").values_list("sha256", "size").iterator(2000)
    paths = files.masters(home)
    row, path = next(rows, None), next(paths, None)
    # Both run in the order of the digests, so that each is looked at once and none is kept.
    while row or path:
        if row and (path is None or row[0] < path.name):
            missing = files.master_path(home, row[0]).relative_to(home)
            yield StoreFault(str(missing), "母本缺失：请从备份中恢复这一文件", row[0])
            row = next(rows, None)
        elif path and (row is None or path.name < row[0]):
            yield StoreFault(str(path.relative_to(home)), "没有登记的文件：入库中断所留", None)
            path = next(paths, None)
        elif row and path:
            yield from _faults_of(path, size=row[1])
            row, path = next(rows, None), next(paths, None)
    for path in files.strangers(home):
        yield StoreFault(str(path.relative_to(home)), "不属于影像库的文件：请查明来历", None)
    for path in files.leftovers(home):
        yield StoreFault(str(path.relative_to(home)), "写入中断留下的文件：可以清除", None)


def check_rows() -> Iterator[Difference]:
    """Hold what the rows say of their masters against the masters themselves, byte by byte."""
    for blob in Blob.objects.order_by("sha256").iterator(2000):
        path, since = files.master_path(settings.LANTAI_HOME, blob.sha256), moment(blob.stored_at)
        try:
            found = _measured(path)
        except OSError as unreadable:
            found = dict.fromkeys(("sha256", "sm3", "size"), f"（{unreadable.strerror}）")
        for column, held in found.items():
            said = str(getattr(blob, column))
            if said != held:
                yield Difference("vault_blob", blob.sha256, column, held, said, since)


def count() -> int:
    """How many masters are kept."""
    return Blob.objects.count()


def _measured(path: Path) -> dict[str, str]:
    sha256, sm3, size = hashlib.sha256(), hashlib.new("sm3"), 0
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            sha256.update(piece)
            sm3.update(piece)
            size += len(piece)
    return {"sha256": sha256.hexdigest(), "sm3": sm3.hexdigest(), "size": str(size)}


def _faults_of(path: Path, *, size: int) -> Iterator[StoreFault]:
    where, sha256 = str(path.relative_to(settings.LANTAI_HOME)), path.name
    try:
        found = path.stat()
        same = found.st_size == size and files.digest_of(path) == sha256
    except OSError as unreadable:
        what = f"母本读不出来（{unreadable.strerror}）：请从备份中恢复这一文件"
        yield StoreFault(where, what, sha256)
        return
    if not same:
        what = "母本内容与登记的摘要或字节数不符：请从备份中恢复这一文件"
        yield StoreFault(where, what, sha256)
    if stat.S_IMODE(found.st_mode) != files.MASTER_MODE:
        yield StoreFault(where, "母本不是只读：可以改回只读", sha256)


__all__ = [
    "Damaged",
    "StoreFault",
    "check_rows",
    "count",
    "derivative",
    "read",
    "store_faults",
]
