"""Differentiable augmentation, ``x -> x``, applied wherever the discriminator is called, to real and fake alike.

Images [N, C, H, W] in [-1, 1] of any size keep shape, range and type; what enters from outside is background, -1. Each
image draws for itself from torch's global generator, on its own device.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gan.image import warp


def _centred(x: Tensor) -> Tensor:
    """Where the pixels of images [N, C, H, W] are, right and down of the centre in pixels, above a row of ones: [3, H W]."""
    down, right = (torch.arange(side, device=x.device) - (side - 1) / 2 for side in x.shape[2:])
    right, down = right.expand(x.shape[2:]), down[:, None].expand(x.shape[2:])
    return torch.stack([right, down, torch.ones_like(right)]).flatten(1)


def _sample(x: Tensor, place: Tensor) -> Tensor:
    """Images [N, C, H, W] as seen at ``place`` [N, 2, H W]: right and down of the centre in pixels."""
    n, _, h, w = x.shape
    right, down = place.view(n, 2, h, w).unbind(1)
    return warp(x, torch.stack([right * 2 / w, down * 2 / h], 3))


def affine(x: Tensor, turn: Tensor, growth: Tensor, shift: Tensor) -> Tensor:
    """Turn, enlarge and then move images [N, C, H, W] about their centres.

    ``turn``: radians counter-clockwise, [N]; ``growth``: a factor, [N]; ``shift``: pixels right and down, [2, N].
    """
    cos, sin = turn.cos() / growth, turn.sin() / growth
    right, down = shift
    # Row by row, from where a pixel is to where it comes from.
    inverse = torch.stack([cos, -sin, sin * down - cos * right, sin, cos, -sin * right - cos * down], 1)
    with torch.autocast(x.device.type, enabled=False):
        return _sample(x, (inverse.view(-1, 3) @ _centred(x)).view(len(x), 2, -1))


def _spread(x: Tensor, *shape: int) -> Tensor:
    """Uniform in [-1, 1), ``shape`` numbers for each image: [*shape, N]."""
    return torch.rand(*shape, len(x), device=x.device) * 2 - 1


class Identity(nn.Module):
    """No augmentation."""

    def forward(self, x: Tensor) -> Tensor:
        """Images [N, C, H, W] in [-1, 1], unchanged."""
        return x


class Affine(nn.Module):
    """Turns by up to ``rotation`` degrees, scales by up to the share ``scale`` and moves by up to ``translation`` pixels.

    A digit stays what it is, so nothing is mirrored. Raises ValueError where it would not: rotations over 30 degrees.
    """

    def __init__(self, rotation: float, scale: float, translation: float) -> None:
        super().__init__()
        if not 0 <= rotation <= 30:
            raise ValueError(f"augment.rotation must be in [0, 30] degrees (a 6 turned further becomes a 9), got {rotation}")
        if not 0 <= scale < 1 or translation < 0:
            raise ValueError(f"augment.scale must be in [0, 1) and augment.translation >= 0, got {scale} and {translation}")
        self.rotation, self.scale, self.translation = rotation, scale, translation

    def forward(self, x: Tensor) -> Tensor:
        """Images [N, C, H, W] in [-1, 1], each moved in its own way."""
        turn, growth, *shift = _spread(x, 4)
        turn, growth = turn * math.radians(self.rotation), 1 + growth * self.scale
        return affine(x, turn, growth, torch.stack(shift) * self.translation)


class Elastic(nn.Module):
    """Elastic distortion (Simard et al. 2003, section 2): every pixel is moved along a smooth random field.

    Each coordinate of the field is normal with a deviation of ``strength`` pixels, and correlated over about ``smoothness``
    pixels: noise under a Gaussian kernel, drawn on a lattice that is as wide as the kernel, since no finer one would show.
    """

    def __init__(self, strength: float, smoothness: float) -> None:
        super().__init__()
        if strength < 0 or smoothness < 1:
            raise ValueError(f"augment: strength must be >= 0 and smoothness >= 1 pixel, got {strength} and {smoothness}")
        self.strength, self.smoothness = strength, smoothness

    def _kernel(self, size: int, device: torch.device) -> Tensor:
        """From lattice to pixels, [size, lattice]; each row of unit norm, so that the field's deviation is 1 everywhere."""
        lattice = torch.arange(-self.smoothness, size + self.smoothness, self.smoothness, device=device)
        pixels = torch.arange(size, device=device)[:, None]
        return nn.functional.normalize((-(((pixels - lattice) / self.smoothness) ** 2) / 2).exp())

    def forward(self, x: Tensor) -> Tensor:
        """Images [N, C, H, W] in [-1, 1], each distorted in its own way."""
        rows, columns = (self._kernel(side, x.device) for side in x.shape[2:])
        noise = torch.randn(len(x), 2, rows.shape[1], columns.shape[1], device=x.device)
        with torch.autocast(x.device.type, enabled=False):
            field = (rows @ noise @ columns.T).flatten(2) * self.strength  # [N, 2, H W] in pixels
        return _sample(x, _centred(x)[:2] + field)


