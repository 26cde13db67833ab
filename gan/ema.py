"""The moving average of the generator: what every user sees."""

import math
from copy import deepcopy

import torch
from torch import Tensor, nn

from gan.network import Generator
from gan.validate import number


class EMA(nn.Module):
    """Exponential moving average of a generator's parameters (Karras et al. 2018, section 4.1).

    After ``half_life_images`` images, half of the old average is left; 0 copies the generator. The
    half-life is at most the share ``ramp`` of the images seen so far, so that the untrained start
    is soon forgotten (Karras et al. 2020, "Training GANs with limited data", appendix C: 0.05).
    Parameters are averaged. Buffers are copied: batch norm statistics are averages already.
    """

    def __init__(self, generator: Generator, half_life_images: float, ramp: float) -> None:
        super().__init__()
        self.half_life_images = number("model.ema_half_life_images", half_life_images, 0, 1e12)
        self.ramp = number("model.ema_ramp", ramp, 1e-6, math.inf)
        self.images = 0  # not a buffer: each step would wait to read it from the GPU
        self.generator = deepcopy(generator).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, generator: Generator, images: int) -> None:
        """Update after ``generator`` has learned from ``images`` more images."""
        self.images += images
        half_life = min(self.half_life_images, self.ramp * self.images)
        decay = 0.5 ** (images / half_life) if half_life else 0.0
        torch._foreach_lerp_(list(self.generator.parameters()), list(generator.parameters()), 1 - decay)
        for mine, theirs in zip(self.generator.buffers(), generator.buffers(), strict=True):
            mine.copy_(theirs)

    def get_extra_state(self) -> int:
        return self.images

    def set_extra_state(self, state: int) -> None:
        self.images = state

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.generator(z, y)

    def train(self, mode: bool = True) -> "EMA":
        """Stay in evaluation mode, whatever the mode of the model."""
        return super().train(False)
