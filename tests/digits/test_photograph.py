"""Digits in photographs: found under uneven light, or refused with what would help."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from photo import lay, photograph
from PIL import Image
from torchvision.datasets import MNIST

from gan.digits import invert
from gan.error import UserError
from gan.lab import Lab


@pytest.fixture(scope="module")
def digits(mnist: str) -> tuple[np.ndarray, np.ndarray]:
    """Twenty test images, and their labels."""
    data = MNIST(mnist, train=False)
    return data.data[:20].numpy(), data.targets[:20].numpy()


def _find(lab: Lab, path: Path) -> int | None:
    """The digit that is found in a picture; None if it is refused."""
    try:
        return lab.like(path).label
    except UserError:
        return None


@pytest.mark.slow
def test_eighteen_of_twenty_photographs_are_read_and_none_as_another_digit(
    lab: Lab, digits: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    found = []
    for i, digit in enumerate(digits[0]):
        path = tmp_path / f"{i}.jpg"
        path.write_bytes(photograph(digit, i, uneven=i % 2 == 1))
        found.append(_find(lab, path))
    accepted = [one == label for one, label in zip(found, digits[1].tolist(), strict=True) if one is not None]
    assert all(accepted)
    assert len(accepted) >= 18


def _generated(lab: Lab, label: int) -> np.ndarray:
    return lab.sample(1, label, seed=3).painted[0, 0].numpy()


@pytest.mark.slow
@pytest.mark.parametrize("uneven", [False, True])
def test_a_photograph_is_prepared_as_the_digit_that_was_printed(lab: Lab, uneven: bool, tmp_path: Path) -> None:
    for label in range(10):
        digit, path = _generated(lab, label), tmp_path / f"{label}.jpg"
        path.write_bytes(photograph(digit, label, uneven))
        chances = lab.reader(invert.load_digit(path)[None])[1].softmax(1)[0]  # type: ignore[misc]
        assert chances.argmax() == label
        assert chances.max() > invert.SURE


@pytest.mark.sampled
@pytest.mark.parametrize("uneven", [False, True])
@pytest.mark.parametrize("table", [False, True])
def test_a_photograph_without_a_digit_is_refused(uneven: bool, table: bool, tmp_path: Path) -> None:
    for seed in range(3):
        (tmp_path / "x.jpg").write_bytes(photograph(None, seed, uneven, table))
        with pytest.raises(UserError, match=r"^like: .*x\.jpg shows [^\n]*: give a picture of one digit"):
            invert.load_digit(tmp_path / "x.jpg")


@pytest.mark.parametrize("uneven", [False, True])
def test_two_digits_are_refused(lab: Lab, uneven: bool, tmp_path: Path) -> None:
    paper = np.full((56, 56), 1.0)
    for left, label in ((14, 3), (42, 7)):
        lay(paper, _generated(lab, label), 28, np.array([28, left]))
    both = Image.fromarray(((1 - paper) * 255 / 0.8).clip(0, 255).astype(np.uint8)).resize((28, 28))
    (tmp_path / "x.jpg").write_bytes(photograph(np.asarray(both), 1, uneven))
    with pytest.raises(UserError, match="shows 2 things that may be digits: give a picture of one digit, cropped"):
        invert.load_digit(tmp_path / "x.jpg")


@pytest.mark.parametrize("cell", [3, 12])
def test_a_texture_is_refused(cell: int, tmp_path: Path) -> None:
    source = np.random.default_rng(0)
    coarse = Image.fromarray(source.integers(40, 220, (600 // cell, 800 // cell)).astype(np.uint8))
    coarse.resize((800, 600), Image.Resampling.BICUBIC).save(tmp_path / "x.png")
    with pytest.raises(UserError, match=r"shows [^\n]*: give a picture of one digit"):
        invert.load_digit(tmp_path / "x.png")


def test_a_scribble_fits_no_digit_and_is_refused_with_what_would_help(lab: Lab, tmp_path: Path) -> None:
    t = np.linspace(0, 6, 400)
    ink = np.zeros((28, 28), np.uint8)
    ink[(13.5 + 9 * np.sin(2.3 * t)).astype(int), (13.5 + 9 * np.sin(3.1 * t + 1)).astype(int)] = 255
    (tmp_path / "x.jpg").write_bytes(photograph(ink, 80))
    with pytest.raises(UserError, match=r"^like: the (picture may show|nearest \d differs) [^\n]* label="):
        lab.like(tmp_path / "x.jpg")


def test_an_uncertain_digit_is_refused_unless_its_label_is_given(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    between = torch.from_numpy(np.maximum(_generated(lab, 4), _generated(lab, 9))).float()[None] / 127.5 - 1
    monkeypatch.setattr(invert, "SURE", 1.01)
    with pytest.raises(UserError, match=r"^like: the picture may show \d \(\d+%\) or \d \(\d+%\): give label="):
        invert.invert(lab.generator, lab.axes, between, None, lab.reader)


def test_a_digit_of_two_parts_among_specks_is_whole(lab: Lab, tmp_path: Path) -> None:
    digit = np.kron(_generated(lab, 8), np.ones((8, 8), np.uint8))
    digit[108:116] = 0  # torn
    paper = 255 - np.pad(digit, 100)
    paper[20:24, 30:34] = paper[380:383, 50:60] = 0
    Image.fromarray(paper).save(tmp_path / "x.png")
    rows = (invert.load_digit(tmp_path / "x.png")[0] > 0).any(1).nonzero()
    assert (rows[-1] - rows[0]).item() == pytest.approx(19, abs=1)


@pytest.mark.parametrize("kind", ["transparent", "turned", "deep", "gif", "coloured", "large"])
def test_a_digit_is_the_same_in_any_kind_of_picture(lab: Lab, kind: str, tmp_path: Path) -> None:
    digit = np.pad(np.kron(_generated(lab, 5), np.ones((4, 4), np.uint8)), 30)
    path, dark = tmp_path / "x.png", Image.fromarray(255 - digit)
    dark.save(path)
    expected = invert.load_digit(path)
    if kind == "transparent":
        clear = Image.new("RGBA", dark.size, (0, 0, 0, 0))
        clear.putalpha(Image.fromarray(digit))
        clear.save(path)
    elif kind == "turned":
        exif = Image.Exif()
        exif[0x0112] = 6  # to be turned right
        dark.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
    elif kind == "deep":
        Image.fromarray(65535 - 257 * digit.astype(np.uint16)).save(path)
    elif kind == "gif":
        path = tmp_path / "x.gif"
        dark.save(path, save_all=True, append_images=[Image.new("L", dark.size, 255)])
    elif kind == "coloured":
        Image.merge("RGB", [dark, Image.new("L", dark.size, 255), Image.new("L", dark.size, 255)]).save(path)
    else:
        dark.resize((4 * dark.width, 4 * dark.height), Image.Resampling.NEAREST).save(path)
    assert (invert.load_digit(path) - expected).abs().mean() < 0.04


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (40, 40)])
def test_a_picture_without_room_for_a_digit_shows_nothing(shape: tuple[int, int], tmp_path: Path) -> None:
    Image.fromarray(np.zeros(shape, np.uint8)).save(tmp_path / "x.png")
    with pytest.raises(UserError, match=r"^like: .*x\.png shows nothing: give a picture of one digit"):
        invert.load_digit(tmp_path / "x.png")


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(FileNotFoundError, match=r"x\.png is no ordinary file: give a picture of one digit"):
        invert.load_digit(tmp_path / "x.png")
