"""The average of the generator."""

import math

import pytest
import torch
from torch import nn

from gan.ema import EMA


def _filled(value: float) -> nn.Module:
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.fill_(value)
    return net


def test_after_one_half_life_from_zero_to_one_it_is_a_half() -> None:
    ema = EMA(_filled(0.0), half_life_images=1000, ramp=math.inf)
    for _ in range(10):
        ema.update(_filled(1.0), images=100)
    for parameter in ema.generator.parameters():
        torch.testing.assert_close(parameter, torch.full_like(parameter, 0.5))


def test_without_a_half_life_it_is_a_copy() -> None:
    ema = EMA(_filled(0.0), half_life_images=0, ramp=math.inf)
    ema.update(_filled(3.0), images=1)
    assert all((parameter == 3).all() for parameter in ema.generator.parameters())


def test_the_ramp_forgets_the_untrained_start() -> None:
    ema = EMA(_filled(0.0), half_life_images=1e9, ramp=0.05)
    for _ in range(10):
        ema.update(_filled(1.0), images=100)
    assert all((parameter > 0.99).all() for parameter in ema.generator.parameters())
    # A million images on, the same thousand images weigh little.
    ema.images = 1_000_000
    ema.update(_filled(0.0), images=1000)
    assert all((parameter > 0.97).all() for parameter in ema.generator.parameters())
    with pytest.raises(ValueError, match=r"ema_ramp must be a number from 1e-06 to inf"):
        EMA(_filled(0.0), 1, ramp=0)


def test_buffers_are_copied() -> None:
    source = _filled(1.0)
    source[1].running_mean.fill_(7.0)
    source[1].num_batches_tracked.fill_(5)
    ema = EMA(_filled(0.0), half_life_images=1e9, ramp=math.inf)
    ema.update(source, images=1)
    assert (ema.generator[1].running_mean == 7).all()
    assert ema.generator[1].num_batches_tracked == 5


def test_it_stays_frozen_and_in_evaluation_mode() -> None:
    ema = EMA(_filled(0.0), half_life_images=1, ramp=math.inf).train()
    assert not any(module.training for module in ema.modules())
    assert not any(parameter.requires_grad for parameter in ema.parameters())


def test_a_negative_half_life_is_refused() -> None:
    with pytest.raises(ValueError, match="ema_half_life_images must be"):
        EMA(_filled(0.0), -1, ramp=math.inf)
