"""What a network is. One paper, one file here: a Generator and a Discriminator that mirror each other."""

from collections.abc import Iterator
from typing import Protocol

from torch import Tensor, nn


class Generator(Protocol):
    """A module from latents to images.

    z: float [N, latent], standard normal; y: int64 [N] in [0, classes), ignored where ``classes`` is 0;
    x: float [N, C, H, W] in [-1, 1].
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


class Discriminator(Protocol):
    """A module from images x and labels y, as in :class:`Generator`, to raw logits [N], higher for real.

    Never a sigmoid, never [N, 1].
    """

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """``(x, y) -> logits``."""
