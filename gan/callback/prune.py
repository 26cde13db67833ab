"""Pruning: trials of a study that promise little stop early."""

from __future__ import annotations

import math
from collections.abc import Container
from typing import TYPE_CHECKING

from lightning.pytorch import Callback, LightningModule, Trainer

from gan.callback.quality import figures_of_epoch

if TYPE_CHECKING:
    from optuna import Trial


class Prune(Callback):
    """Reports the objective of judged epochs to a trial; ends the run when the pruner says so.

    The trial is marked ``pruned`` first: a kill before the end cannot make it a finished one.
    ``reported``: epochs that the trial knows from before an interruption.
    """

    def __init__(self, trial: Trial, objective: str, reported: Container[int] = ()) -> None:
        self.trial, self.objective, self.reported = trial, objective, reported

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        figures, epoch = figures_of_epoch(trainer), trainer.current_epoch + 1
        if self.objective not in figures:
            return
        value = figures[self.objective]
        if math.isfinite(value) and epoch not in self.reported:
            self.trial.report(value, epoch)
        if epoch != trainer.max_epochs and self.trial.should_prune():
            self.trial.set_user_attr("pruned", True)
            trainer.should_stop = True
