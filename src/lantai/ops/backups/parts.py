"""The files of a home, copied into a backup and out of it.

What a home holds and what becomes of each is said in the package's docstring.
"""

import fcntl
import hashlib
import os
import secrets
import tarfile
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Final

from lantai.lib import canonical
from lantai.lib.ocfl import disk
from lantai.lib.ocfl.layout import Store
from lantai.lib.ocfl.paths import below, is_path
from lantai.lib.refusals import Unacceptable
from lantai.ops.backups.manifest import Unfit, digest_of

_KEYS: Final = "keys"
_LOG: Final = "log"
VAULT: Final = "vault"
SCRATCH: Final = "backup-in-work"
# Made again, delivered again, or of no use elsewhere; and what is copied in a way of its own.
NOT_KEPT: Final = frozenset(
    {
        *("derived", "inbox", "cache", "uploads", "drawing", "lost+found", SCRATCH),
        *("demo.json", "demo-truth.json", "lantai.db", "lantai.db-wal", "lantai.db-shm"),
        *(_KEYS, _LOG, VAULT),
    }
)
# What is on its way into a bucket, and what came out of it damaged: of no use elsewhere.
_STORES, _STAGE = "stores", "stage"
ESCROW: Final = "escrow"
_LARGEST_OTHER: Final = 1 << 28
_KEYS_A_FILE: Final = 10_000
_STAGED: Final = ".incoming"
_PIECE: Final = 1 << 20


class Changed(RuntimeError):
    """What was being read was changed meanwhile: to be read again."""


@dataclass(frozen=True)
class Master:
    """A file of the vault: where it stands in the home, and what it is."""

    path: str
    size: int
    sha256: str
    written: int  # nanoseconds; a file that was written anew is another file

    def dumps(self) -> bytes:
        return canonical.dumps({**asdict(self), "written": str(self.written)}) + b"\n"

    @classmethod
    def read(cls, line: bytes) -> "Master":
        """Raises ValueError, KeyError, TypeError."""
        stated = canonical.loads(line.removesuffix(b"\n"))
        if not is_path(stated["path"]) or not stated["path"].startswith(f"{VAULT}/"):
            raise ValueError(f"not a place in the vault: {stated['path']!r}")
        return cls(**{**stated, "written": int(stated["written"])})


def copy_masters(
    home: Path, incoming: Path, known: Mapping[str, Master]
) -> Generator[tuple[Master, bool], None, None]:
    """Copy the files of the vault that the target has not; yield each, and whether it was new.

    ``known`` are those of the backup before. Nothing that is whole is replaced. A file that leaves
    the vault meanwhile is passed over: its package has it.
    """
    for path in _files_below(home / VAULT):
        name = str(path.relative_to(home))
        with suppress(FileNotFoundError):
            stands = path.stat()
            before = known.get(name)
            if (
                before is not None
                and (before.size, before.written) == (stands.st_size, stands.st_mtime_ns)
                and _has(incoming, before)
            ):
                yield before, False
                continue
            digest, fresh = _copy_in(path, incoming)
            yield Master(name, stands.st_size, digest, stands.st_mtime_ns), fresh


def place_in(incoming: Path, sha256: str) -> Path:
    """Where a file of the vault stands in a target."""
    return incoming / sha256[:2] / sha256[2:4] / sha256


def bring_master(incoming: Path, master: Master, home: Path) -> None:
    """Bring a file of the vault into a new home, its digest checked on the way. Raises Unfit."""
    source = place_in(incoming, master.sha256)
    where = f"incoming/{source.relative_to(incoming)}"
    target = below(home, master.path)
    disk.make_folder(target.parent)
    sought = hashlib.sha256()
    try:
        with source.open("rb") as held, disk.create(target) as stream:
            while piece := held.read(_PIECE):
                sought.update(piece)
                stream.write(piece)
    except FileNotFoundError as missing:
        raise Unfit(f"{where} 不在了（影像 {master.path}）") from missing
    if sought.hexdigest() != master.sha256:
        raise Unfit(f"{where} 与其名称中的摘要不符：已损坏（影像 {master.path}）")


def save_log(home: Path, path: Path) -> None:
    """Put the published log into one file. The caller holds the publishers' places."""
    with disk.create(path) as stream, tarfile.open(fileobj=stream, mode="w") as tar:
        for found in _files_below(home / _LOG):
            if found.name[0] != ".":
                tar.add(found, str(found.relative_to(home / _LOG)), recursive=False, filter=_bare)


def bring_log(path: Path, home: Path, *, only: Collection[str] = ()) -> None:
    """Bring a saved log into a home; ``only`` files of these names, in the place of others.

    Raises Unfit.
    """
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                stream = tar.extractfile(member)
                if stream is None or not is_path(member.name):
                    raise Unfit(f"{path.name} 中有不该有的内容：{member.name}")
                target = below(home / _LOG, member.name)
                if only and target.name not in only:
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(stream.read())
                target.chmod(0o644)
    except tarfile.TarError as broken:
        raise Unfit(f"{path.name} 读不出来：{broken}") from broken


