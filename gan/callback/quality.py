"""Judging: every validation and test against its reference, beside the floor."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, cast

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torchmetrics import Metric, MetricCollection

from gan.data import ImageData
from gan.model import Judged


class Quality(Callback):
    """Scores the fakes of every validation or test against its reference, and once the floor: other real images.

    ``metrics`` by the names they are logged under, as ``val/NAME``; the floor follows as ``val/NAME_floor``. ``tag`` marks
    figures whose reference is not the data set that was asked for.
    """

    def __init__(self, metrics: Mapping[str, Metric], tag: str = "") -> None:
        # Each metric by itself: they share one pass through the extractor, which remembers its last batch.
        self._blank = MetricCollection(dict(metrics), compute_groups=False)
        self.tag, self.stage = tag, ""
        self.floor: dict[str, float] = {}

    def _start(self, trainer: Trainer, module: LightningModule, stage: str) -> None:
        """Take in the reference of ``stage`` and measure its floor, the first time."""
        if self.stage == stage:
            return
        self.stage, self.metrics = stage, deepcopy(self._blank)
        # FID's sums are float64, which Apple's GPUs lack.
        self.metrics.to("cpu" if module.device.type == "mps" else module.device)
        data = cast(ImageData, trainer.datamodule)  # type: ignore[attr-defined]
        limit = (trainer.num_val_batches if stage == "val" else trainer.num_test_batches)[0]
        for split, real in ((stage, True), (f"{stage}_floor", False)):
            for (x, y), _ in zip(data.judge_dataloader(split), range(int(limit)), strict=False):
                self._update(x, real, y)
        self.floor = self._compute("_floor")

    def _update(self, x: Tensor, real: bool, y: Tensor) -> None:
        device = next(iter(self.metrics.values())).device
        self.metrics.update(imgs=x.to(device), real=real, labels=y.to(device))

    def _compute(self, suffix: str = "") -> dict[str, float]:
        """The figures of the metrics that apply, which those of labels do not where there are none; the reference is kept."""
        prefix, computed = f"{self.stage}{self.tag}/", self.metrics.compute()
        applies = [name for name, metric in self.metrics.items() if getattr(metric, "applies", True)]
        self.metrics.reset()
        return {f"{prefix}{name}{suffix}": float(computed[name]) for name in applies}

    def _end(self, module: LightningModule) -> None:
        figures = self._compute()
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

    def on_test_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, *_: Any) -> None:
        """Take the fakes."""
        self.on_validation_batch_end(trainer, module, outputs)

    def on_validation_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Log every figure beside its floor."""
        self._end(module)

    def on_test_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Log every figure beside its floor."""
        self._end(module)
