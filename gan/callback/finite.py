"""Guarding: a run that has diverged is stopped before a checkpoint could keep it."""

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer


class Finite(Callback):
    """Stops a run that has diverged, before a checkpoint could keep it. Raises FloatingPointError."""

    remedy = "the last good checkpoint is kept; try a lower optimizer.lr, penalty=r1 or trainer.precision=32-true"

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Look at every loss and mean logit."""
        if not torch.stack(list(outputs.values())).isfinite().all():
            bad = ", ".join(name for name, value in outputs.items() if not value.isfinite())
            raise FloatingPointError(f"{bad} not finite in epoch {trainer.current_epoch}, step {batch_idx}: {self.remedy}")

    def on_validation_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, *_: Any) -> None:
        """Look at the images: weights can break in an epoch's last step, after its loss."""
        if not outputs["fake"].isfinite().all():
            raise FloatingPointError(f"images not finite after epoch {trainer.current_epoch}: {self.remedy}")
