"""Files that are there whole or not at all, and that nobody reads without the key.

Masters: ``vault/<ab>/<cd>/<sha256>``, named by the digest of the plain text, sealed, read-only,
durable before the row that names them commits, never replaced by anything but themselves.
Derivatives: ``derived/<ab>/<sha256>/<kind>``, sealed and whole but not forced to disk, since they
can be made again from the master.

Both are sealed under the store key of a ring (``vault.keys``), for their own place: exchanged
files are not opened. A plain master of an older home is read as it is until ``seal_master``.
"""

import fcntl
import hashlib
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from lantai.lib import sealing
from lantai.lib.ocfl import disk
from lantai.lib.sealing import Key, Place, Ranged, Suite
from lantai.vault import keys
from lantai.vault.keys import Ring

DERIVATIVES: Final = ("thumbnail.jpg", "tiles.pack")
MASTER_MODE: Final = 0o400
# A tile is a part of its pack: what is decrypted for it should not be much more than it.
DERIVATIVE_CHUNK: Final = 1 << 16
_INCOMING: Final = ".incoming"
_SEALED: Final = b"LTSEAL1\n"
_PIECE: Final = 1 << 20
_FOLDERS_OF_A_MASTER: Final = 4  # <cd>, <ab>, ``vault``, the home


class Damaged(RuntimeError):
    """A master is missing or is not what was stored: an incident, not a refusal."""


class Torn(RuntimeError):
    """A derivative cannot be read; nothing is lost, it is made again from its master."""


def master_path(home: Path, sha256: str) -> Path:
    return home / "vault" / sha256[:2] / sha256[2:4] / sha256


def derivative_path(home: Path, sha256: str, kind: str) -> Path:
    if kind not in DERIVATIVES:
        raise ValueError(f"no such derivative: {kind}")
    return home / "derived" / sha256[:2] / sha256 / kind


def write_master(
    home: Path, sha256: str, content: bytes, *, suite: Suite, ring: Ring = Ring.PRESERVATION
) -> None:
    """Put a master in its place, on disk when this returns; harmless if it is there already.

    Temporary file, fsync, a second name that takes no place of another, fsync of every directory.
    Raises Damaged if another content stands in its place, or one that cannot be opened: that is
    left as it is. Raises keys.KeyMissing if sealed masters stand here and their key does not.
    """
    target = master_path(home, sha256)
    disk.make_folder(target.parent)
    if not target.exists():
        key = _key_to_seal(home, suite=suite, ring=ring)
        # A link, not a rename: it fails where a name stands, so that nothing is replaced; there
        # another writer was quicker with the same content.
        with _fresh(home, sha256, content, under=key) as fresh, suppress(FileExistsError):
            os.link(fresh, target)
    else:
        try:
            other = digest_of(home, sha256) != sha256
        except (sealing.NotOpened, keys.KeyMissing) as closed:
            raise Damaged(
                f"影像母本的位置上另有打不开的文件，未覆盖：{sha256[:12]}（{closed}）"
            ) from closed
        if other:
            raise Damaged(f"影像母本的位置上另有内容，未覆盖：{sha256[:12]}")
    _sync(target)
    # The folders above may be another writer's, not on disk yet.
    for folder in target.parents[:_FOLDERS_OF_A_MASTER]:
        _sync(folder)


def seal_master(home: Path, sha256: str, *, suite: Suite, ring: Ring = Ring.PRESERVATION) -> None:
    """Seal again what stands in a master's place, under the present key of a ring.

    The sealed file is read back before it takes the place of the old one, whose blocks are then
    overwritten where the file system allows it. Stopped anywhere, one of the two stands whole.

    Raises Damaged if the old one is not the master; OSError, sealing.NotOpened, keys.KeyMissing.
    """
    content = b"".join(pieces(home, sha256))
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Damaged(f"影像母本与入库时不一致，未密封：{sha256[:12]}")
    replace_master(home, sha256, content, suite=suite, ring=ring)


def replace_master(
    home: Path, sha256: str, content: bytes, *, suite: Suite, ring: Ring = Ring.PRESERVATION
) -> None:
    """Put a master in the place of what stands there; only for a content that is the master.

    Raises as ``seal_master``, and ValueError for another content.
    """
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError("only a master takes the place of a master")
    target = master_path(home, sha256)
    key = _key_to_seal(home, suite=suite, ring=ring)
    with _fresh(home, sha256, content, under=key) as fresh:
        with fresh.open("rb") as stream:
            held = Ranged(stream, under=key, place=_place(sha256))
            if held.read(0, held.size) != content:
                raise Damaged(f"密封后读回的内容不同，未替换：{sha256[:12]}")
        with _blanking(target):
            fresh.rename(target)
            _sync(target.parent)