class DiffAugment(nn.Module):
    """Differentiable augmentation (Zhao et al. 2020, section 3.2, and its code): colour, translation, cutout, in this order.

    ``brightness`` adds up to so much; ``saturation`` and ``contrast`` stretch, up to the share, about an image's grey and
    about its mean. These three may leave [-1, 1]: a clamp would hide it from the generator. ``translation`` moves by whole
    pixels, up to this share of a side; ``cutout`` greys a square of this share of a side. The paper's numbers are 0.5, 1, 0.5,
    0.125 and 0.5.
    """

    def __init__(self, brightness: float, saturation: float, contrast: float, translation: float, cutout: float) -> None:
        super().__init__()
        numbers = (brightness, saturation, contrast, translation, cutout)
        if not all(0 <= number <= 1 for number in numbers):
            raise ValueError(f"augment: the numbers of diff_augment must be in [0, 1], got {', '.join(map(str, numbers))}")
        self.brightness, self.saturation, self.contrast, self.translation, self.cutout = numbers

    def forward(self, x: Tensor) -> Tensor:
        """Images [N, C, H, W] in [-1, 1], each with draws of its own."""
        if self.brightness or self.saturation or self.contrast:
            x = self._colour(x)
        if self.translation:
            x = self._move(x)
        return self._cut(x) if self.cutout else x

    def _colour(self, x: Tensor) -> Tensor:
        brightness, saturation, contrast = _spread(x, 3).to(x.dtype)[..., None, None, None]  # each [N, 1, 1, 1]
        x = x + brightness * self.brightness
        x = torch.lerp(x.mean(1, keepdim=True).expand_as(x), x, 1 + saturation * self.saturation)
        return torch.lerp(x.mean((1, 2, 3), keepdim=True).expand_as(x), x, 1 + contrast * self.contrast)

    def _move(self, x: Tensor) -> Tensor:
        n, _, h, w = x.shape
        reach = [round(side * self.translation) for side in (w, h)]
        shift = torch.stack([torch.randint(-far, far + 1, (n,), device=x.device) for far in reach])
        return affine(x, torch.zeros(n, device=x.device), torch.ones(n, device=x.device), shift)

    def _cut(self, x: Tensor) -> Tensor:
        def strip(side: int) -> Tensor:
            """Which places [N, side] lie in a strip around a random one."""
            centre = torch.rand(len(x), 1, device=x.device) * side
            return (torch.arange(side, device=x.device) + 0.5 - centre).abs() < side * self.cutout / 2

        hole = strip(x.shape[2])[:, None, :, None] & strip(x.shape[3])[:, None, None, :]
        return x.masked_fill(hole, 0)


class Adaptive(nn.Module):
    """Adaptive discriminator augmentation (Karras et al. 2020, "Training GANs with limited data", section 3).

    Each image meets each of ``pieces``, in turn, with probability ``p``. That starts at 0 and follows the discriminator's
    overfitting r_t = E[sign(D(real))]: it rises while r_t > ``target`` and falls otherwise, in [0, ``max_p``], at a pace that
    would take it from 0 to 1 in ``adjust_images`` images. Below 1 augmentation does not leak into what is generated.
    """

    p: Tensor

    def __init__(self, pieces: Mapping[str, nn.Module], target: float, adjust_images: float, max_p: float) -> None:
        super().__init__()
        if not (-1 <= target <= 1 and adjust_images > 0 and 0 <= max_p <= 1):
            raise ValueError(
                "augment: target must be in [-1, 1], adjust_images > 0 and max_p in [0, 1], "
                f"got {target}, {adjust_images} and {max_p}"
            )
        self.pieces = nn.ModuleDict(pieces)
        self.target, self.adjust_images, self.max_p = target, adjust_images, max_p
        self.register_buffer("p", torch.tensor(0.0))

    def forward(self, x: Tensor) -> Tensor:
        """Images [N, C, H, W] in [-1, 1], each with its own choice of pieces; at p = 0 the very same."""
        for piece in self.pieces.values():
            x = torch.where(torch.rand(len(x), 1, 1, 1, device=x.device) < self.p, piece(x), x)
        return x

    @torch.no_grad()
    def follow(self, images: int, real: Tensor) -> dict[str, Tensor]:
        """Move p after a step that showed ``images`` real images, over all devices, with logits ``real`` [N] on this one."""
        overfitting = real.sign().mean()
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(overfitting)
            overfitting /= torch.distributed.get_world_size()
        self.p += (overfitting - self.target).sign() * (images / self.adjust_images)
        self.p.clamp_(0, self.max_p)
        return {"augment/p": self.p.clone()}
