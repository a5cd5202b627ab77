"""A storage root in a bucket of an S3 server.

A bucket has no rename. A version enters key by key, in this order: its content, its sidecar, its
inventory; then the root's sidecar, and at last the root's inventory. Each key but the last two is
put only if it is not there (If-None-Match), those two only in the place of what was read
(If-Match). So

- a reader holds to the root's inventory, and sees nothing of a version before that is put, or
  before the root's sidecar no longer fits: then the version's own inventory, which is whole;
- of two writers one finds a key taken that is not its own, and gives up: ``Busy``;
- once a version's inventory is there, all of it is: the next writer publishes it (``settle``);
  before, what a stopped writer put is taken back (``withdraw``), known by its bytes in the stage.

Every request carries a digest the server has to check. Requests are repeated a few times, then
Unreachable is raised; a key that was put although the answer was lost is known by its bytes.
"""

import errno
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypeVar

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    InvalidPathError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from lantai.lib.ocfl import disk, inventory, s3
from lantai.lib.ocfl.backend import UNREADABLE, Entry, Kind
from lantai.lib.ocfl.faults import Fault, Unreachable, Unsound
from lantai.lib.ocfl.paths import joined

if TYPE_CHECKING:  # obstore has it for type checkers only
    from obstore import PutMode

_Answer = TypeVar("_Answer")
_PIECE: Final = 1 << 20
_ATTEMPTS: Final = 3
_AT_ONCE: Final = 4  # a request waits for the server most of its time
_VERSION: Final = re.compile(r"v[0-9]+")


