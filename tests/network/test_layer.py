"""Blocks that several networks share."""

import pytest
import torch
from torch.nn.functional import interpolate

from gan.network import dcgan
from gan.network.layer import Down, Head, Up, split_size


def test_a_head_adds_what_the_label_says() -> None:
    head, features = Head(6, 10, "projection"), torch.randn(4, 6)
    y = torch.arange(4)
    label = (features * head.embed.weight[:4]).sum(1) / 6**0.5
    torch.testing.assert_close(head(features, y).logits, head.logit(features).squeeze(1) + label)
    head = Head(6, 10, "auxiliary")
    assert head(features, y).likelihood.exp().sum() < 4
    everything = torch.stack([head(features, torch.full((4,), k)).likelihood.exp() for k in range(10)])
    torch.testing.assert_close(everything.sum(0), torch.ones(4))
    head = Head(6, 10, "both")
    assert not torch.equal(head(features, y).logits, head(features, y.flip(0)).logits)
    assert (head(features, y).likelihood < 0).all()
    with pytest.raises(ValueError, match=r"network\.condition must be projection, auxiliary or both, got neither"):
        Head(6, 10, "neither")


def test_residual_blocks_are_what_they_abbreviate() -> None:
    up, x, y = Up(4, 6, 10).eval(), torch.randn(2, 4, 7, 7), torch.tensor([1, 2])
    torch.testing.assert_close(interpolate(up.short(x), scale_factor=2), up.short(interpolate(x, scale_factor=2)))
    assert up(x, y).shape == (2, 6, 14, 14)
    down, x = Down(4, 6), torch.randn(2, 4, 14, 14)
    torch.testing.assert_close(down.short(down.halve(x)), down.halve(down.short(x)))
    assert down(x).shape == (2, 6, 7, 7)
    assert Down(4, 6, halve=False)(x).shape == (2, 6, 14, 14)


@pytest.mark.parametrize(("size", "expected"), [(28, (7, 2)), (32, (4, 3)), (64, (4, 4)), (20, (5, 2)), (10, (5, 1))])
def test_a_size_is_the_smallest_base_doubled(size: int, expected: tuple[int, int]) -> None:
    assert split_size(size) == expected


@pytest.mark.parametrize("size", [0, 7, 27, 4])
def test_a_size_that_cannot_be_doubled_to_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=r"data\.size must|image size"):
        dcgan.Generator(size, 1, 10, 16, 8, 0)
