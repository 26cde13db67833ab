"""R3GAN: a modern residual network without normalisation (Huang et al. 2024, "The GAN is dead; long live the GAN!").

Bottleneck blocks with grouped convolutions, whose last layer starts at zero so that a new network is almost the identity
(section 4; Zhang et al. 2019, "Fixup"), and bilinear changes of size. ``width`` channels at full size, twice as many at each
halving, and ``depth`` blocks at each size. Of the paper's ideas; its networks are three orders of magnitude larger.
"""

import itertools

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu

from gan.network import Verdict
from gan.network.layer import Head, Labelled, he_normal, stages, widths

EXPANSION = 2  # of a block's inner channels
GROUP = 16  # channels that see each other


class Block(nn.Module):
    """``x + f(x)``, f being 1x1, grouped 3x3 and 1x1 convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels * EXPANSION
        groups = max(1, inner // GROUP)
        if inner % groups:
            raise ValueError(f"network.width must give groups of {GROUP} channels: a multiple of {GROUP // EXPANSION} does")
        self.open = nn.Conv2d(channels, inner, 1)
        self.mix = nn.Conv2d(inner, inner, 3, padding=1, groups=groups, bias=False)
        self.close = nn.Conv2d(inner, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Values [N, channels, H, W] to the same shape."""
        h = leaky_relu(self.mix(leaky_relu(self.open(x), 0.2)), 0.2)
        return torch.add(x, self.close(h))


class Double(nn.Module):
    """A 1x1 change of channels, then bilinear doubling: in this order it costs less and is the same."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, after, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Values [N, before, H, W] to [N, after, 2H, 2W]."""
        return interpolate(self.convolution(x), scale_factor=2, mode="bilinear")


def _halve(before: int, after: int) -> nn.Module:
    """Bilinear halving, which is the mean of four, then a 1x1 change of channels."""
    return nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(before, after, 1, bias=False))


def _initialise(network: nn.Module) -> None:
    """He normal, but each block's last layer zero."""
    network.apply(he_normal)
    for module in network.modules():
        if isinstance(module, Block):
            nn.init.zeros_(module.close.weight)


class Generator(nn.Module):
    """Latent and class to a learnt base that they scale, then blocks and doublings."""

    def __init__(self, size: int, channels: int, classes: int, latent: int, width: int, depth: int) -> None:
        super().__init__()
        self.latent, self.classes = latent, classes
        base, count = stages(size)
        w = widths(width, count)[::-1]  # [64, 32, 16]
        self.label = Labelled(latent, classes)
        self.base = nn.Parameter(torch.randn(w[0], base, base))
        self.dense = nn.Linear(self.label.width, w[0], bias=False)
        layers: list[nn.Module] = [Block(w[0]) for _ in range(depth)]
        for before, after in itertools.pairwise(w):
            layers += [Double(before, after), *(Block(after) for _ in range(depth))]
        self.stack = nn.Sequential(*layers)
        self.out = nn.Conv2d(width, channels, 1)
        _initialise(self)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Latents [N, latent] and labels [N] to images [N, channels, size, size] in [-1, 1]."""
        x = self.dense(self.label(z, y))[:, :, None, None] * self.base
        return torch.tanh(self.out(self.stack(x)))


class Discriminator(nn.Module):
    """The mirror image of the generator: blocks and halvings, a learnt weight for each place, a verdict."""

    def __init__(self, size: int, channels: int, classes: int, width: int, depth: int, condition: str = "projection") -> None:
        super().__init__()
        base, count = stages(size)
        w = widths(width, count)  # [16, 32, 64]
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 1), *(Block(width) for _ in range(depth))]
        for before, after in itertools.pairwise(w):
            layers += [_halve(before, after), *(Block(after) for _ in range(depth))]
        self.stack = nn.Sequential(*layers, nn.Conv2d(w[-1], w[-1], base, groups=w[-1], bias=False), nn.Flatten())
        self.dense = nn.Linear(w[-1], w[-1] * 2, bias=False)
        self.head = Head(w[-1] * 2, classes, condition)
        _initialise(self)

    def forward(self, x: Tensor, y: Tensor) -> Verdict:
        """Images [N, channels, size, size] and labels [N] to a verdict."""
        verdict: Verdict = self.head(self.dense(self.stack(x)), y)
        return verdict
