"""SAGAN: self-attention in residual networks, spectral norm in both players (Zhang et al. 2019).

Attention stands at half size, where the strokes of a digit are still apart. The rest is SNGAN.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, scaled_dot_product_attention

from gan.network import sngan
from gan.network.layer import add_spectral_norm, glorot_uniform


class Attention(nn.Module):
    """Self-attention over all places, added with a learnt weight that starts at 0 (section 3).

    Queries and keys have an eighth of the channels, values half. As in the authors' code, keys and
    values are max-pooled to half size, so H and W are even. Labels are ignored.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(1, channels // 8)
        self.query, self.key = (nn.Conv2d(channels, inner, 1, bias=False) for _ in range(2))
        self.value = nn.Conv2d(channels, channels // 2, 1, bias=False)
        self.out = nn.Conv2d(channels // 2, channels, 1, bias=False)
        self.share = nn.Parameter(Tensor([0.0]))

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        query = self.query(x).flatten(2).transpose(1, 2)  # [N, HW, channels / 8]
        pooled = (max_pool2d(layer(x), 2) for layer in (self.key, self.value))
        key, value = (half.flatten(2).transpose(1, 2) for half in pooled)  # [N, HW / 4, ...]
        seen = scaled_dot_product_attention(query, key, value, scale=1.0).transpose(1, 2)
        return torch.add(x, self.share * self.out(seen.unflatten(2, x.shape[2:])))


class Generator(sngan.Generator):
    """SNGAN's generator with attention before its last block, and spectral norm."""

    def __init__(self, size: int, channels: int, classes: int, latent: int, width: int) -> None:
        super().__init__(size, channels, classes, latent, width)
        self.blocks.insert(len(self.blocks) - 1, Attention(2 * width).apply(glorot_uniform))
        add_spectral_norm(self)


class Discriminator(sngan.Discriminator):
    """SNGAN's discriminator with attention after its first block."""

    def __init__(self, size: int, channels: int, classes: int, width: int, condition: str) -> None:
        super().__init__(size, channels, classes, width, condition)
        attention = Attention(2 * width).apply(glorot_uniform)
        add_spectral_norm(attention)
        self.blocks.insert(2, attention)
