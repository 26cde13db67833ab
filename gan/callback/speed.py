"""Speed and peak memory."""

import sys
import time
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer


class Speed(Callback):
    """Logs images per second, seconds of validation per second of training, and peak memory."""

    def __init__(self) -> None:
        self.images, self.training, self.judging = 0, 0.0, 0.0

    def state_dict(self) -> dict[str, Any]:
        return {"images": self.images, "training": self.training, "judging": self.judging}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        vars(self).update(state_dict)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._began = time.perf_counter()

    on_validation_start = on_train_epoch_start

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, *_: Any) -> None:
        now = time.perf_counter()
        self.images += len(batch[0]) * trainer.world_size
        self.training += now - self._began
        self._began = now

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        self.judging += time.perf_counter() - self._began

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        figures = {
            "speed/images": float(self.images),
            "speed/images_per_second": self.images / self.training,
            "speed/judging_per_training": self.judging / self.training,
            "speed/training_minutes": self.training / 60,
            "speed/peak_memory_mib": peak_memory_mib(),
        }
        module.log_dict(figures, sync_dist=True)


def peak_memory_mib() -> float:
    """Return the peak memory of this process in MiB; NaN on Windows."""
    if sys.platform == "linux":  # where getrusage includes the peak of the parent process
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 2**10
    try:
        import resource
    except ImportError:
        return float("nan")
    unit = 1 if sys.platform == "darwin" else 2**10  # macOS counts bytes, others KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
