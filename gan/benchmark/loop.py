"""Loops that train the report's networks, to be compared.

- ours: ``train.py``, with all that Lightning does around a step
- bare: the same steps without Lightning, so that what it costs is the difference
- plain: the usual example in float32 with torch's own layers, a pass each for real and fake, its images in memory
- loader: the plain loop behind a DataLoader with torchvision's transforms, which most examples have
"""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import Compose, Normalize, ToTensor

from gan.data import Images
from gan.model import GAN
from gan.network import report
from gan.network.fast import Double, Flatten, Halve, LeakyDropout, Unflatten

Step = Callable[[], object]
PLAIN = {Halve: nn.Conv2d, Double: nn.ConvTranspose2d}


class Bare(GAN):
    """The game without Lightning: no trainer, no wrapped optimizers, no log."""

    trainer = cast(Any, SimpleNamespace(world_size=1, num_training_batches=0, log_every_n_steps=50))

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Those of the game, made once."""
        self.own = super().configure_optimizers()
        return self.own

    def players(self) -> tuple[Any, Any]:
        """The optimizers as they are."""
        return self.own[0], self.own[1]

    def manual_backward(self, loss: Tensor, *_: Any, **__: Any) -> None:
        """Gradients, and nothing around them."""
        loss.backward()

    def log_dict(self, *_: Any, **__: Any) -> None:
        """Nothing is logged."""


def bare_loop(game: Bare, images: Images, batch: int, bf16: bool) -> Step:
    """One step of the game on ``batch`` images drawn at random, which lie where the game is."""
    device = images.images.device
    game.to(device).configure_optimizers()

    def step() -> None:
        drawn = images.__getitems__(torch.randint(len(images), (batch,), device=device))
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            game.training_step(drawn, 0)

    return step


def plain(module: nn.Module) -> nn.Module:
    """The same network of torch's own layers."""
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


def plain_loop(batches: Iterator[Tensor], shape: torch.Size, device: torch.device) -> Step:
    """One step of the usual example: float32, one pass each for real and fake, torch's Adam.

    ``batches``: floats [N, *shape] in [-1, 1]; ``shape``: channels, height and width.
    """
    channels, size, _ = shape
    generator = plain(report.Generator(size, channels, 100)).to(device)
    discriminator = plain(report.Discriminator(size, channels)).to(device)
    players = [torch.optim.Adam(net.parameters(), lr=1e-4) for net in (discriminator, generator)]

    def step() -> None:
        real = next(batches).to(device)
        one, zero = real.new_ones(len(real)), real.new_zeros(len(real))
        y = torch.zeros(len(real), dtype=torch.long, device=device)  # of no meaning: both are unconditional
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
    """Batches without end, of floats that lie ready."""
    ready, _ = images.__getitems__(torch.arange(min(len(images), 10_000)))
    while True:
        yield ready[torch.randint(len(ready), (batch,), device=ready.device)]


class Transformed(Dataset[Tensor]):
    """One image at a time through PIL and torchvision's transforms, as torchvision's MNIST does."""

    def __init__(self, images: Images) -> None:
        self.pixels = images.images.cpu().permute(0, 2, 3, 1).squeeze(-1).numpy()
        self.transform = Compose([ToTensor(), Normalize(0.5, 0.5)])

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> Tensor:
        found: Tensor = self.transform(Image.fromarray(self.pixels[index]))
        return found


def behind_a_loader(images: Images, batch: int) -> Iterator[Tensor]:
    """Batches without end of the usual DataLoader."""
    while True:
        yield from DataLoader(Transformed(images), batch, shuffle=True, drop_last=True)
