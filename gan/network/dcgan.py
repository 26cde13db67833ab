"""A small class-conditional DCGAN (Radford et al. 2016), with projection (Miyato & Koyama 2018).

The generator doubles the image from ``base`` (7 for 28x28, 4 for 32x32) to its size. There are
``width`` channels at half size, twice as many at each halving below, and ``depth`` 3x3 convolutions
at each of these sizes. Full size, where convolutions cost most, has a single layer.
"""

import itertools

from torch import Tensor, nn

from gan import network
from gan.error import UserError
from gan.network import Verdict
from gan.network.fast import Double, Halve
from gan.network.layer import Head, Labelled, he_normal, split_size, validate_depth, widths


def layer(convolution: nn.Conv2d | nn.ConvTranspose2d, has_norm: bool = True) -> list[nn.Module]:
    """A convolution, batch norm, leaky ReLU."""
    norm = [nn.BatchNorm2d(convolution.out_channels)] if has_norm else []
    return [convolution, *norm, nn.LeakyReLU(0.2, inplace=True)]


class Generator(network.Generator):
    """Latent and class to an image: batch norm and leaky ReLU after each layer, tanh at the end."""

    def __init__(self, size: int, channels: int, classes: int, latent: int, width: int, depth: int) -> None:
        super().__init__(latent, classes, (channels, size, size))
        self.base, count = split_size(size)
        w = widths(width, count - 1, self.base)[::-1]  # [64, 32] for two stages of width 32
        self.label = Labelled(latent, classes)
        self.dense = nn.Linear(self.label.width, w[0] * self.base**2, bias=False)
        layers: list[nn.Module] = [nn.BatchNorm2d(w[0]), nn.LeakyReLU(0.2, inplace=True)]
        for i in range(count):
            if i:
                layers += layer(nn.ConvTranspose2d(w[i - 1], w[i], 4, stride=2, padding=1, bias=False))
            for _ in range(validate_depth(depth)):
                layers += layer(nn.Conv2d(w[i], w[i], 3, padding=1, bias=False))
        self.stack = nn.Sequential(*layers, Double(width, channels, 4, stride=2, padding=1), nn.Tanh())
        self.apply(he_normal)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        x: Tensor = self.stack(self.dense(self.label(z, y)).unflatten(1, (-1, self.base, self.base)))
        return x


class Discriminator(network.Discriminator):
    """An image to a verdict. ``norm``: "none" or the paper's "batch" (not in the first layer)."""

    def __init__(
        self, size: int, channels: int, classes: int, width: int, depth: int, norm: str, condition: str
    ) -> None:
        super().__init__(classes, (channels, size, size))
        if norm not in ("none", "batch"):
            raise UserError(f"network.norm must be none or batch, got {norm}")
        base, count = split_size(size)
        w = [channels, *widths(width, count - 1, base)]  # [1, 32, 64]
        has_norm = norm == "batch"
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(w):
            halve = nn.Conv2d if layers else Halve
            layers += layer(halve(before, after, 4, stride=2, padding=1), has_norm and bool(layers))
            for _ in range(validate_depth(depth)):
                layers += layer(nn.Conv2d(after, after, 3, padding=1), has_norm)
        dense = nn.Linear(w[-1] * base**2, 4 * width)
        self.stack = nn.Sequential(*layers, nn.Flatten(), dense, nn.LeakyReLU(0.2, inplace=True))
        self.head = Head(4 * width, classes, condition)
        self.apply(he_normal)

    def forward(self, x: Tensor, y: Tensor) -> Verdict:
        return self.head(self.stack(x), y)
