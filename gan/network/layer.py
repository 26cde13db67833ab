"""Blocks that several networks share."""

import torch
from torch import Tensor, nn
from torch.nn.functional import (
    conv2d,
    cross_entropy,
    dropout,
    interpolate,
    leaky_relu_,
    pad,
    pixel_shuffle,
    pixel_unshuffle,
)  # fmt: skip
from torch.nn.utils.parametrizations import spectral_norm

from gan.network import Verdict


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


def widths(width: int, count: int) -> list[int]:
    """Channels after each of ``count`` halvings of an image that has ``width`` at full size: 16, 32, 64 for 16 and 2."""
    return [width * 2**i for i in range(count + 1)]


def he_normal(module: nn.Module) -> None:
    """He normal weights for leaky ReLU 0.2 and zero biases (He et al. 2015, equation 15)."""
    if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_normal_(module.weight, 0.2, nonlinearity="leaky_relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def glorot_uniform(module: nn.Module) -> None:
    """Glorot uniform weights and zero biases (Glorot & Bengio 2010, equation 16)."""
    if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def spectral(network: nn.Module) -> None:
    """Divide every weight by its largest singular value, by one step of power iteration a pass (Miyato et al. 2018).

    After the initialisation, from which the first estimate is made. Norms stay as they are.
    """
    for module in list(network.modules()):
        if isinstance(module, nn.Linear | nn.Conv2d):
            spectral_norm(module)
        if isinstance(module, Head) and module.embed is not None:
            spectral_norm(module.embed)


class Labelled(nn.Module):
    """A latent [N, latent] and the embedding of its class side by side, [N, width]: the input of a generator."""

    def __init__(self, latent: int, classes: int) -> None:
        super().__init__()
        self.classes, self.width = classes, latent * 2 if classes else latent
        self.embed = nn.Embedding(max(classes, 1), latent if classes else 0)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Latents [N, latent] and labels [N], ignored where there are no classes."""
        return torch.cat([z, self.embed(y if self.classes else torch.zeros_like(y))], 1)


class Head(nn.Module):
    """The end of a discriminator: from features [N, features] and labels [N] to a verdict.

    ``condition`` says how the label enters, where there are ``classes``: "projection" adds the inner product of the features
    and the class's embedding, times ``scale``, to the logit (Miyato & Koyama 2018, equation 3); "auxiliary" also guesses the
    class (Odena et al. 2017, section 4); "both" does the one and the other. ``scale`` is 1 over the root of ``features``,
    since embeddings are standard normal; where it is given, it is for embeddings under spectral norm, which start small
    because a step then turns them further.
    Raises ValueError for another condition.
    """

    def __init__(self, features: int, classes: int, condition: str, scale: float | None = None) -> None:
        super().__init__()
        if condition not in ("projection", "auxiliary", "both"):
            raise ValueError(
                f"network.condition must be projection, auxiliary or both, got {condition}; network.classes=0 for none"
            )
        self.scale = features**-0.5 if scale is None else scale
        self.logit = nn.Linear(features, 1)
        self.embed = nn.Embedding(classes, features) if classes and condition != "auxiliary" else None
        if self.embed is not None and scale is not None:
            nn.init.normal_(self.embed.weight, 0, 0.05)
        self.guess = nn.Linear(features, classes) if classes and condition != "projection" else None

    def forward(self, features: Tensor, y: Tensor) -> Verdict:
        """Features [N, features] and labels [N] to a verdict."""
        logits = self.logit(features).squeeze(1)
        likelihood = torch.zeros_like(logits)
        if self.embed is not None:
            logits = logits + (features * self.embed(y)).sum(1) * self.scale
        if self.guess is not None:
            likelihood = -cross_entropy(self.guess(features).float(), y, reduction="none")
        return Verdict(logits, likelihood)


class ClassNorm(nn.Module):
    """Batch norm whose scale and shift are the class's own (Dumoulin et al. 2017; Miyato & Koyama 2018, section 5).

    Classes start a little apart, so that the discriminator has something to tell them by.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.scale = nn.Parameter(torch.ones(max(classes, 1), channels))
        self.shift = nn.Parameter(torch.zeros(max(classes, 1), channels))
        if classes:
            nn.init.normal_(self.scale, 1, 0.2)
            nn.init.normal_(self.shift, 0, 0.2)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Values [N, channels, H, W] and labels [N], ignored where there are no classes."""
        y = y if self.classes else torch.zeros_like(y)
        x = self.norm(x)
        scale, shift = (of_class[y].to(x.dtype)[:, :, None, None] for of_class in (self.scale, self.shift))
        return torch.addcmul(shift, x, scale)


class Up(nn.Module):
    """A residual block that doubles an image: class norm, ReLU, twice (Miyato et al. 2018, figure 8)."""

    def __init__(self, before: int, after: int, classes: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList([ClassNorm(before, classes), ClassNorm(after, classes)])
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        self.short = nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Values [N, before, H, W] and labels [N] to [N, after, 2H, 2W]."""
        h = self.first(interpolate(self.norms[0](x, y).relu(), scale_factor=2))
        h = self.second(self.norms[1](h, y).relu())
        # A 1x1 convolution costs less before doubling, and is the same.
        return torch.add(h, interpolate(self.short(x), scale_factor=2))


class Down(nn.Module):
    """A residual block without norms that halves an image, or keeps its size (Miyato et al. 2018, figure 8)."""

    def __init__(self, before: int, after: int, halve: bool = True) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        self.short = nn.Conv2d(before, after, 1)
        self.halve: nn.Module = nn.AvgPool2d(2) if halve else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Values [N, before, H, W] to [N, after, H / 2, W / 2], or [N, after, H, W]."""
        return torch.add(self.halve(self.second(self.first(x.relu()).relu())), self.short(self.halve(x)))
