"""SNGAN: residual networks, and spectral norm in D (Miyato et al. 2018; Miyato & Koyama 2018).

There are ``width`` channels at full size and twice as many at each halving, down to ``base``. The
papers have 128 and more; 16 suits a laptop.
"""

import itertools

import torch
from torch import Tensor, nn

from gan import network
from gan.network import Verdict
from gan.network.layer import Down, Head, Up, add_spectral_norm, glorot_uniform, split_size, widths


class Generator(network.Generator):
    """Latent to an image by residual blocks; the class sets scale and shift of batch norms."""

    def __init__(self, size: int, channels: int, classes: int, latent: int, width: int) -> None:
        super().__init__(latent, classes, (channels, size, size))
        self.base, count = split_size(size)
        w = widths(width, count, self.base)[::-1]  # [64, 32, 16]
        self.dense = nn.Linear(latent, w[0] * self.base**2)
        self.blocks = nn.ModuleList(Up(before, after, classes) for before, after in itertools.pairwise(w))
        self.out = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(inplace=True), nn.Conv2d(width, channels, 3, padding=1))
        self.apply(glorot_uniform)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        x = self.dense(z).unflatten(1, (-1, self.base, self.base))
        for block in self.blocks:
            x = block(x, y)
        return torch.tanh(self.out(x))


class Discriminator(network.Discriminator):
    """An image to a verdict: halving residual blocks, two more, and a sum over all places."""

    def __init__(self, size: int, channels: int, classes: int, width: int, condition: str) -> None:
        super().__init__(classes, (channels, size, size))
        base, count = split_size(size)
        w = widths(width, count, base)  # [16, 32, 64]
        self.blocks = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            *(Down(before, after) for before, after in itertools.pairwise(w)),
            *(Down(w[-1], w[-1], halve=False) for _ in range(2)),
        )
        self.head = Head(w[-1], classes, condition, scale=1)
        self.apply(glorot_uniform)
        add_spectral_norm(self)

    def forward(self, x: Tensor, y: Tensor) -> Verdict:
        return self.head(self.blocks(x).relu().sum((2, 3)), y)
