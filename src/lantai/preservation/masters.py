"""The vault's own files, read again by the patrol like everything else that is kept.

A master has one file in the vault until its package and the second copy have it; a damaged one is
put back from a package, where one has it.
"""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db.models import Exists, OuterRef

from lantai.preservation import patrol
from lantai.preservation.examining import Examined, Finding
from lantai.preservation.models import Patrolled, Watched
from lantai.preservation.patrol import Repair, Visited
from lantai.vault import files, placed
from lantai.vault.models import Placement

_PIECE: Final = 1 << 20


def visit(*, name: str, by: str, at: datetime) -> Visited:
    """Read one master's own file, put it right from a package if it is damaged, and write it down.

    A master that has left the vault is no longer visited. Raises OSError where nothing can be
    written.
    """
    blob = placed.with_ways().filter(sha256=name).exclude(way__in=placed.GONE).first()
    if blob is None:
        patrol.forget(Watched.VAULT, name)
        return Visited(Watched.VAULT, name)
    examined = _examine(name, size=blob.size)
    patrol.note(place=Watched.VAULT, name=name, examined=examined, by=by, at=at)
    if not examined.findings:
        return Visited(Watched.VAULT, name, examined.size)
    (finding,) = examined.findings
    repaired, why = _put_right(finding, name)
    again = _examine(name, size=blob.size) if repaired else examined
    left = again.findings
    patrol.settle(
        place=Watched.VAULT,
        name=name,
        repaired=() if left else repaired,
        left=left,
        why=why,
        size=again.size,
        by=by,
        at=at,
    )
    return Visited(
        Watched.VAULT, name, examined.size, (finding,), () if left else repaired, left, why
    )


def unpatrolled(*, after: int, limit: int) -> tuple[list[Patrolled], int]:
    """Rows the patrol has not yet for the masters behind a row, and the last row looked at.

    The last row is ``after`` again when there are no more.
    """
    page = list(
        placed.with_ways()
        .filter(pk__gt=after)
        .order_by("pk")[:limit]
        .values_list("pk", "sha256", "stored_at", "way")
    )
    names = [sha256 for _, sha256, _, way in page if way not in placed.GONE]
    known = set(_known(names))
    rows = [
        Patrolled(place=Watched.VAULT, name=sha256, seen_at=stored_at)
        for _, sha256, stored_at, way in page
        if way not in placed.GONE and sha256 not in known
    ]
    return rows, page[-1][0] if page else after


def to_leave(*, after: int, limit: int) -> list[tuple[int, str]]:
    """Masters behind a row that a package holds and the vault still has: row and digest."""
    held = Placement.objects.filter(blob=OuterRef("pk"))
    rows = placed.with_ways().exclude(way__in=placed.GONE).filter(Exists(held), pk__gt=after)
    return list(rows.order_by("pk")[:limit].values_list("pk", "sha256"))


def unknown_to_the_patrol(*, limit: int) -> list[Patrolled]:
    """Rows the patrol has not yet, for so many masters of all; not saved, none at the end."""
    known = Patrolled.objects.filter(place=Watched.VAULT, name=OuterRef("sha256"))
    lacking = placed.with_ways().exclude(way__in=placed.GONE).filter(~Exists(known))
    return [
        Patrolled(place=Watched.VAULT, name=sha256, seen_at=stored_at)
        for sha256, stored_at in lacking.order_by("pk")[:limit].values_list("sha256", "stored_at")
    ]


def _known(names: list[str]) -> Iterable[str]:
    rows = Patrolled.objects.filter(place=Watched.VAULT, name__in=names)
    return rows.values_list("name", flat=True)


def _examine(name: str, *, size: int) -> Examined:
    home: Path = settings.LANTAI_HOME
    path = files.master_path(home, name)
    code, what = "", ""
    if not files.stands(home, name):
        return Examined((Finding(_where(path), "missing", "文件缺失", ""),), 0)
    try:
        if files.digest_of(home, name) != name:
            code, what = "damaged", "文件内容与入库时的登记不符"
    except OSError as unreadable:
        code, what = "damaged", f"文件读不出来（{unreadable.strerror}）"
    except placed.CLOSED as closed:
        code, what = "closed", f"文件打不开：{closed}"[:300]
    if not code:
        return Examined((), size)
    return Examined((Finding(_where(path), code, what, _raw_digest(path)),), size)


def _put_right(finding: Finding, name: str) -> tuple[tuple[Repair, ...], str]:
    """Put a master back from a package that has it; else say what is to be done."""
    content = placed.whole_in_packages(name)
    if content is None:
        return (), "没有归档包有完好的这一页，请从备份中恢复这一文件"
    home: Path = settings.LANTAI_HOME
    write = files.replace_master if files.stands(home, name) else files.write_master
    write(home, name, content, suite=settings.LANTAI_SEALING, ring=placed.ring_of(name))
    after = _raw_digest(files.master_path(home, name))
    return (Repair(finding, Watched.STORE.value, after),), ""


def _where(path: Path) -> str:
    return str(path.relative_to(settings.LANTAI_HOME))


def _raw_digest(path: Path) -> str:
    """The SHA-256 of the sealed bytes as they stand; empty if they cannot be read."""
    with suppress(OSError), path.open("rb") as stream:
        running = hashlib.sha256()
        while piece := stream.read(_PIECE):
            running.update(piece)
        return running.hexdigest()
    return ""
