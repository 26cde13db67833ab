"""A small class-conditional DCGAN (Radford et al. 2016) with a projection discriminator (Miyato & Koyama 2018).

Stages double the image from ``base`` (7 for 28x28, 4 for 32x32) to its size, the discriminator mirrors them, and
``width`` and ``depth`` make a family of it: ``width`` channels at half size, twice as many at each halving below, and
``depth`` 3x3 convolutions at each of these sizes. Full size, where convolutions cost most, is crossed by one layer.
"""

import torch
from torch import Tensor, nn

from gan.network.layer import stages


def _initialise(module: nn.Module) -> None:
    """He normal weights for leaky ReLU 0.2 and zero biases (He et al. 2015, equation 15)."""
    if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_normal_(module.weight, 0.2, nonlinearity="leaky_relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class Generator(nn.Module):
    """Latent and class embedding to an image; batch norm and leaky ReLU after every layer but the last, tanh there."""

    def __init__(self, size: int, channels: int, classes: int, latent: int, width: int, depth: int) -> None:
        super().__init__()
        self.latent, self.classes = latent, classes
        self.base, count = stages(size)
        widths = [width * 2**i for i in reversed(range(count))]  # [128, 64] for two stages of width 64
        self.embed = nn.Embedding(max(classes, 1), latent if classes else 0)
        self.dense = nn.Linear(latent + self.embed.embedding_dim, widths[0] * self.base**2, bias=False)
        layers: list[nn.Module] = [nn.BatchNorm2d(widths[0]), nn.LeakyReLU(0.2, inplace=True)]
        for i, w in enumerate(widths):
            if i:
                layers += self._layer(nn.ConvTranspose2d(widths[i - 1], w, 4, stride=2, padding=1, bias=False))
            for _ in range(depth):
                layers += self._layer(nn.Conv2d(w, w, 3, padding=1, bias=False))
        self.stack = nn.Sequential(*layers, nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1), nn.Tanh())
        self.apply(_initialise)

    @staticmethod
    def _layer(convolution: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
        return [convolution, nn.BatchNorm2d(convolution.out_channels), nn.LeakyReLU(0.2, inplace=True)]

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Latents [N, latent] and labels [N] to images [N, channels, size, size] in [-1, 1]."""
        label = self.embed(y if self.classes else torch.zeros_like(y))
        x: Tensor = self.stack(self.dense(torch.cat([z, label], 1)).view(len(z), -1, self.base, self.base))
        return x


class Discriminator(nn.Module):
    """An image to a logit, plus the inner product of its features with the class embedding; no normalisation."""

    def __init__(self, size: int, channels: int, classes: int, width: int, depth: int) -> None:
        super().__init__()
        self.classes = classes
        base, count = stages(size)
        widths = [width * 2**i for i in range(count)]  # [64, 128]
        layers: list[nn.Module] = []
        for i, w in enumerate(widths):
            layers += self._layer(nn.Conv2d(widths[i - 1] if i else channels, w, 4, stride=2, padding=1))
            for _ in range(depth):
                layers += self._layer(nn.Conv2d(w, w, 3, padding=1))
        features = 4 * width
        self.stack = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(widths[-1] * base**2, features), nn.LeakyReLU(0.2, inplace=True)
        )
        self.logit = nn.Linear(features, 1)
        self.embed = nn.Embedding(max(classes, 1), features if classes else 0)
        self.apply(_initialise)

    @staticmethod
    def _layer(convolution: nn.Conv2d) -> list[nn.Module]:
        return [convolution, nn.LeakyReLU(0.2, inplace=True)]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Images [N, channels, size, size] and labels [N] to logits [N]."""
        features = self.stack(x)
        label = self.embed(y if self.classes else torch.zeros_like(y))
        logits: Tensor = self.logit(features).squeeze(1)
        if self.classes:
            logits = logits + (features * label).sum(1) / features.shape[1] ** 0.5
        return logits
