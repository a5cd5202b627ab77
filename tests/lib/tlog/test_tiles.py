"""Tiles: names and sizes as C2SP tlog-tiles writes them, and trees read back out of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib.tlog import merkle, tiles
from lantai.lib.tlog.merkle import SHA256
from lantai.lib.tlog.tiles import Tile, TileFault


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(0, 999, 256), "tile/0/999"),
        (Tile(0, 1000, 256), "tile/0/x001/000"),
        (Tile(0, 1234067, 256), "tile/0/x001/x234/067"),
        (Tile(1, 273, 17), "tile/1/273.p/17"),
        (Tile(63, 5, 1), "tile/63/005.p/1"),
    ],
)
def test_a_tile_is_named_as_the_specification_says(tile: Tile, path: str) -> None:
    assert tile.path == path


def test_a_bundle_of_entries_is_named_like_its_tile() -> None:
    assert tiles.bundle_path(1234067, 112) == "tile/entries/x001/x234/067.p/112"


def test_a_tree_of_70_000_has_the_tiles_the_specification_counts() -> None:
    found = list(tiles.tiles_between(0, 70_000))

    assert [tile for tile in found if tile.width < 256] == [
        Tile(0, 273, 112),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]
    assert [
        sum(tile.level == level and tile.width == 256 for tile in found) for level in range(3)
    ] == [273, 1, 0]


def test_a_tree_of_256_has_a_full_tile_and_a_partial_one_above() -> None:
    assert list(tiles.tiles_between(0, 256)) == [Tile(0, 0, 256), Tile(1, 0, 1)]


@given(st.integers(0, 70_000), st.integers(0, 3_000))
def test_what_a_growing_tree_needs_is_what_it_has_and_had_not(old: int, growth: int) -> None:
    has = set(tiles.tiles_between(0, old + growth))
    had = set(tiles.tiles_between(0, old))

    assert set(tiles.tiles_between(old, old + growth)) == has - had


@given(st.integers(1, 700), st.data())
def test_proofs_out_of_tiles_are_those_out_of_memory(size: int, data: st.DataObject) -> None:
    leaf_hashes = [SHA256.leaf(b"%d" % index) for index in range(size)]
    memory = merkle.nodes_over(leaf_hashes)
    files = {
        tile.path: tiles.encode_hashes(
            [memory(8 * tile.level, tile.index * 256 + place) for place in range(tile.width)]
        )
        for tile in tiles.tiles_between(0, size)
    }
    nodes = tiles.nodes_in(lambda tile: files[tile.path], size)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(0, size))

    assert merkle.inclusion_proof(index, size, nodes) == merkle.inclusion_proof(index, size, memory)
    assert merkle.consistency_proof(old, size, nodes) == merkle.consistency_proof(old, size, memory)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=40))
def test_entries_come_back_out_of_their_bundle(given_entries: list[bytes]) -> None:
    content = tiles.encode_entries(given_entries)

    assert tiles.decode_entries(content, width=len(given_entries)) == given_entries


def test_the_longest_entry_fits_and_a_longer_one_is_refused() -> None:
    longest = bytes(65_535)

    assert tiles.decode_entries(tiles.encode_entries([longest]), width=1) == [longest]
    with pytest.raises(TileFault, match="65535"):
        tiles.encode_entries([longest + b"\0"])


@pytest.mark.parametrize(
    ("content", "width"),
    [(b"\0\1a\0", 1), (b"\0\2a", 1), (b"\0\1a", 2), (b"\0\1a\0\1b", 1), (b"\0", 1)],
)
def test_a_bundle_that_was_cut_or_added_to_is_refused(content: bytes, width: int) -> None:
    with pytest.raises(TileFault):
        tiles.decode_entries(content, width=width)


def test_a_tile_of_another_width_is_refused() -> None:
    with pytest.raises(TileFault, match="64 bytes"):
        tiles.decode_hashes(bytes(96), width=2)


def test_a_tile_the_tree_does_not_have_cannot_be_named() -> None:
    with pytest.raises(ValueError, match="no tile 1"):
        tiles.tile_of(0, 1, 256)
    with pytest.raises(ValueError, match="no such tile"):
        tiles.bundle_path(0, 257)
