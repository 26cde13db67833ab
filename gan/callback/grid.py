"""A sample picture of the same seeds after every epoch."""

from pathlib import Path

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from gan import image, sample
from gan.model import GAN
from gan.validate import integer


class Grid(Callback):
    """Draws the same seeds after every epoch, to TensorBoard and ``RUN/grids/epoch_001.png``.

    Image i has seed i and class i modulo the number of classes; more classes than images are evenly
    spread. ``columns=None`` gives each class a column.
    """

    def __init__(self, rows: int, columns: int | None) -> None:
        self.rows = integer("grid.rows", rows, 1, 100)
        self.columns = None if columns is None else integer("grid.columns", columns, 1, 100)

    def on_validation_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        assert isinstance(module, GAN)
        generator = module.ema.generator
        columns = self.columns or sample.columns(generator.classes)
        seeds = torch.arange(self.rows * columns)
        if generator.classes > len(seeds):
            y = seeds * generator.classes // len(seeds)
        else:
            y = sample.labels(seeds, generator.classes)
        picture = image.grid(torch.cat(list(sample.generate(generator, seeds, y))), columns)
        epoch = trainer.current_epoch + 1
        image.save(picture, Path(trainer.default_root_dir, "grids", f"epoch_{epoch:03d}.png"))
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image("samples", picture, epoch)
