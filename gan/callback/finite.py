"""A guard: a diverged run stops before its checkpoint is written."""

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from gan.error import UserError


class Diverged(UserError, FloatingPointError):
    """A loss or an image is not finite."""


class Finite(Callback):
    """Raises Diverged if a loss, a mean logit or an image is not finite."""

    remedy = "the last good checkpoint is kept; try a lower optimizer.lr, penalty=r1 or trainer.precision=32-true"

    def __init__(self) -> None:
        self._unseen: list[dict[str, Tensor]] = []

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._unseen.append(outputs)
        if len(self._unseen) < 50 and batch_idx + 1 < trainer.num_training_batches:
            return  # a check waits for the GPU
        unseen, self._unseen = self._unseen, []
        if torch.stack([value for seen in unseen for value in seen.values()]).isfinite().all():
            return
        for step, seen in enumerate(unseen, batch_idx + 1 - len(unseen)):
            if bad := ", ".join(name for name, value in seen.items() if not value.isfinite()):
                raise Diverged(f"{bad} not finite in epoch {trainer.current_epoch + 1}, step {step + 1}: {self.remedy}")

    def on_validation_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, *_: Any) -> None:
        # The last step of an epoch can break weights after its loss.
        if not outputs["fake"].isfinite().all():
            raise Diverged(f"images not finite after epoch {trainer.current_epoch + 1}: {self.remedy}")
