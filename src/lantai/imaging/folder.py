"""What a scanner folder holds. Its names and its contents are nobody's promise.

A batch is ``<batch>/<one folder per dossier>/{catalogue, 原始图像数据/<images>}``; images may lie
in the dossier's folder itself, and the batch may be the folder of a single dossier. Nothing is
followed out of the folder: links, pipes and devices are named and never opened.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lantai.imaging.rules import NAMING
from lantai.lib import package
from lantai.lib.refusals import Conflict

ORIGINALS: Final = "原始图像数据"
# One vendor calls the second set by the other name (domain digest §2.6). They are no masters.
PROCESSED: Final = frozenset({"优化图像数据", "高清图像数据"})
CATALOGUES: Final = (package.XML_NAME, package.WORKBOOK_NAME)
MOST_FILES: Final = 200_000
LARGEST_FILE: Final = 256 * 1024 * 1024
_DEEPEST: Final = 4
_MOVE_UP: Final = f"请移入“{ORIGINALS}”或档案文件夹后重新送入"
_OF_THE_SYSTEM: Final = frozenset({"thumbs.db", "desktop.ini", ".ds_store", "truth.json"})


class Unfit(ValueError):
    """A file that cannot be read as a page, or a folder that cannot be a batch.

    ``code`` is the fault's; the text is a Chinese sentence saying what to do.
    """

    def __init__(self, sentence: str, *, code: str = NAMING) -> None:
        self.code = code
        super().__init__(sentence)


class Vanished(Conflict):
    """The scanner folder itself cannot be read: nothing is judged, the batch waits."""


@dataclass(frozen=True)
class Found:
    """A file by its path in the batch. ``odd`` says why it cannot be a page, whatever it holds."""

    path: str
    odd: str = ""

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class FoundItem:
    """The folder of one dossier: its catalogues, its files, how many processed images it has."""

    folder: str
    catalogues: tuple[Found, ...]
    files: tuple[Found, ...]
    processed: int


@dataclass(frozen=True)
class Listing:
    """Everything in a batch. ``loose`` files lie beside the folders of the dossiers."""

    items: tuple[FoundItem, ...]
    loose: tuple[Found, ...]


@dataclass(frozen=True)
class _Entry:
    """One name in one folder: the way it is written on disk, and the way it is read."""

    place: Path
    path: str
    name: str
    kind: str  # file, folder or another sentence

    @property
    def is_folder(self) -> bool:
        return self.kind == "folder"


def listed(root: Path) -> Listing:
    """List a scanner folder. Raises Unfit when it is none, is empty or holds far too much."""
    if root.is_symlink() or not root.is_dir():
        raise Unfit("没有这个扫描文件夹，请核对名称")
    entries = list(_entries(root, ""))
    if not entries:
        raise Unfit("扫描文件夹是空的，请确认扫描仪的保存位置后重新送入")
    folders = [entry for entry in entries if entry.is_folder]
    if _is_dossier(entries) or not folders:
        return _within(Listing(items=(_item("", entries),), loose=()))
    return _within(
        Listing(
            items=tuple(
                _item(folder.path, list(_entries(folder.place, folder.path))) for folder in folders
            ),
            loose=tuple(_loose(entry) for entry in entries if not entry.is_folder),
        )
    )


def read(root: Path, path: str) -> bytes:
    """Return a file's bytes without following a link anywhere on the way.

    Raises Unfit for a file that cannot be read, Vanished when the whole folder cannot be.
    """
    *folders, name = path.split("/")
    try:
        opened = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as gone:
        raise Vanished("扫描文件夹现在读不到，请检查介质或网络连接；接通后会从断点继续") from gone
    try:
        for folder in folders:
            inner = _open(opened, folder, os.O_RDONLY | os.O_DIRECTORY)
            os.close(opened)
            opened = inner
        descriptor = _open(opened, name, os.O_RDONLY | os.O_NONBLOCK)
    finally:
        os.close(opened)
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode):
        os.close(descriptor)
        raise Unfit("不是普通文件，不能接收")
    with os.fdopen(descriptor, "rb") as stream:
        if about.st_size > LARGEST_FILE:
            raise Unfit(
                f"文件有 {about.st_size >> 20} MB，超过上限 {LARGEST_FILE >> 20} MB，"
                "请按 300 dpi 重新扫描"
            )
        try:
            return stream.read()
        except OSError as unreadable:
            raise Unfit("文件读到一半出错，请检查介质后重新复制") from unreadable


def _open(folder: int, name: str, flags: int) -> int:
    """Open a name in an opened folder, in the spelling of UTF-8 or else of GB 18030."""
    if name in {"", ".", ".."}:
        raise Unfit("文件路径不合规则，不予读取")
    for spelling in (os.fsencode(name), name.encode("gb18030")):
        try:
            return os.open(spelling, flags | os.O_NOFOLLOW, dir_fd=folder)
        except FileNotFoundError:
            continue
        except OSError as unreadable:
            raise Unfit("文件无法打开，请检查介质与权限后重新复制") from unreadable
    raise Unfit("文件在处理前已不在文件夹中，请重新放入")


def _entries(folder: Path, path: str) -> Iterator[_Entry]:
    """The names in a folder that matter, in the order of their reading."""
    found = []
    with os.scandir(folder) as listing:
        for entry in listing:
            name = _readable(entry.name)
            if name.lower() in _OF_THE_SYSTEM or name.startswith(("._", "~$")):
                continue
            full = f"{path}/{name}" if path else name
            found.append(_Entry(Path(entry.path), full, name, _kind(entry)))
    yield from sorted(found, key=lambda entry: (entry.path.casefold(), entry.path))


def _kind(entry: "os.DirEntry[str]") -> str:
    if entry.is_symlink():
        return "是指向别处的链接，不予读取；请把文件本身放入文件夹"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    if not entry.is_file(follow_symlinks=False):
        return "不是普通文件，不能接收"
    if _decoded(entry.name) is None:
        return "文件名的编码无法识别，请改名后重新送入"
    return "file"


def _readable(name: str) -> str:
    """Return a file name as text; bytes of no known encoding are written out."""
    return _decoded(name) or os.fsencode(name).decode("utf-8", "backslashreplace")


def _decoded(name: str) -> str | None:
    """Read a file name as UTF-8, else as GB 18030, which older scanning software writes."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return os.fsencode(name).decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _is_dossier(entries: list[_Entry]) -> bool:
    """Tell whether a folder is that of one dossier: it has a catalogue or the set of originals."""
    return any(
        entry.name in CATALOGUES or (entry.is_folder and entry.name == ORIGINALS)
        for entry in entries
    )


