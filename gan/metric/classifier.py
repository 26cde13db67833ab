"""The two classifiers of digits behind the figures, and how the second one's images are changed.

Images [N, C, H, H] in [-1, 1] to features [N, ``width``] and logits [N, ``classes``].
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, interpolate, relu

from gan.image import warp

BEND = 0.7  # pixels, the standard deviation of an elastic displacement


class Classifier(nn.Module):
    """The first classifier, a stack of convolutions.

    The dense layer sees the whole map (7x7 of 28x28): pooling would lose where strokes are.
    """

    width = 128

    def __init__(self, classes: int = 10, channels: int = 1, size: int = 28) -> None:
        super().__init__()
        self.shape, self.classes = (channels, size, size), classes
        self.stack = self._stack(channels, size)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(self.width, classes))

    def _stack(self, channels: int, size: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(channels, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),  # 14x14
            nn.Conv2d(32, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),  # 7x7
            nn.Conv2d(64, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
            nn.Flatten(), nn.Linear(64 * (size // 4) ** 2, self.width, bias=False), nn.BatchNorm1d(self.width),
            nn.ReLU(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.stack(x)
        return features, self.head(features)


class Residual(Classifier):
    """The second classifier, a residual network (He et al. 2016) with strides, not pooling."""

    def _stack(self, channels: int, size: int) -> nn.Sequential:
        side = -(-size // 4)
        return nn.Sequential(
            nn.Conv2d(channels, 32, 5, 2, 2, bias=False), nn.BatchNorm2d(32), nn.ReLU(),  # 14x14
            Block(32, 64, 2), Block(64, 64, 1), nn.Conv2d(64, 32, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),  # 7x7
            nn.Flatten(), nn.Linear(32 * side**2, self.width, bias=False), nn.BatchNorm1d(self.width), nn.ReLU(),
        )  # fmt: skip


class Block(nn.Module):
    """relu(f(x) + s(x)): two convolutions f, and a shortcut s that fits the shape."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.f = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width),
        )  # fmt: skip
        self.s = nn.Sequential()
        if (channels, 1) != (width, stride):
            self.s = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        return relu(self.f(x) + self.s(x))


def bend(x: Tensor, source: torch.Generator, strength: float = BEND) -> Tensor:
    """Jitter and distort images elastically (Simard et al. 2003); keep every fourth as it is.

    Displacements are normal on a lattice of 7 pixels, with a deviation of ``strength`` pixels, and
    smooth between. One sampling does both: two would blur.
    """
    n, size = len(x), x.shape[-1]
    lattice = torch.randn(n, 2, size // 7 + 1, size // 7 + 1, generator=source)
    field = interpolate(lattice, size=(size, size), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    bent = warp(x, affine(x, source) + field * (strength * 2 / size))
    return torch.where((torch.arange(n) % 4 == 0).view(n, 1, 1, 1), x, bent)


def affine(x: Tensor, source: torch.Generator) -> Tensor:
    """Where to sample images to turn, shear, scale and move them a little, [N, H, H, 2]."""
    draw = torch.rand(5, len(x), generator=source) * 2 - 1
    angle, shear, scale = draw[0] * math.radians(12), draw[1] * 0.15, 1 + draw[2] * 0.12
    cos, sin = angle.cos() * scale, angle.sin() * scale
    shift = draw[3:] * 4 / x.shape[-1]  # affine_grid counts a pixel as 2 / size
    theta = torch.stack([cos, -sin + shear, shift[0], sin, cos, shift[1]], 1).view(-1, 2, 3)
    return affine_grid(theta, list(x.shape), align_corners=False)
