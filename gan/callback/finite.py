"""Guarding: a run that has diverged is stopped before a checkpoint could keep it."""

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor


class Finite(Callback):
    """Stops a run that has diverged, before a checkpoint could keep it. Raises FloatingPointError.

    It looks every ``patience`` batches and at an epoch's last: each look makes the processor wait for a GPU.
    """

    remedy = "the last good checkpoint is kept; try a lower optimizer.lr, penalty=r1 or trainer.precision=32-true"

    def __init__(self, patience: int = 50) -> None:
        self.patience = patience
        self._unseen: list[dict[str, Tensor]] = []

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Look at every loss and mean logit since the last look."""
        self._unseen.append(outputs)
        if len(self._unseen) < self.patience and batch_idx + 1 < trainer.num_training_batches:
            return
        unseen, self._unseen = self._unseen, []
        if torch.stack([value for seen in unseen for value in seen.values()]).isfinite().all():
            return
        step, first = next((i, seen) for i, seen in enumerate(unseen) if not all(x.isfinite() for x in seen.values()))
        bad = ", ".join(name for name, value in first.items() if not value.isfinite())
        step += batch_idx + 1 - len(unseen)
        raise FloatingPointError(f"{bad} not finite in epoch {trainer.current_epoch}, step {step}: {self.remedy}")

    def on_validation_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, *_: Any) -> None:
        """Look at the images: weights can break in an epoch's last step, after its loss."""
        if not outputs["fake"].isfinite().all():
            raise FloatingPointError(f"images not finite after epoch {trainer.current_epoch}: {self.remedy}")
