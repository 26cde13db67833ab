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

GAP, WIDTH = 4, 600  # pixels: between fakes and real images; of a picture for a logger, at least


class Grid(Callback):
    """Draws the same seeds after every epoch: to ``RUN/grids/epoch_001.png`` and to the loggers.

    Image i has seed i and class i modulo the number of classes; more classes than images are evenly
    spread. ``columns=None`` gives each class a column. Loggers show real images of the same classes
    beside them.
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
        picture = image.grid(torch.cat(list(sample.generate(generator, seeds, y))), columns)
        epoch = trainer.current_epoch + 1
        image.save(picture, Path(trainer.default_root_dir, "grids", f"epoch_{epoch:03d}.png"))
        if found := boards(trainer):
            if self._real is None:
                data = trainer.datamodule  # type: ignore[attr-defined]
                assert isinstance(data, ImageData)
                self._real = image.grid(image.to_float(data.like(y)), columns)
            for board in found:
                board.add_picture("samples and real images", beside(picture, self._real))


def beside(fakes: Tensor, real: Tensor) -> Tensor:
    """Two grids of one size, bytes [C, H, W], left and right of a white line, in large pixels.

    Wide ones stand above and below it: a logger's picture is best about twice as wide as high.
    """
    _, height, width = fakes.shape
    side = 2 if width < 2 * height else 1
    picture = torch.cat([fakes, torch.full_like(fakes.narrow(side, 0, GAP), 255), real], side)
    size = -(WIDTH // -picture.shape[2])
    return picture.repeat_interleave(size, 1).repeat_interleave(size, 2)
