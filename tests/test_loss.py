"""Losses against their closed forms."""

import math

import pytest
import torch
from torch import Tensor

from gan.loss import Hinge, LeastSquares, Loss, Minimax, NonSaturating, Relativistic, Wasserstein

ZERO = torch.zeros(8)


def never() -> Tensor:
    raise AssertionError("real images cost a pass that this loss does not need")


def test_non_saturating_at_zero_logits_is_two_ln_two_and_ln_two() -> None:
    assert NonSaturating().discriminator(ZERO, ZERO).item() == pytest.approx(2 * math.log(2), abs=1e-6)
    assert NonSaturating().generator(ZERO, never).item() == pytest.approx(math.log(2), abs=1e-6)


def test_non_saturating_is_binary_cross_entropy_on_logits() -> None:
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    real, fake = torch.randn(64) * 3, torch.randn(64) * 3
    one, zero = torch.ones(64), torch.zeros(64)
    torch.testing.assert_close(NonSaturating().discriminator(real, fake), bce(real, one) + bce(fake, zero))
    torch.testing.assert_close(NonSaturating().generator(fake, never), bce(fake, one))


def test_hinge_at_zero_logits_is_two_and_zero() -> None:
    assert Hinge().discriminator(ZERO, ZERO).item() == 2
    assert Hinge().generator(ZERO, never).item() == 0


def test_hinge_stops_at_the_margin() -> None:
    assert Hinge().discriminator(ZERO + 1, ZERO - 1).item() == 0
    assert Hinge().generator(ZERO + 3, never).item() == -3


def test_minimax_is_a_zero_sum_game_but_for_the_real_part() -> None:
    real, fake = torch.randn(64), torch.randn(64)
    of_real = torch.nn.functional.softplus(-real).mean()
    torch.testing.assert_close(Minimax().generator(fake, never), of_real - Minimax().discriminator(real, fake))
    assert Minimax().generator(ZERO, never).item() == pytest.approx(-math.log(2), abs=1e-6)


def test_least_squares_aims_at_one_and_zero() -> None:
    assert LeastSquares().discriminator(ZERO, ZERO).item() == 0.5
    assert LeastSquares().discriminator(ZERO + 1, ZERO).item() == 0
    assert LeastSquares().generator(ZERO, never).item() == 0.5
    assert LeastSquares().generator(ZERO + 1, never).item() == 0
    assert LeastSquares().generator(ZERO + 3, never).item() == 2


def test_wasserstein_is_a_difference_of_means_and_a_drift() -> None:
    assert Wasserstein().discriminator(ZERO + 5, ZERO + 2).item() == -3
    assert Wasserstein(drift=0.1).discriminator(ZERO + 5, ZERO + 2).item() == pytest.approx(-0.5)
    assert Wasserstein().generator(ZERO + 2, never).item() == -2


def test_relativistic_sees_differences_of_pairs_alone() -> None:
    real, fake = torch.randn(64), torch.randn(64)
    loss = Relativistic()
    assert loss.discriminator(ZERO, ZERO).item() == pytest.approx(math.log(2), abs=1e-6)
    torch.testing.assert_close(loss.discriminator(real + 7, fake + 7), loss.discriminator(real, fake))
    torch.testing.assert_close(loss.generator(fake, lambda: real), loss.discriminator(fake, real))


@pytest.mark.parametrize("loss", [NonSaturating(), Minimax(), LeastSquares(), Hinge(), Wasserstein(), Relativistic()])
def test_each_player_is_rewarded_for_its_aim(loss: Loss) -> None:
    real, fake = torch.zeros(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    loss.discriminator(real, fake).backward()
    assert (real.grad < 0).all()
    assert (fake.grad > 0).all() or isinstance(loss, LeastSquares)  # whose aim for fakes is 0, where these are
    fake.grad = None
    loss.generator(fake, lambda: real).backward()
    assert (fake.grad < 0).all()
