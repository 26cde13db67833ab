"""A frozen copy of the generator that follows it: what every user sees."""

from copy import deepcopy
from typing import cast

import torch
from torch import Tensor, nn

from gan.network import Generator


class EMA(nn.Module):
    """Exponential moving average of a generator's parameters (Karras et al. 2018, section 4.1).

    ``half_life_images``: after so many images half of the old average is left; 0 copies the generator.
    Parameters are averaged; buffers (batch norm statistics, counters) are copied, since they average already.
    """

    generator: Generator

    def __init__(self, generator: nn.Module, half_life_images: float) -> None:
        super().__init__()
        if half_life_images < 0:
            raise ValueError(f"model.ema_half_life_images must be 0 (no average) or more, got {half_life_images}")
        self.half_life_images = half_life_images
        self.generator = cast(Generator, deepcopy(generator).requires_grad_(False).eval())

    @torch.no_grad()
    def update(self, generator: Generator, images: int) -> None:
        """Follow ``generator``, which has just learned from ``images`` more images."""
        decay = 0.5 ** (images / self.half_life_images) if self.half_life_images else 0.0
        torch._foreach_lerp_(list(self.generator.parameters()), list(generator.parameters()), 1 - decay)
        for mine, theirs in zip(self.generator.buffers(), generator.buffers(), strict=True):
            mine.copy_(theirs)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Images of the averaged generator."""
        return self.generator(z, y)

    def train(self, mode: bool = True) -> "EMA":
        """Stay in evaluation mode whatever the model around it does."""
        return super().train(False)
