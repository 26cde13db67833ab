"""The report: a small DCGAN for 28x28 digits with the defaults of Keras (Radford et al. 2016).

Keras pads a stride-2 5x5 convolution by 1 before and 2 after. Here it is 2 and 1, the mirror image.
"""

from typing import Any

from torch import Tensor, nn

from gan import network
from gan.error import UserError
from gan.network import Verdict
from gan.network.fast import Double, Flatten, Halve, LeakyDropout, Unflatten
from gan.network.layer import Head, glorot_uniform

NORM: dict[str, Any] = {"eps": 1e-3, "momentum": 0.01}  # Keras calls this momentum 0.99


def _leaky() -> nn.LeakyReLU:
    return nn.LeakyReLU(0.3, inplace=True)


def _quarter(size: int) -> int:
    if size % 4:
        raise UserError(f"network=report halves the image twice: data.size must be a multiple of 4, got {size}")
    return size // 4


class Generator(network.Generator):
    """Dense layer to 7x7x64, two transposed 5x5 convolutions of stride 2, tanh. Ignores labels."""

    def __init__(self, size: int, channels: int, latent: int) -> None:
        super().__init__(latent, 0, (channels, size, size))
        base = _quarter(size)
        features = 64 * base**2
        self.dense = nn.Sequential(nn.Linear(latent, features, bias=False), nn.BatchNorm1d(features, **NORM), _leaky())
        self.up = nn.Sequential(
            Unflatten(64, base, base),  # channels last, as in Keras
            nn.ConvTranspose2d(64, 32, 5, 2, 2, 1, bias=False), nn.BatchNorm2d(32, **NORM), _leaky(),  # [32, 14, 14]
            Double(32, channels, 5, 2, 2, 1, bias=False), nn.Tanh(),  # [1, 28, 28]
        )  # fmt: skip
        self.apply(glorot_uniform)  # the default of Keras

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        x: Tensor = self.up(self.dense(z))
        return x


class Discriminator(network.Discriminator):
    """Two 5x5 convolutions of stride 2 with leaky ReLU and dropout, one logit. Ignores labels."""

    def __init__(self, size: int, channels: int) -> None:
        super().__init__(0, (channels, size, size))
        base = _quarter(size)
        self.stack = nn.Sequential(
            Halve(channels, 32, 5, 2, 2), LeakyDropout(0.3, 0.3),  # [32, 14, 14]
            nn.Conv2d(32, 64, 5, 2, 2), LeakyDropout(0.3, 0.3),  # [64, 7, 7]
            Flatten(),
        )  # fmt: skip
        self.head = Head(64 * base**2, 0, "projection")
        self.apply(glorot_uniform)  # the default of Keras

    def forward(self, x: Tensor, y: Tensor) -> Verdict:
        return self.head(self.stack(x), y)
