"""A small class-conditional DCGAN (Radford et al. 2016) with a projection discriminator (Miyato & Koyama 2018).

Stages double the image from ``base`` (7 for 28x28, 4 for 32x32) to its size, the discriminator mirrors them, and
``width`` and ``depth`` make a family of it: ``width`` channels at half size, twice as many at each halving below, and
``depth`` 3x3 convolutions at each of these sizes. Full size, where convolutions cost most, is crossed by one layer.
"""

import itertools

from torch import Tensor, nn

from gan.network import Verdict
from gan.network.fast import Double, Halve
from gan.network.layer import Head, Labelled, he_normal, stages, widths


class Generator(nn.Module):
    """Latent and class embedding to an image; batch norm and leaky ReLU after every layer but the last, tanh there."""

    def __init__(self, size: int, channels: int, classes: int, latent: int, width: int, depth: int) -> None:
        super().__init__()
        self.latent, self.classes = latent, classes
        self.base, count = stages(size)
        w = widths(width, count - 1)[::-1]  # [64, 32] for two stages of width 32
        self.label = Labelled(latent, classes)
        self.dense = nn.Linear(self.label.width, w[0] * self.base**2, bias=False)
        layers: list[nn.Module] = [nn.BatchNorm2d(w[0]), nn.LeakyReLU(0.2, inplace=True)]
        for i in range(count):
            if i:
                layers += self._layer(nn.ConvTranspose2d(w[i - 1], w[i], 4, stride=2, padding=1, bias=False))
            for _ in range(depth):
                layers += self._layer(nn.Conv2d(w[i], w[i], 3, padding=1, bias=False))
        self.stack = nn.Sequential(*layers, Double(width, channels, 4, stride=2, padding=1), nn.Tanh())
        self.apply(he_normal)

    @staticmethod
    def _layer(convolution: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
        return [convolution, nn.BatchNorm2d(convolution.out_channels), nn.LeakyReLU(0.2, inplace=True)]

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Latents [N, latent] and labels [N] to images [N, channels, size, size] in [-1, 1]."""
        x: Tensor = self.stack(self.dense(self.label(z, y)).unflatten(1, (-1, self.base, self.base)))
        return x


class Discriminator(nn.Module):
    """An image to a verdict. ``norm``: "none", or "batch" after every convolution but the first, as the paper has it."""

    def __init__(
        self, size: int, channels: int, classes: int, width: int, depth: int, norm: str = "none", condition: str = "projection"
    ) -> None:
        super().__init__()
        if norm not in ("none", "batch"):
            raise ValueError(f"network.norm must be none or batch, got {norm}")
        base, count = stages(size)
        w = [channels, *widths(width, count - 1)]  # [1, 32, 64]
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(w):
            halve = nn.Conv2d if layers else Halve
            layers += self._layer(halve(before, after, 4, stride=2, padding=1), norm if layers else "none")
            for _ in range(depth):
                layers += self._layer(nn.Conv2d(after, after, 3, padding=1), norm)
        features = 4 * width
        dense = nn.Linear(w[-1] * base**2, features)
        self.stack = nn.Sequential(*layers, nn.Flatten(), dense, nn.LeakyReLU(0.2, inplace=True))
        self.head = Head(features, classes, condition)
        self.apply(he_normal)

    @staticmethod
    def _layer(convolution: nn.Conv2d, norm: str) -> list[nn.Module]:
        between = [nn.BatchNorm2d(convolution.out_channels)] if norm == "batch" else []
        return [convolution, *between, nn.LeakyReLU(0.2, inplace=True)]

    def forward(self, x: Tensor, y: Tensor) -> Verdict:
        """Images [N, channels, size, size] and labels [N] to a verdict."""
        verdict: Verdict = self.head(self.stack(x), y)
        return verdict
