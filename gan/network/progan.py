"""ProGAN: progressive growing (Karras et al. 2018).

Both networks start at the base size and fade in each doubling on a schedule of images. Inputs and
outputs always have full size: the generator enlarges its image, the discriminator shrinks it. There
are ``width`` channels at full size, twice as many at each halving. As in the paper: equalised
learning rates, pixel norm, minibatch standard deviation. Unlike it: class labels, and a tanh for
the range [-1, 1].
"""

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, leaky_relu

from gan import network
from gan.network import Verdict
from gan.network.layer import Head, Labelled, split_size, widths
from gan.validate import integer


class Growth(nn.Module):
    """The stage of growth, by the images seen.

    A stage is stable for ``stable_images`` >= 0, then the next fades in over ``fade_images`` >= 1.
    """

    images: Tensor

    def __init__(self, stages: int, stable_images: int, fade_images: int) -> None:
        super().__init__()
        self.stages = stages
        self.stable_images = integer("network.stable_images", stable_images, 0, 10**9)
        self.fade_images = integer("network.fade_images", fade_images, 1, 10**9)
        self.register_buffer("images", torch.tensor(0))

    def forward(self) -> tuple[int, float]:
        """Return the stage in [0, stages] and its share in (0, 1]; the rest is the stage before."""
        stage, images = divmod(int(self.images), self.stable_images + self.fade_images)
        if stage >= self.stages:
            return self.stages, 1.0
        share = (images - self.stable_images) / self.fade_images
        return (stage + 1, share) if share > 0 else (stage, 1.0)

    def follow(self, images: int, real: Tensor) -> dict[str, Tensor]:
        self.images += images
        stage, share = self()
        return {"growth": torch.tensor(stage - 1 + share)}


def _enlarge(x: Tensor, times: int = 1) -> Tensor:
    return interpolate(x, scale_factor=2**times) if times else x


def _shrink(x: Tensor, times: int = 1) -> Tensor:
    return avg_pool2d(x, 2**times) if times else x


class Equal(nn.Module):
    """A layer with normal weights, scaled by He's constant in each pass (section 4.1)."""

    def __init__(self, layer: nn.Linear | nn.Conv2d, gain: float = math.sqrt(2)) -> None:
        super().__init__()
        self.layer, self.scale = layer, gain / math.sqrt(layer.weight[0].numel())
        nn.init.normal_(layer.weight)
        self.bias = nn.Parameter(torch.zeros(layer.weight.shape[0], *[1] * (layer.weight.ndim - 2)))
        layer.bias = None

    def forward(self, x: Tensor) -> Tensor:
        # It costs less to scale the input than the weights.
        return torch.add(self.layer(x * self.scale), self.bias.to(x.dtype))


def _pixel_norm(x: Tensor) -> Tensor:
    """Divide the channels of each place by their root mean square (section 4.2)."""
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


def _add_deviation(x: Tensor) -> Tensor:
    """Add a channel to ``x`` [N, C, H, W]: the mean deviation in groups of four (section 3)."""
    group = math.gcd(len(x), 4)
    spread = x.float().unflatten(0, (-1, group)).var(1, unbiased=False).add(1e-8).sqrt().mean((1, 2, 3))
    channel = spread.repeat_interleave(group).view(-1, 1, 1, 1).expand(-1, 1, *x.shape[2:])
    return torch.cat([x, channel.to(x.dtype)], 1)


class Generator(network.Generator):
    """Latent and class to an image of the current stage, enlarged to full size."""

    def __init__(
        self, size: int, channels: int, classes: int, latent: int, width: int, stable_images: int, fade_images: int
    ) -> None:
        super().__init__(latent, classes, (channels, size, size))
        self.base, count = split_size(size)
        w = widths(width, count, self.base)[::-1]  # [64, 32, 16]
        self.label = Labelled(latent, classes)
        self.dense = Equal(nn.Linear(self.label.width, w[0] * self.base**2), gain=math.sqrt(2) / 4)
        self.blocks = nn.ModuleList()
        for before, after in zip([w[0], *w], w, strict=False):
            self.blocks.append(nn.ModuleList(Equal(nn.Conv2d(c, after, 3, padding=1)) for c in (before, after)))
        self.to_image = nn.ModuleList(Equal(nn.Conv2d(after, channels, 1), gain=1) for after in w)
        self.growth = Growth(count, stable_images, fade_images)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        stage, share = self.growth()
        x = before = self.dense(_pixel_norm(self.label(z, y))).unflatten(1, (-1, self.base, self.base))
        for i, block in enumerate(self.blocks[: stage + 1]):
            before, x = x, _enlarge(x) if i else x
            for layer in block.children():
                x = _pixel_norm(leaky_relu(layer(x), 0.2))
        image: Tensor = self.to_image[stage](x)
        if share < 1:
            image = torch.lerp(_enlarge(self.to_image[stage - 1](before)), image, share)
        return torch.tanh(_enlarge(image, self.growth.stages - stage))


class Discriminator(network.Discriminator):
    """An image, shrunk to the current stage, to a verdict."""

    def __init__(
        self, size: int, channels: int, classes: int, width: int, stable_images: int, fade_images: int, condition: str
    ) -> None:
        super().__init__(classes, (channels, size, size))
        base, count = split_size(size)
        w = widths(width, count, base)  # [16, 32, 64]
        self.from_image = nn.ModuleList(Equal(nn.Conv2d(channels, before, 1)) for before in w)
        self.blocks = nn.ModuleList()
        for before, after in itertools.pairwise(w):
            self.blocks.append(nn.ModuleList(Equal(nn.Conv2d(before, c, 3, padding=1)) for c in (before, after)))
        self.last = Equal(nn.Conv2d(w[-1] + 1, w[-1], 3, padding=1))
        self.dense = Equal(nn.Linear(w[-1] * base**2, w[-1]))
        self.head = Head(w[-1], classes, condition)
        self.growth = Growth(count, stable_images, fade_images)

    def forward(self, x: Tensor, y: Tensor) -> Verdict:
        stage, share = self.growth()
        first = self.growth.stages - stage  # blocks stand from full size down
        image = _shrink(x, first)
        h = leaky_relu(self.from_image[first](image), 0.2)
        for i, block in enumerate(self.blocks[first:]):
            for layer in block.children():
                h = leaky_relu(layer(h), 0.2)
            h = _shrink(h)
            if not i and share < 1:
                h = torch.lerp(leaky_relu(self.from_image[first + 1](_shrink(image)), 0.2), h, share)
        h = leaky_relu(self.last(_add_deviation(h)), 0.2)
        return self.head(leaky_relu(self.dense(h.flatten(1)), 0.2), y)
