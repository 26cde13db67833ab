"""Differentiable augmentation, ``x -> x``, applied wherever the discriminator is called, to real and fake alike."""

from torch import Tensor, nn


class Identity(nn.Module):
    """No augmentation."""

    def forward(self, x: Tensor) -> Tensor:
        """Images [N, C, H, W] in [-1, 1], unchanged."""
        return x
