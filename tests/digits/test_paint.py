"""Digits in colour: ink over paper, textures, sizes without blur."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from gan import checkpoint, image, sample
from gan.digits.look import TEXTURES, Look
from gan.digits.paint import enlarge, paint, paint_canvas
from gan.metric import feature


def _bar() -> Tensor:
    """An upright bar of full ink, 4 pixels wide and 20 high."""
    grey = torch.full((1, 28, 28), -1.0)
    grey[:, 4:24, 12:16] = 1
    return grey


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor]:
    """A hundred of the shipped generator."""
    generator = checkpoint.generator(None)
    seeds = torch.arange(100)
    y = sample.labels(seeds, generator.classes)
    return torch.cat(list(sample.generate(generator, seeds, y))), y


def test_white_on_black_is_the_generators_grey_to_the_byte_and_black_on_white_its_opposite(
    digits: tuple[Tensor, Tensor],
) -> None:
    x = digits[0][:10]
    grey = image.to_uint8(x).expand(-1, 3, -1, -1)
    assert (paint(x, Look()).int() - grey.int()).abs().max() == 0
    assert (paint(x, Look(ink="black", paper="white")).int() - (255 - grey.int())).abs().max() <= 1


def test_transparent_paper_has_the_inks_opacity_and_colour_everywhere(digits: tuple[Tensor, Tensor]) -> None:
    x = digits[0][:3]
    painted = paint(x, Look(ink="#ff8000", paper="transparent"))
    assert painted.shape == (3, 4, 28, 28)
    assert torch.equal(painted[:, 3:], image.to_uint8(x))
    assert (painted[:, :3].movedim(1, -1) == torch.tensor([255, 128, 0])).all()
    half = paint(_bar(), Look(ink="#ff800080", paper="transparent"))
    assert half[3].unique().tolist() == [0, 128]


def test_translucent_ink_shows_the_paper() -> None:
    painted = paint(_bar(), Look(ink="#ffffff80", paper="black"))
    assert painted.shape == (3, 28, 28)
    assert painted[:, 10, 13].tolist() == [128, 128, 128]


@pytest.mark.parametrize("direction", ["down", "right"])
def test_a_gradient_goes_from_one_end_of_the_ink_to_the_other(direction: str) -> None:
    look = Look(ink="#f00-#00f", paper="#000-#fff", direction=direction)
    painted = paint(_bar(), look)
    first, last = (
        (painted[:, 4, 13], painted[:, 23, 13]) if direction == "down" else (painted[:, 9, 12], painted[:, 9, 15])
    )
    assert first[0] > last[0]
    assert first[2] < last[2]
    step = 255 / (20 if direction == "down" else 4)
    assert abs(255 - first[0] - step / 2) <= 1  # the middle of the first pixel
    assert abs(255 - last[2] - step / 2) <= 1
    along = painted[0, :, 2] if direction == "down" else painted[0, 2]
    assert along.tolist() == sorted(along.tolist())
    assert along[0] < 10
    assert along[-1] > 245


@pytest.mark.parametrize("texture", TEXTURES)
def test_a_texture_depends_on_the_seed_and_the_place_in_the_set_alone(texture: str) -> None:
    look = Look(ink="white", paper="#234", texture=texture)
    many = torch.stack([_bar()] * 3)
    before = torch.get_rng_state()
    painted = paint(many, look, seed=5)
    assert torch.equal(painted[2], paint(_bar(), look, seed=7))
    assert torch.equal(painted[0], painted[1]) == (texture in ("none", "ruled", "squared"))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.sampled
@pytest.mark.parametrize("texture", ["grain", "ruled", "squared", "chalk"])
@pytest.mark.parametrize("height", [28, 140])
def test_a_texture_shows_and_leaves_the_digit_readable(
    texture: str, height: int, digits: tuple[Tensor, Tensor]
) -> None:
    x, y = (part[:50] for part in digits)
    look = Look(texture=texture, line="#333", height=height)
    painted = paint(x, look).float().mean(1, keepdim=True)
    assert (painted - paint(x, replace(look, texture="none"))[:, :1]).abs().mean() > 0.5
    grey = image.to_float(avg_pool2d(painted, height // 28))
    read = feature.load("mnist")(grey)[1].argmax(1)
    assert (read == y).float().mean() >= 0.95


@pytest.mark.parametrize("height", [28, 29, 100, 280])
def test_what_is_enlarged_reads_the_same_and_weighs_the_same(height: int, digits: tuple[Tensor, Tensor]) -> None:
    x, y = digits
    large = enlarge(x, height)
    assert large.shape == (100, 1, height, height)
    assert (large.min(), large.max()) >= (-1, -1)
    small = torch.nn.functional.interpolate(large, size=28, mode="area")
    assert (feature.load("mnist")(small)[1].argmax(1) == y).float().mean() >= 0.98
    assert ((small + 1).sum() / (x + 1).sum()).item() == pytest.approx(1, abs=0.1)


def test_what_is_enlarged_is_crisp(digits: tuple[Tensor, Tensor]) -> None:
    large = (enlarge(digits[0][:20], 560) + 1) / 2
    outline = ((large > 0.5).float().diff(dim=-1).abs().sum() + (large > 0.5).float().diff(dim=-2).abs().sum()).item()
    assert (
        (large > 0.02) & (large < 0.98)
    ).sum().item() < 1.6 * outline  # about one soft pixel for each of the outline


def test_faint_and_thin_strokes_stay() -> None:
    grey = torch.full((1, 28, 28), -1.0)
    grey[:, 4:24, 14] = 0.2  # one pixel wide, of 0.6 ink
    grey[:, 20, 4:24] = 0
    large = enlarge(grey, 280)
    assert (large[0, 60:180, 140:150].amax(1) > 0.9).all()
    assert (large[0, 200:210, 60:220].amax(0) > 0.9).all()
    assert (enlarge(torch.full((1, 28, 28), -0.8), 280) == -1).all()  # dirt


def test_a_line_of_digits_is_enlarged_in_proportion_and_made_smaller_too() -> None:
    line = torch.cat([_bar()] * 5, dim=2)
    assert enlarge(line, 56).shape == (1, 56, 280)
    assert enlarge(line, 14).shape == (1, 14, 70)
    assert torch.equal(enlarge(line, 28), line)


@pytest.mark.parametrize(("width", "height"), [(1080, 1080), (300, 169), (64, 480), (62, 34)])
@pytest.mark.parametrize("columns", [1, 6])
def test_a_canvas_holds_the_ink_as_large_as_fits_in_its_middle(width: int, height: int, columns: int) -> None:
    painted, _ = paint_canvas(torch.cat([_bar()] * columns, dim=2), width, height, Look(), margin=0.1)
    assert painted.shape == (1, height, width)
    inked = painted[0] > 127
    rows, columns_inked = inked.any(1).nonzero().flatten(), inked.any(0).nonzero().flatten()
    top, bottom = rows[0].item(), height - 1 - rows[-1].item()
    left, right = columns_inked[0].item(), width - 1 - columns_inked[-1].item()
    slack = 2 + 0.02 * max(width, height)  # the outline of a corner is round
    assert abs(top - bottom) <= slack
    assert abs(left - right) <= slack
    assert min(top, left) == pytest.approx(0.1 * min(width, height), abs=slack)


def test_a_canvas_of_nothing_is_paper() -> None:
    painted, _ = paint_canvas(torch.full((1, 28, 28), -1.0), 40, 30, Look(paper="navy"))
    assert (painted.movedim(0, -1) == torch.tensor([0, 0, 128])).all()
    speck = torch.full((1, 28, 28), -1.0)
    speck[:, 9, 9] = 1
    assert (paint_canvas(speck, 90, 90, Look())[0][0] > 127).float().mean() < 0.02
    assert paint_canvas(_bar(), 40, 30, Look(ink="red", paper="transparent"))[0].shape == (4, 30, 40)