@dataclass(frozen=True)
class Bucket:
    """A root below a prefix of a bucket; all it promises is in ``Backend``."""

    name: str
    prefix: str
    credentials: s3.Credentials

    def __str__(self) -> str:
        return f"s3://{joined(self.name, self.prefix) if self.prefix else self.name}"

    def entries(self, folder: str) -> list[Entry]:
        key = self._key(folder)
        found = self._asked(lambda: obstore.list_with_delimiter(self._client, key or None))
        start = len(key) + 1 if key else 0
        folders = [Entry(path[start:], Kind.FOLDER) for path in found["common_prefixes"]]
        # A marker some programs put for a folder bears the folder's own name: none of ours.
        files = [
            Entry(held["path"][start:], Kind.FILE if held["path"] != key else Kind.OTHER)
            for held in found["objects"]
        ]
        return sorted([*folders, *files], key=lambda entry: entry.name)

    def places(self, declaration: str, *, depth: int) -> Iterator[tuple[str, bool]]:
        """One list of all keys, a thousand a request: folders in between would cost one each."""
        place, declared = "", False
        for path in self._keys_below(""):
            parts = path.split("/")
            if len(parts) <= depth + 1 and parts[-1] == declaration:
                found = path.rpartition("/")[0]
            elif len(parts) > depth + 1 and _VERSION.fullmatch(parts[depth]):
                found = "/".join(parts[:depth])
            else:
                continue
            if place and found != place:
                yield place, declared
                declared = False
            place = found
            declared = declared or parts[-1] == declaration
        if place:
            yield place, declared

    def open(self, path: str) -> BinaryIO:
        answer = self._asked(lambda: obstore.get(self._client, self._key(path)))
        pieces = answer.stream(min_chunk_size=_PIECE)
        incoming = s3.Incoming(pieces, answer.meta["size"], self._unreachable)
        return io.BufferedReader(incoming, _PIECE)

    def is_free(self, files: Iterable[str]) -> bool:
        begun = {path.partition("/")[0] for path in files}
        return all(entry.name in begun for entry in self.entries(""))

    def found(self, files: Mapping[str, bytes], stage: Path) -> None:
        # The declaration (``0=``) last: with it the root is one.
        for path in sorted(files, reverse=True):
            self.create(path, files[path])

    def enter(self, made: Path, place: str, versions: Sequence[str], *, way: Path) -> None:
        self._put_versions(made, place, versions)
        self.publish(made, place, was=None)

    def extend(self, made: Path, place: str, versions: Sequence[str], *, was: bytes | None) -> None:
        self._put_versions(made, place, versions)
        self.publish(made, place, was=was)

    def publish(self, made: Path, place: str, *, was: bytes | None) -> None:
        root = f"{place}/{inventory.FILE}"
        stands, tag = self.held(root)
        fresh = (made / inventory.FILE).read_bytes()
        if stands not in {was, fresh}:
            if _goes_on_from(stands, fresh):
                return  # another writer carried this version to its end, and went on
            raise disk.Busy(place)
        for declared in sorted(made.glob("0=*")):
            self.create(f"{place}/{declared.name}", declared)
        for sidecar in sorted(made.glob(f"{inventory.FILE}.*")):
            self.swap(f"{place}/{sidecar.name}", sidecar.read_bytes())
        if stands != fresh:
            self.swap(root, fresh, tag=tag)

    def replace(self, good: Path, path: str, aside: Path) -> None:
        tag = self._copy_down(path, aside) if self._is_there(path) else None
        self._put(path, good, tag=tag)

    def set_aside(self, path: str, aside: Path) -> None:
        if self._is_there(path):
            self._copy_down(path, aside)
            self.delete(path)
            return
        for below in self._files_below(path):
            self._copy_down(below, aside / below[len(path) + 1 :])
            self.delete(below)

    def note(self, staged: Path, name: str) -> None:
        held = staged.read_bytes()
        self._asked(lambda: obstore.put(self._client, self._key(name), held, use_multipart=False))

    def withdraw(self, made: Path, place: str) -> list[str]:
        removed = []
        for folder in sorted(path for path in made.glob("v*") if _VERSION.fullmatch(path.name)):
            if self._is_same(f"{place}/{folder.name}/{inventory.FILE}", folder / inventory.FILE):
                continue  # the version is whole, and stays
            for staged in _files_in(folder):
                path = f"{place}/{staged.relative_to(made)}"
                if self._is_same(path, staged):
                    self.delete(path)
                    removed.append(path)
        return removed

    def unfinished(self, place: str) -> list[str]:
        listed = [entry.name for entry in self.entries(place)]
        names = [name for name in listed if _VERSION.fullmatch(name)]
        stands, _ = self.held(f"{place}/{inventory.FILE}")
        if stands is None and any(name.startswith("0=") for name in listed):
            return []  # every version was whole before the declaration came: this too is damage
        try:
            head = inventory.parse(stands).number if stands is not None else 0
        except Unsound:
            return []  # damage, and told as that
        later = [name for name in names if int(name[1:]) > head]
        return [name for name in later if not self._is_whole(place, name)]

    def clear(self, place: str, version: str) -> list[str]:
        stands, _ = self.held(f"{place}/{inventory.FILE}")
        # Before its first inventory an object has nothing but its versions; what else is there
        # is not its own.
        below = place if stands is None else f"{place}/{version}"
        removed = [
            path
            for path in self._files_below(below)
            if _VERSION.fullmatch(path[len(place) + 1 :].partition("/")[0])
        ]
        for path in removed:
            self.delete(path)
        return removed

    def create(self, path: str, source: Path | bytes) -> None:
        """Put a key that is not there. Raises Busy if it is, with other bytes."""
        self._put(path, source, tag=None)

    def swap(self, path: str, fresh: bytes, *, tag: str | None = None) -> None:
        """Put a small file in the place of the one with a tag (or the one that is there)."""
        if tag is None:
            stands, tag = self.held(path)
            if stands == fresh:
                return
        self._put(path, fresh, tag=tag)

    def held(self, path: str) -> tuple[bytes, str] | tuple[None, None]:
        """A small file with the tag of what was read; nothing if there is none."""
        try:
            answer = self._asked(lambda: obstore.get(self._client, self._key(path)))
        except FileNotFoundError:
            return None, None
        held = bytes(self._asked(answer.bytes))
        return held, answer.meta["e_tag"] or ""

    def delete(self, path: str) -> None:
        """Delete a key; where versions are kept they stay. Raises Unreachable."""
        self._asked(lambda: obstore.delete(self._client, self._key(path)))

    @property
    def _client(self) -> S3Store:
        # A process that was forked must not use the connections of its parent.
        return s3.client(self.name, self.credentials, os.getpid())

    def _key(self, path: str) -> str:
        return joined(self.prefix, path) if path else self.prefix

    def _put_versions(self, made: Path, place: str, versions: Sequence[str]) -> None:
        # By what is in the stage the next writer knows what may be taken back.
        disk.force_all(made)
        content = [
            staged
            for name in versions
            for staged in _files_in(made / name)
            if not staged.name.startswith(inventory.FILE) or staged.parent != made / name
        ]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            putting = [
                pool.submit(self.create, f"{place}/{staged.relative_to(made)}", staged)
                for staged in content
            ]
            try:
                for one in putting:
                    one.result()
            except BaseException:
                # What is on the way ends before anything is taken back.
                pool.shutdown(cancel_futures=True)
                raise
        for name in versions:
            listed = (made / name).glob(f"{inventory.FILE}*")
            for staged in sorted(listed, reverse=True):  # the inventory after its sidecar
                self.create(f"{place}/{name}/{staged.name}", staged)

    def _put(self, path: str, source: Path | bytes, *, tag: str | None) -> None:
        """Put a key; raises Busy if it is not as it is said to be (None: not there)."""
        mode: PutMode = {"e_tag": tag} if tag else "create"
        with s3.bytes_of(source) as held:

            def put() -> None:
                obstore.put(self._client, self._key(path), held, mode=mode, use_multipart=False)

            try:
                self._asked(put)
            except (AlreadyExistsError, PreconditionError) as taken:
                # An answer that was lost: then it is there by this very request.
                if not self._is_same(path, source):
                    raise disk.Busy(path) from taken

    def _is_there(self, path: str) -> bool:
        try:
            self._asked(lambda: obstore.head(self._client, self._key(path)))
        except FileNotFoundError:
            return False
        return True

    def _is_same(self, path: str, source: Path | bytes) -> bool:
        """Tell whether a key holds the bytes of a file."""
        try:
            with self.open(path) as stream, s3.bytes_of(source) as held:
                view, start = memoryview(held), 0
                while piece := stream.read(_PIECE):
                    if piece != view[start : start + len(piece)]:
                        view.release()
                        return False
                    start += len(piece)
                same = start == len(view)
                view.release()
                return same
        except FileNotFoundError:
            return False

    def _is_whole(self, place: str, version: str) -> bool:
        """Tell whether a version has its inventory, and all content that is named there."""
        raw, _ = self.held(f"{place}/{version}/{inventory.FILE}")
        if raw is None:
            return False
        try:
            listed = inventory.parse(raw).content_paths()
        except Unsound:
            return False
        there = set(self._files_below(f"{place}/{version}"))
        return all(f"{place}/{path}" in there for path in listed if path.startswith(f"{version}/"))

    def _files_below(self, folder: str) -> list[str]:
        return list(self._keys_below(folder))

    def _keys_below(self, folder: str) -> Iterator[str]:
        """Every key below a folder, in the order of the bucket. Raises Unreachable."""
        start = len(self.prefix) + 1 if self.prefix else 0
        try:
            for page in obstore.list(self._client, self._key(folder) or None, chunk_size=1000):
                yield from (held["path"][start:] for held in page)
        except InvalidPathError as strange:
            raise self._unreadable(strange) from None
        except (BaseError, OSError) as failed:
            # Not gone on with: a list that ends too early would be taken for the whole.
            raise self._unreachable(failed) from None

    def _copy_down(self, path: str, target: Path) -> str:
        """Copy a file into the stage, forced to disk; return the tag of what was copied."""
        answer = self._asked(lambda: obstore.get(self._client, self._key(path)))
        disk.make_folder(target.parent)
        incoming = s3.Incoming(answer.stream(), answer.meta["size"], self._unreachable)
        with io.BufferedReader(incoming, _PIECE) as stream, disk.create(target) as kept:
            while piece := stream.read(_PIECE):
                kept.write(piece)
        disk.force_all(target.parent)
        return answer.meta["e_tag"] or ""

    def _asked(self, request: Callable[[], _Answer]) -> _Answer:
        """Make a request, again where it may have been lost. Raises Unreachable."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return request()
            except (AlreadyExistsError, PreconditionError):
                raise
            except FileNotFoundError as missing:
                if "NoSuchBucket" in str(missing):
                    raise self._unreachable(missing) from None
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from None
            except (PermissionDeniedError, UnauthenticatedError) as refused:
                raise self._unreachable(refused) from None
            except InvalidPathError as strange:
                raise self._unreadable(strange) from None
            except (BaseError, OSError) as failed:
                # What was answered with an error was asked again below; what was not answered
                # is, unless it may be asked twice: here it may.
                if attempt == _ATTEMPTS or s3.status(failed):
                    raise self._unreachable(failed) from None
        raise AssertionError("the last attempt returns or raises")

    def _unreadable(self, strange: InvalidPathError) -> Unsound:
        found = re.search(r'Path "([^"]*)"', str(strange))
        key = found[1] if found else ""
        named = "".join(one if one.isprintable() else "?" for one in key)
        what = "存储桶里有不能作路径的键名：外来的，请查明后删除；它旁边的内容列不出来"
        return Unsound(Fault(named.removeprefix(f"{self.prefix}/"), UNREADABLE, what))

    def _unreachable(self, failed: Exception) -> Unreachable:
        if "NoSuchBucket" in str(failed):
            return Unreachable(f"没有存储桶 {self.name}：请检查名称，或先建立它")
        refused = isinstance(failed, PermissionDeniedError | UnauthenticatedError)
        if refused or s3.status(failed) in {"401", "403"}:
            return Unreachable(
                f"存储桶 {self.name} 拒绝了访问：请检查访问密钥（LANTAI_S3_KEY、LANTAI_S3_SECRET）"
                "和它的权限"
            )
        reason = f"应答 {s3.status(failed)}" if s3.status(failed) else "没有应答"
        return Unreachable(
            f"存储桶 {self.name} 出错（{reason}）：请检查网络、LANTAI_S3_ENDPOINT 和存储服务"
            "后再试；没有写完的版本不会被读到"
        )


def _goes_on_from(stands: bytes | None, fresh: bytes) -> bool:
    try:
        newest = inventory.parse(stands or b"")
    except Unsound:
        return False
    return inventory.continues(newest, inventory.parse(fresh))


def _files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
