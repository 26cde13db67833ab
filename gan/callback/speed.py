"""Timing: images per second, the cost of judging, peak memory, and the progress bar."""

import sys
import time
from pathlib import Path
from typing import Any, cast

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import TQDMProgressBar

from gan.data import ImageData


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

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
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
    if sys.platform == "linux":  # where getrusage begins with what the process that started this one had held
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 2**10
    try:
        import resource
    except ImportError:
        return float("nan")
    unit = 1 if sys.platform == "darwin" else 2**10  # macOS counts bytes, others KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


class Progress(TQDMProgressBar):
    """The progress bar: images per second so far and the figure the run is judged by."""

    def __init__(self, objective: str) -> None:
        super().__init__(refresh_rate=10)
        self.objective = objective

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        """What stands behind the bar."""
        shown: dict[str, Any] = {}
        batch = cast(ImageData, trainer.datamodule).batch_size  # type: ignore[attr-defined]
        bar = self.train_progress_bar.format_dict
        shown["images/s"] = round(bar["n"] * batch / max(bar["elapsed"], 1e-9))
        if self.objective in trainer.callback_metrics:
            shown[self.objective] = f"{float(trainer.callback_metrics[self.objective]):.3f}"
        return shown
