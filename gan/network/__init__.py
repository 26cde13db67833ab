"""What a network is. One paper, one file here: a Generator and a Discriminator that mirror each other."""

from collections.abc import Iterator
from typing import Protocol

from torch import Tensor, nn


class Generator(Protocol):
    """Latents to images: ``(z, y) -> x``.

    z: float [N, latent], standard normal; y: int64 [N] in [0, classes), ignored where ``classes`` is 0;
    x: float [N, C, H, W] in [-1, 1].
    """

    latent: int
    classes: int
    training: bool

    def __call__(self, z: Tensor, y: Tensor) -> Tensor: ...
    def parameters(self) -> Iterator[nn.Parameter]: ...
    def train(self, mode: bool = True) -> nn.Module: ...
    def eval(self) -> nn.Module: ...


class Discriminator(Protocol):
    """Images to raw logits [N], higher for real: ``(x, y) -> logits``; never a sigmoid, never [N, 1].

    x and y as in :class:`Generator`.
    """

    def __call__(self, x: Tensor, y: Tensor) -> Tensor: ...
