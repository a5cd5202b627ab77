"""A pack gives back the page; a torn one gives nothing."""

from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st

from lantai.lib.imagery.tiles import TILE, Held, TilePack, TornPack, make_pack, pyramid

WIDE, TALL = 1100, 1537


def smooth(wide: int, tall: int) -> np.ndarray:
    rows, columns = np.mgrid[0:tall, 0:wide]
    return np.stack(
        [rows * 255 // tall, columns * 255 // wide, (rows + columns) % 256 // 2], axis=-1
    ).astype(np.uint8)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pack") / "tiles.pack"
    path.write_bytes(make_pack(smooth(WIDE, TALL)))
    return path


def test_a_pack_knows_its_page_and_its_levels_end_where_one_tile_holds_all(pack: Path) -> None:
    tiles = TilePack(Held(pack.read_bytes()))

    assert (tiles.width, tiles.height, tiles.tile_size, tiles.levels) == (1100, 1537, 512, 3)
    assert [tiles.level_size(k) for k in range(3)] == [(1100, 1537), (550, 769), (275, 385)]


def test_the_tiles_of_a_level_put_together_are_the_level(pack: Path) -> None:
    tiles = TilePack(Held(pack.read_bytes()))

    for level, truth in enumerate(pyramid(smooth(WIDE, TALL))):
        tall, wide = truth.shape[:2]
        rows = [
            np.hstack(
                [
                    simplejpeg.decode_jpeg(tiles.tile(level, column, row))
                    for column in range(-(-wide // TILE))
                ]
            )
            for row in range(-(-tall // TILE))
        ]
        whole = np.vstack(rows)
        assert whole.shape == truth.shape
        assert np.abs(whole[..., :2].astype(int) - truth[..., :2]).mean() < 3


def test_there_is_no_tile_beyond_the_page(pack: Path) -> None:
    tiles = TilePack(Held(pack.read_bytes()))

    with pytest.raises(KeyError):
        tiles.tile(tiles.levels, 0, 0)
    with pytest.raises(KeyError):
        tiles.tile(-1, 0, 0)
    with pytest.raises(IndexError):
        tiles.tile(0, 3, 0)
    with pytest.raises(IndexError):
        tiles.tile(0, 0, -1)


def every_tile(path: Path) -> list[bytes]:
    """Read all the tiles of a page of 700 x 300 pixels."""
    tiles = TilePack(Held(path.read_bytes()))
    return [tiles.tile(level, column, 0) for level, column in ((0, 0), (0, 1), (1, 0))]


@given(cut=st.integers(0, 60_000))
def test_a_cut_pack_is_not_opened(cut: int, tmp_path: Path) -> None:
    whole = make_pack(smooth(700, 300))
    path = tmp_path / "cut.pack"
    path.write_bytes(whole[: min(cut, len(whole) - 1)])

    with pytest.raises(TornPack):
        TilePack(Held(path.read_bytes()))


@settings(max_examples=40)
@given(data=st.data())
def test_one_flipped_bit_is_noticed_before_anything_wrong_is_handed_out(
    data: st.DataObject, tmp_path: Path
) -> None:
    whole = bytearray(make_pack(smooth(700, 300)))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path / "flipped.pack"
    path.write_bytes(bytes(whole))

    with pytest.raises(TornPack):
        every_tile(path)


@settings(max_examples=25)
@given(wide=st.integers(1, 1300), tall=st.integers(1, 1300))
def test_a_page_of_any_size_has_all_its_tiles_exact(wide: int, tall: int, tmp_path: Path) -> None:
    path = tmp_path / "any.pack"
    path.write_bytes(make_pack(smooth(wide, tall)))

    tiles = TilePack(Held(path.read_bytes()))

    area = 0
    for row in range(-(-tall // TILE)):
        for column in range(-(-wide // TILE)):
            height, width, *_ = simplejpeg.decode_jpeg_header(tiles.tile(0, column, row))
            area += width * height
    assert area == wide * tall
    assert max(tiles.level_size(tiles.levels - 1)) <= TILE


def test_the_same_page_gives_the_same_bytes() -> None:
    assert make_pack(smooth(600, 520)) == make_pack(smooth(600, 520))
