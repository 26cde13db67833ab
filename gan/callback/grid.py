"""A sample picture of the same seeds after every epoch."""

from pathlib import Path

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from gan import image, sample
from gan.data import ImageData
from gan.logger import boards
from gan.model import GAN
from gan.validate import integer

SHOWN = 4  # rows in a logger, of fakes and of real images: its pictures are small
GAP, WIDTH = 4, 600  # pixels: between both; of the whole, at least


class Grid(Callback):
    """Draws the same seeds after every epoch: to ``RUN/grids/epoch_001.png`` and to the loggers.

    Image i has seed i and class i modulo the number of classes; more classes than images are evenly
    spread. ``columns=None`` gives each class a column. Loggers show the first rows, above real
    images of the same classes.
    """

    def __init__(self, rows: int, columns: int | None) -> None:
        self.rows = integer("grid.rows", rows, 1, 100)
        self.columns = None if columns is None else integer("grid.columns", columns, 1, 100)
        self._real: Tensor | None = None

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
        fakes = torch.cat(list(sample.generate(generator, seeds, y)))
        epoch = trainer.current_epoch + 1
        image.save(image.grid(fakes, columns), Path(trainer.default_root_dir, "grids", f"epoch_{epoch:03d}.png"))
        shown = SHOWN * columns
        if found := boards(trainer):
            if self._real is None:
                data = trainer.datamodule  # type: ignore[attr-defined]
                assert isinstance(data, ImageData)
                self._real = image.grid(image.to_float(data.like(y[:shown])), columns)
            picture = above(image.grid(fakes[:shown], columns), self._real)
            for board in found:
                board.add_picture("samples above real images", picture)


def above(fakes: Tensor, real: Tensor) -> Tensor:
    """Two grids of one width, bytes [C, H, W], with a white line between, in large pixels."""
    picture = torch.cat([fakes, torch.full_like(fakes[:, :GAP], 255), real], 1)
    size = -(WIDTH // -picture.shape[2])
    return picture.repeat_interleave(size, 1).repeat_interleave(size, 2)
