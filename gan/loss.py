"""Adversarial losses: logits to a scalar for each player. Pure.

D(x) is the discriminator's logit of a real image x, D(G(z)) that of a generated image; both [N].
"""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor
from torch.nn.functional import softplus

from gan.validate import number

Logits = Callable[[], Tensor]


class Loss(Protocol):
    """One scalar for each player."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return L_D from the logits of real and fake images."""

    def generator(self, fake: Tensor, real: Logits) -> Tensor:
        """Return L_G from the logits of fake images; ``real()`` runs D on the real ones."""


class NonSaturating:
    """Binary cross-entropy; the generator is non-saturating (Goodfellow et al. 2014, section 3).

    L_D = E[softplus(-D(x))] + E[softplus(D(G(z)))],  L_G = E[softplus(-D(G(z)))].
    At zero logits L_D is 2 ln 2, L_G ln 2.
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real).mean() + softplus(fake).mean()

    def generator(self, fake: Tensor, real: Logits) -> Tensor:
        return softplus(-fake).mean()


class Minimax(NonSaturating):
    """The zero-sum game (Goodfellow et al. 2014, equation 1). L_G saturates if D is confident.

    L_D = E[softplus(-D(x))] + E[softplus(D(G(z)))],  L_G = -E[softplus(D(G(z)))].
    At zero logits L_D is 2 ln 2, L_G -ln 2.
    """

    def generator(self, fake: Tensor, real: Logits) -> Tensor:
        return -softplus(fake).mean()


class LeastSquares:
    """Least squares with the targets 1 and 0 (Mao et al. 2017, equation 9).

    L_D = E[(D(x) - 1)^2] / 2 + E[D(G(z))^2] / 2,  L_G = E[(D(G(z)) - 1)^2] / 2.
    At zero logits both are 1/2.
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return (real - 1).square().mean() / 2 + fake.square().mean() / 2

    def generator(self, fake: Tensor, real: Logits) -> Tensor:
        return (fake - 1).square().mean() / 2


class Hinge:
    """The hinge loss (Lim & Ye 2017; Miyato et al. 2018, equation 16).

    L_D = E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))],  L_G = -E[D(G(z))].
    At zero logits L_D is 2, L_G 0.
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return (1 - real).relu().mean() + (1 + fake).relu().mean()

    def generator(self, fake: Tensor, real: Logits) -> Tensor:
        return -fake.mean()


class Wasserstein:
    """An estimate of the earth mover's distance (Arjovsky et al. 2017, equation 2).

    L_D = E[D(G(z))] - E[D(x)] + drift * E[D(x)^2],  L_G = -E[D(G(z))].
    At zero logits both are 0.

    Needs a gradient penalty. ``drift`` keeps logits near 0 (Karras et al. 2018, appendix A.1).
    """

    def __init__(self, drift: float = 0.0) -> None:
        self.drift = number("loss.drift", drift, 0, 1e6)

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake.mean() - real.mean() + self.drift * real.square().mean()

    def generator(self, fake: Tensor, real: Logits) -> Tensor:
        return -fake.mean()


class Relativistic:
    """Pairs of a real and a fake image (Jolicoeur-Martineau 2019; Huang et al. 2024, equation 2).

    L_D = E[softplus(D(G(z)) - D(x))],  L_G = E[softplus(D(x) - D(G(z)))].
    At zero logits both are ln 2.
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake - real).mean()

    def generator(self, fake: Tensor, real: Logits) -> Tensor:
        return softplus(real() - fake).mean()
