"""C2SP tlog-tiles: the tree and its entries as files of 256.

    tile/<level>/<N>[.p/<width>]     hashes; level 0 the leaves, above it roots of full tiles
    tile/entries/<N>[.p/<width>]     entries, each after its length as two bytes, big-endian

N is written in groups of three digits, all but the last after an x: 1234067 → x001/x234/067.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lantai.lib.tlog.merkle import HASH_BYTES, SHA256, Nodes, Suite, levels_over

WIDTH: Final = 256
HEIGHT: Final = 8
MAX_ENTRY: Final = 65_535
_LEVELS: Final = 8  # 256^8 entries are more than any size has


class TileFault(ValueError):
    """A tile or a bundle of entries is not of this format."""


@dataclass(frozen=True, order=True)
class Tile:
    """One file of hashes: which, and how many hashes it holds."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        return self.path_in("tile")

    def path_in(self, folder: str) -> str:
        """Where it stands if the hashes of its suite are kept in a folder of their own."""
        return f"{folder}/{self.level}/{_name(self.index, self.width)}"


def bundle_path(index: int, width: int) -> str:
    """Where the entries under the level-0 tile of the same index stand."""
    return f"tile/entries/{_name(index, width)}"


def tile_of(level: int, index: int, size: int) -> Tile:
    """The tile as a tree of the size has it. Raises ValueError if it has none."""
    width = min(WIDTH, (size >> HEIGHT * level) - index * WIDTH)
    if width <= 0:
        raise ValueError(f"a tree of {size} has no tile {index} at level {level}")
    return Tile(level, index, width)


def tiles_between(old: int, new: int) -> Iterator[Tile]:
    """Every tile that a tree of the new size has and one of the old size has not."""
    for level in range(_LEVELS):
        had, has = old >> HEIGHT * level, new >> HEIGHT * level
        if has == 0:
            return
        if had != has:
            for index in range(had // WIDTH, -(-has // WIDTH)):
                yield tile_of(level, index, new)


def encode_hashes(hashes: Sequence[bytes]) -> bytes:
    return b"".join(hashes)


def decode_hashes(content: bytes, *, width: int) -> list[bytes]:
    """Cut a tile into its hashes. Raises TileFault unless it has exactly that many."""
    if len(content) != width * HASH_BYTES:
        raise TileFault(f"a tile of {width} hashes has {width * HASH_BYTES} bytes")
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


def encode_entries(entries: Sequence[bytes]) -> bytes:
    """Raises TileFault if an entry is longer than the format can say."""
    parts = [b""] * (2 * len(entries))
    parts[1::2] = entries
    try:
        parts[::2] = [len(entry).to_bytes(2, "big") for entry in entries]
    except OverflowError as long:
        raise TileFault(f"an entry has at most {MAX_ENTRY} bytes") from long
    return b"".join(parts)


def decode_entries(content: bytes, *, width: int) -> list[bytes]:
    """Cut a bundle into its entries. Raises TileFault unless it has exactly that many."""
    entries, at = [], 0
    while at < len(content):
        end = at + 2 + int.from_bytes(content[at : at + 2], "big")
        if at + 2 > len(content) or end > len(content):
            raise TileFault("a bundle of entries ends in mid-entry")
        entries.append(content[at + 2 : end])
        at = end
    if len(entries) != width:
        raise TileFault(f"the bundle holds {len(entries)} entries, not {width}")
    return entries


def nodes_in(read: Callable[[Tile], bytes], size: int, *, suite: Suite = SHA256) -> Nodes:
    """Nodes of a tree of a size, out of its tiles; each is read once.

    Nothing read is believed: what is computed from it has to be held against a signed root.
    """
    held: dict[tuple[int, int], list[list[bytes]]] = {}

    def node(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, HEIGHT)
        tile_index, place = divmod(index << height, WIDTH)
        key = (tile_level, tile_index)
        if key not in held:
            tile = tile_of(tile_level, tile_index, size)
            hashes = decode_hashes(read(tile), width=tile.width)
            held[key] = list(levels_over(hashes, suite=suite))
        return held[key][height][place >> height]

    return node


def _name(index: int, width: int) -> str:
    if not (index >= 0 and 1 <= width <= WIDTH):
        raise ValueError(f"no such tile: {index}, {width} wide")
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03d}")
    return "/".join(groups) + ("" if width == WIDTH else f".p/{width}")
