"""How digits and separators stand in a line."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import label

from gan.digits import attribute, layout, mark
from gan.digits.layout import Layout


@pytest.mark.parametrize("slant", [-60.0, 0.0, 60.0])
def test_a_separator_is_itself_in_any_hand(slant: float) -> None:
    picture, boxes = layout.compose("/()", np.zeros((0, 80, 80)), Layout(height=80), torch.Generator(), 5.0, slant)
    bulges = []
    for box in boxes:
        ink = picture[0, box.y : box.y + box.height, box.x : box.x + box.width] + 1
        top, middle, bottom = (
            (rows.sum(0) @ torch.arange(box.width).float() / rows.sum()).item()
            for rows in (ink[:6], ink[box.height // 2 - 3 : box.height // 2 + 3], ink[-6:])
        )
        bulges.append(middle - (top + bottom) / 2)
        if box.character == "/":
            assert top > bottom + 5
    assert bulges[1] < -3
    assert bulges[2] > 3


@pytest.mark.parametrize("slant", [-60.0, 0.0, 60.0])
@pytest.mark.parametrize("thickness", [4.0, 10.0, 24.0])
def test_currencies_percents_and_hashes_keep_their_holes_in_any_hand(slant: float, thickness: float) -> None:
    shear = float(np.clip(math.tan(math.radians(slant)), *mark.LEANS))
    for one, holes, parts in (("%", 2, (1, 3)), ("=", 0, (2,)), ("#", 1, (1,)), ("€", 0, (1,)), ("$", 0, (1,))):
        for seed in range(5):
            drawn = mark.draw(one, 80.0, thickness, shear, torch.Generator().manual_seed(seed))
            ink = (drawn > 0).numpy()
            assert parts[0] <= label(ink, np.ones((3, 3)))[1] <= parts[-1], one
            assert label(~ink)[1] - 1 >= holes, one
            assert not ink[0].any()
            assert not ink[:, [0, -1]].any()


def test_separators_are_as_thick_as_asked_and_lean() -> None:
    slash = mark.draw("/", 40.0, 5.0, 0.0, torch.Generator().manual_seed(0))
    assert attribute.thickness(attribute.ink(slash[None, None])).item() == pytest.approx(5, abs=0.5)
    upright, leaning = (
        attribute.measure(mark.draw("+", 40.0, 3.0, shear, torch.Generator().manual_seed(0))[None, None])[0, 1].item()
        for shear in (0.0, 0.5)
    )
    assert leaning > upright + 10


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"height": 0}, "layout.height must be a whole number from 8 to 1,024, got 0"),
        ({"height": 28.5}, "layout.height must be a whole number"),
        ({"spacing": -3}, "layout.spacing must be a number from -0.5 to 10, got -3"),
        ({"slant": "x"}, "layout.slant must be a number"),
    ],
)
def test_an_impossible_layout_is_one_line(words: dict[str, object], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        Layout(**words)  # type: ignore[arg-type]


def test_a_speck_is_no_part_of_a_digit() -> None:
    cell = np.zeros((28, 28), np.uint8)
    cell[5:25, 10:14] = 255
    cell[2, 25] = 200
    cut, top = layout.crop(cell)
    assert (cut.shape, top) == ((20, 4), 5)


def test_of_a_digit_in_crumbs_the_largest_are_kept() -> None:
    cell = np.zeros((28, 28), np.uint8)
    cell[::4, ::4] = 255  # 49 pieces, each less than a speck's share
    assert layout.crop(cell)[0].shape == (25, 25)
