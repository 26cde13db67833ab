"""The report's pair: a two-layer DCGAN for 28x28 digits with Keras defaults (Radford et al. 2016, scaled down).

Keras pads a stride-2 5x5 convolution by 1 before and 2 after; here it is 2 before and 1 after, which is its mirror.
"""

from typing import Any

from torch import Tensor, nn

from gan.network import Verdict
from gan.network.fast import Double, Flatten, Halve, LeakyDropout, Unflatten
from gan.network.layer import Head, glorot_uniform

NORM: dict[str, Any] = {"eps": 1e-3, "momentum": 0.01}  # Keras writes the same momentum as 0.99


def _leaky() -> nn.LeakyReLU:
    return nn.LeakyReLU(0.3, inplace=True)


def _check(size: int) -> None:
    if size % 4:
        raise ValueError(f"network=report halves the image twice: data.size must be a multiple of 4, got {size}")


class Generator(nn.Module):
    """Dense to 7x7x64, two transposed 5x5 convolutions of stride 2, tanh. Unconditional: labels are ignored."""

    classes = 0

    def __init__(self, size: int, channels: int, latent: int) -> None:
        super().__init__()
        _check(size)
        self.latent, base = latent, size // 4
        features = 64 * base**2
        self.dense = nn.Sequential(nn.Linear(latent, features, bias=False), nn.BatchNorm1d(features, **NORM), _leaky())
        self.up = nn.Sequential(
            Unflatten(64, base, base),  # channels last, as Keras has them
            nn.ConvTranspose2d(64, 32, 5, 2, 2, 1, bias=False), nn.BatchNorm2d(32, **NORM), _leaky(),  # [32, 14, 14]
            Double(32, channels, 5, 2, 2, 1, bias=False), nn.Tanh(),  # [1, 28, 28]
        )  # fmt: skip
        self.apply(glorot_uniform)  # the Keras default

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Latents [N, latent] to images [N, channels, size, size] in [-1, 1]."""
        x: Tensor = self.up(self.dense(z))
        return x


class Discriminator(nn.Module):
    """Two 5x5 convolutions of stride 2 with leaky ReLU and dropout 0.3, one dense logit. Unconditional."""

    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        _check(size)
        self.stack = nn.Sequential(
            Halve(channels, 32, 5, 2, 2), LeakyDropout(0.3, 0.3),  # [32, 14, 14]
            nn.Conv2d(32, 64, 5, 2, 2), LeakyDropout(0.3, 0.3),  # [64, 7, 7]
            Flatten(),
        )  # fmt: skip
        self.head = Head(64 * (size // 4) ** 2, 0, "projection")
        self.apply(glorot_uniform)  # the Keras default

    def forward(self, x: Tensor, y: Tensor) -> Verdict:
        """Images [N, channels, size, size] to a verdict."""
        verdict: Verdict = self.head(self.stack(x), y)
        return verdict
