"""Regularisers of the discriminator: ``(critic, real, fake) -> scalar``. Pure.

``critic(x)`` is the discriminator's logits [N] for the augmented images x, with the labels that belong to them; given
only the first images of a batch it uses the first labels.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

Critic = Callable[[Tensor], Tensor]


class Penalty(Protocol):
    """A scalar to be added to the discriminator's loss.

    ``per_sample``: it differentiates each image's logit by itself, which means nothing where batch norm mixes them.
    """

    per_sample: bool

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """Of real and fake images [N, C, H, W]."""


class Zero:
    """No penalty."""

    per_sample = False

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """Return 0."""
        return real.new_zeros(())


def slope(critic: Critic, x: Tensor) -> Tensor:
    """The squared norm of each image's gradient, |grad_x D(x)|^2 [N], itself differentiable, of images [N, C, H, W]."""
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return gradient.square().flatten(1).sum(1)


def _check(strength: float, fraction: float) -> None:
    if strength < 0 or not 0 < fraction <= 1:
        raise ValueError(f"penalty: gamma or weight must be >= 0 and fraction in (0, 1], got {strength} and {fraction}")


class R1:
    """Zero-centred gradient penalty on real images (Mescheder et al. 2018, equation 9).

    R1 = gamma / 2 * E[ |grad_x D(x)|^2 ].

    The expectation is taken over the first ``fraction`` of the batch. Batches are shuffled, so that is an unbiased
    estimate at every step and costs what the lazy penalty of StyleGAN2 (every k-th step, times k) costs, but keeps no
    counter and pulls evenly.
    """

    per_sample = True

    def __init__(self, gamma: float, fraction: float = 1.0) -> None:
        _check(gamma, fraction)
        self.gamma, self.fraction = gamma, fraction

    def part(self, x: Tensor) -> Tensor:
        """The first ``fraction`` of images [N, C, H, W], one at least."""
        return x[: max(1, round(len(x) * self.fraction))]

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """Of real images [N, C, H, W]; gamma / 2 * |w|^2 for a linear critic w."""
        return self.gamma / 2 * slope(critic, self.part(real)).mean()


class R1R2(R1):
    """R1 and the same on fake images (Mescheder et al. 2018, section 4.1; Huang et al. 2024, equation 3).

    R1 + R2 = gamma / 2 * ( E[ |grad_x D(x)|^2 ] + E[ |grad_x D(G(z))|^2 ] ).
    """

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """Of images [N, C, H, W]; gamma * |w|^2 for a linear critic w."""
        return super().__call__(critic, real, fake) + super().__call__(critic, fake, real)


class GradientPenalty:
    """Gradient norms of 1 between real and fake images (Gulrajani et al. 2017, equation 3).

    GP = weight * E[ (|grad_x D(x~)| - 1)^2 ],  x~ = x + t * (G(z) - x),  t uniform in [0, 1] for each image.

    ``one_sided`` asks for norms of at most 1: max(0, |grad| - 1)^2 (section 4; Petzka et al. 2018). ``fraction`` as of
    :class:`R1`.
    """

    per_sample = True

    def __init__(self, weight: float, one_sided: bool = False, fraction: float = 1.0) -> None:
        _check(weight, fraction)
        self.weight, self.one_sided, self.fraction = weight, one_sided, fraction

    def between(self, real: Tensor, fake: Tensor) -> Tensor:
        """Where the gradient is taken: images as many as ``real`` and ``fake`` [N, C, H, W]."""
        return torch.lerp(real, fake, torch.rand(len(real), 1, 1, 1, device=real.device, dtype=real.dtype))

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """Of images [N, C, H, W]; weight * (|w| - 1)^2 for a linear critic w."""
        n = max(1, round(len(real) * self.fraction))
        x = self.between(real[:n], fake[:n])
        excess = (slope(critic, x) + 1e-12).sqrt() - 1  # the root has no slope at 0
        return self.weight * (excess.relu() if self.one_sided else excess).square().mean()


class DRAGAN(GradientPenalty):
    """Gradient norms of 1 around real images (Kodali et al. 2017, section 2.4).

    DRAGAN = weight * E[ (|grad_x D(x + delta)| - 1)^2 ],  delta = noise * std(x) * u,  u uniform in [0, 1] for each pixel.

    ``noise`` 0.5 is the authors' own code's.
    """

    def __init__(self, weight: float, one_sided: bool = False, fraction: float = 1.0, noise: float = 0.5) -> None:
        super().__init__(weight, one_sided, fraction)
        self.noise = noise

    def between(self, real: Tensor, fake: Tensor) -> Tensor:
        """Real images [N, C, H, W] with noise; it does not look at fakes."""
        return real + self.noise * real.std() * torch.rand_like(real)
