"""Growth follows the images seen, without a jump."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from gan.network import Verdict, progan


def _grown(images: int, scale: int = 1) -> tuple[progan.Generator, progan.Discriminator]:
    """A pair after ``images``: stable for 100 and fading for 100 times ``scale``."""
    torch.manual_seed(0)
    g = progan.Generator(28, 1, 10, 16, 8, 100 * scale, 100 * scale)
    d = progan.Discriminator(28, 1, 10, 8, 100 * scale, 100 * scale, "projection")
    g.growth.images.fill_(images)
    d.growth.images.fill_(images)
    return g, d


def _drawn(images: int, scale: int = 1) -> tuple[Tensor, Verdict]:
    """The images of a pair after ``images``, and its verdict on others."""
    g, d = _grown(images, scale)
    y = torch.arange(8)
    x = torch.randn(8, 1, 28, 28).tanh()
    with torch.no_grad():
        return g(torch.randn(8, 16), y), d(x, y)


@pytest.mark.parametrize("border", [100, 200, 300, 400])
def test_growth_does_not_jump(border: int) -> None:
    """Two images of a fade over a million change nothing, though the whole fade changes much."""
    (x, verdict), (later, after) = (_drawn(border * 10**4 + step, scale=10**4) for step in (-1, 1))
    assert (later - x).abs().max() < 1e-3
    assert (after.logits - verdict.logits).abs().max() < 1e-3
    fade = (100, 200) if border <= 200 else (300, 400)
    assert (_drawn(fade[0])[0] - _drawn(fade[1])[0]).abs().max() > 0.2


@pytest.mark.parametrize(("images", "shown"), [(0, 7), (100, 7), (200, 14), (300, 14), (400, 28), (10_000, 28)])
def test_growth_draws_each_size_on_its_schedule(images: int, shown: int) -> None:
    x, _ = _drawn(images)
    coarse = interpolate(avg_pool2d(x, 28 // shown), scale_factor=28 // shown)
    torch.testing.assert_close(x, coarse)


@pytest.mark.parametrize(("images", "shown"), [(0, 7), (100, 7), (200, 14), (300, 14)])
def test_the_discriminator_sees_no_more_than_is_drawn(images: int, shown: int) -> None:
    _, d = _grown(images)
    real, y = torch.randn(8, 1, 28, 28).tanh(), torch.arange(8)
    blurred = interpolate(avg_pool2d(real, 28 // shown), scale_factor=28 // shown)
    torch.testing.assert_close(d(real, y).logits, d(blurred, y).logits)
    assert d(real, y).logits.isfinite().all()


def test_growth_follows_images_and_says_where_it_stands() -> None:
    growth = progan.Growth(2, 100, 100)
    stood = [growth.follow(50, torch.zeros(1))["growth"].item() for _ in range(8)]
    assert stood == [0, 0, 0.5, 1, 1, 1, 1.5, 2]
    assert "images" in growth.state_dict()
    with pytest.raises(ValueError, match=r"network\.fade_images must be a whole number from 1"):
        progan.Growth(2, 0, 0)


def test_the_deviation_channel_is_that_of_groups_of_four() -> None:
    x = torch.randn(8, 3, 2, 2)
    expected = torch.stack([part.var(0, unbiased=False).add(1e-8).sqrt().mean() for part in x.split(4)])
    torch.testing.assert_close(progan._add_deviation(x)[:, 3, 0, 0], expected.repeat_interleave(4))
    assert progan._add_deviation(x[:3]).shape == (3, 4, 2, 2)