def remove_master(home: Path, sha256: str) -> bool:
    """Take a master's own file away for good; say whether there was one."""
    target = master_path(home, sha256)
    if not target.exists():
        return False
    with _blanking(target):
        target.unlink()
        _sync(target.parent)
    return True


def stands(home: Path, sha256: str) -> bool:
    """Is there a file in the master's place?"""
    return master_path(home, sha256).exists()


def is_sealed(home: Path, sha256: str) -> bool:
    """Is the file in the master's place a sealed one? Raises OSError."""
    return _looks_sealed(master_path(home, sha256))


def ring_of(home: Path, sha256: str) -> Ring | None:
    """The ring under which a master's own file is sealed; None for a plain one.

    Raises as ``pieces``.
    """
    if not is_sealed(home, sha256):
        return None
    with _reading(master_path(home, sha256)) as stream:
        return _opened(home, stream, place=_place(sha256))[0]


def pieces(home: Path, sha256: str) -> Iterator[bytes]:
    """Yield what stands in a master's place in plain text, piece by piece.

    Whether it is the master is for the caller to say, by its digest, after the last piece.
    Raises FileNotFoundError, OSError, sealing.NotOpened, keys.KeyMissing.
    """
    with _reading(master_path(home, sha256)) as stream:
        if stream.peek(len(_SEALED))[: len(_SEALED)] == _SEALED:
            _, held = _opened(home, stream, place=_place(sha256))
            for start in range(0, max(held.size, 1), _PIECE):
                yield held.read(start, _PIECE)
        else:
            while piece := stream.read(_PIECE):
                yield piece


def digest_of(home: Path, sha256: str) -> str:
    """The SHA-256 of the plain text of what stands in a master's place. Raises as ``pieces``."""
    running = hashlib.sha256()
    for piece in pieces(home, sha256):
        running.update(piece)
    return running.hexdigest()


