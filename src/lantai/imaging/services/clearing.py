"""What operators delivered into the inbox goes, once every byte of it is kept."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from django.db import transaction

from lantai.imaging import folder, queries
from lantai.imaging.folder import Unfit
from lantai.imaging.models import Batch
from lantai.imaging.rules import BatchState
from lantai.ledger import services as ledger
from lantai.lib.refusals import Conflict, NotFound
from lantai.vault import queries as masters


@dataclass(frozen=True)
class Cleared:
    """How many files of a batch's folder went, and the paths of those that stay."""

    gone: int
    stays: tuple[str, ...]


@dataclass(frozen=True)
class _Kept:
    """A file that is kept word for word, as it was when that was seen."""

    path: Path
    size: int
    changed: int


@transaction.atomic
def clear_inbox(*, batch_uid: str, by: str, at: datetime) -> Cleared:
    """Take a batch's scans out of our own inbox, where they lie in plain text; record it if any.

    A file goes if the vault has just given the very same bytes; anything else stays and is named.
    Folders that became empty go with their files, after the entry is certain.

    Raises NotFound; Conflict while the batch is not accepted, or for a folder outside the inbox:
    media of operators are theirs.
    """
    batch = Batch.objects.select_for_update().filter(uid=batch_uid).first()
    if batch is None:
        raise NotFound("没有这个批次")
    root = queries.folder_of(batch)
    reasons = []
    if batch.state != BatchState.ACCEPTED:
        reasons.append("批次还没有验收，扫描文件夹须留到验收之后")
    if root.absolute().parent != queries.inbox().absolute() or root.is_symlink():
        reasons.append("扫描文件夹不在本系统的收件目录中，请由其保管人处理")
    if reasons:
        raise Conflict(*reasons)
    kept, stays = [], []
    for path in _files(root):
        held = _kept_word_for_word(root, path)
        if held:
            kept.append(held)
        else:
            stays.append(path)
    if kept:
        ledger.record(
            at=at,
            action="imaging.inbox.cleared",
            actor=by,
            subject=f"batch:{batch.uid}",
            facts={"gone": len(kept), "stays": len(stays)},
        )
        transaction.on_commit(partial(_remove, root, kept))
    return Cleared(len(kept), tuple(stays))


def _files(root: Path) -> Iterator[str]:
    """Paths below the folder, of whatever kind; no link is followed."""
    for place, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            yield str(Path(place, name).relative_to(root))


def _kept_word_for_word(root: Path, path: str) -> _Kept | None:
    try:
        before = (root / path).lstat()
        content = folder.read(root, path)
        sha256 = hashlib.sha256(content).hexdigest()
        same = masters.is_kept(sha256) and masters.read(sha256) == content
    except (OSError, ValueError, Unfit, masters.Damaged):
        return None
    return _Kept(root / path, before.st_size, before.st_mtime_ns) if same else None


def _remove(root: Path, kept: list[_Kept]) -> None:
    for one in kept:
        now = one.path.lstat() if one.path.exists() else None
        if now and (now.st_size, now.st_mtime_ns) == (one.size, one.changed):
            one.path.unlink()
    for place, _, _ in os.walk(root, topdown=False):
        if not os.listdir(place):  # noqa: PTH208 -- of a path of os.walk
            Path(place).rmdir()
