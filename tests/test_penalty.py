"""Penalties against their closed forms."""

import pytest
import torch
from torch import Tensor, nn

from gan.penalty import DRAGAN, R1, R1R2, GradientPenalty, Penalty, Zero

X = torch.randn(16, 1, 4, 4)


def test_r1_of_a_linear_critic_is_half_gamma_times_its_squared_norm() -> None:
    w = torch.randn(16)
    penalty = R1(gamma=2.0, fraction=1.0)(lambda x: x.flatten(1) @ w, X, X)
    torch.testing.assert_close(penalty, w.square().sum())


def test_r1_of_a_part_of_the_batch_estimates_that_of_the_whole() -> None:
    critic = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 1))
    many = torch.randn(4096, 1, 4, 4)
    whole = R1(1.0, fraction=1.0)(lambda x: critic(x).squeeze(1), many, many)
    part = R1(1.0, fraction=0.5)(lambda x: critic(x).squeeze(1), many, many)
    torch.testing.assert_close(part, whole, rtol=0.05, atol=0)


def test_r1_looks_at_real_images_alone_and_reaches_the_weights() -> None:
    critic = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 1))
    seen: list[Tensor] = []

    def watch(x: Tensor) -> Tensor:
        seen.append(x)
        return critic(x).squeeze(1)

    R1(1.0, fraction=1.0)(watch, X, X + 100).backward()
    torch.testing.assert_close(seen[0].detach(), X)
    assert critic[1].weight.grad.abs().sum() > 0


def test_zero_is_zero() -> None:
    assert Zero()(lambda x: x.flatten(1).sum(1), X, X).item() == 0


def test_r1r2_is_r1_of_both() -> None:
    w = torch.randn(16)
    torch.testing.assert_close(
        R1R2(gamma=2.0, fraction=1.0)(lambda x: x.flatten(1) @ w, X, X + 9), 2 * w.square().sum()
    )

    def critic(x: Tensor) -> Tensor:
        return x.flatten(1).square().sum(1)

    both = R1(1.0, fraction=1.0)(critic, X, X) + R1(1.0, fraction=1.0)(critic, 3 * X, X)
    torch.testing.assert_close(R1R2(1.0, fraction=1.0)(critic, X, 3 * X), both)


@pytest.mark.parametrize("norm", [0.5, 2.0])
@pytest.mark.parametrize("kind", [GradientPenalty, DRAGAN])
def test_gradient_norms_of_a_linear_critic_are_held_at_one(kind: type[GradientPenalty], norm: float) -> None:
    w = torch.randn(16)
    w *= norm / w.norm()
    two, one = (kind(10.0, one_sided=sided)(lambda x: x.flatten(1) @ w, X, X + 9).item() for sided in (False, True))
    assert two == pytest.approx(10 * (norm - 1) ** 2, rel=1e-4)
    assert one == pytest.approx(two if norm > 1 else 0, rel=1e-4)


def test_the_gradient_penalty_looks_between_and_dragan_around_the_real() -> None:
    real, fake = torch.zeros(512, 1, 4, 4), torch.ones(512, 1, 4, 4)
    share = GradientPenalty(1.0).between(real, fake).flatten(1)
    assert torch.equal(share, share[:, :1].expand_as(share))  # one place on the line for each image
    assert share.mean().item() == pytest.approx(0.5, abs=0.05)  # uniform, not normal
    assert share.std().item() == pytest.approx(12**-0.5, abs=0.02)
    assert 0 <= share.min() < 0.05
    assert 0.95 < share.max() <= 1
    real = torch.randn(512, 1, 4, 4)
    noise = DRAGAN(1.0).between(real, fake) - real
    assert noise.min() >= -1e-6
    assert 0.45 < noise.max() <= 0.5 * real.std() + 1e-6


@pytest.mark.parametrize(
    "penalty",
    [R1(2.0, 1.0), R1R2(2.0, 1.0), GradientPenalty(10.0), GradientPenalty(10.0, one_sided=True), DRAGAN(10.0)],
)
def test_gradients_of_a_penalty_are_finite_differences(penalty: Penalty) -> None:
    critic = nn.Sequential(nn.Conv2d(1, 4, 3, 2), nn.Softplus(), nn.Flatten(), nn.Linear(4, 1)).double()
    critic[0].weight.data *= 8  # norms on both sides of one
    real, fake = torch.randn(2, 6, 1, 4, 4, dtype=torch.float64)

    def value() -> Tensor:
        torch.manual_seed(0)  # the same places on the lines
        found = penalty(lambda x: critic(x).squeeze(1), real, fake)
        assert found > 0
        return found

    value().backward()
    weight = critic[0].weight
    for place in ((0, 0, 0, 0), (1, 0, 1, 2), (3, 0, 2, 1)):
        slopes = []
        for step in (1e-5, -1e-5):
            weight.data[place] += step
            slopes.append(value().detach())
            weight.data[place] -= step
        # What is inside is float32 by purpose: |gradient|^2 is cast, so that bf16 cannot square it.
        torch.testing.assert_close(weight.grad[place], (slopes[0] - slopes[1]) / 2e-5, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("gamma", "fraction"), [(-1.0, 1.0), (1.0, 0.0), (1.0, 1.5)])
def test_impossible_settings_are_refused(gamma: float, fraction: float) -> None:
    with pytest.raises(ValueError, match=r"penalty\.(gamma|weight|fraction) must be a number from"):
        R1(gamma, fraction)
    with pytest.raises(ValueError, match=r"penalty\.(gamma|weight|fraction) must be a number from"):
        DRAGAN(gamma, fraction=fraction)
