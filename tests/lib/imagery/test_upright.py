"""Upright and stored pixels are the same pixels, and a region goes with them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lantai.lib.imagery.upright import lay_down, stored_region, turn_upright

ORIENTATIONS = st.integers(1, 8)
SIDES = st.integers(1, 9)


@given(ORIENTATIONS, SIDES, SIDES)
def test_laying_down_undoes_turning_upright(orientation: int, wide: int, tall: int) -> None:
    pixels = np.arange(wide * tall, dtype=np.uint8).reshape(tall, wide)

    back = lay_down(turn_upright(pixels, orientation=orientation), orientation=orientation)

    assert (back == pixels).all()


@given(ORIENTATIONS, SIDES, SIDES, st.data())
def test_a_region_seen_upright_holds_the_same_pixels_where_they_are_stored(
    orientation: int, wide: int, tall: int, data: st.DataObject
) -> None:
    pixels = np.arange(wide * tall, dtype=np.uint8).reshape(tall, wide)
    upright = turn_upright(pixels, orientation=orientation)
    high, across = upright.shape
    x, y = data.draw(st.integers(0, across - 1)), data.draw(st.integers(0, high - 1))
    w, h = data.draw(st.integers(1, across - x)), data.draw(st.integers(1, high - y))

    left, top, width, height = stored_region(
        (x, y, w, h), orientation=orientation, width=wide, height=tall
    )

    seen = set(upright[y : y + h, x : x + w].ravel().tolist())
    assert set(pixels[top : top + height, left : left + width].ravel().tolist()) == seen
