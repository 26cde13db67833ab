"""Adversarial losses: logits to scalars, one function for each player. Pure.

D(x) is the discriminator's logit for a real image x, D(G(z)) the one for a generated image; both [N].
"""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor
from torch.nn.functional import softplus

Logits = Callable[[], Tensor]


class Loss(Protocol):
    """One scalar for each player."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """From the logits of real and fake images, [N] and [N]."""

    def generator(self, fake: Tensor, real: Logits) -> Tensor:
        """From the logits of fake images, [N]; ``real()`` gives those of real ones, for a pass through D."""


class NonSaturating:
    """Binary cross-entropy on logits with the non-saturating generator (Goodfellow et al. 2014, section 3).

    L_D = E[softplus(-D(x))] + E[softplus(D(G(z)))],  L_G = E[softplus(-D(G(z)))].
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """L_D of logits [N] and [N]; 2 ln 2 at zero logits."""
        return softplus(-real).mean() + softplus(fake).mean()

    def generator(self, fake: Tensor, real: Logits) -> Tensor:
        """L_G of logits [N]; ln 2 at zero logits."""
        return softplus(-fake).mean()


class Minimax(NonSaturating):
    """The zero-sum game (Goodfellow et al. 2014, equation 1): its gradient vanishes where the discriminator is sure.

    L_D = E[softplus(-D(x))] + E[softplus(D(G(z)))],  L_G = -E[softplus(D(G(z)))].
    """

    def generator(self, fake: Tensor, real: Logits) -> Tensor:
        """L_G of logits [N]; -ln 2 at zero logits."""
        return -softplus(fake).mean()


class LeastSquares:
    """Least squares with the targets 1 and 0 (Mao et al. 2017, equation 9).

    L_D = E[(D(x) - 1)^2] / 2 + E[D(G(z))^2] / 2,  L_G = E[(D(G(z)) - 1)^2] / 2.
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """L_D of logits [N] and [N]; 1/2 at zero logits."""
        return (real - 1).square().mean() / 2 + fake.square().mean() / 2

    def generator(self, fake: Tensor, real: Logits) -> Tensor:
        """L_G of logits [N]; 1/2 at zero logits."""
        return (fake - 1).square().mean() / 2


class Hinge:
    """The hinge loss (Lim & Ye 2017; Miyato et al. 2018, equation 16).

    L_D = E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))],  L_G = -E[D(G(z))].
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """L_D of logits [N] and [N]; 2 at zero logits."""
        return (1 - real).relu().mean() + (1 + fake).relu().mean()

    def generator(self, fake: Tensor, real: Logits) -> Tensor:
        """L_G of logits [N]; 0 at zero logits."""
        return -fake.mean()


class Wasserstein:
    """The critic's estimate of the earth mover's distance (Arjovsky et al. 2017, equation 2). Wants a gradient penalty.

    L_D = E[D(G(z))] - E[D(x)] + drift * E[D(x)^2],  L_G = -E[D(G(z))].

    ``drift`` (Karras et al. 2018, appendix A.1: 1e-3) holds the logits, which are free to wander together, near zero.
    """

    def __init__(self, drift: float = 0.0) -> None:
        self.drift = drift

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """L_D of logits [N] and [N]; 0 at zero logits."""
        return fake.mean() - real.mean() + self.drift * real.square().mean()

    def generator(self, fake: Tensor, real: Logits) -> Tensor:
        """L_G of logits [N]; 0 at zero logits."""
        return -fake.mean()


class Relativistic:
    """Real and fake judged in pairs (Jolicoeur-Martineau 2019; Huang et al. 2024, equation 2, with softplus).

    L_D = E[softplus(D(G(z)) - D(x))],  L_G = E[softplus(D(x) - D(G(z)))].
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """L_D of logits [N] and [N]; ln 2 at zero logits."""
        return softplus(fake - real).mean()

    def generator(self, fake: Tensor, real: Logits) -> Tensor:
        """L_G of logits [N]; ln 2 at zero logits."""
        return softplus(real() - fake).mean()
