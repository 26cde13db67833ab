"""Seeing: a picture of the same seeds after every epoch."""

from pathlib import Path
from typing import cast

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from gan import image, sample
from gan.model import GAN


class Grid(Callback):
    """A picture of the same seeds after every epoch, in TensorBoard and as ``grids/epoch_001.png`` of the run's folder.

    Image i is seed i, and of class i modulo the number of classes: ``columns=None`` gives each class its column. Of more
    classes than there are images it shows some, evenly spread.
    """

    def __init__(self, rows: int, columns: int | None) -> None:
        if rows < 1 or (columns is not None and columns < 1):
            raise ValueError(f"grid.rows and grid.columns must be 1 or more, got {rows} and {columns}")
        self.rows, self.columns = rows, columns

    def on_validation_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Draw and save."""
        if not trainer.is_global_zero:
            return
        generator = cast(GAN, module).ema.generator
        columns = self.columns or sample.columns(generator.classes)
        seeds = torch.arange(self.rows * columns)
        many = generator.classes > len(seeds)
        y = seeds * generator.classes // len(seeds) if many else sample.labels(seeds, generator.classes)
        picture = image.grid(torch.cat(list(sample.generate(generator, seeds, y))), columns)
        epoch = trainer.current_epoch + 1
        folder = Path(trainer.default_root_dir) / "grids"
        folder.mkdir(parents=True, exist_ok=True)
        image.save(picture, folder / f"epoch_{epoch:03d}.png")
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image("samples", picture, epoch)
