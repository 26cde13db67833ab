"""The game: discriminator and generator take Adam steps in turn. Training only."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypedDict, cast

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from gan.data import JUDGE_BATCH
from gan.ema import EMA
from gan.loss import Loss
from gan.network import Generator
from gan.penalty import Penalty
from gan.sample import latents

Optimizer = partial[torch.optim.Optimizer]  # lacks the parameters alone
Losses = dict[str, Tensor]


class Judged(TypedDict):
    """What validation shows its callbacks: images [N, C, H, W] in [-1, 1] and the labels int64 [N] of both."""

    real: Tensor
    fake: Tensor
    labels: Tensor


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Let gradients pass through ``module`` without being computed for its parameters."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)


class GAN(LightningModule):
    """A generator and a discriminator, each with its own optimizer, and the average of the generator.

    ``optimizer`` takes parameters; the discriminator's learning rate is ``lr_ratio`` times the generator's (TTUR, Heusel
    et al. 2017). ``seed`` and the epoch fix all noise, so that a resumed run is the run it would have been.
    Raises ValueError for a learning rate outside (0, 1].
    """

    generator: Generator

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        loss: Loss,
        penalty: Penalty,
        augment: nn.Module,
        optimizer: Optimizer,
        lr_ratio: float,
        ema_half_life_images: float,
        ema_ramp: float,
        seed: int,
    ) -> None:
        super().__init__()
        lr = optimizer.keywords["lr"]
        for name, value in (("optimizer.lr", lr), ("optimizer.lr times model.lr_ratio", lr * lr_ratio)):
            if not (math.isfinite(value) and 0 < value <= 1):
                raise ValueError(f"{name} must be in (0, 1], got {value}; 1e-4 to 1e-3 is usual")
        self.automatic_optimization = False
        self.generator = cast(Generator, generator.to(memory_format=torch.channels_last))
        self.discriminator = discriminator.to(memory_format=torch.channels_last)
        self.ema = EMA(generator, ema_half_life_images, ema_ramp)
        self.loss, self.penalty, self.augment = loss, penalty, augment
        self.optimizer, self.lr_ratio, self.seed = optimizer, lr_ratio, seed

    def critic(self, x: Tensor, y: Tensor) -> Tensor:
        """Logits [N] of images [N, C, H, W], augmented, under the first N of the labels ``y``."""
        logits: Tensor = self.discriminator(self.augment(x), y[: len(x)])
        return logits.float()

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Losses:
        """One step of each player on the same images: the discriminator's first, then the generator's answer to it."""
        real, y = batch
        real = real.contiguous(memory_format=torch.channels_last)
        z = torch.randn(len(real), self.generator.latent, device=self.device)
        fake = self.generator(z, y)  # the graph serves the generator's step too: only D changes in between
        losses = self.discriminator_step(real, fake.detach(), y) | self.generator_step(fake, y)
        self.ema.update(self.generator, len(real) * self.trainer.world_size)
        self.log_dict(losses)
        return losses

    def discriminator_step(self, real: Tensor, fake: Tensor, y: Tensor) -> Losses:
        """Tell real from fake images [N, C, H, W]: one pass over both, so a batch norm would see them together."""
        optimizer, _ = self.players()
        logits = self.critic(torch.cat([real, fake.to(real.dtype)]), torch.cat([y, y]))
        real_logits, fake_logits = logits.chunk(2)
        loss = self.loss.discriminator(real_logits, fake_logits)
        with torch.autocast(self.device.type, enabled=False):
            penalty = self.penalty(lambda x: self.critic(x, y), real, fake)
        optimizer.zero_grad()
        self.manual_backward(loss + penalty)
        optimizer.step()
        return {
            "loss/discriminator": loss.detach(),
            "loss/penalty": penalty.detach(),
            "logit/real": real_logits.detach().mean(),
            "logit/fake": fake_logits.detach().mean(),
        }

    def generator_step(self, fake: Tensor, y: Tensor) -> Losses:
        """Make the discriminator, just improved, take fake images [N, C, H, W] for real."""
        _, optimizer = self.players()
        with frozen(self.discriminator):
            loss = self.loss.generator(self.critic(fake, y))
            optimizer.zero_grad()
            self.manual_backward(loss)
        optimizer.step()
        return {"loss/generator": loss.detach()}

    def players(self) -> tuple[Any, Any]:
        """The optimizers of discriminator and generator."""
        discriminator, generator = cast(list[Any], self.optimizers())
        return discriminator, generator

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """One optimizer for each player, the discriminator's first."""
        players = [self.optimizer(net.parameters()) for net in (self.discriminator, self.generator)]
        self._set_rates(players)
        return players

    def _set_rates(self, players: Iterable[Any]) -> None:
        for player, ratio in zip(players, (self.lr_ratio, 1.0), strict=True):
            for group in player.param_groups:
                group["lr"] = self.optimizer.keywords["lr"] * ratio

    def on_train_start(self) -> None:
        """Learn at the rates asked for now: a resumed optimizer brings those of its checkpoint."""
        self._set_rates(self.players())

    def on_train_epoch_start(self) -> None:
        """Noise depends on seed, epoch and process alone, not on what a process did before."""
        torch.manual_seed((self.seed * 100_003 + self.current_epoch) * 100_003 + self.global_rank)

    def on_validation_start(self) -> None:
        """Judge one generator: batch norm has seen other images on each device, so everyone takes the first one's."""
        for buffer in self.ema.buffers():
            buffer.copy_(self.trainer.strategy.broadcast(buffer))

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Judged:
        """As many images of the averaged generator as the batch has, with its labels, each from its own seed."""
        real, y = batch
        # The sampler deals images out in turn, so this is the image's place in the whole set on any number of devices.
        place = torch.arange(len(y)) + batch_idx * (JUDGE_BATCH // self.trainer.world_size)
        seeds = place * self.trainer.world_size + self.global_rank
        z = latents(seeds, self.generator.latent).to(self.device)
        labels = y if self.generator.classes else torch.full_like(y, -1)
        # In float32, as every later user generates, and so that batches of any size give the same images.
        with torch.autocast(self.device.type, enabled=False):
            return {"real": real, "fake": self.ema(z, y), "labels": labels}

    test_step = validation_step
