"""Blocks that several networks share."""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Dropout (Srivastava et al. 2014) drawn from 16-bit integers: each value is zeroed with probability ``p``.

    torch draws one 32-bit number for each value, which took a third of a small discriminator's step on a CPU. Here a
    64-bit draw decides over four values; ``p`` is rounded to a multiple of 2^-16 and what is kept is scaled by
    exactly its probability.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        dropped = round(p * 2**16)
        if not 0 <= dropped < 2**16:
            raise ValueError(f"dropout must be in [0, 1), got {p}")
        self.threshold = dropped - 2**15  # int16 runs over [-2^15, 2^15)
        self.scale = 2**16 / (2**16 - dropped)

    def forward(self, x: Tensor) -> Tensor:
        """Values of any shape; unchanged in evaluation mode."""
        if not self.training:
            return x
        bits = torch.empty((x.numel() + 3) // 4, dtype=torch.int64, device=x.device).random_(-(2**63), None)
        # The mask takes the memory layout of x: multiplying across layouts costs more than the draw.
        mask = torch.empty_like(x, requires_grad=False)
        torch.ge(bits.view(torch.int16)[: x.numel()].as_strided(x.shape, mask.stride()), self.threshold, out=mask)
        return x * mask.mul_(self.scale)


def stages(size: int) -> tuple[int, int]:
    """The base >= 4 that doubles to ``size`` in the most stages, and how many: 28 is 7 in 2, 32 is 4 in 3.

    Raises ValueError where ``size`` is no base times 2^n with n >= 1.
    """
    base, count = size, 0
    while base % 2 == 0 and base >= 8:
        base, count = base // 2, count + 1
    if not count:
        raise ValueError(f"network: image size {size} is not base * 2^n with base >= 4 and n >= 1 (28, 32, 64 are)")
    return base, count
