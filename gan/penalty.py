"""Regularisers of the discriminator: ``(critic, real, fake) -> scalar``. Pure.

``critic(x)`` is the discriminator's logits [N] for the augmented images x, with the labels that belong to them; given
only the first images of a batch it uses the first labels.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Critic = Callable[[Tensor], Tensor]
Penalty = Callable[[Critic, Tensor, Tensor], Tensor]


class Zero:
    """No penalty."""

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """Return 0."""
        return real.new_zeros(())


class R1:
    """Zero-centred gradient penalty on real images (Mescheder et al. 2018, equation 9).

    R1 = gamma / 2 * E[ |grad_x D(x)|^2 ].

    The expectation is taken over the first ``fraction`` of the batch. Batches are shuffled, so that is an unbiased
    estimate at every step and costs what the lazy penalty of StyleGAN2 (every k-th step, times k) costs, but keeps no
    counter and pulls evenly.
    """

    def __init__(self, gamma: float, fraction: float = 1.0) -> None:
        if gamma < 0 or not 0 < fraction <= 1:
            raise ValueError(f"penalty: gamma must be >= 0 and fraction in (0, 1], got {gamma} and {fraction}")
        self.gamma, self.fraction = gamma, fraction

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """Penalty of real images [N, C, H, W]; gamma / 2 * |w|^2 for a linear critic w."""
        x = real[: max(1, round(len(real) * self.fraction))].detach().requires_grad_()
        (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
        return self.gamma / 2 * gradient.float().square().flatten(1).sum(1).mean()
