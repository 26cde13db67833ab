"""SAGAN: self-attention in residual networks, spectral norm in both players (Zhang et al. 2019).

Attention looks over the image at half size, where a digit's strokes are still apart. Otherwise built and scaled as SNGAN.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, scaled_dot_product_attention

from gan.network import sngan
from gan.network.layer import glorot_uniform, spectral


class Attention(nn.Module):
    """Self-attention over the places of an image, added to it by a learnt share that starts at 0 (section 3).

    Queries and keys have an eighth of the channels, values half; keys and values are of the image halved, as in the
    authors' own code.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(1, channels // 8)
        self.query, self.key = (nn.Conv2d(channels, inner, 1, bias=False) for _ in range(2))
        self.value = nn.Conv2d(channels, channels // 2, 1, bias=False)
        self.out = nn.Conv2d(channels // 2, channels, 1, bias=False)
        self.share = nn.Parameter(Tensor([0.0]))

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Values [N, channels, H, W], H and W even, to the same shape; it does not look at labels."""
        query = self.query(x).flatten(2).transpose(1, 2)  # [N, HW, channels / 8]
        key, value = (max_pool2d(layer(x), 2).flatten(2).transpose(1, 2) for layer in (self.key, self.value))  # [N, HW / 4, ..]
        looked = scaled_dot_product_attention(query, key, value, scale=1.0).transpose(1, 2)
        return torch.add(x, self.share * self.out(looked.unflatten(2, x.shape[2:])))


class Generator(sngan.Generator):
    """SNGAN's generator with attention before its last block, and spectral norm."""

    def __init__(self, size: int, channels: int, classes: int, latent: int, width: int) -> None:
        super().__init__(size, channels, classes, latent, width)
        self.blocks.insert(len(self.blocks) - 1, Attention(2 * width).apply(glorot_uniform))
        spectral(self)


class Discriminator(sngan.Discriminator):
    """SNGAN's discriminator with attention after its first block."""

    def __init__(self, size: int, channels: int, classes: int, width: int, condition: str = "projection") -> None:
        super().__init__(size, channels, classes, width, condition)
        attention = Attention(2 * width).apply(glorot_uniform)
        spectral(attention)
        self.blocks.insert(2, attention)