def _item(folder: str, entries: list[_Entry]) -> FoundItem:
    catalogues: list[Found] = []
    files: list[Found] = []
    processed = 0
    for entry in entries:
        if entry.is_folder and entry.name in PROCESSED:
            processed += sum(1 for _ in _below(entry, depth=1, odd=""))
        elif entry.is_folder and entry.name == ORIGINALS:
            for inner in _entries(entry.place, entry.path):
                files.extend(_below(inner, depth=2, odd="文件夹嵌套过深，" + _MOVE_UP))
        elif entry.is_folder:
            files.extend(_below(entry, depth=1, odd=f"放在子文件夹“{entry.name}”中，" + _MOVE_UP))
        elif entry.name in CATALOGUES and entry.kind == "file":
            catalogues.append(Found(entry.path))
        else:
            files.extend(_below(entry, depth=1, odd=""))
    return FoundItem(folder, tuple(catalogues), tuple(files), processed)


def _below(entry: _Entry, *, depth: int, odd: str) -> Iterator[Found]:
    """A file, or every file below a folder, each with why it cannot be a page."""
    if not entry.is_folder:
        yield Found(entry.path, odd=_oddness(entry))
    elif depth >= _DEEPEST:
        yield Found(entry.path, odd="文件夹嵌套过深，" + _MOVE_UP)
    else:
        for inner in _entries(entry.place, entry.path):
            for found in _below(inner, depth=depth + 1, odd=odd):
                yield found if found.odd else Found(found.path, odd=odd)


def _oddness(entry: _Entry) -> str:
    if entry.kind != "file":
        return entry.kind
    if entry.name.startswith("."):
        return "是隐藏文件；如为影像请改名后重新送入"
    return ""


def _loose(entry: _Entry) -> Found:
    reason = _oddness(entry) or (
        "直接放在批次文件夹中，无法判断属于哪份档案；请移入该人的文件夹后重新送入"
    )
    return Found(entry.path, odd=reason)


def _within(listing: Listing) -> Listing:
    total = len(listing.loose) + sum(len(item.files) for item in listing.items)
    if total > MOST_FILES:
        raise Unfit(f"文件夹中有 {total} 个文件，超过上限 {MOST_FILES} 个，请分成几个批次送入")
    return listing
