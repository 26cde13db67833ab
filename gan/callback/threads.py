"""Threads for the cores that are free.

Where other programs take a core, two threads wait for one another and are slower than one.
"""

import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from gan.terminal import say

SECONDS = 3.0  # of training between two looks at the cores
STAT, QUOTA = Path("/proc/stat"), Path("/sys/fs/cgroup/cpu.max")


def busy_seconds(cores: set[int]) -> float:
    """How long ``cores`` have worked since the machine started, summed; NaN where nothing tells."""
    names, ticks = {f"cpu{core}" for core in cores}, 0
    try:
        for line in STAT.read_text().splitlines():
            name, user, nice, system, _, _, interrupts, soft, stolen, *_ = line.split() + ["0"] * 9
            if name in names:
                ticks += sum(map(int, (user, nice, system, interrupts, soft, stolen)))
        return ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):  # not Linux
        return math.nan


def quota() -> float:
    """The cores that the container allows, by its share of time; infinity without a limit."""
    try:
        allowed, period = QUOTA.read_text().split()
        return int(allowed) / int(period)
    except (OSError, ValueError):  # "max", or no such file
        return math.inf


def fitting_threads(cores: int, others: float) -> int:
    """The threads that fit on ``cores`` of which other programs use ``others``, at least 1.

    A core of which they use less than half counts as free: they get no more than a fair share of
    it while this training wants it.
    """
    return max(1, math.floor(cores - others + 0.5))


class Threads(Callback):
    """Lowers the number of threads while the first epoch shows that other programs take the cores.

    Only on the CPU, in a training of one process; several share the cores as they were started.
    """

    def __init__(self) -> None:
        self.cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
        self.is_watching = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        is_alone = trainer.world_size == 1 and trainer.strategy.root_device.type == "cpu"
        self.is_watching = is_alone and torch.get_num_threads() > 1 and not math.isnan(busy_seconds(self.cores))
        self._look()

    def _look(self) -> None:
        self._began, self._busy, self._own = time.perf_counter(), busy_seconds(self.cores), time.process_time()

    def on_train_batch_end(self, trainer: Trainer, *_: Any, **__: Any) -> None:
        if not self.is_watching or (seconds := time.perf_counter() - self._began) < SECONDS:
            return
        busy, own, threads = self._busy, self._own, torch.get_num_threads()
        self._look()
        others = (self._busy - busy - (self._own - own)) / seconds
        fitting = fitting_threads(len(self.cores), others)
        if fitting < threads:
            torch.set_num_threads(fitting)
            taken = f"other programs use {others:.1f} of {len(self.cores)} cores"
            many = f"{fitting} thread{'s' if fitting > 1 else ''} instead of {threads}"
            say(f"{taken}: the training goes on with {many} (trainer.threads={threads} would keep them)")
            self.is_watching = fitting > 1

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.is_watching = False


@contextmanager
def limited(setting: int | str) -> Iterator[list[Callback]]:
    """Set the threads of a training, and afterwards those from before; yields its callbacks.

    "auto" starts with torch's number, or fewer in a container with a limit, and watches the cores;
    where OMP_NUM_THREADS is set, it takes that.
    """
    before = torch.get_num_threads()
    is_free = setting == "auto" and "OMP_NUM_THREADS" not in os.environ
    try:
        if isinstance(setting, int):
            torch.set_num_threads(setting)
        elif is_free and quota() < before:
            torch.set_num_threads(math.ceil(quota()))
        yield [Threads()] if is_free else []
    finally:
        torch.set_num_threads(before)
