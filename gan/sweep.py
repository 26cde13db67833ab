"""Sweeps that lose nothing: a job that fails is noted, one that is finished is skipped, and a table stands at the end."""

import csv
import functools
import json
import logging
import math
import os
import sys
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig

from gan import command, override

log = logging.getLogger(__name__)
Job = Callable[[DictConfig], float]


def job(train: Job) -> Job:
    """Make a training function a job: alone it is as it was; in a sweep it may fail, be skipped, or be taken up again."""

    @functools.wraps(train)
    def run(cfg: DictConfig) -> float:
        if HydraConfig.get().mode != RunMode.MULTIRUN:
            return train(cfg)
        folder, words = Path(cfg.run_dir), command.overrides()
        failed = folder / "failed.json"
        try:
            before = _read(folder / "job.json")
            if before and before["overrides"] != words:
                raise ValueError(f"{folder} holds another job ({' '.join(before['overrides'])}): choose another run_dir")
            if finished := _read(folder / "result.json"):
                return float(finished["objective"])
            failed.unlink(missing_ok=True)
            (folder / "job.json").write_text(json.dumps({"overrides": words}))
            if (folder / "last.ckpt").is_file():
                cfg.ckpt = str(folder / "last.ckpt")
            return train(cfg)
        except Exception as error:
            line = override.explain(error, "train")
            log.error("job %s: %s", folder.name, line, exc_info=not command.expected(error))
            failed.write_text(json.dumps({"overrides": words, "error": line}))
            return math.nan

    return run


class Table(Callback):
    """Hydra's callback around a sweep: divides the cores before it, writes and prints ``results.csv`` after it."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Give each of the jobs that run side by side its share of the cores; their processes inherit the setting."""
        launcher = config.hydra.launcher
        if launcher._target_.endswith("BasicLauncher"):  # one after the other
            return
        words = OverridesParser.create().parse_overrides(list(config.hydra.overrides.task))
        jobs = prod(len(list(word.sweep_string_iterator())) for word in words if word.is_sweep_override())
        at_once = launcher.get("n_jobs", -1)
        import torch

        side_by_side = min(jobs, at_once if at_once > 0 else torch.get_num_threads())
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, torch.get_num_threads() // max(1, side_by_side))))

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Collect every job of the folder, best first; exit status 1 where one failed."""
        folder = Path(config.hydra.sweep.dir)
        rows = sorted(map(_row, folder.glob("*/job.json")), key=lambda row: (math.isnan(row["objective"]), row["objective"]))
        columns = list(dict.fromkeys(key for row in rows for key in row))
        with (folder / "results.csv").open("w", newline="") as file:
            table = csv.DictWriter(file, columns, restval="")
            table.writeheader()
            table.writerows(rows)
        # On the screen, what the sweep varied; all figures (their names have a slash) and settings are in the file.
        varied = [name for name in columns if "/" not in name and len({row.get(name) for row in rows}) > 1]
        print(text(rows, list(dict.fromkeys(["job", "objective", *varied]))))  # noqa: T201
        print(f"results: {folder / 'results.csv'}")  # noqa: T201
        if failures := [row["job"] for row in rows if row.get("error")]:
            sys.exit(  # Hydra turns a callback's exceptions into warnings
                f"error: {len(failures)} of {len(rows)} jobs failed (job {', '.join(failures)}): mend it and run "
                f"the same command with run_dir={folder}: what is finished is not run again"
            )


def _row(noted: Path) -> dict[str, Any]:
    """What is known of one job: its objective, what was asked of it, its figures, or its error."""
    result = _read(noted.with_name("result.json")) or {"objective": math.nan}
    failed = {} if "figures" in result else _read(noted.with_name("failed.json")) or {"error": "not finished"}
    asked = dict(word.lstrip("+").split("=", 1) for word in json.loads(noted.read_text())["overrides"])
    error = {"error": failed["error"]} if failed else {}
    return {"job": noted.parent.name, "objective": result["objective"], **asked, **result.get("figures", {}), **error}


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())) if path.is_file() else {}


def text(rows: list[dict[str, Any]], columns: list[str]) -> str:
    """The table as a person reads it."""

    def cell(value: object) -> str:
        return f"{value:.4g}" if isinstance(value, float) else str(value)

    lines = [columns, *([cell(row.get(column, "")) for column in columns] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines)
