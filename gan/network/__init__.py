"""The contract of networks. Each file here is one paper's Generator and Discriminator.

A network is built from numbers, which may come from a stranger's file: each has a range, and is
checked before anything is allocated. Raises UserError for the others.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from gan.validate import integer

Shape = tuple[int, int, int]  # channels, height, width


class Generator(nn.Module):
    """Latents and labels to images, ``G(z, y) -> x``.

    - z: standard normal, float [N, ``latent``].
    - y: labels, int64 [N] in [0, ``classes``), or mixtures of classes, float [N, ``classes``] with
      rows that sum to 1. Ignored if ``classes`` is 0.
    - x: float [N, *``shape``] in [-1, 1]; ``shape`` is channels, height, width.
    """

    __call__: Callable[["Generator", Tensor, Tensor], Tensor]

    def __init__(self, latent: int, classes: int, shape: Shape) -> None:
        super().__init__()
        self.latent = integer("network.generator.latent", latent, 1, 1024)
        self.classes, self.shape = _validate(classes, shape)

    def ask(self, y: Tensor) -> Tensor:
        """The labels [N] to draw: those of ``y``, and the classes in turn for unknown ones (-1)."""
        turn = torch.arange(len(y), device=y.device) % max(self.classes, 1)
        return torch.where(y < 0, turn, y)


class Verdict(NamedTuple):
    """The output of a discriminator.

    - logits: raw, float [N], higher for real images.
    - likelihood: log p(y | x) [N] of the labels under an auxiliary classifier; 0 without one.
    """

    logits: Tensor
    likelihood: Tensor


class Discriminator(nn.Module):
    """Images and labels, as in :class:`Generator`, to a verdict, ``D(x, y)``.

    ``needs_labels``: False if labels may be unknown, -1.
    """

    __call__: Callable[["Discriminator", Tensor, Tensor], Verdict]
    needs_labels = True

    def __init__(self, classes: int, shape: Shape) -> None:
        super().__init__()
        _validate(classes, shape)

    def complete(self, x: Tensor, y: Tensor) -> Tensor:
        """The labels ``y`` [N] of real images, with guesses for unknown ones. This one has none."""
        return y


def _validate(classes: int, shape: Shape) -> tuple[int, Shape]:
    channels, *sides = shape
    height, width = (integer("data.size", side, 4, 1024) for side in sides)
    return integer("network.classes", classes, 0, 10_000), (integer("data.channels", channels, 1, 16), height, width)


@runtime_checkable
class Follower(Protocol):
    """A part of a network or an augment that changes as training goes on."""

    def follow(self, images: int, real: Tensor) -> dict[str, Tensor]:
        """Update after a discriminator step with ``images`` real images over all devices.

        ``real``: the logits [N] of those on this device. Returns the figures to log.
        """


@runtime_checkable
class Calibrated(Protocol):
    """A part of a network that takes something from the training images before the first step."""

    def calibrate(self, images: Tensor) -> None:
        """``images``: bytes [N, C, H, W], a fixed choice of the training images."""
