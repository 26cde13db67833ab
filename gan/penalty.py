"""Regularisers of the discriminator: ``(critic, real, fake) -> scalar``. Pure.

``critic(x)`` returns logits [N] of the first N images of a batch, augmented, with their labels.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from gan.validate import boolean, number

Critic = Callable[[Tensor], Tensor]


class Penalty(Protocol):
    """A scalar that is added to the discriminator's loss."""

    per_sample: bool  # it differentiates the logit of each image alone: not with batch norm

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """Return the penalty for real and fake images [N, C, H, W]."""


class Zero:
    """No penalty."""

    per_sample = False

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        return real.new_zeros(())


def slope(critic: Critic, x: Tensor) -> Tensor:
    """Return |grad_x D(x)|^2 [N], itself differentiable, of images [N, C, H, W]."""
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return gradient.square().flatten(1).sum(1)


def _validate_fraction(fraction: float) -> float:
    """``fraction``, a share of a batch; any batch has a first image."""
    return number("penalty.fraction", fraction, 1e-6, 1)


def _first(x: Tensor, fraction: float) -> Tensor:
    """Return the first ``fraction`` of images [N, C, H, W], at least one."""
    return x[: max(1, round(len(x) * fraction))]


class R1:
    """Zero-centred gradient penalty on real images (Mescheder et al. 2018, equation 9).

    R1 = gamma / 2 * E[ |grad_x D(x)|^2 ];  gamma / 2 * |w|^2 for a linear critic w.

    The expectation is over the first ``fraction`` of the batch. Batches are shuffled, so each step
    has an unbiased estimate, at the cost of StyleGAN2's lazy penalty (every k-th step, times k).
    """

    per_sample = True

    def __init__(self, gamma: float, fraction: float) -> None:
        self.gamma, self.fraction = number("penalty.gamma", gamma, 0, 1e6), _validate_fraction(fraction)

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        return self.gamma / 2 * slope(critic, _first(real, self.fraction)).mean()


class R1R2(R1):
    """R1 on real and fake images (Mescheder et al. 2018, section 4.1; Huang et al. 2024, eq. 3).

    R1 + R2 = gamma / 2 * ( E[ |grad_x D(x)|^2 ] + E[ |grad_x D(G(z))|^2 ] ).
    """

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        return super().__call__(critic, real, fake) + super().__call__(critic, fake, real)


class GradientPenalty:
    """Gradient norms of 1 between real and fake images (Gulrajani et al. 2017, equation 3).

    GP = weight * E[ (|grad_x D(x~)| - 1)^2 ],  x~ = x + t * (G(z) - x),  t uniform in [0, 1];
    weight * (|w| - 1)^2 for a linear critic w.

    ``one_sided``: max(0, |grad| - 1)^2 (section 4; Petzka et al. 2018). ``fraction``: see R1.
    """

    per_sample = True

    def __init__(self, weight: float, one_sided: bool = False, fraction: float = 1.0) -> None:
        self.weight, self.fraction = number("penalty.weight", weight, 0, 1e6), _validate_fraction(fraction)
        self.one_sided = boolean("penalty.one_sided", one_sided)

    def between(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the points x~ for real and fake images [N, C, H, W], one t for each image."""
        return torch.lerp(real, fake, torch.rand(len(real), 1, 1, 1, device=real.device, dtype=real.dtype))

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        x = self.between(_first(real, self.fraction), _first(fake, self.fraction))
        excess = (slope(critic, x) + 1e-12).sqrt() - 1  # the root has no derivative at 0
        return self.weight * (excess.relu() if self.one_sided else excess).square().mean()


class DRAGAN(GradientPenalty):
    """Gradient norms of 1 around real images (Kodali et al. 2017, section 2.4).

    DRAGAN = weight * E[ (|grad_x D(x + delta)| - 1)^2 ],  delta = noise * std(x) * u.

    u is uniform in [0, 1] for each pixel; ``noise`` is 0.5 in the authors' code.
    """

    def __init__(self, weight: float, one_sided: bool = False, fraction: float = 1.0, noise: float = 0.5) -> None:
        super().__init__(weight, one_sided, fraction)
        self.noise = number("penalty.noise", noise, 0, 100)

    def between(self, real: Tensor, fake: Tensor) -> Tensor:
        return real + self.noise * real.std() * torch.rand_like(real)
