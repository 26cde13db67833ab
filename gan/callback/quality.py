"""Evaluation: figures of every validation and test, beside their floor."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torchmetrics import Metric, MetricCollection

from gan.data import ImageData
from gan.error import UserError
from gan.metric.score import LabelAgreement


def _is_finite(metric: Metric) -> bool:
    """Whether all that a metric has gathered is finite."""
    states = (state if isinstance(state, list) else [state] for state in metric.metric_state.values())
    return all(bool(part.isfinite().all()) for state in states for part in state)


def figures_of_epoch(trainer: Trainer) -> dict[str, float]:
    """The figures of the present epoch; those of an earlier validation stay in the trainer."""
    is_judged = (trainer.current_epoch + 1) % (trainer.check_val_every_n_epoch or 1) == 0
    figures = trainer.callback_metrics.items()
    return {name: float(value) for name, value in figures if is_judged or not name.startswith("val")}


class Quality(Callback):
    """Compares the fakes of every validation or test with its reference, real images.

    ``metrics`` are logged as ``val/NAME``. ``val/NAME_floor`` is the figure of other real images,
    computed once. ``tag`` marks figures of a fallback data set.
    """

    def __init__(self, metrics: Mapping[str, Metric], tag: str = "") -> None:
        for name, metric in metrics.items():
            if not isinstance(metric, Metric):
                raise UserError(f"metric.{name} must be a class of torchmetrics, as _target_, got {metric}")
        # No compute groups: the extractor caches its last batch, so metrics share its pass anyway.
        self._blank = MetricCollection(dict(metrics), compute_groups=False)
        self.tag, self.stage = tag, ""
        self.floor: dict[str, float] = {}

    @property
    def objectives(self) -> list[str]:
        """The names of the figures by which a best epoch can be chosen: lower is better."""
        return [f"val{self.tag}/{name}" for name, metric in self._blank.items() if not metric.higher_is_better]

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        stage = "test" if trainer.testing else "val"
        if self.stage == stage:
            return
        self.stage, self.metrics = stage, deepcopy(self._blank)
        # FID's sums are float64, which Apple's GPUs lack.
        self.metrics.to("cpu" if pl_module.device.type == "mps" else pl_module.device)
        data = trainer.datamodule  # type: ignore[attr-defined]
        assert isinstance(data, ImageData)
        limit, *_ = trainer.num_val_batches if stage == "val" else trainer.num_test_batches
        for split, real in ((stage, True), (f"{stage}_floor", False)):
            for (x, y), _ in zip(data.judge_dataloader(split), range(int(limit)), strict=False):
                self._update(x, real, y)
        self.floor = self._compute("_floor")

    def _update(self, x: Tensor, real: bool, y: Tensor) -> None:
        device = next(iter(self.metrics.values())).device
        self.metrics.update(imgs=x.to(device), real=real, labels=y.to(device))

    def _compute(self, suffix: str = "") -> dict[str, float]:
        """Return the figures, without agreement if no fake has a label; keep the reference.

        Raises UserError for features that are not finite: their eigenvalues end the process.
        """
        if broken := [name for name, metric in self.metrics.items() if not _is_finite(metric)]:
            reason = "not finite: the generator, the data or the classifier is damaged"
            raise UserError(f"metric: the features of {', '.join(broken)} are {reason}")
        computed = self.metrics.compute()
        for name, metric in self.metrics.items():
            if isinstance(metric, LabelAgreement) and not metric.count:
                del computed[name]
        self.metrics.reset()
        return {f"{self.stage}{self.tag}/{name}{suffix}": float(value) for name, value in computed.items()}

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *_: Any, **__: Any
    ) -> None:
        self._update(outputs["fake"], False, outputs["labels"])

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        figures = self._compute()
        floor = {f"{name}_floor": self.floor[f"{name}_floor"] for name in figures}
        pl_module.log_dict(figures | floor, sync_dist=True)

    on_test_start = on_validation_start
    on_test_batch_end = on_validation_batch_end
    on_test_epoch_end = on_validation_epoch_end
