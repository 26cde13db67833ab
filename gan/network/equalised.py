"""A DCGAN for scanned ink: D sees equalised grey levels, G draws sub-pixels.

A pixel that is 253 of 255 and one that is 254 look alike, but a network tells sets of them apart.
The discriminator of a GAN cannot: R1 bounds its slope, and one grey level is 1/128 of the range. So
it sees *tones*: grey levels spread by how often they occur (histogram equalisation; Gonzalez &
Woods 2008, section 3.3.1), as bytes, which is how images are saved. R1 then bounds the slope over
tones. They come from the training images and are part of the weights.

Besides DCGAN's layers it has a part that judges small patches alike, wherever they are: grey levels
differ anywhere.

The generator draws as a scanner does: a pixel is the area of its sub-pixels that are covered, times
the ink there. So it reaches exact black, and edges are grey as in a shrunk drawing. Most sub-pixels
are covered wholly or not at all. With equal areas, the grey levels k/16 would be too frequent.
"""

import torch
from torch import Tensor, nn

from gan.network import Verdict, dcgan
from gan.network.fast import Double
from gan.network.layer import he_normal
from gan.validate import integer

EQUAL = 0.5  # share of the range of tones that is spread evenly over grey levels; the rest by how often they occur
BLACK = 0.125  # of the range of tones lies between black and the darkest grey
GAIN = 1.1  # of the generator's tanh, so that it reaches both ends
INSIDE = 16  # sub-pixels of a pixel
SMALLEST, LARGEST = 0.3 / INSIDE, 1.7 / INSIDE  # areas of sub-pixels as shares of a pixel
STRETCH = 1.016  # of a pixel's coverage: less than 0.8 % of it is none, and less than that missing is all
PATCH_GAIN = 10.0  # of the patches' mean, so that small steps of its weights count
PLACES = 4096  # tones for which the grey level is known, from -1 to 1


def equalise(images: Tensor) -> Tensor:
    """The tone [256] of each grey level, rising from -1 to 1, for bytes of any shape."""
    counts = torch.bincount(images.flatten(), minlength=256).double().cpu()
    counts[0] = 0  # most of an image: its step is BLACK
    share = counts / counts.sum().clamp(min=1)
    steps = torch.lerp((share[1:] + share[:-1]) / 2, torch.full((255,), 1 / 255, dtype=torch.float64), EQUAL)
    steps[0] = 0
    steps *= (1 - BLACK) / steps.sum()
    steps[0] = BLACK
    return torch.cat([torch.zeros(1, dtype=torch.float32), steps.cumsum(0).float()]) * 2 - 1


def invert(tones: Tensor) -> Tensor:
    """The inverse of :func:`equalise`: a pixel in [-1, 1] for ``PLACES`` + 1 tones from -1 to 1."""
    place = torch.linspace(-1, 1, PLACES + 1, dtype=torch.float32)
    above = torch.searchsorted(tones, place).clamp(1, 255)
    low, high = tones[above - 1], tones[above]
    return (above - 1 + ((place - low) / (high - low)).clamp(0, 1)) / 127.5 - 1


def _pass(value: Tensor, x: Tensor) -> Tensor:
    """``value`` with the gradient of ``x`` (straight-through; Bengio et al. 2013, section 4)."""
    return value.detach() + (x - x.detach())


def _clamp(x: Tensor) -> Tensor:
    """``x`` within [-1, 1], with the gradient of ``x``: what is outside can come back."""
    return _pass(x.clamp(-1, 1), x)


class ToPixels(nn.Module):
    """Tones [N, C, H, W] in [-1, 1], others are clamped, to pixels in [-1, 1]."""

    pixels: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("pixels", torch.linspace(-1, 1, PLACES + 1, dtype=torch.float32))

    def calibrate(self, images: Tensor) -> None:
        """Take the grey levels of bytes [N, C, H, W]."""
        self.pixels.copy_(invert(equalise(images)))

    def forward(self, tone: Tensor) -> Tensor:
        tone = tone.float()
        place = (tone.clamp(-1, 1) + 1) * (PLACES / 2)
        below = place.detach().long().clamp(0, PLACES - 1)  # of nan, any: the result is nan all the same
        return _pass(torch.lerp(self.pixels[below], self.pixels[below + 1], place - below), tone)


