"""Layers that stand for torch's, the same sums in a form that processors do sooner."""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, dropout, leaky_relu_, pad, pixel_shuffle, pixel_unshuffle


def random_bits(count: int, seed: int) -> Tensor:
    """Random int64 [count] over their whole range: SplitMix64 (Steele et al. 2014, figure 16) from an int64 ``seed``.

    By all threads, where torch's own generator has one: three times as fast on two cores.
    """
    z = torch.arange(seed, seed + count).mul_(-0x61C8864680B583EB)
    for shift, factor in ((30, -0x40A7B892E31B1A47), (27, -0x6B2FB644ECCEEE15), (31, 1)):
        z.bitwise_xor_(z.bitwise_right_shift(shift).bitwise_and_(2 ** (64 - shift) - 1))
        if factor != 1:
            z.mul_(factor)
    return z


class LeakyDropout(nn.Module):
    """Leaky ReLU of ``slope``, then dropout of share ``p`` (Srivastava et al. 2014), in place and as one multiplication.

    torch draws and compares a float for each value, which took a third of a small discriminator's step on a CPU. Here
    64 random bits decide over four values of bf16 (two of float32): the sign of each part, and of each value, choose
    between the bits of 0, of the scale and of ``slope`` times it. ``p`` is rounded to a multiple of 2^-15, and what is kept
    is scaled by exactly its probability, as near as the type of the values can hold that.
    """

    def __init__(self, slope: float, p: float) -> None:
        super().__init__()
        self.kept = round((1 - p) * 2**15)
        if not 0 < self.kept <= 2**15:
            raise ValueError(f"dropout must be in [0, 1), got {p}")
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        """Values of any shape and floating type, overwritten; leaky ReLU alone in evaluation mode."""
        if not self.training:
            return leaky_relu_(x, self.slope)
        if x.device.type != "cpu" or torch.compiler.is_compiling():  # where one draw for each value costs little
            return dropout(leaky_relu_(x, self.slope), 1 - self.kept / 2**15, inplace=True)
        bits, integer = 8 * x.itemsize, {2: torch.int16, 4: torch.int32, 8: torch.int64}[x.itemsize]
        drawn = random_bits(-(x.numel() * x.itemsize // -8), int(torch.randint(-(2**62), 2**62, ()))).view(integer)
        # In the memory layout of x: working across layouts costs more than the draw.
        kept = drawn[: x.numel()].as_strided(x.shape, torch.empty_like(x).stride())
        # One bit less leaves room for a difference, which is negative for the share that is kept; its sign, shifted over
        # the whole value, is all ones there.
        kept.bitwise_right_shift_(1).sub_(self.kept * 2 ** (bits - 16) - 2 ** (bits - 2)).bitwise_right_shift_(bits - 1)
        scales = torch.tensor([1.0, self.slope], dtype=x.dtype).mul_(2**15 / self.kept).view(integer)
        positive, differ = int(scales[0]), int(scales[0] ^ scales[1])
        negative = x.detach().view(integer).bitwise_right_shift(bits - 1)
        return x.mul_(negative.bitwise_and_(differ).bitwise_xor_(positive).bitwise_and_(kept).view(x.dtype))


class Flatten(nn.Module):
    """Values [N, C, H, W] to [N, H * W * C]: their order in memory where channels come last, so that nothing is copied."""

    def forward(self, x: Tensor) -> Tensor:
        """A view."""
        return x.permute(0, 2, 3, 1).flatten(1)


class Unflatten(nn.Module):
    """The way back, to ``shape`` [C, H, W]."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """A view."""
        channels, height, width = self.shape
        return x.view(-1, height, width, channels).permute(0, 3, 1, 2)


def _in_pairs(weight: Tensor, padding: int) -> Tensor:
    """A kernel [A, B, 4, 4] of padding 1 or [A, B, 5, 5] of padding 2, for stride 2, as [A, B, 3, 2, 3, 2].

    Of each axis's six taps, from an even place on, the first index counts pairs and the second is the place in a pair.
    """
    lead = 2 - padding
    return pad(weight, (lead, 6 - weight.shape[-1] - lead) * 2).view(*weight.shape[:2], 3, 2, 3, 2)


class Halve(nn.Conv2d):
    """A convolution of stride 2 from an image's few channels, with a gradient for the image that is not slow.

    Where that gradient is asked for, the 2x2 pixels of each place become channels and the kernel 3x3: the same sums
    (Shi et al. 2016, "Is the deconvolution layer the same as a convolutional layer?"), of which processors find the
    gradient three times as fast. Kernels of 4 with padding 1, or of 5 with padding 2.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Values [N, before, 2H, 2W] to [N, after, H, W]."""
        if not x.requires_grad:
            return super().forward(x)
        after, before = self.weight.shape[:2]
        kernel = _in_pairs(self.weight, int(self.padding[0])).permute(0, 1, 3, 5, 2, 4).reshape(after, 4 * before, 3, 3)
        return conv2d(_last(pixel_unshuffle(x, 2)), _last(kernel), self.bias, padding=1)


class Double(nn.ConvTranspose2d):
    """The mirror of :class:`Halve`: a transposed convolution of stride 2 to an image's few channels, three times as fast.

    As a 3x3 convolution to four times the channels, which become the 2x2 pixels of each place. Kernels of 4 with padding
    1, or of 5 with padding 2 and output padding 1.
    """

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Values [N, before, H, W] to [N, after, 2H, 2W]."""
        before, after = self.weight.shape[:2]
        kernel = (
            _in_pairs(self.weight, int(self.padding[0])).flip(2, 4).permute(1, 3, 5, 0, 2, 4).reshape(4 * after, before, 3, 3)
        )
        bias = None if self.bias is None else self.bias.repeat_interleave(4)
        return pixel_shuffle(conv2d(x, _last(kernel), bias, padding=1), 2)


def _last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)
