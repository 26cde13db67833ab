"""Equalised grey levels: their curves, their gradients, and what the networks do with them."""

import functools
from types import SimpleNamespace

import pytest
import torch

from gan.augment import Identity
from gan.image import to_float, to_uint8
from gan.loss import NonSaturating
from gan.model import GAN
from gan.network import equalised
from gan.network.equalised import BLACK, EQUAL, INSIDE, LARGEST, STRETCH, Patches, ToPixels, ToTones
from gan.penalty import R1

LEVELS = torch.arange(256).view(1, 1, 16, 16)


@pytest.fixture
def images() -> torch.Tensor:
    """Bytes as in MNIST: most are black, many are 253."""
    source = torch.Generator().manual_seed(0)
    grey = torch.randint(1, 256, (8, 1, 28, 28), generator=source)
    chance = torch.rand(grey.shape, generator=source)
    return torch.where(chance < 0.8, 0, torch.where(chance < 0.9, 253, grey)).byte()


def test_tones_rise_from_minus_one_to_one_with_the_frequency_of_the_levels() -> None:
    tones = equalised.equalise(torch.tensor([0] * 90 + [100] * 5 + [200] * 5).byte())
    steps = tones.diff() / 2
    assert tones[[0, -1]].tolist() == pytest.approx([-1, 1], abs=1e-6)
    assert steps[0] == pytest.approx(BLACK, abs=1e-6)
    even, often = EQUAL / 255, (1 - EQUAL) * 0.5 / 2  # 100 is half of what is not black, and has two neighbours
    whole = 254 * even + 4 * often
    assert steps[99] == pytest.approx((1 - BLACK) * (even + often) / whole, abs=1e-6)
    assert steps[50] == pytest.approx((1 - BLACK) * even / whole, abs=1e-6)


@pytest.mark.parametrize("level", [0, 255])
def test_images_of_a_single_level_have_tones(level: int) -> None:
    tones = equalised.equalise(torch.full((4, 1, 8, 8), level, dtype=torch.uint8))
    assert (tones.diff() > 0).all()
    assert tones[[0, -1]].tolist() == pytest.approx([-1, 1], abs=1e-6)


def test_pixels_are_the_inverse_of_tones(images: torch.Tensor) -> None:
    to_tones, to_pixels = ToTones(), ToPixels()
    to_tones.calibrate(images)
    to_pixels.calibrate(images)
    assert torch.equal(to_uint8(to_pixels(to_tones(to_float(LEVELS.byte())))).long(), LEVELS)
    middle = (to_tones.tones[1:] + to_tones.tones[:-1]) / 2  # between two levels the nearer tone decides
    for shift, found in ((-2e-3, torch.arange(255)), (2e-3, torch.arange(1, 256))):
        levels = to_uint8(to_pixels(middle + shift)).long()
        assert (levels - found).abs().max() <= 1
        assert (levels == found).float().mean() > 0.5


def test_before_calibration_both_curves_are_straight() -> None:
    x = torch.rand(2, 1, 28, 28) * 2 - 1
    assert torch.allclose(ToPixels()(x), x, atol=1e-5)
    assert torch.allclose(ToTones()(x), x, atol=1 / 255 + 1e-6)


def test_both_curves_pass_gradients_unchanged(images: torch.Tensor) -> None:
    x = (torch.rand(2, 1, 28, 28) * 2 - 1).requires_grad_()
    slope = torch.randn(2, 1, 28, 28)
    for curve in (ToPixels(), ToTones()):
        curve.calibrate(images)
        (found,) = torch.autograd.grad((curve(x) * slope).sum(), x)
        assert torch.equal(found, slope)


def test_the_discriminator_sees_what_is_saved(images: torch.Tensor) -> None:
    discriminator = equalised.Discriminator(28, 1, 10, 8, 0, "none", "both", 4)
    discriminator.to_tones.calibrate(images)
    x, y = torch.rand(4, 1, 28, 28) * 2 - 1, torch.arange(4)
    assert torch.equal(discriminator(x, y).logits, discriminator(to_float(to_uint8(x)), y).logits)


def test_the_generator_reaches_exact_black_and_white(images: torch.Tensor) -> None:
    generator = equalised.Generator(28, 3, 10, 16, 8, 1, 4).eval()
    generator.to_pixels.calibrate(images)
    z, y = torch.randn(4, 16) / 100, torch.arange(4)
    with torch.no_grad():
        assert -1 <= generator(z, y).min() <= generator(z, y).max() <= 1
        generator.stack[-1].bias.fill_(-9.0)
        assert (generator(z, y) == -1).all()
        generator.stack[-1].bias.fill_(9.0)
        assert (generator(z, y) == 1).all()