def keys(home: Path, *, rings: Collection[str]) -> Iterator[tuple[str, bytes, int]]:
    """Every file of ``keys/`` as path, content, mode, but for the keys of the rings.

    Raises Changed, at the end, if a log's key was changed meanwhile.
    """
    folder = home / _KEYS
    before = _small_files(folder)
    for path in _files_below(folder):
        name = path.relative_to(folder)
        in_ring = name.parts[0] in rings or name.parts[0].partition(".")[0] in rings
        if not in_ring and path.name[0] != "." and path.suffix != ".lock":
            yield str(name), path.read_bytes(), path.stat().st_mode
    if _small_files(folder) != before:
        raise Changed(f"{_KEYS}/")


def escrowed(held: Mapping[str, str]) -> Iterator[tuple[str, bytes, int]]:
    """The keys of the rings, wrapped under that of the backup, as files of a sealed tree."""
    names = sorted(held)
    for first in range(0, len(names), _KEYS_A_FILE):
        some = {name: held[name] for name in names[first : first + _KEYS_A_FILE]}
        yield f"{ESCROW}/{first // _KEYS_A_FILE + 1:05}.json", canonical.dumps(some), 0o400


def others(home: Path, stores: Collection[Store]) -> Iterator[tuple[str, bytes, int]]:
    """Every file of the home that is neither copied in another way nor left out.

    Raises Unacceptable for one too large to be held in memory.
    """
    apart = {store.home.resolve() for store in stores}
    if not home.is_dir():
        return
    for entry in sorted(home.iterdir()):
        if entry.name in NOT_KEPT or entry.resolve() in apart:
            continue
        without = _STAGE if entry.name == _STORES else ""
        for path in _files_below(entry, without=without) if entry.is_dir() else [entry]:
            if path.name[0] != "." and path.is_file() and not path.is_symlink():
                if path.stat().st_size > _LARGEST_OTHER:
                    raise Unacceptable(
                        f"数据目录中的 {path.relative_to(home)} 不是本系统的文件，又太大，未备份；"
                        "请移到别处"
                    )
                yield str(path.relative_to(home)), path.read_bytes(), path.stat().st_mode


def bring_small(target: Path, name: str, content: bytes, mode: int) -> None:
    """Put a small file of a backup into its place below a new folder. Raises Unfit."""
    if not is_path(name):
        raise Unfit(f"备份中有不该有的文件名：{name}")
    path = below(target, name)
    disk.make_folder(path.parent)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode & 0o700)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    path.chmod(mode & 0o777)


def _copy_in(path: Path, incoming: Path) -> tuple[str, bool]:
    """Copy a file under the name of its digest; tell that, and whether it was new.

    Raises FileNotFoundError if it has left the vault.
    """
    staged = incoming / _STAGED
    disk.make_folder(staged)
    fresh = staged / secrets.token_hex(8)
    sought = hashlib.sha256()
    try:
        with _standing(path) as held, disk.create(fresh) as stream:
            while piece := held.read(_PIECE):
                sought.update(piece)
                stream.write(piece)
        digest = sought.hexdigest()
        target = place_in(incoming, digest)
        if target.exists() and digest_of(target) == digest:
            return digest, False
        disk.make_folder(target.parent)
        disk.move(fresh, target)  # over nothing, or over what a power cut left of the same
    finally:
        fresh.unlink(missing_ok=True)
    return digest, True


@contextmanager
def _standing(path: Path) -> Iterator[BinaryIO]:
    """Open a file of the vault as long as it has its name: whoever takes it away blanks it."""
    while True:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH)  # nobody blanks it meanwhile
            if os.fstat(stream.fileno()).st_nlink:
                yield stream
                return


def drop_masters(incoming: Path, digests: Iterable[str]) -> int:
    """Remove files of the vault from a target for good; return how many were there."""
    count = 0
    for digest in digests:
        path = place_in(incoming, digest)
        if path.exists():
            path.chmod(0o600)
            disk.overwrite(path, bytes(path.stat().st_size))
            path.unlink()
            disk.force_folder(path.parent)
            count += 1
    return count


def masters_but(incoming: Path, listed: Collection[str]) -> list[str]:
    """The files of the vault in a target that are not among these digests."""
    return [path.name for path in _files_below(incoming) if path.name not in listed]


def sweep_incoming(incoming: Path) -> None:
    """Remove what a stopped backup left; only for who is alone."""
    disk.remove(incoming / _STAGED)


def _has(incoming: Path, master: Master) -> bool:
    with suppress(FileNotFoundError):
        return place_in(incoming, master.sha256).stat().st_size == master.size
    return False


def _small_files(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        return {}
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name[0] != "."
    }


def _bare(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without owners and moments: the same log gives the same file."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime, member.mode = 0, 0o644
    return member


def _files_below(folder: Path, *, without: str = "") -> Iterator[Path]:
    """Every plain file below a folder, in the order of the paths.

    Hidden folders are left out, and those named as ``without``.
    """
    if not folder.is_dir():
        return
    for entry in sorted(os.scandir(folder), key=lambda found: found.name):
        if entry.is_dir(follow_symlinks=False):
            if entry.name[0] != "." and entry.name != without:
                yield from _files_below(Path(entry.path), without=without)
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


def lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        yield from stream


def masters_in(path: Path) -> dict[str, Master]:
    """The files of the vault that a backup lists, by their places. Raises Unfit."""
    try:
        return {master.path: master for master in map(Master.read, lines(path))}
    except (ValueError, KeyError, TypeError) as strange:
        raise Unfit(f"{path.name} 不是本系统所写：{strange}") from strange


def write_lines(path: Path, held: Iterator[bytes]) -> None:
    with disk.create(path) as stream:
        for line in held:
            stream.write(line)
