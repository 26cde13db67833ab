"""What a sweep says when a job starts: which of how many it is, and what differs."""

import os
import shlex
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig

from gan import terminal
from gan.cli import jobs, run_folder
from gan.error import printable


class Jobs(Callback):
    """Hydra's callback. What it knows of the sweep goes with it to the processes of the jobs."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Count the jobs. Those that run side by side cannot share a bar."""
        self.typed = list(config.hydra.overrides.task)
        self.asked = jobs.expand(self.typed)
        self.is_parallel = not config.hydra.launcher._target_.endswith("BasicLauncher")
        if self.is_parallel:
            os.environ[terminal.BARS] = "0"

    def on_job_start(self, config: DictConfig, **_: Any) -> None:
        """Say which job of a sweep starts. A single training after a sweep is none of many."""
        if HydraConfig.get().mode != RunMode.MULTIRUN:
            terminal.job, terminal.in_series = "", False
            return
        if not run_folder.is_first_process():
            return
        place = config.hydra.job.num + 1
        own = [word for word in self.asked[place - 1] if word not in self.typed]
        what = printable(shlex.join(own), 400)
        line = f"job {place} of {len(self.asked)}{': ' if own else ''}{what}"
        terminal.announce(line, f"job {place}" if self.is_parallel else "")
