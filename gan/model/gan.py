"""The training: discriminator and generator take optimizer steps in turn."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from typing import Any

import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn

from gan.data import ImageData
from gan.ema import EMA
from gan.error import UserError
from gan.loss import Loss
from gan.model.judged import Judged
from gan.model.schedule import Schedule
from gan.network import Calibrated, Discriminator, Follower, Generator, Verdict
from gan.penalty import Penalty
from gan.validate import integer, number

Optimizer = partial[torch.optim.Optimizer]  # lacks only the parameters
Losses = dict[str, Tensor]
CALIBRATION = 10_000  # training images


def _validate_optimizer(optimizer: Optimizer, lr_ratio: float) -> None:
    """Raise UserError for numbers out of range and for settings the optimizer rejects."""
    lr = number("optimizer.lr", optimizer.keywords.get("lr"), 1e-9, 1)
    number("optimizer.lr times model.lr_ratio", lr * lr_ratio, 1e-12, 1)
    number("optimizer.eps", optimizer.keywords.get("eps", 0), 0, 1)
    try:
        optimizer([nn.Parameter(torch.zeros(1))])
    except (TypeError, ValueError) as error:
        raise UserError(f"optimizer: {error}") from error


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Let gradients pass through ``module``, but compute none for its parameters."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)


class GAN(Judged):
    """A generator, a discriminator, an optimizer for each, and the generator's average.

    ``seed`` and the epoch fix all noise, so a resumed run equals an uninterrupted one bit for bit.
    ``schedule``: the fields of :class:`Schedule`. Raises UserError for settings that the optimizer
    rejects, and for batch norm in the discriminator with a penalty on single images.
    """

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        loss: Loss,
        penalty: Penalty,
        augment: nn.Module,
        optimizer: Optimizer,
        seed: int,
        **schedule: Any,
    ) -> None:
        super().__init__()
        if wrong := schedule.keys() ^ {field.name for field in fields(Schedule)}:
            raise UserError(
                f"model.{min(wrong)}: {'there is no such setting' if min(wrong) in schedule else 'it is missing'}"
            )
        self.schedule = Schedule(**schedule)
        _validate_optimizer(optimizer, self.schedule.lr_ratio)
        self.has_batch_norm = any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in discriminator.modules())
        if self.has_batch_norm and penalty.per_sample:
            raise UserError(
                f"penalty: {type(penalty).__name__} differentiates each image by itself, but batch norm in the "
                "discriminator mixes the images of a batch: choose network.norm=none or penalty=none"
            )
        self.automatic_optimization = False
        self.generator = generator.to(memory_format=torch.channels_last)
        self.discriminator = discriminator.to(memory_format=torch.channels_last)
        self.ema = EMA(generator, self.schedule.ema_half_life_images, self.schedule.ema_ramp)
        self.loss, self.penalty, self.augment = loss, penalty, augment
        self.images = self.images_before = 0  # real images seen: in all, and before this fit
        self.time_share = 0.0  # of a budget of time, set by who knows it
        self.last_penalty = torch.zeros(())  # is logged: a step may have none
        self.optimizer, self.seed = optimizer, integer("model.seed", seed, 0, 2**32 - 1)
        if self.schedule.compile:  # in place: names in checkpoints stay
            generator.compile(mode=self.schedule.compile)
            discriminator.compile(mode=self.schedule.compile)
        parts = [*generator.modules(), *discriminator.modules(), *augment.modules()]
        self.followers = [part for part in parts if isinstance(part, Follower)]

    def calibrate(self, data: ImageData) -> None:
        """Show the training images to the parts of the networks that take something from them."""
        networks = (self.generator, self.discriminator, self.ema)
        parts = [part for network in networks for part in network.modules() if isinstance(part, Calibrated)]
        if parts:
            images = data.fitting(CALIBRATION).images
            for part in parts:
                part.calibrate(images)

    def critic(self, x: Tensor, y: Tensor, eager: bool = False) -> Verdict:
        """Return the verdict on augmented images [N, C, H, W] with the first N of the labels ``y``.

        ``eager`` avoids compiled code, where some versions of torch lose second derivatives.
        """
        discriminator = self.discriminator.forward if eager else self.discriminator
        logits, likelihood = discriminator(self.augment(x), y[: len(x)])
        return Verdict(logits.float(), likelihood.float())

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Losses:
        if self.schedule.compile == "reduce-overhead":
            torch.compiler.cudagraph_mark_step_begin()  # results of the last step may be overwritten
        real, y = batch
        real = real.contiguous(memory_format=torch.channels_last)
        y = self.discriminator.complete(real, y)
        asked = self.generator.ask(y)
        z = torch.randn(len(real), self.generator.latent, device=self.device)
        is_generators_turn = (batch_idx + 1) % self.schedule.d_steps == 0
        with torch.set_grad_enabled(is_generators_turn):  # both steps share this pass: only D changes between them
            fake = self.generator(z, asked)
        images = len(real) * self.trainer.world_size
        losses = self.discriminator_step(real, fake.detach(), y, batch_idx, images)
        if is_generators_turn:
            losses |= self.generator_step(fake, real, asked)
            self.ema.update(self.generator, images * self.schedule.d_steps)
        self.images += images
        batches, every = self.trainer.num_training_batches, self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        step = batch_idx + 1
        # Logging every step took a tenth of the time.
        if step == batches or (self.current_epoch * batches + step) % every == 0:
            self.log_dict(losses, sync_dist=True)
        return losses

    def discriminator_step(self, real: Tensor, fake: Tensor, y: Tensor, batch_idx: int = 0, images: int = 0) -> Losses:
        """Train D on real and fake images [N, C, H, W]; return the figures to log."""
        fake = fake.to(real.dtype)
        x, labels = torch.cat([real, fake]), torch.cat([y, self.generator.ask(y)])
        parts = 1 + self.has_batch_norm  # batch norm must not mix real and fake images
        passes = [self.critic(*part) for part in zip(x.chunk(parts), labels.chunk(parts), strict=True)]
        logits, likelihood = (torch.cat(parts) for parts in zip(*passes, strict=True))
        real_logits, fake_logits = logits.chunk(2)
        loss = self.loss.discriminator(real_logits, fake_logits)
        total = loss
        if batch_idx % self.schedule.penalty_every == 0:
            with torch.autocast(self.device.type, enabled=False):
                penalty = self.penalty(lambda x: self.critic(x, y, eager=True).logits, real, fake)
            self.last_penalty = penalty.detach()
            total = loss + self.schedule.penalty_every * penalty
        self.discriminator.zero_grad()
        # Twice the mean: the paper adds the likelihoods of real and fake images.
        self.manual_backward(total - 2 * self.schedule.auxiliary * likelihood.mean())
        self.players()[0].step()
        losses = {
            "loss/discriminator": loss.detach(),
            "loss/penalty": self.last_penalty,
            "logit/real": real_logits.detach().mean(),
            "logit/fake": fake_logits.detach().mean(),
            "logit/won": (real_logits > fake_logits).float().mean(),
        }
        for part in self.followers:
            losses |= part.follow(images, real_logits.detach())
        return losses

    def generator_step(self, fake: Tensor, real: Tensor, y: Tensor) -> Losses:
        """Train G with its fake images [N, C, H, W]; return the figures to log."""
        with frozen(self.discriminator):
            logits, likelihood = self.critic(fake, y)
            loss = self.loss.generator(logits, lambda: self.critic(real, y).logits)
            self.generator.zero_grad()
            self.manual_backward(loss - self.schedule.auxiliary * likelihood.mean())
        self.players()[1].step()
        return {"loss/generator": loss.detach()}

    def players(self) -> list[LightningOptimizer]:
        """Return the optimizers of discriminator and generator, wrapped by the trainer."""
        optimizers = self.optimizers()
        assert isinstance(optimizers, list)
        return optimizers

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        lr = self.optimizer.keywords["lr"]
        nets = ((self.discriminator, lr * self.schedule.lr_ratio), (self.generator, lr))
        return [self.optimizer(net.parameters(), lr=rate) for net, rate in nets]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["images"] = self.images

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the moments of the optimizers, in the order of the parameters, and no settings.

        Raises UserError for weights or moments that do not fit.
        """
        own = {name: value.shape for name, value in self.state_dict().items() if isinstance(value, Tensor)}
        found = checkpoint["state_dict"]
        if {name: value.shape for name, value in found.items() if isinstance(value, Tensor)} != own:
            raise UserError("ckpt: its weights do not fit the networks: continue it with the settings of its run")
        images = checkpoint.get("images", found.get("ema._extra_state", 0))  # early checkpoints lack it
        self.images = self.images_before = integer("ckpt: images", images, 0, 10**18)
        states = []
        for optimizer, state in zip(self.configure_optimizers(), checkpoint["optimizer_states"], strict=True):
            shapes = [parameter.shape for parameter in optimizer.param_groups[0]["params"]]
            for index, moments in state["state"].items():
                shape = shapes[index] if index in range(len(shapes)) else None
                if not all(shape and value.shape in (shape, ()) for value in moments.values()):
                    raise UserError("ckpt: its optimizer_states do not fit the networks: it is damaged")
            states.append(optimizer.state_dict() | {"state": state["state"]})
        checkpoint["optimizer_states"] = states

    @property
    def share_over(self) -> float:
        """The share of the training that is over, by epochs or by time; 0 without a known end."""
        epochs = self.trainer.max_epochs or -1
        return max(self.current_epoch / epochs, self.time_share) if epochs > 0 else self.time_share

    def on_train_epoch_start(self) -> None:
        """Set learning rates and seed from settings, epoch and process alone: so a run can resume.

        The rates are those of the present settings, not those in the checkpoint's optimizers.
        """
        share = self.schedule.rate(self.share_over)
        for optimizer, ratio in zip(self.trainer.optimizers, (self.schedule.lr_ratio, 1.0), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = self.optimizer.keywords["lr"] * ratio * share
        torch.manual_seed((self.seed * 100_003 + self.current_epoch) * 100_003 + self.global_rank)
