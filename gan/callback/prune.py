"""Pruning: trials of a study that promise little stop early."""

from __future__ import annotations

import math
from collections.abc import Container
from typing import TYPE_CHECKING

from lightning.pytorch import Callback, LightningModule, Trainer

if TYPE_CHECKING:
    from optuna import Trial


class Prune(Callback):
    """Reports the objective of judged epochs to a trial; ends the run when the pruner says so.

    The trial is marked ``pruned`` first: a kill before the end cannot make it a finished one.
    ``reported``: epochs that the trial knows from before an interruption.
    """

    def __init__(self, trial: Trial, objective: str, reported: Container[int] = ()) -> None:
        self.trial, self.objective, self.reported = trial, objective, reported
        self._is_judged = False  # in this epoch; the figures of an earlier one stay in the trainer

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        self._is_judged = True

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        if not self._is_judged:
            return
        self._is_judged = False
        value, epoch = float(trainer.callback_metrics.get(self.objective, math.nan)), trainer.current_epoch + 1
        if math.isfinite(value) and epoch not in self.reported:
            self.trial.report(value, epoch)
        if epoch != trainer.max_epochs and self.trial.should_prune():
            self.trial.set_user_attr("pruned", True)
            trainer.should_stop = True
