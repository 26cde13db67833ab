"""Adversarial losses: logits to scalars, one function for each player. Pure.

D(x) is the discriminator's logit for a real image x, D(G(z)) the one for a generated image; both [N].
"""

from typing import Protocol

from torch import Tensor
from torch.nn.functional import softplus


class Loss(Protocol):
    """One scalar for each player."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """From the logits of real and fake images, [N] and [N]."""

    def generator(self, fake: Tensor) -> Tensor:
        """From the logits of fake images, [N]."""


class NonSaturating:
    """Binary cross-entropy on logits with the non-saturating generator (Goodfellow et al. 2014, section 3).

    L_D = E[softplus(-D(x))] + E[softplus(D(G(z)))],  L_G = E[softplus(-D(G(z)))].
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """L_D of logits [N] and [N]; 2 ln 2 at zero logits."""
        return softplus(-real).mean() + softplus(fake).mean()

    def generator(self, fake: Tensor) -> Tensor:
        """L_G of logits [N]; ln 2 at zero logits."""
        return softplus(-fake).mean()


class Hinge:
    """The hinge loss (Lim & Ye 2017; Miyato et al. 2018, equation 16).

    L_D = E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))],  L_G = -E[D(G(z))].
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """L_D of logits [N] and [N]; 2 at zero logits."""
        return (1 - real).relu().mean() + (1 + fake).relu().mean()

    def generator(self, fake: Tensor) -> Tensor:
        """L_G of logits [N]; 0 at zero logits."""
        return -fake.mean()