def write_derivative(
    home: Path,
    sha256: str,
    kind: str,
    content: bytes,
    *,
    suite: Suite,
    ring: Ring = Ring.PRESERVATION,
) -> None:
    """Put a derivative in its place, replacing an older one whole."""
    target = derivative_path(home, sha256, kind)
    key = _key_to_seal(home, suite=suite, ring=ring)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{kind}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            _seal(content, stream, under=key, place=_place(sha256, kind), chunk=DERIVATIVE_CHUNK)
            stream.flush()
            fresh.replace(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def remove_derivatives(home: Path, sha256: str) -> None:
    """Take away what was made from a master."""
    for kind in DERIVATIVES:
        path = derivative_path(home, sha256, kind)
        with suppress(FileNotFoundError), _blanking(path):
            path.unlink()
    with suppress(OSError):  # not there, or somebody is writing into it
        derivative_path(home, sha256, DERIVATIVES[0]).parent.rmdir()


@dataclass(frozen=True)
class Derivative:
    """A derivative on disk, of which parts are read; it holds no file open between two reads.

    Whatever is wrong with it is Torn; so is a plain one of an older home: it is made again.
    """

    home: Path
    sha256: str
    kind: str

    @property
    def size(self) -> int:
        """Bytes of the plain text. Raises Torn."""
        with self._open() as held:
            return held.size

    def read(self, start: int, length: int, /) -> bytes:
        """A range of the plain text, shorter where it ends before. Raises Torn."""
        with self._open() as held:
            return held.read(start, length)

    def whole(self) -> bytes:
        """Raises Torn."""
        with self._open() as held:
            return held.read(0, held.size)

    @contextmanager
    def _open(self) -> Iterator[Ranged]:
        path = derivative_path(self.home, self.sha256, self.kind)
        try:
            with path.open("rb") as stream:
                yield _opened(self.home, stream, place=_place(self.sha256, self.kind))[1]
        except (OSError, sealing.NotOpened, keys.KeyMissing) as closed:
            raise Torn(f"浏览影像读不出来，需要重做：{self.sha256[:12]}（{closed}）") from closed


def plain_derivatives(home: Path) -> Iterator[Path]:
    """Derivatives of an older home that were never sealed."""
    for path in _files_below(home / "derived"):
        if path.name in DERIVATIVES and path.stat().st_size and not _looks_sealed(path):
            yield path


def masters(home: Path) -> Iterator[Path]:
    """Every file that stands where a master of its name stands, in the order of the names."""
    for path in _files_below(home / "vault"):
        if _is_master(home, path):
            yield path


def strangers(home: Path) -> Iterator[Path]:
    """Files in the vault that stand where nothing of ours stands."""
    for path in _files_below(home / "vault"):
        if path.parent.name != _INCOMING and not _is_master(home, path):
            yield path


def leftovers(home: Path) -> Iterator[Path]:
    """Files that a writer left when it was stopped; no row names them and nobody writes them."""
    incoming = home / "vault" / _INCOMING
    for path in _files_below(incoming):
        if not _is_being_written(path):
            yield path
    for path in _files_below(home / "derived"):
        if path.name.startswith(".") and not _is_being_written(path):
            yield path


def _place(sha256: str, kind: str = "") -> Place:
    """What a sealed file of the vault is bound to."""
    return Place("derived", 0, f"{sha256}/{kind}") if kind else Place("vault", 0, sha256)


def _key_to_seal(home: Path, *, suite: Suite, ring: Ring) -> Key:
    """The store key of a ring; made on first use, and never beside files sealed under a lost one.

    Raises keys.KeyMissing, sealing.NotOpened.
    """
    try:
        return keys.store_key(home, may_make=False, suite=suite, ring=ring)
    except keys.KeyMissing:
        for path in masters(home):
            if _looks_sealed(path) and not _has_a_key(home, path):
                raise
    return keys.store_key(home, may_make=True, suite=suite, ring=ring)


def _has_a_key(home: Path, path: Path) -> bool:
    """Is a sealed master under one of the keys there are?"""
    try:
        with path.open("rb") as stream:
            _opened(home, stream, place=_place(path.name))
    except (sealing.WrongKey, keys.KeyMissing):
        return False
    except sealing.NotOpened:
        pass  # damaged, which says nothing of keys
    return True


def _opened(home: Path, stream: BinaryIO, *, place: Place) -> tuple[Ring, Ranged]:
    """Open a sealed file, under the ring it was sealed under.

    Raises sealing.NotOpened, keys.KeyMissing.
    """
    refused: Exception | None = None
    for ring in Ring:
        try:
            # The suite is that of the key; nothing is made here.
            key = keys.store_key(home, may_make=False, suite=Suite.AES, ring=ring)
            return ring, Ranged(stream, under=key, place=place)
        except (sealing.WrongKey, keys.KeyMissing) as closed:
            refused = refused or closed
    raise refused or keys.KeyMissing("没有影像库的密钥")


def _seal(content: bytes, stream: BinaryIO, *, under: Key, place: Place, chunk: int) -> None:
    sealing.seal(
        io.BytesIO(content), stream, size=len(content), under=under, place=place, chunk=chunk
    )


@contextmanager
def _fresh(home: Path, sha256: str, content: bytes, *, under: Key) -> Iterator[Path]:
    """A sealed file under a name of its own, on disk; it is gone afterwards if not moved."""
    incoming = home / "vault" / _INCOMING
    incoming.mkdir(exist_ok=True)
    fresh = incoming / f"{sha256}.{secrets.token_hex(4)}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MASTER_MODE)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)  # tells a sweeper that somebody is at work
            _seal(content, stream, under=under, place=_place(sha256), chunk=sealing.CHUNK)
            stream.flush()
            os.fsync(stream.fileno())
            yield fresh
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def _reading(path: Path) -> Iterator[io.BufferedReader]:
    """Open a file whose blocks nobody overwrites meanwhile. Raises OSError."""
    while True:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH)
            # It may have lost its name, and its bytes, between the two calls.
            if os.path.samestat(path.stat(), os.fstat(stream.fileno())):
                yield stream
                return


@contextmanager
def _blanking(path: Path) -> Iterator[None]:
    """Overwrite the blocks of a file that loses its last name inside.

    Left alone if it keeps another name, such as in a copy of the home made of links, or if
    somebody reads it at this moment. Where the file system writes elsewhere (snapshots, flash),
    this reaches nothing.
    """
    path.chmod(0o600)
    with path.open("r+b", buffering=0) as old:
        yield
        with suppress(BlockingIOError):
            fcntl.flock(old, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found = os.fstat(old.fileno())
            if not found.st_nlink:
                for start in range(0, found.st_size, _PIECE):
                    old.write(bytes(min(found.st_size - start, _PIECE)))
                os.fsync(old.fileno())


def _looks_sealed(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(_SEALED)) == _SEALED


def _is_master(home: Path, path: Path) -> bool:
    name = path.name
    return (
        len(name) == 64
        and not set(name) - set("0123456789abcdef")
        and path == master_path(home, name)
    )


def _files_below(folder: Path) -> Iterator[Path]:
    """Every file below a folder, in the order of its paths."""
    if not folder.is_dir():
        return
    for entry in sorted(os.scandir(folder), key=lambda found: found.name):
        if entry.is_dir(follow_symlinks=False):
            yield from _files_below(Path(entry.path))
        else:
            yield Path(entry.path)


def _is_being_written(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return True  # finished since it was listed
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _sync(path: Path) -> None:
    """Force a file's content or a directory's entries to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
