"""Characters tell which way up a page lies, each of them fairly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lib.imagery.paper import face
from PIL import Image, ImageDraw

from lantai.lib.imagery.direction import direction, log_odds
from lantai.lib.imagery.direction_learning import common_characters, learn
from lantai.lib.imagery.glyphs import FEATURES, SIDE, describe, fitted


def drawn(text: str) -> np.ndarray:
    """Return an ink map at 150 dpi with the characters in a row, 4.4 mm each."""
    page = Image.new("L", (60 + 40 * len(text), 120))
    for place, letter in enumerate(text):
        ImageDraw.Draw(page).text((50 + 40 * place, 60), letter, 255, face(26), anchor="mm")
    return np.asarray(page)


@given(st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_turning_a_character_only_turns_its_description(quarters: int, seed: int) -> None:
    glyph = np.random.default_rng(seed).integers(0, 256, (1, SIDE, SIDE), np.uint8)

    turned = describe(np.ascontiguousarray(np.rot90(glyph, quarters, axes=(1, 2))))

    assert np.abs(turned - np.roll(describe(glyph), -quarters, axis=1)).max() < 1e-5


@given(st.integers(1, 60), st.integers(1, 60))
def test_a_fitted_character_stands_in_the_very_middle(wide: int, tall: int) -> None:
    square = fitted(np.full((tall, wide), 255, np.uint8))

    rows, columns = np.flatnonzero(square.any(axis=1)), np.flatnonzero(square.any(axis=0))
    assert rows[0] + rows[-1] == columns[0] + columns[-1] == SIDE - 1
    assert max(len(rows), len(columns)) == SIDE - 4


@pytest.mark.parametrize("quarters", range(4))
def test_a_line_of_characters_says_how_far_it_is_turned(quarters: int) -> None:
    line = drawn("经本人申请单位审核同意办理退休手续并报送档案管理部门备案存查" * 2)

    found = direction(np.ascontiguousarray(np.rot90(line, quarters)))

    assert (found.turned, found.sure) == (90 * quarters, True)
    assert found.lead > 1


def test_a_few_characters_or_one_again_and_again_do_not_make_it_sure() -> None:
    few, same = (direction(np.rot90(drawn(text), 2)) for text in ("退休审批", "办" * 60))

    assert (few.turned, few.sure) == (0, False)
    assert (same.turned, same.sure) == (0, False)
    assert same.voters == 1


def test_what_is_no_writing_says_nothing() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (600, 600), np.uint8)

    for ink in (np.zeros((600, 600), np.uint8), noise):
        found = direction(ink)
        assert (found.turned, found.sure) == (0, False)


def test_the_characters_learned_from_are_the_common_ones() -> None:
    characters = common_characters()

    assert len(characters) == 3755
    assert (characters[0], characters[-1]) == ("啊", "座")


def test_learning_finds_the_side_that_was_shown_to_be_right() -> None:
    chance = np.random.default_rng(2)
    right = np.zeros((1500, 4, FEATURES), np.float32)
    right[:, 0, :8] = 0.4
    right += chance.normal(0, 0.05, right.shape).astype(np.float32)

    model = learn(right, rounds=2)

    odds = log_odds(right, model)
    assert (odds.argmax(axis=1) == 0).mean() > 0.95
    assert np.allclose(np.exp(odds).sum(axis=1), 1, atol=1e-4)
