"""Losses against their closed forms."""

import math

import pytest
import torch

from gan.loss import Hinge, NonSaturating

ZERO = torch.zeros(8)


def test_non_saturating_at_zero_logits_is_two_ln_two_and_ln_two() -> None:
    assert NonSaturating().discriminator(ZERO, ZERO).item() == pytest.approx(2 * math.log(2), abs=1e-6)
    assert NonSaturating().generator(ZERO).item() == pytest.approx(math.log(2), abs=1e-6)


def test_non_saturating_is_binary_cross_entropy_on_logits() -> None:
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    real, fake = torch.randn(64) * 3, torch.randn(64) * 3
    one, zero = torch.ones(64), torch.zeros(64)
    torch.testing.assert_close(NonSaturating().discriminator(real, fake), bce(real, one) + bce(fake, zero))
    torch.testing.assert_close(NonSaturating().generator(fake), bce(fake, one))


def test_hinge_at_zero_logits_is_two_and_zero() -> None:
    assert Hinge().discriminator(ZERO, ZERO).item() == 2
    assert Hinge().generator(ZERO).item() == 0


def test_hinge_stops_at_the_margin() -> None:
    assert Hinge().discriminator(ZERO + 1, ZERO - 1).item() == 0
    assert Hinge().generator(ZERO + 3).item() == -3


@pytest.mark.parametrize("loss", [NonSaturating(), Hinge()])
def test_each_player_is_rewarded_for_its_aim(loss: NonSaturating | Hinge) -> None:
    real, fake = torch.zeros(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    loss.discriminator(real, fake).backward()
    assert (real.grad < 0).all()
    assert (fake.grad > 0).all()
    fake.grad = None
    loss.generator(fake).backward()
    assert (fake.grad < 0).all()
