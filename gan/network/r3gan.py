"""R3GAN (Huang et al. 2024, "The GAN is dead; long live the GAN!"): residual, without norms.

Bottleneck blocks with grouped convolutions, and bilinear changes of size. The last layer of a block
starts at zero, so a new block is the identity (section 4; Zhang et al. 2019, "Fixup"). There are
``width`` channels at full size, twice as many at each halving, and ``depth`` blocks at each size.
The paper's networks are a thousand times larger.
"""

import itertools
from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from gan import network
from gan.error import UserError
from gan.network import Verdict
from gan.network.layer import Head, Labelled, he_normal, split_size, validate_depth, widths

EXPANSION = 2  # inner channels of a block for each outer one
GROUP = 16  # channels in a group of the 3x3 convolution


class Block(nn.Module):
    """``x + f(x)`` [N, channels, H, W]; f is a 1x1, a grouped 3x3 and a 1x1 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels * EXPANSION
        groups = max(1, inner // GROUP)
        if inner % groups:
            raise UserError(f"network.width must be a multiple of {GROUP // EXPANSION}, got {channels} channels")
        self.open = nn.Conv2d(channels, inner, 1)
        self.mix = nn.Conv2d(inner, inner, 3, padding=1, groups=groups, bias=False)
        self.close = nn.Conv2d(inner, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return torch.add(x, self.close(leaky_relu(self.mix(leaky_relu(self.open(x), 0.2)), 0.2)))


def _initialise(network: nn.Module) -> None:
    network.apply(he_normal)
    for module in network.modules():
        if isinstance(module, Block):
            nn.init.zeros_(module.close.weight)


class Generator(network.Generator):
    """Latent and class scale a learnt base image; blocks and doublings follow."""

    def __init__(self, size: int, channels: int, classes: int, latent: int, width: int, depth: int) -> None:
        super().__init__(latent, classes, (channels, size, size))
        base, count = split_size(size)
        w = widths(width, count, base)[::-1]  # [64, 32, 16]
        self.label = Labelled(latent, classes)
        self.base = nn.Parameter(torch.randn(w[0], base, base))
        self.dense = nn.Linear(self.label.width, w[0], bias=False)
        layers: list[nn.Module] = [Block(w[0]) for _ in range(validate_depth(depth))]
        for before, after in itertools.pairwise(w):
            convolution = nn.Conv2d(before, after, 1, bias=False)  # after the doubling, it would only cost more
            doubling = nn.Upsample(scale_factor=2, mode="bilinear")
            layers.append(nn.Sequential(OrderedDict(convolution=convolution, doubling=doubling)))
            layers += [Block(after) for _ in range(depth)]
        self.stack = nn.Sequential(*layers)
        self.out = nn.Conv2d(width, channels, 1)
        _initialise(self)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        x = self.dense(self.label(z, y))[:, :, None, None] * self.base
        return torch.tanh(self.out(self.stack(x)))


class Discriminator(network.Discriminator):
    """The mirror of the generator: blocks and halvings, then a learnt weight for each place."""

    def __init__(self, size: int, channels: int, classes: int, width: int, depth: int, condition: str) -> None:
        super().__init__(classes, (channels, size, size))
        base, count = split_size(size)
        w = widths(width, count, base)  # [16, 32, 64]
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 1), *(Block(width) for _ in range(validate_depth(depth)))]
        for before, after in itertools.pairwise(w):
            layers.append(nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(before, after, 1, bias=False)))  # bilinear halving
            layers += [Block(after) for _ in range(depth)]
        self.stack = nn.Sequential(*layers, nn.Conv2d(w[-1], w[-1], base, groups=w[-1], bias=False), nn.Flatten())
        self.dense = nn.Linear(w[-1], w[-1] * 2, bias=False)
        self.head = Head(w[-1] * 2, classes, condition)
        _initialise(self)

    def forward(self, x: Tensor, y: Tensor) -> Verdict:
        return self.head(self.dense(self.stack(x)), y)