def covered(count: int, ink: float) -> torch.Tensor:
    """Images of a generator that covers ``count`` sub-pixels of each pixel with tone ``ink``."""
    generator = equalised.Generator(28, 1, 10, 16, 8, 0, 4).eval()
    last = generator.stack[-1]
    torch.nn.init.zeros_(last.weight)
    last.bias.data = torch.tensor([ink] + [9.0] * count + [-9.0] * (INSIDE - count))
    with torch.no_grad():
        return generator(torch.randn(2, 16), torch.arange(2))


def test_a_pixel_is_the_covered_area_of_its_sub_pixels_times_its_ink() -> None:
    areas = equalised.Generator(28, 1, 10, 16, 8, 0, 4).areas.flatten()
    assert areas.sum().item() == pytest.approx(1)
    assert (areas.diff() > 0.005).all()  # wholly covered ones alone make many grey levels
    share = ((areas[:4].sum().item() * 2 - 1) * STRETCH + 1) / 2
    assert torch.allclose(covered(4, ink=9), torch.tensor(share * 2 - 1))
    assert torch.allclose(covered(4, ink=0), torch.tensor(share - 1), atol=1e-3)


def test_a_pixel_that_is_all_but_covered_is_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equalised, "STRETCH", 1 / (1 - 2 * LARGEST))  # by one sub-pixel
    assert (covered(1, ink=9) == -1).all()
    assert (covered(INSIDE - 1, ink=9) == 1).all()
    assert (covered(4, ink=9) > -1).all()  # more than the largest one


def test_patches_count_wherever_they_are() -> None:
    patches = Patches(1, 4)
    torch.nn.init.normal_(patches.stack[-1].weight)
    x = torch.zeros(1, 1, 28, 28)
    x[..., 8:12, 8:12] = torch.rand(4, 4)
    assert torch.allclose(patches(x), patches(x.roll((6, 4), (2, 3))), rtol=1e-4)
    assert not torch.allclose(patches(x), patches(x / 2), rtol=1e-2)


def test_training_calibrates_every_copy_from_the_training_images(images: torch.Tensor) -> None:
    generator = equalised.Generator(28, 1, 10, 16, 8, 0, 4)
    discriminator = equalised.Discriminator(28, 1, 10, 8, 0, "none", "both", 4)
    schedule = {"lr_ratio": 1.0, "lr_decay": 0.0, "d_steps": 1, "penalty_every": 1, "auxiliary": 0.1}
    schedule |= {"ema_half_life_images": 0, "ema_ramp": 1.0, "compile": None}
    optimizer = functools.partial(torch.optim.Adam, lr=1e-3)
    parts = (NonSaturating(), R1(0.1, 1.0), Identity(), optimizer)
    model = GAN(generator, discriminator, *parts, seed=0, **schedule)
    data = SimpleNamespace(fitting=lambda most: SimpleNamespace(images=images))
    model.calibrate(data)  # type: ignore[arg-type]
    found = equalised.equalise(images)
    assert torch.equal(discriminator.to_tones.tones, found)
    for network in (generator, model.ema.generator):
        assert torch.equal(network.to_pixels.pixels, equalised.invert(found))


def test_r1_bounds_the_slope_over_tones(images: torch.Tensor) -> None:
    discriminator = equalised.Discriminator(28, 1, 10, 8, 0, "none", "both", 4)
    discriminator.to_tones.calibrate(images)
    y, x = torch.arange(8), to_float(images)
    (over_pixels,) = torch.autograd.grad(discriminator(x.requires_grad_(), y).logits.sum(), x)
    tone = discriminator.to_tones(x).detach().requires_grad_()
    discriminator.to_tones = torch.nn.Identity()
    (over_tones,) = torch.autograd.grad(discriminator(tone, y).logits.sum(), tone)
    assert torch.allclose(over_pixels, over_tones, atol=1e-6)


def test_what_is_no_number_stays_none(images: torch.Tensor) -> None:
    for curve in (ToPixels(), ToTones()):
        curve.calibrate(images)
        found = curve(torch.tensor([torch.nan, torch.inf, -torch.inf, 0]))
        assert found.isfinite().tolist() == [False, False, False, True]
