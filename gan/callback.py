"""Watchers of training: they judge, show, time and guard it, and never train."""

import json
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import TQDMProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torchmetrics import Metric, MetricCollection

from gan import image, sample
from gan.data import ImageData
from gan.file import write_text
from gan.model import GAN, Judged


class Quality(Callback):
    """Scores the fakes of every validation or test against its reference, and once the floor: other real images.

    ``metrics`` by the names they are logged under, as ``val/NAME``; the floor follows as ``val/NAME_floor``. ``tag`` marks
    figures whose reference is not the data set that was asked for.
    """

    def __init__(self, metrics: Mapping[str, Metric], tag: str = "") -> None:
        # Each metric by itself: they share one pass through the extractor, which remembers its last batch.
        self.metrics = MetricCollection(dict(metrics), compute_groups=False)
        self.tag = tag
        self.floor: dict[str, float] = {}

    def _start(self, trainer: Trainer, module: LightningModule, stage: str) -> None:
        # FID's sums are float64, which Apple's GPUs lack.
        self.metrics.to("cpu" if module.device.type == "mps" else module.device)
        if self.floor:
            return
        data = cast(ImageData, trainer.datamodule)  # type: ignore[attr-defined]
        limit = (trainer.num_val_batches if stage == "val" else trainer.num_test_batches)[0]
        for split, real in ((stage, True), (f"{stage}_floor", False)):
            for (x, y), _ in zip(data.judge_dataloader(split), range(int(limit)), strict=False):
                self._update(x, real, y)
        self.floor = self._compute(f"{stage}{self.tag}/", "_floor")

    def _update(self, x: Tensor, real: bool, y: Tensor) -> None:
        device = next(iter(self.metrics.values())).device
        self.metrics.update(imgs=x.to(device), real=real, labels=y.to(device))

    def _compute(self, prefix: str, suffix: str = "") -> dict[str, float]:
        """The figures that are defined (label agreement is not where there are no labels); the reference is kept."""
        figures = {f"{prefix}{name}{suffix}": float(value) for name, value in self.metrics.compute().items()}
        self.metrics.reset()
        return {name: value for name, value in figures.items() if value == value}

    def _end(self, module: LightningModule, stage: str) -> None:
        figures = self._compute(f"{stage}{self.tag}/")
        floor = {name: self.floor[name] for name in (f"{name}_floor" for name in figures)}
        module.log_dict(figures | floor, rank_zero_only=False)

    def on_validation_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Measure the floor, the first time."""
        self._start(trainer, module, "val")

    def on_test_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Measure the floor, the first time."""
        self._start(trainer, module, "test")

    def on_validation_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, *_: Any) -> None:
        """Take the fakes; the reference is known since the floor was measured."""
        judged: Judged = outputs
        self._update(judged["fake"], False, judged["labels"])

    on_test_batch_end = on_validation_batch_end

    def on_validation_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Log every figure beside its floor."""
        self._end(module, "val")

    def on_test_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Log every figure beside its floor."""
        self._end(module, "test")


class Grid(Callback):
    """A picture of the same seeds after every epoch, in TensorBoard and as ``grids/epoch_001.png`` of the run's folder.

    Image i is seed i, and of class i modulo the number of classes: ``columns=10`` gives each digit its column.
    """

    def __init__(self, rows: int, columns: int) -> None:
        if rows < 1 or columns < 1:
            raise ValueError(f"callback.grid.rows and columns must be 1 or more, got {rows} and {columns}")
        self.rows, self.columns = rows, columns

    def on_validation_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Draw and save."""
        if not trainer.is_global_zero:
            return
        generator = cast(GAN, module).ema.generator
        seeds = torch.arange(self.rows * self.columns)
        x = torch.cat(list(sample.generate(generator, seeds, sample.labels(seeds, generator.classes))))
        picture = image.grid(x, self.columns)
        epoch = trainer.current_epoch + 1
        folder = Path(trainer.default_root_dir) / "grids"
        folder.mkdir(parents=True, exist_ok=True)
        image.save(picture, folder / f"epoch_{epoch:03d}.png")
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image("samples", picture, epoch)


class Finite(Callback):
    """Stops a run that has diverged, before a checkpoint could keep it. Raises FloatingPointError."""

    remedy = "the last good checkpoint is kept; try a lower optimizer.lr, penalty=r1 or trainer.precision=32-true"

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Look at every loss and mean logit."""
        if not torch.stack(list(outputs.values())).isfinite().all():
            bad = ", ".join(name for name, value in outputs.items() if not value.isfinite())
            raise FloatingPointError(f"{bad} not finite in epoch {trainer.current_epoch}, step {batch_idx}: {self.remedy}")

    def on_validation_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, *_: Any) -> None:
        """Look at the images: weights can break in an epoch's last step, after its loss."""
        if not outputs["fake"].isfinite().all():
            raise FloatingPointError(f"images not finite after epoch {trainer.current_epoch}: {self.remedy}")


