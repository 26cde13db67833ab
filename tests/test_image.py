"""Ranges and layouts of pixels."""

from pathlib import Path

import torch
from conftest import pixels

from gan import image


def test_every_byte_survives_the_round_trip() -> None:
    every = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(image.to_uint8(image.to_float(every)), every)


def test_the_range_is_minus_one_to_one_and_what_lies_outside_is_clamped() -> None:
    floats = image.to_float(torch.tensor([0, 255], dtype=torch.uint8))
    assert floats.tolist() == [-1.0, 1.0]
    assert image.to_uint8(torch.tensor([-5.0, 0.0, 5.0])).tolist() == [0, 128, 255]


def test_grey_becomes_three_equal_channels_and_colour_stays() -> None:
    grey, colour = torch.randn(2, 1, 4, 4), torch.randn(2, 3, 4, 4)
    assert torch.equal(image.rgb(grey)[:, 2:], grey)
    assert torch.equal(image.rgb(colour), colour)


def test_a_grid_holds_its_images_row_by_row() -> None:
    x = torch.full((6, 1, 8, 8), -1.0)
    x[4] = 1.0  # second row, second column of three
    picture = image.grid(x, columns=3)
    assert picture.shape == (1, 22, 32)
    assert (picture[0, 12:20, 12:20] == 255).all()
    assert picture.sum() == 255 * 64


def test_what_is_saved_is_what_is_read(tmp_path: Path) -> None:
    for channels in (1, 3):
        made = torch.randint(0, 256, (channels, 5, 7), dtype=torch.uint8)
        image.save(made, tmp_path / "x.png")
        read = torch.from_numpy(pixels(tmp_path / "x.png")).view(5, 7, channels)
        assert torch.equal(read.permute(2, 0, 1), made)
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]
