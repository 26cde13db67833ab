"""What a network is. One paper, one file here: a Generator and a Discriminator that mirror each other."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from torch import Tensor, nn


class Generator(Protocol):
    """A module from latents to images.

    z: float [N, latent], standard normal; y: int64 [N] in [0, classes), ignored where ``classes`` is 0, or what lies between
    them, float [N, classes] of sum 1; x: float [N, C, H, W] in [-1, 1].
    """

    latent: int
    classes: int
    training: bool

    def __call__(self, z: Tensor, y: Tensor) -> Tensor:
        """``(z, y) -> x``."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """As of a module."""

    def buffers(self) -> Iterator[Tensor]:
        """As of a module."""

    def train(self, mode: bool) -> nn.Module:
        """As of a module."""


class Verdict(NamedTuple):
    """What a discriminator says of images.

    logits: [N], raw, higher for real; never a sigmoid, never [N, 1]. likelihood: log p(y | x) [N] of the labels, as an
    auxiliary classifier reads them, and 0 where there is none.
    """

    logits: Tensor
    likelihood: Tensor


class Discriminator(Protocol):
    """A module from images x and labels y, as in :class:`Generator`, to a verdict.

    Such a module, and a generator, may have a ``follow(images, real)``; see :class:`gan.model.GAN`.
    """

    def __call__(self, x: Tensor, y: Tensor) -> Verdict:
        """``(x, y) -> verdict``."""
