"""The game: discriminator and generator take Adam steps in turn. Training only."""

import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypedDict, cast

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from gan.data import JUDGE_BATCH
from gan.ema import EMA
from gan.loss import Loss
from gan.network import Generator, Verdict
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

    The discriminator takes ``d_steps`` steps for each of the generator's, at ``lr_ratio`` times its learning rate (TTUR,
    Heusel et al. 2017); every ``penalty_every``-th of them carries the penalty, that many times as strong (lazy, Karras et
    al. 2020, "Analyzing and improving", section 3.1). Both rates fall linearly over the last share ``lr_decay`` of the
    epochs. Where the discriminator has an auxiliary classifier, both players also gain ``auxiliary`` times its
    log-likelihood of the labels (Odena et al. 2017, section 4). ``seed`` and the epoch fix all noise, so that a resumed run
    is the run it would have been.

    ``compile`` is a mode of torch.compile for both networks ("reduce-overhead": CUDA graphs, for batches so small that a
    GPU's launches cost more than its arithmetic), or None.

    A part of the networks or the augment that has a method ``follow(images, real)`` is told after each of the discriminator's
    steps how many real images it showed, over all devices, and the logits [N] of this device's; it returns what to log.

    Raises ValueError for an unknown mode or one without a compiler, a learning rate outside (0, 1], steps below 1, shares
    outside [0, 1], and for batch norm in a discriminator under a penalty of each image's gradient.
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
        ema_half_life_images: float,
        ema_ramp: float,
        seed: int,
        lr_ratio: float = 1.0,
        lr_decay: float = 0.0,
        d_steps: int = 1,
        penalty_every: int = 1,
        auxiliary: float = 1.0,
        compile: str | None = None,
    ) -> None:
        super().__init__()
        lr = optimizer.keywords["lr"]
        for name, value in (("optimizer.lr", lr), ("optimizer.lr times model.lr_ratio", lr * lr_ratio)):
            if not (math.isfinite(value) and 0 < value <= 1):
                raise ValueError(f"{name} must be in (0, 1], got {value}; 1e-4 to 1e-3 is usual")
        if not 0 <= lr_decay <= 1:
            raise ValueError(f"model.lr_decay must be in [0, 1], got {lr_decay}")
        if d_steps < 1 or penalty_every < 1:
            raise ValueError(f"model.d_steps and model.penalty_every must be 1 or more, got {d_steps} and {penalty_every}")
        self.mixes = any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in discriminator.modules())
        if self.mixes and penalty.per_sample:
            raise ValueError(
                f"penalty: {type(penalty).__name__} differentiates each image by itself, but batch norm in the discriminator "
                "mixes the images of a batch: choose network.norm=none or penalty=none"
            )
        self.automatic_optimization = False
        self.generator = cast(Generator, generator.to(memory_format=torch.channels_last))
        self.discriminator = discriminator.to(memory_format=torch.channels_last)
        self.ema = EMA(generator, ema_half_life_images, ema_ramp)
        self.loss, self.penalty, self.augment = loss, penalty, augment
        self.optimizer, self.lr_ratio, self.lr_decay, self.seed = optimizer, lr_ratio, lr_decay, seed
        self.d_steps, self.penalty_every, self.auxiliary = d_steps, penalty_every, auxiliary
        self.compile_mode = compile
        if compile:
            self._compile(compile)
        parts = [*generator.modules(), *discriminator.modules(), *augment.modules()]
        self.followers = [part for part in parts if hasattr(part, "follow")]

    def _compile(self, mode: str) -> None:
        """Let torch compile both forward passes, in place, so that checkpoints keep their names."""
        if mode not in (modes := ("default", "reduce-overhead", "max-autotune")):
            raise ValueError(f"model.compile must be null, {', '.join(modes[:-1])} or {modes[-1]}, got {mode}")
        if not torch.cuda.is_available() and not any(map(shutil.which, ("c++", "g++", "clang++", "cl"))):
            raise ValueError("model.compile needs a C++ compiler (g++, clang++, cl), and none is found: use model.compile=null")
        for network in (self.generator, self.discriminator):
            cast(nn.Module, network).compile(mode=mode)

    def critic(self, x: Tensor, y: Tensor, eager: bool = False) -> Verdict:
        """The verdict on images [N, C, H, W], augmented, under the first N of the labels ``y``.

        ``eager`` leaves out what is compiled: of that, some versions of torch lose second derivatives without a word.
        """
        discriminator = self.discriminator.forward if eager else self.discriminator
        logits, likelihood = discriminator(self.augment(x), y[: len(x)])
        return Verdict(logits.float(), likelihood.float())

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Losses:
        """One step of the discriminator and, every ``d_steps``-th time, the generator's answer to it."""
        if self.compile_mode == "reduce-overhead":
            torch.compiler.cudagraph_mark_step_begin()  # what the last step's graphs returned may be overwritten now
        real, y = batch
        real = real.contiguous(memory_format=torch.channels_last)
        z = torch.randn(len(real), self.generator.latent, device=self.device)
        answers = (batch_idx + 1) % self.d_steps == 0
        with torch.set_grad_enabled(answers):  # the graph serves the generator's step too: only D changes in between
            fake = self.generator(z, y)
        images = len(real) * self.trainer.world_size
        losses = self.discriminator_step(real, fake.detach(), y, batch_idx, images)
        if answers:
            losses |= self.generator_step(fake, real, y)
            self.ema.update(self.generator, images * self.d_steps)
        if self._due(batch_idx):
            self.log_dict(losses)
        return losses

    def _due(self, batch_idx: int) -> bool:
        """Whether this step's figures are written down, or the epoch's last. To log all the others took a tenth of a step."""
        batches, every = self.trainer.num_training_batches, self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        return batch_idx + 1 == batches or bool((self.current_epoch * batches + batch_idx + 1) % every == 0)

    def discriminator_step(self, real: Tensor, fake: Tensor, y: Tensor, batch_idx: int = 0, images: int = 0) -> Losses:
        """Tell real from fake images [N, C, H, W]: in one pass, or in two where batch norm would mix them."""
        optimizer, _ = self.players()
        fake = fake.to(real.dtype)
        x, labels = torch.cat([real, fake]), torch.cat([y, y])
        passes = [self.critic(*part) for part in zip(x.chunk(1 + self.mixes), labels.chunk(1 + self.mixes), strict=True)]
        logits, likelihood = (torch.cat(parts) for parts in zip(*passes, strict=True))
        real_logits, fake_logits = logits.chunk(2)
        loss = self.loss.discriminator(real_logits, fake_logits)
        penalty = loss.new_zeros(())
        if batch_idx % self.penalty_every == 0:
            with torch.autocast(self.device.type, enabled=False):
                penalty = self.penalty(lambda x: self.critic(x, y, eager=True).logits, real, fake)
        optimizer.zero_grad()
        # Twice the mean over both: the likelihood of real labels and of fake ones, as in the paper.
        self.manual_backward(loss + self.penalty_every * penalty - 2 * self.auxiliary * likelihood.mean())
        optimizer.step()
        losses = {
            "loss/discriminator": loss.detach(),
            "loss/penalty": penalty.detach(),
            "logit/real": real_logits.detach().mean(),
            "logit/fake": fake_logits.detach().mean(),
            "logit/won": (real_logits > fake_logits).float().mean(),
        }
        for part in self.followers:
            losses |= part.follow(images, real_logits.detach())  # type: ignore[operator]
        return losses

    def generator_step(self, fake: Tensor, real: Tensor, y: Tensor) -> Losses:
        """Make the discriminator, just improved, take fake images [N, C, H, W] for real ones."""
        _, optimizer = self.players()
        with frozen(self.discriminator):
            logits, likelihood = self.critic(fake, y)
            loss = self.loss.generator(logits, lambda: self.critic(real, y).logits)
            optimizer.zero_grad()
            self.manual_backward(loss - self.auxiliary * likelihood.mean())
        optimizer.step()
        return {"loss/generator": loss.detach()}

    def players(self) -> tuple[Any, Any]:
        """The optimizers of discriminator and generator."""
        discriminator, generator = cast(list[Any], self.optimizers())
        return discriminator, generator

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """One optimizer for each player, the discriminator's first."""
        lr = self.optimizer.keywords["lr"]
        nets = ((self.discriminator, lr * self.lr_ratio), (self.generator, lr))
        return [self.optimizer(net.parameters(), lr=rate) for net, rate in nets]

    def on_train_epoch_start(self) -> None:
        """Rates and noise depend on settings, epoch and process alone, not on what a process did before.

        So a resumed run learns at the rates asked for now, not at those of its checkpoint's optimizers.
        """
        epochs = max(self.trainer.max_epochs or 1, 1)
        share = min(1.0, (1 - self.current_epoch / epochs) / self.lr_decay) if self.lr_decay else 1.0
        for player, ratio in zip(self.players(), (self.lr_ratio, 1.0), strict=True):
            for group in player.param_groups:
                group["lr"] = self.optimizer.keywords["lr"] * ratio * share
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
