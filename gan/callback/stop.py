"""The end of a training before its last epoch: patience, and a budget of time."""

import math
import time
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from gan import terminal
from gan.callback import lines
from gan.callback.quality import figures_of_epoch
from gan.error import UserError
from gan.model import GAN
from gan.validate import integer, seconds


class Stop(Callback):
    """Ends a training after ``patience`` epochs without a better objective, or by ``max_time``.

    Patience counts epochs that are judged. The last epoch is the last one that is expected to fit
    in the time; the first always runs. All finished epochs count, those before a resume too. None:
    no such end.
    """

    def __init__(self, objective: str, patience: int | None, max_time: str | None) -> None:
        self.objective, self.max_time = objective, max_time
        self.patience = math.inf if patience is None else integer("patience", patience, 1, 10**6)
        self.budget = math.inf if max_time is None else seconds("trainer.max_time", max_time)
        self.best, self.waited = math.inf, 0  # epochs
        self.elapsed, self.epoch = 0.0, 0.0  # seconds, in all and of the last epoch
        self._began = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("best", "waited", "elapsed", "epoch")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best, self.waited = float(state_dict["best"]), int(state_dict["waited"])
        self.elapsed, self.epoch = float(state_dict["elapsed"]), float(state_dict["epoch"])

    @property
    def reason(self) -> str:
        """Why the training ends here; empty if it goes on."""
        if self.waited >= self.patience:
            epochs = f"{self.waited} epoch{'s' if self.waited > 1 else ''}"
            return f"patience={self.patience}: no better {lines.name(self.objective)} for {epochs}"
        if self.elapsed + self.epoch > self.budget:
            return f"trainer.max_time={self.max_time}: no time for one more epoch"
        return ""

    def time_remaining(self) -> float | None:
        """Seconds of the budget that are left; None without one."""
        left = self.budget - self.elapsed - (time.monotonic() - self._began)
        return left if left < math.inf else None

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Refuse to continue what has come to its end, unless a kill kept it from its result."""
        folder = Path(trainer.default_root_dir)
        if self.reason and (folder / "last.ckpt").is_file() and not (folder / "result.json").is_file():
            trainer.should_stop = True
        elif self.reason:
            raise UserError(f"ckpt: {self.reason}: type a larger number to continue")
        self._began = time.monotonic()

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Tell the model, whose learning rates fall towards the end, how much time is over."""
        if isinstance(module, GAN) and self.budget < math.inf:
            module.time_share = trainer.strategy.broadcast(self.elapsed / self.budget)

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        value = figures_of_epoch(trainer).get(self.objective)
        if value is not None:  # an epoch that is not judged neither helps nor harms
            self.best, self.waited = (value, 0) if value < self.best else (self.best, self.waited + 1)
        now = time.monotonic()
        self.epoch, self._began = now - self._began, now
        self.elapsed += self.epoch
        reason = trainer.strategy.broadcast(self.reason)  # clocks differ between processes
        if not reason or trainer.current_epoch + 1 == trainer.max_epochs:
            return
        trainer.should_stop = True
        if trainer.is_global_zero:
            terminal.say(f"{reason}: the training ends after epoch {trainer.current_epoch + 1}")
