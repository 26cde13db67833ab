"""Penalties against their closed forms."""

import pytest
import torch
from torch import Tensor, nn

from gan.penalty import R1, Zero

X = torch.randn(16, 1, 4, 4)


def test_r1_of_a_linear_critic_is_half_gamma_times_its_squared_norm() -> None:
    w = torch.randn(16)
    penalty = R1(gamma=2.0)(lambda x: x.flatten(1) @ w, X, X)
    torch.testing.assert_close(penalty, w.square().sum())


def test_r1_of_a_part_of_the_batch_estimates_that_of_the_whole() -> None:
    critic = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 1))
    many = torch.randn(4096, 1, 4, 4)
    whole = R1(1.0)(lambda x: critic(x).squeeze(1), many, many)
    part = R1(1.0, fraction=0.5)(lambda x: critic(x).squeeze(1), many, many)
    torch.testing.assert_close(part, whole, rtol=0.05, atol=0)


def test_r1_looks_at_real_images_alone_and_reaches_the_weights() -> None:
    critic = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 1))
    seen: list[Tensor] = []

    def watch(x: Tensor) -> Tensor:
        seen.append(x)
        return critic(x).squeeze(1)

    R1(1.0)(watch, X, X + 100).backward()
    torch.testing.assert_close(seen[0].detach(), X)
    assert critic[1].weight.grad.abs().sum() > 0


def test_zero_is_zero() -> None:
    assert Zero()(lambda x: x.flatten(1).sum(1), X, X).item() == 0


@pytest.mark.parametrize(("gamma", "fraction"), [(-1.0, 1.0), (1.0, 0.0), (1.0, 1.5)])
def test_impossible_settings_are_refused(gamma: float, fraction: float) -> None:
    with pytest.raises(ValueError, match="penalty: gamma must be"):
        R1(gamma, fraction)