class ToTones(nn.Module):
    """Pixels [N, C, H, W] in [-1, 1], rounded to bytes as they are saved, to tones in [-1, 1]."""

    tones: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("tones", torch.linspace(-1, 1, 256, dtype=torch.float32))

    def calibrate(self, images: Tensor) -> None:
        """Take the grey levels of bytes [N, C, H, W]."""
        self.tones.copy_(equalise(images))

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        level = ((x.detach() + 1) * 127.5).nan_to_num().round().clamp(0, 255).long()
        return _pass(self.tones[level], x)


class Generator(dcgan.Generator):
    """Latent and class to an image: DCGAN's, then ``depth`` convolutions at full size.

    These have ``fine`` channels. Another one gives each pixel its ink and its sub-pixels.
    """

    areas: Tensor

    def __init__(self, size: int, channels: int, classes: int, latent: int, width: int, depth: int, fine: int) -> None:
        super().__init__(size, channels, classes, latent, width, depth)
        *stack, _, _ = self.stack  # without its end
        end = dcgan.layer(Double(width, _validate_fine(fine), 4, stride=2, padding=1, bias=False))
        for _ in range(depth):
            end += dcgan.layer(nn.Conv2d(fine, fine, 3, padding=1, bias=False))
        end.append(nn.Conv2d(fine, channels * (1 + INSIDE), 3, padding=1))
        for part in end:
            part.apply(he_normal)
        self.stack = nn.Sequential(*stack, *end)
        self.to_pixels = ToPixels()
        self.register_buffer("areas", torch.linspace(SMALLEST, LARGEST, INSIDE, dtype=torch.float32).view(-1, 1, 1))

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        parts = super().forward(z, y).float().tanh() * GAIN
        tone, inside = parts.unflatten(1, (-1, 1 + INSIDE)).tensor_split([1], 2)  # of each channel
        ink = (self.to_pixels(tone.squeeze(2)) + 1) / 2
        cover = (_clamp((_clamp(inside) * self.areas).sum(2) * STRETCH) + 1) / 2
        x: Tensor = cover * ink * 2 - 1
        return x


class Patches(nn.Module):
    """Tones [N, C, H, W] to logits [N]: the mean over patches of 9x9, at first 0.

    As PatchGAN (Isola et al. 2017, section 3.2.2), beside a discriminator of the whole image.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after, stride in ((channels, width, 1), (width, 2 * width, 2), (2 * width, 2 * width, 1)):
            layers += dcgan.layer(nn.Conv2d(before, after, 3, stride, padding=1), has_norm=False)
        last = nn.Conv2d(2 * width, 1, 1)
        self.stack = nn.Sequential(*layers, last).apply(he_normal)
        nn.init.zeros_(last.weight)

    def forward(self, tones: Tensor) -> Tensor:
        found: Tensor = self.stack(tones)
        return found.float().mean((1, 2, 3)) * PATCH_GAIN


class Discriminator(dcgan.Discriminator):
    """An image to a verdict: a convolution to ``fine`` channels at full size, then DCGAN's.

    To the logit that of the patches is added.
    """

    def __init__(
        self, size: int, channels: int, classes: int, width: int, depth: int, norm: str, condition: str, fine: int
    ) -> None:
        super().__init__(size, channels, classes, width, depth, norm, condition)
        _, *stack = self.stack  # without its start
        start = [
            nn.Conv2d(channels, _validate_fine(fine), 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(fine, width, 4, stride=2, padding=1),
        ]
        for part in start:
            part.apply(he_normal)
        self.to_tones = ToTones()
        self.stack = nn.Sequential(*start, *stack)
        self.patches = Patches(channels, fine)

    def forward(self, x: Tensor, y: Tensor) -> Verdict:
        tones = self.to_tones(x).contiguous(memory_format=torch.channels_last)
        verdict = super().forward(tones, y)
        return Verdict(verdict.logits + self.patches(tones), verdict.likelihood)


def _validate_fine(fine: int) -> int:
    return integer("network.fine", fine, 1, 256)
