"""Differentiable augmentation of real and fake images, ``x -> x``, before each discriminator call.

Images [N, C, H, W] in [-1, 1] keep shape, range and type; pixels from outside are background, -1.
Each image has its own draws from torch's global generator.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gan.image import warp
from gan.validate import number


def _positions(x: Tensor) -> Tensor:
    """Return pixels right and down of the centre of images [N, C, H, W], and ones: [3, H W]."""
    down, right = (torch.arange(side, device=x.device) - (side - 1) / 2 for side in x.shape[2:])
    right, down = right.expand(x.shape[2:]), down[:, None].expand(x.shape[2:])
    return torch.stack([right, down, torch.ones_like(right)]).flatten(1)


def _sample(x: Tensor, positions: Tensor) -> Tensor:
    """Sample images [N, C, H, W] at ``positions`` [N, 2, H W], pixels from the centre."""
    n, _, h, w = x.shape
    right, down = positions.view(n, 2, h, w).unbind(1)
    return warp(x, torch.stack([right * 2 / w, down * 2 / h], 3))


def affine(x: Tensor, turn: Tensor, growth: Tensor, shift: Tensor) -> Tensor:
    """Turn and scale images [N, C, H, W] about their centres, then move them.

    ``turn``: radians counter-clockwise [N]; ``growth``: factors [N]; ``shift``: pixels right and
    down [2, N].
    """
    cos, sin = turn.cos() / growth, turn.sin() / growth
    right, down = shift
    # The inverse maps each output pixel to its source.
    inverse = torch.stack([cos, -sin, sin * down - cos * right, sin, cos, -sin * right - cos * down], 1)
    with torch.autocast(x.device.type, enabled=False):
        return _sample(x, (inverse.view(-1, 3) @ _positions(x)).view(len(x), 2, -1))


def _draw(x: Tensor, count: int) -> Tensor:
    """Draw ``count`` numbers for each image, uniform in [-1, 1): [count, N]."""
    return torch.rand(count, len(x), device=x.device) * 2 - 1


class Identity(nn.Identity):
    """No augmentation."""


class Affine(nn.Module):
    """Random rotation, scaling and translation, without mirroring, which would change the digit.

    At most ``rotation`` (30) degrees, ``scale`` of the size (0.9) and ``translation`` pixels.
    """

    def __init__(self, rotation: float, scale: float, translation: float) -> None:
        super().__init__()
        self.rotation = number("augment.rotation", rotation, 0, 30)  # at 180, a 6 would become a 9
        self.scale = number("augment.scale", scale, 0, 0.9)
        self.translation = number("augment.translation", translation, 0, 100)

    def forward(self, x: Tensor) -> Tensor:
        turn, growth, *shift = _draw(x, 4)
        turn, growth = turn * math.radians(self.rotation), 1 + growth * self.scale
        return affine(x, turn, growth, torch.stack(shift) * self.translation)


class Elastic(nn.Module):
    """Elastic distortion by a smooth random field of displacements (Simard et al. 2003, section 2).

    Displacements are normal with deviation ``strength``, correlated over about ``smoothness``
    pixels: noise on a lattice as coarse as its Gaussian kernel.
    """

    def __init__(self, strength: float, smoothness: float) -> None:
        super().__init__()
        self.strength = number("augment.strength", strength, 0, 100)
        self.smoothness = number("augment.smoothness", smoothness, 1, 1000)

    def _kernel(self, size: int, device: torch.device) -> Tensor:
        """Return weights [size, lattice]; rows of unit norm keep the field's deviation at 1."""
        lattice = torch.arange(-self.smoothness, size + self.smoothness, self.smoothness, device=device)
        pixels = torch.arange(size, device=device)[:, None]
        return nn.functional.normalize((-(((pixels - lattice) / self.smoothness) ** 2) / 2).exp())

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = (self._kernel(side, x.device) for side in x.shape[2:])
        noise = torch.randn(len(x), 2, rows.shape[1], columns.shape[1], device=x.device)
        with torch.autocast(x.device.type, enabled=False):
            field = (rows @ noise @ columns.T).flatten(2) * self.strength  # [N, 2, H W] in pixels
        return _sample(x, _positions(x)[:2] + field)


class DiffAugment(nn.Module):
    """Random colour, translation, cutout, in this order (Zhao et al. 2020, section 3.2; its code).

    ``brightness`` is the largest shift; ``saturation`` and ``contrast`` are the largest changes of
    scale about the grey image and the mean. Colours may leave [-1, 1]: a clamp would stop
    gradients. ``translation``, at most, and ``cutout``, a square, are shares of a side. The paper
    has 0.5, 1, 0.5, 0.125 and 0.5.
    """

    def __init__(
        self, brightness: float, saturation: float, contrast: float, translation: float, cutout: float
    ) -> None:
        super().__init__()
        self.brightness = number("augment.brightness", brightness, 0, 1)
        self.saturation = number("augment.saturation", saturation, 0, 1)
        self.contrast = number("augment.contrast", contrast, 0, 1)
        self.translation = number("augment.translation", translation, 0, 1)
        self.cutout = number("augment.cutout", cutout, 0, 1)

    def forward(self, x: Tensor) -> Tensor:
        if self.brightness or self.saturation or self.contrast:
            x = self._colour(x)
        if self.translation:
            x = self._move(x)
        return self._cut(x) if self.cutout else x

    def _colour(self, x: Tensor) -> Tensor:
        brightness, saturation, contrast = _draw(x, 3).to(x.dtype)[..., None, None, None]  # each [N, 1, 1, 1]
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
            """Return a mask [N, side] of a strip around a random place."""
            centre = torch.rand(len(x), 1, device=x.device) * side
            return (torch.arange(side, device=x.device) + 0.5 - centre).abs() < side * self.cutout / 2

        hole = strip(x.shape[2])[:, None, :, None] & strip(x.shape[3])[:, None, None, :]
        return x.masked_fill(hole, 0)


class Adaptive(nn.Module):
    """Adaptive augmentation (Karras et al. 2020, "Training GANs with limited data", section 3).

    Each of ``pieces`` changes each image with probability ``p``. It starts at 0 and follows the
    overfitting of the discriminator, r_t = E[sign(D(real))]: it rises while r_t > ``target`` and
    falls otherwise, in [0, ``max_p``], by 1 in ``adjust_images`` images. Below 1, augmentation does
    not leak into fakes.
    """

    p: Tensor

    def __init__(self, pieces: Mapping[str, nn.Module], target: float, adjust_images: float, max_p: float) -> None:
        super().__init__()
        self.pieces = nn.ModuleDict(pieces)
        self.target = number("augment.target", target, -1, 1)
        self.adjust_images = number("augment.adjust_images", adjust_images, 1, 1e12)
        self.max_p = number("augment.max_p", max_p, 0, 1)
        self.register_buffer("p", torch.tensor(0.0))

    def forward(self, x: Tensor) -> Tensor:
        for piece in self.pieces.values():
            x = torch.where(torch.rand(len(x), 1, 1, 1, device=x.device) < self.p, piece(x), x)
        return x

    @torch.no_grad()
    def follow(self, images: int, real: Tensor) -> dict[str, Tensor]:
        overfitting = real.sign().mean()
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(overfitting)
            overfitting /= torch.distributed.get_world_size()
        self.p += (overfitting - self.target).sign() * (images / self.adjust_images)
        self.p.clamp_(0, self.max_p)
        return {"augment/p": self.p.clone()}
