"""Faster equivalents of torch layers."""

import functools

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, dropout, leaky_relu_, pad, pixel_shuffle, pixel_unshuffle

from gan.error import UserError


def random_bits(count: int, seed: int) -> Tensor:
    """Return random int64 [count] by SFC64 (Doty-Humphrey, PractRand 0.94), from a seed from 0.

    One core draws them twice as fast as by torch's own generator.
    """
    return torch.from_numpy(np.random.SFC64(seed).random_raw(count).view(np.int64))


@functools.cache
def _scales(slope: float, scale: float, dtype: torch.dtype, integer: torch.dtype) -> tuple[int, int]:
    """The bits of ``scale``, and those in which ``scale`` times ``slope`` differs from it."""
    positive, negative = torch.tensor([1.0, slope], dtype=dtype).mul_(scale).view(integer).tolist()
    return positive, positive ^ negative


class LeakyDropout(nn.Module):
    """Leaky ReLU of ``slope``, then dropout of share ``p`` (Srivastava et al. 2014), in place.

    torch draws a float for each value, which took a third of a small discriminator's step on a CPU.
    Here 64 random bits decide for eight values: each pass keeps a share of n / 256. Chance chooses
    n or n + 1 for the whole pass, so that ``p`` is exact on average; the scale is exact for the
    chosen one. Each value is multiplied once, by 0, dropout's scale, or that scale times ``slope``.
    """

    def __init__(self, slope: float, p: float) -> None:
        super().__init__()
        if not 0 <= p <= 255 / 256:
            raise UserError(f"dropout must be from 0 to {255 / 256:.3f}, got {p}")
        self.slope, self.p = slope, p

    def forward(self, x: Tensor) -> Tensor:
        """Overwrite values of any shape and floating type; only leaky ReLU in evaluation."""
        if not self.training:
            return leaky_relu_(x, self.slope)
        if x.device.type != "cpu" or torch.compiler.is_compiling():  # a draw for each value is cheap there
            return dropout(leaky_relu_(x, self.slope), self.p)  # in place, the other's gradient would be lost
        seed, chance = torch.randint(2**53, (2,)).tolist()
        kept = int(256 * (1 - self.p) + chance / 2**53)  # of 256 values
        integer = {2: torch.int16, 4: torch.int32, 8: torch.int64}[x.itemsize]
        bits = random_bits(-(x.numel() // -8), seed).view(torch.int8)
        # Negative for the kept share: the sign, shifted over the value, gives all ones.
        mask = bits.to(torch.int16).sub_(kept - 128).bitwise_right_shift_(15).to(integer)
        # In the memory layout of x: work across layouts costs more than the draw.
        mask = mask.as_strided(x.shape, torch.empty_like(x).stride())
        positive, differ = _scales(self.slope, 256 / kept, x.dtype, integer)
        negative = x.detach().view(integer).bitwise_right_shift(8 * x.itemsize - 1)
        return x.mul_(negative.bitwise_and_(differ).bitwise_xor_(positive).bitwise_and_(mask).view(x.dtype))


class Flatten(nn.Module):
    """Values [N, C, H, W] to [N, H * W * C], the order in channels-last memory: a view, no copy."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


class Unflatten(nn.Module):
    """The inverse of :class:`Flatten`, to ``shape`` [C, H, W]."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        channels, height, width = self.shape
        return x.view(-1, height, width, channels).permute(0, 3, 1, 2)


def _pair_taps(weight: Tensor, padding: int) -> Tensor:
    """Return a stride-2 kernel [A, B, K, K] as [A, B, 3, 2, 3, 2]: pairs of taps on each axis.

    K is 4 with padding 1 or 5 with padding 2; zeros fill it up to six taps.
    """
    lead = 2 - padding
    return pad(weight, (lead, 6 - weight.shape[-1] - lead) * 2).view(*weight.shape[:2], 3, 2, 3, 2)


class Halve(nn.Conv2d):
    """A stride-2 convolution of few channels [N, before, 2H, 2W] to [N, after, H, W].

    If x needs a gradient, each 2x2 pixels become channels and the kernel becomes 3x3: the same sums
    (Shi et al. 2016, "Is the deconvolution layer the same as a convolutional layer?"), with a
    gradient three times as fast. Kernels of 4 with padding 1, or of 5 with padding 2.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not x.requires_grad:
            return super().forward(x)
        after, before = self.weight.shape[:2]
        pairs = _pair_taps(self.weight, int(self.padding[0]))
        kernel = pairs.permute(0, 1, 3, 5, 2, 4).reshape(after, 4 * before, 3, 3)
        return conv2d(_channels_last(pixel_unshuffle(x, 2)), _channels_last(kernel), self.bias, padding=1)


class Double(nn.ConvTranspose2d):
    """A stride-2 transposed convolution [N, before, H, W] to [N, after, 2H, 2W].

    It is a 3x3 convolution to four times the channels, which become 2x2 pixels: three times as
    fast. Kernels of 4 with padding 1, or of 5 with padding 2 and output padding 1.
    """

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        before, after = self.weight.shape[:2]
        pairs = _pair_taps(self.weight, int(self.padding[0])).flip(2, 4)
        kernel = pairs.permute(1, 3, 5, 0, 2, 4).reshape(4 * after, before, 3, 3)
        bias = None if self.bias is None else self.bias.repeat_interleave(4)
        return pixel_shuffle(conv2d(x, _channels_last(kernel), bias, padding=1), 2)


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)
