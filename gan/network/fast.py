"""Faster equivalents of torch layers."""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, dropout, leaky_relu_, pad, pixel_shuffle, pixel_unshuffle

from gan.error import UserError


def random_bits(count: int, seed: int) -> Tensor:
    """Return random int64 [count] by SplitMix64 (Steele et al. 2014, figure 16) from an int64 seed.

    It uses all threads, unlike torch's own generator: three times as fast on two cores.
    """
    z = torch.arange(seed, seed + count).mul_(-0x61C8864680B583EB)
    for shift, factor in ((30, -0x40A7B892E31B1A47), (27, -0x6B2FB644ECCEEE15), (31, 1)):
        z.bitwise_xor_(z.bitwise_right_shift(shift).bitwise_and_(2 ** (64 - shift) - 1))
        if factor != 1:
            z.mul_(factor)
    return z


class LeakyDropout(nn.Module):
    """Leaky ReLU of ``slope``, then dropout of share ``p`` (Srivastava et al. 2014), in place.

    torch draws a float for each value, which took a third of a small discriminator's step on a CPU.
    Here 64 random bits decide for four values of bf16 or two of float32. Each value is multiplied
    once, by 0, dropout's scale, or that scale times ``slope``. ``p`` is rounded to a multiple of
    2^-15; the scale is exact for the rounded ``p``.
    """

    def __init__(self, slope: float, p: float) -> None:
        super().__init__()
        self.kept = round((1 - p) * 2**15)
        if not 0 < self.kept <= 2**15:
            raise UserError(f"dropout must be in [0, 1), got {p}")
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        """Overwrite values of any shape and floating type; only leaky ReLU in evaluation."""
        if not self.training:
            return leaky_relu_(x, self.slope)
        if x.device.type != "cpu" or torch.compiler.is_compiling():  # a draw for each value is cheap there
            return dropout(leaky_relu_(x, self.slope), 1 - self.kept / 2**15, inplace=True)
        bits, integer = 8 * x.itemsize, {2: torch.int16, 4: torch.int32, 8: torch.int64}[x.itemsize]
        drawn = random_bits(-(x.numel() * x.itemsize // -8), int(torch.randint(-(2**62), 2**62, ()))).view(integer)
        # In the memory layout of x: work across layouts costs more than the draw.
        kept = drawn[: x.numel()].as_strided(x.shape, torch.empty_like(x).stride())
        # The shift by one bit prevents an overflow of the difference, which is negative for the
        # kept share. Its sign, shifted over the whole value, gives all ones.
        kept.bitwise_right_shift_(1).sub_(self.kept * 2 ** (bits - 16) - 2 ** (bits - 2)).bitwise_right_shift_(bits - 1)
        scales = torch.tensor([1.0, self.slope], dtype=x.dtype).mul_(2**15 / self.kept).view(integer)
        positive, differ = int(scales[0]), int(scales[0] ^ scales[1])
        negative = x.detach().view(integer).bitwise_right_shift(bits - 1)
        return x.mul_(negative.bitwise_and_(differ).bitwise_xor_(positive).bitwise_and_(kept).view(x.dtype))


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
