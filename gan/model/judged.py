"""The validation and the test of a generator, the same in training and later."""

import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from gan.data import JUDGE_BATCH
from gan.ema import EMA
from gan.network import Generator
from gan.sample import latents


class Judged(LightningModule):
    """The validation and the test of an averaged generator: an image for each label."""

    ema: EMA

    def on_validation_start(self) -> None:
        for buffer in self.ema.buffers():  # batch norm statistics differ between devices: the first one's for all
            buffer.copy_(self.trainer.strategy.broadcast(buffer))

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        """Generate an image for each label, each from its own seed, with the averaged generator.

        Returns real and fake: [N, C, H, W] in [-1, 1]; labels: int64 [N] (-1: unconditional).
        """
        real, y = batch
        # The sampler deals images to devices in turn. The seed is the index in the whole set.
        index = torch.arange(len(y)) + batch_idx * (JUDGE_BATCH // self.trainer.world_size)
        seeds = index * self.trainer.world_size + self.global_rank
        z = latents(seeds, self.ema.generator.latent).to(self.device)
        asked = self.ema.generator.ask(y)
        labels = asked if self.ema.generator.classes else torch.full_like(y, -1)
        # In float32, as in every later use: batches of any size then give the same images.
        with torch.autocast(self.device.type, enabled=False):
            return {"real": real, "fake": self.ema(z, asked), "labels": labels}

    test_step = validation_step


class Averaged(Judged):
    """A generator that is judged as it was in its training."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.ema = EMA(generator, half_life_images=0, ramp=1)
