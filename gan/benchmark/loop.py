"""Loops that train the report's networks, to compare with ``train.py``.

- bare: the same steps without Lightning; the difference is its cost
- plain: the usual example in float32 with torch's own layers, separate passes for real and fake
  images, images in memory
- loader: the plain loop behind a DataLoader with torchvision's transforms, as most examples have it
"""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader
from torchvision.transforms import Compose, Normalize, ToTensor

from gan.data import Images
from gan.model import GAN
from gan.network import report
from gan.network.fast import Double, Flatten, Halve, LeakyDropout, Unflatten

Step = Callable[[], object]
PLAIN = {Halve: nn.Conv2d, Double: nn.ConvTranspose2d}


class Bare(GAN):
    """The model without Lightning: no trainer, no wrapped optimizers, no log."""

    trainer: Any = SimpleNamespace(world_size=1, num_training_batches=0, log_every_n_steps=50)
    own: list[torch.optim.Optimizer]

    def players(self) -> list[Any]:
        return self.own

    def manual_backward(self, loss: Tensor, *_: Any, **__: Any) -> None:
        loss.backward()

    def log_dict(self, *_: Any, **__: Any) -> None: ...


def bare_loop(model: Bare, images: Images, batch: int, bf16: bool) -> Step:
    """A step of the model on ``batch`` random images, on the device of ``images``."""
    device = images.images.device
    model.to(device)
    model.own = model.configure_optimizers()

    def step() -> None:
        drawn = images.__getitems__(torch.randint(len(images), (batch,), device=device))
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            model.training_step(drawn, 0)

    return step


def plain(module: nn.Module) -> nn.Module:
    """Replace the faster layers of this project in ``module`` by torch's own; return it."""
    for name, child in module.named_children():
        if isinstance(child, LeakyDropout):
            setattr(module, name, nn.Sequential(nn.LeakyReLU(0.3, inplace=True), nn.Dropout(0.3)))
        elif isinstance(child, Flatten):
            setattr(module, name, nn.Flatten())
        elif isinstance(child, Unflatten):
            setattr(module, name, nn.Unflatten(1, child.shape))
        elif type(child) in PLAIN:
            child.__class__ = PLAIN[type(child)]
        else:
            plain(child)
    return module


def plain_loop(batches: Iterator[Tensor], shape: tuple[int, int, int], device: torch.device) -> Step:
    """A step of the usual example on ``batches`` [N, C, H, W] in [-1, 1]; ``shape`` is C, H, W."""
    channels, size, _ = shape
    generator = plain(report.Generator(size, channels, 100)).to(device)
    discriminator = plain(report.Discriminator(size, channels)).to(device)
    players = [torch.optim.Adam(net.parameters(), lr=1e-4) for net in (discriminator, generator)]

    def step() -> None:
        real = next(batches).to(device)
        one, zero = real.new_ones(len(real)), real.new_zeros(len(real))
        y = torch.zeros(len(real), dtype=torch.long, device=device)  # ignored
        fake = generator(torch.randn(len(real), 100, device=device), y)
        players[0].zero_grad()
        binary_cross_entropy_with_logits(discriminator(real, y).logits, one).backward()
        binary_cross_entropy_with_logits(discriminator(fake.detach(), y).logits, zero).backward()
        players[0].step()
        players[1].zero_grad()
        binary_cross_entropy_with_logits(discriminator(fake, y).logits, one).backward()
        players[1].step()

    return step


def in_memory(images: Images, batch: int) -> Iterator[Tensor]:
    """Endless batches from up to 10,000 images, ready as floats."""
    ready, _ = images.__getitems__(torch.arange(min(len(images), 10_000)))
    while True:
        yield ready[torch.randint(len(ready), (batch,), device=ready.device)]


def behind_a_loader(images: Images, batch: int) -> Iterator[Tensor]:
    """Endless batches of a DataLoader, each image through PIL and torchvision's transforms."""
    transform = Compose([Image.fromarray, ToTensor(), Normalize(0.5, 0.5)])

    def collate(some: list[np.ndarray]) -> Tensor:
        return torch.stack(list(map(transform, some)))

    pixels: Any = images.images.cpu().permute(0, 2, 3, 1).squeeze(-1).numpy()  # any sequence will do
    while True:
        yield from DataLoader(pixels, batch, shuffle=True, drop_last=True, collate_fn=collate)
