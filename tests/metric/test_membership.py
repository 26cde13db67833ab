"""Membership inference: a generator that repeats its training images is caught, others are not."""

import math

import pytest
import torch
from torch import Tensor

from gan.metric.membership import Attack, by_distance, confidence


def _pool(seed: int, count: int = 400) -> Tensor:
    return torch.randn(count, 30, generator=torch.Generator().manual_seed(seed))


def test_a_generator_that_repeats_its_training_images_is_caught() -> None:
    members, others = _pool(0), _pool(1)
    copies = members + 0.1 * _pool(2)
    attack = by_distance(members, others, torch.cat([copies, _pool(3)]))
    assert attack.auc > 0.99
    assert attack.error < 0.01
    assert attack.caught > 0.95


def test_a_few_copies_are_caught_though_the_average_image_is_safe() -> None:
    members, others = _pool(0), _pool(1)
    attack = by_distance(members, others, torch.cat([members[:40], _pool(3)]))
    assert attack.auc == pytest.approx(0.55, abs=0.05)
    assert attack.caught == pytest.approx(0.11, abs=0.02)


def test_an_honest_generator_is_near_chance() -> None:
    attacks = [by_distance(_pool(3 * i), _pool(3 * i + 1), _pool(3 * i + 2)) for i in range(20)]
    far = [(attack.auc - 0.5) / attack.error for attack in attacks]
    assert max(map(abs, far)) < 4
    assert sum(abs(one) > 2 for one in far) <= 4
    assert sum(attack.caught for attack in attacks) / 20 == pytest.approx(0.01, abs=0.005)


def test_the_area_and_its_error_are_those_of_the_closed_form() -> None:
    assert Attack(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.0, 2.0])).auc == pytest.approx(4.5 / 6)
    n, source = 3000, torch.Generator().manual_seed(0)
    attack = Attack(torch.randn(n, generator=source), torch.randn(n, generator=source))
    assert attack.error == pytest.approx(math.sqrt((2 * n + 1) / (12 * n * n)), rel=0.05)  # of chance
    assert Attack(torch.randn(n) + 1, torch.randn(n)).auc == pytest.approx(0.7602, abs=0.02)  # Phi(1 / sqrt 2)


def test_confidence_is_the_likelihood_of_the_label() -> None:
    logits, labels = torch.tensor([[0.0, 0.0], [math.log(3), 0.0]]), torch.tensor([0, 1])
    assert confidence(logits, labels).exp().tolist() == pytest.approx([0.5, 0.25])
