"""Faster layers are the layers of torch that they stand for."""

import pytest
import torch
from torch import nn

from gan.network.fast import Double, Halve, LeakyDropout, random_bits


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_leaky_dropout_zeroes_its_share_and_keeps_the_mean(layout: torch.memory_format, dtype: torch.dtype) -> None:
    leaf = torch.ones(64, 32, 14, 14, dtype=dtype).to(memory_format=layout)
    leaf[::2] = -1
    leaf.requires_grad_()
    y = LeakyDropout(0.2, 0.3)(leaf.clone())
    assert y.dtype == dtype
    assert (y == 0).float().mean().item() == pytest.approx(0.3, abs=0.004)
    assert y[1::2].float().mean().item() == pytest.approx(1, abs=0.01)
    assert y[::2].float().mean().item() == pytest.approx(-0.2, abs=0.002)
    y.sum().backward()
    assert torch.equal(leaf.grad, y / leaf)


def test_leaky_dropout_has_a_gradient_where_torch_draws() -> None:
    leaf = torch.ones(4, 8, device="meta", requires_grad=True)  # stands for a GPU
    LeakyDropout(0.2, 0.3)(leaf * 1).sum().backward()
    assert leaf.grad is not None


def test_leaky_dropout_draws_each_value_by_itself_and_rests_in_evaluation() -> None:
    drop = LeakyDropout(0.2, 0.5)
    kept = (drop(torch.ones(4096, 8)) > 0).float()
    assert torch.corrcoef(kept.T).fill_diagonal_(0).abs().max() < 0.06
    assert torch.equal(drop.eval()(torch.tensor([-1.0, 2.0])), torch.tensor([-0.2, 2.0]))
    with pytest.raises(ValueError, match="dropout"):
        LeakyDropout(0.2, 1.0)


def test_leaky_dropout_has_its_share_exactly_on_average() -> None:
    drop = LeakyDropout(0.2, 0.3)
    scales = torch.tensor([drop(torch.ones(64, dtype=torch.double)).max().item() for _ in range(400)])
    kept = 256 / scales  # of 256 values
    assert sorted(kept.round().int().unique().tolist()) == [179, 180]
    assert kept.mean().item() == pytest.approx(0.7 * 256, abs=0.08)


def test_random_bits_are_sfc64_and_each_is_fair() -> None:
    # As numpy guarantees for every version.
    assert [z % 2**64 for z in random_bits(2, 12345).tolist()] == [0x30F2A9BE9B3BFE42, 0x4E61D5C0F7DFB297]
    ones = random_bits(10_000, 7)
    shares = [((ones >> bit) & 1).double().mean().item() for bit in range(64)]
    assert min(shares) > 0.475
    assert max(shares) < 0.525


@pytest.mark.parametrize(("kernel", "padding", "output_padding"), [(4, 1, 0), (5, 2, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_halve_and_double_are_the_convolutions_they_stand_for(
    kernel: int, padding: int, output_padding: int, channels: int
) -> None:
    halve = Halve(channels, 8, kernel, 2, padding).double()
    double = Double(8, channels, kernel, 2, padding, output_padding).double()
    image = torch.randn(3, channels, 12, 12, dtype=torch.double, requires_grad=True)
    small = torch.randn(3, 8, 6, 6, dtype=torch.double, requires_grad=True)
    torch.testing.assert_close(halve(image), nn.Conv2d.forward(halve, image))
    torch.testing.assert_close(halve(image.detach()), nn.Conv2d.forward(halve, image))
    torch.testing.assert_close(double(small), nn.ConvTranspose2d.forward(double, small))
    assert torch.autograd.gradgradcheck(halve, torch.randn(1, channels, 4, 4, dtype=torch.double, requires_grad=True))