class Speed(Callback):
    """Logs images per second of training, seconds of judging for each second of training, and peak memory."""

    def __init__(self) -> None:
        self.images, self.training, self.judging = 0, 0.0, 0.0

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint: a resumed run goes on counting."""
        return {"images": self.images, "training": self.training, "judging": self.judging}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        vars(self).update(state_dict)

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Start the clock of training."""
        self._began = time.perf_counter()

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count the images of all devices."""
        self.images += len(batch[0]) * trainer.world_size
        self.training += (now := time.perf_counter()) - self._began
        self._began = now

    def on_validation_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Start the clock of judging."""
        self._began = time.perf_counter()

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Stop it; the floor makes the first judging longer, once."""
        self.judging += time.perf_counter() - self._began

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Log the means over the run so far."""
        figures = {
            "speed/images": float(self.images),
            "speed/images_per_second": self.images / self.training,
            "speed/judging_per_training": self.judging / self.training,
            "speed/training_minutes": self.training / 60,
            "speed/peak_memory_mib": peak_memory_mib(),
        }
        module.log_dict(figures, rank_zero_only=True)


def peak_memory_mib() -> float:
    """The most memory this process has held, in MiB; NaN where the system does not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return float("nan")
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


class Result(Callback):
    """Keeps the figures of every epoch, writes ``result.json`` at the end, and says where everything is.

    The objective is the best value of the figure that chose ``best.ckpt``; it and the whole history outlive a resume.
    """

    def __init__(self, objective: str) -> None:
        self.name = objective
        self.history: list[dict[str, float]] = []

    @property
    def best(self) -> dict[str, float]:
        """The figures of the best epoch; empty before the first judging."""
        return min(self.history, key=lambda figures: figures[self.name], default={})

    @property
    def objective(self) -> float:
        """The best value so far; NaN before the first judging."""
        return self.best.get(self.name, float("nan"))

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Keep this epoch's figures."""
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.history.append({"epoch": trainer.current_epoch + 1, **figures})

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.history = list(state_dict["history"])

    def on_fit_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Write the result, log the settings beside the objective, tell the user."""
        if not trainer.is_global_zero:
            return
        folder = Path(trainer.default_root_dir)
        settings = dict(module.hparams)
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.log_hyperparams(settings["config"], {"objective": self.objective})
        result = {
            "objective": self.objective,
            "figures": self.best,
            "history": self.history,
            "parameters": {name: sum(p.numel() for p in net.parameters()) for name, net in module.named_children()},
            "versions": {name: version(name) for name in ("torch", "lightning", "torchmetrics")},
            **settings,
        }
        write_text(json.dumps(result, indent=2), folder / "result.json")
        print(  # noqa: T201
            f"best {self.name} {self.objective:.3f} after epoch {self.best.get('epoch', 0):.0f}; "
            f"{folder / 'best.ckpt'} and {folder / 'grids'}; see it: tensorboard --logdir {folder}"
        )

    def on_exception(self, trainer: Trainer, module: LightningModule, exception: BaseException) -> None:
        """Tell how to go on with an interrupted run."""
        last = Path(trainer.default_root_dir) / "last.ckpt"
        if isinstance(exception, KeyboardInterrupt) and trainer.is_global_zero:
            remedy = f"go on: python train.py ckpt={last}" if last.is_file() else "no epoch was finished: start it again"
            print(f"stopped in epoch {trainer.current_epoch + 1}; {remedy}", file=sys.stderr)  # noqa: T201


class Progress(TQDMProgressBar):
    """The progress bar: images per second so far and the figure the run is judged by."""

    def __init__(self, objective: str) -> None:
        super().__init__(refresh_rate=10)
        self.objective = objective

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        """What stands behind the bar."""
        shown: dict[str, Any] = {}
        if rate := self.train_progress_bar.format_dict["rate"]:
            shown["images/s"] = round(rate * cast(ImageData, trainer.datamodule).batch_size)  # type: ignore[attr-defined]
        if self.objective in trainer.callback_metrics:
            shown[self.objective] = f"{float(trainer.callback_metrics[self.objective]):.3f}"
        return shown
