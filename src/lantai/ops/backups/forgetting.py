"""What leaves a target once a new backup stands: old keys, and whatever may open the destroyed."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from django.conf import settings

from lantai.ops.backups import manifest, parts
from lantai.ops.backups.manifest import Manifest, Unfit
from lantai.ops.backups.names import INCOMING
from lantai.ops.backups.parts import Master
from lantai.ops.backups.target import Target


def drop_keys(target: Target, made: Manifest, *, at: datetime) -> Iterator[str]:
    """Let older backups be without keys that are too old, or may open what was destroyed.

    Yields their names; ``made`` is the newest backup, which keeps its own.
    """
    for name, older, _ in target.accounts():
        if name == made.name or not target.has_keys(name):
            continue
        known = set(older.destroyed) if older else set[str]()
        too_old = older and (at - older.moment).days >= settings.LANTAI_KEY_BACKUP_DAYS
        if too_old or not set(made.destroyed) <= known:
            target.drop_keys(name)
            yield name


def drop_masters(target: Target, made: Manifest) -> tuple[str, ...]:
    """Remove masters that were destroyed, or that no backup lists any more.

    Returns why nothing was removed, if the list of a backup cannot be read: then what no list
    names may be what that one names.
    """
    shredded, listed, unread = set(made.shredded), set[str](), []
    read = set[str]()  # many backups have the same list
    for name, each, unfit in target.accounts():
        if each is None:
            unread.append(f"{name}：{unfit}")
        elif (digest := each.files[INCOMING]["sha256"]) not in read:
            try:
                held = masters_of(target, each).values()
            except (Unfit, OSError) as lost:
                unread.append(f"{name}：{lost}")
                continue
            read.add(digest)
            listed |= {one.sha256 for one in held if Path(one.path).name not in shredded}
    if not unread:
        parts.drop_masters(target.incoming, parts.masters_but(target.incoming, listed))
    return tuple(unread)


def masters_of(target: Target, made: Manifest) -> dict[str, Master]:
    """The files of the vault that a backup lists, the list held against the manifest.

    Raises Unfit, OSError.
    """
    folder = target.backups / made.name
    for fault in manifest.faults(folder, made, only=[INCOMING]):
        raise Unfit(fault)
    return parts.masters_in(folder / INCOMING)
