"""ProGAN: progressive growing (Karras et al. 2018).

Both networks start at the base size and fade in each doubling on a schedule of images, but always speak full size: the
generator enlarges what it draws, the discriminator shrinks what it sees. ``width`` channels at full size, twice as many at
each halving. As in the paper: equalised learning rates, pixel norm, the deviation over small groups as one more channel of
the discriminator. Unlike it: a tanh at the end, which this lab's range [-1, 1] asks for, and the class as an input.
"""

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, leaky_relu

from gan.network import Verdict
from gan.network.layer import Head, Labelled, stages, widths


class Growth(nn.Module):
    """How far the networks have grown: a stage, the next fading in, by the images seen.

    Every stage is stable for ``stable_images`` and then fades into the next over ``fade_images``; the last stays. Raises
    ValueError for a schedule without images.
    """

    images: Tensor

    def __init__(self, stages: int, stable_images: int, fade_images: int) -> None:
        super().__init__()
        if stable_images < 0 or fade_images < 1:
            raise ValueError(
                f"network.stable_images must be 0 or more, network.fade_images 1 or more, got {stable_images} and {fade_images}"
            )
        self.stages, self.stable_images, self.fade_images = stages, stable_images, fade_images
        self.register_buffer("images", torch.tensor(0))

    def forward(self) -> tuple[int, float]:
        """The stage [0, stages] at whose size images are drawn, and its share in (0, 1] beside the one before."""
        whole, into = divmod(int(self.images), self.stable_images + self.fade_images)
        if whole >= self.stages:
            return self.stages, 1.0
        fading = (into - self.stable_images) / self.fade_images
        return (whole + 1, fading) if fading > 0 else (whole, 1.0)

    def follow(self, images: int, real: Tensor) -> dict[str, Tensor]:
        """Grow by ``images`` more; gives how many stages stand."""
        self.images += images
        stage, share = self()
        return {"growth": torch.tensor(stage - 1 + share)}


def _double(x: Tensor, times: int = 1) -> Tensor:
    return interpolate(x, scale_factor=2**times) if times else x


def _halve(x: Tensor, times: int = 1) -> Tensor:
    return avg_pool2d(x, 2**times) if times else x


class Equal(nn.Module):
    """A layer with standard normal weights, scaled by He's constant as it is used (section 4.1), and zero biases."""

    def __init__(self, layer: nn.Linear | nn.Conv2d, gain: float = math.sqrt(2)) -> None:
        super().__init__()
        self.layer, self.scale = layer, gain / math.sqrt(layer.weight[0].numel())
        nn.init.normal_(layer.weight)
        self.bias = nn.Parameter(torch.zeros(layer.weight.shape[0], *[1] * (layer.weight.ndim - 2)))
        layer.bias = None

    def forward(self, x: Tensor) -> Tensor:
        """As the layer does. Scaling what goes in costs less than scaling the weights."""
        y: Tensor = self.layer(x * self.scale) + self.bias.to(x.dtype)
        return y


def _pixel_norm(x: Tensor) -> Tensor:
    """Every place's channels divided by their root mean square (section 4.2)."""
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


def _deviation(x: Tensor) -> Tensor:
    """``x`` [N, C, H, W] and one more channel: the mean deviation over groups of four neighbours or fewer (section 3)."""
    group = math.gcd(len(x), 4)
    spread = x.float().unflatten(0, (-1, group)).var(1, unbiased=False).add(1e-8).sqrt().mean((1, 2, 3))
    channel = spread.repeat_interleave(group).view(-1, 1, 1, 1).expand(-1, 1, *x.shape[2:])
    return torch.cat([x, channel.to(x.dtype)], 1)


class Generator(nn.Module):
    """Latent and class to an image of the stage the growth has reached, enlarged to full size."""

    def __init__(
        self, size: int, channels: int, classes: int, latent: int, width: int, stable_images: int, fade_images: int
    ) -> None:
        super().__init__()
        self.latent, self.classes = latent, classes
        self.base, count = stages(size)
        w = widths(width, count)[::-1]  # [64, 32, 16]
        self.label = Labelled(latent, classes)
        self.dense = Equal(nn.Linear(self.label.width, w[0] * self.base**2), gain=math.sqrt(2) / 4)
        pairs = zip([w[0], *w], w, strict=False)
        self.blocks = nn.ModuleList(
            nn.ModuleList(Equal(nn.Conv2d(inner, after, 3, padding=1)) for inner in (before, after)) for before, after in pairs
        )
        self.to_image = nn.ModuleList(Equal(nn.Conv2d(after, channels, 1), gain=1) for after in w)
        self.growth = Growth(count, stable_images, fade_images)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Latents [N, latent] and labels [N] to images [N, channels, size, size] in [-1, 1]."""
        stage, share = self.growth()
        x = before = self.dense(_pixel_norm(self.label(z, y))).unflatten(1, (-1, self.base, self.base))
        for i, block in enumerate(self.blocks[: stage + 1]):
            before, x = x, _double(x) if i else x
            for layer in block.children():
                x = _pixel_norm(leaky_relu(layer(x), 0.2))
        image: Tensor = self.to_image[stage](x)
        if share < 1:
            image = torch.lerp(_double(self.to_image[stage - 1](before)), image, share)
        return torch.tanh(_double(image, self.growth.stages - stage))


class Discriminator(nn.Module):
    """An image, shrunk to the stage the growth has reached, to a verdict."""

    def __init__(
        self,
        size: int,
        channels: int,
        classes: int,
        width: int,
        stable_images: int,
        fade_images: int,
        condition: str = "projection",
    ) -> None:
        super().__init__()
        base, count = stages(size)
        w = widths(width, count)  # [16, 32, 64]
        self.from_image = nn.ModuleList(Equal(nn.Conv2d(channels, before, 1)) for before in w)
        self.blocks = nn.ModuleList(
            nn.ModuleList(Equal(nn.Conv2d(before, inner, 3, padding=1)) for inner in (before, after))
            for before, after in itertools.pairwise(w)
        )
        self.last = Equal(nn.Conv2d(w[-1] + 1, w[-1], 3, padding=1))
        self.dense = Equal(nn.Linear(w[-1] * base**2, w[-1]))
        self.head = Head(w[-1], classes, condition)
        self.growth = Growth(count, stable_images, fade_images)

    def forward(self, x: Tensor, y: Tensor) -> Verdict:
        """Images [N, channels, size, size] and labels [N] to a verdict."""
        stage, share = self.growth()
        first = self.growth.stages - stage  # of the blocks, which stand in the order of falling size
        image = _halve(x, first)
        h = leaky_relu(self.from_image[first](image), 0.2)
        for i, block in enumerate(self.blocks[first:]):
            for layer in block.children():
                h = leaky_relu(layer(h), 0.2)
            h = _halve(h)
            if not i and share < 1:
                h = torch.lerp(leaky_relu(self.from_image[first + 1](_halve(image)), 0.2), h, share)
        h = leaky_relu(self.last(_deviation(h)), 0.2)
        verdict: Verdict = self.head(leaky_relu(self.dense(h.flatten(1)), 0.2), y)
        return verdict
