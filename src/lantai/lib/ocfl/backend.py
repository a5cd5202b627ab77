"""Where a storage root may stand: what a folder of this machine and a bucket must both do.

Paths are texts below the root; "" is the root. Whatever a back end is, it promises of each change
what its docstring says even if the writer is stopped, or the power goes, at any moment.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Final, Protocol

UNREADABLE: Final = "key"  # a key of a bucket that is no path: the specification has no code for it


class Kind(Enum):
    FILE = "file"
    FOLDER = "folder"
    OTHER = "other"  # a link, a pipe: nothing a store has


@dataclass(frozen=True, order=True)
class Entry:
    """A name in a folder, and what bears it."""

    name: str
    kind: Kind


class Backend(Protocol):
    """A storage root that is read, and grows by whole versions."""

    def entries(self, folder: str) -> list[Entry]:
        """What stands in a folder, by name; nothing if there is no such folder.

        Raises Unreachable.
        """

    def places(self, declaration: str, *, depth: int) -> Iterator[tuple[str, bool]]:
        """Every folder where an object may stand, in order, with whether it has its declaration.

        Without one, only what a stopped writer may have left. ``depth`` is how many folders an
        object's place has at most. Raises Unreachable.
        """

    def open(self, path: str) -> BinaryIO:
        """Open a file; a link is not followed. Raises OSError, Unreachable."""

    def is_free(self, files: Iterable[str]) -> bool:
        """Tell whether nothing stands in the root but, perhaps, some of what ``found`` makes.

        Raises Unreachable.
        """

    def found(self, files: Mapping[str, bytes], stage: Path) -> None:
        """Make the root with its files. Raises Busy, Unreachable."""

    def enter(self, made: Path, place: str, versions: Sequence[str], *, way: Path) -> None:
        """Give a new object its place, whole or not at all.

        ``made`` is the whole object, ``way`` a folder beside it that is not there yet. Raises
        Busy if another writer was there before, Unreachable, OSError.
        """

    def extend(self, made: Path, place: str, versions: Sequence[str], *, was: bytes | None) -> None:
        """Add versions to an object and publish the newest, each whole or not at all.

        ``made`` holds the version folders, the inventory and its sidecar; ``was`` is the root
        inventory they follow. Raises as ``enter``.
        """

    def publish(self, made: Path, place: str, *, was: bytes | None) -> None:
        """Put the inventory and sidecar of ``made`` in the place of those of the object's root.

        A declaration in ``made`` goes before them where entering comes in steps. ``was`` is the
        root inventory they replace, None if there is none. Raises as ``enter``.
        """

    def replace(self, good: Path, path: str, aside: Path) -> None:
        """Put a file in the place of a damaged or missing one, which is kept at ``aside``.

        Raises Unreachable, OSError.
        """

    def set_aside(self, path: str, aside: Path) -> None:
        """Move a file or folder out of the root, to ``aside``. Raises Unreachable, OSError."""

    def note(self, staged: Path, name: str) -> None:
        """Put a file in the root itself, in the place of an older one. Raises Unreachable."""

    def withdraw(self, made: Path, place: str) -> list[str]:
        """Take back what a stopped writer put of ``made``, unless it came to a whole version.

        Returns the paths that were removed. Raises Unreachable.
        """

    def unfinished(self, place: str) -> list[str]:
        """The version folders after the root's inventory that are not whole, oldest first.

        None where that inventory was lost or is damaged. Raises Unreachable.
        """

    def clear(self, place: str, version: str) -> list[str]:
        """Remove what is there of a version that never was whole.

        Only for a caller who knows that nobody else writes. Returns the paths. Raises Unreachable.
        """
