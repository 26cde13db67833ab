"""Attributes of known shapes, and what steering does to the shipped generator's digits."""

from pathlib import Path

import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor

from gan import checkpoint, sample
from gan.digits import attribute, style
from gan.digits.style import Axes, Style
from gan.image import warp
from gan.metric import feature
from gan.network import Generator


def bar(width: float, height: float, size: int = 28) -> Tensor:
    """An upright bar in the middle, [1, 1, size, size], with soft edges."""
    sides = [(half / 2 - (torch.arange(size) + 0.5 - size / 2).abs() + 0.5).clamp(0, 1) for half in (height, width)]
    return torch.outer(*sides)[None, None] * 2 - 1


def leant(x: Tensor, shear: float) -> Tensor:
    place = torch.stack(torch.meshgrid(torch.linspace(-1, 1, 28), torch.linspace(-1, 1, 28), indexing="xy"), 2)
    place[:, :, 0] += shear * place[:, :, 1]
    return warp(x, place[None] * 27 / 28)


@pytest.fixture(scope="module")
def shipped() -> tuple[Generator, Axes]:
    generator = checkpoint.generator(None)
    return generator, style.load_axes(generator, Path("nowhere"))


@pytest.mark.parametrize(("width", "height"), [(4, 20), (6, 18), (3, 12)])
def test_a_bar_is_as_thick_wide_and_high_as_it_was_drawn(width: int, height: int) -> None:
    thickness, slant, wide, high = attribute.measure(bar(width, height))[0].tolist()
    assert thickness == pytest.approx(width, abs=0.8)  # its skeleton forks into its corners
    assert (wide, high) == (pytest.approx(width, abs=0.5), pytest.approx(height, abs=1))  # without outliers
    assert slant == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("degrees", [-30.0, 15.0, 40.0])
def test_a_bar_that_leans_is_measured_leaning_and_no_wider(degrees: float) -> None:
    shear = float(torch.tensor(degrees).deg2rad().tan())
    _, slant, wide, high = attribute.measure(leant(bar(4, 16), shear))[0].tolist()
    assert slant == pytest.approx(degrees, abs=2)
    assert (wide, high) == (pytest.approx(4, abs=0.8), pytest.approx(16, abs=0.8))


def test_a_blank_image_has_no_attributes_and_breaks_nothing() -> None:
    assert attribute.measure(torch.full((2, 1, 28, 28), -1.0)).tolist() == [[0.0] * 4] * 2


def test_ink_is_that_of_an_image_enlarged_by_bicubic_interpolation() -> None:
    x = torch.rand(3, 2, 20, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1
    grey = torch.nn.functional.interpolate(x.mean(1, keepdim=True) + 1, scale_factor=4, mode="bicubic").squeeze(1)
    away = (grey / grey.amax((1, 2), keepdim=True) - 0.5).abs()
    inked = attribute.ink(x)
    assert inked.shape == (3, 80, 112)
    assert ((inked == (grey > grey.amax((1, 2), keepdim=True) / 2)) | (away < 1e-5)).all()


def test_reshaping_gives_the_asked_box() -> None:
    x = bar(4, 16)
    box = attribute.frame(attribute.ink(x))
    to = attribute.Frame(torch.tensor([0.5]), torch.tensor([[6.0, 20.0]]), box.centre)
    made = style.reshape(x, box, to)
    again = attribute.frame(attribute.ink(made))
    assert again.shear.item() == pytest.approx(0.5, abs=0.03)
    assert again.size[0].tolist() == pytest.approx([6, 20], abs=0.8)
    assert again.centre[0].tolist() == pytest.approx(box.centre[0].tolist(), abs=0.3)


@pytest.mark.sampled
@pytest.mark.parametrize("name", attribute.NAMES)
def test_what_is_asked_is_what_is_measured_and_the_digit_stays_what_it_is(
    name: str, shipped: tuple[Generator, Axes]
) -> None:
    generator, axes = shipped
    count, place = 400, attribute.NAMES.index(name)
    seeds = torch.arange(count) + 700_000
    y = sample.labels(seeds, 10)
    wanted = ((torch.rand(count, 1, generator=torch.Generator().manual_seed(0)) * 2 - 1) * 2).expand(-1, 4)
    held = torch.arange(4) == place
    z = axes.steer(sample.latents(seeds, 64), y, wanted, held)
    x = axes.finish(torch.cat(list(sample.images(generator, z, y))), y, wanted, held)
    assert spearmanr(wanted[:, 0], axes.standard(x, y)[:, place]).statistic > 0.94
    assert feature.accuracy(feature.load("mnist").classifier, x, y) > 0.98


def test_steering_takes_the_smallest_step_to_the_expected_value(shipped: tuple[Generator, Axes]) -> None:
    _, axes = shipped
    z, y = sample.latents(torch.arange(50), 64), torch.arange(50) % 10
    wanted, held = torch.ones(4), torch.tensor([True, True, False, False])
    moved = axes.steer(z, y, wanted, held)
    assert axes.expected(moved, y)[:, :2].sub(1).abs().max() < 0.1
    assert axes.steer(z, y, axes.expected(z, y), held).sub(z).abs().max() < 1e-5
    across = torch.linalg.qr(axes.weight[y][:, :2].transpose(1, 2)).Q  # the step lies in the span of both directions
    step = moved - z
    assert (step - (across @ (across.transpose(1, 2) @ step[:, :, None])).squeeze(2)).abs().max() < 1e-4


def test_the_directions_of_the_shipped_generator_are_shipped(shipped: tuple[Generator, Axes]) -> None:
    _, axes = shipped
    assert not Path("nowhere").exists()
    assert axes.weight.shape == (10, 4, 64)


def test_other_directions_are_found_once_and_kept(
    short_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style, "SAMPLES", 200)
    monkeypatch.setattr(style.find_axes, "__defaults__", (200,))
    generator = checkpoint.generator(short_run / "best.ckpt")
    first = style.load_axes(generator, tmp_path)
    monkeypatch.setattr(style, "find_axes", lambda _: pytest.fail("found again"))
    assert torch.equal(style.load_axes(generator, tmp_path).weight, first.weight)


def test_an_impossible_style_is_one_line() -> None:
    for value in (5, float("nan"), "thick"):
        with pytest.raises(ValueError, match=r"^style\.slant must be a number from -3 to 3, got"):
            Style(slant=value)  # type: ignore[arg-type]


def test_a_digit_that_leans_or_grows_stays_inside_its_picture(shipped: tuple[Generator, Axes]) -> None:
    generator, axes = shipped
    seeds = torch.arange(200) + 800_000
    y = sample.labels(seeds, 10)
    for place, value in ((1, 3.0), (1, -3.0), (2, 3.0), (3, 3.0)):
        wanted, held = torch.full((4,), value), torch.arange(4) == place
        z = axes.steer(sample.latents(seeds, 64), y, wanted, held)
        plain = torch.cat(list(sample.images(generator, z, y)))
        wide = torch.nn.functional.pad(plain, [14] * 4, value=-1.0)
        cut, whole = (axes.finish(x, y, wanted, held).add(1).sum((1, 2, 3)) for x in (plain, wide))
        assert (cut > 0.95 * whole).float().mean() > 0.98
