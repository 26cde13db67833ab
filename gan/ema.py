"""A frozen copy of the generator that follows it: what every user sees."""

import math
from copy import deepcopy
from typing import cast

import torch
from torch import Tensor, nn

from gan.network import Generator


class EMA(nn.Module):
    """Exponential moving average of a generator's parameters (Karras et al. 2018, section 4.1).

    ``half_life_images``: after so many images half of the old average is left; 0 copies the generator. It is never more
    than the share ``ramp`` of the images seen so far, so that the untrained start is soon forgotten (Karras et al. 2020,
    "Training GANs with limited data", appendix C: 0.05); a ramp of infinity leaves the half-life as it is.
    Parameters are averaged; buffers (batch norm statistics, counters) are copied, since they average already.
    """

    generator: Generator

    def __init__(self, generator: nn.Module, half_life_images: float, ramp: float = math.inf) -> None:
        super().__init__()
        if half_life_images < 0:
            raise ValueError(f"model.ema_half_life_images must be 0 (no average) or more, got {half_life_images}")
        if not ramp > 0:
            raise ValueError(f"model.ema_ramp must be more than 0, got {ramp}")
        self.half_life_images, self.ramp = half_life_images, ramp
        self.images = 0  # a number, not a buffer: reading one back from a GPU would make every step wait for it
        self.generator = cast(Generator, deepcopy(generator).requires_grad_(False).eval())

    @torch.no_grad()
    def update(self, generator: Generator, images: int) -> None:
        """Follow ``generator``, which has just learned from ``images`` more images."""
        self.images += images
        half_life = min(self.half_life_images, self.ramp * self.images)
        decay = 0.5 ** (images / half_life) if half_life else 0.0
        torch._foreach_lerp_(list(self.generator.parameters()), list(generator.parameters()), 1 - decay)
        for mine, theirs in zip(self.generator.buffers(), generator.buffers(), strict=True):
            mine.copy_(theirs)

    def get_extra_state(self) -> int:
        """For the checkpoint: the images seen."""
        return self.images

    def set_extra_state(self, state: int) -> None:
        """From the checkpoint."""
        self.images = state

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Images of the averaged generator."""
        return self.generator(z, y)

    def train(self, mode: bool = True) -> "EMA":
        """Stay in evaluation mode whatever the model around it does."""
        return super().train(False)
